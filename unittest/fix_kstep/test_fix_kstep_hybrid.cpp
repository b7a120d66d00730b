// fix kstep/hybrid inside LAMMPS: what a cycle does, rejections and their restoration, restarts,
// several molecules, student jumps, and everything it refuses.
#include "core/units.h"
#include "models/jump/jump.h"
#include "models/molecule_mlp/molecule_mlp.h"
#include "support/lammps_fixture.h"

#include "fix.h"
#include "modify.h"
#include "variable.h"

#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <numbers>

using namespace mlff;
using mlff_test::largest_difference;

namespace {

const std::string network = POTENTIALS "/ethanol-gfn2-jump8.safetensors";
const std::string long_network = POTENTIALS "/ethanol-gfn2-jump16.safetensors";
const std::string student = POTENTIALS "/ethanol-gfn2-painn32.safetensors";

/// Relaxed with the student.
Structure ethanol()
{
  Structure s;
  s.numbers = {6, 6, 8, 1, 1, 1, 1, 1, 1};
  s.positions = {0.1092,  0.5227, 0.2312,  -1.2363, 0.0617,  -0.3193, 1.1058,  -0.4681, 0.1354,
                 0.4303,  1.4377, -0.2892, 0.0263,  0.7451,  1.2974,  -1.5566, -0.8446, 0.1890,
                 -1.9850, 0.8341, -0.1676, -1.1617, -0.1457, -1.3860, 1.1755,  -0.7469, -0.7846};
  return s;
}

/// A student that errs: the potential of the forces with weights that are a little off.
Potential erring(double by = 0.02)
{
  Potential potential = Potential::read(student);
  Uniform uniform(5);
  for (auto &[name, tensor] : potential.tensors)
    if (is_trained(name))
      for (double &w : tensor.values) w *= 1.0 + by * uniform();
  return potential;
}

/// Positions, velocities and forces by ID, to the last bit.
struct Bits {
  std::vector<double> x, v, f;
  std::vector<int> image;
  bool operator==(const Bits &) const = default;
};

class FixKstep : public mlff_test::LammpsTest {
 protected:
  /// An ethanol at 300 K with forces of the student, ready for a fix; `rebuild`: neighbor lists
  /// anew in each step, so that sums are in one order.
  void molecule(const std::string &pair = "mlff engine host threads 1",
                const std::string &coeff = student, const std::string &boundary = "p p p")
  {
    commands("clear\nunits metal\natom_style atomic\natom_modify map array sort 0 0.0\nboundary " +
             boundary);
    commands("region box block -20 20 -20 20 -20 20\ncreate_box 3 box\nmass 1 12.011\nmass 2 "
             "15.999\nmass 3 1.008");
    add(ethanol());
    forces_of(pair, coeff);
    command("velocity all create 300.0 4711 mom yes rot no dist gaussian");
  }

  void add(const Structure &s, double shift = 0.0)
  {
    for (int i = 0; i < s.n_atoms(); i++) {
      char text[256];
      const double *x = &s.positions[3 * i];
      std::snprintf(text, sizeof text, "create_atoms %d single %.16g %.16g %.16g units box",
                    s.numbers[i] == 6       ? 1
                        : s.numbers[i] == 8 ? 2
                                            : 3,
                    x[0] + shift, x[1], x[2]);
      command(text);
    }
  }

  void forces_of(const std::string &pair, const std::string &coeff)
  {
    commands("pair_style " + pair + "\npair_coeff * * " + (coeff.empty() ? "" : coeff + " ") +
             "C O H");
    commands(
        "timestep 0.0005\nneighbor 2.0 bin\nneigh_modify every 1 delay 0 check no\nthermo 1000000");
    command("compute_modify thermo_temp extra/dof 0");
  }

  void fix(const std::string &words, const std::string &file = network)
  {
    command("fix hyb all kstep/hybrid " + file + " C O H threads 1 " + words);
  }

  LAMMPS_NS::Fix *hyb() { return lmp->modify->get_fix_by_id("hyb"); }

  double entry(int n) { return hyb()->compute_vector(n - 1); }

  enum Entry {
    jumps = 1,
    accepted,
    not_finite,
    range,
    bond,
    energy,
    drift,
    metropolis,
    fallback,
    calls,
    saved,
    acceptance,
    t_jump,
    t_force,
    speedup,
    change,
    change_rms,
    boltzmann,
    work,
    work_size,
    time,
    corrector,
    own,
    paused,
    T_first
  };

  double value(const std::string &formula) { return lmp->input->variable->compute_equal(formula); }

  double simulated() { return value("time"); }

  Bits bits()
  {
    auto *atom = lmp->atom;
    Bits b;
    b.x.resize(3 * atom->natoms);
    b.v = b.f = b.x;
    b.image.resize(3 * atom->natoms);
    for (int i = 0; i < atom->nlocal; i++)
      for (int a = 0; a < 3; a++) {
        const int k = 3 * int(atom->tag[i] - 1) + a;
        b.x[k] = atom->x[i][a];
        b.v[k] = atom->v[i][a];
        b.f[k] = atom->f[i][a];
        int image[3];
        image[0] = (atom->image[i] & IMGMASK) - IMGMAX;
        image[1] = (atom->image[i] >> IMGBITS & IMGMASK) - IMGMAX;
        image[2] = (atom->image[i] >> IMG2BITS) - IMGMAX;
        b.image[k] = image[a];
      }
    return b;
  }

  void set_velocity(int id, double x, double y, double z)
  {
    command("group one id " + std::to_string(id));
    char text[160];
    std::snprintf(text, sizeof text, "velocity one set %.17g %.17g %.17g units box", x, y, z);
    command(text);
    command("group one delete");
  }

