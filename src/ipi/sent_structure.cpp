// Structures as clients are to see them: their cells, and where their positions lie in these.
#include "ipi/sent_structure.h"

#include "structure/vector3.h"

#include <algorithm>
#include <cmath>

namespace mlff {

namespace {

  /// Takes whole cell vectors of the periodic directions from positions.
  void wrap(Structure &structure)
  {
    const double *h = structure.cell.data();
    std::array<Vector3, 3> reciprocal = {cross(h + 3, h + 6), cross(h + 6, h), cross(h, h + 3)};
    const double volume = dot(h, reciprocal[0].data());
    if (volume == 0.0) throw StructureError("positions cannot be wrapped into a flat cell");
    for (auto &vector : reciprocal)
      for (double &x : vector) x /= volume;
    for (std::size_t k = 0; k < structure.positions.size(); k += 3) {
      double *x = &structure.positions[k];
      for (int a = 0; a < 3; a++) {
        if (!structure.periodic[a]) continue;
        const double whole = std::floor(dot(x, reciprocal[a].data()));
        for (int b = 0; b < 3; b++) x[b] -= whole * h[3 * a + b];
      }
    }
  }

}    // namespace

Structure as_sent(const Structure &structure, const SentForm &form)
{
  Structure sent;
  sent.numbers = structure.numbers;
  sent.positions = structure.positions;
  sent.cell = structure.cell;
  sent.periodic = structure.periodic;
  sent.charge = structure.charge;
  sent.multiplicity = structure.multiplicity;
  const bool no_cell = std::all_of(sent.cell.begin(), sent.cell.end(), [](double x) {
    return x == 0.0;
  });
  const bool is_open = sent.periodic == std::array{false, false, false};
  if (is_open && no_cell && form.box > 0.0)
    sent.cell = {form.box, 0.0, 0.0, 0.0, form.box, 0.0, 0.0, 0.0, form.box};
  if (form.wrap && !is_open) wrap(sent);
  return sent;
}

}    // namespace mlff
