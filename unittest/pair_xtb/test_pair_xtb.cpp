// pair_style xtb against libxtb called directly, against differences, and against its own rules.
#include "core/units.h"
#include "output.h"
#include "support/lammps_fixture.h"

#include "teacher/xtb_calculator.h"

#include <xtb.h>

#include <cmath>
#include <numeric>
#include <sstream>

using namespace mlff;
using mlff_test::largest_difference;

namespace {

/// A bent ethanol, not symmetric in any way.
Structure ethanol()
{
  Structure s;
  s.numbers = {6, 6, 8, 1, 1, 1, 1, 1, 1};
  s.positions = {-0.88, 0.18,  0.02, 0.47,  -0.51, -0.03, 1.45,  0.33,  0.05,
                 -1.43, -0.13, 0.91, -1.01, 1.24,  0.06,  -1.46, -0.08, -0.88,
                 0.56,  -1.16, 0.86, 0.61,  -1.12, -0.93, 1.36,  0.95,  0.78};
  return s;
}

Structure water()
{
  Structure s;
  s.numbers = {8, 1, 1};
  s.positions = {0.0, 0.0, 0.1, 0.78, 0.02, -0.47, -0.74, 0.05, -0.49};
  return s;
}

struct Direct {
  double energy;                 // eV
  std::vector<double> forces;    // eV/Å
};

/// The library's own calls, nothing of ours in between.
Direct direct(const Structure &s, XtbMethod method, double accuracy)
{
  const int n = s.n_atoms(), uhf = 0;
  const double charge = 0.0;
  std::vector<double> bohr = s.positions, gradient(3 * n);
  for (double &x : bohr) x /= bohr_in_angstrom;
  auto environment = xtb_newEnvironment();
  xtb_setVerbosity(environment, XTB_VERBOSITY_MUTED);
  auto molecule = xtb_newMolecule(environment, &n, s.numbers.data(), bohr.data(), &charge, &uhf,
                                  nullptr, nullptr);
  auto calculator = xtb_newCalculator();
  const auto load = method == XtbMethod::gfn2 ? xtb_loadGFN2xTB
      : method == XtbMethod::gfn1             ? xtb_loadGFN1xTB
                                              : xtb_loadGFNFF;
  load(environment, molecule, calculator, nullptr);
  // else a later GFN-FF takes the bonds of this one
  std::filesystem::remove("gfnff_topo");
  xtb_setAccuracy(environment, calculator, accuracy);
  auto results = xtb_newResults();
  xtb_singlepoint(environment, molecule, calculator, results);
  Direct out;
  xtb_getEnergy(environment, results, &out.energy);
  xtb_getGradient(environment, results, gradient.data());
  out.energy *= hartree_in_eV;
  for (const double g : gradient) out.forces.push_back(-g * hartree_in_eV / bohr_in_angstrom);
  xtb_delResults(&results);
  xtb_delCalculator(&calculator);
  xtb_delMolecule(&molecule);
  xtb_delEnvironment(&environment);
  return out;
}

double distance(const std::vector<double> &x, int i, int j)
{
  return std::hypot(x[3 * i] - x[3 * j], x[3 * i + 1] - x[3 * j + 1], x[3 * i + 2] - x[3 * j + 2]);
}

class PairXTB : public mlff_test::LammpsTest {
 protected:
  void use(const std::string &style, const std::string &elements = "C O H")
  {
    command("pair_style xtb " + style);
    command("pair_coeff * * " + elements);
  }

