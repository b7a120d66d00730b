// Keyword observe of pair_style mlff: the first potential drives, the others tell a spread now and
// then.
#include "support/lammps_fixture.h"

#include "comm.h"

#include <cmath>

using namespace mlff;
using mlff_test::largest_difference;
using mlff_test::random_potential;
using mlff_test::random_structure;

namespace {

class PairObserve : public mlff_test::LammpsTest {
 protected:
  std::vector<std::string> files;

  void SetUp() override
  {
    LammpsTest::SetUp();
    files = {
        potential_file(random_potential({8, 2, 6, 1e-2}, {6, 8, 1}, 4.0, 1), "a.safetensors"),
        potential_file(random_potential({12, 1, 5, 1e-2}, {1, 7, 8, 6}, 3.5, 2), "b.safetensors"),
        potential_file(random_potential({8, 2, 6, 1e-2}, {8, 6, 1}, 4.0, 3), "c.safetensors")};
  }

  /// A crystal that moves, so fast that atoms go to other ranks; `spread`: something reads it.
  void start_crystal(const std::string &settings, int n_files, bool spread, int n_atoms = 30)
  {
    commands("clear\nunits metal");
    create(random_structure(n_atoms, 5, {7.1, 0, 0, 0, 7.4, 0, 0, 0, 6.9}, {true, true, true}));
    use(settings, n_files);
    commands("atom_modify sort 1 1.5\nneighbor 0.5 bin\nneigh_modify every 2 delay 0 check "
             "no\ntimestep 0.0005\n"
             "velocity all create 900 4711 loop all\nfix 1 all nve\nthermo 1");
    if (spread && settings.empty())
      commands("compute u all mlff/uncertainty\nthermo_style custom step pe press c_u");
    else if (spread)
      commands("compute u all mlff/uncertainty\ncompute p all pair mlff\n"
               "thermo_style custom step pe press c_u c_p[1]");
    else
      command("thermo_style custom step pe press");
  }

  void use(const std::string &settings, int n_files)
  {
    std::string names;
    for (int k = 0; k < n_files; k++) names += files[k] + " ";
    command("pair_style mlff precision double " + settings);
    command("pair_coeff * * " + names + "C O H");
  }

  /// Spread by atom ID, on every rank.
  std::vector<double> spread()
  {
    const double *values = lmp->modify->get_compute_by_id("u")->vector_atom;
    std::vector<double> all(std::size_t(lmp->atom->natoms), 0.0);
    for (int i = 0; i < lmp->atom->nlocal; i++) all[lmp->atom->tag[i] - 1] = values[i];
    return sum_over_ranks(all);
  }

  double observed_step() { return lmp->modify->get_compute_by_id("p")->vector[0]; }

  struct State {
    double energy;
    std::vector<double> positions, forces, virial;
  };
  State state() { return {energy(), positions(), forces(), virial()}; }

  static void expect_same_bits(const State &a, const State &b)
  {
    EXPECT_EQ(a.energy, b.energy);
    EXPECT_EQ(a.positions, b.positions);
    EXPECT_EQ(a.forces, b.forces);
    EXPECT_EQ(a.virial, b.virial);
  }

