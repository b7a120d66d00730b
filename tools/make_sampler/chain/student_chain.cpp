// A student alone with one molecule.
#include "make_sampler/chain/student_chain.h"

#include "core/elements.h"
#include "core/errors.h"
#include "engine/make_engine.h"
#include "structure/bonds.h"

#include <algorithm>

namespace mlff {

namespace {

  KstepMolecules molecule_of(const Potential &potential, const ChainConditions &conditions)
  {
    KstepMolecules molecule;
    molecule.numbers = conditions.numbers;
    molecule.mass = conditions.masses;
    molecule.first_atom.push_back(int(conditions.numbers.size()));
    for (const int z : conditions.numbers) {
      const auto found = std::find(potential.elements.begin(), potential.elements.end(), z);
      if (found == potential.elements.end())
        throw EngineError("the student knows " + potential.element_names() + ", and not " +
                          element_symbol(z));
      molecule.species.push_back(int(found - potential.elements.begin()));
    }
    for (const auto &[i, j] : bonds_of(conditions.numbers, conditions.positions))
      molecule.bonds.push_back({i, j, 0.0});
    molecule.first_bond.push_back(int(molecule.bonds.size()));
    return molecule;
  }

  std::unique_ptr<Engine> engine_of(const Potential &potential)
  {
    EngineOptions options;
    options.engine = "host";
    options.threads = 1;
    return make_engine(potential, options);
  }

}    // namespace

StudentChain::StudentChain(const Potential &potential, const ChainConditions &conditions, int steps,
                           unsigned seed) :
    molecule(molecule_of(potential, conditions)),
    random(seed), chain(potential, steps, conditions.timestep, engine_of(potential), random, ladder)
{
  chain.kT = boltzmann * conditions.temperature;
  chain.total = &total;
}

void StudentChain::start(const std::vector<double> &positions)
{
  now = {positions, 0.0};
  KstepState state{positions, {}, {}};
  chain.check(molecule, state);
}

void StudentChain::move(int segments)
{
  KstepState state{now.x, {}, {}}, end;
  chain.segments = segments;
  chain.propose(molecule, state, end);
  now.x = std::move(end.x);
  now.energy += chain.energy_change()[0];
}

StudentDynamics::StudentDynamics(const Potential &potential, const ChainConditions &conditions,
                                 double damping, unsigned seed) :
    molecule(molecule_of(potential, conditions)),
    random(seed), forces(potential, engine_of(potential)),
    thermostat(conditions.temperature, 1.0 / damping), timestep(conditions.timestep),
    positions(conditions.positions), v(conditions.positions.size())
{
  draw_velocities(molecule, std::vector{boltzmann * conditions.temperature}, random, v);
  forces.find_at_start(molecule, positions);
}

void StudentDynamics::run(int steps)
{
  for (int step = 0; step < steps; step++) {
    thermostat.half_step(molecule, timestep, v, random);
    forces.step(molecule, timestep, positions, v);
    thermostat.half_step(molecule, timestep, v, random);
  }
}

}    // namespace mlff
