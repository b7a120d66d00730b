// Distances of pairs of atoms: g(r) in periodic boxes, distributions of distances in open
// molecules.
#pragma once

#include "analysis/quantity.h"
#include "core/graph.h"
#include "structure/structure.h"

#include <array>
#include <vector>

namespace mlff {

/// Every pair of elements, periodic images included. In a box that is periodic in all directions
/// g(r) = pairs in a shell over N_a N_b / V (N_a (N_a - 1) / V of one element) and the volume of
/// the shell, as LAMMPS' compute rdf has it; else the density of distances up to r_max, with
/// integral 1.
class PairDistances {
 public:
  /// r_max in Å.
  PairDistances(const std::vector<int> &numbers, double r_max, int bins = 200);

  /// Frames count by their weights. Throws StructureError.
  void add(const Structure &structure, double weight = 1.0);

  std::vector<Curve> curves() const;

  /// Difference for each pair of elements: the integral of |difference| of the two densities (0 to
  /// 2), or the mean of |difference| of the two g(r) up to r_max.
  std::vector<Quantity> compare(const PairDistances &other) const;

 private:
  std::vector<int> elements;
  double r_max, width;
  int bins;
  std::vector<double> count_of_element;
  std::vector<std::vector<double>> counts;    // [pair] ordered pairs
  double density = 0.0;                       // sum of weight/V over frames
  bool periodic = true;
  GraphStorage graph;

  std::size_t pair(int a, int b) const;
};

}    // namespace mlff
