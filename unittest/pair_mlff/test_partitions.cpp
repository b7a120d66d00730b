// LAMMPS with several partitions: the same trajectories whether they evaluate pair_style mlff
// together or alone.
#include "support/folder_fixture.h"

#include <cmath>
#include <map>
#include <sstream>

#include <sched.h>

namespace {

const std::string head = R"(
units           metal
boundary        s s s
atom_modify     map array sort 0 0.0
read_data       ETHANOL
pair_style      ${style}
pair_coeff      * * POTENTIAL C O H
neighbor        2.0 bin
neigh_modify    every 1 delay 0 check yes
timestep        0.0005
thermo          10
)";
const std::string frames = R"(
dump            frames all custom 50 dump.${p} id x y z fx fy fz
dump_modify     frames sort id format float %.17g
)";
const std::string hot = R"(
velocity        all create 300.0 ${p}7 mom yes rot yes dist gaussian
fix             move all nve
fix             bath all langevin 300.0 300.0 0.05 ${p}3
)";

std::string periodic()
{
  std::string text = head;
  return text.replace(text.find("s s s"), 5, "p p p");
}

class Partitions : public mlff_test::FolderTest {
 protected:
  std::string styles = "mlff engine host precision double threads 1";
  std::string arguments;

  /// All on one core: there they wait for each other, with more cores they need not.
  static void SetUpTestSuite()
  {
    cpu_set_t cores, one;
    ASSERT_EQ(sched_getaffinity(0, sizeof(cores), &cores), 0);
    CPU_ZERO(&one);
    for (int c = 0; c < CPU_SETSIZE && CPU_COUNT(&one) == 0; c++)
      if (CPU_ISSET(c, &cores)) CPU_SET(c, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  }

  void write(const std::string &name, std::string text)
  {
    const auto replace = [&](const std::string &word, const std::string &by) {
      for (std::size_t at; (at = text.find(word)) != std::string::npos;)
        text.replace(at, word.size(), by);
    };
    replace("ETHANOL", ETHANOL_DATA);
    replace("POTENTIAL", SHIPPED_POTENTIAL);
    std::ofstream(file(name)) << text;
  }

  /// Runs the input in a folder of that name with its dumps; returns the screen of the universe.
  std::string lammps(int partitions, const std::string &input, const std::string &style,
                     const std::string &where)
  {
    std::filesystem::create_directories(folder / where);
    write(
        where + "/in.test",
        "variable p world " +
            [&] {
              std::string names;
              for (int k = 1; k <= partitions; k++) names += std::to_string(k) + " ";
              return names;
            }() +
            "\n" + input);
    const std::string n = std::to_string(partitions);
    const std::string command = "cd '" + file(where) + "' && " MPIRUN " -np " + n +
        " " LAMMPS " -partition " + n + "x1 -in in.test -pscreen none " + arguments +
        " -var style " + style + " > screen 2>&1";
    const int status = std::system(command.c_str());
    const std::string screen = content(where + "/screen");
    EXPECT_EQ(status, 0) << screen << content(where + "/log.lammps.0").substr(0, 4000);
    return screen;
  }

  std::map<std::string, std::string> dumps(const std::string &where) const
  {
    std::map<std::string, std::string> texts;
    for (const auto &entry : std::filesystem::directory_iterator(folder / where)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("dump.")) texts[name] = content(where + "/" + name);
    }
    return texts;
  }

  /// Batched against alone: every dump to the last bit, or to a tolerance.
  void compare(int partitions, const std::string &input, double tolerance = 0.0)
  {
    lammps(partitions, input, "'" + styles + " batch off'", "alone");
    const std::string screen =
        lammps(partitions, input, "'" + styles + " batch on wait 100'", "together");
    if (HasFailure()) return;
    EXPECT_NE(screen.find("replicas of this node"), std::string::npos) << screen;
    const auto alone = dumps("alone"), together = dumps("together");
    EXPECT_FALSE(alone.empty());
    ASSERT_EQ(alone.size(), together.size());
    for (const auto &[name, text] : alone) {
      ASSERT_TRUE(together.count(name)) << name;
      if (tolerance == 0.0) {
        EXPECT_TRUE(text == together.at(name)) << name;
        continue;
      }
      std::istringstream a(text), b(together.at(name));
      double largest = 0.0;
      for (std::string u, v; a >> u;) {
        ASSERT_TRUE(b >> v) << name;
        if (u == v) continue;
        const double p = std::atof(u.c_str()), q = std::atof(v.c_str());
        largest = std::max(largest, std::abs(p - q) / (1.0 + std::abs(p)));
      }
      EXPECT_LT(largest, tolerance) << name;
    }
  }

