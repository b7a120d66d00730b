// Calls with as large a stack as they need. No LAMMPS in it.
#pragma once

#include <cstddef>
#include <functional>

namespace mlff {

/// Stack that libxtb takes for `orbitals` basis functions, at most, in bytes: it keeps matrices
/// [orbitals][orbitals] there, one in each OpenMP thread.
std::size_t xtb_stack_size(int orbitals);

/// Where a call is made.
enum class XtbThread {
  here,    ///< in this thread, if its stack is large enough
  /// in one of its own where there are OpenMP threads: those of this thread would be missing, and
  /// waited for, after a fork
  apart
};

/// Calls `work`: here where the stack of this thread has room for `bytes`, else in a thread of its
/// own whose stack is so large. OpenMP threads that the latter starts have stacks of this size too.
/// What `work` throws is thrown here. Throws XtbError where memory for the stack is refused, or
/// where OMP_STACKSIZE sets the stacks of OpenMP threads smaller than `bytes`.
void call_with_stack(std::size_t bytes, const std::function<void()> &work,
                     XtbThread where = XtbThread::here);

}    // namespace mlff
