/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifndef LMP_KSTEP_ATOMS_H
#define LMP_KSTEP_ATOMS_H

#include "kstep/kstep_molecules.h"
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
  std::vector<tagint> tags;    // of each atom, molecule after molecule
  std::vector<int> local;      // its index on this rank

  double velocity_unit = 1.0;    // Å/ps, of the input
  double energy_unit = 1.0;      // eV

  struct Found {
    bool anew;             // false where the atoms are those of the last call
    std::string change;    // since then; empty for none, and for a first call
  };
  // Species: words of the types, see KstepSettings. Whole: a molecule must not be cut by the group
  Found find(const mlff::Potential &, const std::vector<std::string> &words, bool whole);

  // what another command or fix has changed during a run, and what it has moved; empty for
  // nothing. Moves of all atoms alike count if `anchored`
  std::string change() const;
  std::string motion(bool anchored) const;
  void remember(const mlff::KstepState &);    // the places now

  struct Seen {
    tagint tag, molecule;
    int type;
    double mass;
    double x[3];    // Angstrom, at the end of the last step
  };
  const std::vector<Seen> &remembered() const { return seen; }
  void keep_seen(const std::vector<Seen> &list) { seen = list; }

  struct Bond {
    tagint i, j;
    double length;
  };
  std::vector<Bond> bonds() const;
  void keep_bonds(const std::vector<Bond> &list) { known = list; }

  void update();                                 // local, after atoms may have moved in memory
  void gather(mlff::KstepState &);               // molecules are whole
  void gather_velocities(mlff::KstepState &);    // only those
  void put_velocities(const mlff::KstepState &);
  void put_velocities(const mlff::KstepState &, int molecule);
  void move(const mlff::KstepState &start, const mlff::KstepState &end, int molecule);

  void save();
  void restore(int molecule);
  void restore_flipped(int molecule);    // with velocities turned round

  // two molecules nearer to each other than a distance, or one to its own image; empty where there
  // are none
  std::string neighbors(const mlff::KstepState &, double distance) const;

  // an atom that does not jump nearer to one that does than a distance; empty where there is none
  std::string others(double distance) const;

 private:
  int groupbit;
  std::vector<Bond> known;    // from a restart file
  std::vector<Seen> seen;    // molecule after molecule; out of a restart file before the first call
  std::vector<std::pair<tagint, tagint>> drawn;    // bonds of the topology then
  std::vector<int> walk,
      bridge;    // each atom, and the one before it in the walk that makes its molecule whole
  std::vector<double> x0, v0, f0;
  std::vector<imageint> image0;

  std::string difference(const std::vector<int> &, const std::vector<Bond> &) const;
  double mass_of(int i) const;
  void check_whole(const std::vector<int> &, const std::vector<int> &,
                   const std::vector<int> &) const;
  std::vector<Bond> topology(const std::vector<int> &) const;
  std::vector<Bond> nearby(const std::vector<int> &, const std::vector<int> &) const;
  void find_species(const mlff::Potential &, const std::vector<std::string> &);
  void find_walk();
};

}    // namespace LAMMPS_NS

#endif
