// Jumps of fix kstep/hybrid: the state of molecules one stride later, proposed by a network, by
// inner steps with a student, or by one of the control methods.
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
  /// start. Throws StateError where the model has no answer for this start, or its steps lead to
  /// where it has none: numbers that are not finite, atoms on one place, broken bonds of a model of
  /// one molecule. Throws any other EngineError where it can have no answer: then no jump will do.
  virtual void propose(const KstepMolecules &molecules, const KstepState &start,
                       KstepState &end) = 0;

  /// One evaluation at the start, for what is wrong with all jumps. Forgets what is known of other
  /// molecules. Throws EngineError, but no StateError.
  virtual void check(const KstepMolecules &molecules, const KstepState &start);

  /// One line for a log.
  virtual std::string description() const = 0;
};

/// The network of a potential with its stride number `stride`. Net displacement and momentum are
/// kept right by the network itself; here the angular momentum of each molecule is, too. Throws
/// EngineError where there is no such engine.
std::unique_ptr<KstepJump> make_network_jump(const Potential &potential, int stride,
                                             const EngineOptions &options);

/// A jump by a given engine, which may be one that evaluates the jumps of other replicas, too.
std::unique_ptr<KstepJump> make_network_jump(const Potential &potential, int stride,
                                             std::unique_ptr<JumpEngine> engine);

/// A control method in the place of the network.
std::unique_ptr<KstepJump> make_control_jump(const Potential &potential, int stride,
                                             JumpControl control);

/// `steps` steps of velocity Verlet of dt ps with the forces of another potential, the student:
/// reversible, and it keeps volumes in phase space. Nothing is allocated after the first jumps.
std::unique_ptr<KstepJump> make_student_jump(const Potential &potential, int steps, double dt,
                                             std::unique_ptr<Engine> engine);

}    // namespace mlff