  /// Steps of plain velocity Verlet from the same start.
  Bits plain(int steps, const std::string &pair = "mlff engine host threads 1")
  {
    molecule(pair);
    commands("fix move all nve\nrun " + std::to_string(steps) + " post no");
    return bits();
  }
};

// what a cycle does

TEST_F(FixKstep, CyclesOneRank)
{
  molecule();
  fix("corrector 2 langevin 300 0.1 7");
  commands("run 0 post no");
  EXPECT_EQ(entry(calls), 0.0);
  const double dt = 0.0005, T = 0.008;
  double expected = 0.0;
  for (int step = 1; step <= 9; step++) {
    command("run 1 pre no post no");
    expected += step % 3 == 1 ? T : dt;
    EXPECT_NEAR(simulated(), expected, 1e-12) << step;
    EXPECT_NEAR(entry(time), expected, 1e-12);
    EXPECT_EQ(entry(calls), step);
    EXPECT_EQ(entry(jumps), (step + 2) / 3);
  }
  EXPECT_EQ(entry(accepted), 3.0);
  EXPECT_EQ(entry(acceptance), 1.0);
  EXPECT_NEAR(entry(saved), 3 * 18 - 9, 1e-9);
  EXPECT_EQ(entry(corrector), 2.0);
  EXPECT_GT(entry(t_jump), 0.0);
  EXPECT_GT(entry(t_force), 0.0);
  EXPECT_GT(entry(speedup), 0.0);
  EXPECT_GT(entry(own), 0.0);
  EXPECT_LT(entry(change_rms), 1.0);
  EXPECT_GT(entry(change_rms), 0.001);
}

TEST_F(FixKstep, FractionAndDefaultsOneRank)
{
  molecule();
  fix("fraction 0.25 langevin 300 0.1 7");
  command("run 0 post no");
  EXPECT_EQ(entry(corrector), 4.0);
  command("unfix hyb");
  fix("langevin 300 0.1 7");
  command("run 0 post no");
  EXPECT_EQ(entry(corrector), 1.0);
  command("unfix hyb");
  fix("jump student 20 0.0005 langevin 300 0.1 7", student);
  command("run 0 post no");
  EXPECT_EQ(entry(corrector), 0.0);
}

TEST_F(FixKstep, EnergyWithTheScalarIsConservedOneRank)
{
  // without corrector steps everything that changes the energy is the fix: equal to rounding
  molecule();
  fix("corrector 0 langevin 300 0.1 7");
  command("run 0 post no");
  const double start = value("etotal");
  double largest = 0.0, moved = 0.0;
  for (int k = 0; k < 50; k++) {
    command("run 4 pre no post no");
    largest = std::max(largest, std::abs(value("etotal") + hyb()->compute_scalar() - start));
    moved = std::max(moved, std::abs(value("etotal") - start));
  }
  EXPECT_LT(largest, 1e-7);
  EXPECT_GT(moved, 0.05);
  // and where thermo adds it
  command("fix_modify hyb energy yes");
  command("run 10 post no");
  EXPECT_NEAR(value("etotal"), start, 1e-7);
}

TEST_F(FixKstep, ConservesTheEnergyOfAJumpOneRank)
{
  molecule();
  fix("corrector 0 conserve yes");
  command("run 0 post no");
  const double start = value("etotal");
  command("run 40 post no");
  EXPECT_EQ(entry(accepted), 40.0);
  EXPECT_NEAR(value("etotal"), start, 1e-7);
  EXPECT_GT(entry(work_size), 0.005);
  molecule();
  fix("corrector 0 conserve no");
  command("run 40 post no");
  EXPECT_GT(std::abs(value("etotal") - start), 1e-5);
  EXPECT_EQ(entry(work_size), 0.0);
  EXPECT_NEAR(value("etotal") + hyb()->compute_scalar(), start, 1e-7);
}

TEST_F(FixKstep, FollowsVelocityVerletOneRank)
{
  // ten jumps of 8 fs stay as near to plain dynamics at 0.5 fs as dynamics at 1 fs does, in
  // velocities
  const auto fine = plain(160);
  molecule();
  commands("timestep 0.001\nfix move all nve\nrun 80 post no");
  const auto coarse = bits();
  molecule();
  fix("corrector 0");
  command("run 10 post no");
  const auto jumped = bits();
  EXPECT_NEAR(simulated(), 0.08, 1e-12);
  const auto off = [&](const std::vector<double> &a, const std::vector<double> &b) {
    double sum = 0.0;
    for (std::size_t k = 0; k < a.size(); k++) sum += (a[k] - b[k]) * (a[k] - b[k]);
    return std::sqrt(sum / double(a.size()));
  };
  EXPECT_LT(off(jumped.x, fine.x), 0.03);
  EXPECT_LT(off(jumped.v, fine.v), off(coarse.v, fine.v));
}

TEST_F(FixKstep, TemperatureOneRank)
{
  molecule();
  fix("corrector 0 langevin 300 0.1 7");
  commands("run 400 post no\nfix mean all ave/time 1 1 1 c_thermo_temp ave running\nrun 2500");
  // 20 ps, memory of about 0.1 ps, 27 degrees of freedom: a standard error of 4 %; bound five of
  // them
  EXPECT_NEAR(value("f_mean"), 300.0, 60.0);
  EXPECT_GT(entry(acceptance), 0.99);
  EXPECT_NEAR(entry(boltzmann), 1.0, 0.1);
  ASSERT_EQ(hyb()->size_vector, T_first + 2);
  EXPECT_EQ(entry(paused), 0.0);
  for (int k = 0; k < 3; k++) EXPECT_NEAR(entry(T_first + k), 300.0, 100.0);
  for (const auto *words : {"20 ps simulated in 2500 steps, one force call each, 125 per ps",
                            "jumps of 8 fs (network)", "temperature of elements: H ",
                            "temperature of hydrogens: H(C) ", "temperature of bonds: C-C "})
    expect_in_log(words);
}

TEST_F(FixKstep, UnitsRealOneRank)
{
  molecule();
  fix("corrector 1");
  command("run 11 post no");
  const auto metal = bits();
  const double e = hyb()->compute_scalar();
  commands(
      "clear\nunits real\natom_style atomic\natom_modify map array sort 0 0.0\nboundary p p p");
  commands("region box block -20 20 -20 20 -20 20\ncreate_box 3 box\nmass 1 12.011\nmass 2 "
           "15.999\nmass 3 1.008");
  add(ethanol());
  forces_of("mlff engine host threads 1", student);
  command("velocity all create 300.0 4711 mom yes rot no dist gaussian");
  command("timestep 0.5");
  // LAMMPS' constants differ by a part in a million between units: start from the same velocities
  molecule();
  auto velocities = bits().v;
  commands(
      "clear\nunits real\natom_style atomic\natom_modify map array sort 0 0.0\nboundary p p p");
  commands("region box block -20 20 -20 20 -20 20\ncreate_box 3 box\nmass 1 12.011\nmass 2 "
           "15.999\nmass 3 1.008");
  add(ethanol());
  forces_of("mlff engine host threads 1", student);
  command("timestep 0.5");
  for (int i = 0; i < 9; i++)
    set_velocity(i + 1, 1e-3 * velocities[3 * i], 1e-3 * velocities[3 * i + 1],
                 1e-3 * velocities[3 * i + 2]);
  command("fix hyb all kstep/hybrid " + network +
          " C O H jump network 16 0.5 corrector 1 threads 1");
  command("run 11 post no");
  const auto real = bits();
  EXPECT_LT(largest_difference(real.x, metal.x), 2e-5);
  double most = 0.0;
  for (int k = 0; k < 27; k++) most = std::max(most, std::abs(1e3 * real.v[k] - metal.v[k]));
  EXPECT_LT(most, 5e-3);
  EXPECT_NEAR(simulated(), 6 * 8.0 + 5 * 0.5, 1e-9);
  EXPECT_NEAR(entry(time), simulated(), 1e-9);
  EXPECT_NEAR(hyb()->compute_scalar() * kcal_per_mol_in_eV, e, 1e-4);
}

// rejected jumps

TEST_F(FixKstep, RejectedBeforeTheForceCallOneRank)
{
  // an absurd network: every jump is rejected before anything moves, and what is left is velocity
  // Verlet
  Potential absurd = random_jump({8, 2, 6}, {6, 8, 1}, {8.0}, 6.0, 3);
  for (auto &species : absurd.jump.species) {
    species.displacement = 1e-4;
    species.mass = species.name == "C" ? 12.011 : species.name == "O" ? 15.999 : 1.008;
  }
  const auto file = potential_file(absurd);
  const auto expected = plain(40);
  molecule();
  fix("corrector 0", file);
  command("run 40 post no");
  EXPECT_EQ(bits(), expected);
  EXPECT_EQ(entry(jumps), 3.0);
  EXPECT_EQ(entry(range), 3.0);
  EXPECT_EQ(entry(accepted), 0.0);
  EXPECT_EQ(entry(fallback), 40.0);
  EXPECT_EQ(entry(calls), 40.0);
  EXPECT_NEAR(simulated(), 0.02, 1e-12);
}

TEST_F(FixKstep, NetworkWithoutNumbersOneRank)
{
  Potential absurd = random_jump({8, 2, 6}, {6, 8, 1}, {8.0}, 6.0, 3);
  for (auto &species : absurd.jump.species)
    species.mass = species.name == "C" ? 12.011 : species.name == "O" ? 15.999 : 1.008;
  for (auto &w : absurd.tensors.at("readout.1.weight").values) w = 3e38;
  const auto file = potential_file(absurd);
  const auto expected = plain(20);
  molecule();
  fix("corrector 0", file);
  command("run 20 post no");
  EXPECT_EQ(bits(), expected);
  EXPECT_EQ(entry(not_finite), 2.0);
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
  command("run 0 post no");
  const auto before = bits();
  const double energy_before = value("etotal");
  command("run 1 pre no post no");
  EXPECT_EQ(bits(), before);
  EXPECT_EQ(value("etotal"), energy_before);
  EXPECT_EQ(entry(drift), 1.0);
  EXPECT_EQ(entry(calls), 1.0);
  EXPECT_EQ(simulated(), 0.0);
  EXPECT_EQ(hyb()->compute_scalar(), 0.0);
  // then 16 steps of velocity Verlet, one more rejected jump, 16 steps, a rejected jump, one step
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
  EXPECT_EQ(entry(drift), 3.0);
  EXPECT_EQ(entry(fallback), 33.0);
  EXPECT_EQ(entry(calls), 36.0);
}

TEST_F(FixKstep, ForceThatFailsOneRank)
{
  // a hydrogen lands exactly on its carbon: the force has no answer, which is a rejected jump and
  // no end of the run
  std::vector<std::string> styles = {"mlff engine host threads 1"};
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
      commands("clear\nunits metal\natom_style atomic\natom_modify map array sort 0 0.0\nboundary "
               "p p p");
      commands("region box block -20 20 -20 20 -20 20\ncreate_box 3 box\nmass 1 12.011\nmass 2 "
               "15.999\nmass 3 1.008");
      auto s = shifted;
      const double *h = &s.positions[3 * (hydrogen - 1)];
      add(s);
      forces_of(style, xtb ? "" : student);
      // 1/128 ps: a stride in which nothing is rounded
      set_velocity(hydrogen, -128 * share * h[0], -128 * share * h[1], -128 * share * h[2]);
    };
    auto potential = random_jump({8, 2, 6}, {6, 8, 1}, {1000.0 / 128}, 6.0, 3);
    potential.jump.timestep = 1000.0 / 2048;
    for (auto &species : potential.jump.species)
      species.mass = species.name == "C" ? 12.011 : species.name == "O" ? 15.999 : 1.008;
    const auto file = potential_file(potential);
    start(1.0);
    command("timestep 0.00048828125");
    fix("corrector 0 temp 300 control ballistic range off strain off rise off drift off", file);
    command("run 0 post no");
    const auto before = bits();
    command("run 1 pre no post no");
    EXPECT_EQ(bits(), before) << style;
    EXPECT_EQ(entry(not_finite), 1.0) << style;
    command("run 2 pre no post no");
    EXPECT_NEAR(simulated(), 2.0 / 128 / 16, 1e-12) << style;
    // without a jump the same failure is an error: the leniency is for the landing only
    start(0.0);
    command("timestep 0.00048828125");
    fix("corrector 0 temp 300", file);
    command("run 0 post no");
    for (int a = 0; a < 3; a++)
      lmp->atom->x[lmp->atom->map(hydrogen)][a] = lmp->atom->x[lmp->atom->map(carbon)][a];
    expect_error("run 1 post no",
                 {xtb ? "Pair style xtb on timestep 0" : "Pair style mlff on timestep 0"});
  }
}

#ifdef MLFF_XTB
TEST_F(FixKstep, ChargesThatDoNotConvergeOneRank)
{
  // a jump eight times too long: GFN2-xTB does not converge there within the steps it is given, and
  // does everywhere else
  auto potential = random_jump({8, 2, 6}, {6, 8, 1}, {8.0}, 6.0, 3);
  for (auto &species : potential.jump.species)
    species.mass = species.name == "C" ? 12.011 : species.name == "O" ? 15.999 : 1.008;
  auto &linear = potential.tensors.at("linear").values;
  for (std::size_t k = 0; k < linear.size(); k++) linear[k] = k % 4 == 0 ? 8.0 : 0.0;
  const auto file = potential_file(potential);
  const std::string style = "xtb method gfn2 accuracy 1e-4 maxiter 15";
  molecule(style, "");
  commands("fix move all nve\nrun 40 post no");
  const auto expected = bits();

  molecule(style, "");
  fix("corrector 0 control linear range off strain off rise off drift off", file);
  command("run 0 post no");
  const auto before = bits();
  const double energy_before = value("etotal");
  command("run 1 pre no post no");
  EXPECT_EQ(bits(), before);
  EXPECT_EQ(value("etotal"), energy_before);
  EXPECT_EQ(entry(not_finite), 1.0);
  EXPECT_EQ(entry(jumps), 1.0);
  EXPECT_EQ(simulated(), 0.0);
  EXPECT_EQ(hyb()->compute_scalar(), 0.0);
  for (int step = 1; step <= 42; step++) {
    command("run 1 pre no post no");
    // sixteen steps, a jump that fails, sixteen more, another one, eight
    const int made = step <= 16 ? step
        : step <= 33            ? std::max(16, step - 1)
                                : std::max(32, step - 2);
    EXPECT_NEAR(simulated(), 0.0005 * made, 1e-12) << step;
    EXPECT_EQ(entry(fallback), made) << step;
  }
  EXPECT_EQ(entry(not_finite), 3.0);
  EXPECT_EQ(entry(accepted), 0.0);
  EXPECT_EQ(entry(calls), 43.0);
  // the charges start from other ones after a failure, so not to the last bit
  EXPECT_LT(largest_difference(bits().x, expected.x), 1e-7);
  EXPECT_LT(largest_difference(bits().v, expected.v), 1e-5);

  // that is what the force says of the landing
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
  const std::map<std::string, Entry> reasons = {
      {"range 0.01", range},
      {"strain 0.01", bond},
      {"range off strain off rise 1e-9 drift off", energy},
      {"limits published kinetic 0.01", energy},
      {"drift 1e-6", drift}};
  for (const auto &[words, reason] : reasons) {
    molecule();
    fix("corrector 0 " + words);
    // a jump in which the potential energy falls passes the check of its rise: several
    command("run 60 post no");
    EXPECT_GT(entry(reason), 0.0) << words;
    double sum = entry(accepted);
    for (int n = not_finite; n <= metropolis; n++) sum += entry(n);
    EXPECT_EQ(sum, entry(jumps));
    EXPECT_NEAR(simulated(), entry(accepted) * 0.008 + entry(fallback) * 0.0005, 1e-10) << words;
  }
}

