// Sizes of a network of PaiNN's layers, and their part of a potential file.
#pragma once

#include "potential/model_sizes.h"

namespace mlff {

/// Sizes of a PaiNN model (K. Schütt, O. Unke, M. Gastegger, ICML 2021).
struct PainnSizes {
  int features = 0;    ///< F
  int layers = 0;      ///< L
  int radial = 0;      ///< K, number of radial functions

  /// e of the norm sqrt(v.v + e) in updates. With one as small as this, energies have a kink where
  /// a vector vanishes by symmetry.
  double norm_floor = 1e-8;
};

/// The sizes in a potential whose model has PaiNN's layers.
inline constexpr SizesOf<PainnSizes> painn_sizes;

/// Files of PaiNN for energies. All but `tensors` and `describe` serve every model of its layers.
extern const ModelFile painn_file;

/// Writes what mlff info prints of the sizes.
void describe_painn_sizes(const Potential &potential, ModelDescription &description);

}    // namespace mlff