  /// Evaluations were of all partitions: many, but not in the beginning, for none waits for one
  /// that has not yet started.
  void expect_together(int replicas)
  {
    const std::string screen = content("together/screen"),
                      last = " x " + std::to_string(replicas) + "\n";
    const auto end = screen.find(last);
    ASSERT_NE(end, std::string::npos) << screen;
    const auto begin = screen.rfind(' ', end - 1);
    EXPECT_GT(std::atoi(screen.substr(begin, end - begin).c_str()), 9) << screen;
  }
};

TEST_F(Partitions, UnequalLengths)
{
  compare(4, head + hot + frames + "variable n world 200 2000 900 550\nrun ${n}\nrun 100\n");
}

TEST_F(Partitions, EqualLengthsAllTogether)
{
  compare(3, head + hot + frames + "run 2000\n");
  expect_together(3);
}

TEST_F(Partitions, Temper)
{
  compare(4, head + R"(
variable        T world 300 330 360 390
velocity        all create $T 11 mom yes rot yes dist gaussian
fix             move all nve
fix             bath all langevin $T $T 0.05 5${p}
)" + frames + "temper 1000 50 $T bath 0 58728\n");
  const auto swaps = [&](const std::string &where) {
    std::istringstream log(content(where + "/log.lammps"));
    std::string rows;
    bool on = false;
    for (std::string line; std::getline(log, line);) {
      if (line.find("T0") != std::string::npos) on = true;
      if (on && line.find_first_not_of("0123456789 ") == std::string::npos) rows += line + "\n";
    }
    return rows;
  };
  EXPECT_GT(swaps("alone").size(), 200u);
  EXPECT_EQ(swaps("alone"), swaps("together"));
  expect_together(4);
}

TEST_F(Partitions, TemperOfJumps)
{
  // a tether whose energy rejects jumps, and exchanges of temperature: means at each temperature
  // are those without exchanges
  const int steps = 6000, every = 20, replicas = 4;
  const std::string start = R"(
units           metal
boundary        s s s
atom_modify     map array sort 0 0.0
read_data       ETHANOL
pair_style      ${style}
pair_coeff      * * ethanol-gfn2-mlp.safetensors C O H
neighbor        2.0 bin
neigh_modify    every 1 delay 0 check yes
timestep        0.0005
variable        T world 300 380 480 600
velocity        all create $T 4${p} mom no rot no dist gaussian
compute_modify  thermo_temp extra/dof 0
fix             tether all spring/self 0.1
fix_modify      tether energy yes
fix             jump all nvt/kstep/hybrid ethanol-gfn2-mlp.safetensors C O H jump student 10 &
                0.0005 langevin $T 0.05 5${p} threads 1
fix             pe all ave/time 1 20 20 c_thermo_pe file pe.${p}
fix             rate all ave/time 100 1 100 f_jump[12] f_jump[18] file rate.${p}
thermo          1000
)";
  const auto means = [&](const std::string &where) {
    // log: step and the temperature of each world, before the next block
    std::map<long, std::vector<int>> rows;
    std::istringstream log(content(where + "/log.lammps"));
    bool on = false;
    for (std::string line; std::getline(log, line);) {
      if (line.find("T0") != std::string::npos) on = true;
      std::istringstream words(line);
      long step;
      std::vector<int> row(replicas);
      if (!on || !(words >> step)) continue;
      bool whole = true;
      for (int &one : row) whole = whole && bool(words >> one);
      if (whole) rows[step] = row;
    }
    std::vector<double> sum(replicas, 0.0), count(replicas, 0.0);
    for (int p = 0; p < replicas; p++) {
      std::istringstream file(content(where + "/pe." + std::to_string(p + 1)));
      for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        long step;
        double value;
        if (line.starts_with("#") || !(words >> step >> value) || step <= steps / 10) continue;
        const int T = rows.empty() ? p : rows.at(step - every)[p];
        sum[T] += value;
        count[T]++;
      }
    }
    for (int T = 0; T < replicas; T++) sum[T] /= std::max(1.0, count[T]);
    return sum;
  };
  lammps(replicas, start + "run " + std::to_string(steps) + "\n", "'mlff threads 1'", "plain");
  lammps(replicas,
         start + "temper " + std::to_string(steps) + " " + std::to_string(every) +
             " $T jump 0 58728\n",
         "'mlff threads 1'", "exchanged");
  if (HasFailure()) return;
  const auto plain = means("plain"), exchanged = means("exchanged");
  for (int T = 0; T < replicas; T++) {
    std::cout << "mean potential energy " << plain[T] << " without, " << exchanged[T]
              << " with exchanges\n";
    // 30 ps, memory of 0.15 ps: a standard error of 0.01 eV at 600 K; bound four of their
    // difference
    EXPECT_NEAR(exchanged[T], plain[T], 0.06);
    if (T > 0) { EXPECT_GT(exchanged[T], exchanged[T - 1]); }
    std::istringstream file(content("exchanged/rate." + std::to_string(T + 1)));
    double step, acceptance = 0.0, boltzmann = 0.0;
    for (std::string line; std::getline(file, line);)
      std::istringstream(line) >> step >> acceptance >> boltzmann;
    EXPECT_GT(acceptance, 0.3);
    EXPECT_LT(acceptance, 0.99);
    EXPECT_NEAR(boltzmann, 1.0, 0.1);
  }
}

