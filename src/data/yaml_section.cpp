// Settings from YAML files, with messages that name the key, what was found and what is accepted.
#include "data/yaml_section.h"

#include <cmath>
#include <fstream>
#include <iterator>

namespace mlff {

namespace {

  std::string join(const auto &names)
  {
    std::string text;
    for (const auto &name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
  }

  std::string found(const YAML::Node &value)
  {
    if (value.IsMap()) return "a map";
    if (value.IsSequence()) return "a list";
    return value.IsNull() ? "nothing" : "'" + value.as<std::string>() + "'";
  }

  /// Length of the character of UTF-8 that begins at `at`, 0 where none does (RFC 3629).
  std::size_t character_length(std::string_view text, std::size_t at)
  {
    const auto byte = [&](std::size_t k) {
      return at + k < text.size() ? static_cast<unsigned char>(text[at + k]) : 0u;
    };
    const unsigned lead = byte(0);
    const std::size_t length = lead < 0x80 ? 1
        : lead >= 0xc2 && lead < 0xe0      ? 2
        : lead >= 0xe0 && lead < 0xf0      ? 3
        : lead >= 0xf0 && lead < 0xf5      ? 4
                                           : 0;
    for (std::size_t k = 1; k < length; k++)
      if ((byte(k) & 0xc0) != 0x80) return 0;
    // forms that are too long, halves of pairs, beyond U+10FFFF
    if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f) ||
        (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f))
      return 0;
    return length;
  }

  /// Words of settings end up in JSON, which is UTF-8.
  void check_encoding(const std::string &path)
  {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    std::size_t line = 1;
    for (std::size_t at = 0, length; at < text.size(); at += length) {
      length = character_length(text, at);
      if (length == 0 || text[at] == '\0')
        throw FileError("settings file '" + path + "', line " + std::to_string(line) + ": byte " +
                        std::to_string(static_cast<unsigned char>(text[at])) +
                        " is not a character; accepted: text in UTF-8");
      if (text[at] == '\n') line++;
    }
  }

  std::string plain(double x)
  {
    char text[32];
    std::snprintf(text, sizeof(text), "%g", x);
    return text;
  }

}    // namespace

std::string accepted_number(double lowest, double highest)
{
  std::string accepted = "a number";
  if (std::isfinite(lowest)) accepted += " >= " + plain(lowest);
  if (std::isfinite(highest))
    accepted += std::string(std::isfinite(lowest) ? " and" : "") + " <= " + plain(highest);
  return accepted;
}

std::string accepted_whole(long lowest, std::optional<long> highest)
{
  return "a whole number >= " + std::to_string(lowest) +
      (highest ? " and <= " + std::to_string(*highest) : "");
}

std::string accepted_words(const std::vector<std::string> &words)
{
  return join(words);
}

YamlSection::YamlSection(std::string path, std::string name, const YAML::Node &node) :
    path(std::move(path)), name(std::move(name)), node(node)
{
}

YamlSection YamlSection::file(const std::string &path)
{
  YAML::Node node;
  check_encoding(path);
  try {
    node = YAML::LoadFile(path);
  } catch (const YAML::BadFile &) {
    throw FileError("settings file '" + path + "' cannot be read");
  } catch (const YAML::Exception &error) {
    throw FileError("settings file '" + path + "', line " + std::to_string(error.mark.line + 1) +
                    ": " + error.msg);
  }
  if (!node.IsMap())
    throw FileError("settings file '" + path + "' holds " +
                    (node.IsDefined() ? found(node) : "nothing") + "; accepted: a map of sections");
  return YamlSection(path, "", node);
}

void YamlSection::fail(const std::string &key, const std::string &what) const
{
  throw FileError("settings file '" + path + "': '" + name + key + "' " + what);
}

void YamlSection::wrong(const std::string &key, const YAML::Node &value,
                        const std::string &accepted) const
{
  const auto mark = value.Mark();
  throw FileError("settings file '" + path + "', line " + std::to_string(mark.line + 1) + ": '" +
                  name + key + "' is " + found(value) + "; accepted: " + accepted);
}

YAML::Node YamlSection::find(const std::string &key)
{
  asked.insert(key);
  if (!node.IsDefined() || !node.IsMap()) return YAML::Node(YAML::NodeType::Undefined);
  return node[key];
}

bool YamlSection::has(const std::string &key)
{
  return find(key).IsDefined();
}

bool YamlSection::is_map(const std::string &key)
{
  const YAML::Node value = find(key);
  return value.IsDefined() && value.IsMap();
}