  std::string text_of_log() const
  {
    std::fflush(nullptr);
    std::ifstream in(log());
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
};

}    // namespace

TEST_F(PairObserve, DrivesWithTheBitsOfTheFirstPotential)
{
  start_crystal("", 1, false);
  command("run 25 post no");
  const State alone = state();
  start_crystal("observe 10", 3, true);
  command("run 25 post no");
  expect_same_bits(state(), alone);
  // nothing that reads the spread
  start_crystal("observe 10", 3, false);
  command("run 25 post no");
  expect_same_bits(state(), alone);
  start_crystal("", 3, true);
  command("run 25 post no");
  EXPECT_GT(largest_difference(positions(), alone.positions), 1e-6)
      << "of little use: the mean of the potentials drives alike";
}

TEST_F(PairObserve, TellsTheSpreadOfTheCommittee)
{
  start_crystal("", 3, true);
  command("run 0 post no");
  const auto committee = spread();
  start_crystal("observe 10", 3, true);
  command("run 0 post no");
  EXPECT_EQ(spread(), committee);
  EXPECT_EQ(observed_step(), 0.0);

  command("run 10 post no");
  const auto observed = spread();
  EXPECT_EQ(observed_step(), 10.0);
  EXPECT_GT(largest_difference(observed, committee), 1e-4) << "of little use: no atom moved";
  use("", 3);
  commands("uncompute p\nthermo_style custom step c_u\nrun 0 post no");
  EXPECT_LT(largest_difference(spread(), observed), 1e-9);
}

// Values stay with their atoms, which change their order and their ranks between observations.
TEST_F(PairObserve, KeepsTheLastSpreadUntilTheNext)
{
  start_crystal("observe 10", 3, true);
  command("run 10 post no");
  const auto observed = spread();
  for (const int step : {11, 14, 19}) {
    command("run " + std::to_string(step - lmp->update->ntimestep) + " pre no post no");
    EXPECT_EQ(spread(), observed) << step;
    EXPECT_EQ(observed_step(), 10.0) << step;
    double largest = 0.0;
    for (const double x : observed) largest = std::max(largest, x);
    EXPECT_EQ(lmp->modify->get_compute_by_id("u")->scalar, largest);
  }
  command("run 1 pre no post no");
  EXPECT_EQ(observed_step(), 20.0);
  EXPECT_GT(largest_difference(spread(), observed), 1e-4);

  // the first forces of a run are observed, whatever their step
  command("run 3 post no");
  command("run 0 post no");
  EXPECT_EQ(observed_step(), 23.0);
}

TEST_F(PairObserve, MinimizesAsTheFirstPotentialDoes)
{
  const auto minimize = [&] {
    commands("unfix 1\nmin_style cg\nminimize 0 0 23 200");
    return state();
  };
  start_crystal("", 1, false, 20);
  const State alone = minimize();
  start_crystal("observe 5", 3, true, 20);
  expect_same_bits(minimize(), alone);
  const auto last = lmp->update->ntimestep;
  EXPECT_GT(last, 5) << "of little use: the minimum was found at once";
  EXPECT_EQ(observed_step(), double(last / 5 * 5));
}

// Atoms that come or go are observed at once: nobody knows the spread of those around them.
TEST_F(PairObserve, ObservesWhenAtomsComeOrGo)
{
  start_crystal("observe 100", 3, true);
  commands("run 3 post no");
  EXPECT_EQ(observed_step(), 0.0);
  commands("region half block INF 3.5 INF INF INF INF\ngroup half region half\n"
           "fix 2 half evaporate 5 1 half 48455");
  commands("run 0 post no");
  commands("run 8 pre no post no");
  EXPECT_LT(lmp->atom->natoms, 30);
  EXPECT_GT(observed_step(), 3.0);
}

TEST_F(PairObserve, WarnsOnObservedStepsOnly)
{
  start_crystal("observe 10 warn 1e-9", 3, false);
  command("run 20 post no");
  expect_in_log("the first potential drives, 2 more observe it every 10 steps");
  expect_in_log("the spread of the forces was above the threshold 90 times");
  start_crystal("warn 1e-9", 3, false);
  command("run 20 post no");
  expect_in_log("the spread of the forces was above the threshold 630 times");
}

TEST_F(PairObserve, IsRefusedWhereItMeansNothing)
{
  commands("units metal");
  create(random_structure(8, 3));
  for (const char *value : {"0", "-3", "often", "2.5"})
    expect_error(std::string("pair_style mlff observe ") + value,
                 {"observe is '" + std::string(value) + "'", "a whole number of steps, 1 or more"});
  expect_error("pair_style mlff observe", {"pair_style mlff observe"});
  expect_error("pair_style mlff observed 3", {"'observed'", "warn, observe, batch"});
  use("observe 10", 1);
  expect_error("run 0", {"observe 10", "pair_coeff names 1", "2 or more potentials"});
  use("observe 10", 2);
  command("run 0 post no");
  expect_in_log("the first potential drives, nothing reads the spread of the others");
}