TEST_F(Partitions, TemperGrem)
{
  compare(2, head + R"(
variable        lambda world 300 320
velocity        all create 300 11 mom yes rot yes dist gaussian
fix             bath all nvt temp 300 300 0.05
fix             ensemble all grem ${lambda} -0.01 -1500.0 bath
thermo_modify   press ensemble_press
)" + frames + "temper/grem 100 10 ${lambda} ensemble bath 0 58728\n");
}

TEST_F(Partitions, Neb)
{
  write("final",
        "3\n1 0.06783209 0.46966327 0.21332665\n8 -1.10897580 -0.03480368 -1.34583359\n9 "
        "1.67124024 -0.54209074 0.86947799\n");
  compare(4, head + R"(
fix             band all neb 1.0
min_style       fire
neb             0.0 0.001 100 100 10 final ../final
write_dump      all custom dump.${p} id x y z fx fy fz modify sort id format float %.17g
)");
  expect_together(4);
}

TEST_F(Partitions, Prd)
{
  compare(2, periodic() + R"(
velocity        all create 300.0 87 mom yes rot yes dist gaussian
fix             move all nve
fix             bath all langevin 300.0 300.0 0.05 38
compute         event all event/displace 0.5
prd             60 20 5 5 20 event 54985 min 0.1 0.1 20 40
write_dump      all custom dump.${p} id x y z fx fy fz modify sort id format float %.17g
)");
}

TEST_F(Partitions, Hyper)
{
  compare(2, periodic() + R"(
velocity        all create 300.0 8${p} mom yes rot yes dist gaussian
fix             move all nve
fix             bath all langevin 300.0 300.0 0.05 3${p}
compute         event all event/displace 1.0
fix             boost all hyper/global 1.7 0.3 0.1 300.0
hyper           60 20 boost event min 0.1 0.1 20 40
write_dump      all custom dump.${p} id x y z fx fy fz modify sort id format float %.17g
)");
}

TEST_F(Partitions, Minimize)
{
  compare(3,
          head +
              "displace_atoms all random 0.2 0.2 0.2 4${p}\nvariable f world 0.3 0.03 "
              "0.003\nminimize 0.0 ${f} 200 1000\n" +
              R"(
write_dump      all custom dump.${p} id x y z fx fy fz modify sort id format float %.17g
)");
}

TEST_F(Partitions, OneWithoutTheModel)
{
  compare(3, head + hot + frames + R"(
if "${p} == 2" then "pair_style lj/cut 5.0" "pair_coeff * * 0.001 1.0"
run             2000
)");
  expect_together(2);
}

/// Fix kstep/hybrid with ${style} as its last words, forces of each partition alone.
std::string jumps(const std::string &file, const std::string &words)
{
  std::string text = head;
  const auto at = text.find("pair_style"), end = text.find("neighbor");
  text.replace(at, end - at,
               "pair_style mlff engine host precision double threads 1 batch off\npair_coeff * * "
               "ethanol-gfn2-painn32.safetensors C O H\n");
  return text +
      "velocity all create 300.0 ${p}7 mom yes rot no dist gaussian\nfix jump all kstep/hybrid " +
      file + " C O H " + words + " langevin 300 0.1 ${p}3 timing no ${style}\n" + frames;
}

TEST_F(Partitions, Jumps)
{
  styles = "engine host precision double threads 1";
  compare(3, jumps("ethanol-gfn2-jump8.safetensors", "corrector 1 drift 0.3") + "run 2000\n");
  expect_together(3);
}

