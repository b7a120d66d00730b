// Settings from YAML files, with messages that name the key, what was found and what is accepted.
#pragma once

#include "data/numpy/npz.h"

#include <yaml-cpp/yaml.h>

#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace mlff {

/// Texts of accepted values, for messages and for the reference page.
std::string accepted_number(double lowest, double highest);
std::string accepted_whole(long lowest, std::optional<long> highest);
std::string accepted_words(const std::vector<std::string> &words);
inline constexpr const char *accepted_yes_or_no = "yes, no";

/// One map of a settings file. Every key is asked for by name; finish() refuses those that nobody
/// asked for.
class YamlSection {
 public:
  /// The whole of a file. Throws FileError where it cannot be read or is no map.
  static YamlSection file(const std::string &path);

  bool has(const std::string &key);
  bool is_map(const std::string &key);    ///< false where the key is missing
  double number(const std::string &key, double standard,
                double lowest = -std::numeric_limits<double>::infinity(),
                double highest = std::numeric_limits<double>::infinity());
  long whole(const std::string &key, long standard, long lowest = 0,
             long highest = std::numeric_limits<int>::max());
  bool yes(const std::string &key, bool standard);
  std::string word(const std::string &key, const std::string &standard,
                   const std::vector<std::string> &accepted = {});

  /// A list of words; one word alone is a list of one.
  std::vector<std::string> words(const std::string &key);
  std::vector<double> numbers(const std::string &key);

  /// A map within; empty where the key is missing.
  YamlSection section(const std::string &key);

  /// A list of maps, or one map alone.
  std::vector<YamlSection> sections(const std::string &key);

  /// Throws FileError naming the first unknown key and all accepted ones.
  void finish() const;

  /// Throws FileError for a key with the text given.
  [[noreturn]] void fail(const std::string &key, const std::string &what) const;

 private:
  std::string path;    // the file
  std::string name;    // place of this map within the file, with a dot behind it
  YAML::Node node;
  std::set<std::string> asked;    // keys that were asked for

  YamlSection(std::string path, std::string name, const YAML::Node &node);
  YAML::Node find(const std::string &key);
  [[noreturn]] void wrong(const std::string &key, const YAML::Node &value,
                          const std::string &accepted) const;
};

}    // namespace mlff
