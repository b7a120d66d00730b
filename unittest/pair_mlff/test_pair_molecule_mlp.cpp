// pair_style mlff with a model of one molecule: against the engine, with copies, in any order of
// the atoms, and its errors.
#include "data/trajectory.h"
#include "engine/make_engine.h"
#include "models/molecule_mlp/molecule_mlp.h"
#include "support/lammps_fixture.h"

#include "output.h"

#include <cmath>

using namespace mlff;
using mlff_test::largest_difference;

namespace {

class PairMolecule : public mlff_test::LammpsTest {
 protected:
  Structure ethanol;
  Potential potential;

  void SetUp() override
  {
    LammpsTest::SetUp();
    open_trajectory(MLFF_TEST_DATA "/ethanol_gfn2.xyz")->next(ethanol);
    potential = random_molecule(ethanol.numbers, ethanol.positions, {20, 16}, 0);
  }

  void use(const std::string &words = "mlff precision double")
  {
    command("pair_style " + words);
    command("pair_coeff * * " + potential_file(potential) + " C O H");
  }

  std::vector<double> expected(const Structure &structure, double &energy) const
  {
    GraphStorage graph;
    append_graph(structure, potential.elements, potential.cutoff, graph);
    Result result;
    make_engine(potential, {"host", Precision::double_precision, 1})
        ->evaluate(graph.view(), result);
    std::vector<double> forces;
    sum_forces(graph.view(), result, forces);
    energy = 0.0;
    for (const double e : result.energy) energy += e;
    return forces;
  }
};

}    // namespace

TEST_F(PairMolecule, OneRankEqualsEngine)
{
  command("units metal");
  create(ethanol);
  use();
  commands("compute pe all pe/atom\ncompute sum all reduce sum c_pe\nthermo_style custom step pe "
           "c_sum\nrun 0 post no");
  double e;
  const auto f = expected(ethanol, e);
  EXPECT_NEAR(energy(), e, 1e-9);
  EXPECT_LT(largest_difference(forces(), f), 1e-9);
  auto *sum = lmp->modify->get_compute_by_id("sum");
  EXPECT_NEAR(sum->compute_scalar(), e, 1e-9);
  // the virial of forces between the atoms of one open system
  double xx = 0.0;
  for (std::size_t i = 0; i < 9; i++) xx += ethanol.positions[3 * i] * f[3 * i];
  command("variable v equal pxx");
  command("thermo_style custom step pe pxx");
  command("run 0 post no");
  EXPECT_NEAR(virial()[0], xx, 1e-8);
  expect_in_log("C2H6O with 6 permutations");
}

TEST_F(PairMolecule, OneRankSortingOfAtomsDoesNotMatter)
{
  // dynamics with atoms sorted in memory all the time, against dynamics without
  std::vector<double> end[2];
  for (int sorted = 0; sorted < 2; sorted++) {
    start();
    command("units metal");
    create(ethanol, {6, 8, 1},
           sorted ? "atom_modify map array sort 3 1.0" : "atom_modify map array sort 0 0.0");
    use();
    commands("velocity all create 300.0 4711 loop all\nfix nve all nve\ntimestep "
             "0.0001\nneigh_modify every 1 delay 0 check no\nrun 100 post no");
    end[sorted] = positions();
  }
  EXPECT_LT(largest_difference(end[0], end[1]), 1e-7);
}

TEST_F(PairMolecule, OneRankConservesEnergy)
{
  command("units metal");
  create(ethanol);
  use();
  commands("velocity all create 100.0 4711\nfix nve all nve\ntimestep 0.00005\nthermo_style custom "
           "step etotal\nrun 0 post no");
  const auto total = [&] {
    return lammps_get_thermo(lmp.get(), "etotal");
  };
  const double before = total();
  command("run 200 post no");
  EXPECT_NEAR(total(), before, 2e-4);
}

TEST_F(PairMolecule, OneRankCopiesInABox)
{
  command("units metal");
  Structure both = ethanol;
  both.numbers.insert(both.numbers.end(), ethanol.numbers.rbegin(), ethanol.numbers.rend());
  for (std::size_t i = 9; i-- > 0;)
    for (std::size_t a = 0; a < 3; a++)
      both.positions.push_back(ethanol.positions[3 * i + a] + (a == 0 ? 20.0 : 0.0));
  create(both);
  use();
  command("run 0 post no");
  double e;
  const auto f = expected(ethanol, e);
  EXPECT_NEAR(energy(), 2 * e, 1e-9);
  const auto found = forces();
  EXPECT_LT(largest_difference({found.begin(), found.begin() + 27}, f), 1e-9);
  command("displace_atoms all move 0 0 0");
  command("group second id 10:18");
  command("displace_atoms second move -15 0 0");
  expect_error("run 0 post no",
               {"Pair style mlff on timestep", "C4H12O2", "neighbors within the cutoff",
                "one molecule C2H6O"});
}