TEST_F(FixKstep, WithoutFallbackOneRank)
{
  molecule();
  fix("corrector 1 drift 1e-9 fallback off");
  command("run 10 post no");
  EXPECT_EQ(entry(drift), 5.0);
  EXPECT_EQ(entry(fallback), 0.0);
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
    commands(
        "clear\nunits metal\natom_style atomic\natom_modify map array sort 0 0.0\nboundary p p p");
    commands("region box block -20 20 -20 20 -20 20\ncreate_box 3 box\nmass 1 12.011\nmass 2 "
             "15.999\nmass 3 1.008");
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
  EXPECT_EQ(entry(bond), 1.0);
  EXPECT_EQ(entry(accepted), 1.0);
  EXPECT_EQ(entry(calls), 1.0);
  EXPECT_NEAR(bits().x[5], 1.28, 1e-12);
  EXPECT_NEAR(simulated(), 0.008, 1e-12);
  start();
  fix(limits + "attempts 3 scale 0.5");
  command("run 1 post no");
  EXPECT_NEAR(bits().x[5], 1.175, 1e-12);
  start();
  fix(limits);
  command("run 1 post no");
  EXPECT_EQ(entry(fallback), 1.0);
  EXPECT_NEAR(bits().x[5], 1.0 + 0.35 / 16, 1e-12);
  // refused after the force call: each attempt is a step of its own
  molecule();
  fix("corrector 0 drift 1e-9 attempts 3");
  command("run 0 post no");
  const auto before = bits();
  for (int k = 1; k <= 3; k++) {
    command("run 1 pre no post no");
    EXPECT_EQ(bits(), before);
    EXPECT_EQ(entry(drift), k);
  }
  command("run 1 pre no post no");
  EXPECT_EQ(entry(fallback), 1.0);
}

// controls

TEST_F(FixKstep, ZeroPassesStaticTestsAndFailsDynamicsOneRank)
{
  // without thermostat nothing but the corrector moves: 8 fs of life in each 8.5 are missing
  const auto expected = plain(10);
  molecule();
  fix("corrector 1 control zero");
  command("run 20 post no");
  EXPECT_EQ(entry(acceptance), 1.0);
  EXPECT_LT(entry(change_rms), 1e-9);
  EXPECT_NEAR(simulated(), 0.085, 1e-12);
  EXPECT_LT(largest_difference(bits().x, expected.x), 1e-9);
}

TEST_F(FixKstep, TheHydroxylTurnsAsInDynamicsOneRank)
{
  // mean square displacement of the torsion H-O-C-C in 0.5 ps, from 25 ps: two or three rad² in
  // dynamics; where jumps stand still it is that of the corrector's 0.03 ps, hardly more than its
  // libration
  const auto msd = [&](const std::string &words) {
    molecule();
    fix("corrector 1 langevin 300 0.1 7 " + words);
    command("run 600 post no");
    std::vector<double> angle;
    const int per_frame = 6, lag = 20;    // 6 steps are 25.5 fs
    for (int frame = 0; frame < 1000; frame++) {
      command("run " + std::to_string(per_frame) + " pre no post no");
      const auto x = bits().x;
      std::array<std::array<double, 3>, 3> bond;
      const int atoms[4] = {9, 3, 1, 2};    // H O C C
      for (int k = 0; k < 3; k++)
        for (int a = 0; a < 3; a++)
          bond[k][a] =
              std::remainder(x[3 * (atoms[k + 1] - 1) + a] - x[3 * (atoms[k] - 1) + a], 40.0);
      const auto cross = [](const auto &p, const auto &q) {
        return std::array<double, 3>{p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2],
                                     p[0] * q[1] - p[1] * q[0]};
      };
      const auto dot = [](const auto &p, const auto &q) {
        return p[0] * q[0] + p[1] * q[1] + p[2] * q[2];
      };
      const auto m = cross(bond[0], bond[1]), n = cross(bond[1], bond[2]);
      const double now =
          std::atan2(dot(cross(m, n), bond[1]) / std::sqrt(dot(bond[1], bond[1])), dot(m, n));
      angle.push_back(angle.empty() ? now
                                    : angle.back() +
                              std::remainder(now - angle.back(), 2 * std::numbers::pi));
    }
    double sum = 0.0;
    for (std::size_t k = lag; k < angle.size(); k++)
      sum += (angle[k] - angle[k - lag]) * (angle[k] - angle[k - lag]);
    return sum / double(angle.size() - lag);
  };
  const double network_turns = msd(""), zero_turns = msd("control zero");
  EXPECT_GT(network_turns, 0.8);
  EXPECT_LT(network_turns, 8.0);
  EXPECT_LT(zero_turns, 0.3);
}

TEST_F(FixKstep, CorrectorAloneOneRank)
{
  const auto expected = plain(30);
  molecule();
  fix("control corrector");
  command("run 30 post no");
  EXPECT_EQ(bits(), expected);
  EXPECT_EQ(entry(jumps), 0.0);
  EXPECT_NEAR(simulated(), 0.015, 1e-12);
}

TEST_F(FixKstep, OtherControlsOneRank)
{
  for (const auto *control : {"ballistic", "verlet", "linear"}) {
    molecule();
    fix("corrector 0 control " + std::string(control));
    command("run 20 post no");
    EXPECT_LT(entry(accepted), 3.0) << control;
    EXPECT_NEAR(simulated(), 0.008 * entry(accepted) + 0.0005 * entry(fallback), 1e-12);
  }
}

TEST_F(FixKstep, TunesTheCorrectorOneRank)
{
  // forces of a tiny student are no dearer than the network: jumps cannot win, and the fix finds
  // out
  molecule();
  fix("corrector 1 langevin 300 0.1 7 tune yes");
  command("run 2000");
  EXPECT_GT(entry(jumps), 40.0);
  expect_in_log("tuned: corrector of ");
  EXPECT_NEAR(simulated(),
              0.008 * entry(accepted) +
                  0.0005 *
                      (entry(calls) - entry(accepted) - entry(drift) - entry(energy) - entry(bond)),
              1e-9);
}

TEST_F(FixKstep, WithoutTimingOutputIsReproducibleOneRank)
{
  molecule();
  fix("corrector 1 langevin 300 0.1 7 timing no");
  command("run 20 post no");
  for (const auto which : {t_jump, t_force, speedup, own}) EXPECT_EQ(entry(which), 0.0);
  EXPECT_EQ(entry(calls), 20.0);
}

// restart

TEST_F(FixKstep, RestartInEveryPhaseOneRank)
{
  // c 2, and limits that refuse some jumps, before as after the force call
  const std::string words = "corrector 2 langevin 300 0.05 99 drift 0.12 range 0.8";
  const int total = 60;
  molecule("mlff engine host threads 1 precision double");
  fix(words);
  std::vector<Bits> states;
  std::vector<double> times, scalars;
  command("run 0 post no");
  for (int step = 0; step < total; step++) {
    command("run 1 pre no post no");
    states.push_back(bits());
    times.push_back(simulated());
    scalars.push_back(hyb()->compute_scalar());
  }
  EXPECT_GT(entry(drift), 0.0);
  EXPECT_GT(entry(accepted), 0.0);
  for (int stop = 0; stop < 26; stop++) {
    molecule("mlff engine host threads 1 precision double");
    fix(words);
    command("run " + std::to_string(stop) + " post no");
    command("write_restart " + file("kstep.restart"));
    command("clear");
    command("read_restart " + file("kstep.restart"));
    forces_of("mlff engine host threads 1 precision double", student);
    fix(words);
    command("run 8 post no");
    const auto found = bits();
    const int last = stop + 7;
    EXPECT_LT(largest_difference(found.x, states[last].x), 1e-9) << stop;
    EXPECT_LT(largest_difference(found.v, states[last].v), 1e-6) << stop;
    EXPECT_NEAR(simulated(), times[last], 1e-12) << stop;
    EXPECT_NEAR(hyb()->compute_scalar(), scalars[last], 1e-8) << stop;
    EXPECT_EQ(entry(calls), last + 1);
  }
}

TEST_F(FixKstep, RestartKeepsTheTunerOneRank)
{
  // the first comparison is of the given corrector, then of none: a restart goes on there
  molecule();
  fix("corrector 1 langevin 300 0.1 7 tune yes");
  command("run 110 post no");
  const double chosen = entry(corrector);
  EXPECT_EQ(chosen, 0.0);
  command("write_restart " + file("kstep.restart"));
  const auto read = [&](const std::string &words) {
    command("clear");
    command("read_restart " + file("kstep.restart"));
    forces_of("mlff engine host threads 1", student);
    fix(words);
    command("run 0 post no");
  };
  read("corrector 1 langevin 300 0.1 7 tune yes");
  EXPECT_EQ(entry(corrector), 0.0);
  read("corrector 3 langevin 300 0.1 7 tune yes");
  EXPECT_EQ(entry(corrector), 3.0) << "another comparison begins";
  read("corrector 1 langevin 300 0.1 7");
  EXPECT_EQ(entry(corrector), 1.0);
}

TEST_F(FixKstep, RestartOfOtherJumpsBeginsACycleOneRank)
{
  molecule();
  fix("corrector 0 drift 1e-9 jump network 16 0.0005 langevin 300 0.1 7");
  command("run 5 post no");
  command("write_restart " + file("kstep.restart"));
  command("clear");
  command("read_restart " + file("kstep.restart"));
  forces_of("mlff engine host threads 1", student);
  fix("corrector 0 jump network 32 0.0005 langevin 300 0.1 7", long_network);
  expect_in_log("a new cycle begins");
  command("run 1 post no");
  EXPECT_EQ(entry(jumps), 2.0);
}

// several molecules

