// Methods of libxtb by name, and what a calculation is done with. No libxtb in it.
#pragma once

#include "core/words.h"

#include <string>

namespace mlff {

/// C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 15, 1652 (2019): GFN2-xTB. S.
/// Grimme, C. Bannwarth, P. Shushkov, J. Chem. Theory Comput. 13, 1989 (2017): GFN1-xTB. S.
/// Spicher, S. Grimme, Angew. Chem. Int. Ed. 59, 15665 (2020): GFN-FF.
enum class XtbMethod { gfn2, gfn1, gfnff };

inline constexpr Word<XtbMethod> xtb_method_words[] = {
    {"gfn2", XtbMethod::gfn2}, {"gfn1", XtbMethod::gfn1}, {"gfnff", XtbMethod::gfnff}};

struct XtbOptions {
  XtbMethod method = XtbMethod::gfn2;
  int charge = 0;           ///< charge of the molecule, e
  int uhf = 0;              ///< number of unpaired electrons
  double accuracy = 0.1;    ///< accuracy of charges and integrals, smaller is tighter
  double electronic_temperature = 300.0;    ///< K
  int max_iterations = 250;    ///< largest number of iterations of the self-consistent charges
};

/// The range of XtbOptions::accuracy.
inline constexpr double least_xtb_accuracy = 1e-4, largest_xtb_accuracy = 1e3;

std::string xtb_method_name(XtbMethod method);

/// The method of a name. Throws XtbError for a name that no method has.
XtbMethod xtb_method_of(const std::string &name);

/// The commands of LAMMPS that give forces with these options. `elements`: those of the atom types,
/// with blanks between them.
std::string xtb_lammps_commands(const XtbOptions &options, const std::string &elements);

}    // namespace mlff
