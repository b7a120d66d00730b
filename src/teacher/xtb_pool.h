// XtbPool: chooses the calculator for each of many structures, and keeps the number of calculators
// within bounds. No LAMMPS in it.
#pragma once

#include "teacher/xtb_calculator.h"

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <vector>

namespace mlff {

/// A molecule as calculators know it: elements in their order, charge, unpaired electrons, and for
/// GFN-FF bonds. GFN-FF takes its force field from the positions that were met first, so that all
/// structures of one molecule get energies of one surface.
struct XtbMolecule {
  long id;                     ///< never given twice
  std::vector<int> numbers;    ///< [n]
  int charge, uhf;
  XtbBonds bonds;
  std::vector<double> reference;    ///< [n][3] Å
};

/// The molecules met so far, in bounded memory: those not met for longest are forgotten first.
class XtbMolecules {
 public:
  explicit XtbMolecules(XtbMethod method) : by_bonds(method == XtbMethod::gfnff) {}

  /// The molecule that positions [n][3] (Å) belong to: for GFN-FF the one whose bonds they do not
  /// contradict (bonds_fit), the one met first if there are several; a new one where there is none.
  /// Valid until the next call.
  const XtbMolecule &find(std::span<const int> numbers, int charge, int uhf,
                          std::span<const double> positions);

  /// Forgets a molecule.
  void drop(long id);

  /// Number of the next molecule that is new.
  long next() const { return next_id; }

 private:
  std::list<XtbMolecule> molecules;    // the last met first
  std::map<std::vector<int>, std::vector<std::list<XtbMolecule>::iterator>> of_numbers;
  bool by_bonds;
  std::size_t bytes = 0;
  long next_id = 0;

  void remove(std::list<XtbMolecule>::iterator molecule);
};

/// Energies and forces of any molecules in any order. Calculators that were used last are kept, in
/// bounded memory; each is made from the reference positions of its molecule, so that energies of
/// GFN-FF do not depend on which are kept.
class XtbPool {
 public:
  /// Charge and unpaired electrons of `options` are not used: they are given with each structure.
  explicit XtbPool(const XtbOptions &options);

  /// Energy in eV; writes forces [n][3] in eV/Å. Throws as XtbCalculator does; nothing of a failed
  /// calculation stays. The wavefunction starts anew where the bonds are not those of the structure
  /// of this molecule before.
  double evaluate(std::span<const int> numbers, int charge, int uhf,
                  std::span<const double> positions, std::span<double> forces);

  /// Takes notice of a structure that was evaluated elsewhere.
  void meet(std::span<const int> numbers, int charge, int uhf, std::span<const double> positions);

  /// Calculators kept.
  std::size_t size() const { return kept.size(); }

 private:
  struct Kept {
    long id;
    double bytes;
    std::unique_ptr<XtbCalculator> calculator;
    XtbBonds bonds;    // bonds of the structure before
  };
  XtbOptions options;
  XtbMolecules molecules;
  std::list<Kept> kept;    // the last used first
  double bytes = 0.0;

  Kept &calculator_of(const XtbMolecule &molecule);
  void drop(long id);
  double bytes_of(const XtbMolecule &molecule) const;
};

}    // namespace mlff
