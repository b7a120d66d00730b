// fix kstep/hybrid with segments: distributions, identities, decisions of each molecule, restarts.
#include "fix_kstep/segments/segments_fixture.h"

#include <map>
#include <regex>

namespace mlff_test {

TEST_F(FixKstepSegments, StudentEqualToTheForceIsAlwaysAcceptedOneRank)
{
  molecule(double_pair);
  fix("jump student 20 0.0005 precision double langevin 300 0.1 7 segments 4", student);
  command("run 0 post no");
  const auto start = bits();
  command("run 60 pre no post no");
  EXPECT_EQ(entry("jumps"), 60.0);
  EXPECT_EQ(entry("acceptance"), 1.0);
  EXPECT_EQ(entry("moves"), 60.0);
  EXPECT_EQ(entry("segments"), 4.0);
  EXPECT_NEAR(entry("weight"), 1.0, 1e-5);
  EXPECT_NEAR(entry("identity"), 1.0, 1e-6);
  EXPECT_GT(entry("segment_acceptance"), 0.9);
  EXPECT_GT(largest_difference(bits().x, start.x), 0.5) << "it moves";
}

TEST_F(FixKstepSegments, TimeStandsStillAndEnergyIsAccountedForOneRank)
{
  molecule();
  fix("jump student 10 0.0005 langevin 300 0.1 7 segments 3", potential_file(erring(0.04)));
  command("run 0 post no");
  const double start = value("etotal");
  for (int k = 0; k < 30; k++) {
    command("run 1 pre no post no");
    EXPECT_NEAR(value("etotal") + hyb()->compute_scalar(), start, 1e-6);
  }
  EXPECT_GT(entry("metropolis"), 0.0);
  EXPECT_GT(entry("accepted"), 0.0);
  EXPECT_EQ(simulated(), 0.0);
  EXPECT_EQ(entry("time"), 0.0);
  EXPECT_EQ(entry("saved"), 0.0);
  EXPECT_EQ(entry("speedup"), 0.0);
  command("run 100");
  expect_in_log("100 moves of 3 segments of 10 steps of 0.5 fs by a student, 100 force calls; "
                "simulated time does not pass");
  expect_in_log("100 decisions, ");
  expect_in_log("<exp(-D/kT)> ");
  expect_in_log("300 segments, acceptance ");
}

TEST_F(FixKstepSegments, ARejectedMoveLeavesThePlaceToTheLastBitOneRank)
{
  molecule();
  fix("jump student 10 0.0005 langevin 300 0.1 7 segments 3", potential_file(erring(0.1)));
  command("run 0 post no");
  int seen = 0;
  for (int k = 0; k < 40; k++) {
    const auto before = bits();
    const double energy = value("pe"), rejected = entry("metropolis");
    command("run 1 pre no post no");
    if (entry("metropolis") == rejected) continue;
    const auto after = bits();
    EXPECT_EQ(after.x, before.x);
    EXPECT_EQ(after.f, before.f);
    EXPECT_EQ(after.image, before.image);
    EXPECT_NE(after.v, before.v) << "velocities are drawn anew";
    EXPECT_EQ(value("pe"), energy);
    EXPECT_LT(entry("weight"), 1.0);
    seen++;
  }
  EXPECT_GT(seen, 3);
}

TEST_F(FixKstepSegments, HarmonicDistanceOneRank)
{
  const auto wrong = network_of([](double r) {
    return harmonic(r) + error_of_student(r);
  });
  const auto file = potential_file(wrong);
  const Distribution right(harmonic);
  diatomic(harmonic, 1.4);
  sample_with(file, "segments 4");
  command("run 100 post no");
  EXPECT_LT(right.kolmogorov(distances(100000, 10)), 1.63);
  EXPECT_GT(entry("change_rms"), 0.3);
  EXPECT_LT(entry("acceptance"), 0.9);
  EXPECT_NEAR(entry("identity"), 1.0, 2.0 * entry("identity_error"));
  EXPECT_LT(entry("identity_error"), 0.01);
  // segments begin where the true force accepts, and not where the student would be: no more than
  // near to 1
  EXPECT_NEAR(entry("segment_identity"), 1.0, 0.003);
  EXPECT_GT(entry("segment_acceptance"), 0.8);
  EXPECT_LT(entry("segment_acceptance"), 1.0);

  // the same without the outer test: the student alone
  diatomic(file, 1.4);
  sample_with(file, "segments 4");
  command("run 100 post no");
  EXPECT_GT(right.kolmogorov(distances(20000, 10)), 3.0);
  EXPECT_EQ(entry("acceptance"), 1.0);
  EXPECT_NEAR(entry("segment_identity"), 1.0, 2.0 * entry("segment_identity_error"));
  EXPECT_LT(entry("segment_identity_error"), 0.001);
}

TEST_F(FixKstepSegments, DoubleWellOneRank)
{
  const auto wrong = network_of([](double r) {
    return double_well(r) + error_of_student(r);
  });
  const auto file = potential_file(wrong);
  const Distribution right(double_well);
  diatomic(double_well, 1.23);
  sample_with(file, "segments 12", 900);
  command("run 100 post no");
  const auto found = distances(40000, 12);
  EXPECT_LT(right.kolmogorov(found), 1.63);
  EXPECT_NEAR(entry("identity"), 1.0, 2.0 * entry("identity_error"));
  EXPECT_GT(*std::max_element(found.begin(), found.end()), 1.7);
  EXPECT_LT(*std::min_element(found.begin(), found.end()), 1.2);

  diatomic(file, 1.23);
  sample_with(file, "segments 12");
  command("run 100 post no");
  EXPECT_GT(right.kolmogorov(distances(15000, 12)), 3.0);
}

TEST_F(FixKstepSegments, LadderCrossesABarrierOneRank)
{
  const auto file = potential_file(network_of([](double r) {
    return deep_well(r) + error_of_student(r);
  }));
  const Distribution right(deep_well);
  const auto sample = [&](const std::string &words) {
    diatomic(deep_well, 1.23);
    sample_with(file, "segments 12 " + words);
    command("run 200 post no");
    return right.kolmogorov(distances(12000, 20));
  };
  EXPECT_GT(sample(""), 3.0) << "it stays on one side";
  EXPECT_EQ(entry("exchanges"), 0.0);
  EXPECT_LT(sample("ladder 5 1800"), 1.63);
  EXPECT_NEAR(entry("identity"), 1.0, 2.0 * entry("identity_error"));
  EXPECT_GT(entry("exchanges"), 0.2);
  EXPECT_LT(entry("exchanges"), 0.95);
  EXPECT_LT(entry("acceptance"), 0.9);
  command("run 10");
  expect_in_log("ladder of 5 copies up to 1800 K, exchanges accepted from the start: 0.");
}

namespace {

