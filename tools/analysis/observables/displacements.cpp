// Mean square displacement from correlators of positions.
#include "analysis/observables/displacements.h"

#include "analysis/groups_of_elements.h"
#include "analysis/observables/torsion_motion.h"
#include "core/elements.h"

#include <algorithm>

namespace mlff {

Displacements::Displacements(const std::vector<int> &numbers, int lags) :
    elements(elements_in(numbers)),
    correlation(Correlation::Kind::square_displacement, groups_of_elements(numbers),
                int(elements.size()), lags)
{
  for (const int z : elements)
    count.push_back(double(std::count(numbers.begin(), numbers.end(), z)));
}

void Displacements::add(const Frame &frame)
{
  if (!frame.follows) correlation.cut();
  correlation.add(frame.x.data());
}

void Displacements::finish(double spacing)
{
  interval = spacing;
  correlation.finish();
}

std::vector<Curve> Displacements::curves() const
{
  std::vector<Curve> list;
  for (std::size_t g = 0; g < elements.size(); g++) {
    Curve curve{"msd", element_symbol(elements[g]), {}, correlation.of_group(int(g))};
    for (std::size_t lag = 0; lag < curve.y.size(); lag++) {
      curve.x.push_back(double(lag) * interval);
      curve.y[lag] /= count[g];
    }
    list.push_back(std::move(curve));
  }
  return list;
}

std::vector<Quantity> Displacements::quantities() const
{
  std::vector<Quantity> list;
  for (const auto &curve : curves())
    if (const double value = value_at(curve.x, curve.y, 0.5); std::isfinite(value))
      list.push_back({"msd_at_0.5_ps_A2", curve.name, value});
  return list;
}

}    // namespace mlff
