// Splits lines of text into words and numbers, for the readers of trajectories.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlff {

/// The shortest digits that read back as the same number.
inline std::string digits(double value)
{
  char text[32];
  const auto [end, code] = std::to_chars(text, text + sizeof text, value);
  return {text, end};
}

/// A number in fixed notation; in general notation where that would fill lines: beyond 1e9, or not
/// finite.
inline std::string readable(double value, int decimals)
{
  char text[48];
  std::snprintf(text, sizeof text, std::abs(value) < 1e9 ? "%.*f" : "%.*g",
                std::abs(value) < 1e9 ? decimals : 6, value);
  return text;
}

/// Words between blanks and tabs.
inline std::vector<std::string_view> split(std::string_view line)
{
  std::vector<std::string_view> words;
  for (std::size_t begin = 0;
       (begin = line.find_first_not_of(" \t", begin)) != std::string_view::npos;) {
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

/// A finite number, with or without a plus sign; exponents also with Fortran's letter D.
inline std::optional<double> number(std::string_view word)
{
  double value = 0.0;
  if (!word.empty() && word.front() == '+') word.remove_prefix(1);
  if (const auto d = word.find_first_of("dD"); d != std::string_view::npos && d > 0) {
    std::string copy(word);
    copy[d] = 'e';
    return copy.find_first_of("dD") == std::string::npos ? number(copy) : std::nullopt;
  }
  const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (code != std::errc() || end != word.data() + word.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

}    // namespace mlff
