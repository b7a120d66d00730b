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

}    // namespace

bool is_sound(const Molecule &molecule, const std::vector<double> &positions)
{
  const int n = molecule.n_atoms();
  for (int i = 0; i < n; i++)
    for (int j = 0; j < i; j++) {
      double square = 0.0;
      for (int a = 0; a < 3; a++)
        square += std::pow(positions[3 * i + a] - positions[3 * j + a], 2);
      const double least =
          too_close * (covalent_radius(molecule.numbers[i]) + covalent_radius(molecule.numbers[j]));
      if (!(square > least * least)) return false;
    }
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
