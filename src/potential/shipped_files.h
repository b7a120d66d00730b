// The folder of files that come with this package.
#pragma once

#include <filesystem>

namespace mlff {

/// Folder of the files that come with this package: `potentials`, `scripts`. Its path is relative
/// to the library, so that an installed tree can be moved. In a build folder its entries are links
/// to the source tree.
std::filesystem::path shipped_files();

}    // namespace mlff
