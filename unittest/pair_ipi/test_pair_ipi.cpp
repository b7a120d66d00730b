// pair_style ipi with a client of our own against LAMMPS lj/cut, and every way in which it may end.
#include "support/lammps_fixture.h"

#include "domain.h"

#include <cmath>
#include <csignal>
#include <map>
#include <sstream>

using namespace mlff;
using mlff_test::largest_difference;

namespace {

namespace fs = std::filesystem;

/// Atoms of two elements with distances of 3.4 A or more, cell rows a, b, c.
Structure crystal(const std::array<double, 9> &cell, const std::array<bool, 3> &periodic)
{
  Structure s;
  s.cell = cell;
  s.periodic = periodic;
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++)
      for (int k = 0; k < 3; k++) {
        const double f[3] = {(i + 0.1) / 3.0, (j + 0.15) / 3.0, (k + 0.2) / 3.0};
        const int n = int(s.numbers.size());
        s.numbers.push_back(n % 3 ? 18 : 10);
        for (int a = 0; a < 3; a++)
          s.positions.push_back(f[0] * cell[a] + f[1] * cell[3 + a] + f[2] * cell[6 + a] +
                                0.15 * std::sin(3.0 * n + a));
      }
  return s;
}

Structure orthogonal()
{
  return crystal({11.0, 0, 0, 0, 11.5, 0, 0, 0, 12.0}, {true, true, true});
}
Structure triclinic()
{
  return crystal({11.0, 0, 0, 2.5, 11.2, 0, -1.9, 3.1, 12.0}, {true, true, true});
}
Structure open_cluster()
{
  return crystal({11.0, 0, 0, 0, 11.5, 0, 0, 0, 12.0}, {false, false, false});
}
Structure slab()
{
  return crystal({11.0, 0, 0, 0, 11.5, 0, 0, 0, 12.0}, {true, true, false});
}

class PairIPI : public mlff_test::LammpsTest {
 protected:
  const std::string client = IPI_TEST_CLIENT " --structure {structure} --socket {address} ";

  void system(const Structure &s, const std::string &units = "metal",
              const std::string &newton = "on")
  {
    commands("clear\nunits " + units + "\nnewton " + newton);
    create(s, {18, 10});
    commands("neighbor 2.0 bin\nneigh_modify every 1 delay 0 check yes");
  }

  void use(const std::string &words = "", const std::string &more = "")
  {
    command("pair_style ipi client \"" + client + words + "\" " + more);
    command("pair_coeff * * Ar Ne");
  }

  void use_lammps(double scale = 1.0)
  {
    char text[64];
    std::snprintf(text, sizeof text, "pair_coeff * * %.17g 3.0", 0.01 * scale);
    commands("pair_style lj/cut 6.0\npair_modify shift yes\n" + std::string(text));
  }

  struct Values {
    double energy = 0.0;
    std::vector<double> forces, virial, positions;
  };

  Values values() { return {energy(), forces(), virial(), positions()}; }

  static void expect_equal(const Values &a, const Values &b, double bound)
  {
    EXPECT_NEAR(a.energy, b.energy, bound);
    EXPECT_LT(largest_difference(a.forces, b.forces), bound);
    EXPECT_LT(largest_difference(a.virial, b.virial), 10 * bound);
    EXPECT_LT(largest_difference(a.positions, b.positions), bound);
  }

  double number(const char *name)
  {
    int dim = -1;
    return *static_cast<double *>(lmp->force->pair->extract(name, dim));
  }

  std::string content(const std::string &name) const
  {
    std::ifstream in(file(name));
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  int count(const std::string &name, const std::string &word) const
  {
    int n = 0;
    const std::string text = content(name);
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at++) n++;
    return n;
  }

  /// Process of the client, from its log.
  pid_t client_process() const
  {
    std::istringstream words(content("client.log"));
    std::string word;
    pid_t pid = 0;
    words >> word >> pid;
    return pid;
  }
};