TEST_F(FixKstep, EachMoleculeAloneOneRank)
{
  // two molecules in one box, out of the forces' reach of each other: each as if it were alone
  const auto start = [&](int which) {
    commands(
        "clear\nunits metal\natom_style atomic\natom_modify map array sort 0 0.0\nboundary p p p");
    commands("region box block -40 40 -20 20 -20 20\ncreate_box 3 box\nmass 1 12.011\nmass 2 "
             "15.999\nmass 3 1.008");
    if (which != 1) add(ethanol());
    if (which != 0) add(ethanol(), which == 1 ? 0.0 : 20.0);
    forces_of("mlff engine host threads 1 precision double", student);
    command("velocity all set 0 0 0");
    for (int i = 0; i < 9; i++) {
      // different velocities of the two
      if (which != 1)
        set_velocity(i + 1, 3.0 * std::sin(i), 3.0 * std::cos(2 * i), 3.0 * std::sin(3 * i));
      if (which != 0)
        set_velocity(i + 1 + (which == 2 ? 9 : 0), 4.0 * std::cos(i), 4.0 * std::sin(2 * i + 1),
                     4.0 * std::cos(3 * i));
    }
    fix("corrector 1 temp 300 precision double");
    command("run 0 post no");
    command("run 15 post no");
  };
  start(0);
  const auto first = bits();
  const double e0 = hyb()->compute_scalar();
  start(1);
  const auto second = bits();
  const double e1 = hyb()->compute_scalar();
  start(2);
  const auto both = bits();
  EXPECT_EQ(entry(accepted), 16.0);
  EXPECT_NEAR(hyb()->compute_scalar(), e0 + e1, 1e-6);
  double most_x = 0.0, most_v = 0.0;
  for (int k = 0; k < 27; k++) {
    most_x = std::max({most_x, std::abs(both.x[k] - first.x[k]),
                       std::abs(both.x[27 + k] - second.x[k] - (k % 3 == 0 ? 20.0 : 0.0))});
    most_v = std::max(
        {most_v, std::abs(both.v[k] - first.v[k]), std::abs(both.v[27 + k] - second.v[k])});
  }
  EXPECT_LT(most_x, 1e-6);
  EXPECT_LT(most_v, 1e-4);
  expect_in_log("18 atoms in 2 molecules, 16 bonds");
}

TEST_F(FixKstep, RejectedMoleculeFallsBackAloneOneRank)
{
  // one of three is too fast for a jump: it makes velocity Verlet, while the others wait where they
  // have arrived
  const auto start = [&] {
    commands(
        "clear\nunits metal\natom_style atomic\natom_modify map array sort 0 0.0\nboundary p p p");
    commands("region box block -40 40 -20 20 -20 20\ncreate_box 3 box\nmass 1 12.011\nmass 2 "
             "15.999\nmass 3 1.008");
    add(ethanol());
    add(ethanol(), 20.0);
    add(ethanol(), -20.0);
    forces_of("mlff engine host threads 1 precision double", student);
    command("velocity all create 300.0 4711 mom yes rot no dist gaussian");
    set_velocity(13, 20, 110, 30);
  };
  const std::string words = "corrector 0 temp 300 precision double";
  const auto part = [](const std::vector<double> &list, bool second) {
    std::vector<double> values;
    for (int k = 0; k < 81; k++)
      if ((k / 27 == 1) == second) values.push_back(list[k]);
    return values;
  };
  start();
  commands("fix move all nve\nrun 16 post no");
  const auto dynamics = bits();
  start();
  command("group others id 1:9 19:27");
  command("fix hyb others kstep/hybrid " + network + " C O H threads 1 " + words);
  command("run 1 post no");
  const auto jumped = bits();
  EXPECT_EQ(entry(accepted), 2.0);

  start();
  fix(words);
  command("run 0 post no");
  const auto before = bits();
  const double energy = value("etotal");
  command("run 1 pre no post no");
  const auto landed = bits();
  EXPECT_EQ(entry(jumps), 3.0);
  EXPECT_EQ(entry(accepted), 2.0);
  EXPECT_EQ(entry(range), 1.0);
  EXPECT_EQ(part(landed.x, true), part(before.x, true));
  EXPECT_EQ(part(landed.v, true), part(before.v, true));
  EXPECT_EQ(part(landed.f, true), part(before.f, true));
  EXPECT_LT(largest_difference(part(landed.x, false), part(jumped.x, false)), 1e-9);
  EXPECT_LT(largest_difference(part(landed.v, false), part(jumped.v, false)), 1e-7);
  EXPECT_NEAR(value("etotal") + hyb()->compute_scalar(), energy, 1e-6);
  EXPECT_NEAR(simulated(), 0.008 * 2 / 3, 1e-12);

  command("run 8 pre no post no");
  EXPECT_NEAR(simulated(), 0.008 * 2 / 3 + 8 * 0.0005 / 3, 1e-12);
  EXPECT_EQ(part(bits().x, false), part(landed.x, false));
  EXPECT_EQ(part(bits().v, false), part(landed.v, false));
  command("write_restart " + file("kstep.restart"));
  command("run 8 pre no post no");
  const auto found = bits();
  EXPECT_EQ(part(found.x, false), part(landed.x, false));
  EXPECT_LT(largest_difference(part(found.x, true), part(dynamics.x, true)), 1e-10);
  EXPECT_LT(largest_difference(part(found.v, true), part(dynamics.v, true)), 1e-8);
  EXPECT_NEAR(simulated(), 0.008, 1e-12);
  EXPECT_EQ(entry(fallback), 16.0);
  EXPECT_EQ(entry(calls), 17.0);
  command("run 1 pre no post no");
  EXPECT_EQ(entry(jumps), 6.0);

  // who waits is known after a restart, too
  command("clear");
  command("read_restart " + file("kstep.restart"));
  forces_of("mlff engine host threads 1 precision double", student);
  fix(words);
  command("run 8 post no");
  EXPECT_LT(largest_difference(bits().x, found.x), 1e-9);
  EXPECT_LT(largest_difference(bits().v, found.v), 1e-7);
  EXPECT_NEAR(simulated(), 0.008, 1e-12);

  // a published retry takes all back, each try counted as one jump
  start();
  fix(words + " attempts 2");
  command("run 1 post no");
  EXPECT_EQ(entry(range), 2.0);
  EXPECT_EQ(entry(accepted), 0.0);
  EXPECT_EQ(entry(fallback), 1.0);
  EXPECT_NEAR(simulated(), 0.0005, 1e-12);
}

TEST_F(FixKstep, LandingsAreJudgedForEachMoleculeOneRank)
{
  commands(
      "clear\nunits metal\natom_style atomic\natom_modify map array sort 0 0.0\nboundary p p p");
  commands("region box block -40 40 -20 20 -20 20\ncreate_box 3 box\nmass 1 12.011\nmass 2 "
           "15.999\nmass 3 1.008");
  add(ethanol());
  add(ethanol(), 20.0);
  add(ethanol(), -20.0);
  forces_of("mlff engine host threads 1 precision double", student);
  command("velocity all create 300.0 4711 mom yes rot no dist gaussian");
  fix("corrector 0 drift 0.1 langevin 300 0.1 7");
  command("run 0 post no");
  const double start = value("etotal");
  int mixed = 0, cycles = 0;
  for (; cycles < 25; cycles++) {
    const double before = entry(accepted);
    command("run 1 pre no post no");
    const double passed = entry(accepted) - before;
    mixed += passed > 0.0 && passed < 3.0;
    EXPECT_NEAR(simulated(), 0.008 * (cycles + passed / 3.0), 1e-10);
    if (passed < 3.0) command("run 16 pre no post no");
    EXPECT_NEAR(simulated(), 0.008 * (cycles + 1), 1e-10);
  }
  EXPECT_GT(mixed, 3);
  EXPECT_EQ(entry(jumps), 3.0 * cycles);
  EXPECT_EQ(entry(accepted) + entry(drift) + entry(range) + entry(energy) + entry(bond),
            entry(jumps));
  // velocity Verlet alone errs, by some meV
  EXPECT_NEAR(value("etotal") + hyb()->compute_scalar(), start, 0.05);
}

TEST_F(FixKstep, MoleculesWithinTheCutoffGoBackTogetherOneRank)
{
  molecule();
  add(ethanol(), 8.0);
  command("velocity all create 300.0 4711 mom yes rot no dist gaussian");
  set_velocity(13, 20, 110, 30);
  fix("corrector 0 temp 300");
  command("run 0 post no");
  const auto before = bits();
  command("run 1 pre no post no");
  EXPECT_EQ(entry(jumps), 1.0);
  EXPECT_EQ(entry(range), 1.0);
  // all make velocity Verlet at once, as no force call was needed to know
  EXPECT_EQ(entry(fallback), 1.0);
  EXPECT_NEAR(simulated(), 0.0005, 1e-12);
  const auto after = bits();
  EXPECT_NE(after.x[0], before.x[0]);
  EXPECT_NE(after.x[27], before.x[27]);
}

TEST_F(FixKstep, MoleculesWithinTheCutoffOneRank)
{
  molecule();
  add(ethanol(), 8.0);
  fix("corrector 0 temp 300");
  command("run 0 post no");
  expect_in_log("of two molecules are");
  expect_in_log("takes every molecule for an isolated one");
}

TEST_F(FixKstep, OwnImageWithinTheCutoffOneRank)
{
  commands("clear\nunits metal\natom_style atomic\natom_modify map array\nboundary p p p");
  commands("region box block -4.5 4.5 -20 20 -20 20\ncreate_box 3 box\nmass 1 12.011\nmass 2 "
           "15.999\nmass 3 1.008");
  add(ethanol());
  forces_of("mlff engine host threads 1", student);
  fix("corrector 0 temp 300");
  command("run 0 post no");
  expect_in_log("from its own periodic image along x");
}

TEST_F(FixKstep, BondsOfTheTopologyOneRank)
{
  commands("clear\nunits metal\natom_style bond\natom_modify map array sort 0 0.0\nboundary p p p");
  commands("region box block -20 20 -20 20 -20 20\ncreate_box 3 box bond/types 1 "
           "extra/bond/per/atom 4 extra/special/per/atom 8");
  commands("mass 1 12.011\nmass 2 15.999\nmass 3 1.008");
  add(ethanol());
  forces_of("mlff engine host threads 1", student);
  commands("special_bonds lj/coul 1 1 1\nbond_style zero\nbond_coeff 1 1.0");
  // one bond more than distances would find, and no other: atoms that are not joined to others are
  // molecules of their own
  commands("create_bonds single/bond 1 1 2\ncreate_bonds single/bond 1 1 3");
  fix("corrector 0 temp 300");
  command("run 0 post no");
  expect_in_log("9 atoms in 7 molecules, 2 bonds");
  command("set group all mol 1");
  command("unfix hyb");
  fix("corrector 0 temp 300");
  command("run 0 post no");
  expect_in_log("9 atoms in 1 molecule, 2 bonds");
}

TEST_F(FixKstep, OnlyItsGroupMovesOneRank)
{
  molecule();
  commands("create_atoms 1 single 15 15 15 units box\ngroup mol id <= 9");
  command("fix hyb mol kstep/hybrid " + network +
          " C O H threads 1 corrector 1 langevin 300 0.1 7");
  command("run 20 post no");
  const auto b = bits();
  for (int a = 0; a < 3; a++) EXPECT_EQ(b.x[27 + a], 15.0);
  EXPECT_GT(std::abs(b.x[0] - ethanol().positions[0]), 1e-3);
}

