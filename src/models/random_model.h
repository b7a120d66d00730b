// Models with random weights, the same on every machine: for tests, and for timings, which do not
// depend on weights.
#pragma once

#include "models/long_range/long_range_sizes.h"
#include "models/painn/painn_sizes.h"
#include "potential/potential.h"

#include <random>

namespace mlff {

/// Uniform numbers in [-1, 1) that do not depend on the standard library.
class Uniform {
 public:
  explicit Uniform(unsigned seed) : generator(seed) {}
  double operator()() { return double(generator()) / 2147483648.0 - 1.0; }

 private:
  std::mt19937 generator;
};

/// Fills the tensors of a potential with random numbers of about the size of trained weights, and
/// sets scale and reference energies.
void set_random_weights(Potential &potential, unsigned seed);

/// PaiNN with random weights of about the size that trained ones have; with `block` painn-fmm, its
/// gates open.
Potential random_potential(const PainnSizes &sizes = {8, 2, 6},
                           const std::vector<int> &elements = {6, 8, 1}, double cutoff = 4.0,
                           unsigned seed = 1, const LongRangeSizes *block = nullptr);

}    // namespace mlff
