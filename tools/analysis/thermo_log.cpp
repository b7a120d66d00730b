// Finds the tables of a log of LAMMPS.
#include "analysis/thermo_log.h"

#include "core/errors.h"
#include "data/parse.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>

namespace mlff {

namespace {

  struct Table {
    std::vector<std::string> columns;
    std::vector<std::vector<double>> rows;
  };

  /// The numbers of a line; nothing where it is no row of the table: warnings may stand in between.
  std::optional<std::vector<double>> row_of(const std::vector<std::string_view> &words,
                                            std::size_t columns)
  {
    if (words.size() != columns) return std::nullopt;
    std::vector<double> row;
    for (const auto word : words) {
      const auto value = number(word);
      if (!value) return std::nullopt;
      row.push_back(*value);
    }
    return row;
  }

}    // namespace

std::vector<double> thermo_column(const std::string &path, const std::string &column)
{
  std::ifstream log(path);
  if (!log) throw FileError("log '" + path + "' cannot be opened: " + std::strerror(errno));
  Table last, now;
  bool inside = false;
  for (std::string line; std::getline(log, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const auto words = split(line);
    if (!words.empty() && words[0] == "Step") {
      if (now.rows.size() > 1) last = std::move(now);
      now = {{words.begin(), words.end()}, {}};
      inside = true;
    } else if (line.starts_with("Loop time of")) {
      inside = false;
    } else if (inside) {
      if (auto row = row_of(words, now.columns.size())) now.rows.push_back(std::move(*row));
    }
  }
  if (now.rows.size() > 1) last = std::move(now);
  if (last.rows.empty())
    throw FileError("log '" + path +
                    "' has no table of two rows or more; expected lines of thermo_style one or "
                    "custom that begin with Step");
  const auto at = std::find(last.columns.begin(), last.columns.end(), column);
  if (at == last.columns.end()) {
    std::string names;
    for (const auto &name : last.columns) names += (names.empty() ? "" : ", ") + name;
    throw FileError("log '" + path + "' has no column " + column +
                    " in its last run; it has: " + names);
  }
  std::vector<double> values;
  for (const auto &row : last.rows) values.push_back(row[std::size_t(at - last.columns.begin())]);
  return values;
}

}    // namespace mlff
