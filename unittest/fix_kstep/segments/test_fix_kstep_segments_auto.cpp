// fix kstep/hybrid with segments: the automatic number of segments, restarts, refusals.
#include "fix_kstep/segments/segments_fixture.h"
#include "kstep/nested/block_mean.h"

namespace mlff_test {

TEST_F(FixKstepSegments, AutoChoosesThreeCorrelationTimesOneRank)
{
  // without times the choice is that of the student's memory alone
  const auto file = potential_file(network_of(double_well));
  const auto choice = [&](const std::string &words) {
    diatomic(double_well, 1.23);
    sample_with(file, words);
    command("run 9 post no");
    EXPECT_EQ(entry("moves"), 0.0) << "trial moves do not count";
    EXPECT_EQ(entry("jumps"), 0.0);
    command("run 11 post no");
    EXPECT_EQ(entry("moves"), 10.0);
    EXPECT_EQ(entry("calls"), 20.0);
    return entry("segments");
  };
  const double found = choice("segments auto timing no");
  EXPECT_GT(found, 5.0);
  EXPECT_LT(found, 500.0);
  EXPECT_EQ(choice("segments auto timing no"), found) << "it is reproducible";
  expect_in_log("segments auto: of ");
  expect_in_log("10 trial moves of ");
  expect_in_log("segments a move from here");
  // moves of that many segments are nearly independent: of places, one in two or three at most is
  // lost to correlation
  const auto series = distances(4000, 1);
  EXPECT_LT(statistical_inefficiency(series), 2.0);
  diatomic(double_well, 1.23);
  sample_with(file, "segments 1");
  EXPECT_GT(statistical_inefficiency(distances(20000, 1)), 0.3 * found);
}

TEST_F(FixKstepSegments, AutoWithTimesOneRank)
{
  // the student costs as much as this force at least: fewer segments than three correlation times
  const auto file = potential_file(network_of(double_well));
  diatomic(double_well, 1.23);
  sample_with(file, "segments auto");
  command("run 20 post no");
  EXPECT_EQ(entry("moves"), 10.0);
  EXPECT_GE(entry("segments"), 1.0);
  EXPECT_GT(entry("student_seconds"), 0.0);
  EXPECT_GT(entry("force_seconds"), 0.0);
}

TEST_F(FixKstepSegments, RestartAnywhereIsBitwiseOneRank)
{
  // trial moves of auto, and moves after its choice
  const auto path = potential_file(network_of([](double r) {
    return double_well(r) + error_of_student(r);
  }));
  const auto state = [&] {
    std::vector<double> numbers = bits().x;
    for (const double v : bits().v) numbers.push_back(v);
    for (int n = 0; n < hyb()->size_vector; n++)
      // temperatures are those of the present run
      if (n < hyb()->size_vector - 1) numbers.push_back(hyb()->compute_vector(n));
    return numbers;
  };
  for (const std::string words : {"segments auto timing no", "segments 5 ladder 3 900 timing no"}) {
    diatomic(double_well, 1.23);
    sample_with(path, words);
    command("run 60 post no");
    const auto expected = state();
    EXPECT_GT(entry("metropolis"), 5.0);
    for (const int stop : {0, 1, 5, 9, 10, 11, 30, 59}) {
      diatomic(double_well, 1.23);
      sample_with(path, words);
      command("run " + std::to_string(stop) + " post no");
      write_restart();
      command("clear");
      command("read_restart " + file("kstep.restart"));
      commands("pair_style table spline 3000\npair_coeff * * " + file("pair.table") + " PAIR");
      commands("timestep 0.003\nneighbor 2.0 nsq\ncomm_modify cutoff 3.0\nthermo 1000000\n"
               "compute_modify thermo_temp extra/dof 0");
      sample_with(path, words);
      command("run " + std::to_string(60 - stop) + " post no");
      EXPECT_EQ(state(), expected) << words << ", " << stop;
    }
  }
}

TEST_F(FixKstepSegments, RestartOfAMoleculeIsBitwiseOneRank)
{
  const auto path = potential_file(erring(0.04));
  const std::string words =
      "jump student 10 0.0005 precision double langevin 300 0.1 7 segments 3 timing no";
  std::vector<double> ends[2];
  for (const bool interrupted : {false, true}) {
    molecule(double_pair);
    fix(words, path);
    command("run " + std::string(interrupted ? "17" : "40") + " post no");
    if (interrupted) {
      write_restart();
      read_restart(double_pair);
      fix(words, path);
      command("run 23 post no");
    }
    EXPECT_GT(entry("metropolis"), 3.0);
    EXPECT_EQ(entry("moves"), 40.0);
    ends[interrupted] = bits().x;
  }
  EXPECT_EQ(ends[0], ends[1]);
}

TEST_F(FixKstepSegments, RestartFilesOfJumpsAndOfSegmentsOneRank)
{
  const auto path = potential_file(erring(0.04));
  molecule();
  fix("jump student 10 0.0005 langevin 300 0.1 7 corrector 5", path);
  command("run 3 post no");
  write_restart();
  read_restart();
  fix("jump student 10 0.0005 langevin 300 0.1 7 segments 3", path);
  command("run 4 post no");
  EXPECT_EQ(entry("moves"), 4.0) << "no corrector is left";
  write_restart();
  read_restart();
  fix("jump student 10 0.0005 langevin 300 0.1 7", path);
  command("run 4 post no");
  EXPECT_EQ(entry("jumps"), 9.0);
  EXPECT_GT(simulated(), 0.0);
}

TEST_F(FixKstepSegments, RefusesOneRank)
{
  molecule();
  const std::string head = "fix hyb all kstep/hybrid " + student + " C O H ",
                    jump = head + "jump student 20 0.0005 ";
  expect_error(jump + "langevin 300 0.1 7 segments 0",
               {"segments is 0; accepted: auto, or 1 or more"});
  expect_error(jump + "langevin 300 0.1 7 segments -2", {"segments is -2; accepted: auto"});
  expect_error(jump + "segments 5", {"need the keyword langevin T damp seed"});
  expect_error(jump + "langevin 300 0.1 7 segments 5 metropolis no",
               {"segments need metropolis yes", "places would be those of the student"});
  expect_error(jump + "langevin 300 0.1 7 segments 5 corrector 1",
               {"segments have no corrector", "accepted: corrector 0"});
  expect_error(jump + "langevin 300 0.1 7 segments 5 fraction 0.5",
               {"segments have no corrector", "accepted: corrector 0"});
  expect_error(jump + "langevin 300 0.1 7 segments 5 tune yes",
               {"tune yes compares speeds of dynamics", "use segments auto"});
  expect_error(jump + "langevin 300 0.1 7 proposals " + file("p.xyz"),
               {"proposals are those of moves with the keyword segments"});
  expect_error(jump + "langevin 300 0.1 7 ladder 3 600",
               {"ladder is one of students with the keyword segments"});
  expect_error(jump + "langevin 300 0.1 7 segments 5 ladder 1 600",
               {"ladder has 1 copies; accepted: 2 or more"});
  expect_error(jump + "langevin 300 0.1 7 segments 5 ladder 3 250",
               {"ladder ends at 250 K; accepted: above the 300 K of langevin"});
  expect_error("fix hyb all kstep/hybrid " + network + " C O H langevin 300 0.1 7 segments 5",
               {"segments are steps of a student: jump student k dt"});

  // another molecule than the student's
  auto large = ethanol();
  large.numbers.push_back(1);
  large.positions.insert(large.positions.end(), {-1.9, 0.1, -1.0});
  fix("jump student 16 0.0005 langevin 300 0.1 7 segments 5",
      potential_file(random_molecule(large.numbers, large.positions, {8}, 1, 3)));
  expect_refusal({"makes no jumps of these molecules", "the model is of one molecule C2H7O"});

  // a place that the student has no energy for
  box();
  add(ethanol());
  commands("timestep 0.0005\npair_style zero 3.0\npair_coeff * *");
  thermal_velocities();
  command("set atom 1*2 x 0.0 y 0.0 z 0.0");
  fix("jump student 16 0.0005 langevin 300 0.1 7 segments 5", student);
  expect_refusal({"makes no jumps of these molecules: it has no energy for their places"});
}

TEST_F(FixKstepSegments, AsThermostatByNameOneRank)
{
  // temper changes the temperature of segments and of the test
  molecule();
  command("fix hyb all nvt/kstep/hybrid " + student +
          " C O H threads 1 jump student 20 0.0005 langevin 300 0.1 7 segments 2");
  command("run 20 post no");
  hyb()->reset_target(1e-6);
  command("run 20 pre no post no");
  EXPECT_LT(value("temp"), 1e-4);
  command("run 0 post no");
  const double cold = value("pe");
  hyb()->reset_target(600.0);
  command("run 20 pre no post no");
  EXPECT_GT(value("pe"), cold + 0.1);
}

}    // namespace mlff_test
