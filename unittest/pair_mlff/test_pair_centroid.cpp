// Per-atom virials of pair_style mlff: sums, centroid virials by their definition, and the heat
// flux that follows from them.
#include "engine/make_engine.h"
#include "support/lammps_fixture.h"

#include <cmath>

using namespace mlff;
using mlff_test::largest_difference;
using mlff_test::random_potential;
using mlff_test::random_structure;

namespace {

const std::array<double, 9> triclinic = {8.1, 0, 0, 1.3, 7.7, 0, -0.9, 1.1, 8.6};
// components of Pair::cvatom
constexpr int first[9] = {0, 1, 2, 0, 0, 1, 1, 2, 2}, second[9] = {0, 1, 2, 1, 2, 2, 0, 0, 1};

double largest(const std::vector<double> &values)
{
  double most = 0.0;
  for (const double x : values) most = std::max(most, std::abs(x));
  return most;
}

class PairCentroid : public mlff_test::LammpsTest {
 protected:
  void start(const Structure &structure, const Potential &potential,
             const std::string &style = "mlff precision double")
  {
    commands("clear\nunits metal");
    create(structure);
    command("pair_style " + style);
    command("pair_coeff * * " + potential_file(potential) + " C O H");
  }

  /// Columns of values of owned atoms by atom ID, [natoms][columns], on every rank.
  std::vector<double> by_id(double **values, int columns)
  {
    std::vector<double> all(std::size_t(columns) * std::size_t(lmp->atom->natoms), 0.0);
    for (int i = 0; i < lmp->atom->nlocal; i++)
      for (int k = 0; k < columns; k++)
        all[std::size_t(columns) * (lmp->atom->tag[i] - 1) + k] = values[i][k];
    return sum_over_ranks(all);
  }

  /// Virials of atoms, eV, by a compute whose pressures are in bar.
  std::vector<double> atom_virials(const std::string &id, int columns)
  {
    auto values = by_id(lmp->modify->get_compute_by_id(id)->array_atom, columns);
    for (double &x : values) x /= -lmp->force->nktv2p;
    return values;
  }

  static std::vector<double> sum_of(const std::vector<double> &values, int columns)
  {
    std::vector<double> sum(columns, 0.0);
    for (std::size_t k = 0; k < values.size(); k++) sum[k % std::size_t(columns)] += values[k];
    return sum;
  }

  void run_with_computes()
  {
    commands("compute half all stress/atom NULL virial\n"
             "compute centroid all centroid/stress/atom NULL virial\n"
             "compute halves all reduce sum c_half[1] c_half[4]\n"
             "compute whole all reduce sum c_centroid[1] c_centroid[9]\n"
             "thermo_style custom step pe press c_halves[1] c_whole[2]\nrun 0 post no");
  }

  /// Both sums are the virial, of which the centroid one has both triangles.
  void expect_sums(double tolerance)
  {
    const auto total = virial();
    const auto half = sum_of(atom_virials("half", 6), 6),
               centroid = sum_of(atom_virials("centroid", 9), 9);
    EXPECT_LT(largest_difference(half, total), tolerance);
    for (int k = 0; k < 9; k++) EXPECT_NEAR(centroid[k], total[k < 6 ? k : k - 3], tolerance) << k;
    EXPECT_GT(largest(total), 1.0) << "of little use: there is no virial";
  }
};

}    // namespace

TEST_F(PairCentroid, GivesEachEdgeToItsNeighbor)
{
  const Potential potential = random_potential({8, 2, 6, 1e-2});
  std::vector<std::string> styles = {"mlff precision double"};
#ifdef MLFF_TORCH
  if (!kokkos && n_ranks == 1) styles.emplace_back("mlff engine torch precision double device cpu");
#endif
  for (const auto &style : styles)
    for (const bool periodic : {false, true}) {
      Structure structure = random_structure(14, 3);
      if (periodic) {
        structure = random_structure(30, 5, {7.1, 0, 0, 0, 7.4, 0, 0, 0, 6.9}, {true, true, true});
      }
      start(structure, potential, style);
      run_with_computes();
      expect_sums(1e-9);

      GraphStorage graph;
      append_graph(structure, potential.elements, potential.cutoff, graph);
      Result result;
      make_engine(potential, {"host", Precision::double_precision, 1})
          ->evaluate(graph.view(), result);
      std::vector<double> expected(9 * std::size_t(structure.n_atoms()), 0.0);
      for (std::size_t e = 0; e < graph.neighbor.size(); e++)
        for (int k = 0; k < 9; k++)
          expected[9 * std::size_t(graph.neighbor[e]) + k] -=
              graph.r[3 * e + first[k]] * result.gradient[3 * e + second[k]];
      EXPECT_LT(largest_difference(atom_virials("centroid", 9), expected), 1e-9) << style;
      double twist = 0.0;
      for (int i = 0; i < structure.n_atoms(); i++)
        twist = std::max(twist, std::abs(expected[9 * i + 3] - expected[9 * i + 6]));
      EXPECT_GT(twist, 1e-2) << "of little use: virials of atoms are symmetric";
    }
}

