// Layout of features and matrices in kernels. Included by files that are compiled once for each
// instruction set: nothing here may be shared by the linker.
#pragma once

namespace mlff {

/// Every width is a multiple of this; surplus features have zero weights and stay without effect.
inline constexpr int feature_block = 16;

inline constexpr int padded(int n)
{
  return (n + feature_block - 1) / feature_block * feature_block;
}

/// Place of a block of `width` features, out of several side by side, when each block is padded.
struct Blocks {
  int width, padded_width;
  constexpr int place(int index) const { return index / width * padded_width + index % width; }
  constexpr int total(int n) const { return n / width * padded_width; }
};

/// Matrix packed for products x M: [columns / panel_width][rows][panel_width].
inline constexpr int panel_width = 32;

template <typename T> struct Packed {
  const T *values = nullptr;
  int rows = 0, columns = 0;
};

}    // namespace mlff
