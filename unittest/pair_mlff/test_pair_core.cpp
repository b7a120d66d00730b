// pair_style mlff with the repulsive core of a potential: against the engine, and in collisions.
#include "engine/make_engine.h"
#include "support/lammps_fixture.h"

#include <cmath>

using namespace mlff;
using mlff_test::largest_difference;
using mlff_test::random_potential;
using mlff_test::random_structure;

namespace {

const std::array<double, 9> triclinic = {8.1, 0, 0, 1.3, 7.7, 0, -0.9, 1.1, 8.6};

class PairCore : public mlff_test::LammpsTest {
 protected:
  Potential potential = random_potential({8, 2, 6, 1e-2});

  void SetUp() override
  {
    LammpsTest::SetUp();
    potential.core = covalent_cores(potential.elements);
  }

  void use(const std::string &style = "mlff precision double")
  {
    command("pair_style " + style);
    command("pair_coeff * * " + potential_file(potential) + " C O H");
  }

  /// A structure with pairs that are nearer than the outer, and one nearer than the inner radius.
  static Structure close_structure(bool periodic)
  {
    Structure structure = periodic ? random_structure(40, 7, triclinic, {true, true, true})
                                   : random_structure(14, 3);
    const auto bring = [&](int i, int j, double d) {
      for (int a = 0; a < 3; a++) structure.positions[3 * j + a] = structure.positions[3 * i + a];
      structure.positions[3 * j + (j % 3)] += d;
    };
    bring(0, 1, 0.5);
    bring(4, 7, 0.8);
    bring(2, 5, 0.38);
    // into the cell, as create_atoms wants them
    for (int i = 0; periodic && i < structure.n_atoms(); i++) {
      const auto &h = structure.cell;
      double *x = &structure.positions[3 * i];
      const double c = x[2] / h[8], b = (x[1] - c * h[7]) / h[4],
                   a = (x[0] - b * h[3] - c * h[6]) / h[0];
      for (int k = 0; k < 3; k++)
        x[k] -= std::floor(a) * h[k] + std::floor(b) * h[3 + k] + std::floor(c) * h[6 + k];
    }
    return structure;
  }

  void expect_engine(const Structure &structure, const std::string &style, double tolerance)
  {
    commands("clear\nunits metal");
    create(structure);
    use(style);
    command("run 0 post no");
    GraphStorage graph;
    append_graph(structure, potential.elements, potential.cutoff, graph);
    Result result, bare;
    std::vector<double> expected, bare_forces;
    EngineOptions options{"host", Precision::double_precision, 1, "cpu", Filter::exact};
    make_engine(potential, options)->evaluate(graph.view(), result);
    sum_forces(graph.view(), result, expected);
    double most = 0.0;
    for (const double f : expected) most = std::max(most, std::abs(f));
    EXPECT_NEAR(energy(), result.energy[0], tolerance * std::abs(result.energy[0])) << style;
    EXPECT_LT(largest_difference(forces(), expected), tolerance * most) << style;
    std::vector<double> sum(6, 0.0);
    const int first[6] = {0, 1, 2, 0, 0, 1}, second[6] = {0, 1, 2, 1, 2, 2};
    for (std::size_t e = 0; e < graph.neighbor.size(); e++)
      for (int k = 0; k < 6; k++)
        sum[k] -= graph.r[3 * e + first[k]] * result.gradient[3 * e + second[k]];
    EXPECT_LT(largest_difference(virial(), sum), tolerance * most) << style;

    Potential network = potential;
    network.core.clear();
    make_engine(network, options)->evaluate(graph.view(), bare);
    EXPECT_GT(result.energy[0] - bare.energy[0], 10.0) << "of little use: the core is small";
  }
};

}    // namespace

TEST_F(PairCore, EqualsTheEngine)
{
  for (const bool periodic : {false, true}) {
    const Structure structure = close_structure(periodic);
    expect_engine(structure, "mlff precision double", 1e-10);
    expect_engine(structure, "mlff precision single", 2e-4);
#ifdef MLFF_TORCH
    if (!kokkos && n_ranks == 1)
      expect_engine(structure, "mlff engine torch precision double device cpu", 1e-10);
#endif
  }
}

// What the core is for: two atoms on their way into each other come back, with the energy that they
// had.
TEST_F(PairCore, TurnsCollidingAtomsRound)
{
  const int numbers[] = {6, 8, 1};
  for (int one = 0; one < 3; one++)
    for (int other = one; other < 3; other++) {
      commands("clear\nunits metal");
      Structure pair;
      pair.numbers = {numbers[one], numbers[other]};
      pair.positions = {0, 0, 0, 0.3, 0, 0};
      create(pair);
      use();
      command("run 0 post no");
      EXPECT_GT(forces()[3], 20.0) << one << "-" << other;
      EXPECT_LT(forces()[0], -20.0) << one << "-" << other;
    }

  commands("clear\nunits metal");
  Structure pair;
  pair.numbers = {6, 8};
  pair.positions = {0, 0, 0, 2.5, 0, 0};
  create(pair);
  use();
  commands("neighbor 1.0 bin\nneigh_modify every 1 delay 0 check yes\ntimestep 2e-5\n"
           "group second id 2\nvelocity second set -400.0 0 0\nfix 1 all nve\n"
           "thermo_style custom step pe ke etotal\nrun 0 post no");
  const auto total = [&] {
    double kinetic = 0.0;
    for (int i = 0; i < lmp->atom->nlocal; i++)
      for (int a = 0; a < 3; a++)
        kinetic += 0.5 * 12.0 * lmp->force->mvv2e * std::pow(lmp->atom->v[i][a], 2);
    return energy() + sum_over_ranks({kinetic})[0];
  };
  const double start = total();
  double nearest = 9.0;
  for (int k = 0; k < 60; k++) {
    command("run 10 post no");
    const auto x = positions();
    nearest = std::min(nearest, std::abs(x[3] - x[0]));
  }
  EXPECT_LT(nearest, 0.7) << "of little use: the atoms did not come near";
  EXPECT_GT(positions()[3] - positions()[0], nearest + 0.3) << "the atoms did not turn round";
  EXPECT_NEAR(total(), start, 1e-3 * std::abs(start));
}
