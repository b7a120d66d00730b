// fix kstep/hybrid inside LAMMPS: rejected jumps and the restoration of the state before them.
#include "fix_kstep/kstep_fixture.h"
#include "models/jump/jump_record.h"

#include <cmath>
#include <map>

namespace mlff_test {

TEST_F(FixKstep, RejectedBeforeTheForceCallOneRank)
{
  // an absurd network: every jump is rejected before anything moves, and what is left is velocity
  // Verlet
  Potential absurd = senseless_network();
  for (auto &species : jump_record(absurd).species) species.displacement = 1e-4;
  const auto file = potential_file(absurd);
  const auto expected = plain(40);
  molecule();
  fix("corrector 0", file);
  command("run 40 post no");
  EXPECT_EQ(bits(), expected);
  EXPECT_EQ(entry("jumps"), 3.0);
  EXPECT_EQ(entry("range"), 3.0);
  EXPECT_EQ(entry("accepted"), 0.0);
  EXPECT_EQ(entry("fallback"), 40.0);
  EXPECT_EQ(entry("calls"), 40.0);
  EXPECT_NEAR(simulated(), 0.02, 1e-12);
}

TEST_F(FixKstep, NetworkWithoutNumbersOneRank)
{
  Potential absurd = senseless_network();
  for (auto &w : absurd.tensors.at("readout.1.weight").values) w = 3e38;
  const auto file = potential_file(absurd);
  const auto expected = plain(20);
  molecule();
  fix("corrector 0", file);
  command("run 20 post no");
  EXPECT_EQ(bits(), expected);
  EXPECT_EQ(entry("not_finite"), 2.0);
}

TEST_F(FixKstep, RestoredToTheLastBitOneRank)
{
  // every landing is refused; the molecule lies across the faces of the box, so that atoms change
  // sides there and back
  const auto start = [&] {
    molecule();
    command("displace_atoms all move 19.6 -19.8 19.9 units box");
    command("run 0 post no");
  };
  start();
  commands("fix move all nve\nrun 33 post no");
  const auto expected = bits();

  start();
  fix("corrector 0 drift 1e-9");
  expect_taken_back("drift");
  EXPECT_EQ(entry("calls"), 1.0);
  // Then follow 16 steps of velocity Verlet, one more rejected jump, 16 steps, a rejected jump and
  // one step.
  command("run 16 pre no post no");
  EXPECT_NEAR(simulated(), 0.008, 1e-12);
  command("run 19 pre no post no");
  const auto found = bits();
  for (int k = 0; k < 27; k++) {
    ASSERT_EQ(found.v[k], expected.v[k]);
    ASSERT_EQ(found.f[k], expected.f[k]);
    ASSERT_EQ(found.x[k] + 40.0 * found.image[k], expected.x[k] + 40.0 * expected.image[k]);
  }
  EXPECT_NEAR(simulated(), 33 * 0.0005, 1e-12);
  EXPECT_EQ(entry("drift"), 3.0);
  EXPECT_EQ(entry("fallback"), 33.0);
  EXPECT_EQ(entry("calls"), 36.0);
}

TEST_F(FixKstep, ForceThatFailsOneRank)
{
  // a hydrogen lands exactly on its carbon: the force has no answer, which is a rejected jump and
  // no end of the run
  std::vector<std::string> styles = {single_pair};
#ifdef MLFF_XTB
  styles.push_back("xtb method gfn2");
#endif
  auto shifted = ethanol();
  const int carbon = 1, hydrogen = 6;    // IDs
  for (int k = 26; k >= 0; k--)
    shifted.positions[k] -= ethanol().positions[3 * (carbon - 1) + k % 3];
  for (int a = 0; a < 3; a++)
    shifted.positions[3 * (hydrogen - 1) + a] =
        std::round(1024 * shifted.positions[3 * (hydrogen - 1) + a]) / 1024;
  for (const auto &style : styles) {
    const bool xtb = style.starts_with("xtb");
    const auto start = [&](double share) {
      box();
      auto s = shifted;
      const double *h = &s.positions[3 * (hydrogen - 1)];
      add(s);
      forces_of(style, xtb ? "" : student);
      // 1/128 ps: a stride in which nothing is rounded
      set_velocity(hydrogen, -128 * share * h[0], -128 * share * h[1], -128 * share * h[2]);
    };
    auto potential = senseless_network({1000.0 / 128});
    jump_record(potential).timestep = 1000.0 / 2048;
    const auto file = potential_file(potential);
    start(1.0);
    command("timestep 0.00048828125");
    fix("corrector 0 temp 300 control ballistic range off strain off rise off drift off", file);
    expect_taken_back("not_finite");
    command("run 2 pre no post no");
    EXPECT_NEAR(simulated(), 2.0 / 128 / 16, 1e-12) << style;
    // without a jump the same failure is an error: the leniency is for the landing only
    start(0.0);
    command("timestep 0.00048828125");
    fix("corrector 0 temp 300", file);
    command("run 0 post no");
    for (int a = 0; a < 3; a++)
      lmp->atom->x[lmp->atom->map(hydrogen)][a] = lmp->atom->x[lmp->atom->map(carbon)][a];
    expect_refusal({xtb ? "Pair style xtb on timestep 0" : "Pair style mlff on timestep 0"});
  }
}

#ifdef MLFF_XTB
TEST_F(FixKstep, ChargesThatDoNotConvergeOneRank)
{
  // a jump eight times too long: GFN2-xTB does not converge there within the steps it is given, and
  // does everywhere else
  auto potential = senseless_network();
  auto &linear = potential.tensors.at("linear").values;
  for (std::size_t k = 0; k < linear.size(); k++) linear[k] = k % 4 == 0 ? 8.0 : 0.0;
  const auto file = potential_file(potential);
  const std::string style = "xtb method gfn2 accuracy 1e-4 maxiter 15";
  molecule(style, "");
  commands("fix move all nve\nrun 40 post no");
  const auto expected = bits();

  molecule(style, "");
  fix("corrector 0 control linear range off strain off rise off drift off", file);
  expect_taken_back("not_finite");
  for (int step = 1; step <= 42; step++) {
    command("run 1 pre no post no");
    // sixteen steps, a jump that fails, sixteen more, another one, eight
    const int made = step <= 16 ? step
        : step <= 33            ? std::max(16, step - 1)
                                : std::max(32, step - 2);
    EXPECT_NEAR(simulated(), 0.0005 * made, 1e-12) << step;
    EXPECT_EQ(entry("fallback"), made) << step;
  }
  EXPECT_EQ(entry("not_finite"), 3.0);
  EXPECT_EQ(entry("accepted"), 0.0);
  EXPECT_EQ(entry("calls"), 43.0);
  // the charges start from other ones after a failure, so not to the last bit
  EXPECT_LT(largest_difference(bits().x, expected.x), 1e-7);
  EXPECT_LT(largest_difference(bits().v, expected.v), 1e-5);

  // The force fails at this landing, with the same words.
  molecule(style, "");
  command("run 0 post no");
  auto *atom = lmp->atom;
  for (int i = 0; i < atom->nlocal; i++)
    for (int a = 0; a < 3; a++) atom->x[i][a] += 0.008 * 8.0 * atom->v[i][a];
  commands("fix move all nve");
  expect_error("run 0 post no", {"gfn2 failed", "did not converge"});
}
#endif

TEST_F(FixKstep, EveryReasonOneRank)
{
  const std::map<std::string, std::string> reasons = {
      {"range 0.01", "range"},
      {"strain 0.01", "bond"},
      {"range off strain off rise 1e-9 drift off", "energy"},
      {"limits published kinetic 0.01", "energy"},
      {"drift 1e-6", "drift"}};
  for (const auto &[words, reason] : reasons) {
    molecule();
    fix("corrector 0 " + words);
    // a jump in which the potential energy falls passes the check of its rise: several
    command("run 60 post no");
    EXPECT_GT(entry(reason), 0.0) << words;
    EXPECT_EQ(entry("accepted") + rejected(), entry("jumps"));
    EXPECT_NEAR(simulated(), entry("accepted") * 0.008 + entry("fallback") * 0.0005, 1e-10)
        << words;
  }
}

TEST_F(FixKstep, WithoutFallbackOneRank)
{
  molecule();
  fix("corrector 1 drift 1e-9 fallback off");
  command("run 10 post no");
  EXPECT_EQ(entry("drift"), 5.0);
  EXPECT_EQ(entry("fallback"), 0.0);
  EXPECT_NEAR(simulated(), 5 * 0.0005, 1e-12);
  // rejected before the force call and nothing else to do: the molecule stands still
  molecule();
  fix("corrector 0 range 0.001 fallback off");
  command("run 0 post no");
  const auto before = bits();
  command("run 5 post no");
  EXPECT_EQ(bits(), before);
  EXPECT_EQ(simulated(), 0.0);
}

TEST_F(FixKstep, AttemptsWithShorterDisplacementsOneRank)
{
  // O-H on its own flies apart: the whole way breaks the bond, four fifths of it do not
  const auto start = [&] {
    box();
    commands("create_atoms 2 single 0 0 0 units box\ncreate_atoms 3 single 0 0 1 units box");
    commands("pair_style zero 8.0\npair_coeff * *\ntimestep 0.0005\nthermo 1000000");
    command("neigh_modify every 1 delay 0 check yes");
    set_velocity(2, 0, 0, 0.35 / 0.008);
  };
  const std::string limits =
      "corrector 0 temp 300 control ballistic range off strain 0.3 rise off drift off ";
  start();
  fix(limits + "attempts 3");
  command("run 1 post no");
  EXPECT_EQ(entry("bond"), 1.0);
  EXPECT_EQ(entry("accepted"), 1.0);
  EXPECT_EQ(entry("calls"), 1.0);
  EXPECT_NEAR(bits().x[5], 1.28, 1e-12);
  EXPECT_NEAR(simulated(), 0.008, 1e-12);
  start();
  fix(limits + "attempts 3 scale 0.5");
  command("run 1 post no");
  EXPECT_NEAR(bits().x[5], 1.175, 1e-12);
  start();
  fix(limits);
  command("run 1 post no");
  EXPECT_EQ(entry("fallback"), 1.0);
  EXPECT_NEAR(bits().x[5], 1.0 + 0.35 / 16, 1e-12);
  // refused after the force call: each attempt is a step of its own
  molecule();
  fix("corrector 0 drift 1e-9 attempts 3");
  command("run 0 post no");
  const auto before = bits();
  for (int k = 1; k <= 3; k++) {
    command("run 1 pre no post no");
    EXPECT_EQ(bits(), before);
    EXPECT_EQ(entry("drift"), k);
  }
  command("run 1 pre no post no");
  EXPECT_EQ(entry("fallback"), 1.0);
}

}    // namespace mlff_test
