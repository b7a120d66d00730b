// Phases of a cycle of fix kstep/hybrid, and who keeps a jump.
#include "kstep/kstep_conservation.h"
#include "kstep/kstep_decision.h"
#include "kstep/kstep_schedule.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace mlff;

namespace {

TEST(KstepSchedule, Phases)
{
  KstepSchedule schedule;
  EXPECT_EQ(schedule.phase, KstepSchedule::at_jump);
  EXPECT_EQ(schedule.waiting_share(), 0.0);

  schedule.attempt = 2;
  schedule.fall_back({1, 0, 1, 0}, 3);
  EXPECT_EQ(schedule.phase, KstepSchedule::fallback);
  EXPECT_EQ(schedule.attempt, 0);
  EXPECT_EQ(schedule.waiting_share(), 0.5);
  EXPECT_FALSE(schedule.count_step());
  EXPECT_FALSE(schedule.count_step());
  EXPECT_TRUE(schedule.count_step());

  schedule.correct_for(2);
  EXPECT_EQ(schedule.phase, KstepSchedule::correct);
  EXPECT_EQ(schedule.waiting_share(), 0.0);
  schedule.correct_for(0);
  EXPECT_EQ(schedule.phase, KstepSchedule::at_jump);

  // Nobody waits if nobody arrived.
  schedule.fall_back({0, 0}, 16);
  EXPECT_TRUE(schedule.waiting.empty());
  schedule.begin_anew();
  EXPECT_EQ(schedule.phase, KstepSchedule::at_jump);
  EXPECT_EQ(schedule.left, 0);
}

/// Three molecules of two atoms of 12 g/mol. Two of them jump well, the middle one breaks its
/// bond.
class Decision : public testing::Test {
 protected:
  KstepMolecules molecules;
  KstepState start, end;
  KstepDecision decision;
  KstepCounters counters;
  KstepRandom random{3};
  static constexpr double kT = 0.025;

  Decision()
  {
    for (int m = 0; m < 3; m++) {
      for (int i = 0; i < 2; i++) {
        molecules.numbers.push_back(6);
        molecules.mass.push_back(12.0);
        start.x.insert(start.x.end(), {10.0 * m + 1.5 * i, 0.0, 0.0});
        start.v.insert(start.v.end(), {1.0 - 2.0 * i, 0.5 * m, 0.0});
        start.f.insert(start.f.end(), {0.0, 0.0, 0.0});
      }
      molecules.first_atom.push_back(2 * m + 2);
      molecules.bonds.push_back({2 * m, 2 * m + 1, 1.5});
      molecules.first_bond.push_back(m + 1);
    }
    end = start;
    end.x[3 * 3] += 2.0;
    decision.potential = {-1.0, -2.0, -3.0};
    decision.landed = {-0.99, -2.0, -3.02};
    decision.start(molecules, start.v);
  }

  KstepGuard guard() const
  {
    KstepLimits limits;
    limits.stretch = limits.squeeze = 1.5;
    return KstepGuard(limits, nullptr, kT);
  }

  int check_way() { return decision.check_way(guard(), molecules, start, end, 0.008, true); }

