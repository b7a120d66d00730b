// Members of pair style xtb that its style header does not show.

#ifndef LMP_XTB_IMPL_H
#define LMP_XTB_IMPL_H

#include "lammps_common/molecule_walk.h"
#include "lmptype.h"
#include "structure/lattice.h"
#include "teacher/xtb_calculator.h"

#include <memory>
#include <vector>

namespace LAMMPS_NS {

// atoms of one calculation, in the order of their IDs
struct XTBSystem {
  tagint molecule;               // ID, or 0 where the style has only one system
  std::vector<tagint> tags;      // atom IDs
  std::vector<int> local;        // index of each atom on this rank
  MoleculeWalk walk;             // makes it whole
  std::vector<double> x, f;      // unwrapped positions, forces: [n][3]
  std::vector<double> x_done;    // positions that energy and forces are of; empty: none
  std::vector<double> x_seen;    // positions of the last evaluation, whatever came of it
  double energy = 0.0;
  std::unique_ptr<mlff::XtbCalculator> calculator;
};

// a system in a restart file: GFN-FF keeps the bonds and parameters that it found in the positions
// of its first step

struct XTBRestart {
  tagint molecule = 0;
  std::vector<tagint> tags;
  std::vector<int> numbers;
  std::vector<double> reference, x_seen;
};

// source of the charge of a system

enum class XTBCharge { none_given, given, atoms };

struct XTBImpl {
  mlff::XtbOptions options;
  bool each_molecule = false;
  XTBCharge charge = XTBCharge::none_given;
  std::vector<XTBSystem> systems;
  std::vector<int> type;    // type of each atom when the systems were found
  std::vector<XTBRestart> restart;
  std::vector<mlff::Vector3> images;    // shortest translations of the periodic box
  bool warned_charge = false;           // whether this run has warned
};

}    // namespace LAMMPS_NS

#endif
