// The version of this package.
#pragma once

#include <string>

namespace mlff {

/// "0.2.0", the version in CMakeLists.txt.
std::string version();

/// The version with the commit that the build was made from, where that is known:
/// "0.2.0 (v0.1.0-45-g1a2b3c4)". "-dirty" behind the commit stands for changes since.
std::string version_with_commit();

/// Libraries that the package was built with, a line each: LAMMPS, LibTorch, xtb.
std::string library_versions();

}    // namespace mlff
