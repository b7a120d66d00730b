// What becomes of our errors in Python.
#pragma once

namespace mlff {

/// From now on errors of the package arrive in Python as ValueError, and those of memory as
/// MemoryError. The text stays.
void register_errors();

}    // namespace mlff
