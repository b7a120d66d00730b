// Jumps of fix kstep/hybrid: a network, inner steps with a student, or a control method proposes
// the state of molecules one stride later.
#pragma once

#include "core/engine.h"
#include "kstep/kstep_molecules.h"
#include "models/jump/jump.h"

#include <memory>
#include <string>

namespace mlff {

class KstepJump {
 public:
  virtual ~KstepJump() = default;

  /// Positions and velocities at the end of a stride from positions, velocities and forces at its
  /// start. Throws StateError if the model has no answer for this start, or if its steps lead to a
  /// state without an answer: numbers that are not finite, atoms at the same position, broken bonds
  /// of a model of one molecule. Throws another EngineError if no start can have an answer.
  virtual void propose(const KstepMolecules &molecules, const KstepState &start,
                       KstepState &end) = 0;

  /// Makes one evaluation at the start of a run, which finds errors that all jumps would have.
  /// Forgets other molecules. Throws EngineError, but no StateError.
  virtual void check(const KstepMolecules &molecules, const KstepState &start);

  /// One line for a log.
  virtual std::string description() const = 0;
};

/// A jump by the network of a potential with its stride number `stride`. The network itself keeps
/// displacement of the centre of mass and momentum right; this class also keeps the angular
/// momentum of each molecule. Throws EngineError if there is no such engine.
std::unique_ptr<KstepJump> make_network_jump(const Potential &potential, int stride,
                                             const EngineOptions &options);

/// A jump by a given engine, which may also evaluate the jumps of other replicas.
std::unique_ptr<KstepJump> make_network_jump(const Potential &potential, int stride,
                                             std::unique_ptr<JumpEngine> engine);

/// A control method in the place of the network.
std::unique_ptr<KstepJump> make_control_jump(const Potential &potential, int stride,
                                             JumpControl control);

/// A jump by `steps` steps of velocity Verlet of dt ps with the forces of another potential, the
/// student. It is reversible and keeps volumes in phase space. It allocates nothing after the first
/// jumps.
std::unique_ptr<KstepJump> make_student_jump(const Potential &potential, int steps, double dt,
                                             std::unique_ptr<Engine> engine);

}    // namespace mlff
