// pair_style mlff with several potentials against runs with each of them, compute mlff/uncertainty,
// and the warnings.
#include "support/lammps_fixture.h"

#include <algorithm>
#include <cmath>

using namespace mlff;
using mlff_test::largest_difference;
using mlff_test::random_potential;
using mlff_test::random_structure;

namespace {

const std::array<double, 9> triclinic = {8.1, 0, 0, 1.3, 7.7, 0, -0.9, 1.1, 8.6};

struct Values {
  double energy;
  std::vector<double> forces, virial, atom_energy, atom_stress, spread;
};

/// Moves atoms into the cell, as create_atoms wants them.
void wrap(Structure &structure)
{
  const auto &h = structure.cell;
  for (int i = 0; i < structure.n_atoms(); i++) {
    double *x = &structure.positions[3 * i];
    double z = x[2] / h[8], y = (x[1] - z * h[7]) / h[4], a = (x[0] - y * h[3] - z * h[6]) / h[0];
    for (double *fraction : {&a, &y, &z}) *fraction -= std::floor(*fraction);
    x[0] = a * h[0] + y * h[3] + z * h[6];
    x[1] = y * h[4] + z * h[7];
    x[2] = z * h[8];
  }
}

class PairMLFFEnsemble : public mlff_test::LammpsTest {
 protected:
  const std::string style = "mlff precision double";

  /// Members that differ in weights, sizes, order of elements and, if asked for, cutoff.
  std::vector<std::string> write_potentials(const std::vector<double> &cutoffs = {4.0, 4.0, 4.0})
  {
    return {
        potential_file(random_potential({8, 2, 6}, {6, 8, 1}, cutoffs[0], 1), "a.safetensors"),
        potential_file(random_potential({12, 1, 5}, {1, 7, 8, 6}, cutoffs[1], 2), "b.safetensors"),
        potential_file(random_potential({8, 2, 6}, {8, 6, 1}, cutoffs[2], 3), "c.safetensors")};
  }

  static std::string joined(const std::vector<std::string> &words)
  {
    std::string text;
    for (const auto &word : words) text += word + " ";
    return text;
  }

  void use(const std::vector<std::string> &files,
           const std::string &settings = "mlff precision double")
  {
    command("pair_style " + settings);
    command("pair_coeff * * " + joined(files) + "C O H");
  }

  /// Values of owned atoms by atom ID, on every rank.
  std::vector<double> by_id(const double *values)
  {
    std::vector<double> all(std::size_t(lmp->atom->natoms), 0.0);
    for (int i = 0; i < lmp->atom->nlocal; i++) all[lmp->atom->tag[i] - 1] = values[i];
    return sum_over_ranks(all);
  }

  std::vector<double> spread(const std::string &id = "u")
  {
    return by_id(lmp->modify->get_compute_by_id(id)->vector_atom);
  }

  /// One evaluation of a structure, everything that the pair style gives.
  Values evaluate(const Structure &structure, const std::vector<std::string> &files,
                  const std::string &newton = "on",
                  const std::string &settings = "mlff precision double")
  {
    commands("clear\nunits metal\nnewton " + newton);
    create(structure);
    use(files, settings);
    commands("compute peratom all pe/atom\ncompute stress all stress/atom NULL virial\n"
             "compute reduced all reduce sum c_stress[1] c_peratom\nthermo_style custom step pe "
             "press c_reduced[1] c_reduced[2]");
    if (files.size() > 1)
      commands("compute u all mlff/uncertainty\nthermo_style custom step pe press c_reduced[1] "
               "c_reduced[2] c_u");
    command("run 0 post no");
    Values out{energy(), forces(),
               virial(), by_id(lmp->modify->get_compute_by_id("peratom")->vector_atom),
               {},       {}};
    double **stress = lmp->modify->get_compute_by_id("stress")->array_atom;
    for (int k = 0; k < 6; k++) {
      std::vector<double> column(lmp->atom->nlocal);
      for (int i = 0; i < lmp->atom->nlocal; i++) column[i] = stress[i][k];
      const auto all = by_id(column.data());
      out.atom_stress.insert(out.atom_stress.end(), all.begin(), all.end());
    }
    if (files.size() > 1) out.spread = spread();
    return out;
  }