class PairIPIShape : public PairIPI, public testing::WithParamInterface<std::string> {
 protected:
  const std::map<std::string, Structure> shapes = {{"orthogonal", orthogonal()},
                                                   {"triclinic", triclinic()},
                                                   {"open", open_cluster()},
                                                   {"slab", slab()}};
};

TEST_P(PairIPIShape, EqualsLammps)
{
  const Structure s = shapes.at(GetParam());
  for (const std::string units : {"metal", "real"})
    for (const std::string newton : {"on", "off"}) {
      const double unit = units == "metal" ? 1.0 : 23.060548012069496;
      system(s, units, newton);
      use_lammps(unit);
      command("run 0 post no");
      const auto expected = values();
      system(s, units, newton);
      use();
      command("run 0 post no");
      // 1 kcal/mol of LAMMPS and ours differ in the eighth digit
      expect_equal(values(), expected, units == "metal" ? 1e-10 : 1e-6);
      EXPECT_GT(std::abs(expected.virial[3]), 1e-3);
    }
}

TEST_P(PairIPIShape, MovesAtomsAsLammpsDoes)
{
  const auto trajectory = [&](bool ours, const std::string &more) {
    system(shapes.at(GetParam()));
    if (ours)
      use("", more);
    else
      use_lammps();
    commands("velocity all create 300 4711 loop geom\nfix 1 all nve\ntimestep 0.002\nthermo_style "
             "custom step etotal press\nthermo 50\nrun 150 post no");
    return std::pair(values(), lammps_get_thermo(lmp.get(), "etotal"));
  };
  const auto [expected, total] = trajectory(false, "");
  for (const char *more : {"", "wrap yes"}) {
    const auto [found, own_total] = trajectory(true, more);
    expect_equal(found, expected, 1e-7);
    EXPECT_NEAR(own_total, total, 1e-8);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, PairIPIShape,
                         testing::Values("orthogonal", "triclinic", "open", "slab"),
                         [](const auto &info) {
                           return info.param;
                         });

TEST_F(PairIPI, KeepsThePressureOfAMovingBox)
{
  const auto run = [&](bool ours) {
    system(triclinic());
    if (ours)
      use();
    else
      use_lammps();
    commands("velocity all create 200 4711 loop geom\nfix 1 all npt temp 200 200 0.1 tri 500 500 "
             "0.5\ntimestep 0.002\nrun 60 post no");
    auto v = values();
    v.positions.push_back(lmp->domain->xprd);
    v.positions.push_back(lmp->domain->yz);
    return v;
  };
  const auto expected = run(false), found = run(true);
  expect_equal(found, expected, 1e-6);
  EXPECT_GT(std::abs(found.positions[81] - 11.0), 1e-3);
}

TEST_F(PairIPI, MinimizesAsLammpsDoes)
{
  const auto run = [&](bool ours) {
    system(orthogonal());
    if (ours)
      use();
    else
      use_lammps();
    command("minimize 0 1e-6 200 1000");
    return energy();
  };
  EXPECT_NEAR(run(true), run(false), 1e-7);
}

TEST_F(PairIPI, WrapsPositionsIfAskedTo)
{
  for (const bool wrap : {false, true}) {
    if (rank == 0) fs::remove(file("client.log"));
    system(orthogonal());
    use("--images 4 --log " + file("client.log"), wrap ? "wrap yes" : "");
    commands("velocity all set 60.0 0.0 0.0\nfix 1 all nve\ntimestep 0.01\nrun 30 post no");
    MPI_Barrier(MPI_COMM_WORLD);
    double largest = 0.0, least = 100.0;
    std::istringstream words(content("client.log"));
    for (std::string word, pid; words >> word;)
      if (word == "evaluate") {
        double x;
        words >> pid >> x;
        largest = std::max(largest, x);
        least = std::min(least, x);
      }
    if (wrap) {
      EXPECT_GE(least, 0.0);
      EXPECT_LT(largest, 11.0);
    } else
      EXPECT_GT(largest, 15.0);
    command("clear");
  }
}

TEST_F(PairIPI, CountsCallsAndSeconds)
{
  system(orthogonal());
  use("--sleep 0.002");
  commands("compute 1 all pair ipi\nthermo_style custom step c_1 c_1[1] c_1[2]\nfix 1 all nve\n"
           "timestep 0.001\nrun 5");
  EXPECT_EQ(number("calls"), 6.0);
  EXPECT_GT(number("seconds"), 0.012);
  auto *compute = lmp->modify->get_compute_by_id("1");
  EXPECT_EQ(compute->vector[0], 6.0);
  EXPECT_GT(compute->vector[1], 0.012);
  expect_in_log("Pair style ipi starts a client at the UNIX socket /tmp/ipi_mlff_");
  expect_in_log("Pair style ipi: 6 calls, ");
  // the start of a run is the end of the one before
  command("run 0");
  EXPECT_EQ(number("calls"), 6.0);
  commands("displace_atoms all move 0.1 0 0\nrun 0");
  EXPECT_EQ(number("calls"), 7.0);
}

// multiple time steps: the client is asked once in an outer step
TEST_F(PairIPI, IsTheDearForceOfMultipleTimeSteps)
{
  const std::string move = "velocity all create 200 4711 loop geom\nfix 1 all nve\n";
  system(orthogonal());
  use_lammps();
  commands(move + "timestep 0.001\nrun 24 post no");
  const auto plain = values();
  system(orthogonal());
  commands("pair_style hybrid/scaled 1.0 lj/cut 6.0 1.0 ipi client \"" + client +
           "\" -1.0 lj/cut 6.0\npair_coeff * * lj/cut 1 0.01 3.0\npair_coeff * * ipi Ar Ne\n"
           "pair_coeff * * lj/cut 2 0.01 3.0\npair_modify shift yes\n" +
           move + "timestep 0.004\nrun_style respa 2 4 hybrid 1 2 2\nrun 6 post no");
  expect_equal(values(), plain, 1e-8);
  int dim = -1;
  auto *const dear = lmp->force->pair_match("ipi", 1);
  ASSERT_NE(dear, nullptr);
  EXPECT_EQ(*static_cast<double *>(dear->extract("calls", dim)), 7.0);
}

TEST_F(PairIPI, OneClientServesAllRuns)
{
  system(orthogonal());
  use("--log " + file("client.log"));
  commands("fix 1 all nve\ntimestep 0.001\nrun 2\nrun 2\nminimize 0 0 2 4\nclear");
  MPI_Barrier(MPI_COMM_WORLD);
  EXPECT_EQ(count("client.log", "start "), 1);
  EXPECT_EQ(count("client.log", "exit "), 1);
}

TEST_F(PairIPI, OtherAtomsGetAnotherClient)
{
  system(orthogonal());
  use("--log " + file("client.log"));
  commands("run 0 post no\ngroup some id 1 5 9\ndelete_atoms group some compress no\nrun 0 post "
           "no");
  MPI_Barrier(MPI_COMM_WORLD);
  EXPECT_EQ(count("client.log", "start "), 2);
  EXPECT_EQ(count("client.log", " 24 Lattice="), 1);
  const auto found = energy();
  use_lammps();
  command("run 0 post no");
  EXPECT_NEAR(found, energy(), 1e-10);
}

TEST_F(PairIPI, TypesAndGroupsAreLeftOut)
{
  system(orthogonal());
  command("pair_style hybrid/overlay ipi client \"" + client + "--log " + file("client.log") +
          "\" zero 6.0");
  commands("pair_coeff * * ipi Ar NULL\npair_coeff * * zero\nrun 0 post no");
  const auto f = forces();
  const double found = energy();
  for (int i = 0; i < 27; i++) {
    if (orthogonal().numbers[i] == 10) EXPECT_EQ(f[3 * i], 0.0);
  }
  commands("group neon type 2\ndelete_atoms group neon compress no");
  use_lammps();
  command("run 0 post no");
  EXPECT_NEAR(found, energy(), 1e-10);
  MPI_Barrier(MPI_COMM_WORLD);
  EXPECT_EQ(count("client.log", " 18 Lattice="), 1);
  // the same by a group
  system(orthogonal());
  use();
  commands("group neon type 2\nneigh_modify exclude group all neon\nrun 0 post no");
  EXPECT_NEAR(found, energy(), 1e-10);
  command("neigh_modify exclude type 1 1");
  expect_error("run 0", {"Pair style ipi needs all pairs of its atoms"});
}

TEST_F(PairIPI, StateAndFilesGoToTheClient)
{
  put("words", "--log " + file("client.log") + " --structure {structure}\n");
  system(open_cluster());
  command("pair_style ipi client \"" IPI_TEST_CLIENT
          " --socket {address} $(cat words)\" charge -1 spin 2 box 40 file " +
          file("words"));
  commands("pair_coeff * * Ar Ne\nrun 0 post no");
  MPI_Barrier(MPI_COMM_WORLD);
  EXPECT_EQ(count("client.log", " 27 Lattice=\"40 0 0 0 40 0 0 0 40\" "), 1);
  EXPECT_EQ(count("client.log", " charge=-1 spin=2 pbc=\"F F F\""), 1);
}

TEST_F(PairIPI, ClientOfTheUserConnects)
{
  long id = getpid();
  MPI_Bcast(&id, 1, MPI_LONG, 0, MPI_COMM_WORLD);
  const std::string name = "mlff_test_pair_" + std::to_string(id);
  put("start.xyz", "27\npbc=\"T T T\"\n");
  system(orthogonal());
  use_lammps();
  command("run 0 post no");
  const auto expected = values();
  if (rank == 0) {
    ASSERT_EQ(std::system(("'" IPI_TEST_CLIENT "' --structure " + file("start.xyz") + " --socket " +
                           name + " > /dev/null 2>&1 &")
                              .c_str()),
              0);
  }
  command("pair_style ipi socket unix:" + name);
  commands("pair_coeff * * Ar Ne\nrun 0 post no");
  expect_equal(values(), expected, 1e-10);
  expect_in_log("Pair style ipi waits for a client at the UNIX socket /tmp/ipi_" + name);
  commands("group one id 1\ndelete_atoms group one compress no");
  expect_error("run 0",
               {"Pair style ipi on timestep 0: it has now 26 atoms, and the client was "
                "started for 27",
                "use the keyword 'client'"});
}

/// A client of somebody else, with constants of conversion of eight digits.
TEST_F(PairIPI, LammpsIsAClientOneRank)
{
  for (const bool tcp : {false, true}) {
    system(triclinic());
    use_lammps();
    commands("fix 1 all nve\ntimestep 0.002\nrun 0 post no\nwrite_data " + file("start.data") +
             " nocoeff\nrun 20 post no");
    const auto expected = values();
    put("in.client",
        "units metal\natom_modify map array\nbox tilt large\nread_data " + file("start.data") +
            "\npair_style lj/cut 6.0\npair_modify shift yes\npair_coeff * * 0.01 3.0\nfix "
            "server all ipi {address} " +
            (tcp ? "{port}" : "1 unix") + "\nrun 1000000\n");
    system(triclinic());
    command("pair_style ipi client \"'" LMP_PROGRAM "' -in in.client -log none\" file " +
            file("in.client") + (tcp ? " socket tcp" : ""));
    commands("pair_coeff * * Ar Ne\nfix 1 all nve\ntimestep 0.002\nrun 20 post no");
    expect_equal(values(), expected, 1e-6);
    EXPECT_EQ(number("calls"), 21.0);
    command("clear");
  }
}

TEST_F(PairIPI, RestartHasAllSettings)
{
  for (const bool hybrid : {false, true}) {
    system(orthogonal());
    if (rank == 0) fs::remove(file("client.log"));
    put("words", "--log " + file("client.log") + "\n");
    const std::string style = "ipi client \"" + client +
        "$(cat words)\" charge 1 wrap yes timeout "
        "50 file " +
        file("words");
    const auto coefficients = [&] {
      if (hybrid)
        commands("pair_coeff * * ipi Ar Ne\npair_coeff * * zero");
      else
        command("pair_coeff * * Ar Ne");
    };
    command("pair_style " + std::string(hybrid ? "hybrid/overlay " : "") + style +
            (hybrid ? " zero 6.0" : ""));
    coefficients();
    command("run 0 post no");
    const auto before = values();
    commands("write_restart " + file("ipi.restart") + "\nclear");
    command("read_restart " + file("ipi.restart"));
    if (hybrid) coefficients();
    command("run 0 post no");
    expect_equal(values(), before, 1e-10);
    MPI_Barrier(MPI_COMM_WORLD);
    EXPECT_EQ(count("client.log", " charge=1 pbc="), 2);
    MPI_Barrier(MPI_COMM_WORLD);
  }
}

TEST_F(PairIPI, ClientThatIsKilledEndsTheRun)
{
  system(orthogonal());
  // without a time limit only the end of the client ends the wait
  use("--log " + file("client.log"), "timeout 0");
  commands("fix 1 all nve\ntimestep 0.001\nrun 3");
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) kill(client_process(), SIGKILL);
  expect_error("run 5",
               {"Pair style ipi on timestep 4: the client failed: it closed the "
                "connection; it was ended by signal 9 (Killed)"});
  // the next run has a new one
  command("run 1");
}

