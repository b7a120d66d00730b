// Report of mlff make-jump about a network: a verdict, a line, a table.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace mlff {

/// Largest mean and standard deviation of the energy change of a jump, kT, of a network that is
/// good enough.
inline constexpr double mean_limit = 0.1, deviation_limit = 0.5;

/// Whether a report (JumpReport::json) keeps within these limits.
bool is_good(const nlohmann::ordered_json &report);

std::string in_words(const nlohmann::ordered_json &report);

/// A line of the table: a name, and the errors of a jump in a report.
struct JumpRow {
  std::string name;
  nlohmann::ordered_json jump;
};

/// Writes a table of jumps below a text.
void write_jump_table(const std::string &path, const std::string &text,
                      const std::vector<JumpRow> &rows);

}    // namespace mlff
