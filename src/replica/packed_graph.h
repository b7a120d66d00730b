// Arrays side by side in plain memory, and a graph of such arrays.
#pragma once

#include "core/graph.h"

#include <cstddef>
#include <cstring>
#include <span>

namespace mlff {

/// Places arrays one behind the other, each on a cache line.
class Packing {
 public:
  /// Start of an array of n values; the next array begins behind it.
  template <typename T> std::size_t place(std::size_t n)
  {
    const std::size_t here = at;
    at += (sizeof(T) * n + 63) / 64 * 64;
    return here;
  }
  std::size_t end() const { return at; }

 private:
  std::size_t at = 0;
};

/// Writes an array to its place.
template <typename Array> void put_array(char *bytes, std::size_t place, const Array &values)
{
  if (!values.empty()) std::memcpy(bytes + place, values.data(), sizeof(values[0]) * values.size());
}

/// An array at its place.
template <typename T>
std::span<const T> array_at(const char *bytes, std::size_t place, std::size_t n)
{
  return {reinterpret_cast<const T *>(bytes + place), n};
}

/// Lengths of the arrays of a graph. positions: number of atoms with a position, all or none;
/// cells: number of structures with a cell (or zeros for an open one), all or none.
struct GraphSizes {
  int structures = 0, atoms = 0, edges = 0, positions = 0, cells = 0;

  GraphSizes() = default;
  explicit GraphSizes(const Graph &graph);
};

/// A graph in plain memory.
class PackedGraph {
 public:
  PackedGraph(const GraphSizes &sizes, Packing &packing);

  void put(const Graph &graph, char *bytes) const;
  Graph view(const char *bytes) const;

 private:
  GraphSizes sizes;
  std::size_t first_atom, species, first_edge, neighbor, r, position, cell;
};

}    // namespace mlff
