// The neighbor graph of a structure, by linked cells.
#include "structure/structure.h"

#include "core/elements.h"
#include "structure/vector3.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <tuple>

namespace mlff {

namespace {

  /// A cell that is lower than this share of the cutoff is refused: no matter is so dense, and the
  /// images within the cutoff grow without bound.
  constexpr double least_height = 0.05;

  /// Open structures of so few atoms are searched pair by pair, which is faster than bins.
  constexpr int all_pairs = 64;

  /// Largest coordinate, Å: cells from the origin are counted by int.
  constexpr double farthest = 1e8;

  std::string name_of(int vector)
  {
    return std::string(1, char('a' + vector));
  }

  std::string short_text(double value)
  {
    char text[32];
    std::snprintf(text, sizeof(text), "%.3g", value);
    return text;
  }

  /// Three independent cell vectors, made up in directions that are not periodic, and their
  /// reciprocals.
  struct Cell {
    std::array<Vector3, 3> row, reciprocal;    ///< row[i] . reciprocal[j] = delta_ij

    Cell(const Structure &structure, double cutoff)
    {
      Vector3 low = {0, 0, 0}, high = {0, 0, 0};
      for (int i = 0; i < structure.n_atoms(); i++)
        for (int a = 0; a < 3; a++) {
          const double x = structure.positions[3 * i + a];
          low[a] = i ? std::min(low[a], x) : x;
          high[a] = i ? std::max(high[a], x) : x;
        }
      const double extent = std::hypot(high[0] - low[0], high[1] - low[1], high[2] - low[2]);

      for (int a = 0; a < 3; a++)
        if (structure.periodic[a]) {
          row[a] = {structure.cell[3 * a], structure.cell[3 * a + 1], structure.cell[3 * a + 2]};
          const double square = dot(row[a], row[a]);
          if (!std::isfinite(square))
            throw StructureError("cell vector " + name_of(a) + " is not finite");
          if (square < 1e-12)
            throw StructureError("cell vector " + name_of(a) + " is zero in a periodic direction");
        }
      // an open direction gets a vector at right angles to the others
      const int n_periodic =
          int(std::count(structure.periodic.begin(), structure.periodic.end(), true));
      for (int a = 0; a < 3; a++) {
        if (structure.periodic[a]) continue;
        Vector3 v = {0, 0, 0};
        if (n_periodic == 2)
          v = cross(row[(a + 1) % 3], row[(a + 2) % 3]);
        else
          for (int axis = 0; axis < 3 && dot(v, v) < 0.1; axis++) {
            v = {0, 0, 0};
            v[(a + axis) % 3] = 1.0;
            for (int b = 0; b < 3; b++)
              if (structure.periodic[b] || b < a) {
                const double share = dot(v, row[b]) / dot(row[b], row[b]);
                for (int c = 0; c < 3; c++) v[c] -= share * row[b][c];
              }
          }
        const double length = std::sqrt(dot(v, v));
        for (int c = 0; c < 3; c++) row[a][c] = v[c] / length * (2.0 * extent + cutoff);
      }
      const double volume = dot(row[0], cross(row[1], row[2]));
      if (std::abs(volume) < 1e-9) throw StructureError("the cell vectors span no volume");
      for (int a = 0; a < 3; a++) {
        reciprocal[a] = cross(row[(a + 1) % 3], row[(a + 2) % 3]);
        for (double &x : reciprocal[a]) x /= volume;
      }
    }
  };

  int floor_div(int a, int n)
  {
    return a >= 0 ? a / n : -((n - 1 - a) / n);
  }

  using Shift = std::array<int, 3>;

  struct Edge {
    int j;
    Shift shift;    // cell vectors added to the wrapped position of j
    Vector3 r;
  };