  void run_once(const Structure &s, const std::string &style)
  {
    command("clear");
    command("units metal");
    create(s);
    use(style);
    command("run 0 post no");
  }
};

class PairXTBMethod : public PairXTB, public testing::WithParamInterface<std::string> {};

TEST_P(PairXTBMethod, EqualsLibraryOneRank)
{
  const auto s = ethanol();
  run_once(s, "accuracy 0.01 method " + GetParam());
  const auto expected = direct(s, xtb_method_of(GetParam()), 0.01);
  EXPECT_NEAR(energy(), expected.energy, 1e-10 * std::abs(expected.energy));
  EXPECT_LT(largest_difference(forces(), expected.forces), 1e-10);
}

TEST_P(PairXTBMethod, ForcesAreDifferencesOneRank)
{
  const auto s = ethanol();
  run_once(s, "accuracy 0.01 method " + GetParam());
  const auto analytic = forces();
  double largest = 0.0;
  for (const double f : analytic) largest = std::max(largest, std::abs(f));
  // a difference of two steps h and 2 h, of fourth order
  const double h = 2e-3;
  for (const int k : {0, 4, 8, 11, 25}) {
    double e[4];
    const double steps[4] = {-2 * h, -h, h, 2 * h};
    for (int m = 0; m < 4; m++) {
      auto moved = s;
      moved.positions[k] += steps[m];
      // The calculator stays: GFN-FF keeps its bonds.
      lmp->atom->x[lmp->atom->map(k / 3 + 1)][k % 3] = moved.positions[k];
      command("run 0 post no");
      e[m] = energy();
      lmp->atom->x[lmp->atom->map(k / 3 + 1)][k % 3] = s.positions[k];
    }
    const double difference = -(e[0] - 8 * e[1] + 8 * e[2] - e[3]) / (12 * h);
    EXPECT_NEAR(analytic[k], difference, 1e-4 * largest) << "coordinate " << k;
  }
}

INSTANTIATE_TEST_SUITE_P(All, PairXTBMethod, testing::Values("gfn2", "gfn1", "gfnff"),
                         [](const auto &info) {
                           return info.param;
                         });

TEST_F(PairXTB, MakesMoleculesWholeOneRank)
{
  auto s = ethanol();
  run_once(s, "method gfn2 accuracy 0.0001");
  const double open = energy();
  const auto expected = forces();
  s.periodic = {true, true, true};
  s.cell = {11.0, 0, 0, 2.0, 12.0, 0, -1.5, 1.0, 11.5};
  for (double &x : s.positions) x += 4.0;
  commands("clear\nunits metal");
  create(s);
  ASSERT_EQ(lmp->atom->natoms, 9);
  use("method gfn2 accuracy 0.0001");
  // across three faces of the box
  commands("displace_atoms all move 6.5 -4.2 7.0 units box\nrun 0 post no");
  // the library itself changes by some 1e-7 where a molecule is moved
  EXPECT_NEAR(energy(), open, 1e-6);
  EXPECT_LT(largest_difference(forces(), expected), 1e-6);
}

TEST_F(PairXTB, RefusesAMoleculeLargerThanHalfTheBoxOneRank)
{
  auto s = ethanol();
  s.periodic = {true, true, true};
  s.cell = {5.5, 0, 0, 0, 12.0, 0, 0, 0, 11.5};
  for (double &x : s.positions) x += 2.0;
  command("units metal");
  create(s);
  use("method gfnff");
  expect_error("run 0",
               {"Pair style xtb on timestep 0, the system of 9 atoms",
                "of the periodic box along x", "at most half"});
}

TEST_F(PairXTB, EachMoleculeAloneOneRank)
{
  // two molecules so near that they would feel each other
  const auto a = ethanol(), b = water();
  auto both = a;
  both.numbers.insert(both.numbers.end(), b.numbers.begin(), b.numbers.end());
  for (int k = 0; k < 9; k++) both.positions.push_back(b.positions[k] + (k % 3 == 1 ? 3.2 : 0.0));
  const auto ea = direct(a, XtbMethod::gfn2, 0.1), eb = direct(b, XtbMethod::gfn2, 0.1);
  command("units metal");
  command("atom_style molecular");
  const auto create_molecules = [&] {
    commands("atom_modify map array\nboundary f f f\nregion box block -50 50 -50 50 -50 "
             "50\ncreate_box 3 box\nmass * 12.0");
    for (int i = 0; i < both.n_atoms(); i++) {
      char text[256];
      const auto &x = both.positions;
      std::snprintf(text, sizeof text, "create_atoms %d single %.16g %.16g %.16g",
                    both.numbers[i] == 6       ? 1
                        : both.numbers[i] == 8 ? 2
                                               : 3,
                    x[3 * i], x[3 * i + 1], x[3 * i + 2]);
      command(text);
    }
    commands("set group all mol 1\nset atom 10*12 mol 2");
  };
  create_molecules();
  use("system molecule");
  command("run 0 post no");
  EXPECT_NEAR(energy(), ea.energy + eb.energy, 1e-8);
  auto expected = ea.forces;
  expected.insert(expected.end(), eb.forces.begin(), eb.forces.end());
  EXPECT_LT(largest_difference(forces(), expected), 1e-8);
  // one that does not move is not calculated again
  commands(
      "group second id 10:12\nvelocity second set 1 2 3\nfix 1 second nve\nrun 4 post no\nunfix 1");
  int dim = 0;
  EXPECT_EQ(*static_cast<double *>(lmp->force->pair->extract("calls", dim)), 2.0 + 4.0);
  expected = forces();
  const double moved = energy();
  use("system molecule");
  command("run 0 post no");
  EXPECT_NEAR(energy(), moved, 1e-6);
  EXPECT_LT(largest_difference(forces(), expected), 1e-5);
  // Molecules interact as one system.
  use("system all");
  command("run 0 post no");
  EXPECT_GT(std::abs(energy() - ea.energy - eb.energy), 1e-3);
  command("set atom 12 mol 0");
  use("system molecule");
  expect_error("run 0", {"atom 12 has no molecule ID"});
}

TEST_F(PairXTB, AddsToOtherForcesAndLeavesNullTypesAloneOneRank)
{
  const auto s = ethanol();
  command("units real");
  create(s);
  commands("pair_style hybrid/overlay xtb method gfnff lj/cut 8.0\npair_coeff * * xtb C O "
           "H\npair_coeff * * lj/cut 0.1 3.0");
  command("run 0 post no");
  const auto together = forces();
  const double sum = lmp->force->pair->eng_vdwl;
  commands("pair_style lj/cut 8.0\npair_coeff * * 0.1 3.0\nrun 0 post no");
  const auto alone = forces();
  const double lj = lmp->force->pair->eng_vdwl;
  const auto expected = direct(s, XtbMethod::gfnff, 0.1);
  EXPECT_NEAR((sum - lj) * kcal_per_mol_in_eV, expected.energy, 1e-5);
  std::vector<double> difference;
  for (std::size_t k = 0; k < together.size(); k++)
    difference.push_back((together[k] - alone[k]) * kcal_per_mol_in_eV);
  EXPECT_LT(largest_difference(difference, expected.forces),
            1e-5);    // digits of LAMMPS' conversion factor

  // water alone of water and a carbon atom far below
  auto w = water();
  const auto without = direct(w, XtbMethod::gfn2, 0.1);
  w.numbers.push_back(6);
  w.positions.insert(w.positions.end(), {0.0, 0.0, -3.0});
  commands("clear\nunits metal");
  create(w);
  commands("pair_style hybrid/overlay xtb zero 5.0\npair_coeff * * xtb NULL O H\npair_coeff * * "
           "zero\nrun 0 post no");
  EXPECT_NEAR(lmp->force->pair->eng_vdwl, without.energy, 1e-8);
}

TEST_F(PairXTB, RestartKeepsSettingsOneRank)
{
  const auto s = ethanol();
  run_once(s, "method gfnff accuracy 0.1 charge 0");
  const double before = energy();
  command("write_restart " + file("xtb.restart"));
  command("clear");
  command("read_restart " + file("xtb.restart"));
  command("run 0 post no");
  EXPECT_NEAR(energy(), before, 1e-10);
}

/// The isomer of ethanol with the elements in the same order.
Structure ether()
{
  Structure s;
  s.numbers = {6, 6, 8, 1, 1, 1, 1, 1, 1};
  s.positions = {-1.17, -0.20, 0.02, 1.18,  -0.19, -0.01, 0.0,   0.58,  0.03,
                 -2.02, 0.49,  0.05, -1.22, -0.86, 0.90,  -1.25, -0.80, -0.90,
                 2.03,  0.48,  0.02, 1.22,  -0.85, -0.90, 1.25,  -0.83, 0.88};
  return s;
}

/// GFN-FF's bond orders of this one depend on the positions that they are made from.
Structure formamide()
{
  Structure s;
  s.numbers = {6, 7, 8, 1, 1, 1};
  s.positions = {0.0, 0.42, 0.0,  1.2, -0.25, 0.1,  -1.1, -0.2, 0.0,
                 0.0, 1.5,  0.05, 1.2, -1.25, -0.2, 2.05, 0.25, -0.15};
  return s;
}

std::string dump_of(const Structure &s, const std::vector<int> &types, int step)
{
  std::ostringstream text;
  text.precision(16);
  text << "ITEM: TIMESTEP\n"
       << step << "\nITEM: NUMBER OF ATOMS\n"
       << s.n_atoms()
       << "\nITEM: BOX BOUNDS ff ff ff\n-50 50\n-50 50\n-50 50\nITEM: ATOMS id type x y z\n";
  for (int i = 0; i < s.n_atoms(); i++)
    text << i + 1 << " " << types[i] << " " << s.positions[3 * i] << " " << s.positions[3 * i + 1]
         << " " << s.positions[3 * i + 2] << "\n";
  return text.str();
}

TEST_F(PairXTB, OtherMoleculesOfTheSameAtomsGetTheirOwnForceFieldOneRank)
{
  const std::vector<int> types = {1, 1, 2, 3, 3, 3, 3, 3, 3};
  const auto a = direct(ethanol(), XtbMethod::gfnff, 0.1),
             b = direct(ether(), XtbMethod::gfnff, 0.1);
  put("ether.dump", dump_of(ether(), types, 0));
  put("both.dump", dump_of(ethanol(), types, 0) + dump_of(ether(), types, 1));
  run_once(ethanol(), "method gfnff");
  command("read_dump " + file("ether.dump") + " 0 x y z");
  command("run 0 post no");
  EXPECT_NEAR(energy(), b.energy, 1e-8);
  EXPECT_LT(largest_difference(forces(), b.forces), 1e-8);
  expect_in_log("atoms were moved since the last force evaluation, and their bonds are not those "
                "of GFN-FF any more (broken: C1-C2");
  // every frame of a rerun
  run_once(ethanol(), "method gfnff");
  commands("thermo 1\nthermo_style custom step pe\nthermo_modify format float %.10f\nrerun " +
           file("both.dump") + " dump x y z");
  EXPECT_NEAR(energy(), b.energy, 1e-8);
  char text[64];
  std::snprintf(text, sizeof text, "%.6f", a.energy);
  expect_in_log(text);
}

TEST_F(PairXTB, BondsThatBreakInARunAreNotMadeAnewOneRank)
{
  run_once(ethanol(), "method gfnff");
  // the hydrogen of the hydroxyl group leaves
  commands("group leaving id 9\nvelocity leaving set 0.0 4000.0 0.0\nfix 1 leaving "
           "nve/noforce\ntimestep 0.0001\nrun 5 post no");
  EXPECT_GT(distance(positions(), 2, 8), 1.97);
  const double stretched = energy();
  XtbCalculator own({XtbMethod::gfnff}, ethanol().numbers, ethanol().positions),
      anew({XtbMethod::gfnff}, ethanol().numbers, positions());
  std::vector<double> f(27);
  const double expected = own.evaluate(positions(), f);
  EXPECT_GT(std::abs(anew.evaluate(positions(), f) - expected), 0.1);
  EXPECT_NEAR(stretched, expected, 1e-8);
  commands("unfix 1\nrun 0 post no");
  EXPECT_NEAR(energy(), stretched, 1e-8);
  // moved as a whole is not moved
  commands("displace_atoms all move 1 2 3 units box\nrun 0 post no");
  EXPECT_NEAR(energy(), stretched, 1e-6);
  command("write_restart " + file("broken.restart"));
  commands("clear");
  command("read_restart " + file("broken.restart"));
  command("run 0 post no");
  EXPECT_NEAR(energy(), stretched, 1e-6);
}

TEST_F(PairXTB, RestartKeepsTheForceFieldOneRank)
{
  for (const bool hybrid : {false, true}) {
    command("clear");
    command("units metal");
    create(formamide(), {6, 7, 8, 1});
    const auto coefficients = [&] {
      if (hybrid)
        commands("pair_coeff * * xtb C N O H\npair_coeff * * zero");
      else
        command("pair_coeff * * C N O H");
    };
    command(hybrid ? "pair_style hybrid/overlay xtb method gfnff zero 5.0"
                   : "pair_style xtb method gfnff");
    coefficients();
    commands("run 0 post no\ndisplace_atoms all random 0.05 0.05 0.05 4711\nrun 0 post no");
    const double before = energy();
    const auto f = forces();
    const auto x = positions();
    XtbCalculator anew({XtbMethod::gfnff}, formamide().numbers, x);
    std::vector<double> unused(18);
    ASSERT_GT(std::abs(anew.evaluate(x, unused) - before),
              1e-6);    // else the test would see nothing
    command("write_restart " + file("ff.restart"));
    for (const char *other : {"a", "b"}) {
      command("clear");
      command("read_restart " + file("ff.restart"));
      if (hybrid) coefficients();
      // written again before a run
      if (other[0] == 'a') command("write_restart " + file("ff.restart"));
      command("run 0 post no");
      EXPECT_NEAR(energy(), before, 1e-9) << hybrid;
      EXPECT_LT(largest_difference(forces(), f), 1e-9);
    }
  }
}

TEST_F(PairXTB, StronglyTiltedBoxesAreBoxesOneRank)
{
  const auto s = ethanol();
  const auto expected = direct(s, XtbMethod::gfnff, 0.1);
  const auto create_in = [&](const std::string &box) {
    command("clear");
    command("units metal");
    commands("atom_modify map array\nbox tilt large");
    command("region box prism " + box + " units box");
    commands("create_box 3 box\nmass * 12.0");
    for (int i = 0; i < s.n_atoms(); i++) {
      char text[256];
      std::snprintf(text, sizeof text,
                    "create_atoms %d single %.16g %.16g %.16g remap yes units box",
                    s.numbers[i] == 6       ? 1
                        : s.numbers[i] == 8 ? 2
                                            : 3,
                    s.positions[3 * i], s.positions[3 * i + 1], s.positions[3 * i + 2]);
      command(text);
    }
    ASSERT_EQ(lmp->atom->natoms, 9);
    use("method gfnff");
  };
  create_in("0 12 0 12 0 12 30 -25 28");
  command("run 0 post no");
  EXPECT_NEAR(energy(), expected.energy, 1e-6);
  EXPECT_LT(largest_difference(forces(), expected.forces), 1e-6);
  // the shortest translation of this one is (3 4 0), although all its edges are 12 or longer
  create_in("0 12 0 4 0 12 27 0 0");
  expect_error("run 0",
               {"of the 5 Angstrom of the periodic box along its translation (",
                "at most half of them is accepted"});
}

TEST_F(PairXTB, NoWarningOfACommunicationCutoffOneRank)
{
  commands("units metal");
  create(ethanol());
  commands("change_box all boundary s s s");
  use("method gfnff");
  commands("neighbor 0.1 bin\nneigh_modify every 1 delay 0 check no\nfix 1 all nve\nvelocity all "
           "create 300 4711\ntimestep 0.0005\nrun 20 post no");
  std::fflush(nullptr);
  std::ifstream in(log());
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  EXPECT_EQ(text.find("Communication cutoff"), std::string::npos);
}

TEST_F(PairXTB, ChargesOfAtomsAgreeWithTheChargeOneRank)
{
  // ammonium above water
  Structure ammonium;
  ammonium.numbers = {7, 1, 1, 1, 1};
  ammonium.positions = {0.0,  0.0,   0.0,  0.62,  0.61, 0.60,  -0.60, -0.62,
                        0.61, -0.61, 0.60, -0.62, 0.60, -0.61, -0.60};
  const auto energy_at = [](const Structure &s, int charge) {
    XtbCalculator calculator({XtbMethod::gfn2, charge}, s.numbers, s.positions);
    std::vector<double> f(s.positions.size());
    return calculator.evaluate(s.positions, f);
  };
  commands("units metal\natom_style full\natom_modify map array\nboundary f f f\nregion box block "
           "-50 50 -50 50 -50 50\ncreate_box 3 box\nmass * 12.0");
  const auto add = [&](const Structure &s, double up) {
    for (int i = 0; i < s.n_atoms(); i++) {
      char text[256];
      std::snprintf(text, sizeof text, "create_atoms %d single %.16g %.16g %.16g",
                    s.numbers[i] == 7       ? 1
                        : s.numbers[i] == 8 ? 2
                                            : 3,
                    s.positions[3 * i], s.positions[3 * i + 1], s.positions[3 * i + 2] + up);
      command(text);
    }
  };
  add(ammonium, 0.0);
  add(water(), 10.0);
  commands("set atom 1*5 mol 1\nset atom 6*8 mol 2");
  const double ion = energy_at(ammonium, 1), neutral = energy_at(water(), 0);
  const std::string elements = "N O H";
  // charges that are all 0 say nothing
  use("system all charge 1", elements);
  command("run 0 post no");
  commands("set atom 1 charge -0.2\nset atom 2*5 charge 0.3\nset atom 6 charge -0.8\nset atom 7*8 "
           "charge 0.4");
  use("system molecule charge atoms", elements);
  command("run 0 post no");
  EXPECT_NEAR(energy(), ion + neutral, 1e-6);
  use("system molecule", elements);
  expect_error("run 0 post no",
               {"molecule 1 of 5 atoms (IDs 1 to 5): the charges of its atoms sum to 1, and "
                "pair_style xtb uses charge 0",
                "'charge atoms'", "'charge 1'"});
  use("system all charge 0", elements);
  expect_error("run 0 post no", {"charge 0 leaves 21 electrons"});
  use("system all charge -1", elements);
  command("run 0 post no");
  expect_in_log("Pair style xtb uses charge -1 for the system of 8 atoms (IDs 1 to 8), the charges "
                "of its atoms sum to 1");
  // a restart file keeps the rule, and charges may change between runs
  use("system all charge atoms", elements);
  command("run 0 post no");
  const double together = energy();
  command("write_restart " + file("charge.restart"));
  command("clear");
  command("read_restart " + file("charge.restart"));
  command("run 0 post no");
  EXPECT_NEAR(energy(), together, 1e-6);
  commands("set atom 1 charge -2.2\nrun 0 post no");
  EXPECT_GT(std::abs(energy() - together), 1.0);
  command("set atom 1 charge -0.5");
  expect_error("run 0 post no",
               {"the charges of its atoms sum to 0.7", "charge atoms takes whole numbers"});
  expect_error("pair_style xtb charge some", {"charge is some; expected a whole number, or atoms"});
  commands("clear\nunits metal");
  create(water());
  use("charge atoms");
  expect_error("run 0", {"charge atoms requires an atom style with charges"});
}

TEST_F(PairXTB, CountsCallsOneRank)
{
  run_once(ethanol(), "method gfn2");
  commands("velocity all create 300 4711\nfix 1 all nve\ntimestep 0.0005\nrun 5");
  int dim = -1;
  const auto value = [&](const char *name) {
    return *static_cast<double *>(lmp->force->pair->extract(name, dim));
  };
  // the start of the second run is the end of the first
  EXPECT_EQ(value("calls"), 6.0);
  EXPECT_EQ(dim, 0);
  EXPECT_GT(value("seconds"), 0.0);
  EXPECT_EQ(value("retries"), 0.0);
  expect_in_log("Pair style xtb: 6 calls of gfn2");
}

TEST_F(PairXTB, ConservesEnergyOneRank)
{
  run_once(ethanol(), "method gfn2 accuracy 0.1");
  commands("timestep 0.0005\nvelocity all create 300 4711 rot yes mom yes\nfix 1 all "
           "nve\nthermo_style custom step etotal\nrun 0 post no");
  const auto total = [&] {
    return lammps_get_thermo(lmp.get(), "etotal");
  };
  const double before = total();
  // a 300 K molecule from a bent start: the error of velocity Verlet itself is some 1e-3 eV
  command("run 100");
  EXPECT_NEAR(total(), before, 5e-3);
}

TEST_F(PairXTB, NeverGivesSilentNumbersOneRank)
{
  command("units metal");
  create(ethanol());
  use("maxiter 2");
  expect_error("run 0",
               {"Pair style xtb on timestep 0, the system of 9 atoms (IDs 1 to 9)", "gfn2 failed",
                "did not converge",
                "a higher electronic temperature (etemp) or more iterations may help",
                "converges only from that of a geometry nearby"});
  use("method gfn2");
  command("run 0 post no");
  lmp->atom->x[0][0] = std::nan("");
  expect_error("run 1 pre no", {"the position of atom 1 is not finite"});
}

TEST_F(PairXTB, RefusesBadInput)
{
  commands("units metal");
  create(ethanol());
  if (n_ranks > 1) {
    use("method gfn2");
    expect_error(
        "run 0",
        {"Pair style xtb runs on one MPI rank per partition, found " + std::to_string(n_ranks)});
    return;
  }
  expect_error("pair_style xtb gfn2",
               {"Unknown pair_style xtb keyword 'gfn2'", "accepted: method, charge"});
  expect_error("pair_style xtb method", {"missing argument"});
  expect_error("pair_style xtb method gfn3",
               {"unknown xTB method 'gfn3'; accepted: gfn2, gfn1, gfnff"});
  expect_error("pair_style xtb accuracy 0", {"accuracy is 0; expected 0.0001 to 1000"});
  expect_error("pair_style xtb uhf -1", {"uhf is -1; expected 0 or more"});
  expect_error("pair_style xtb etemp -5", {"etemp is -5; expected more than 0 K"});
  expect_error("pair_style xtb maxiter 0", {"maxiter is 0; expected 1 or more"});
  expect_error("pair_style xtb system some",
               {"Unknown pair_style xtb system 'some'; accepted: all, molecule"});
  command("pair_style xtb");
  expect_error("pair_coeff * * C O", {"has 2 elements; expected one for each of the 3 atom types"});
  expect_error("pair_coeff * * C O Hy", {"'Hy' of atom type 3 is not an element"});
  expect_error("pair_coeff * * NULL NULL NULL", {"maps every atom type to NULL"});
  use("charge 1");
  expect_error("run 0",
               {"charge 1 leaves 25 electrons, which 0 unpaired electrons do not fit; use an odd "
                "uhf, or another charge"});
  use("charge 22");
  expect_error("run 0", {"charge 22 leaves -2 valence electrons"});
  use("uhf 40");
  expect_error("run 0", {"40 unpaired electrons do not fit 20 valence electrons"});
  use("method gfn2", "C O Am");
  expect_error("run 0", {"gfn2 has no element Am (atomic number 95, atom 4); accepted: H to Rn"});
  use("method gfnff system molecule");
  expect_error("run 0", {"requires an atom style with molecule IDs"});
  commands("clear\nunits lj");
  create(ethanol());
  use("method gfnff");
  expect_error("run 0", {"Pair style xtb has no units 'lj'; accepted: metal, real"});
}

/// GFN-FF prints and leaves files where it runs; a user sees neither.
TEST(XtbCalculator, LeavesNoFiles)
{
  const auto s = ethanol();
  const auto before = std::filesystem::current_path();
  std::filesystem::remove("gfnff_topo");    // direct calls in other tests write this file
  testing::internal::CaptureStdout();
  XtbCalculator calculator({XtbMethod::gfnff}, s.numbers, s.positions);
  std::vector<double> f(27);
  calculator.evaluate(s.positions, f);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(std::filesystem::current_path(), before);
  EXPECT_FALSE(std::filesystem::exists("gfnff_topo"));
}

TEST(XtbCalculator, StartsFromTheLastWavefunction)
{
  const auto s = ethanol();
  XtbCalculator calculator({XtbMethod::gfn2, 0, 0, 0.1}, s.numbers, s.positions);
  std::vector<double> first(27), second(27);
  const double e = calculator.evaluate(s.positions, first);
  EXPECT_NEAR(calculator.evaluate(s.positions, second), e, 1e-8);
  calculator.forget();
  EXPECT_NEAR(calculator.evaluate(s.positions, second), e, 1e-10);
  EXPECT_LT(largest_difference(first, second), 1e-10);
  const auto charges = calculator.charges();
  EXPECT_NEAR(std::accumulate(charges.begin(), charges.end(), 0.0), 0.0, 1e-8);
  EXPECT_LT(charges[2], -0.2);
}

TEST(XtbCalculator, RefusesTwoAtomsOnOnePlace)
{
  auto s = water();
  XtbCalculator calculator({}, s.numbers, s.positions);
  std::vector<double> f(9);
  for (int a = 0; a < 3; a++) s.positions[3 + a] = s.positions[a];
  EXPECT_THROW(calculator.evaluate(s.positions, f), XtbError);
  EXPECT_THROW(XtbCalculator({}, s.numbers, s.positions), XtbError);
}

}    // namespace
