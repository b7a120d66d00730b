// Segments of hybrid Monte Carlo with a student, molecule by molecule.
#include "kstep/nested/kstep_chain.h"

#include "core/errors.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace mlff {

double boltzmann_factor(double change_in_kT)
{
  return std::isfinite(change_in_kT) ? std::exp(std::min(50.0, -change_in_kT)) : 0.0;
}

void KstepChain::Tally::count(double change_in_kT, bool taken)
{
  segments++;
  accepted += taken;
  boltzmann.add(boltzmann_factor(change_in_kT));
}

KstepChain::KstepChain(const Potential &potential, int steps, double dt,
                       std::unique_ptr<Engine> engine, KstepRandom &random,
                       TemperatureLadder &ladder) :
    forces(potential, std::move(engine)),
    steps(steps), dt(dt), random(random), ladder(ladder)
{
}

void KstepChain::start_at(const KstepMolecules &molecules, const KstepState &start)
{
  std::vector<double> from = start.x;
  ladder.begin_at(start.x);
  from.insert(from.end(), ladder.positions.begin(), ladder.positions.end());
  if (place.x.empty()) all = ladder.multiply(molecules);
  temperature = ladder.temperatures(molecules.n_molecules(), kT);
  if (place.x == from) return;
  try {
    forces.find_at_start(all, from);
  } catch (const StateError &error) {
    throw EngineError(std::string("it has no energy for their places: ") + error.what());
  }
  place.x = from;
  place.f = forces.f;
  place.energy = forces.energy();
}

void KstepChain::check(const KstepMolecules &molecules, const KstepState &start)
{
  // atoms of the same places may be others
  place.x.clear();
  start_at(molecules, start);
}

// Steps of velocity Verlet from the place with the velocities; false where one leads to a state
// without an answer.
bool KstepChain::walk()
{
  x = place.x;
  forces.f = place.f;
  try {
    for (int step = 0; step < steps; step++) forces.step(all, dt, x, v);
  } catch (const StateError &) {
    return false;
  }
  return true;
}

void KstepChain::segment()
{
  v.resize(place.x.size());
  draw_velocities(all, temperature, random, v);
  const int n = all.n_molecules();
  kinetic.resize(n);
  for (int m = 0; m < n; m++) kinetic[m] = kinetic_energy(all, m, v);
  const bool arrived = walk();
  for (int m = 0; m < n; m++) {
    const double chance = random.uniform();
    double difference = std::numeric_limits<double>::infinity();
    if (arrived)
      difference = (forces.energy()[m] + kinetic_energy(all, m, v) - place.energy[m] - kinetic[m]) /
          temperature[m];
    const bool taken = chance < boltzmann_factor(difference);
    for (Tally *tally : {total, run})
      if (tally) tally->count(difference, taken);
    if (!taken) continue;
    const int first = 3 * all.first_atom[m], last = 3 * all.first_atom[m + 1];
    std::copy(x.begin() + first, x.begin() + last, place.x.begin() + first);
    std::copy(forces.f.begin() + first, forces.f.begin() + last, place.f.begin() + first);
    place.energy[m] = forces.energy()[m];
  }
}

void KstepChain::exchange()
{
  if (ladder.n_copies() > 1)
    ladder.exchange(all, temperature, random, place.x, place.f, place.energy);
}

void KstepChain::propose(const KstepMolecules &molecules, const KstepState &start, KstepState &end)
{
  start_at(molecules, start);
  const auto before = place.energy;
  for (int s = 0; s < segments; s++) {
    if (s > 0) exchange();
    segment();
  }
  end.x.assign(place.x.begin(), place.x.begin() + start.x.size());
  end.v = start.v;
  change.resize(molecules.n_molecules());
  for (std::size_t m = 0; m < change.size(); m++) change[m] = place.energy[m] - before[m];
}

void KstepChain::settle(const KstepMolecules &molecules, const std::vector<char> &accepted)
{
  ladder.settle(molecules, place.x, accepted);
}

SlowCoordinates::Slowest KstepChain::correlation(const KstepMolecules &molecules,
                                                 const KstepState &start, int &n)
{
  constexpr int first = 200, last = 12800;
  constexpr double enough = 50.0;
  start_at(molecules, start);
  SlowCoordinates coordinates(molecules);
  SlowCoordinates::Slowest slowest;
  n = 0;
  for (int goal = first; goal <= last; goal *= 2) {
    for (; n < goal; n++) {
      exchange();
      segment();
      coordinates.add(molecules, std::span(place.x).first(start.x.size()), place.energy);
    }
    slowest = coordinates.slowest();
    if (n >= enough * slowest.inefficiency) break;
  }
  // copies begin where the student has warmed them up
  settle(molecules, std::vector<char>(molecules.n_molecules(), 1));
  return slowest;
}

}    // namespace mlff