TEST_F(PairMolecule, OneRankAtomsExchangedBetweenRuns)
{
  // The assignment of atoms is found anew: hydrogens of carbon and oxygen change places, then the
  // isomer dimethyl ether comes.
  command("units metal");
  create(ethanol);
  use();
  command("run 0 post no");
  double e;
  expected(ethanol, e);
  EXPECT_NEAR(energy(), e, 1e-9);
  std::vector<int> hydrogens;
  for (int i = 0; i < 9; i++)
    if (ethanol.numbers[i] == 1) hydrogens.push_back(i);
  Structure exchanged = ethanol;
  char line[160];
  for (std::size_t k = 0; k < hydrogens.size(); k++) {
    const int from = hydrogens[k], to = hydrogens[(k + 1) % hydrogens.size()];
    const double *x = &ethanol.positions[3 * from];
    for (int a = 0; a < 3; a++) exchanged.positions[3 * to + a] = x[a];
    std::snprintf(line, sizeof line, "set atom %d x %.17g y %.17g z %.17g", to + 1, x[0], x[1],
                  x[2]);
    command(line);
  }
  command("run 0 post no");
  const auto f = expected(exchanged, e);
  EXPECT_NEAR(energy(), e, 1e-9);
  EXPECT_LT(largest_difference(forces(), f), 1e-9);
  // a carbon and the oxygen change places
  for (const auto &[from, to] : {std::pair{0, 2}, {2, 0}}) {
    const double *x = &exchanged.positions[3 * from];
    std::snprintf(line, sizeof line, "set atom %d x %.17g y %.17g z %.17g", to + 1, x[0], x[1],
                  x[2]);
    command(line);
  }
  expect_error("run 0 post no", {"Pair style mlff on timestep 0", "bonds"});
}

TEST_F(PairMolecule, OneRankACopyWithinTheCutoffIsLeftOut)
{
  command("units metal");
  Structure both = ethanol;
  both.numbers.insert(both.numbers.end(), ethanol.numbers.begin(), ethanol.numbers.end());
  for (std::size_t k = 0; k < 27; k++)
    both.positions.push_back(ethanol.positions[k] + (k % 3 == 0 ? 4.0 : 0.0));
  create(both);
  use();
  commands("group second id 10:18\nneigh_modify exclude group all second\nrun 0 post no");
  double e;
  auto f = expected(ethanol, e);
  f.resize(54, 0.0);
  EXPECT_NEAR(energy(), e, 1e-9);
  EXPECT_LT(largest_difference(forces(), f), 1e-9);
}

TEST_F(PairMolecule, OneRankRefusesOtherMolecules)
{
  command("units metal");
  Structure other = ethanol;
  other.numbers[2] = 6;
  create(other);
  use();
  expect_error("run 0 post no",
               {"Pair style mlff on timestep 0", "C3H6", "the model is of C2H6O alone"});
}

TEST_F(PairMolecule, OneRankEnsemble)
{
  command("units metal");
  create(ethanol);
  Potential other = random_molecule(ethanol.numbers, ethanol.positions, {12}, 1, 7);
  command("pair_style mlff precision double");
  command("pair_coeff * * " + potential_file(potential) + " " +
          potential_file(other, "other.safetensors") + " C O H");
  command("run 0 post no");
  double a, b;
  expected(ethanol, a);
  std::swap(potential, other);
  expected(ethanol, b);
  EXPECT_NEAR(energy(), 0.5 * (a + b), 1e-9);
}

TEST_F(PairMolecule, RefusesSeveralRanks)
{
  if (n_ranks == 1) GTEST_SKIP() << "on several ranks only";
  command("units metal");
  create(ethanol);
  use();
  expect_error("run 0 post no",
               {"test.safetensors", "model of one molecule", "one MPI rank",
                "found " + std::to_string(n_ranks)});
}

#ifndef MLFF_PLUGIN
TEST_F(PairMolecule, OneRankKokkosIsRefused)
{
  if (lmp->kokkos == nullptr) start({"-k", "on", "t", "1", "-sf", "kk"});
  if (lmp->kokkos == nullptr) GTEST_SKIP() << "this LAMMPS has no Kokkos";
  command("units metal");
  create(ethanol);
  use();
  expect_error(
      "run 0 post no",
      {"mlff/kk does not run model 'molecule-mlp'", "test.safetensors", "use pair style mlff"});
}
#endif
