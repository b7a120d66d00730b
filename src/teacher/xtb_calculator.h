// GFN2-xTB, GFN1-xTB and GFN-FF of one molecule through libxtb, kept from call to call. No LAMMPS
// in it.
#pragma once

#include "teacher/xtb_method.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace mlff {

/// Version of the library this build was made with.
std::string xtb_version();

/// Removes folders that processes which ended without cleaning up have left in the folder for
/// temporary files: those of the process `pid`, or, where that is 0, those older than an hour of
/// all processes that are gone.
void remove_xtb_folders(int pid);

/// Pairs i < j of atoms that are bonded by their distance (bonds.h), ascending.
using XtbBonds = std::vector<std::pair<int, int>>;

XtbBonds xtb_bonds(std::span<const int> numbers, std::span<const double> positions);

/// Whether positions [n][3] (Å), whose own bonds are `now`, do not contradict `bonds`: these are
/// not longer than a bond can be (bond_held of bonded_molecule.h), and no other atoms are as near
/// as bonded ones.
bool bonds_fit(const XtbBonds &bonds, const XtbBonds &now, std::span<const int> numbers,
               std::span<const double> positions);

/// Contradictions between positions [n][3] (Å) and bonds: "broken: C2-O3; new: C1-O3"; empty where
/// there are none. The atoms have the numbers `ids` [n], or count from 1.
std::string bond_changes(const XtbBonds &bonds, std::span<const int> numbers,
                         std::span<const double> positions, std::span<const long> ids = {});

/// Start of the self-consistent charges of an evaluation: the wavefunction of the evaluation
/// before, or anew. If that does not converge, the other start is tried.
enum class XtbStart { last, anew };

/// Calculators of GFN2-xTB and GFN1-xTB with the same options and elements share libxtb's tables (5
/// MB for GFN2-xTB), each with its own wavefunction: they must not work at the same time in several
/// threads.
class XtbCalculator {
 public:
  /// numbers [n]: atomic numbers; positions [n][3] Å. GFN-FF takes its bonds from these positions.
  /// Throws XtbError where an element is outside the method's range (1 to 86), or charge and
  /// unpaired electrons do not fit; XtbUnavailable where libxtb cannot set up any molecule.
  XtbCalculator(const XtbOptions &options, std::span<const int> numbers,
                std::span<const double> positions);
  ~XtbCalculator();
  XtbCalculator(const XtbCalculator &) = delete;
  XtbCalculator &operator=(const XtbCalculator &) = delete;

  /// Energy in eV; writes forces [n][3] in eV/Å. Throws XtbError where no start converges, or where
  /// a position is not finite.
  double evaluate(std::span<const double> positions, std::span<double> forces,
                  XtbStart start = XtbStart::last);

  /// Lets the next evaluation start from scratch.
  void forget();

  /// Partial charges [n] in e of the last evaluation.
  std::vector<double> charges() const;

  const std::vector<int> &numbers() const;

  const XtbOptions &options() const;

  /// Positions [n][3] (Å) that the calculator was made with, and the bonds there.
  const std::vector<double> &reference() const;
  const XtbBonds &bonds() const;

  long calls = 0;          ///< evaluations
  long retries = 0;        ///< evaluations among them that were started again the other way
  double seconds = 0.0;    ///< wall-clock time in the library

 private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

}    // namespace mlff