  struct Frame {
    std::map<std::string, std::string> keys;
    double distance;

    double number(const std::string &key) const { return std::stod(keys.at(key)); }
  };

  /// Frames of two atoms.
  std::vector<Frame> frames_of(const std::string &path)
  {
    std::vector<Frame> frames;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
      EXPECT_EQ(line, "2");
      std::getline(in, line);
      Frame frame;
      const std::regex pair("([A-Za-z]+)=(\"[^\"]*\"|[^ ]+)");
      for (std::sregex_iterator at(line.begin(), line.end(), pair), end; at != end; ++at)
        frame.keys[(*at)[1]] = (*at)[2];
      double x[2][3];
      for (auto &atom : x) {
        std::string element;
        in >> element >> atom[0] >> atom[1] >> atom[2];
        EXPECT_EQ(element, "C");
      }
      std::getline(in, line);
      frame.distance = std::hypot(x[0][0] - x[1][0], x[0][1] - x[1][1], x[0][2] - x[1][2]);
      frames.push_back(frame);
    }
    return frames;
  }

}    // namespace

TEST_F(FixKstepSegments, ProposalsHaveTheirWeightsOneRank)
{
  const auto wrong = potential_file(network_of([](double r) {
    return harmonic(r) + error_of_student(r);
  }));
  diatomic(harmonic, 1.4);
  sample_with(wrong, "segments 4 proposals " + file("proposals.xyz"));
  const int moves = 8000;
  command("run " + std::to_string(moves - 1) + " post no");
  command("run 1 post no");
  const auto frames = frames_of(file("proposals.xyz"));
  std::vector<double> weights(moves, 0.0);
  double weighted = 0.0, square = 0.0, plain = 0.0, proposals = 0.0;
  for (const auto &frame : frames) {
    const double weight = frame.number("weight"), r = frame.distance;
    weights.at(int(frame.number("move")) - 1) += weight;
    EXPECT_NEAR(frame.number("energy"), harmonic(r), 1e-5);
    EXPECT_EQ(frame.keys.at("molecule"), "1");
    weighted += weight * r;
    square += weight * r * r;
    if (frame.keys.at("place") == "left") continue;
    EXPECT_EQ(frame.keys.at("place"), "proposal");
    plain += r;
    proposals++;
  }
  for (const double sum : weights) ASSERT_NEAR(sum, 1.0, 1e-8);
  EXPECT_EQ(proposals, moves);
  const Distribution right(harmonic);
  const double mean = right.mean([](double r) {
    return r;
  });
  const double mean_square = right.mean([](double r) {
    return r * r;
  });
  // a standard deviation of 0.08 and a few moves for an independent one
  const double error = 0.08 * std::sqrt(4.0 / moves);
  EXPECT_NEAR(weighted / moves, mean, 2.0 * error);
  EXPECT_NEAR(square / moves, mean_square, 2.0 * 2.8 * error);
  EXPECT_GT(std::abs(plain / moves - mean), 3.0 * error) << "without weights it is the student's";
  EXPECT_NEAR(frames.back().number("weight"), entry("weight"), 1e-8);

  // nothing is overwritten
  diatomic(harmonic, 1.4);
  sample_with(wrong, "segments 4 proposals " + file("proposals.xyz"));
  expect_refusal({"there is a file", "proposals.xyz' already", "the name of a new one"});
  command("unfix hyb");
  sample_with(wrong, "segments 4 proposals " + file("nowhere/proposals.xyz"));
  expect_refusal({"cannot write", "nowhere/proposals.xyz'"});
}

