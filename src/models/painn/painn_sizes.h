// Sizes of a network of PaiNN's layers, and their part of a potential file.
#pragma once

#include <string>

namespace mlff {

class MetadataReader;
struct MetadataWriter;
struct ModelDescription;
struct Potential;

/// Sizes of a PaiNN model (K. Schütt, O. Unke, M. Gastegger, ICML 2021).
struct PainnSizes {
  int features = 0;    ///< F
  int layers = 0;      ///< L
  int radial = 0;      ///< K, number of radial functions

  /// e of the norm sqrt(v.v + e) in updates. With one as small as this, energies have a kink where
  /// a vector vanishes by symmetry.
  double norm_floor = 1e-8;
};

/// Those of a potential whose model has PaiNN's layers.
const PainnSizes &painn_sizes(const Potential &potential);
PainnSizes &painn_sizes(Potential &potential);

void read_painn_sizes(const MetadataReader &metadata, Potential &potential);
void write_painn_sizes(const Potential &potential, MetadataWriter &metadata);
void check_painn_sizes(const Potential &potential, const std::string &path);
void describe_painn_sizes(const Potential &potential, ModelDescription &description);
std::string painn_size_text(const Potential &potential);    ///< "F32 L2 K20"

/// What mlff info prints of PaiNN for energies: sizes and reference energies.
void describe_painn(const Potential &potential, ModelDescription &description);

}    // namespace mlff
