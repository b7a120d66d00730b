// Frames of one molecule that a teacher can label and a student can learn.
#include "make_sampler/sound_frame.h"

#include "core/elements.h"
#include "core/errors.h"
#include "models/jump/jump.h"
#include "structure/bonded_molecule.h"

#include <algorithm>
#include <cmath>

namespace mlff {

namespace {

  /// Atoms nearer than this share of the sum of their covalent radii are too close.
  constexpr double too_close = 0.6;

  constexpr double all_pairs = 1e3;    // Å

  /// Distance of two atoms, in sums of their covalent radii.
  double reduced_distance(const std::vector<int> &numbers, const std::vector<double> &x, int i,
                          int j)
  {
    return std::hypot(x[3 * i] - x[3 * j], x[3 * i + 1] - x[3 * j + 1],
                      x[3 * i + 2] - x[3 * j + 2]) /
        (covalent_radius(numbers[i]) + covalent_radius(numbers[j]));
  }

  /// Whether bonds without hydrogen are as in the first conformer, and each hydrogen has a bond.
  bool keeps_its_skeleton(const Molecule &molecule, const std::vector<double> &positions)
  {
    const auto &numbers = molecule.numbers;
    const auto &before = molecule.conformers.front();
    const int n = molecule.n_atoms();
    std::vector<char> bonded(n, 0);
    for (int i = 0; i < n; i++)
      for (int j = 0; j < i; j++) {
        const double now = reduced_distance(numbers, positions, i, j);
        if (now < bond_held) bonded[i] = bonded[j] = 1;
        if (numbers[i] == 1 || numbers[j] == 1) continue;
        const bool was = reduced_distance(numbers, before, i, j) < bonded_within;
        if (was ? now > bond_held : now < bonded_within) return false;
      }
    for (int i = 0; i < n; i++)
      if (numbers[i] == 1 && !bonded[i]) return false;
    return true;
  }

}    // namespace

bool is_sound(const Molecule &molecule, const std::vector<double> &positions, bool one_molecule)
{
  const int n = molecule.n_atoms();
  for (int i = 0; i < n; i++)
    for (int j = 0; j < i; j++)
      if (!(reduced_distance(molecule.numbers, positions, i, j) > too_close)) return false;
  if (!one_molecule) return keeps_its_skeleton(molecule, positions);
  const auto elements = elements_of(molecule.numbers);
  std::vector<int> species;
  for (const int z : molecule.numbers)
    species.push_back(
        int(std::lower_bound(elements.begin(), elements.end(), z) - elements.begin()));
  // a matcher of its own for each frame: what it says does not depend on the frames before
  MoleculeMatcher matcher(bonded_molecule(molecule.numbers, molecule.conformers.front()), elements,
                          all_pairs);
  GraphStorage graph;
  append_pairs(species, positions, all_pairs, graph);
  try {
    matcher.find(graph.view());
    return true;
  } catch (const MoleculeMismatch &) {
    return false;
  }
}

}    // namespace mlff
