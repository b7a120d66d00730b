// The atoms of fix kstep/hybrid on this rank, and the molecules they form.

#ifndef LMP_KSTEP_ATOMS_H
#define LMP_KSTEP_ATOMS_H

#include "fix_kstep/atoms/kstep_memory.h"
#include "fix_kstep/atoms/kstep_topology.h"
#include "kstep/kstep_molecules.h"
#include "lammps_common/molecule_walk.h"
#include "pointers.h"

#include <string>
#include <vector>

namespace mlff {
struct Potential;
}

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   The atoms of fix kstep/hybrid: which molecules they form, where they are
   on this rank, whole molecules out of a periodic box, and a copy of a
   state that restores it to the last bit.

   A molecule is what bonds hold together: those of the topology, or atoms
   nearer than 1.25 covalent radii when first seen; atoms with one molecule
   ID are one molecule in any case.

   What was found is for the atoms as they were: IDs, types, masses, molecule
   IDs, bonds and places are compared before each run, and IDs, types, masses
   and places in each step.
------------------------------------------------------------------------- */

class KstepAtoms : protected Pointers {
 public:
  KstepAtoms(class LAMMPS *, int groupbit);

  mlff::KstepMolecules molecules;
  std::vector<tagint> tags;    // IDs, molecule after molecule
  std::vector<int> local;      // index of the atom on this rank

  double velocity_unit = 1.0;    // Angstrom/ps, of the input
  double energy_unit = 1.0;      // eV

  struct Found {
    bool anew;             // false where the atoms are those of the last call
    std::string change;    // since then; empty for none, and for a first call
  };
  // Species: words of the types, see KstepSettings. Whole: a molecule must not be cut by the group
  Found find(const mlff::Potential &, const std::vector<std::string> &words, bool whole);

  // texts about changes and moves by another command or fix during a run; empty for none. Moves of
  // all atoms alike count if `anchored`
  std::string change() const { return memory.change(local); }
  std::string motion(bool anchored) const { return memory.motion(local, anchored); }
  void remember(const mlff::KstepState &state) { memory.remember_places(state.x); }

  KstepMemory memory;

  // bonds with their lengths when first seen; those of a restart file are for the next find()
  using Bond = KstepTopology::Bond;
  std::vector<Bond> bonds() const;
  void restore_bonds(const std::vector<Bond> &list) { restart_bonds = list; }

  void update();                                 // local, after atoms may have moved in memory
  void gather(mlff::KstepState &);               // molecules are whole
  void gather_velocities(mlff::KstepState &);    // only those
  void put_velocities(const mlff::KstepState &);
  void put_velocities(const mlff::KstepState &, int molecule);
  void move(const mlff::KstepState &start, const mlff::KstepState &end, int molecule);

  void save();
  void restore(int molecule);
  void restore_flipped(int molecule);    // restores positions, and velocities reversed

  // two molecules nearer to each other than a distance, or one to its own image; empty where there
  // are none
  std::string neighbors(const mlff::KstepState &, double distance) const;

  // an atom that does not jump nearer to one that does than a distance; empty where there is none
  std::string bystanders(double distance) const;

 private:
  int groupbit;
  KstepTopology topology;
  std::vector<Bond> restart_bonds;
  std::vector<std::pair<tagint, tagint>> drawn_bonds;    // bonds of the topology in the last find()
  MoleculeWalk walk;
  std::vector<double> x0, v0, f0;
  std::vector<imageint> image0;

  std::vector<int> atoms_of_group() const;
  std::string difference(const std::vector<int> &, const std::vector<Bond> &) const;
  std::vector<Bond> choose_bonds(const std::vector<int> &, const std::vector<int> &,
                                 const std::vector<Bond> &);
  void check_whole(const mlff::Potential &, const std::vector<std::string> &,
                   const std::vector<int> &, const std::vector<int> &) const;
  void assemble(const std::vector<int> &, const std::vector<int> &, const std::vector<Bond> &);
  void find_species(const mlff::Potential &, const std::vector<std::string> &);
  std::string nearest_molecules(const mlff::KstepState &, double, const std::vector<double> &,
                                const std::vector<double> &) const;
};

}    // namespace LAMMPS_NS

#endif
