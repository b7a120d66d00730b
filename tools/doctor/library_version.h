// Versions of the libraries that the package was built with.
#pragma once

#include <string>

namespace mlff {

/// Of a library by its name in `mlff --version`: "6.5.1", or "none".
std::string version_of_library(const std::string &name);

}    // namespace mlff
