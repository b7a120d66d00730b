// Graphs of isolated molecules, and steps of velocity Verlet with their forces.
#include "kstep/nested/student_forces.h"

#include "core/errors.h"
#include "core/units.h"
#include "models/jump/jump.h"

#include <utility>

namespace mlff {

void find_pairs(const KstepMolecules &molecules, std::span<const double> x, double cutoff,
                GraphStorage &graph)
{
  graph.clear();
  for (int m = 0; m < molecules.n_molecules(); m++) {
    const int first = molecules.first_atom[m], n = molecules.size(m);
    append_pairs(std::span(molecules.species).subspan(first, n), x.subspan(3 * first, 3 * n),
                 cutoff, graph);
  }
}

StudentForces::StudentForces(const Potential &potential, std::unique_ptr<Engine> engine) :
    engine(std::move(engine)), cutoff(potential.cutoff)
{
}

void StudentForces::find(const KstepMolecules &molecules, std::span<const double> x)
{
  find_pairs(molecules, x, cutoff, graph);
  engine->evaluate(graph.view(), result);
  sum_forces(graph.view(), result, f);
}

void StudentForces::find_at_start(const KstepMolecules &molecules, std::span<const double> x)
{
  try {
    find(molecules, x);
  } catch (const WrongMoleculeError &error) {
    throw EngineError(error.what());
  }
}

void StudentForces::kick(const KstepMolecules &molecules, double dt, std::span<double> v) const
{
  const double half = 0.5 * dt * eV_in_amu_square_angstrom_per_square_ps;
  for (std::size_t k = 0; k < v.size(); k++) v[k] += half * f[k] / molecules.mass[k / 3];
}

void StudentForces::step(const KstepMolecules &molecules, double dt, std::span<double> x,
                         std::span<double> v)
{
  kick(molecules, dt, v);
  for (std::size_t k = 0; k < x.size(); k++) x[k] += dt * v[k];
  find(molecules, x);
  kick(molecules, dt, v);
}

}    // namespace mlff
