// The report of a study in words, tables and pictures.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace mlff {

/// Writes report.md into a folder that has report.json, and draws its pictures; a warning where
/// they cannot be drawn.
void write_study_report(const std::string &folder, const nlohmann::ordered_json &report);

}    // namespace mlff