TEST_F(FixKstep, ClassesOfAtomsOneRank)
{
  // a network that tells atoms of an element apart: by the bonds around them, or by the names given
  Potential classes = random_jump({8, 2, 6}, {6, 6, 8, 1, 1, 1}, {8.0}, 6.0, 3);
  const char *names[] = {"C1", "C2", "O1", "H1", "H2", "H3"};
  for (int s = 0; s < 6; s++) {
    auto &species = classes.jump.species[s];
    species.name = names[s];
    species.mass = classes.elements[s] == 6 ? 12.011 : classes.elements[s] == 8 ? 15.999 : 1.008;
    species.environment = "X" + std::to_string(s);
  }
  const auto file = potential_file(classes);
  molecule();
  fix("corrector 0 temp 300", file);
  expect_error("run 0 post no", {"atom 1 is C bonded as C(", "the model knows only C1"});
  command("unfix hyb");
  command("fix hyb all kstep/hybrid " + file + " C1 O1 H2 corrector 0 temp 300");
  command("run 1 post no");
  EXPECT_EQ(entry(jumps), 1.0);
}

// jumps by a student

TEST_F(FixKstep, StudentIsExactOneRank)
{
  // another potential as student: the mean of exp(-dH/kT) is one, whatever its error
  molecule();
  fix("jump student 10 0.0005 langevin 300 0.1 7", potential_file(erring(0.04)));
  command("run 200 post no");
  command("run 3000 post no");
  EXPECT_GT(entry(acceptance), 0.6);
  EXPECT_LT(entry(acceptance), 0.995);
  EXPECT_EQ(entry(metropolis) + entry(accepted), entry(jumps));
  EXPECT_NEAR(entry(boltzmann), 1.0, 0.1);
  EXPECT_GT(entry(change_rms), 0.1);
  EXPECT_NEAR(simulated(), 0.005 * entry(accepted), 1e-9);
  EXPECT_EQ(entry(fallback), 0.0);
}

TEST_F(FixKstep, StudentEqualToTheForceOneRank)
{
  const auto expected = plain(60, "mlff engine host threads 1 precision double");
  molecule("mlff engine host threads 1 precision double");
  fix("jump student 20 0.0005 temp 100000 precision double", student);
  command("run 3 post no");
  EXPECT_EQ(entry(accepted), 3.0);
  EXPECT_LT(largest_difference(bits().x, expected.x), 1e-7);
  EXPECT_LT(largest_difference(bits().v, expected.v), 1e-4);
}

TEST_F(FixKstep, RejectionTurnsVelocitiesRoundOneRank)
{
  // at (almost) no temperature nothing that raises the energy is accepted, and turned round the
  // same way back raises it, too, or is taken
  molecule();
  fix("jump student 20 0.0005 temp 1e-9", potential_file(erring()));
  command("run 0 post no");
  for (int k = 0; k < 6; k++) {
    const auto before = bits();
    const double rejected = entry(metropolis);
    command("run 1 pre no post no");
    if (entry(metropolis) == rejected) continue;
    auto after = bits();
    for (double &v : after.v) v = -v;
    EXPECT_EQ(after, before);
  }
  EXPECT_GT(entry(metropolis), 0.0);
}

TEST_F(FixKstep, StudentWithoutMetropolisOneRank)
{
  molecule();
  fix("jump student 16 0.0005 metropolis no langevin 300 0.1 7 drift 0.05",
      potential_file(erring()));
  command("run 200 post no");
  EXPECT_EQ(entry(metropolis), 0.0);
  EXPECT_GT(entry(drift), 0.0);
  EXPECT_GT(entry(accepted), 0.0);
  EXPECT_GT(entry(fallback), 0.0);
}

TEST_F(FixKstep, MetropolisForEachMoleculeOneRank)
{
  commands(
      "clear\nunits metal\natom_style atomic\natom_modify map array sort 0 0.0\nboundary p p p");
  commands("region box block -40 40 -20 20 -20 20\ncreate_box 3 box\nmass 1 12.011\nmass 2 "
           "15.999\nmass 3 1.008");
  add(ethanol());
  add(ethanol(), 20.0);
  add(ethanol(), -20.0);
  forces_of("mlff engine host threads 1 precision double", student);
  command("velocity all create 300.0 4711");
  fix("jump student 20 0.0005 langevin 300 0.1 7", potential_file(erring()));
  command("run 0 post no");
  const double start = value("etotal");
  int mixed = 0;
  for (int k = 0; k < 60; k++) {
    const double before = entry(metropolis);
    command("run 1 pre no post no");
    const double rejected = entry(metropolis) - before;
    mixed += rejected > 0.0 && rejected < 3.0;
    // printed energies are those of the molecules that moved and of those that did not
    EXPECT_NEAR(value("etotal") + hyb()->compute_scalar(), start, 1e-6);
  }
  EXPECT_EQ(entry(jumps), 180.0);
  EXPECT_GT(mixed, 0);
  EXPECT_NEAR(simulated(), 0.01 * entry(accepted) / 3.0, 1e-9);
  command("run 0 post no");
  EXPECT_NEAR(value("etotal") + hyb()->compute_scalar(), start, 1e-5);
}

// what changes between runs and within them

TEST_F(FixKstep, MassesChangedBetweenRunsOneRank)
{
  const std::string pair = "mlff engine host threads 1 precision double";
  molecule(pair);
  commands("fix move all nve\nrun 20 post no\nmass 3 2.014\nrun 40 post no");
  const auto expected = bits();
  molecule(pair);
  fix("jump student 20 0.0005 temp 100000 precision double", student);
  commands("run 1 post no\nmass 3 2.014\nrun 2 post no");
  expect_in_log("Fix kstep/hybrid since its last step: atom 4 has mass 2.014, it had 1.008");
  EXPECT_LT(largest_difference(bits().x, expected.x), 1e-7);
  EXPECT_LT(largest_difference(bits().v, expected.v), 1e-4);

  molecule();
  fix("langevin 300 0.1 7");
  commands("run 3 post no\nmass 3 2.014");
  expect_error("run 1 post no", {"atom 4 has mass 2.014, but the network learned H with 1.008"});
}

TEST_F(FixKstep, TypesChangedBetweenRunsOneRank)
{
  // forces of the student that are known are of the element before
  const std::string pair = "mlff engine host threads 1 precision double";
  molecule(pair);
  commands("fix move all nve\nrun 20 post no\nset atom 9 type 2\nrun 20 post no");
  const auto expected = bits();
  molecule(pair);
  fix("jump student 20 0.0005 temp 1e7 precision double", student);
  commands("run 1 post no\nset atom 9 type 2\nrun 1 post no");
  expect_in_log("atom 9 has type 2, it had 3");
  EXPECT_EQ(entry(accepted), 2.0);
  EXPECT_LT(largest_difference(bits().x, expected.x), 1e-7);
}

TEST_F(FixKstep, RenumberedBetweenRunsOneRank)
{
  molecule();
  fix("corrector 1 langevin 300 0.1 7");
  commands("run 20 post no\nreset_atoms id sort yes\nrun 40 post no");
  expect_in_log("molecules are found again, and a new cycle begins");
  EXPECT_EQ(entry(jumps), 30.0);
  EXPECT_EQ(entry(acceptance), 1.0);

  // only hydrogens change places: types and masses of all IDs stay
  molecule();
  fix("corrector 1 langevin 300 0.1 7");
  command("run 20 post no");
  auto *atom = lmp->atom;
  std::swap(atom->tag[atom->map(4)], atom->tag[atom->map(6)]);
  atom->map_init(0);
  atom->map_set();
  command("run 40 post no");
  expect_in_log("atom 4 was moved by");
  EXPECT_EQ(entry(jumps), 30.0);
  EXPECT_EQ(entry(acceptance), 1.0);
}

TEST_F(FixKstep, MoleculesChangedBetweenRunsOneRank)
{
  molecule();
  add(ethanol(), 17.0);
  command("velocity all create 300.0 4711 mom yes rot no dist gaussian");
  // the second one is too fast for a jump: the first one waits for it
  set_velocity(13, 20, 110, 30);
  fix("corrector 0 temp 300");
  command("run 5 post no");
  expect_in_log("18 atoms in 2 molecules, 16 bonds");
  EXPECT_EQ(entry(range), 1.0);
  commands("group second id > 9\ndelete_atoms group second\nrun 5 post no");
  expect_in_log("there are 9 atoms, there were 18");
  expect_in_log("9 atoms in 1 molecule, 8 bonds");
  EXPECT_EQ(entry(jumps), 7.0);
  EXPECT_EQ(entry(accepted), 6.0);

  // an unchanged input goes on in its cycle
  molecule();
  fix("corrector 2 langevin 300 0.1 7");
  commands("run 2 post no\nvelocity all scale 250\nrun 1 post no");
  EXPECT_EQ(entry(jumps), 1.0);
  commands("displace_atoms all random 0.01 0.01 0.01 5\nrun 1 post no");
  EXPECT_EQ(entry(jumps), 2.0);
  expect_in_log("was moved by");
}

TEST_F(FixKstep, BondsChangedBetweenRunsOneRank)
{
  commands("clear\nunits metal\natom_style bond\natom_modify map array sort 0 0.0\nboundary p p p");
  commands("region box block -20 20 -20 20 -20 20\ncreate_box 3 box bond/types 1 "
           "extra/bond/per/atom 4 extra/special/per/atom 8");
  commands("mass 1 12.011\nmass 2 15.999\nmass 3 1.008");
  add(ethanol());
  forces_of("mlff engine host threads 1", student);
  commands("special_bonds lj/coul 1 1 1\nbond_style zero\nbond_coeff 1 1.0");
  commands("create_bonds single/bond 1 1 2\nset group all mol 1\nvelocity all create 300 4711");
  fix("corrector 0 temp 300");
  command("run 1 post no");
  expect_in_log("9 atoms in 1 molecule, 1 bonds");
  commands("create_bonds single/bond 1 1 3\nrun 1 post no");
  expect_in_log("the bonds of the topology are others");
  expect_in_log("9 atoms in 1 molecule, 2 bonds");
  commands("set atom 9 mol 0\nrun 1 post no");
  expect_in_log("atom 9 has molecule ID 0, it had 1");
}

TEST_F(FixKstep, RestartFileOfOtherAtomsOneRank)
{
  molecule();
  fix("corrector 1 langevin 300 0.1 7");
  command("run 21 post no");
  command("write_restart " + file("kstep.restart"));
  const auto read = [&] {
    command("clear");
    command("read_restart " + file("kstep.restart"));
    forces_of("mlff engine host threads 1", student);
  };
  read();
  command("mass 3 2.014");
  fix("jump student 20 0.0005 langevin 300 0.1 7", student);
  command("run 1 post no");
  expect_in_log("atom 4 has mass 2.014, it had 1.008");
  // bonds of the file are of the IDs in it
  read();
  fix("corrector 1 langevin 300 0.1 7");
  command("reset_atoms id sort yes");
  command("run 41 post no");
  EXPECT_GT(entry(jumps), 30.0);
  EXPECT_EQ(entry(acceptance), 1.0);
}

