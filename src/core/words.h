// Enumerations and the words that stand for them in commands, settings and logs: one table for
// each enumeration. Lists and numbers as messages show them.
#pragma once

#include "core/errors.h"

#include <cstddef>
#include <sstream>
#include <string>
#include <vector>

namespace mlff {

inline std::string joined(const std::vector<std::string> &words, const std::string &between)
{
  std::string text;
  for (const auto &word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

/// A number of at most twelve digits.
inline std::string readable(double value)
{
  std::ostringstream text;
  text.precision(12);
  text << value;
  return text.str();
}

template <typename Value> struct Word {
  const char *word;
  Value value;
};

/// The words of a table as messages list them: "auto, exact, spline".
template <typename Value, std::size_t n> std::string list_of(const Word<Value> (&table)[n])
{
  std::string list;
  for (const auto &entry : table) list += (list.empty() ? "" : ", ") + std::string(entry.word);
  return list;
}

template <typename Value, std::size_t n>
std::vector<std::string> words_in(const Word<Value> (&table)[n])
{
  std::vector<std::string> words;
  for (const auto &entry : table) words.push_back(entry.word);
  return words;
}

/// The word of a value.
template <typename Value, std::size_t n>
const char *word_of(const Word<Value> (&table)[n], Value value)
{
  for (const auto &entry : table)
    if (entry.value == value) return entry.word;
  throw EngineError("a value has no word; its table has: " + list_of(table));
}

/// The value of a word; throws OptionError, which calls it `option`.
template <typename Value, std::size_t n>
Value value_of(const Word<Value> (&table)[n], const std::string &option, const std::string &word)
{
  for (const auto &entry : table)
    if (entry.word == word) return entry.value;
  throw OptionError(option, word, list_of(table));
}

}    // namespace mlff