TEST_F(FixKstepSegments, MoleculesDecideOneByOneOneRank)
{
  molecules({0.0, 20.0, -20.0});
  fix("jump student 10 0.0005 precision double langevin 300 0.1 7 segments 3 proposals " +
          file("three.xyz"),
      potential_file(erring()));
  command("run 0 post no");
  int mixed = 0;
  for (int k = 0; k < 60; k++) {
    const auto before = bits();
    const double rejected = entry("metropolis");
    command("run 1 pre no post no");
    const auto after = bits();
    double stayed = 0.0;
    for (int m = 0; m < 3; m++) {
      const auto part = [m](const std::vector<double> &x) {
        return std::vector<double>(x.begin() + 27 * m, x.begin() + 27 * m + 27);
      };
      if (part(before.x) == part(after.x)) {
        EXPECT_EQ(part(before.f), part(after.f));
        stayed++;
      } else
        EXPECT_GT(largest_difference(part(before.x), part(after.x)), 0.01);
    }
    EXPECT_EQ(stayed, entry("metropolis") - rejected);
    mixed += stayed > 0.0 && stayed < 3.0;
  }
  EXPECT_EQ(entry("jumps"), 180.0);
  EXPECT_EQ(entry("moves"), 60.0);
  EXPECT_GT(mixed, 5);
  std::ifstream in(file("three.xyz"));
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  for (const auto *molecule : {"molecule=1 ", "molecule=2 ", "molecule=3 "})
    EXPECT_NE(text.find(molecule), std::string::npos);
}

TEST_F(FixKstepSegments, MoleculesTogetherAreOneDecisionOneRank)
{
  // a restraint adds energy that is not of each molecule
  molecules({0.0, 20.0});
  commands("fix hold all restrain bond 2 3 20.0 20.0 2.60\nfix_modify hold energy yes");
  fix("jump student 10 0.0005 precision double langevin 300 0.1 7 segments 3",
      potential_file(erring()));
  command("run 60 post no");
  EXPECT_EQ(entry("jumps"), 60.0);
  EXPECT_GT(entry("accepted"), 3.0);
  EXPECT_GT(entry("metropolis"), 3.0);
  expect_in_log("accepts or rejects the jumps of all 2 molecules together");
}

TEST_F(FixKstepSegments, AStudentThatBreaksBondsLosesSegmentsOneRank)
{
  // ways that lead out of the student's molecule are rejected by the inner test, at no force call
  molecule();
  auto senseless = random_molecule(ethanol().numbers, ethanol().positions, {8}, 1, 3);
  for (double &s : senseless.tensors.at("scale").values) s = 300.0;
  fix("jump student 200 0.0005 langevin 300 0.1 7 segments 2", potential_file(senseless));
  command("run 3 post no");
  EXPECT_EQ(entry("moves"), 3.0);
  EXPECT_EQ(entry("segment_acceptance"), 0.0);
  EXPECT_EQ(entry("segment_identity"), 0.0);
  EXPECT_EQ(entry("not_finite"), 0.0);
  EXPECT_EQ(entry("weight"), 1.0) << "it stays where it is";
}

}    // namespace mlff_test
