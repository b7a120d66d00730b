// What a network of one molecule records beside its weights, and its part of a potential file.
#pragma once

#include "structure/bonded_molecule.h"

#include <string>
#include <vector>

namespace mlff {

class MetadataReader;
struct MetadataWriter;
struct ModelDescription;
struct Potential;

/// What a network of one molecule (model molecule-mlp) records beside its weights, see
/// molecule_mlp.h.
struct MoleculeRecord : BondedMolecule {
  std::vector<int> widths;    ///< of the hidden layers
};

/// That of a potential whose model is molecule-mlp.
const MoleculeRecord &molecule_record(const Potential &potential);
MoleculeRecord &molecule_record(Potential &potential);

void read_molecule(const MetadataReader &metadata, Potential &potential);
void write_molecule(const Potential &potential, MetadataWriter &metadata);
void check_molecule(const Potential &potential, const std::string &path);
void describe_molecule(const Potential &potential, ModelDescription &description);
std::string molecule_size_text(const Potential &potential);    ///< "64 64"

}    // namespace mlff