TEST_F(FixKstep, RestartWithAnotherSeedOneRank)
{
  // several chains from one file
  molecule();
  fix("corrector 1 langevin 300 0.1 7");
  command("run 6 post no");
  command("write_restart " + file("kstep.restart"));
  const auto go_on = [&](int seed) {
    command("clear");
    command("read_restart " + file("kstep.restart"));
    forces_of("mlff engine host threads 1", student);
    fix("corrector 1 langevin 300 0.1 " + std::to_string(seed));
    command("run 6 post no");
    return bits();
  };
  const auto same = go_on(7), again = go_on(7), other = go_on(8), third = go_on(9);
  EXPECT_EQ(same, again);
  EXPECT_GT(largest_difference(same.x, other.x), 1e-3);
  EXPECT_GT(largest_difference(other.x, third.x), 1e-3);
  expect_in_log("the seed is 8, that of the restart file 7: random numbers begin anew");
}

TEST_F(FixKstep, RefusesChangesWithinARunOneRank)
{
  const auto refuses = [&](const std::string &change, const std::vector<std::string> &words) {
    for (const int corrector : {0, 2}) {
      molecule();
      fix("corrector " + std::to_string(corrector) + " langevin 300 0.1 7");
      commands("run 1 post no\n" + change);
      expect_error("run 1 pre no post no", words);
    }
  };
  refuses("timestep 0.001",
          {"on timestep 2: the time step is 0.001, but it was 0.0005 when the run began"});
  refuses("mass 3 2.014",
          {"on timestep 2: atom 4 has mass 2.014, it had 1.008 since the last step",
           "before a run with 'pre yes'"});
  refuses("set atom 9 type 2", {"atom 9 has type 2, it had 3"});
  refuses("group one id 1\ndisplace_atoms one move 0.1 0 0",
          {"atom 1 was moved by 0.1 since the last step"});
  refuses("group gone id 9\ndelete_atoms group gone", {"Fix kstep/hybrid: atom 9 is lost"});

  // molecules may be moved as a whole, by a command or to keep them in place
  molecule();
  commands("fix middle all recenter INIT INIT INIT");
  fix("corrector 2 langevin 300 0.1 7");
  commands("run 10 post no\ndisplace_atoms all move 0.1 0.2 0.3\nrun 5 pre no post no");
  EXPECT_EQ(entry(acceptance), 1.0);
}

// forces and temperatures of other fixes

TEST_F(FixKstep, EnergiesOfOtherFixesCountOneRank)
{
  // defined before the fix or after it: what LAMMPS sets up last counts from the first jump on
  for (const bool after : {false, true}) {
    molecule("mlff engine host threads 1 precision double");
    const std::string words = "jump student 20 0.0005 temp 1e7 precision double";
    if (after) fix(words, student);
    commands("fix tether all spring/self 8.0\nfix_modify tether energy yes\ndisplace_atoms all "
             "move 0.5 0 0");
    if (!after) fix(words, student);
    command("run 0 post no");
    const double start = value("etotal + f_hyb");
    EXPECT_GT(value("f_tether"), 5.0);
    for (int k = 0; k < 5; k++) {
      command("run 1 pre no post no");
      EXPECT_NEAR(value("etotal + f_hyb"), start, 1e-6) << after;
    }
    EXPECT_EQ(entry(accepted), 5.0);
    // a student that is the force keeps its energy: all change is that of the tether
    EXPECT_GT(std::abs(value("f_hyb")), 1e-3);
  }

  // a rejected jump leaves the energy that there was
  molecule("mlff engine host threads 1 precision double");
  fix("jump student 20 0.0005 temp 1e-9 precision double", student);
  commands("fix tether all spring/self 8.0\nfix_modify tether energy yes\nrun 0 post no");
  const double before = value("pe");
  command("run 1 pre no post no");
  EXPECT_EQ(entry(metropolis), 1.0);
  EXPECT_NEAR(value("pe"), before, 1e-9);
  const double rejected = value("pe");
  command("run 0 post no");
  EXPECT_NEAR(value("pe"), rejected, 1e-9);
}

TEST_F(FixKstep, RestartWithARestraintOneRank)
{
  // the restraint is defined last: its energy is known when the run begins, not when the fix is set
  // up
  const std::string words = "jump student 20 0.0005 langevin 300 0.1 7 precision double timing no",
                    pair = "mlff engine host threads 1 precision double";
  const std::string restraint =
      "fix hold all restrain bond 2 3 20.0 20.0 2.60\nfix_modify hold energy yes\n";
  Bits ends[2];
  for (const bool interrupted : {false, true}) {
    molecule(pair);
    fix(words, student);
    commands(restraint + "run " + (interrupted ? "13" : "30") + " post no");
    if (interrupted) {
      command("write_restart " + file("kstep.restart"));
      command("clear");
      command("read_restart " + file("kstep.restart"));
      forces_of(pair, student);
      fix(words, student);
      commands(restraint + "run 17 post no");
    }
    EXPECT_GT(entry(accepted), 3.0);
    EXPECT_GT(entry(metropolis), 3.0);
    ends[interrupted] = bits();
  }
  EXPECT_LT(largest_difference(ends[0].x, ends[1].x), 1e-9);
  EXPECT_LT(largest_difference(ends[0].v, ends[1].v), 1e-6);
}

TEST_F(FixKstep, RestrainedAsInDynamicsOneRank)
{
  // a bond held longer than it would be
  molecule();
  const std::string restraint =
      "fix hold all restrain bond 2 3 20.0 20.0 2.60\nfix_modify hold energy yes\n"
      "variable d equal sqrt((x[2]-x[3])^2+(y[2]-y[3])^2+(z[2]-z[3])^2)\nfix mean all ave/time 1 1 "
      "1 v_d ave running start 300\n";
  fix("jump student 20 0.0005 langevin 300 0.05 7", student);
  commands(restraint + "run 3000 post no");
  const double held = value("f_mean");
  // 2.576 in dynamics, 2.45 where the restraint does not count; statistical error 0.003
  EXPECT_NEAR(held, 2.576, 0.02);
}

TEST_F(FixKstep, RefusesOtherFixesOneRank)
{
  const auto refuses = [&](const std::string &other, const std::vector<std::string> &words,
                           const std::string &keywords = "langevin 300 0.1 7",
                           const std::string &model = network) {
    SCOPED_TRACE(other);
    molecule("mlff engine host threads 1", student,
             other.find("EDGE") == std::string::npos ? "p p p" : "f f f");
    fix(keywords, model);
    commands(other);
    expect_error("run 1 post no", words);
  };
  const std::string exact = "jump student 20 0.0005 langevin 300 0.1 7";
  const auto head = [](const std::string &style) {
    return "Fix kstep/hybrid does not work with fix other of style " + style + ": ";
  };
  refuses("fix other all dt/reset 5 1e-5 0.0005 0.01 units box",
          {head("dt/reset") + "it changes the time step during a run"});
  refuses("variable m equal 1\nfix other all adapt 1 atom charge v_m",
          {head("adapt") + "it changes parameters"});
  refuses("fix other all deform 1 x erate 0.1",
          {head("deform") + "it changes the box during a run"});
  refuses("fix other all press/berendsen iso 0 0 1.0 modulus 1e5",
          {head("press/berendsen") + "it changes the box"});
  refuses("region r block 10 11 10 11 10 11\nfix other all evaporate 100 1 r 1",
          {head("evaporate") + "it adds, removes or exchanges atoms"});
  refuses("fix other all EVENT/PRD", {head("EVENT/PRD") + "it takes steps of LAMMPS for time"});
  refuses("fix other all wall/reflect xlo EDGE",
          {head("wall/reflect") + "it moves atoms or turns velocities round"});
  for (const std::string &keywords :
       {std::string("langevin 300 0.1 7"), std::string("control corrector temp 300")})
    refuses("fix other all setforce 0 0 0",
            {head("setforce") + "atoms that a force of 0 is to hold would jump",
             "leave them out of the group"},
            keywords);
  for (const bool student_jumps : {false, true}) {
    const std::string keywords = student_jumps ? exact : "langevin 300 0.1 7",
                      model = student_jumps ? student : network;
    refuses("fix other all viscous 0.1",
            {head("viscous") + "it changes forces, which do not act in jumps, and has no energy",
             "use control corrector"},
            keywords, model);
    refuses("fix other all aveforce 0.1 0 0", {head("aveforce") + "it changes forces"}, keywords,
            model);
    refuses("fix other all spring/self 1.0",
            {head("spring/self"), "its energy is not counted; use fix_modify other energy yes"},
            keywords, model);
    refuses("fix other all restrain bond 2 3 20 20 2.6",
            {head("restrain"), "use fix_modify other energy yes"}, keywords, model);
    refuses("fix other all wall/harmonic xlo EDGE 1.0 1.0 2.0",
            {head("wall/harmonic"), "use fix_modify other energy yes"}, keywords, model);
    refuses("fix other all indent 1.0 sphere 0 0 0 1.0",
            {head("indent"), "use fix_modify other energy yes"}, keywords, model);
  }
  refuses("fix other all spring/self 1.0\nfix_modify other energy yes",
          {head("spring/self"),
           "as the model does not know it; use jump student with metropolis yes, or control "
           "corrector"});
  refuses("fix other all spring/self 1.0\nfix_modify other energy yes",
          {head("spring/self"), "as the model does not know it"}, exact + " metropolis no",
          student);
  refuses("variable f atom x\nfix other all addforce v_f 0 0\nfix_modify other energy yes",
          {head("addforce") +
           "its forces are variables, which have no energy without its keyword energy"},
          exact, student);
  refuses("fix other all external pf/array 1",
          {head("external") + "its energy is 0; the program that sets its forces"}, exact, student);
  refuses("fix tether all spring/self 1.0\nfix_modify tether energy yes\nfix other all recenter "
          "INIT INIT INIT",
          {head("recenter")}, exact, student);

  // these may be there: velocity Verlet sees every force, and what holds other atoms holds none
  // that jump
  molecule();
  commands("create_atoms 1 single 15 15 15 units box\ngroup wall id 10\ngroup mol id <= 9\nfix "
           "other wall setforce 0 0 0\nfix still wall viscous 1.0");
  command("fix hyb mol kstep/hybrid " + network + " C O H threads 1 langevin 300 0.1 7");
  command("run 2 post no");
  molecule();
  commands("fix tether all spring/self 1.0\nfix drag all viscous 0.1\nfix still all momentum 10 "
           "linear 1 1 1\nfix even all balance 1 1.1 shift xyz 10 1.1");
  fix("control corrector langevin 300 0.1 7");
  command("run 2 post no");
  molecule();
  commands("variable f atom 0.1\nvariable e atom -0.1*x\nfix field all addforce v_f 0 0 energy "
           "v_e\nfix_modify field energy yes");
  fix(exact, student);
  command("run 2 post no");
}

