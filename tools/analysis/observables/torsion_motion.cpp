// Motion and flips of torsions.
#include "analysis/observables/torsion_motion.h"

#include "analysis/observables/coordinate_distributions.h"

#include <algorithm>
#include <complex>
#include <numbers>

namespace mlff {

namespace {
  constexpr double turn = 2.0 * std::numbers::pi;
  constexpr std::size_t frames_for_wells = 4096;
}    // namespace

double value_at(const std::vector<double> &x, const std::vector<double> &y, double at)
{
  const auto above = std::lower_bound(x.begin(), x.end(), at - 1e-9);
  if (above == x.end()) return std::nan("");
  const auto k = std::size_t(above - x.begin());
  if (k == 0) return x[0] > at + 1e-9 ? std::nan("") : y[0];
  const double share = std::clamp((at - x[k - 1]) / (x[k] - x[k - 1]), 0.0, 1.0);
  return y[k - 1] + share * (y[k] - y[k - 1]);
}

TorsionMotion::TorsionMotion(const Topology &t, int lags, double core) :
    topology(t), core(core), displacement(Correlation::Kind::square_displacement, t.torsions.kind,
                                          int(t.torsions.names.size()), lags),
    unwrapped(t.torsions.kind.size()), well(t.torsions.kind.size(), -1),
    flips(t.torsions.names.size(), 0.0)
{
}

void TorsionMotion::add(const Frame &frame)
{
  std::vector<double> angles;
  for (std::size_t k = 0; k < topology.torsions.atoms.size(); k++) {
    const auto [a, b, c, d] = topology.torsions.atoms[k];
    const double angle = dihedral_angle(&frame.x[3 * std::size_t(a)], &frame.x[3 * std::size_t(b)],
                                        &frame.x[3 * std::size_t(c)], &frame.x[3 * std::size_t(d)]);
    angles.push_back(angle);
    unwrapped[k] = n_frames == 0 ? angle : angle - turn * std::round((angle - unwrapped[k]) / turn);
  }
  if (!frame.follows) displacement.cut();
  displacement.add(unwrapped.data());
  n_frames++;
  if (!frame.follows) cuts++;
  if (phase.empty()) {
    if (!frame.follows) cut_at.push_back(long(first.size()));
    first.push_back(std::move(angles));
    if (first.size() == frames_for_wells) find_wells();
  } else
    follow(angles, frame.follows);
}

void TorsionMotion::find_wells()
{
  std::vector<std::complex<double>> mean(well.size());
  for (const auto &angles : first)
    for (std::size_t k = 0; k < angles.size(); k++)
      mean[k] += std::polar(1.0, topology.fold[k] * angles[k]);
  phase.resize(well.size());
  for (std::size_t k = 0; k < well.size(); k++) phase[k] = std::arg(mean[k]) / topology.fold[k];
  for (std::size_t t = 0; t < first.size(); t++)
    follow(first[t], std::find(cut_at.begin(), cut_at.end(), long(t)) == cut_at.end());
  first.clear();
  first.shrink_to_fit();
}

void TorsionMotion::follow(const std::vector<double> &angles, bool follows)
{
  for (std::size_t k = 0; k < angles.size(); k++) {
    const int fold = topology.fold[k], kind = topology.torsions.kind[k];
    const double place = (angles[k] - phase[k]) / turn * fold;
    const int nearest = int(std::lround(place));
    if (!follows) well[k] = -1;
    if (std::abs(place - nearest) > 0.5 * core) continue;
    const int now = ((nearest % fold) + fold) % fold;
    if (well[k] >= 0 && now != well[k]) flips[kind]++;
    well[k] = now;
  }
}

void TorsionMotion::finish(double spacing)
{
  interval = spacing;
  if (phase.empty() && !first.empty()) find_wells();
  displacement.finish();
}

std::vector<Curve> TorsionMotion::curves() const
{
  std::vector<Curve> list;
  for (std::size_t kind = 0; kind < flips.size(); kind++) {
    Curve curve{"torsion_msd", topology.torsions.names[kind], {}, displacement.of_group(int(kind))};
    const double n =
        double(std::count(topology.torsions.kind.begin(), topology.torsions.kind.end(), int(kind)));
    for (std::size_t lag = 0; lag < curve.y.size(); lag++) {
      curve.x.push_back(double(lag) * interval);
      curve.y[lag] /= n;
    }
    list.push_back(std::move(curve));
  }
  return list;
}

std::vector<Quantity> TorsionMotion::quantities() const
{
  std::vector<Quantity> list;
  for (std::size_t kind = 0; kind < flips.size(); kind++) {
    const double n =
        double(std::count(topology.torsions.kind.begin(), topology.torsions.kind.end(), int(kind)));
    const double time = double(n_frames - std::max(cuts, 1L)) * interval;
    if (time > 0.0)
      list.push_back({"torsion_flips_per_ps", topology.torsions.names[kind], flips[kind] / n / time,
                      std::sqrt(flips[kind]) / n / time});
  }
  for (const auto &curve : curves())
    if (const double value = value_at(curve.x, curve.y, 0.5); std::isfinite(value))
      list.push_back({"torsion_msd_at_0.5_ps_rad2", curve.name, value});
  return list;
}

}    // namespace mlff
