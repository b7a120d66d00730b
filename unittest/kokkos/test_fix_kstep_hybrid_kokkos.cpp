// fix kstep/hybrid/kk against fix kstep/hybrid: the same trajectory, counters and restart files.
#include "support/lammps_fixture.h"

#include "fix.h"
#include "modify.h"

#include <cmath>

using mlff_test::largest_difference;

namespace {

const std::string network = POTENTIALS "/ethanol-gfn2-jump8.safetensors";
const std::string student = POTENTIALS "/ethanol-gfn2-painn32.safetensors";

class FixKstepKokkos : public mlff_test::LammpsTest {
 protected:
  void SetUp() override
  {
    LammpsTest::SetUp();
    if (!kokkos) GTEST_SKIP() << "Kokkos is off in this run";
  }

  /// A style as it is written: the suffix of this run would turn all into those of Kokkos.
  void as_written(const std::string &line)
  {
    command("suffix off");
    command(line);
    command("suffix on");
  }

  /// Two ethanols out of reach of each other.
  void molecules(const std::string &pair)
  {
    static const char *elements = "CCOHHHHHH";
    static const double x[27] = {0.1092,  0.5227,  0.2312,  -1.2363, 0.0617,  -0.3193, 1.1058,
                                 -0.4681, 0.1354,  0.4303,  1.4377,  -0.2892, 0.0263,  0.7451,
                                 1.2974,  -1.5566, -0.8446, 0.1890,  -1.9850, 0.8341,  -0.1676,
                                 -1.1617, -0.1457, -1.3860, 1.1755,  -0.7469, -0.7846};
    commands(
        "clear\nunits metal\natom_style atomic\natom_modify map array sort 5 6.0\nboundary p p p");
    commands("region box block -20 40 -20 20 -20 20\ncreate_box 3 box\nmass 1 12.011\nmass 2 "
             "15.999\nmass 3 1.008");
    for (int k = 0; k < 18; k++) {
      const int i = k % 9;
      char text[256];
      std::snprintf(text, sizeof text, "create_atoms %d single %.16g %.16g %.16g units box",
                    elements[i] == 'C'       ? 1
                        : elements[i] == 'O' ? 2
                                             : 3,
                    x[3 * i] + (k < 9 ? 0.0 : 20.0), x[3 * i + 1], x[3 * i + 2]);
      command(text);
    }
    forces_of(pair);
    command("velocity all create 300.0 4711 mom yes rot no dist gaussian");
  }

  void forces_of(const std::string &pair)
  {
    as_written("pair_style " + pair);
    commands("pair_coeff * * " + student + " C O H");
    commands("timestep 0.0005\nneighbor 2.0 bin\nneigh_modify every 1 delay 0 check yes\nthermo "
             "1000000");
  }

  LAMMPS_NS::Fix *hyb() { return lmp->modify->get_fix_by_id("hyb"); }

  struct State {
    std::vector<double> x, v, vector;
    double scalar = 0.0, time = 0.0;
  };

  State state()
  {
    State s;
    auto *atom = lmp->atom;
    s.x.resize(3 * atom->natoms);
    s.v = s.x;
    for (int i = 0; i < atom->nlocal; i++)
      for (int a = 0; a < 3; a++) {
        const int k = 3 * int(atom->tag[i] - 1) + a;
        s.x[k] = atom->x[i][a];
        s.v[k] = atom->v[i][a];
      }
    for (int n = 0; n < hyb()->size_vector; n++) s.vector.push_back(hyb()->compute_vector(n));
    s.scalar = hyb()->compute_scalar();
    s.time = lmp->update->atime;
    return s;
  }

  void expect_same(const State &a, const State &b, const std::string &what)
  {
    EXPECT_LT(largest_difference(a.x, b.x), 1e-8) << what;
    EXPECT_LT(largest_difference(a.v, b.v), 1e-6) << what;
    EXPECT_NEAR(a.scalar, b.scalar, 1e-7) << what;
    EXPECT_EQ(a.time, b.time) << what;
    for (std::size_t n = 0; n < a.vector.size(); n++)
      EXPECT_NEAR(a.vector[n], b.vector[n], 1e-6 * std::max(1.0, std::abs(a.vector[n])))
          << what << " " << n;
  }
};

const std::string end = " threads 1 timing no precision double";

}    // namespace

