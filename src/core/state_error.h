// Errors of one state, which another state would not raise, told from those of a model, a build or
// a machine.
#pragma once

#include "engine/engine.h"

namespace mlff {

/// A model has no answer for this state: a result is not finite, or atoms are on one place.
struct StateError : EngineError {
  using EngineError::EngineError;
};

/// Atoms that are not the molecule of the model: another one from the start, or one whose bonds
/// broke on the way.
struct WrongMoleculeError : StateError {
  using StateError::StateError;
};

/// What is left of an error where only numbers and texts can be passed on.
enum class ErrorKind : int { engine, state, wrong_molecule };

inline ErrorKind kind_of(const std::exception &error)
{
  if (dynamic_cast<const WrongMoleculeError *>(&error)) return ErrorKind::wrong_molecule;
  return dynamic_cast<const StateError *>(&error) ? ErrorKind::state : ErrorKind::engine;
}

[[noreturn]] inline void throw_error(ErrorKind kind, const std::string &text)
{
  if (kind == ErrorKind::wrong_molecule) throw WrongMoleculeError(text);
  if (kind == ErrorKind::state) throw StateError(text);
  throw EngineError(text);
}

}    // namespace mlff