TEST_F(PairCentroid, AddsUpInTiltedBoxesAndWithALongRangeBlock)
{
  start(random_structure(12, 7, {4.9, 0, 0, 1.1, 4.6, 0, -0.7, 0.9, 5.3}, {true, true, true}),
        random_potential({8, 2, 6, 1e-2}));
  run_with_computes();
  expect_sums(1e-9);

  LongRangeSizes block;
  block.layers = 1;
  block.heads = 2;
  block.key_width = 4;
  block.value_width = 3;
  block.kappa_count = 4;
  const Potential far = random_potential({8, 2, 6, 1e-2}, {6, 8, 1}, 3.0, 5, &block);
  for (const Structure &structure :
       {random_structure(14, 3),
        random_structure(30, 5, {7.1, 0, 0, 0, 7.4, 0, 0, 0, 6.9}, {true, true, true})}) {
    start(structure, far, "mlff precision double fmm linear");
    run_with_computes();
    const auto total = virial();
    const auto centroid = sum_of(atom_virials("centroid", 9), 9);
    for (int k = 0; k < 6; k++) {
      const double both = k < 3 ? centroid[k] : 0.5 * (centroid[k] + centroid[k + 3]);
      EXPECT_NEAR(both, total[k], 1e-8 * std::max(1.0, largest(total))) << k;
    }
  }
}

// In an open system the heat flux is the derivative by time of sum r_i E_i, energies of atoms
// weighted by where they are. With one layer the energy of an atom depends on its own edges alone,
// and the centroid virial gives just that; with more layers it does not.
TEST_F(PairCentroid, GivesTheHeatFluxOfOneLayer)
{
  for (const int layers : {1, 2}) {
    const Structure structure = random_structure(14, 3);
    const Potential potential = random_potential({8, layers, 6, 1e-2});
    start(structure, potential);
    commands("velocity all create 3000 4711 loop all\nfix 1 all nve\n"
             "compute ke all ke/atom\ncompute pe all pe/atom\n"
             "compute half all stress/atom NULL virial\n"
             "compute centroid all centroid/stress/atom NULL virial\n"
             "compute flux all heat/flux ke pe centroid\ncompute wrong all heat/flux ke pe half\n"
             "thermo_style custom step pe c_flux[1] c_wrong[1]\nrun 0 post no");
    const auto x = positions(), f = forces(), v = by_id(lmp->atom->v, 3);
    const double mass = 12.0, mvv2e = lmp->force->mvv2e;
    const auto engine = make_engine(potential, {"host", Precision::double_precision, 1});
    const auto moment = [&](double t) {
      Structure moved = structure;
      for (std::size_t k = 0; k < x.size(); k++) moved.positions[k] = x[k] + t * v[k];
      GraphStorage graph;
      append_graph(moved, potential.elements, potential.cutoff, graph);
      Result result;
      engine->evaluate(graph.view(), result);
      std::array<double, 3> sum = {0.0, 0.0, 0.0};
      for (int i = 0; i < structure.n_atoms(); i++) {
        double energy = result.atom_energy[i];
        for (int k = 3 * i; k < 3 * i + 3; k++) {
          const double velocity = v[k] + t * f[k] * lmp->force->ftm2v / mass;
          energy += 0.5 * mass * mvv2e * velocity * velocity;
        }
        for (int a = 0; a < 3; a++) sum[a] += moved.positions[3 * i + a] * energy;
      }
      return sum;
    };
    const double h = 2e-5;
    double size = 0.0, difference = 0.0, wrong = 0.0;
    for (int a = 0; a < 3; a++) {
      const double expected =
          (8 * (moment(h)[a] - moment(-h)[a]) - (moment(2 * h)[a] - moment(-2 * h)[a])) / (12 * h);
      size = std::max(size, std::abs(expected));
      difference = std::max(difference,
                            std::abs(lmp->modify->get_compute_by_id("flux")->vector[a] - expected));
      wrong =
          std::max(wrong, std::abs(lmp->modify->get_compute_by_id("wrong")->vector[a] - expected));
    }
    if (layers == 1)
      EXPECT_LT(difference, 1e-6 * size);
    else
      EXPECT_GT(difference, 1e-4 * size) << "the page says that this is not the heat flux";
    EXPECT_GT(wrong, 1e-3 * size) << "of little use: half of an edge each gives the same";
  }
}
