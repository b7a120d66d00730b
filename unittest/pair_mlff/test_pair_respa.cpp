// Multiple time steps by r-RESPA: a student in the inner steps, and in the outer ones what the dear
// force differs from it.
#include "support/lammps_fixture.h"
#include "support/lammps_state.h"

#include "domain.h"
#include "fix.h"

#include <cmath>

using namespace mlff;
using mlff_test::atoms_of;
using mlff_test::AtomState;
using mlff_test::expect_right;
using mlff_test::random_potential;

namespace {

const std::string shipped = std::string(POTENTIALS) + "/";

class PairRespa : public mlff_test::LammpsTest {
 protected:
  const std::string student = shipped + "silicon-sw-painn32.safetensors",
                    teacher = shipped + "silicon-mlearn-painn64.safetensors";

  /// A crystal of 64 atoms, some of which lie on the border between two ranks.
  void start_crystal(double kelvin, const std::string &before = "newton on")
  {
    commands("clear\nunits metal\natom_modify map array sort 2 2.0\n" + before +
             "\nlattice diamond 5.45\nregion box block 0 2 0 2 0 2\ncreate_box 1 box\n"
             "create_atoms 1 box\nmass 1 28.0855\nneighbor 1.0 bin\n"
             "neigh_modify every 1 delay 0 check yes\nthermo_modify norm no");
    command("velocity all create " + std::to_string(kelvin) + " 4711 loop geom");
  }

  void use_teacher()
  {
    commands("pair_style mlff precision double warn off\npair_coeff * * " + teacher + " Si");
  }

  /// `more`: words of the third sub-style, and further files of it.
  void use_both(const std::string &dear, const std::string &cheap, const std::string &more = "",
                const std::string &files = "")
  {
    const std::string one = " mlff precision double warn off ";
    commands("pair_style hybrid/scaled 1.0" + one + "1.0" + one + "-1.0" + one + more);
    command("pair_coeff * * mlff 1 " + cheap + " Si");
    command("pair_coeff * * mlff 2 " + dear + " Si");
    command("pair_coeff * * mlff 3 " + cheap + " " + files + " Si");
  }

  void steps_of(double outer_fs, int inner)
  {
    command("timestep " + std::to_string(1e-3 * outer_fs));
    command("run_style respa 2 " + std::to_string(inner) + " hybrid 1 2 2");
  }

  struct Difference {
    double positions = 0.0, velocities = 0.0;
  };

  static Difference difference(const std::vector<AtomState> &one, const std::vector<AtomState> &two)
  {
    Difference found;
    EXPECT_EQ(one.size(), two.size());
    for (std::size_t i = 0; i < one.size(); i++)
      for (int a = 0; a < 3; a++) {
        found.positions = std::max(found.positions, std::abs(one[i].x[a] - two[i].x[a]));
        found.velocities = std::max(found.velocities, std::abs(one[i].v[a] - two[i].v[a]));
      }
    return found;
  }

  double scalar_of(const std::string &compute)
  {
    return lmp->modify->get_compute_by_id(compute)->scalar;
  }

