// Words and numbers of lines of text, as readers of trajectories need them.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <vector>

namespace mlff {

/// Words between blanks and tabs.
inline std::vector<std::string_view> split(std::string_view line)
{
  std::vector<std::string_view> words;
  for (std::size_t begin = 0; (begin = line.find_first_not_of(" \t", begin)) != std::string_view::npos;) {
    const auto end = std::min(line.find_first_of(" \t", begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

inline std::optional<long> whole(std::string_view word)
{
  long value = 0;
  const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (code != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

/// A finite number, with or without a plus sign.
inline std::optional<double> number(std::string_view word)
{
  double value = 0.0;
  if (!word.empty() && word.front() == '+') word.remove_prefix(1);
  const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (code != std::errc() || end != word.data() + word.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}    // namespace mlff
