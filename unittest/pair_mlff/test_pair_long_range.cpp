// pair_style mlff with a long-range block: against the engine, on any number of ranks, and its
// errors.
#include "engine/make_engine.h"
#include "models/long_range/long_range_sizes.h"
#include "support/lammps_fixture.h"

#include "domain.h"

#include <cmath>

using namespace mlff;
using mlff_test::largest_difference;
using mlff_test::random_potential;
using mlff_test::random_structure;

namespace {

Potential long_range(int layers)
{
  LongRangeSizes block_sizes;
  block_sizes.layers = layers;
  block_sizes.heads = 2;
  block_sizes.key_width = 4;
  block_sizes.value_width = 3;
  block_sizes.kappa_count = 3;
  block_sizes.kappa_max = 0.5;
  Potential potential = random_potential({8, 2, 6, 1e-2}, {6, 8, 1}, 3.0, 5, &block_sizes);
  for (auto &[name, tensor] : potential.tensors)
    if (name.ends_with("_gate"))
      for (double &x : tensor.values) x = float(0.5 + 5.0 * x);
  return potential;
}

/// Two clusters with room between them: on several ranks some have no atom.
Structure two_clusters()
{
  Structure both = random_structure(6, 3);
  const Structure other = random_structure(7, 4);
  both.numbers.insert(both.numbers.end(), other.numbers.begin(), other.numbers.end());
  for (std::size_t k = 0; k < other.positions.size(); k++)
    both.positions.push_back(other.positions[k] + (k % 3 == 0 ? -16.0 : k % 3 == 1 ? 4.0 : -7.0));
  return both;
}

struct Expected {
  double energy;
  std::vector<double> forces, virial;
};

Expected evaluate(const Potential &potential, const Structure &structure, LongRangeForm form)
{
  GraphStorage graph;
  append_graph(structure, potential.elements, potential.cutoff, graph);
  Result result;
  EngineOptions options{"host", Precision::double_precision, 1};
  options.long_range = form;
  make_engine(potential, options)->evaluate(graph.view(), result);
  Expected out{result.energy[0], {}, std::vector<double>(6, 0.0)};
  sum_forces(graph.view(), result, out.forces);
  const int first[6] = {0, 1, 2, 0, 0, 1}, second[6] = {0, 1, 2, 1, 2, 2};
  // symmetric parts: torques of edges and of positions are zero only together
  for (int k = 0; k < 6; k++) {
    const auto add = [&](const double *r, const double *g) {
      out.virial[k] -= 0.5 * (r[first[k]] * g[second[k]] + r[second[k]] * g[first[k]]);
    };
    for (std::size_t e = 0; e < graph.neighbor.size(); e++)
      add(&graph.r[3 * e], &result.gradient[3 * e]);
    if (graph.cell.empty())
      for (int i = 0; i < structure.n_atoms(); i++)
        add(&graph.position[3 * i], &result.position_gradient[3 * i]);
    else
      for (int i = 0; i < structure.n_atoms(); i++)
        out.virial[k] -= result.strain_gradient[6 * i + k];
  }
  return out;
}

class PairFmm : public mlff_test::LammpsTest {
 protected:
  Potential potential = long_range(1);

  void use(const std::string &style)
  {
    command("pair_style mlff precision double " + style);
    command("pair_coeff * * " + potential_file(potential) + " C O H");
  }