TEST_F(PairIPI, WhatAClientDoesWrongIsNamedWithTheStep)
{
  const std::vector<std::pair<std::string, std::string>> faults = {
      {"exit",
       "it closed the connection; it ended with status 3; the last lines that it "
       "printed:\n  a first line\n  the field did not converge"},
      {"nonsense", "it said 'BANANA' where HAVEDATA was expected"},
      {"wrong-atoms", "it sent forces of 26 atoms; expected: 27"},
      {"nan", "its energy is not finite"},
      {"nan-force", "its forces are not finite"},
      {"nan-virial", "its virial is not finite"}};
  for (const auto &[fault, words] : faults) {
    system(orthogonal());
    use("--fault " + fault + " --at 3");
    commands("fix 1 all nve\ntimestep 0.001");
    expect_error("run 5", {"Pair style ipi on timestep 2: the client failed: " + words});
  }
  system(orthogonal());
  use("--fault hang", "timeout 0.5");
  expect_error("run 0",
               {"on timestep 0: the client failed: it gave no answer within 0.5 s; it runs"});
  use("--fail-at-start");
  expect_error("run 0",
               {"on timestep 0: the client failed: it ended before it connected to ",
                "it ended with status 6", "no licence"});
  command("pair_style ipi timeout 0.2");
  command("pair_coeff * * Ar Ne");
  expect_error("run 0",
               {"on timestep 0: the client failed: it did not connect to the UNIX socket ",
                " within 0.2 s"});
  use("", "file " + file("none.inp"));
  expect_error("run 0", {"Pair style ipi on timestep 0: '", "none.inp' cannot be opened"});
}

