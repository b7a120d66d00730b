// The options of engines by their words: one table.
#include "core/engine_options.h"

#include "core/words.h"

#include <algorithm>
#include <charconv>

namespace mlff {

namespace {

  std::vector<std::string> device_words()
  {
    return {"auto", "cpu", "cuda", "xpu"};
  }

  void require(const std::vector<std::string> &accepted, const std::string &option,
               const std::string &value)
  {
    if (std::find(accepted.begin(), accepted.end(), value) == accepted.end())
      throw OptionError(option, value, joined(accepted, ", "));
  }

  std::vector<std::string> engine_words()
  {
    auto names = available_engines();
    names.insert(names.begin(), "auto");
    return names;
  }

  /// An option by its word, the words that it takes (none: a number), and how it is set.
  struct Option {
    std::string word;
    std::vector<std::string> values;
    void (*set)(EngineOptions &options, const std::string &word, const std::string &value);
  };

  /// Sets a member of an enumeration by its table of words.
  template <auto member, const auto &words>
  void set_word(EngineOptions &options, const std::string &word, const std::string &value)
  {
    options.*member = value_of(words, word, value);
  }

  /// Sets a member that holds the word itself.
  template <auto member, std::vector<std::string> (*accepted)()>
  void set_text(EngineOptions &options, const std::string &word, const std::string &value)
  {
    require(accepted(), word, value);
    options.*member = value;
  }

  void set_threads(EngineOptions &options, const std::string &word, const std::string &value)
  {
    const char *end = value.data() + value.size();
    int threads = -1;
    const auto [read, error] = std::from_chars(value.data(), end, threads);
    if (error != std::errc() || read != end || threads < 0)
      throw OptionError(word, value, "0 (automatic) or more", true);
    options.threads = threads;
  }

  const std::vector<Option> &table()
  {
    using O = EngineOptions;
    static const std::vector<Option> options = {
        {"engine", engine_words(), set_text<&O::engine, engine_words>},
        {"precision", words_in(precision_words), set_word<&O::precision, precision_words>},
        {"threads", {}, set_threads},
        {"device", device_words(), set_text<&O::device, device_words>},
        {"filter", words_in(filter_words), set_word<&O::filter, filter_words>},
        {"fmm", words_in(long_range_form_words), set_word<&O::long_range, long_range_form_words>},
        {"instruction_set", words_in(instruction_set_words),
         set_word<&O::instruction_set, instruction_set_words>},
    };
    return options;
  }

  const Option *find(const std::string &word)
  {
    const std::string name = word == "long_range" ? "fmm" : word;
    for (const Option &option : table())
      if (option.word == name) return &option;
    return nullptr;
  }

  const Option &option_of(const std::string &word)
  {
    if (const Option *option = find(word)) return *option;
    throw EngineError("unknown option '" + word +
                      "' of an engine; accepted: " + EngineOptions::word_list());
  }

}    // namespace

std::vector<std::string> available_engines()
{
  std::vector<std::string> names = {"host"};
#ifdef MLFF_TORCH
  names.push_back("torch");
#endif
  return names;
}

void EngineOptions::set(const std::string &word, const std::string &value)
{
  option_of(word).set(*this, word, value);
}

const std::vector<std::string> &EngineOptions::words()
{
  static const std::vector<std::string> list = [] {
    std::vector<std::string> words;
    for (const Option &option : table()) words.push_back(option.word);
    return words;
  }();
  return list;
}

std::string EngineOptions::word_list()
{
  return joined(words(), ", ");
}

bool EngineOptions::knows(const std::string &word)
{
  return find(word) != nullptr;
}

std::vector<std::string> EngineOptions::values(const std::string &word)
{
  return option_of(word).values;
}

Precision precision_of(const std::string &word)
{
  return value_of(precision_words, "precision", word);
}

LongRangeForm long_range_form_of(const std::string &word)
{
  return value_of(long_range_form_words, "form of the long-range block", word);
}

Filter filter_of(const std::string &word)
{
  return value_of(filter_words, "filter", word);
}

}    // namespace mlff
