// Selects the frames of a student's trajectories that are worth a label.
#include "distill/frame_selection.h"

#include "structure/bonded_molecule.h"
#include "structure/bonds.h"

#include <algorithm>
#include <cmath>

namespace mlff {

namespace {

  double distance(const double *a, const double *b)
  {
    return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
  }

  /// Inverse distances of all pairs: tells conformations of one molecule apart.
  std::vector<double> inverse_distances(const Structure &frame)
  {
    std::vector<double> list;
    for (int i = 0; i < frame.n_atoms(); i++)
      for (int j = 0; j < i; j++)
        list.push_back(1.0 / distance(&frame.positions[3 * i], &frame.positions[3 * j]));
    return list;
  }

}    // namespace

/// Bonds of the start that hold, and no two atoms too close: what a teacher can label.
bool is_sound(const Molecule &molecule, const Structure &frame)
{
  for (int i = 0; i < frame.n_atoms(); i++)
    for (int j = 0; j < i; j++) {
      const double radii = covalent_radius(frame.numbers[i]) + covalent_radius(frame.numbers[j]);
      if (!(distance(&frame.positions[3 * i], &frame.positions[3 * j]) > 0.6 * radii)) return false;
    }
  return bonds_hold(bonds_of(molecule.numbers, molecule.conformers.front()), frame.numbers,
                    frame.positions);
}

/// Frames of one molecule in the order of how much they teach: the spread of the students times
/// the distance from those before.
std::vector<int> most_useful(const std::vector<Structure> &frames,
                             const std::vector<double> &spread, long n)
{
  std::vector<std::vector<double>> shape;
  for (const auto &frame : frames) shape.push_back(inverse_distances(frame));
  std::vector<double> away(frames.size(), 1.0);
  std::vector<int> chosen;
  for (long c = 0; c < n; c++) {
    int best = -1;
    for (std::size_t k = 0; k < frames.size(); k++)
      if (away[k] > 0 && (best < 0 || spread[k] * away[k] > spread[best] * away[best]))
        best = int(k);
    if (best < 0) break;
    chosen.push_back(best);
    for (std::size_t k = 0; k < frames.size(); k++) {
      double square = 0.0;
      for (std::size_t p = 0; p < shape[k].size(); p++)
        square += (shape[k][p] - shape[best][p]) * (shape[k][p] - shape[best][p]);
      away[k] = c == 0 ? std::sqrt(square) : std::min(away[k], std::sqrt(square));
    }
    away[best] = 0.0;
  }
  return chosen;
}

}    // namespace mlff
