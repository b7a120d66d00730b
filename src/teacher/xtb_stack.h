// Calls with as large a stack as they need. No LAMMPS in it.
#pragma once

#include <cstddef>
#include <functional>

namespace mlff {

/// Stack that libxtb takes for `orbitals` basis functions, at most, in bytes: it keeps matrices
/// [orbitals][orbitals] there, one in each OpenMP thread.
std::size_t xtb_stack_size(int orbitals);

/// Thread in which a call is made.
enum class XtbThread {
  here,    ///< this thread, if its stack is large enough
  /// A thread of its own where there are OpenMP threads: a child process lacks the OpenMP threads
  /// that this thread would wait for.
  apart
};

/// Calls `work`: in this thread where its stack has room for `bytes`, else in a new thread whose
/// stack is so large. OpenMP threads that the new thread starts have stacks of this size too. An
/// exception of `work` is thrown here. Throws XtbError where memory for the stack is refused, or
/// where OMP_STACKSIZE sets the stacks of OpenMP threads smaller than `bytes`.
void call_with_stack(std::size_t bytes, const std::function<void()> &work,
                     XtbThread where = XtbThread::here);

}    // namespace mlff