  /// Root mean square of the total energy about its mean, with outer steps of so many fs.
  double energy_error(double outer_fs, double ps)
  {
    start_crystal(900.0);
    use_both(teacher, student);
    steps_of(outer_fs, int(std::lround(outer_fs)));
    const int n = int(std::lround(1e3 * ps / outer_fs));
    commands("fix move all nve\nvariable e equal etotal\nfix e all vector 1 v_e\nthermo 10\nrun " +
             std::to_string(n) + " post no");
    double sum = 0.0, square = 0.0, first = 0.0;
    auto *values = lmp->modify->get_fix_by_id("e");
    for (int k = 0; k <= n; k++) {
      const double e = values->compute_vector(k);
      if (k == 0) first = e;
      sum += e - first;
      square += (e - first) * (e - first);
    }
    return std::sqrt(square / (n + 1) - sum / (n + 1) * sum / (n + 1));
  }
};

TEST_F(PairRespa, EqualForcesAreVelocityVerletWithTheInnerStep)
{
  for (const char *newton : {"newton on", "newton off"}) {
    start_crystal(1200.0, newton);
    commands("pair_style mlff precision double warn off\npair_coeff * * " + student +
             " Si\ntimestep 0.001\nfix move all nve\nrun 24 post no");
    const auto plain = atoms_of(*lmp);
    start_crystal(1200.0, newton);
    use_both(student, student);
    steps_of(4.0, 4);
    commands("fix move all nve\nrun 6 post no");
    const auto found = difference(plain, atoms_of(*lmp));
    EXPECT_LT(found.positions, 1e-10) << newton;
    EXPECT_LT(found.velocities, 1e-8) << newton;    // A/ps
    EXPECT_GT(difference(plain,
                         [&] {
                           start_crystal(1200.0, newton);
                           return atoms_of(*lmp);
                         }())
                  .positions,
              0.1)
        << "nothing moved";
  }
}

TEST_F(PairRespa, ForcesEnergyAndPressureAreThoseOfTheDearForce)
{
  const Potential dear = Potential::read(teacher);
  for (const char *newton : {"newton on", "newton off"}) {
    start_crystal(900.0, newton);
    use_both(teacher, student);
    steps_of(4.0, 2);
    // the sums of atoms: some of them have just come from the other rank
    commands("neigh_modify every 1 delay 0 check no\nfix move all nve\n"
             "compute e all pe/atom\ncompute se all reduce sum c_e\n"
             "compute s all stress/atom NULL virial\n"
             "compute ss all reduce sum c_s[1] c_s[2] c_s[3] c_s[4] c_s[5] c_s[6]\n"
             "thermo_style custom step pe press c_se c_ss[*]\nthermo 1\nrun 15 post no");
    expect_right(*lmp, dear, {14});
    EXPECT_NEAR(scalar_of("se"), energy(), 1e-8) << newton;
    const double *sums = lmp->modify->get_compute_by_id("ss")->vector;
    const auto all = virial();
    for (int k = 0; k < 6; k++) EXPECT_NEAR(-sums[k] / lmp->force->nktv2p, all[k], 1e-8) << newton;
    const double pressure = scalar_of("thermo_press");
    command("unfix move");
    use_teacher();
    commands("run_style verlet\nrun 0 post no");
    EXPECT_NEAR(scalar_of("thermo_press"), pressure, 1e-6 * (1.0 + std::abs(pressure))) << newton;
  }
}

TEST_F(PairRespa, TheErrorOfTheEnergyFallsAsTheSquareOfTheOuterStep)
{
  // two potentials of silicon from different sources: the student is far from the dear force
  const double eight = energy_error(8.0, 0.16), four = energy_error(4.0, 0.16);
  EXPECT_GT(eight, 1e-4) << "eV: no difference of the forces";
  RecordProperty("ratio", std::to_string(eight / four));
  EXPECT_GT(eight / four, 3.0);
  EXPECT_LT(eight / four, 6.0);
}

TEST_F(PairRespa, RanksTogetherAndAloneMakeTheSameTrajectory)
{
  const std::string run = "fix move all nve\nrun 15 post no";
  std::vector<AtomState> alone;
  for (const bool together : {false, true}) {
    MPI_Comm world = together ? MPI_COMM_WORLD : MPI_COMM_SELF;
    std::vector<std::string> words = {"test", "-log", "none", "-screen", "none", "-nocite"};
    std::vector<char *> argv;
    for (auto &word : words) argv.push_back(word.data());
    lmp = std::make_unique<LAMMPS_NS::LAMMPS>(int(argv.size()), argv.data(), world);
    start_crystal(1200.0);
    use_both(teacher, student);
    steps_of(4.0, 4);
    commands(run);
    if (!together) {
      alone = atoms_of(*lmp);
      continue;
    }
    const auto found = difference(alone, atoms_of(*lmp));
    EXPECT_LT(found.positions, 1e-8);
    EXPECT_LT(found.velocities, 1e-6);
  }
}

TEST_F(PairRespa, ConstantTemperatureAndPressureConserveTheirEnergies)
{
  for (const char *fix : {"nvt temp 600 600 0.1", "npt temp 600 600 0.1 iso 0 0 0.5"}) {
    start_crystal(900.0);
    use_both(teacher, student);
    steps_of(4.0, 4);
    commands("fix move all " + std::string(fix) +
             "\nthermo_style custom step temp press etotal econserve\n"
             "variable h equal econserve\nvariable e equal etotal\nfix h all vector 1 v_h v_e\n"
             "thermo 10\nrun 50 post no");
    double least[2] = {1e9, 1e9}, most[2] = {-1e9, -1e9};
    auto *values = lmp->modify->get_fix_by_id("h");
    for (int k = 0; k <= 50; k++)
      for (int j = 0; j < 2; j++) {
        const double e = values->compute_array(k, j);
        ASSERT_TRUE(std::isfinite(e)) << fix;
        least[j] = std::min(least[j], e);
        most[j] = std::max(most[j], e);
      }
    EXPECT_GT(most[1] - least[1], 0.5) << fix << ": no heat was exchanged";
    EXPECT_LT(most[0] - least[0], 0.1 * (most[1] - least[1])) << fix;
    const double edge = lmp->domain->xprd;
    if (std::string(fix).find("iso") == std::string::npos) {
      EXPECT_EQ(edge, 2 * 5.45);
    } else {
      EXPECT_GT(std::abs(edge - 2 * 5.45), 1e-3) << fix;
    }
  }
}

TEST_F(PairRespa, AnObserverInTheOuterStepsStopsTheRun)
{
  const std::string second =
      potential_file(random_potential({8, 2, 6, 1e-2}, {14}, 4.0, 1), "second.safetensors");
  std::vector<AtomState> without;
  for (const bool observed : {false, true}) {
    start_crystal(900.0);
    use_both(teacher, student, observed ? "observe 1" : "", observed ? second : "");
    steps_of(4.0, 2);
    if (observed)
      commands("compute u all mlff/uncertainty 3\nthermo_style custom step pe c_u\nthermo 1\n"
               "variable u equal c_u\nfix stop all halt 1 v_u > 1000.0 error continue");
    commands("fix move all nve\nrun 10 post no");
    if (!observed) {
      without = atoms_of(*lmp);
      continue;
    }
    const auto found = difference(without, atoms_of(*lmp));
    EXPECT_LT(found.positions, 1e-10);
    EXPECT_EQ(lmp->update->ntimestep, 10);
    const double spread = scalar_of("u");
    EXPECT_GT(spread, 0.0);
    char limit[64];
    std::snprintf(limit, sizeof limit, "%.17g", 0.1 * spread);
    commands("unfix stop\nfix stop all halt 1 v_u > " + std::string(limit) +
             " error continue\nrun 10 post no");
    EXPECT_EQ(lmp->update->ntimestep, 11);
  }
}

}    // namespace
