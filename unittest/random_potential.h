// Small potentials with random weights, the same on every machine, and structures to try them on.
#pragma once

#include "potential.h"
#include "structure.h"

#include <cmath>
#include <random>

namespace mlff_test {

/// Uniform numbers in [-1, 1) that do not depend on the standard library.
class Uniform {
 public:
  explicit Uniform(unsigned seed) : generator(seed) {}
  double operator()() { return double(generator()) / 2147483648.0 - 1.0; }

 private:
  std::mt19937 generator;
};

/// PaiNN with random weights of about the size that trained ones have.
inline mlff::Potential random_potential(mlff::PainnSizes sizes = {8, 2, 6}, std::vector<int> elements = {6, 8, 1}, double cutoff = 4.0,
                                        unsigned seed = 1)
{
  mlff::Potential potential;
  potential.sizes = sizes;
  potential.elements = elements;
  potential.cutoff = cutoff;
  potential.date = "2026-01-01";
  potential.training = "{}";
  Uniform uniform(seed);
  for (const auto &[name, shape] : mlff::painn_tensors(sizes, potential.n_species())) {
    mlff::Tensor tensor;
    tensor.shape = shape;
    std::int64_t n = 1;
    for (const auto extent : shape) n *= extent;
    const double width = shape.size() == 2 ? 1.7 / std::sqrt(double(shape[1])) : 0.1;
    // single precision from the start: reading back what was written then changes nothing
    for (std::int64_t i = 0; i < n; i++) tensor.values.push_back(float(width * uniform()));
    potential.tensors[name] = tensor;
  }
  for (double &x : potential.tensors["embedding"].values) x = float(x * 1.5 * std::sqrt(double(sizes.features)) / 1.7);
  potential.tensors["scale"] = {"F64", {}, {0.7}};
  auto &reference = potential.tensors["reference_energy"];
  reference.dtype = "F64";
  for (int s = 0; s < potential.n_species(); s++) reference.values[s] = -10.0 - 3.0 * s;
  return potential;
}

/// Atoms at random with at least 0.9 Å between them (images included), in a cube of 9.5 Å^3 per atom or the cell given.
inline mlff::Structure random_structure(int n, unsigned seed, std::array<double, 9> cell = {}, std::array<bool, 3> periodic = {},
                                        std::vector<int> elements = {6, 8, 1})
{
  Uniform uniform(seed);
  mlff::Structure structure;
  structure.cell = cell;
  structure.periodic = periodic;
  const bool has_cell = periodic[0] || periodic[1] || periodic[2];
  const double edge = std::cbrt(9.5 * n);
  const std::array<double, 9> box = has_cell ? cell : std::array<double, 9>{edge, 0, 0, 0, edge, 0, 0, 0, edge};
  while (structure.n_atoms() < n) {
    double fraction[3], x[3] = {0, 0, 0};
    for (double &f : fraction) f = 0.5 * (uniform() + 1.0);
    for (int a = 0; a < 3; a++)
      for (int c = 0; c < 3; c++) x[c] += fraction[a] * box[3 * a + c];
    bool free = true;
    for (int j = 0; j < structure.n_atoms() && free; j++)
      for (int k = 0; k < 27 && free; k++) {
        const int image[3] = {k / 9 - 1, k / 3 % 3 - 1, k % 3 - 1};
        double square = 0.0;
        for (int c = 0; c < 3; c++) {
          double d = x[c] - structure.positions[3 * j + c];
          for (int a = 0; a < 3; a++)
            if (periodic[a]) d += image[a] * box[3 * a + c];
          square += d * d;
        }
        if (square < 0.81) free = false;
      }
    if (!free) continue;
    structure.positions.insert(structure.positions.end(), x, x + 3);
    structure.numbers.push_back(elements[structure.numbers.size() % elements.size()]);
  }
  return structure;
}

}    // namespace mlff_test
