// The section `teacher` of a settings file.
#pragma once

#include "data/yaml_section.h"
#include "teacher/teacher.h"

#include <set>
#include <string>

namespace mlff {

/// Reads the settings of all teachers of this build but those named in `without`. The first setting
/// of a kind chooses it. Files are looked for beside the settings file, then where potentials are.
/// Throws FileError, also where two kinds are chosen.
TeacherSettings read_teacher(YamlSection &section, const std::string &settings_file,
                             const std::set<std::string> &without = {});

}    // namespace mlff
