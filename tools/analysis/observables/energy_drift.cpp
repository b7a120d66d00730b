// Fits the drift of the total energy, stretch by stretch.
#include "analysis/observables/energy_drift.h"

namespace mlff {

void EnergyDrift::add(double time, double potential, double kinetic_energy, bool follows)
{
  if (!follows) close();
  const double e = potential + kinetic_energy;
  total.add(e);
  kinetic.add(kinetic_energy);
  now.n++;
  const double dt = time - now.t, de = e - now.e;
  now.t += dt / double(now.n);
  now.e += de / double(now.n);
  now.tt += dt * (time - now.t);
  now.te += dt * (e - now.e);
  now.ee += de * (e - now.e);
}

void EnergyDrift::close()
{
  // fewer frames tell fluctuations, no drift
  if (now.n >= 5 && now.tt > 0.0) {
    slopes.push_back(now.te / now.tt);
    weights.push_back(now.tt);
    residual += std::max(0.0, now.ee - now.te * now.te / now.tt);
    frames += now.n - 2;
  }
  now = Window();
}

void EnergyDrift::finish()
{
  close();
}

std::vector<Quantity> EnergyDrift::quantities() const
{
  std::vector<Quantity> list;
  if (slopes.empty()) return list;
  double sum = 0.0, slope = 0.0;
  for (const double w : weights) sum += w;
  for (std::size_t k = 0; k < slopes.size(); k++) slope += weights[k] / sum * slopes[k];
  const double scatter = residual / double(frames);
  double square;
  if (slopes.size() >= 10) {
    square = 0.0;
    for (std::size_t k = 0; k < slopes.size(); k++)
      square += std::pow(weights[k] / sum * (slopes[k] - slope), 2);
  } else
    square = scatter / sum * 2.0 * total.correlation_time();
  const double error = std::sqrt(square), per_atom = 1000.0 / n_atoms,
               share = 100.0 / kinetic.mean();
  list.push_back({"energy_drift", "meV per atom and ps", slope * per_atom, error * per_atom});
  list.push_back({"energy_drift", "% of the kinetic energy in a ps", slope * share, error * share});
  list.push_back({"energy_drift", "fluctuation, meV per atom", std::sqrt(scatter) * per_atom});
  list.push_back(
      {"energy_drift", "fluctuation, % of the kinetic energy", std::sqrt(scatter) * share});
  return list;
}

}    // namespace mlff
