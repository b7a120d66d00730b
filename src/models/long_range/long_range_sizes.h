// Sizes of the long-range block of painn-fmm, and their part of a potential file.
#pragma once

#include "potential/model_sizes.h"

#include <string>

namespace mlff {

struct Potential;

/// Sizes of the long-range block of painn-fmm (long_range.h); in the file hyperparameters that
/// begin with fmm_.
struct LongRangeSizes {
  int layers = 0;    ///< node layers behind the local ones; 0: none

  /// Directions of the highest frequency, at most, in the linear form; 0: as many as the size of a
  /// system asks for.
  int directions = 0;

  // first and last of the radial frequencies, which are evenly spaced, 1/Å
  double kappa_min = 0.0, kappa_max = 1.0;
  int kappa_count = 6;    ///< T
  int heads = 4;          ///< H
  int key_width = 8;      ///< d, of queries and keys of a head
  int value_width = 8;    ///< C, of the values of a head; 0: features / heads

  /// Precision of the block: that of the engine, or "double". Phases are always double.
  std::string precision = "engine";

  double kappa(int t) const
  {
    return kappa_count > 1 ? kappa_min + (kappa_max - kappa_min) * t / (kappa_count - 1)
                           : kappa_max;
  }
  /// H C
  int channels(int features) const
  {
    return heads * (value_width > 0 ? value_width : features / heads);
  }
};

/// The sizes in a potential whose model has a long-range block.
inline constexpr SizesOf<LongRangeSizes> long_range_sizes;

/// Whether the model of a potential has a long-range block.
bool has_long_range(const Potential &potential);

}    // namespace mlff
