// One description of the keys of a settings section, from which reading, record and reference page
// come.
#pragma once

#include "data/yaml_section.h"

#include <nlohmann/json.hpp>

#include <functional>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace mlff {

/// Values that a key accepts: numbers between two limits, or some words. Whole numbers without a
/// lower limit begin at 0.
struct AcceptedValues {
  std::optional<double> lowest, highest;
  std::vector<std::string> words;    ///< choice of two: the word for false, then for true
};

inline AcceptedValues at_least(double lowest)
{
  return {lowest, std::nullopt, {}};
}
inline AcceptedValues between(double lowest, double highest)
{
  return {lowest, highest, {}};
}
inline AcceptedValues one_of(std::vector<std::string> words)
{
  return {std::nullopt, std::nullopt, std::move(words)};
}

/// Whether the result of the work depends on a setting. Such settings are recorded, and resumed
/// work must have the same.
enum class Recorded { yes, no };

/// A key as the reference page shows it.
struct SettingText {
  std::string key, standard, accepted, help;
};

/// Lists of rows, one behind the other, as a Markdown table under a heading.
std::string settings_markdown(const std::string &heading,
                              const std::vector<std::vector<SettingText>> &rows);

/// Whole numbers are at most those of an int, seeds those of unsigned.
template <class Value> constexpr double most_whole()
{
  using Limit = std::conditional_t<std::is_same_v<Value, unsigned>, unsigned, int>;
  return double(std::numeric_limits<Limit>::max());
}

/// Reads the value of a key. Leaves the value unchanged if the key is missing.
template <class Value>
void read_value(YamlSection &section, const std::string &key, const AcceptedValues &accepted,
                Value &value)
{
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto &[lowest, highest, words] = accepted;
  if constexpr (std::is_same_v<Value, double>)
    value = section.number(key, value, lowest.value_or(-infinity), highest.value_or(infinity));
  else if constexpr (std::is_same_v<Value, bool>)
    value = words.empty() ? section.yes(key, value)
                          : section.word(key, words[value], words) == words[1];
  else if constexpr (std::is_arithmetic_v<Value>)
    value = Value(section.whole(key, long(value), long(lowest.value_or(0)),
                                long(highest.value_or(most_whole<Value>()))));
  else if constexpr (std::is_same_v<Value, std::string>)
    value = section.word(key, value, words);
  else if (section.has(key))
    value = section.words(key);
}

/// Text of the accepted values of a key.
template <class Value> std::string accepted_text(const AcceptedValues &accepted)
{
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto &[lowest, highest, words] = accepted;
  if (!words.empty()) return accepted_words(words);
  if constexpr (std::is_same_v<Value, double>)
    return accepted_number(lowest.value_or(-infinity), highest.value_or(infinity));
  else if constexpr (std::is_same_v<Value, bool>)
    return accepted_yes_or_no;
  else if constexpr (std::is_arithmetic_v<Value>)
    return accepted_whole(long(lowest.value_or(0)),
                          highest ? std::optional(long(*highest)) : std::nullopt);
  else if constexpr (std::is_same_v<Value, std::string>)
    return "a word";
  else
    return "a word or a list of words";
}

/// A key and the member of T that holds its value: a number, yes or no, a word, or a list of words.
template <class T> struct Setting {
  template <class Value>
  Setting(const char *key, Value T::*member, AcceptedValues accepted, const char *help,
          Recorded recorded = Recorded::yes) :
      key(key),
      accepted(accepted_text<Value>(accepted)), help(help), recorded(recorded)
  {
    read = [member, accepted](YamlSection &section, const std::string &name, T &values) {
      read_value(section, name, accepted, values.*member);
    };
    value = [member, accepted](const T &values) -> nlohmann::ordered_json {
      if constexpr (std::is_same_v<Value, bool>)
        if (!accepted.words.empty()) return accepted.words[values.*member];
      return values.*member;
    };
  }

  std::string key, accepted, help;    ///< text of accepted values; meaning, with the unit
  Recorded recorded;
  std::function<void(YamlSection &section, const std::string &name, T &values)> read;
  std::function<nlohmann::ordered_json(const T &values)> value;
};

/// The plain keys of a section. Keys that need more than a member and limits are read by the code
/// of the section, which gives their text to the page.
template <class T> class SettingsTable {
 public:
  SettingsTable(std::initializer_list<Setting<T>> rows) : rows(rows) {}

  /// Reads all keys, with `prefix` before each, into `values`; a key that is missing leaves the
  /// value as it is. Throws FileError naming the key, what was found and what is accepted.
  void read(YamlSection &section, T &values, const std::string &prefix = "") const
  {
    for (const auto &row : rows) row.read(section, prefix + row.key, values);
  }

  /// Keys and values that are recorded, in the order of the rows.
  nlohmann::ordered_json record(const T &values) const
  {
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    for (const auto &row : rows)
      if (row.recorded == Recorded::yes) json[row.key] = row.value(values);
    return json;
  }

  /// Rows of the reference page, with the values of `standard` as defaults.
  std::vector<SettingText> text(const T &standard = {}, const std::string &prefix = "") const
  {
    std::vector<SettingText> list;
    for (const auto &row : rows) {
      const auto value = row.value(standard);
      list.push_back({prefix + row.key,
                      value.is_string() ? value.template get<std::string>() : value.dump(),
                      row.accepted, row.help});
    }
    return list;
  }

  /// Whether the section has one of the keys.
  bool any_in(YamlSection &section, const std::string &prefix = "") const
  {
    bool any = false;
    for (const auto &row : rows) any = section.has(prefix + row.key) || any;
    return any;
  }

 private:
  std::vector<Setting<T>> rows;
};

}    // namespace mlff