TEST_F(Partitions, JumpsOfAStudent)
{
  styles = "engine host precision double threads 1";
  compare(2, jumps("ethanol-gfn2-painn32.safetensors", "jump student 20 0.0005") + "run 100\n");
  expect_together(2);
}

TEST_F(Partitions, SegmentsOfAStudent)
{
  styles = "engine host precision double threads 1";
  compare(2,
          jumps("ethanol-gfn2-painn32.safetensors", "jump student 10 0.0005 segments 4") +
              "run 100\n");
  expect_together(2);
}

TEST_F(Partitions, TwoStylesOfOneProcess)
{
  std::string twice = head;
  const auto at = twice.find("pair_style"), end = twice.find("neighbor");
  twice.replace(at, end - at, R"(
pair_style      hybrid/overlay ${style} ${style}
pair_coeff      * * mlff 1 POTENTIAL C O H
pair_coeff      * * mlff 2 POTENTIAL C O H
)");
  compare(2, twice + hot + frames + "run 2000\n");
  expect_together(2);
}

TEST_F(Partitions, Rerun)
{
  compare(2,
          head + hot +
              "dump first all custom 1 first.${p} id type x y z\nrun 20\nundump first\nunfix "
              "move\nunfix bath\n" +
              frames + "dump_modify frames every 1\nrerun first.${p} dump x y z\n");
}

TEST_F(Partitions, ClearAndAgain)
{
  compare(2, head + hot + "run 10\nclear\n" + head + hot + frames + "run 30\n");
}

TEST_F(Partitions, AutomaticChoiceKeepsTheNumbers)
{
  const std::string input = head + hot + frames + "run 4000\n";
  lammps(3, input, "'" + styles + " batch off'", "alone");
  const std::string screen = lammps(3, input, "'" + styles + "'", "together");
  EXPECT_NE(screen.find("replica-steps/s together"), std::string::npos) << screen;
  EXPECT_EQ(dumps("alone"), dumps("together"));
}

TEST_F(Partitions, SeveralRanksEvaluateAlone)
{
  write("in.test", "variable p world 1 2\n" + head + hot + "run 5\n");
  const std::string command = "cd '" + folder.string() +
      "' && " MPIRUN " -np 4 " LAMMPS
      " -partition 2x2 -in in.test -pscreen none -var style mlff > screen 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0) << content("screen");
  const std::string log = content("log.lammps.0");
  EXPECT_NE(log.find("this partition evaluates alone, it has 2 MPI ranks"), std::string::npos)
      << log;
}

#ifdef MLFF_TORCH
TEST_F(Partitions, Torch)
{
  styles = "mlff engine torch threads 1";
  compare(3, head + hot + frames + "dump_modify frames every 20\nrun 100\n", 1e-4);
  expect_together(3);
}
#endif

#ifdef MLFF_TORCH
TEST_F(Partitions, JumpsByTorch)
{
  styles = "engine torch precision double threads 1";
  compare(3,
          jumps("ethanol-gfn2-jump8.safetensors", "corrector 1") +
              "dump_modify frames every 20\nrun 100\n",
          1e-6);
  expect_together(3);
}
#endif

// a LAMMPS that loads the plugin need not have Kokkos
#ifndef MLFF_PLUGIN
TEST_F(Partitions, Kokkos)
{
  arguments = "-k on t 1 -sf kk -pk kokkos neigh half newton on";
  styles = "mlff precision double";
  compare(3, head + hot + "compute pe all pe/atom\ncompute stress all stress/atom NULL\n" + R"(
dump            frames all custom 50 dump.${p} id x y z fx fy fz c_pe c_stress[1]
dump_modify     frames sort id format float %.17g
run             100
)",
          1e-8);
  expect_together(3);
}

TEST_F(Partitions, KokkosLongRange)
{
  arguments = "-k on t 1 -sf kk -pk kokkos neigh half newton on";
  for (const auto &[form, box] : {std::pair{"direct", head}, {"linear", periodic()}}) {
    std::string input = box +
        "velocity all create 50.0 ${p}7 mom yes rot yes dist gaussian\nfix move all nve\n" +
        frames + "run 50\n";
    input.replace(input.find("POTENTIAL"), 9, LONG_RANGE_POTENTIAL);
    styles = std::string("mlff precision double fmm ") + form;
    compare(2, input, 1e-8);
    expect_together(2);
  }
}
#endif

}    // namespace
