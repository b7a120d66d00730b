// fix kstep/hybrid inside LAMMPS: ethanols ready for it, elements of its vector by their names, and
// states to the last bit.
#pragma once

#include "core/units.h"
#include "fix_kstep/kstep_vector.h"
#include "models/jump/jump.h"
#include "models/jump/jump_record.h"
#include "models/molecule_mlp/molecule_mlp.h"
#include "support/lammps_fixture.h"

#include "fix.h"
#include "modify.h"
#include "variable.h"

#include <array>
#include <cmath>
#include <map>

namespace mlff_test {

using namespace mlff;

inline const std::string network = POTENTIALS "/ethanol-gfn2-jump8.safetensors";
inline const std::string long_network = POTENTIALS "/ethanol-gfn2-jump16.safetensors";
inline const std::string student = POTENTIALS "/ethanol-gfn2-painn32.safetensors";

// the force
inline const std::string single_pair = "mlff engine host threads 1";
inline const std::string double_pair = "mlff engine host threads 1 precision double";

/// Relaxed with the student.
inline Structure ethanol()
{
  Structure s;
  s.numbers = {6, 6, 8, 1, 1, 1, 1, 1, 1};
  s.positions = {0.1092,  0.5227, 0.2312,  -1.2363, 0.0617,  -0.3193, 1.1058,  -0.4681, 0.1354,
                 0.4303,  1.4377, -0.2892, 0.0263,  0.7451,  1.2974,  -1.5566, -0.8446, 0.1890,
                 -1.9850, 0.8341, -0.1676, -1.1617, -0.1457, -1.3860, 1.1755,  -0.7469, -0.7846};
  return s;
}

/// A student that errs: the potential of the forces with weights that are a little off.
inline Potential erring(double by = 0.02)
{
  Potential potential = Potential::read(student);
  Uniform uniform(5);
  const auto table = tensors_of(potential);
  for (auto &[name, tensor] : potential.tensors)
    if (table.at(name).trained())
      for (double &w : tensor.values) w *= 1.0 + by * uniform();
  return potential;
}

/// A network without any sense for the masses of the tests. strides in fs.
inline Potential senseless_network(const std::vector<double> &strides = {8.0})
{
  Potential potential = random_jump({8, 2, 6}, {6, 8, 1}, strides, 6.0, 3);
  for (auto &species : jump_record(potential).species)
    species.mass = species.name == "C" ? 12.011 : species.name == "O" ? 15.999 : 1.008;
  return potential;
}

/// Positions, velocities and forces by ID, to the last bit.
struct Bits {
  std::vector<double> x, v, f;
  std::vector<int> image;
  bool operator==(const Bits &) const = default;
};

class FixKstep : public LammpsTest {
 protected:
  /// An empty box for carbon, oxygen and hydrogen.
  void box(const std::string &region = "-20 20 -20 20 -20 20", const std::string &units = "metal",
           const std::string &atom_style = "atomic", const std::string &more = "",
           const std::string &boundary = "p p p")
  {
    commands("clear\nunits " + units + "\natom_style " + atom_style +
             "\natom_modify map array sort 0 0.0\nboundary " + boundary);
    commands("region box block " + region + "\ncreate_box 3 box " + more +
             "\nmass 1 12.011\nmass 2 15.999\nmass 3 1.008");
  }

  /// An ethanol at 300 K with forces of the student, ready for a fix.
  void molecule(const std::string &pair = single_pair, const std::string &coeff = student,
                const std::string &boundary = "p p p")
  {
    box("-20 20 -20 20 -20 20", "metal", "atomic", "", boundary);
    add(ethanol());
    forces_of(pair, coeff);
    thermal_velocities();
  }

  /// Several in a long box, out of the forces' reach of each other.
  void molecules(const std::vector<double> &shifts, const std::string &pair = double_pair)
  {
    box("-40 40 -20 20 -20 20");
    for (const double shift : shifts) add(ethanol(), shift);
    forces_of(pair, student);
    thermal_velocities();
  }

  /// An ethanol whose atoms can have bonds of a topology.
  void bonded_molecule()
  {
    box("-20 20 -20 20 -20 20", "metal", "bond",
        "bond/types 1 extra/bond/per/atom 4 extra/special/per/atom 8");
    add(ethanol());
    forces_of(single_pair, student);
    commands("special_bonds lj/coul 1 1 1\nbond_style zero\nbond_coeff 1 1.0");
  }

  void thermal_velocities()
  {
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

  /// Neighbor lists are made anew in each step, so that sums are in one order.
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

  /// Goes on from a restart file, which write_restart() wrote.
  void read_restart(const std::string &pair = single_pair)
  {
    command("clear");
    command("read_restart " + file("kstep.restart"));
    forces_of(pair, student);
  }
  void write_restart() { command("write_restart " + file("kstep.restart")); }

  LAMMPS_NS::Fix *hyb() { return lmp->modify->get_fix_by_id("hyb"); }

  /// Element of the vector by its name in the table of the fix.
  double entry(const std::string &name)
  {
    int n = 0;
    for (const auto *table : {&LAMMPS_NS::kstep_vector(), &LAMMPS_NS::kstep_segments_vector()})
      for (const auto &element : *table) {
        if (name == element.name) return hyb()->compute_vector(n);
        n++;
      }
    ADD_FAILURE() << "the vector has no element '" << name << "'";
    return NAN;
  }

  /// Jumps rejected, whatever the reason.
  double rejected()
  {
    double sum = 0.0;
    for (const auto *reason : {"not_finite", "range", "bond", "energy", "drift", "metropolis"})
      sum += entry(reason);
    return sum;
  }

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

  /// Too fast for a jump: an atom of the second molecule.
  void hurry() { set_velocity(13, 20, 110, 30); }

  /// Steps of plain velocity Verlet from the same start.
  Bits plain(int steps, const std::string &pair = single_pair)
  {
    molecule(pair);
    commands("fix move all nve\nrun " + std::to_string(steps) + " post no");
    return bits();
  }

  /// The first jump of a run is rejected for this reason, and all is as it was before it.
  void expect_taken_back(const std::string &reason)
  {
    command("run 0 post no");
    const auto before = bits();
    const double energy = value("etotal");
    command("run 1 pre no post no");
    EXPECT_EQ(bits(), before);
    EXPECT_EQ(value("etotal"), energy);
    EXPECT_EQ(entry(reason), 1.0);
    EXPECT_EQ(entry("jumps"), 1.0);
    EXPECT_EQ(simulated(), 0.0);
    EXPECT_EQ(hyb()->compute_scalar(), 0.0);
  }

  /// A run that must fail with all of these words in the message.
  void expect_refusal(const std::vector<std::string> &words)
  {
    expect_error("run 1 post no", words);
  }
};

}    // namespace mlff_test
