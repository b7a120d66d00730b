// Energies and forces of molecules by a potential.
#pragma once

#include "core/engine.h"
#include "kstep/kstep_molecules.h"
#include "potential/potential.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace mlff {

/// Appends the graph of isolated molecules at positions [n][3]: all pairs of a molecule within the
/// cutoff (Å).
void find_pairs(const KstepMolecules &molecules, std::span<const double> x, double cutoff,
                GraphStorage &graph);

/// The force that inner steps move with. All molecules are evaluated together.
class StudentForces {
 public:
  StudentForces(const Potential &potential, std::unique_ptr<Engine> engine);

  std::vector<double> f;    ///< [n][3] eV/Å, of the last call

  /// Finds forces and energies at positions [n][3]. Throws StateError if the model has no answer.
  void find(const KstepMolecules &molecules, std::span<const double> x);

  /// Finds them at the start of a jump, where a molecule that is not the model's will not become it
  /// by waiting: this is an EngineError, but no StateError.
  void find_at_start(const KstepMolecules &molecules, std::span<const double> x);

  const std::vector<double> &energy() const { return result.energy; }    ///< [n_molecules] eV
  std::string description() const { return engine->description(); }

  /// Half a step of dt ps of the velocities [n][3].
  void kick(const KstepMolecules &molecules, double dt, std::span<double> v) const;

  /// One step of velocity Verlet of dt ps, from the forces of the last call.
  void step(const KstepMolecules &molecules, double dt, std::span<double> x, std::span<double> v);

 private:
  std::unique_ptr<Engine> engine;
  double cutoff;
  GraphStorage graph;
  Result result;
};

}    // namespace mlff