TEST_F(PairIPI, TrialPositionsMayFail)
{
  for (const char *fault : {"nan", "exit"}) {
    system(orthogonal());
    use("--fault " + std::string(fault) + " --below 1.0");
    command("run 0 post no");
    const double before = energy();
    int dim = 0;
    *static_cast<int *>(lmp->force->pair->extract("nan_on_failure", dim)) = 1;
    commands("group one id 1\ndisplace_atoms one move -3.2 0.0 0.0");
    // onto its neighbor
    for (int i = 0; i < lmp->atom->nlocal; i++)
      if (lmp->atom->tag[i] == 1) lmp->atom->x[i][0] += 3.2;
    commands("displace_atoms one move 0 0 3.6\nrun 0 post no");
    EXPECT_TRUE(std::isnan(energy()));
    commands("displace_atoms one move 0 0 -3.6\nrun 0 post no");
    EXPECT_NEAR(energy(), before, 1e-8);
  }
}

TEST_F(PairIPI, NoVirialIsToldAndNeverUsed)
{
  system(orthogonal());
  use("--no-virial");
  command("run 0 post no");
  expect_in_log("WARNING: Pair style ipi: the client sends no virial");
  for (const char *fix : {"npt temp 100 100 0.1 iso 0 0 1", "nph iso 0 0 1", "box/relax iso 0"}) {
    system(orthogonal());
    use("--no-virial");
    command("fix 1 all " + std::string(fix));
    expect_error(std::string(fix).starts_with("box") ? "minimize 0 0 2 2" : "run 1",
                 {"the client sends no virial, but fix ", " needs the pressure"});
  }
  // of atoms without images it follows from the forces
  system(open_cluster());
  use_lammps();
  command("run 0 post no");
  const auto expected = values();
  system(open_cluster());
  use("--no-virial");
  command("run 0 post no");
  expect_equal(values(), expected, 1e-10);
}