double YamlSection::number(const std::string &key, double standard, double lowest, double highest)
{
  const YAML::Node value = find(key);
  if (!value.IsDefined()) return standard;
  double x;
  if (!value.IsScalar() || !YAML::convert<double>::decode(value, x) || !std::isfinite(x) ||
      x < lowest || x > highest)
    wrong(key, value, accepted_number(lowest, highest));
  return x;
}

long YamlSection::whole(const std::string &key, long standard, long lowest, long highest)
{
  const YAML::Node value = find(key);
  if (!value.IsDefined()) return standard;
  long x;
  if (!value.IsScalar() || !YAML::convert<long>::decode(value, x) || x < lowest || x > highest)
    wrong(key, value, accepted_whole(lowest, highest));
  return x;
}

bool YamlSection::yes(const std::string &key, bool standard)
{
  const YAML::Node value = find(key);
  if (!value.IsDefined()) return standard;
  bool x;
  if (!value.IsScalar() || !YAML::convert<bool>::decode(value, x))
    wrong(key, value, accepted_yes_or_no);
  return x;
}

std::string YamlSection::word(const std::string &key, const std::string &standard,
                              const std::vector<std::string> &accepted)
{
  const YAML::Node value = find(key);
  if (!value.IsDefined()) return standard;
  if (!value.IsScalar()) wrong(key, value, accepted.empty() ? "a word" : accepted_words(accepted));
  auto x = value.as<std::string>();
  if (!accepted.empty() && std::find(accepted.begin(), accepted.end(), x) == accepted.end())
    wrong(key, value, accepted_words(accepted));
  return x;
}

std::vector<std::string> YamlSection::words(const std::string &key)
{
  const YAML::Node value = find(key);
  if (!value.IsDefined()) return {};
  if (value.IsScalar()) return {value.as<std::string>()};
  if (!value.IsSequence()) wrong(key, value, "a word or a list of words");
  std::vector<std::string> list;
  for (const auto &entry : value) {
    if (!entry.IsScalar()) wrong(key, entry, "words in the list");
    list.push_back(entry.as<std::string>());
  }
  return list;
}

std::vector<double> YamlSection::numbers(const std::string &key)
{
  const YAML::Node value = find(key);
  if (!value.IsDefined()) return {};
  std::vector<double> list;
  const auto add = [&](const YAML::Node &entry) {
    double x;
    if (!entry.IsScalar() || !YAML::convert<double>::decode(entry, x) || !std::isfinite(x))
      wrong(key, entry, "a number or a list of numbers");
    list.push_back(x);
  };
  if (value.IsSequence())
    for (const auto &entry : value) add(entry);
  else
    add(value);
  return list;
}

YamlSection YamlSection::section(const std::string &key)
{
  const YAML::Node value = find(key);
  if (value.IsDefined() && !value.IsMap() && !value.IsNull()) wrong(key, value, "a map");
  return YamlSection(path, name + key + ".", value);
}

std::vector<YamlSection> YamlSection::sections(const std::string &key)
{
  const YAML::Node value = find(key);
  std::vector<YamlSection> list;
  if (!value.IsDefined()) return list;
  if (value.IsMap())
    list.push_back(YamlSection(path, name + key + ".", value));
  else if (value.IsSequence()) {
    for (std::size_t k = 0; k < value.size(); k++) {
      if (!value[k].IsMap()) wrong(key, value[k], "a map or a list of maps");
      list.push_back(YamlSection(path, name + key + "[" + std::to_string(k) + "].", value[k]));
    }
  } else
    wrong(key, value, "a map or a list of maps");
  return list;
}

void YamlSection::finish() const
{
  if (!node.IsDefined() || !node.IsMap()) return;
  std::set<std::string> seen;
  for (const auto &entry : node) {
    if (!entry.first.IsScalar())
      throw FileError("settings file '" + path + "', line " +
                      std::to_string(entry.first.Mark().line + 1) + ": a key" +
                      (name.empty() ? "" : " of '" + name.substr(0, name.size() - 1) + "'") +
                      " is " + found(entry.first) + "; accepted: words");
    const auto key = entry.first.as<std::string>();
    if (!seen.insert(key).second)
      throw FileError("settings file '" + path + "', line " +
                      std::to_string(entry.first.Mark().line + 1) + ": '" + name + key +
                      "' appears twice");
    if (!asked.contains(key))
      throw FileError("settings file '" + path + "', line " +
                      std::to_string(entry.first.Mark().line + 1) + ": unknown key '" + name + key +
                      "'; accepted: " + join(asked));
  }
}

}    // namespace mlff