  /// Atoms wrapped into the cell and sorted into bins. Bins are at least one cutoff wide between
  /// their faces where the cell allows it; where it does not, a search reaches over several, so
  /// that it never misses an image.
  class Bins {
   public:
    Bins(const Structure &structure, double cutoff) :
        structure(structure), cutoff(cutoff), cell(structure, cutoff),
        pair_by_pair(structure.n_atoms() <= all_pairs && is_open(structure)),
        bin(structure.n_atoms()), image(structure.n_atoms()), wrapped(structure.n_atoms())
    {
      for (int a = 0; a < 3; a++) {
        const double height = 1.0 / std::sqrt(dot(cell.reciprocal[a], cell.reciprocal[a]));
        if (structure.periodic[a] && !(height >= least_height * cutoff))
          throw StructureError("the cell is too small along " + name_of(a) + ": " +
                               short_text(height) + " A between its faces; with a cutoff of " +
                               short_text(cutoff) + " A at least " +
                               short_text(least_height * cutoff) + " A are accepted");
        bins[a] = int(std::clamp(height / cutoff, 1.0, 64.0));
        reach[a] = int(std::ceil(cutoff * bins[a] / height));
      }
      if (!pair_by_pair) atoms.resize(std::size_t(bins[0]) * bins[1] * bins[2]);
      for (int i = 0; i < structure.n_atoms(); i++) sort_in(i);
    }

    /// Appends the edges of an atom, sorted by neighbor and image. Throws StructureError for two
    /// atoms on one place.
    void append_edges(int i, std::vector<Edge> &edges) const
    {
      if (pair_by_pair) {
        for (int j = 0; j < structure.n_atoms(); j++)
          if (i != j) append_edge(i, j, difference(i, j), edges);
        return;
      }
      const auto first = std::ptrdiff_t(edges.size());
      for (int s0 = -reach[0]; s0 <= reach[0]; s0++)
        for (int s1 = -reach[1]; s1 <= reach[1]; s1++)
          for (int s2 = -reach[2]; s2 <= reach[2]; s2++) {
            const Shift target = {bin[i][0] + s0, bin[i][1] + s1, bin[i][2] + s2};
            Shift shift, place;
            for (int a = 0; a < 3; a++) {
              shift[a] = floor_div(target[a], bins[a]);
              place[a] = target[a] - shift[a] * bins[a];
            }
            for (const int j : atoms[number_of(place)])
              if (reachable(i, j, shift)) append_edge(i, j, shift, edges);
          }
      std::sort(edges.begin() + first, edges.end(), [](const Edge &a, const Edge &b) {
        return std::tie(a.j, a.shift) < std::tie(b.j, b.shift);
      });
    }

   private:
    const Structure &structure;
    double cutoff;
    Cell cell;
    bool pair_by_pair;                      // without bins
    std::array<int, 3> bins, reach;         // number of bins; bins that a search reaches over
    std::vector<std::vector<int>> atoms;    // [bins]
    std::vector<Shift> bin, image;          // [n] bin, and cell that the atom was wrapped from
    std::vector<Vector3> wrapped;

    std::size_t number_of(const Shift &place) const
    {
      return (std::size_t(place[0]) * bins[1] + place[1]) * bins[2] + place[2];
    }

    void sort_in(int i)
    {
      const Vector3 x = {structure.positions[3 * i], structure.positions[3 * i + 1],
                         structure.positions[3 * i + 2]};
      wrapped[i] = x;
      for (int a = 0; a < 3; a++) {
        const double fraction = dot(x, cell.reciprocal[a]);
        image[i][a] = int(std::floor(fraction));
        for (int c = 0; c < 3; c++) wrapped[i][c] -= image[i][a] * cell.row[a][c];
        bin[i][a] = std::clamp(int((fraction - image[i][a]) * bins[a]), 0, bins[a] - 1);
      }
      if (!pair_by_pair) atoms[number_of(bin[i])].push_back(i);
    }

    /// Cells between the images of two atoms in an open structure, where all are in one cell.
    Shift difference(int i, int j) const
    {
      return {image[j][0] - image[i][0], image[j][1] - image[i][1], image[j][2] - image[i][2]};
    }

    static bool is_open(const Structure &structure)
    {
      return structure.periodic == std::array{false, false, false};
    }

    /// Whether an edge reaches j: in an open direction only the atom itself counts, none of its
    /// images; no atom is its own neighbor.
    bool reachable(int i, int j, const Shift &shift) const
    {
      for (int a = 0; a < 3; a++)
        if (!structure.periodic[a] && shift[a] != image[j][a] - image[i][a]) return false;
      return i != j || shift != Shift{0, 0, 0};
    }

