// Takes the place of rdkit/ in a build without RDKit.
#ifndef MLFF_RDKIT
#include "molecule/molecule.h"

namespace mlff {

namespace {

  [[noreturn]] void no_rdkit()
  {
    throw MoleculeError("molecules from SMILES need RDKit, which this build of mlff does not have: "
                        "install it (Debian: librdkit-dev, libboost-dev) and build mlff again");
  }

}    // namespace

std::vector<Structure> apart(const Molecule &, const Molecule &, int, double, double, double, bool,
                             int)
{
  no_rdkit();
}

Molecule make_molecule(const std::string &, int, int)
{
  no_rdkit();
}

}    // namespace mlff
#endif
