// Files that a settings file names.
#pragma once

#include "data/yaml_section.h"

#include <filesystem>
#include <string>

namespace mlff {

/// The file of a name at a key of a settings file, whose folder is `folder`: in that folder, else
/// where potentials are. Throws FileError where there is none, and names potentials with a similar
/// name.
std::string existing_file(const YamlSection &section, const std::string &key,
                          const std::string &name, const std::filesystem::path &folder);

}    // namespace mlff