TEST_F(FixKstep, MetropolisHasTheTemperatureOfTheThermostatOneRank)
{
  const auto refuses = [&](const std::string &other, const std::string &keywords,
                           const std::vector<std::string> &words) {
    molecule();
    commands(other);
    fix("jump student 20 0.0005 " + keywords, student);
    expect_error("run 1 post no", words);
  };
  refuses(
      "", "langevin 300 0.1 7 temp 3000",
      {"temp is 3000 K, but the thermostat keeps 300 K", "must be the same, or temp be left out"});
  refuses("fix bath all temp/berendsen 300 300 0.1", "temp 330",
          {"temp is 330 K, but the thermostat keeps 300 K"});
  refuses("fix bath all temp/berendsen 350 350 0.1", "langevin 300 0.1 7",
          {"needs one temperature: fix bath of style temp/berendsen keeps 350 K, but langevin of "
           "fix kstep/hybrid 300 K"});
  refuses("fix bath all temp/rescale 1 300 300 10 1.0", "",
          {"fix bath of style temp/rescale: it does not say which temperature it keeps"});
  molecule();
  commands("fix bath all temp/berendsen 300 300 0.1");
  fix("jump student 20 0.0005 langevin 300 0.1 7 temp 300", student);
  command("run 2 post no");

  // a thermostat too slow to change anything says what is accepted: everything, then nothing that
  // raises the energy
  const auto accepts = [&](const std::string &bath) {
    molecule();
    command("fix bath all temp/berendsen " + bath + " 1e9");
    fix("jump student 20 0.0005", potential_file(erring(0.1)));
    command("run 40 post no");
    return entry(accepted);
  };
  EXPECT_EQ(accepts("1e7 1e7"), 40.0);
  EXPECT_LT(accepts("0.01 0.01"), 30.0);
  EXPECT_GT(accepts("0.01 1e8"), accepts("0.01 0.01")) << "it is that of each step";

  // limits of a network may mean another temperature
  molecule();
  fix("langevin 300 0.1 7 temp 400");
  command("run 2 post no");
  molecule();
  fix("jump student 20 0.0005 temp 300", student);
  command("run 1 post no");
  expect_in_log("jumps alone do not sample the canonical ensemble");
}

TEST_F(FixKstep, AsThermostatByNameOneRank)
{
  molecule();
  expect_error("fix hyb all nvt/kstep/hybrid " + network + " C O H corrector 0",
               {"Fix nvt/kstep/hybrid", "needs the keyword langevin T damp seed"});
  std::vector<Bits> ends;
  for (const std::string style : {"kstep/hybrid", "nvt/kstep/hybrid"}) {
    molecule();
    command("fix hyb all " + style + " " + student +
            " C O H threads 1 jump student 20 0.0005 langevin 300 0.1 7");
    command("run 20 post no");
    int dim = -1;
    EXPECT_EQ(*(double *) hyb()->extract("t_target", dim), 300.0);
    hyb()->reset_target(1e-6);
    command("run 20 pre no post no");
    EXPECT_EQ(*(double *) hyb()->extract("t_target", dim), 1e-6);
    EXPECT_LT(entry(accepted), 40.0) << "the test of Metropolis is of the new temperature";
    ends.push_back(bits());
  }
  EXPECT_EQ(ends[0], ends[1]);
  command("fix_modify hyb energy yes");
  try {
    hyb()->reset_target(310.0);
    ADD_FAILURE() << "temperatures would be exchanged by the energy of the thermostat";
  } catch (const LAMMPS_NS::LAMMPSException &error) {
    EXPECT_NE(std::string(error.what())
                  .find("'fix_modify hyb energy yes' adds what the thermostat took out"),
              std::string::npos);
  }
}

// energies that are known only of all molecules together

TEST_F(FixKstep, SharedEnergiesDecideTogetherOneRank)
{
  // two molecules in a field: fixes tell one energy
  for (const bool exact : {true, false}) {
    molecule("mlff engine host threads 1 precision double");
    add(ethanol(), 17.0);
    command("velocity all create 300.0 4711 mom yes rot no dist gaussian");
    if (exact) {
      commands("fix tether all spring/self 0.05\nfix_modify tether energy yes");
      fix("jump student 20 0.0005 langevin 300 0.1 7", potential_file(erring()));
    } else {
      // a style that says nothing about energies of atoms
      commands("pair_style hybrid/overlay mlff engine host threads 1 precision double lj/cut 16.0");
      commands("pair_coeff * * mlff " + student + " C O H\npair_coeff * * lj/cut 1e-10 3.0");
      fix("langevin 300 0.1 7");
    }
    command("run 0 post no");
    expect_in_log(
        exact ? "jumps of all 2 molecules together, by the energy of all: fixes that add energy"
              : "jumps of all 2 molecules together, by the energy of all: atoms ");
    const double start = value("etotal + f_hyb");
    for (int k = 0; k < 40; k++) {
      command("run 1 pre no post no");
      EXPECT_NEAR(value("etotal + f_hyb"), start, exact ? 1e-6 : 5e-3);
    }
    EXPECT_EQ(entry(jumps), exact ? 40.0 : 20.0);
    EXPECT_GT(entry(accepted), 0.0);
    EXPECT_EQ(entry(accepted) + entry(metropolis), entry(jumps));
  }
}

TEST_F(FixKstep, InteractingMoleculesAreSampledTogetherOneRank)
{
  // a sum of energies of atoms is not that of a molecule where others are near
  molecule();
  add(ethanol(), 6.0);
  command("velocity all create 300.0 4711 mom yes rot no dist gaussian");
  fix("jump student 20 0.0005 langevin 300 0.1 7", student);
  command("run 20 post no");
  EXPECT_EQ(entry(jumps), 20.0);
  expect_in_log("jumps of all 2 molecules together");
}

#ifdef MLFF_XTB
TEST_F(FixKstep, MoleculesOfOneCalculationOneRank)
{
  const std::string mlp = POTENTIALS "/ethanol-gfn2-mlp.safetensors";
  double rms[2];
  for (const bool each : {false, true}) {
    molecule("mlff engine host threads 1", student, "f f f");
    add(ethanol(), 15.0);
    commands("fix ids all property/atom mol ghost yes\ngroup one id <= 9\ngroup two id > 9\nset "
             "group one mol 1\nset group two mol 2");
    commands(std::string("pair_style xtb method gfnff system ") + (each ? "molecule" : "all") +
             "\npair_coeff * * C O H");
    command("velocity all create 300.0 4711 mom yes rot no dist gaussian");
    fix("jump student 1 0.0005 langevin 300 0.1 7", mlp);
    command("run 30 post no");
    rms[each] = entry(change_rms);
    EXPECT_EQ(entry(jumps), each ? 60.0 : 30.0);
    if (!each) expect_in_log("the pair style shares the energy of all out among its atoms");
  }
  // of two molecules together, √2 of one; of shares, differences of what the two do
  EXPECT_LT(rms[0], 3.0 * rms[1]);
}
#endif

TEST_F(FixKstep, NetworksJumpWithWholeMoleculesOneRank)
{
  molecule();
  commands("group part id <= 8\nfix hyb part kstep/hybrid " + network +
           " C O H langevin 300 0.1 7");
  expect_error(
      "run 1 post no",
      {"are of one molecule, but only one of them is in the group", "jumps with whole molecules"});
}

TEST_F(FixKstep, RerunOneRank)
{
  molecule("mlff engine host threads 1 precision double");
  command("fix move all nve");
  commands("dump all all custom 5 " + file("dump") +
           " id type x y z\ndump_modify all sort id format float %.17g\nrun 10 post no\nundump "
           "all\nunfix move");
  const double last = value("pe");
  fix("langevin 300 0.1 7");
  command("rerun " + file("dump") + " dump x y z");
  EXPECT_NEAR(value("pe"), last, 1e-7);
  EXPECT_EQ(entry(calls), 0.0);
}

// what it warns of and refuses

TEST_F(FixKstep, WarningsOneRank)
{
  molecule();
  fix("corrector 1");
  command("run 0 post no");
  expect_in_log("without a thermostat");
  start();
  molecule();
  fix("corrector 1 langevin 300 0.2 7");
  command("run 0 post no");
  expect_in_log("friction of 5 1/ps may be too weak");
  start();
  molecule();
  fix("corrector 1 langevin 900 0.1 7");
  command("run 0 post no");
  expect_in_log("learned between 300 and 500 K, but the temperature is 900 K");
}

TEST_F(FixKstep, WarnsOfAnElementThatIsHotOneRank)
{
  // heavier friction cannot help where another fix keeps one hydrogen hot: the total is what the
  // thermostat says, the O-H is not
  molecule();
  fix("corrector 0 langevin 300 0.1 7");
  command("group oh id 9");
  command("fix heat oh temp/rescale 1 900 900 0 1.0");
  command("compute_modify heat_temp extra/dof 0");
  command("run 4000");
  expect_in_log("energy is not evenly shared");
  expect_in_log("the temperature of H(O) is");
}

TEST_F(FixKstep, NoWarningWithAThermostatOneRank)
{
  molecule();
  commands("fix bath all temp/berendsen 300 300 0.1");
  fix("corrector 1");
  command("run 0 post no");
  std::fflush(nullptr);
  std::ifstream in(log());
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  EXPECT_EQ(text.find("without a thermostat"), std::string::npos);
}

