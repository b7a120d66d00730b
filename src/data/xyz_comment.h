// The comment line of extended XYZ: key=value pairs, as ASE and libatoms' extxyz write and read
// them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlff {

/// One key with its value.
struct XyzPair {
  std::string key;    ///< without quotes
  /// Value without its outermost quotes or brackets, escapes resolved; "T" where the key is alone.
  std::string value;
  std::string name;    ///< the key as it was written
  std::string text;    ///< the value as it was written; empty where the key is alone
  bool alone = false;
};

/// Splits a comment line. Blanks around = are allowed. Values are bare, in double or single quotes,
/// in braces (old arrays), or in brackets (new arrays, also nested); a backslash in quotes keeps
/// the next character, \n is a line break. A key without = stands for T. The text of an error in
/// `wrong`: a quote or bracket that is not closed.
std::vector<XyzPair> parse_xyz_comment(std::string_view line, std::string &wrong);

/// A text in double quotes, as parse_xyz_comment reads them.
std::string quoted_value(std::string_view text);

/// Elements of a value: words between blanks, commas and brackets.
std::vector<std::string_view> elements_of_value(std::string_view value);

/// Yes or no of T, F, True, False, TRUE, FALSE, true, false, 1, 0; nothing of other words.
std::optional<bool> logical(std::string_view word);

/// Whether two names are the same but for their case.
bool same_name(std::string_view a, std::string_view b);

/// A name in lower case.
std::string lower(std::string_view name);

}    // namespace mlff