TEST_F(FixKstepKokkos, SameTrajectoryOneRank)
{
  // jumps, corrector steps, rejections before and after the force call, molecules that wait; forces
  // on the host and on the device
  const std::string words = " C O H corrector 2 langevin 300 0.05 99 drift 0.12 range 0.8" + end;
  molecules("mlff engine host threads 1 precision double");
  as_written("fix hyb all kstep/hybrid " + network + words);
  command("run 70 post no");
  const auto expected = state();
  EXPECT_GT(expected.vector[1], 0.0);
  EXPECT_GT(expected.vector[3] + expected.vector[6], 0.0);
  for (const auto *pair :
       {"mlff engine host threads 1 precision double", "mlff/kk precision double"}) {
    molecules(pair);
    as_written("fix hyb all kstep/hybrid/kk " + network + words);
    command("run 70 post no");
    expect_same(state(), expected, pair);
    expect_in_log("Kokkos");
  }
}

TEST_F(FixKstepKokkos, StudentsAndControlsOneRank)
{
  for (const auto &words :
       {student + " C O H jump student 10 0.0005 langevin 300 0.1 7" + end,
        student + " C O H jump student 10 0.0005 segments 2 langevin 300 0.1 7" + end,
        network + " C O H control corrector langevin 300 0.1 7" + end,
        network + " C O H control linear temp 300" + end}) {
    molecules("mlff engine host threads 1 precision double");
    as_written("fix hyb all kstep/hybrid " + words);
    command("run 20 post no");
    const auto expected = state();
    molecules("mlff/kk precision double");
    as_written("fix hyb all kstep/hybrid/kk " + words);
    command("run 20 post no");
    expect_same(state(), expected, words);
  }
}

TEST_F(FixKstepKokkos, FieldsAndChangedAtomsOneRank)
{
  // energies of other fixes decide about jumps of both molecules at once; masses change between
  // runs, and must not within one
  const std::string words = student + " C O H jump student 10 0.0005 langevin 300 0.1 7" + end;
  State ends[2];
  for (const bool device : {false, true}) {
    molecules(device ? "mlff/kk precision double" : "mlff engine host threads 1 precision double");
    as_written(std::string("fix hyb all ") + (device ? "nvt/kstep/hybrid/kk " : "kstep/hybrid ") +
               words);
    as_written("fix tether all spring/self 0.2");
    commands("fix_modify tether energy yes\nrun 20 post no\nmass 3 2.014\nrun 20 post no");
    expect_in_log("atom 4 has mass 2.014, it had 1.008");
    ends[device] = state();
    command("mass 3 1.008");
    expect_error("run 1 pre no post no",
                 {"atom 4 has mass 1.008, it had 2.014 since the last step"});
  }
  EXPECT_EQ(ends[0].vector[0], 40.0);
  EXPECT_GT(ends[0].vector[7], 0.0);
  EXPECT_GT(ends[0].vector[1], 0.0);
  expect_same(ends[1], ends[0], "tether");
}

TEST_F(FixKstepKokkos, GoesOnFromARestartOneRank)
{
  // Names have the suffix, because restart files know styles without it.
  const std::string words = " C O H corrector 1 langevin 300 0.05 99 drift 0.12" + end;
  molecules("mlff/kk precision double");
  command("fix hyb all kstep/hybrid " + network + words);
  command("run 23 post no");
  command("write_restart " + file("kstep.restart"));
  command("run 12 post no");
  const auto expected = state();
  command("clear");
  command("read_restart " + file("kstep.restart"));
  forces_of("mlff/kk precision double");
  command("fix hyb all kstep/hybrid " + network + words);
  command("run 12 post no");
  auto found = state();
  // averages of temperatures are of the run
  EXPECT_EQ(found.vector[9], 35.0);
  expect_same(found, expected, "restart");
}