TEST_F(FixKstep, RefusesWordsOneRank)
{
  molecule();
  const std::string head = "fix hyb all kstep/hybrid " + network + " C O H ";
  expect_error("fix hyb all kstep/hybrid " + network + " C O",
               {"Illegal fix kstep/hybrid command: missing argument"});
  expect_error("fix hyb all kstep/hybrid nowhere.safetensors C O H",
               {"Cannot open potential file 'nowhere.safetensors'"});
  put("bad.safetensors", "no potential");
  expect_error("fix hyb all kstep/hybrid " + file("bad.safetensors") + " C O H",
               {"Fix kstep/hybrid:", "bad.safetensors"});
  expect_error("fix hyb all kstep/hybrid " + network + " C N H",
               {"Species 'N' of atom type 2", "accepted: H C O, NULL"});
  expect_error("fix hyb all kstep/hybrid " + network + " NULL NULL NULL",
               {"maps every atom type to NULL"});
  expect_error(head + "jumps 3",
               {"Unknown fix kstep/hybrid keyword 'jumps'", "accepted: jump, corrector"});
  expect_error(head + "corrector", {"missing argument"});
  expect_error(head + "jump network 16", {"missing argument"});
  expect_error(head + "jump teleport 16 0.0005",
               {"Unknown fix kstep/hybrid jump 'teleport'; accepted: network, student"});
  expect_error(head + "jump network 0 0.0005", {"jump has 0 steps; accepted: 1 or more"});
  expect_error(head + "jump network 16 -1", {"time step of a jump is -1; accepted: above 0"});
  expect_error(head + "corrector -1", {"corrector is -1; accepted: 0 or more"});
  expect_error(head + "fraction -0.5", {"fraction is -0.5; accepted: 0 to 10"});
  expect_error(head + "limits none",
               {"Unknown fix kstep/hybrid limits 'none'; accepted: ours, published"});
  expect_error(head + "range 0", {"limit range is 0; accepted: above 0, off"});
  expect_error(head + "langevin 300 0 1", {"damping time is 0; accepted: above 0"});
  expect_error(head + "langevin 0 0.1 1", {"temperature is 0; accepted: above 0"});
  expect_error(head + "langevin 300 0.1 0", {"seed is 0; accepted: above 0"});
  expect_error(head + "attempts 0", {"attempts is 0; accepted: 1 or more"});
  expect_error(head + "scale 1.5", {"scale is 1.5; accepted: above 0, at most 1"});
  expect_error(head + "fallback half",
               {"Unknown fix kstep/hybrid fallback 'half'; accepted: full, off"});
  expect_error(head + "control magic",
               {"Unknown fix kstep/hybrid control 'magic'; accepted: none, corrector, zero"});
  expect_error(head + "engine warp",
               {"Unknown fix kstep/hybrid engine 'warp'; accepted: auto, host"});
  expect_error(head + "precision half", {"accepted: single, double"});
  expect_error(head + "batch maybe",
               {"Unknown batch 'maybe' of fix kstep/hybrid; accepted: auto, on, off"});
  expect_error(head + "wait 0",
               {"Fix kstep/hybrid wait is 0; accepted: auto, or a number of milliseconds above 0"});
  expect_error(head + "threads -1", {"threads is -1; accepted: 0 (automatic) or more"});
  expect_error(head + "metropolis yes", {"metropolis yes is exact only for jump student"});
  expect_error(head + "jump student 16 0.0005",
               {"jump student takes a potential with energies", "use jump network"});
  const auto published =
      potential_file(random_jump({8, 2, 6}, {6, 8, 1}, {8.0}, 6.0, 3, "kstep-egnn", true),
                     "published.safetensors");
  expect_error("fix hyb all kstep/hybrid " + published + " C O H",
               {"the published form of kstep-egnn", "breaks the symmetry of rotation"});
  expect_error(head + "tune yes timing no", {"tune yes needs timing yes"});
  expect_error(head + "tune yes control corrector", {"tune yes needs jumps"});
  expect_error("fix hyb all kstep/hybrid " + student + " C O H",
               {"jump network takes a jump network", "use jump student"});
  expect_error("fix hyb all kstep/hybrid " + student + " C O H jump student 16 0.0005 control zero",
               {"control takes the place of a network"});
  expect_error("fix hyb all kstep/hybrid " + student + " C O H jump student 16 0.0005 attempts 2",
               {"attempts above 1 do not go with metropolis yes"});
  expect_error("fix hyb all kstep/hybrid " + student + " C O H jump student 16 0.0005 limits ours",
               {"limits do not go with metropolis yes"});
}

TEST_F(FixKstep, RefusesInputsOneRank)
{
  const auto refuses = [&](const std::string &before, const std::vector<std::string> &words,
                           const std::string &keywords = "temp 300") {
    molecule();
    commands(before);
    if (!hyb()) fix(keywords);
    expect_error("run 1 post no", words);
  };
  refuses("run_style respa 2 2 pair 2", {"does not run with run_style respa"});
  refuses("fix move all nve", {"wants to be the only one; found fix move of style nve"});
  refuses("fix bath all langevin 300 300 0.1 5",
          {"Fix bath of style langevin would put random forces", "keyword langevin"});
  refuses("timestep 0.001", {"has a time step of 0.0005, but the input one of 0.001"},
          "temp 300 jump network 16 0.0005");
  refuses("", {"12 steps of 0.5 fs are no stride of network", "it has: 8 fs"},
          "temp 300 jump network 12 0.0005");
  refuses("timestep 0.0007", {"no stride of network"});
  refuses("velocity all set 0 0 0", {"needs a temperature for its limits"}, "corrector 0");
  refuses("mass 3 2.014", {"atom 4 has mass 2.014, but the network learned H with 1.008 g/mol"});
  molecule();
  command("fix hyb all kstep/hybrid " + network + " C O NULL temp 300");
  expect_error("run 1 post no", {"atom 4 has type 3, which is mapped to NULL"});
  molecule();
  commands("group none empty\nfix hyb none kstep/hybrid " + network + " C O H temp 300");
  expect_error("run 1 post no", {"has no atoms"});
  commands("clear\nunits lj\natom_modify map array\nregion box block 0 40 0 40 0 40\ncreate_box 3 "
           "box\nmass * 1.0\ncreate_atoms 1 single 1 1 1\npair_style "
           "zero 3.0\npair_coeff * *");
  fix("temp 300");
  expect_error("run 1 post no", {"has no units 'lj'; accepted: metal, real"});
  commands("clear\nunits metal\natom_modify id no\nregion box block 0 40 0 40 0 40\ncreate_box 3 "
           "box\nmass * 1.0\ncreate_atoms 1 single 1 1 1\npair_style zero "
           "3.0\npair_coeff * *\ntimestep 0.0005");
  fix("temp 300");
  expect_error("run 1 post no", {"requires atom IDs"});
  if (!kokkos) {
    molecule();
    expect_error("fix hyb all kstep/hybrid/kk " + network + " C O H",
                 {"Fix kstep/hybrid/kk needs the KOKKOS package switched on", "'-k on'"});
  }
  // a network of several strides must be told which
  const auto two = potential_file(random_jump({8, 2, 6}, {6, 8, 1}, {4.0, 8.0}, 6.0, 3));
  molecule();
  fix("temp 300", two);
  expect_error("run 1 post no", {"has several strides (4, 8 fs)", "jump network k dt"});
}

TEST_F(FixKstep, RefusesConstraintsOneRank)
{
  const auto refuses = [&](const std::string &constraint, const std::string &word) {
    commands(
        "clear\nunits metal\natom_style bond\natom_modify map array sort 0 0.0\nboundary p p p");
    commands("region box block -20 20 -20 20 -20 20\ncreate_box 3 box bond/types 1 "
             "extra/bond/per/atom 4 extra/special/per/atom 8");
    commands("mass 1 12.011\nmass 2 15.999\nmass 3 1.008");
    add(ethanol());
    forces_of("mlff engine host threads 1", student);
    commands("special_bonds lj/coul 1 1 1\nbond_style zero\nbond_coeff 1 1.0\ncreate_bonds "
             "single/bond 1 3 9");
    command("velocity all create 300.0 4711");
    command(constraint);
    fix("temp 300");
    expect_error("run 1 post no",
                 {"does not work with constraints; found fix hold of style " + word});
  };
  refuses("fix hold all shake 1e-4 20 0 b 1", "shake");
  refuses("fix hold all rattle 1e-4 20 0 b 1", "rattle");
  refuses("fix hold all rigid single", "rigid");
  refuses("fix hold all rigid/nve single", "rigid/nve");
}

TEST_F(FixKstep, RefusesModelsOfOtherMoleculesOneRank)
{
  // a model of one molecule, and another molecule: an error before the run, and no run of
  // rejections
  auto other = ethanol();
  std::swap(other.numbers[1], other.numbers[2]);    // an ether
  auto large = ethanol();
  large.numbers.push_back(1);
  large.positions.insert(large.positions.end(), {-1.9, 0.1, -1.0});
  const auto model = [&](const Structure &s, const std::string &name) {
    return potential_file(random_molecule(s.numbers, s.positions, {8}, 1, 3), name);
  };
  molecule();
  fix("jump student 16 0.0005 langevin 300 0.1 7", model(other, "ether.safetensors"));
  expect_error("run 1 post no",
               {"ether.safetensors' makes no jumps of these molecules", "are C2H6O with the bonds",
                "the model is of C2H6O with the bonds"});
  command("unfix hyb");
  fix("jump student 16 0.0005 metropolis no langevin 300 0.1 7", model(large, "large.safetensors"));
  expect_error("run 1 post no",
               {"large.safetensors' makes no jumps of these molecules",
                "the model is of one molecule C2H7O"});

  // its own molecule jumps, until a bond breaks that was there at set-up
  molecule();
  fix("jump student 16 0.0005 langevin 300 0.1 7", model(ethanol(), "own.safetensors"));
  command("run 0 post no");
  EXPECT_EQ(entry(jumps), 0.0);
  auto *atom = lmp->atom;
  atom->x[atom->map(9)][1] -= 2.0;
  expect_error(
      "run 1 pre no post no",
      {"Fix kstep/hybrid on timestep 1", "own.safetensors' makes no jumps of these molecules"});
}

TEST_F(FixKstep, StudentThatBreaksBondsOneRank)
{
  // a student without any sense tears its own molecule apart: those jumps are rejected
  molecule();
  auto senseless = random_molecule(ethanol().numbers, ethanol().positions, {8}, 1, 3);
  for (double &s : senseless.tensors.at("scale").values) s = 300.0;
  fix("jump student 200 0.0005 langevin 300 0.1 7", potential_file(senseless));
  command("run 3 post no");
  EXPECT_EQ(entry(not_finite), 3.0);
  EXPECT_EQ(simulated(), 0.0);
}

TEST_F(FixKstep, RefusesSeveralRanks)
{
  if (n_ranks == 1) GTEST_SKIP() << "several ranks only";
  molecule();
  fix("temp 300");
  expect_error("run 1 post no",
               {"runs on one MPI rank per partition, found " + std::to_string(n_ranks)});
}

TEST_F(FixKstep, MinimizersAreNotDisturbedOneRank)
{
  molecule();
  fix("langevin 300 0.1 7");
  command("minimize 0 0.05 50 200");
  EXPECT_EQ(entry(calls), 0.0);
  command("velocity all create 300 5");
  command("run 4 post no");
  EXPECT_EQ(entry(calls), 4.0);
}

}    // namespace
