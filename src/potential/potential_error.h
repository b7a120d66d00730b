// The error of everything that reads, checks or writes potential files.
#pragma once

#include "core/errors.h"

#include <string>

namespace mlff {

/// Throws PotentialError "potential file 'path': what".
[[noreturn]] void reject_potential(const std::string &path, const std::string &what);

}    // namespace mlff
