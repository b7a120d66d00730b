// The folder of files that come with this package.
#pragma once

#include <filesystem>

namespace mlff {

/// Folder of the files that come with this package: `potentials`, `scripts`. It is found from where
/// the library lies, so that an installed tree can be moved; in a build folder its entries lead to
/// the source tree.
std::filesystem::path shipped_files();

}    // namespace mlff
