// Random numbers, and the half step of a Langevin thermostat.
#include "kstep/kstep_thermostat.h"

#include "core/units.h"

#include <cmath>
#include <numbers>
#include <sstream>

namespace mlff {

double KstepRandom::uniform()
{
  return (double(engine() >> 11) + 0.5) * 0x1p-53;
}

void KstepRandom::gaussian(std::span<double> values)
{
  for (std::size_t k = 0; k < values.size(); k += 2) {
    const double radius = std::sqrt(-2.0 * std::log(uniform()));
    const double angle = 2.0 * std::numbers::pi * uniform();
    values[k] = radius * std::cos(angle);
    if (k + 1 < values.size()) values[k + 1] = radius * std::sin(angle);
  }
}

std::string KstepRandom::state() const
{
  std::ostringstream out;
  out << engine;
  return out.str();
}

bool KstepRandom::set_state(const std::string &state)
{
  std::istringstream in(state);
  std::mt19937_64 other;
  if (!(in >> other)) return false;
  engine = other;
  return true;
}

void draw_velocities(const KstepMolecules &molecules, std::span<const double> kT,
                     KstepRandom &random, std::span<double> v)
{
  random.gaussian(v);
  for (int m = 0; m < molecules.n_molecules(); m++)
    for (int i = molecules.first_atom[m]; i < molecules.first_atom[m + 1]; i++) {
      const double width = std::sqrt(kT[m] / molecules.energy_unit / molecules.mass[i]);
      for (int k = 3 * i; k < 3 * i + 3; k++) v[k] *= width;
    }
}

double KstepThermostat::half_step(const KstepMolecules &molecules, double stride,
                                  std::span<double> v, KstepRandom &random)
{
  const double c = std::exp(-0.5 * friction * stride);
  const double spread = (1.0 - c * c) * boltzmann * temperature / molecules.energy_unit;
  noise.resize(v.size());
  random.gaussian(noise);
  double gain = 0.0;
  for (int i = 0; i < molecules.n_atoms(); i++) {
    const double mass = molecules.mass[i], width = std::sqrt(spread / mass);
    for (int k = 3 * i; k < 3 * i + 3; k++) {
      const double before = v[k];
      v[k] = c * v[k] + width * noise[k];
      gain += mass * (v[k] * v[k] - before * before);
    }
  }
  return 0.5 * gain * molecules.energy_unit;
}

}    // namespace mlff
