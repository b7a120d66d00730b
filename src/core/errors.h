// The errors of the package: all exceptions that its libraries throw.
#pragma once

#include <atomic>
#include <exception>
#include <stdexcept>
#include <string>

namespace mlff {

/// A data, settings or output file that cannot be used. The message names the file, what was found
/// and what is expected.
struct FileError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A potential file that cannot be used. The message names the file, the key, what was found and
/// what is expected.
struct PotentialError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A structure that cannot be used. The message says which atom or cell vector is at fault.
struct StructureError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Atoms that are not the molecule they should be. The message says what was expected and what was
/// found.
struct MoleculeMismatch : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A calculation that libxtb refuses or that does not converge, and input that it could not
/// survive.
struct XtbError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// libxtb does not work in this process, whatever the molecule: no later calculation can succeed
/// either.
struct XtbUnavailable : XtbError {
  using XtbError::XtbError;
};

/// A structure that a teacher cannot label. The message says why; whoever catches it adds where the
/// structure is from.
struct TeacherError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A teacher that can label nothing in this process, whatever the structure.
struct TeacherUnavailable : TeacherError {
  using TeacherError::TeacherError;
};

/// An engine that is missing, cannot run a model, or met numbers that are not finite.
struct EngineError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// An option that does not take a value. The parts of the message are kept, so that a command can
/// put its own name before them.
struct OptionError : EngineError {
  /// `number`: the option is a number, and not one of several words.
  OptionError(const std::string &option, const std::string &value, const std::string &accepted,
              bool number = false) :
      EngineError((number ? option + " is " + value : "unknown " + option + " '" + value + "'") +
                  "; accepted: " + accepted),
      option(option), value(value), accepted(accepted), number(number)
  {
  }

  std::string option, value, accepted;
  bool number;
};

/// A model has no answer for this state, but may have one for another: a result is not finite, or
/// atoms are on one place.
struct StateError : EngineError {
  using EngineError::EngineError;
};

/// Atoms that are not the molecule of the model: another one from the start, or one whose bonds
/// broke on the way.
struct WrongMoleculeError : StateError {
  using StateError::StateError;
};

/// The kind of an error where only numbers and texts can be passed on, as between processes.
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

/// Carries an error out of a parallel region, which an exception must not leave.
class ThreadError {
 public:
  /// Runs `work`, and keeps what it throws where it is the first of all threads. After an error
  /// nothing is run any more.
  template <typename Work> void run(const Work &work) noexcept
  {
    if (failed.load(std::memory_order_relaxed)) return;
    try {
      work();
    } catch (...) {
      if (!failed.exchange(true)) error = std::current_exception();
    }
  }

  /// Behind the region: throws what was kept.
  void rethrow() const
  {
    if (error) std::rethrow_exception(error);
  }

 private:
  std::atomic<bool> failed = false;
  std::exception_ptr error;
};

}    // namespace mlff
