// The section `teacher` of a settings file.
#pragma once

#include "data/settings_table.h"
#include "teacher/teacher.h"

#include <set>
#include <string>
#include <vector>

namespace mlff {

/// Reads the settings of all teachers of this build, except those named in `without`. The first
/// setting of a kind chooses the kind. Files are looked for beside the settings file, then among
/// the potentials. Throws FileError, also if two kinds are chosen. `name`: of the section, for
/// messages.
TeacherSettings read_teacher(YamlSection &section, const std::string &settings_file,
                             const std::set<std::string> &without = {},
                             const std::string &name = "teacher");

/// The settings given, with the names of files without their folders, for a record of results.
nlohmann::ordered_json describe_teacher(const TeacherSettings &settings);

/// The keys that read_teacher reads, as the reference page shows them.
std::vector<SettingText> teacher_text(const std::set<std::string> &without = {});

}    // namespace mlff