    void append_edge(int i, int j, const Shift &shift, std::vector<Edge> &edges) const
    {
      Vector3 r;
      for (int c = 0; c < 3; c++)
        r[c] = wrapped[j][c] - wrapped[i][c] + shift[0] * cell.row[0][c] +
            shift[1] * cell.row[1][c] + shift[2] * cell.row[2][c];
      const double square = dot(r, r);
      if (square >= cutoff * cutoff) return;
      if (square < 1e-12)
        throw StructureError("atoms " + std::to_string(i + 1) + " and " + std::to_string(j + 1) +
                             " are at the same position");
      edges.push_back({j, shift, r});
    }
  };

  std::string far_text(int i, double x)
  {
    const std::string atom = "the position of atom " + std::to_string(i + 1);
    return atom +
        (std::isfinite(x) ? " is " + short_text(x) + " A away from the origin; at most " +
                 short_text(farthest) + " A are accepted"
                          : " is not finite");
  }

  /// Species of all atoms. Throws StructureError for an element that the model does not have and
  /// for a coordinate that is not finite or too large.
  std::vector<int> species_of(const Structure &structure, const std::vector<int> &elements)
  {
    std::vector<int> species;
    for (int i = 0; i < structure.n_atoms(); i++) {
      const auto found = std::find(elements.begin(), elements.end(), structure.numbers[i]);
      if (found == elements.end()) {
        std::string names;
        for (const int z : elements) names += " " + element_symbol(z);
        throw StructureError("atom " + std::to_string(i + 1) + " is " +
                             element_symbol(structure.numbers[i]) + ", but the model knows" +
                             names);
      }
      species.push_back(int(found - elements.begin()));
      for (int a = 0; a < 3; a++)
        if (!(std::abs(structure.positions[3 * i + a]) <= farthest))
          throw StructureError(far_text(i, structure.positions[3 * i + a]));
    }
    return species;
  }

}    // namespace

void append_graph(const Structure &structure, const std::vector<int> &elements, double cutoff,
                  GraphStorage &graph)
{
  const int n = structure.n_atoms();
  const std::vector<int> species = species_of(structure, elements);
  const Bins bins(structure, cutoff);
  // an error must leave the graph as it was: all edges are known before any is appended
  std::vector<Edge> edges;
  std::vector<std::size_t> end(static_cast<std::size_t>(n));
  edges.reserve(std::size_t(n) * std::size_t(std::min(n, all_pairs)));
  for (int i = 0; i < n; i++) {
    bins.append_edges(i, edges);
    end[i] = edges.size();
  }

  const int first_atom = int(graph.species.size());
  const std::size_t first_edge = graph.neighbor.size();
  graph.neighbor.resize(first_edge + edges.size());
  graph.r.resize(3 * graph.neighbor.size());
  int *neighbor = graph.neighbor.data() + first_edge;
  double *r = graph.r.data() + 3 * first_edge;
  for (std::size_t e = 0; e < edges.size(); e++) {
    neighbor[e] = first_atom + edges[e].j;
    std::copy(edges[e].r.begin(), edges[e].r.end(), r + 3 * e);
  }
  for (const std::size_t last : end) graph.first_edge.push_back(int(first_edge + last));
  graph.species.insert(graph.species.end(), species.begin(), species.end());
  const auto n_periodic = std::count(structure.periodic.begin(), structure.periodic.end(), true);
  if (n_periodic == 0 || n_periodic == 3)
    graph.position.insert(graph.position.end(), structure.positions.begin(),
                          structure.positions.end());
  else
    graph.position.resize(3 * graph.species.size(), std::numeric_limits<double>::quiet_NaN());
  graph.first_atom.push_back(first_atom + n);
  if (n_periodic < 3 && graph.cell.empty()) return;
  // open structures before this one have no cells yet
  graph.cell.resize(9 * (graph.first_atom.size() - 1), 0.0);
  if (n_periodic == 3)
    std::copy(structure.cell.begin(), structure.cell.end(), graph.cell.end() - 9);
}

}    // namespace mlff
