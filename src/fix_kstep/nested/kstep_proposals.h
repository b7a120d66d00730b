// The file of proposals of fix kstep/hybrid with segments.

#ifndef LMP_KSTEP_PROPOSALS_H
#define LMP_KSTEP_PROPOSALS_H

#include "pointers.h"

#include <string>
#include <vector>

namespace mlff {
class KstepDecision;
struct KstepMolecules;
struct KstepState;
}    // namespace mlff

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   Places of a nested Markov chain with their weights, as extended XYZ: of
   each move the place it left (1 - a) and the proposal (a), of each molecule
   that is decided on by itself. Places of weight 0 are left out. Sums of
   weights over the frames of a move are 1. Energies are in eV.
------------------------------------------------------------------------- */

class KstepProposals : protected Pointers {
 public:
  // name: empty for no file
  KstepProposals(class LAMMPS *lmp, const std::string &name) : Pointers(lmp), name(name) {}
  ~KstepProposals() override;

  void open();    // once; an error where there is such a file

  // weight: a of each part of the decision
  void write(const mlff::KstepMolecules &, const mlff::KstepDecision &,
             const mlff::KstepState &left, const mlff::KstepState &proposed,
             const std::vector<double> &weight, const std::vector<char> &accepted, double move);

 private:
  std::string name;
  FILE *file = nullptr;

  void frame(const mlff::KstepMolecules &, int first, int last, const std::vector<double> &x,
             const std::string &comment);
};

}    // namespace LAMMPS_NS

#endif