  /// Expected values from runs with each potential alone; the spread by its definition.
  Values mean_of_runs(const Structure &structure, const std::vector<std::string> &files,
                      const std::string &newton = "on")
  {
    std::vector<Values> runs;
    for (const auto &file : files) runs.push_back(evaluate(structure, {file}, newton));
    const auto mean = [&](auto member) {
      std::vector<double> sum = runs[0].*member;
      for (std::size_t m = 1; m < runs.size(); m++)
        for (std::size_t k = 0; k < sum.size(); k++) sum[k] += (runs[m].*member)[k];
      for (double &x : sum) x /= double(runs.size());
      return sum;
    };
    Values out{0.0,
               mean(&Values::forces),
               mean(&Values::virial),
               mean(&Values::atom_energy),
               mean(&Values::atom_stress),
               {}};
    for (const auto &run : runs) out.energy += run.energy / double(runs.size());
    for (int i = 0; i < structure.n_atoms(); i++) {
      double square = 0.0;
      for (const auto &run : runs)
        for (int a = 0; a < 3; a++)
          square += std::pow(run.forces[3 * i + a] - out.forces[3 * i + a], 2);
      out.spread.push_back(std::sqrt(square / double(runs.size())));
    }
    return out;
  }

  std::string text_of(const std::string &path) const
  {
    std::fflush(nullptr);
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  /// Number of times that words are in the log, or `expected` on ranks that do not write one.
  int in_log(const std::string &words, int expected) const
  {
    if (rank != 0) return expected;
    const std::string text = text_of(log());
    int n = 0;
    for (auto at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) n++;
    return n;
  }
};

#define EXPECT_IN_LOG(words, times) EXPECT_EQ(in_log(words, times), times) << words

struct System {
  const char *name;
  Structure structure;
  std::vector<double> cutoffs;
};

class PairMLFFEnsembleSystem :
    public PairMLFFEnsemble,
    public testing::WithParamInterface<System> {};

TEST_P(PairMLFFEnsembleSystem, IsMeanOfSingleRuns)
{
  const auto &[name, structure, cutoffs] = GetParam();
  const auto files = write_potentials(cutoffs);
  for (const char *newton : {"on", "off"}) {
    const Values expected = mean_of_runs(structure, files, newton),
                 found = evaluate(structure, files, newton);
    EXPECT_NEAR(found.energy, expected.energy, 1e-10) << newton;
    EXPECT_LT(largest_difference(found.forces, expected.forces), 1e-12) << newton;
    EXPECT_LT(largest_difference(found.virial, expected.virial), 1e-11) << newton;
    EXPECT_LT(largest_difference(found.atom_energy, expected.atom_energy), 1e-12) << newton;
    // bar Angstrom^3: 1.6e6 for one eV
    EXPECT_LT(largest_difference(found.atom_stress, expected.atom_stress), 1e-5) << newton;
    EXPECT_LT(largest_difference(found.spread, expected.spread), 1e-12) << newton;
    const double largest = *std::max_element(expected.spread.begin(), expected.spread.end());
    EXPECT_NEAR(lmp->modify->get_compute_by_id("u")->scalar, largest, 1e-12);
    EXPECT_GT(largest, 0.05) << "the potentials are too much alike for this test";
  }
  int dim;
  EXPECT_EQ(*static_cast<double *>(lmp->force->pair->extract("cutoff", dim)),
            *std::max_element(cutoffs.begin(), cutoffs.end()));
}

INSTANTIATE_TEST_SUITE_P(
    Systems, PairMLFFEnsembleSystem,
    testing::Values(
        System{"open", random_structure(12, 3), {4, 4, 4}},
        System{"periodic",
               random_structure(40, 4, {9, 0, 0, 0, 8.5, 0, 0, 0, 9.5}, {true, true, true}),
               {4, 4, 4}},
        System{"triclinic_cutoffs",
               random_structure(30, 5, triclinic, {true, true, true}),
               {3, 4, 3.5}},
        System{"small_cell_cutoffs",
               random_structure(3, 7, {3.1, 0, 0, 0, 3.2, 0, 0, 0, 3.3}, {true, true, true}),
               {4, 2.5, 2.5}}),
    [](const auto &info) {
      return std::string(info.param.name);
    });

TEST_F(PairMLFFEnsemble, OneFileAmongSeveralWordsIsAsBefore)
{
  const Structure structure = random_structure(12, 3);
  const auto files = write_potentials();
  const Values one = evaluate(structure, {files[0]}),
               three = evaluate(structure, {files[0], files[0], files[0]});
  EXPECT_LT(largest_difference(one.forces, three.forces), 1e-13);
  for (const double s : three.spread) EXPECT_LT(s, 1e-13);
  EXPECT_IN_LOG("hold the same weights", 3);
  EXPECT_IN_LOG("mean of 3 potentials", 1);
}

#ifdef MLFF_TORCH
TEST_F(PairMLFFEnsemble, TorchIsMeanOfSingleRunsOneRank)
{
  const Structure structure = random_structure(30, 5, triclinic, {true, true, true});
  const auto files = write_potentials({3, 4, 3.5});
  const Values expected = mean_of_runs(structure, files),
               found = evaluate(structure, files, "on", "mlff engine torch precision double");
  expect_in_log("torch engine");
  EXPECT_LT(largest_difference(found.forces, expected.forces), 1e-10);
  EXPECT_LT(largest_difference(found.spread, expected.spread), 1e-10);
}
#endif

TEST_F(PairMLFFEnsemble, FollowsAtomsThroughTheBox)
{
  // atoms change their ranks: forces and spread after the run are those of the final structure
  Structure structure = random_structure(24, 8, triclinic, {true, true, true});
  const auto files = write_potentials({3.5, 4, 3.5});
  evaluate(structure, files);
  commands("velocity all create 2000 99 mom yes\nfix 1 all nve\ntimestep 0.0002\nneighbor 0.5 "
           "bin\nneigh_modify every 1 delay 0 check yes\n"
           "thermo 100\nrun 200 post no");
  const auto found = forces(), found_spread = spread();
  const Structure start = structure;
  structure.positions = positions();
  EXPECT_GT(largest_difference(structure.positions, start.positions), 0.2);
  wrap(structure);
  const Values expected = mean_of_runs(structure, files);
  EXPECT_LT(largest_difference(found, expected.forces), 1e-10);
  EXPECT_LT(largest_difference(found_spread, expected.spread), 1e-10);
}

TEST_F(PairMLFFEnsemble, ComputeGoesWhereOtherComputesGo)
{
  const Structure structure = random_structure(21, 3);
  const auto files = write_potentials();
  const Values expected = mean_of_runs(structure, files);
  commands("clear\nunits metal");
  create(structure);
  use(files);
  command("run 0 post no");
  const auto without = forces();
  // type 2 is O; the other atoms are not in the group
  commands(
      "group oxygen type 2\ncompute o oxygen mlff/uncertainty\ncompute u all mlff/uncertainty\n"
      "variable both atom c_u+c_o\nfix average all ave/atom 1 1 1 c_u\nfix time all ave/time 1 1 1 "
      "c_o\n"
      "dump 1 all custom 1 " +
      file("spread.dump") +
      " id c_u c_o f_average v_both\ndump_modify 1 sort id format float %.15g\n"
      "thermo_style custom step pe c_u c_o f_time\nrun 0 post no");
  EXPECT_EQ(largest_difference(forces(), without), 0.0) << "the compute changes the forces";
  double largest = 0.0;
  for (int i = 1; i < structure.n_atoms(); i += 3) largest = std::max(largest, expected.spread[i]);
  EXPECT_NEAR(lmp->modify->get_compute_by_id("o")->scalar, largest, 1e-12);
  EXPECT_NEAR(lmp->modify->get_compute_by_id("u")->scalar,
              *std::max_element(expected.spread.begin(), expected.spread.end()), 1e-12);
  EXPECT_EQ(lmp->modify->get_compute_by_id("o")->extscalar, 0);
  command("undump 1");
  if (rank == 0) {
    std::istringstream in(text_of(file("spread.dump")));
    std::string line;
    while (std::getline(in, line) &&
           line.find("ITEM: ATOMS id c_u c_o f_average v_both") == std::string::npos) {}
    int n = 0;
    for (double id, u, o, average, both; in >> id >> u >> o >> average >> both; n++) {
      const double value = expected.spread[n], in_group = n % 3 == 1 ? value : 0.0;
      EXPECT_EQ(id, n + 1);
      EXPECT_NEAR(u, value, 1e-12);
      EXPECT_NEAR(o, in_group, 1e-12);
      EXPECT_NEAR(average, value, 1e-12);
      EXPECT_NEAR(both, value + in_group, 1e-12);
    }
    EXPECT_EQ(n, structure.n_atoms());
  }
  EXPECT_GE(lmp->modify->get_compute_by_id("u")->memory_usage(), 0.0);
}

TEST_F(PairMLFFEnsemble, SpreadHasTheForceUnitOfTheInput)
{
  const Structure structure = random_structure(12, 3);
  const auto files = write_potentials();
  auto expected = mean_of_runs(structure, files).spread;
  commands("clear\nunits real");
  create(structure);
  use(files);
  commands("compute u all mlff/uncertainty\nthermo_style custom step c_u\nrun 0 post no");
  lmp->modify->get_compute_by_id("u")->compute_peratom();
  for (double &s : expected) s *= 23.060549;    // LAMMPS' own factor between metal and real
  EXPECT_LT(largest_difference(spread(), expected), 1e-10);
}

TEST_F(PairMLFFEnsemble, ComputeFindsSubStyles)
{
  const Structure structure = random_structure(20, 13, triclinic, {true, true, true});
  const auto files = write_potentials({4, 4, 3});
  const Values expected = mean_of_runs(structure, files),
               first = mean_of_runs(structure, {files[0], files[2]});
  commands("clear\nunits metal");
  create(structure);
  commands("pair_style lj/cut 4.0\npair_coeff * * 0.02 2.0\nrun 0 post no");
  const auto lj = forces();
  commands("pair_style hybrid/overlay lj/cut 4.0 " + style +
           "\npair_coeff * * lj/cut 0.02 2.0\npair_coeff * * mlff " + joined(files) +
           "C O H\ncompute u all mlff/uncertainty\nthermo_style custom step c_u\nrun 0 post no");
  lmp->modify->get_compute_by_id("u")->compute_peratom();
  EXPECT_LT(largest_difference(spread(), expected.spread), 1e-12);
  auto both = expected.forces;
  for (std::size_t k = 0; k < both.size(); k++) both[k] += lj[k];
  EXPECT_LT(largest_difference(forces(), both), 1e-11);

  const auto two_sub_styles = [&](const std::string &computes) {
    commands("clear\nunits metal");
    create(structure);
    commands("pair_style hybrid/overlay " + style + " " + style + "\npair_coeff * * mlff 1 " +
             files[0] + " " + files[2] + " C O H\npair_coeff * * mlff 2 " + joined(files) +
             "C O H\n" + computes);
  };
  two_sub_styles("compute u all mlff/uncertainty 2\ncompute other all mlff/uncertainty "
                 "1\nthermo_style custom step c_u c_other\nrun 0 post no");
  EXPECT_LT(largest_difference(spread(), expected.spread), 1e-12);
  EXPECT_LT(largest_difference(spread("other"), first.spread), 1e-12);
  two_sub_styles("compute u all mlff/uncertainty");
  expect_error("run 0",
               {"Compute mlff/uncertainty needs a pair style mlff; found pair style hybrid/overlay",
                "give the number of one of them"});
  two_sub_styles("compute u all mlff/uncertainty 3");
  expect_error("run 0", {"needs number 3 of pair style mlff; found pair style hybrid/overlay"});
}

TEST_F(PairMLFFEnsemble, NullTypesHaveNoSpread)
{
  const Structure structure = random_structure(21, 14, triclinic, {true, true, true});
  const auto files = write_potentials();
  commands("units metal");
  create(structure);
  commands("pair_style hybrid/overlay " + style +
           " zero 4.0\npair_coeff * * zero\npair_coeff * * mlff " + joined(files) +
           "C NULL H\ncompute u all mlff/uncertainty\nthermo_style custom step c_u\nrun 0 post no");
  const auto found = spread();
  for (int i = 0; i < structure.n_atoms(); i++) {
    if (structure.numbers[i] == 8)
      EXPECT_EQ(found[i], 0.0);
    else
      EXPECT_GT(found[i], 0.0);
  }
}

TEST_F(PairMLFFEnsemble, NoAtoms)
{
  command("units metal");
  create(Structure{}, {6, 8, 1});
  use(write_potentials({4, 3, 4}), "mlff precision double warn 0.1");
  commands("compute u all mlff/uncertainty\nthermo_style custom step c_u\nrun 2 post no");
  EXPECT_EQ(energy(), 0.0);
  EXPECT_EQ(lmp->modify->get_compute_by_id("u")->scalar, 0.0);
}

TEST_F(PairMLFFEnsemble, RestartsLikeOnePotential)
{
  const Structure structure = random_structure(20, 13, triclinic, {true, true, true});
  const auto files = write_potentials();
  const Values expected = evaluate(structure, files);
  commands("write_restart " + file("run.restart") + "\nwrite_coeff " + file("run.coeff") +
           "\nwrite_data " + file("run.data"));
  command("clear");
  command("read_restart " + file("run.restart"));
  EXPECT_EQ(lmp->force->pair, nullptr);
  use(files);
  command("run 0 post no");
  EXPECT_LT(largest_difference(forces(), expected.forces), 1e-12);
  if (rank == 0) {
    EXPECT_EQ(text_of(file("run.coeff")).find("safetensors"), std::string::npos);
    EXPECT_EQ(text_of(file("run.data")).find("Pair Coeffs"), std::string::npos);
  }
}

TEST_F(PairMLFFEnsemble, SettingsAndCoefficientsMayChange)
{
  const Structure structure = random_structure(12, 3);
  const auto files = write_potentials({4, 3, 3});
  const Values two = mean_of_runs(structure, {files[1], files[2]});
  const Values one = evaluate(structure, {files[1]});
  evaluate(structure, files);
  command("pair_coeff * * " + files[1] + " " + files[2] + " C O H");
  command("run 0 post no");
  EXPECT_LT(largest_difference(forces(), two.forces), 1e-12);
  EXPECT_LT(largest_difference(spread(), two.spread), 1e-12);
  commands("thermo_style one\nuncompute u");
  command("pair_coeff * * " + files[1] + " C O H");
  command("run 0 post no");
  EXPECT_LT(largest_difference(forces(), one.forces), 1e-13);
}

// ---- words of pair_coeff

TEST_F(PairMLFFEnsemble, RefusesCoefficients)
{
  commands("units metal");
  create(random_structure(6, 1));
  command("pair_style mlff");
  const auto files = write_potentials();
  const std::string two = files[0] + " " + files[1];
  const std::string no_carbon =
      potential_file(random_potential({8, 2, 6}, {8, 1}, 4.0, 5), "d.safetensors");
  expect_error("pair_coeff * * " + two + " C O",
               {"has 2 elements after '" + files[1] + "'", "3 atom types"});
  expect_error("pair_coeff * * " + two,
               {"has 0 elements after '" + files[1] + "'", "3 atom types"});
  expect_error("pair_coeff * * " + two + " C O H H", {"has 4 elements", "3 atom types"});
  expect_error("pair_coeff * * " + files[0] + " C O H " + files[1],
               {"has 4 elements", "potential files come before the elements", files[1]});
  expect_error("pair_coeff * * " + files[0] + " b.safetensors.gone C O H",
               {"Word 'b.safetensors.gone'", "neither an element nor NULL nor a potential file"});
  expect_error("pair_coeff * * " + files[0] + " carbon O H",
               {"Word 'carbon'", "neither an element nor NULL nor a potential file"});
  expect_error("pair_coeff * * " + two + " C O N",
               {"Element 'N' of atom type 3 is not in potential file '" + files[0] + "'",
                "accepted: C O H, NULL"});
  expect_error("pair_coeff * * " + files[0] + " " + no_carbon + " C O H",
               {"Element 'C' of atom type 1 is not in potential file '" + no_carbon + "'",
                "accepted: O H, NULL"});
  expect_error("pair_coeff * * " + two + " NULL NULL NULL", {"maps every atom type to NULL"});
  put("text.safetensors", "no potential at all, only a text");
  expect_error("pair_coeff * * " + files[0] + " " + file("text.safetensors") + " C O H",
               {"text.safetensors", "not a safetensors file"});

  // a word that is an element is one, also where a file has its name
  const auto before = std::filesystem::current_path();
  MPI_Barrier(MPI_COMM_WORLD);
  std::filesystem::current_path(folder);
  const Potential named = random_potential({8, 2, 6}, {6, 8, 1}, 3.0, 9);
  potential_file(named, "N");
  expect_error("pair_coeff * * a.safetensors N C O H",
               {"has 4 elements after 'a.safetensors'",
                "'N' is taken for an element, a file of this name is './N'"});
  command("pair_coeff * * a.safetensors ./N C O H");
  command("run 0 post no");
  expect_in_log("mean of 2 potentials");
  MPI_Barrier(MPI_COMM_WORLD);
  std::filesystem::current_path(before);
}

TEST_F(PairMLFFEnsemble, RefusesSettings)
{
  commands("units metal");
  create(random_structure(6, 1));
  const auto files = write_potentials();
  for (const char *value : {"0", "-1", "on", "nan", "inf"})
    expect_error(
        std::string("pair_style mlff warn ") + value,
        {std::string("warn is '") + value + "'", "accepted: auto, off, or a threshold above 0"});
  expect_error("pair_style mlff warn", {"missing argument"});
  expect_error("pair_style mlff warm 1", {"keyword 'warm'", "warn"});
  use({files[0]}, "mlff warn 0.5");
  expect_error("run 0", {"warn 0.5 is a threshold", "pair_coeff names 1", "auto, off"});
}

TEST_F(PairMLFFEnsemble, RefusesComputes)
{
  commands("units metal");
  create(random_structure(6, 1));
  const auto files = write_potentials();
  expect_error("compute u all mlff/uncertainty 1 2", {"argument '2'"});
  expect_error("compute u all mlff/uncertainty 0", {"sub-style number 0", "1 or more"});
  expect_error("compute u all mlff/uncertainty first", {"Expected integer"});
  // an error ends LAMMPS: what comes after one starts again
  const auto begin = [this] {
    commands("clear\nunits metal");
    create(random_structure(6, 1));
    command("compute u all mlff/uncertainty");
  };
  begin();
  commands("pair_style zero 4.0\npair_coeff * *");
  expect_error("run 0",
               {"Compute mlff/uncertainty needs a pair style mlff; found pair style zero"});
  begin();
  use({files[0]});
  expect_error("run 0",
               {"needs a pair style mlff with 2 or more potentials; its pair_coeff names 1"});
  begin();
  use(files);
  command("run 0 post no");
  lmp->modify->get_compute_by_id("u")->compute_peratom();
  lmp->update->ntimestep++;
  try {
    lmp->modify->get_compute_by_id("u")->compute_peratom();
    ADD_FAILURE() << "no error";
  } catch (const LAMMPS_NS::LAMMPSException &error) {
    EXPECT_NE(std::string(error.what()).find("has no spread of timestep 1"), std::string::npos)
        << error.what();
  }
}

TEST_F(PairMLFFEnsemble, RefusesSeveralPotentialsWithKokkos)
{
  if (!LAMMPS_NS::Info::has_package("KOKKOS")) GTEST_SKIP() << "this LAMMPS has no Kokkos";
  const auto files = write_potentials();
  start({"-k", "on", "t", "1", "-sf", "kk"});
  commands("units metal");
  create(random_structure(6, 1));
  command("pair_style mlff");
  expect_error("pair_coeff * * " + joined(files) + "C O H",
               {"Pair style mlff/kk runs one potential", "names 3", "suffix off"});
  // The remedy that the message names works.
  command("suffix off");
  use(files);
  command("run 0 post no");
  expect_in_log("mean of 3 potentials");
}

// ---- warnings

std::string atoms_text(const std::vector<std::pair<double, int>> &worst_first,
                       const std::string &more = "")
{
  std::string text = worst_first.size() == 1 ? " atom"
                                             : " " + std::to_string(worst_first.size()) + " atoms:";
  char number[64];
  for (std::size_t k = 0; k < std::min<std::size_t>(8, worst_first.size()); k++) {
    std::snprintf(number, sizeof number, "%s %d (%.4g%s)", k ? "," : "", worst_first[k].second + 1,
                  worst_first[k].first, more.c_str());
    text += number;
  }
  if (worst_first.size() > 8) text += " and " + std::to_string(worst_first.size() - 8) + " more";
  return text;
}

TEST_F(PairMLFFEnsemble, WarnsOfASpreadAboveTheThreshold)
{
  const Structure structure = random_structure(24, 8, triclinic, {true, true, true});
  const auto files = write_potentials();
  const auto expected = mean_of_runs(structure, files).spread;
  std::vector<std::pair<double, int>> order;
  for (int i = 0; i < structure.n_atoms(); i++) order.push_back({expected[i], i});
  std::sort(order.rbegin(), order.rend());
  for (const std::size_t above : {1, 3, 12}) {
    char threshold[64];
    std::snprintf(threshold, sizeof threshold, "%.6g",
                  0.5 * (order[above - 1].first + order[above].first));
    commands("clear\nunits metal");
    create(structure);
    use(files, "mlff precision double warn " + std::string(threshold));
    command("run 0 post no");
    const std::vector<std::pair<double, int>> named(order.begin(), order.begin() + long(above));
    EXPECT_IN_LOG("WARNING: Pair style mlff on timestep 0: the forces of the potentials are apart "
                  "by more than " +
                      std::string(threshold) + " eV/Angstrom on" + atoms_text(named) + " (",
                  1);
    char summary[256];
    std::snprintf(summary, sizeof summary,
                  "the spread of the forces was above the threshold %zu times (atoms times steps), "
                  "most on timestep 0 for atom %d (%.4g)",
                  above, order[0].second + 1, order[0].first);
    EXPECT_IN_LOG(summary, 1);
  }
  // no atom, no word; and none without a threshold or where warnings are off
  for (const char *settings : {"warn 1000", "warn auto", "warn off"}) {
    command("clear");
    const int before = in_log("WARNING: Pair style mlff", 0);
    command("units metal");
    create(structure);
    use(files, std::string("mlff precision double ") + settings);
    command("run 0 post no");
    EXPECT_EQ(in_log("WARNING: Pair style mlff", 0), before) << settings;
  }
}

/// C-O pairs far from each other; the two atoms of pair k are 1.05 + 0.1 k Angstrom apart.
Structure pairs(int n)
{
  Structure structure;
  for (int k = 0; k < n; k++) {
    const double x = -40.0 + 15.0 * (k % 5), y = -40.0 + 15.0 * (k / 5);
    structure.numbers.insert(structure.numbers.end(), {6, 8});
    structure.positions.insert(structure.positions.end(), {x, y, 0.0, x + 1.05 + 0.1 * k, y, 0.0});
  }
  return structure;
}

TEST_F(PairMLFFEnsemble, WarnsOfNeighborsNearerThanInTheTrainingDataWithoutAFlood)
{
  // every step moves the O atoms 0.1 Angstrom towards their C atoms: pair k is below 0.9 times 1
  // Angstrom from step k + 2 on
  Potential potential = random_potential();
  potential.range = {{1e6, 1.0}, {1e6, 1.0}, {1e6, 1.0}};
  const std::string path = potential_file(potential, "range.safetensors");
  for (const char *suffix : {"", "kokkos"}) {
    const bool kokkos_style = *suffix != '\0';
    if (kokkos_style && !LAMMPS_NS::Info::has_package("KOKKOS")) break;
    if (kokkos_style) start({"-k", "on", "t", "1", "-sf", "kk"});
    command("units metal");
    create(pairs(13));
    use({path});
    commands("group moving type 2\nfix 1 moving move linear -100.0 0 0\ntimestep "
             "0.001\nneigh_modify every 1 delay 0 check no\nrun 10 post no");
    // pairs 0 to 8, a message each, the first of them on step 2
    EXPECT_IN_LOG("WARNING: Pair style mlff on timestep", 9);
    for (int k = 0; k < 9; k++) {
      const std::string step = std::to_string(k + 2), c = std::to_string(2 * k + 1),
                        o = std::to_string(2 * k + 2);
      EXPECT_IN_LOG("on timestep " + step +
                        ": neighbors nearer than 0.9 times the shortest distance in the training "
                        "data (Angstrom) of 2 atoms: " +
                        c + " (0.85, training 1), " + o + " (0.85, training 1) (",
                    1);
    }
    EXPECT_IN_LOG("a neighbor was nearer than the training data allow 90 times (atoms times "
                  "steps), most on timestep 10 for atom 1 (0.05)",
                  1);

    // a new run names them again: all that are too near at once, then one pair a step, up to ten
    // messages
    command("clear");
    const int before = in_log("WARNING: Pair style mlff on timestep", 0);
    command("units metal");
    create(pairs(13));
    use({path});
    commands("group moving type 2\nfix 1 moving move linear -100.0 0 0\ntimestep "
             "0.001\nneigh_modify every 1 delay 0 check no\nrun 14 post no");
    EXPECT_EQ(in_log("WARNING: Pair style mlff on timestep", before + 10), before + 10);
    EXPECT_IN_LOG("on timestep 11: ", 1);
    EXPECT_IN_LOG("on timestep 12: ", 0);
    EXPECT_IN_LOG("; more of this run are only counted", 1);
    command("run 0 post no");
    EXPECT_IN_LOG("on timestep 14: neighbors nearer than 0.9 times the shortest distance in the "
                  "training data (Angstrom) of 26 atoms: ",
                  1);
    EXPECT_IN_LOG(" and 18 more", 1);
  }
}

TEST_F(PairMLFFEnsemble, WarnsOfForcesLargerThanInTheTrainingData)
{
  const Structure structure = random_structure(24, 8, triclinic, {true, true, true});
  Potential potential = random_potential();
  const auto f = evaluate(structure, {potential_file(potential)}).forces;
  std::vector<std::pair<double, int>> order;
  for (int i = 0; i < structure.n_atoms(); i++)
    if (structure.numbers[i] == 8)
      order.push_back({std::sqrt(f[3 * i] * f[3 * i] + f[3 * i + 1] * f[3 * i + 1] +
                                 f[3 * i + 2] * f[3 * i + 2]),
                       i});
  std::sort(order.rbegin(), order.rend());
  // only forces on O, and two of them, are above 1.5 times the largest
  const double largest = 0.5 * (order[1].first + order[2].first) / 1.5;
  potential.range = {{1e6, 1e-3}, {largest, 1e-3}, {1e6, 1e-3}};
  const std::string path = potential_file(potential, "range.safetensors");
  const std::vector<std::pair<double, int>> named(order.begin(), order.begin() + 2);
  char training[64];
  std::snprintf(training, sizeof training, ", training %.4g", largest);

  for (const char *settings : {"mlff precision double warn auto", "mlff precision double"}) {
    const int before = in_log("WARNING: Pair style mlff", 0);
    commands("clear\nunits metal");
    create(structure);
    use({path}, settings);
    command("run 0 post no");
    EXPECT_EQ(in_log("WARNING: Pair style mlff", before + 2), before + 2) << settings;
  }
  EXPECT_IN_LOG(
      "on timestep 0: forces above 1.5 times the largest in the training data (eV/Angstrom) on" +
          atoms_text(named, training) + " (",
      2);
  EXPECT_IN_LOG("a force was larger than the training data allow 2 times (atoms times steps), most "
                "on timestep 0 for atom " +
                    std::to_string(order[0].second + 1),
                2);

  commands("clear\nunits metal");
  create(structure);
  use({path}, "mlff precision double warn off");
  command("run 0 post no");
  EXPECT_IN_LOG("on timestep 0: forces above", 2);

  // the narrowest range of several potentials counts, in the force unit of the input
  commands("clear\nunits real");
  create(structure);
  use({potential_file(random_potential(), "none.safetensors"), path});
  command("run 0 post no");
  std::snprintf(training, sizeof training, ", training %.4g", largest * 23.060549);
  std::vector<std::pair<double, int>> scaled = named;
  for (auto &[value, index] : scaled) value *= 23.060549;
  EXPECT_IN_LOG("forces above 1.5 times the largest in the training data (kcal/mol/Angstrom) on" +
                    atoms_text(scaled, training),
                1);
}

TEST_F(PairMLFFEnsemble, WarnsOfAtomsWithoutIds)
{
  Potential potential = random_potential();
  potential.range = {{1e6, 3.5}, {1e6, 3.5}, {1e6, 3.5}};
  commands("units metal");
  create(random_structure(12, 3), {6, 8, 1}, "atom_modify id no");
  use({potential_file(potential)});
  command("run 0 post no");
  EXPECT_IN_LOG("in the training data (Angstrom) of 12 atoms: without ID (", 1);
}

}    // namespace