  void expect_equal(const Expected &expected, double tolerance)
  {
    EXPECT_NEAR(energy(), expected.energy, tolerance * std::max(1.0, std::abs(expected.energy)));
    double scale = 1.0;
    for (const double f : expected.forces) scale = std::max(scale, std::abs(f));
    EXPECT_LT(largest_difference(forces(), expected.forces), tolerance * scale);
    EXPECT_LT(largest_difference(virial(), expected.virial), 30.0 * tolerance * scale);
  }
};

TEST_F(PairFmm, EqualsEngineOnAnyNumberOfRanks)
{
  for (const auto &[layers, newton] : {std::pair{1, "on"}, {2, "off"}}) {
    potential = long_range(layers);
    command("clear");
    command("units metal");
    command(std::string("newton ") + newton);
    const Structure structure = two_clusters();
    create(structure);
    use("fmm linear");
    commands("compute stress all stress/atom NULL virial\n"
             "compute vsum all reduce sum c_stress[1] c_stress[2] c_stress[3] c_stress[4] "
             "c_stress[5] c_stress[6]\n"
             "thermo_style custom step pe press c_vsum[1] c_vsum[2] c_vsum[3] c_vsum[4] c_vsum[5] "
             "c_vsum[6]\nrun 0 post no");
    const auto linear = evaluate(potential, structure, LongRangeForm::linear),
               direct = evaluate(potential, structure, LongRangeForm::direct);
    expect_equal(linear, 1e-10);
    auto *sum = lmp->modify->get_compute_by_id("vsum");
    for (int k = 0; k < 6; k++)
      EXPECT_NEAR(-sum->vector[k] / lmp->force->nktv2p, linear.virial[k], 1e-8) << k;
    use("");
    command("run 0 post no");
    expect_equal(n_ranks > 1 && kokkos ? linear : direct, 1e-10);
    expect_in_log("long range direct or linear");
  }
}

TEST_F(PairFmm, DirectFormOnAnyNumberOfRanks)
{
  if (kokkos) GTEST_SKIP() << "mlff/kk has the linear form on several ranks";
  for (const auto &[layers, n] : {std::pair{1, 150}, {2, 61}}) {
    potential = long_range(layers);
    const Structure structure = random_structure(n, 7);
    const auto expected = evaluate(potential, structure, LongRangeForm::direct);
    for (const char *threads : {"1", "3"}) {
      command("clear");
      command("units metal");
      create(structure);
      use(std::string("fmm direct threads ") + threads);
      command("run 0 post no");
      expect_equal(expected, 1e-10);
      commands(
          "velocity all create 300 99 mom yes\nfix 1 all nve\ntimestep 0.00002\nrun 5 post no");
      Structure moved = structure;
      moved.positions = positions();
      expect_equal(evaluate(potential, moved, LongRangeForm::direct), 1e-10);
    }
    // Single precision uses splines.
    command("pair_style mlff precision single fmm direct");
    commands("pair_coeff * * " + potential_file(potential) + " C O H\nrun 0 post no");
    Structure now = structure;
    now.positions = positions();
    expect_equal(evaluate(potential, now, LongRangeForm::direct), 1e-4);
  }
}

TEST_F(PairFmm, PeriodicBoxOnAnyNumberOfRanks)
{
  for (const auto &[layers, cell] :
       {std::pair{1, std::array<double, 9>{11, 0, 0, 0, 13, 0, 0, 0, 12}},
        {2, {11, 0, 0, 2, 12, 0, -1, 3, 14}}}) {
    potential = long_range(layers);
    commands("clear\nunits metal");
    const Structure structure = random_structure(21, 8, cell, {true, true, true});
    create(structure);
    use("");
    commands("compute stress all stress/atom NULL virial\n"
             "compute vsum all reduce sum c_stress[1] c_stress[2] c_stress[3] c_stress[4] "
             "c_stress[5] c_stress[6]\n"
             "thermo_style custom step pe press c_vsum[1] c_vsum[2] c_vsum[3] c_vsum[4] c_vsum[5] "
             "c_vsum[6]\nrun 0 post no");
    const auto expected = evaluate(potential, structure, LongRangeForm::linear);
    expect_equal(expected, 1e-10);
    auto *sum = lmp->modify->get_compute_by_id("vsum");
    for (int k = 0; k < 6; k++)
      EXPECT_NEAR(-sum->vector[k] / lmp->force->nktv2p, expected.virial[k], 1e-8) << k;

    // the block follows atoms through the boundary and the box as it changes
    commands("velocity all create 3000 99 mom yes\nfix 1 all nve\nfix 2 all deform 1 x scale 1.1 y "
             "scale 0.95 z scale 1.02\ntimestep 0.0005\n"
             "neigh_modify every 1 delay 0 check yes\nrun 20 post no\nunfix 2\nrun 0 post no");
    Structure moved = structure;
    moved.positions = positions();
    const auto *domain = lmp->domain;
    moved.cell = {domain->xprd, 0,          0,           domain->xy, domain->yprd, 0,
                  domain->xz,   domain->yz, domain->zprd};
    EXPECT_NEAR(moved.cell[0], 1.1 * cell[0], 1e-9);
    expect_equal(evaluate(potential, moved, LongRangeForm::linear), 1e-10);
  }
}

TEST_F(PairFmm, WarnsOfChargeInAPeriodicBox)
{
  commands("units metal\natom_style charge\natom_modify map array\nboundary p p p\nregion box "
           "block 0 12 0 12 0 12\ncreate_box 3 box\n"
           "create_atoms 1 single 1 1 1 units box\ncreate_atoms 2 single 2 2 2 units "
           "box\ncreate_atoms 3 single 7 7 7 units box\nmass * 12.0\nset type 1 "
           "charge 0.75");
  use("");
  command("run 0 post no");
  expect_in_log("charges sum to 0.75 e in a periodic box");
}

TEST_F(PairFmm, VirialIsTheStrainDerivative)
{
  command("units metal");
  const Structure structure = two_clusters();
  create(structure);
  use("");
  command("run 0 post no");
  const auto found = virial();
  const int first[6] = {0, 1, 2, 0, 0, 1}, second[6] = {0, 1, 2, 1, 2, 2};
  const double h = 1e-5;
  for (int k = 0; k < 6; k++) {
    double slope = 0.0;
    for (const auto &[step, factor] : {std::pair{1, 8.0}, {-1, -8.0}, {2, -1.0}, {-2, 1.0}}) {
      Structure strained = structure;
      for (int i = 0; i < structure.n_atoms(); i++) {
        strained.positions[3 * i + first[k]] +=
            0.5 * step * h * structure.positions[3 * i + second[k]];
        strained.positions[3 * i + second[k]] +=
            0.5 * step * h * structure.positions[3 * i + first[k]];
      }
      slope += factor * evaluate(potential, strained, LongRangeForm::direct).energy / (12.0 * h);
    }
    EXPECT_NEAR(found[k], -slope, 1e-6 * std::max(1.0, std::abs(slope))) << k;
  }
}

TEST_F(PairFmm, FollowsAtoms)
{
  command("units metal");
  const Structure structure = two_clusters();
  create(structure);
  use("fmm linear");
  commands("velocity all create 3000 99 mom yes\nfix 1 all nve\ntimestep 0.0005\nneigh_modify "
           "every 1 delay 0 check yes\nrun 20 post no");
  Structure moved = structure;
  moved.positions = positions();
  EXPECT_GT(largest_difference(moved.positions, structure.positions), 0.1);
  expect_equal(evaluate(potential, moved, LongRangeForm::linear), 1e-10);
}

TEST_F(PairFmm, BatchOneRank)
{
  for (const bool periodic : {false, true}) {
    commands("clear\nunits metal");
    const Structure structure = periodic
        ? random_structure(21, 8, {11, 0, 0, 0, 13, 0, 0, 0, 12}, {true, true, true})
        : two_clusters();
    create(structure);
    use("batch on");
    command("run 2 post no");
    expect_equal(evaluate(potential, structure, LongRangeForm::automatic), 1e-10);
  }
}

TEST_F(PairFmm, MeanWithALocalPotential)
{
  command("units metal");
  const Structure structure = two_clusters();
  create(structure);
  Potential local = random_potential({8, 2, 6, 1e-2}, {6, 8, 1}, 4.0, 11);
  const std::string coefficients = "pair_coeff * * " + potential_file(potential) + " " +
      potential_file(local, "local.safetensors") + " C O H";
  command("pair_style mlff precision double fmm linear");
  if (kokkos) {
    expect_error(coefficients, {"mlff/kk runs one potential"});
    return;
  }
  commands(coefficients + "\nrun 0 post no");
  const auto a = evaluate(potential, structure, LongRangeForm::linear);
  GraphStorage graph;
  append_graph(structure, local.elements, local.cutoff, graph);
  Result result;
  make_engine(local, {"host", Precision::double_precision, 1})->evaluate(graph.view(), result);
  std::vector<double> mean;
  sum_forces(graph.view(), result, mean);
  for (std::size_t k = 0; k < mean.size(); k++) mean[k] = 0.5 * (mean[k] + a.forces[k]);
  EXPECT_NEAR(energy(), 0.5 * (a.energy + result.energy[0]), 1e-8);
  EXPECT_LT(largest_difference(forces(), mean), 1e-9);
}

TEST_F(PairFmm, RefusesSystemsOutOfReach)
{
  // lost atoms, or a file with too few directions: the message has the step and what to change
  LongRangeSizes block_sizes = long_range_sizes(potential);
  block_sizes.directions = 50;
  Potential few = random_potential({8, 2, 6, 1e-2}, {6, 8, 1}, 3.0, 5, &block_sizes);
  command("units metal");
  create(two_clusters());
  commands("pair_style mlff precision double fmm linear\npair_coeff * * " +
           potential_file(few, "few.safetensors") + " C O H");
  expect_error("run 0",
               {kokkos ? "mlff/kk on timestep 0" : "mlff on timestep 0", "50 directions",
                "fmm_directions", "direct form"});
  commands("clear\nunits metal");
  create(random_structure(3, 1, {5, 0, 0, 0, 5, 0, 0, 0, 5}, {true, true, true}));
  use("");
  expect_error("run 0", {"on timestep 0", "sees nothing in this cell", "use a larger cell"});
}

TEST_F(PairFmm, MemoryOfTheBlockCounts)
{
  command("units metal");
  create(two_clusters());
  use("fmm linear");
  command("run 0 post no");
  const double with = sum_over_ranks({lmp->force->pair->memory_usage()})[0];
  Potential local = random_potential({8, 2, 6, 1e-2}, {6, 8, 1}, 3.0, 5);
  commands("pair_style mlff precision double\npair_coeff * * " +
           potential_file(local, "local.safetensors") + " C O H\nrun 0 post no");
  EXPECT_GT(with,
            sum_over_ranks({lmp->force->pair->memory_usage()})[0] +
                100.0 * double(lmp->atom->natoms));
}

TEST_F(PairFmm, Refuses)
{
  command("units metal");
  create(random_structure(6, 1, {9, 0, 0, 0, 9, 0, 0, 0, 9}, {true, true, false}));
  expect_error("pair_style mlff fmm fast", {"mlff fmm 'fast'", "accepted: auto, direct, linear"});
  expect_error("pair_style mlff engine", {"missing argument"});
  use("");
  expect_error("run 0",
               {"test.safetensors", "model painn-fmm",
                "open or periodic in all directions, found boundary pp pp ff",
                "accepted: p p p, or f, s or m"});
  command("clear");
  command("units metal");
  create(random_structure(6, 1, {9, 0, 0, 0, 9, 0, 0, 0, 9}, {true, true, true}));
  use("fmm direct");
  expect_error("run 0",
               {"fmm direct is for open boxes, found boundary pp pp pp",
                "accepted in a periodic box: auto, linear"});
  command("clear");
  command("units metal");
  create(two_clusters());
  if (n_ranks == 1 || !kokkos) return;
  use("fmm direct");
  expect_error("run 0",
               {"mlff/kk fmm direct needs all atoms on one MPI rank per partition, found " +
                    std::to_string(n_ranks),
                "accepted: auto, linear"});
}

}    // namespace
