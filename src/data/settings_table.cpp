// The reference page of settings, as tables in Markdown.
#include "data/settings_table.h"

namespace mlff {

namespace {

  /// A bar would end the cell.
  std::string cell(const std::string &text)
  {
    std::string result;
    for (const char c : text) {
      if (c == '|') result += '\\';
      result += c;
    }
    return result;
  }

}    // namespace

std::string settings_markdown(const std::string &heading,
                              const std::vector<std::vector<SettingText>> &rows)
{
  std::string text = heading + "\n\n| key | default | accepted | meaning |\n|---|---|---|---|\n";
  for (const auto &list : rows)
    for (const auto &row : list)
      text += "| `" + row.key + "` | " + cell(row.standard) + " | " + cell(row.accepted) + " | " +
          cell(row.help) + " |\n";
  return text + "\n";
}

}    // namespace mlff