TEST_F(PairIPI, EnergyIsSpreadOverAtomsAndStressIsRefused)
{
  system(orthogonal());
  use();
  commands("compute 1 all pe/atom\ncompute 2 all reduce sum c_1\ncompute 3 all reduce max c_1\n"
           "thermo_style custom step pe c_2 c_3\nrun 0");
  const auto scalar = [this](const char *id) {
    return *static_cast<double *>(
        lammps_extract_compute(lmp.get(), id, LMP_STYLE_GLOBAL, LMP_TYPE_SCALAR));
  };
  const double energy = lammps_get_thermo(lmp.get(), "pe");
  EXPECT_NE(energy, 0.0);
  EXPECT_NEAR(scalar("2"), energy, 1e-12 * std::abs(energy));
  EXPECT_NEAR(scalar("3"), energy / lammps_get_natoms(lmp.get()), 1e-12 * std::abs(energy));
  system(orthogonal());
  use();
  commands("compute 1 all stress/atom NULL\ncompute 2 all reduce sum c_1[1]\nthermo_style custom "
           "step c_2");
  expect_error(
      "run 0",
      {"Pair style ipi has no stresses of single atoms", "take the sum from compute pressure"});
}

TEST_F(PairIPI, RefusesBadInput)
{
  system(orthogonal());
  expect_error("pair_style ipi run",
               {"Unknown pair_style ipi keyword 'run'; accepted: client, socket, timeout, wrap, "
                "box, charge, spin, file"});
  expect_error("pair_style ipi client", {"missing argument"});
  expect_error("pair_style ipi client 'a {adress}'",
               {"Pair style ipi: the command of a client holds {adress}; accepted: {address}"});
  expect_error("pair_style ipi socket pipe",
               {"Pair style ipi: the address 'pipe' is not known; accepted: unix, unix:NAME"});
  expect_error("pair_style ipi timeout -1", {"Pair style ipi timeout is -1; expected 0 or more"});
  expect_error("pair_style ipi box -2", {"Pair style ipi box is -2; expected 0 or more"});
  expect_error("pair_style ipi spin 0", {"Pair style ipi spin is 0; expected the multiplicity"});
  command("pair_style ipi");
  expect_error("pair_coeff * * Ar", {"has 1 elements; expected one for each of the 2 atom types"});
  expect_error("pair_coeff * * Ar Xy", {"'Xy' of atom type 2 is not an element"});
  expect_error("pair_coeff * * NULL NULL", {"maps every atom type to NULL"});
  commands(
      "pair_style hybrid/overlay ipi zero 6.0\npair_coeff * * zero\npair_coeff * * ipi NULL Ne");
  commands("group neon type 2\ndelete_atoms group neon");
  expect_error("run 0", {"Pair style ipi on timestep 0: there are no atoms that it treats"});
  system(orthogonal(), "lj");
  use();
  expect_error("run 0", {"Pair style ipi has no units 'lj'; accepted: metal, real"});
  commands("clear\nunits metal\natom_modify id no");
  create(orthogonal(), {18, 10}, "atom_modify id no");
  use();
  expect_error("run 0", {"Pair style ipi requires atom IDs"});
}

}    // namespace