  void check_landing() { decision.check_landing(guard(), molecules, end, kT, random, counters); }
};

TEST_F(Decision, EachMoleculeByItself)
{
  EXPECT_EQ(check_way(), 2);
  EXPECT_EQ(decision.moved, (std::vector<char>{1, 0, 1}));
  check_landing();
  EXPECT_EQ(decision.judge(counters), (std::vector<char>{1, 0, 1}));
  EXPECT_EQ(counters[KstepCounters::jumps], 3.0);
  EXPECT_EQ(counters[KstepCounters::bond], 1.0);
  EXPECT_EQ(counters[KstepCounters::accepted], 2.0);
  EXPECT_EQ(counters[KstepCounters::energies], 2.0) << "only of those that moved";
}

TEST_F(Decision, OneRejectedMoleculeTakesAllBack)
{
  decision.together = true;
  EXPECT_EQ(check_way(), 2);
  EXPECT_EQ(decision.moved, (std::vector<char>{1, 0, 1}));
  EXPECT_EQ(decision.judge(counters), (std::vector<char>{0, 0, 0}));
  EXPECT_EQ(counters[KstepCounters::jumps], 1.0);
  EXPECT_EQ(counters[KstepCounters::bond], 1.0);

  // With Metropolis no molecule moves in this case.
  decision.metropolis = true;
  check_way();
  EXPECT_EQ(decision.moved, (std::vector<char>{0, 0, 0}));
}

TEST_F(Decision, NoAnswerRejectsAll)
{
  EXPECT_EQ(decision.check_way(guard(), molecules, start, end, 0.008, false), 0);
  EXPECT_EQ(decision.judge(counters), (std::vector<char>{0, 0, 0}));
  EXPECT_EQ(counters[KstepCounters::not_finite], 3.0);
}

TEST_F(Decision, MetropolisTakesWhatFallsAndRefusesWhatRises)
{
  end = start;
  decision.metropolis = true;
  decision.landed = {-1.5, -1.0, -3.0};    // the second rises by 40 kT
  check_way();
  const auto before = random.state();
  check_landing();
  EXPECT_EQ(decision.judge(counters), (std::vector<char>{1, 0, 1}));
  EXPECT_EQ(counters[KstepCounters::metropolis], 1.0);

  // one random number for each molecule, also for those that did not move
  KstepRandom expected(1);
  expected.set_state(before);
  for (int m = 0; m < 3; m++) expected.uniform();
  EXPECT_EQ(random.state(), expected.state());
}

TEST_F(Decision, TheEnergyOfAllTogether)
{
  end = start;
  decision.together = true;
  decision.potential = {-6.0};
  decision.landed = {-5.9};
  EXPECT_EQ(check_way(), 3);
  EXPECT_EQ(decision.n_parts(), 1);
  EXPECT_EQ(decision.part_size(), 3);
  check_landing();
  EXPECT_EQ(decision.judge(counters), (std::vector<char>{1, 1, 1}));
  const double kinetic = kinetic_energy(molecules, 0, 3, start.v);
  EXPECT_NEAR(decision.keep(0, molecules, end.x, end.v, false, counters), 0.1, 1e-12);
  EXPECT_NEAR(counters[KstepCounters::added], 0.1, 1e-12) << "nothing made up for it";
  EXPECT_EQ(kinetic_energy(molecules, 0, 3, end.v), kinetic);
  EXPECT_EQ(decision.potential[0], -5.9);
}

TEST_F(Decision, RescalingKeepsTheEnergy)
{
  // These changes are some percent of the kinetic energy of 1.2 meV, which can make up for them.
  decision.landed = {-0.9999, -2.0, -3.00005};
  check_way();
  for (const int part : {0, 2}) {
    const double before = decision.potential[part] + kinetic_energy(molecules, part, start.v);
    const double gain = decision.keep(part, molecules, end.x, end.v, true, counters);
    EXPECT_NEAR(gain, part == 0 ? 1e-4 : -5e-5, 1e-12);
    EXPECT_NEAR(decision.potential[part] + kinetic_energy(molecules, part, end.v), before, 1e-12);
  }
  EXPECT_EQ(counters[KstepCounters::rescaled], 2.0);
  EXPECT_NEAR(counters[KstepCounters::work], -5e-5, 1e-12);
  EXPECT_NEAR(counters[KstepCounters::work_size], 1.5e-4, 1e-12);
  EXPECT_NEAR(counters[KstepCounters::added], 0.0, 1e-12);
}

TEST_F(Decision, MoleculesTogetherShareWhatTheyGain)
{
  // the fastest gains most, and the factor of all is the same where none rotates or drifts
  auto v = start.v;
  for (std::size_t k = 1; k < v.size(); k += 3) v[k] = 0.0;
  for (int k = 0; k < 6; k++) v[k] *= 2.0;
  const auto slow = v;
  const double before = kinetic_energy(molecules, 0, 3, v);
  const double after = rescale_to_energy(molecules, 0, 3, start.x, v, 0.1 * before);
  EXPECT_NEAR(after, 1.1 * before, 1e-12);
  for (std::size_t k = 0; k < v.size(); k++) EXPECT_NEAR(v[k], std::sqrt(1.1) * slow[k], 1e-12);
}

}    // namespace
