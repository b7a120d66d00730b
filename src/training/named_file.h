// Files that a settings file names.
#pragma once

#include "data/yaml_section.h"

#include <filesystem>
#include <string>
#include <vector>

namespace mlff {

/// Path of a file named in a settings file: relative to the folder of the settings file.
std::string beside(const std::string &settings, const std::string &file);

/// Files that a name with *, ?, [] or {} stands for, in alphabetical order; other names as they
/// are. Throws FileError where there is none.
std::vector<std::string> matching_files(const std::string &name);

/// The file of a name at a key of a settings file, whose folder is `folder`: in that folder, else
/// where potentials are. Throws FileError where there is none, and names potentials with a similar
/// name.
std::string existing_file(const YamlSection &section, const std::string &key,
                          const std::string &name, const std::filesystem::path &folder);

}    // namespace mlff
