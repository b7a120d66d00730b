// The section `teacher` of a settings file.
#include "training/teacher_section.h"

#include "training/named_file.h"

#include <cmath>
#include <filesystem>
#include <limits>

namespace mlff {

namespace {

  nlohmann::ordered_json read_value(YamlSection &section, const TeacherSetting &setting,
                                    const std::filesystem::path &folder)
  {
    using Type = TeacherSetting::Type;
    if (setting.type == Type::files) {
      auto files = section.words(setting.key);
      for (auto &file : files) file = existing_file(section, setting.key, file, folder);
      return files;
    }
    if (setting.type == Type::file)
      return existing_file(section, setting.key, section.word(setting.key, ""), folder);
    if (setting.type == Type::words) return section.words(setting.key);
    if (setting.type == Type::word) return section.word(setting.key, "", setting.accepted);
    if (setting.type == Type::whole)
      return section.whole(setting.key, 0,
                           std::isfinite(setting.least) ? long(setting.least)
                                                        : std::numeric_limits<long>::min());
    const double value = section.number(setting.key, 0.0, setting.least, setting.most);
    if (setting.above_least && value == setting.least)
      section.fail(setting.key,
                   "is " + nlohmann::json(value).dump() + "; accepted: a number above that");
    return value;
  }

  std::string accepted_text(const TeacherSetting &setting)
  {
    using Type = TeacherSetting::Type;
    if (setting.type == Type::file) return "a file";
    if (setting.type == Type::files || setting.type == Type::words)
      return "a word or a list of words";
    if (setting.type == Type::word)
      return setting.accepted.empty() ? "a word" : accepted_words(setting.accepted);
    if (setting.type == Type::whole)
      return accepted_whole(std::isfinite(setting.least) ? long(setting.least)
                                                         : std::numeric_limits<long>::min(),
                            std::nullopt);
    if (setting.above_least) return "a number above " + nlohmann::json(setting.least).dump();
    return accepted_number(setting.least, setting.most);
  }

}    // namespace

TeacherSettings read_teacher(YamlSection &section, const std::string &settings_file,
                             const std::set<std::string> &without, const std::string &name)
{
  TeacherSettings settings;
  const TeacherKind *chosen = nullptr;
  for (const auto *kind : teacher_kinds())
    for (const auto &setting : kind->settings) {
      if (without.contains(setting.key) || !section.has(setting.key)) continue;
      settings.values[setting.key] =
          read_value(section, setting, std::filesystem::path(settings_file).parent_path());
      if (&setting != &kind->settings.front()) continue;
      if (chosen)
        section.fail(chosen->settings.front().key,
                     "stands beside '" + name + "." + setting.key + "'; accepted: one of the two");
      chosen = kind;
    }
  if (chosen) settings.kind = chosen->name;
  return settings;
}

nlohmann::ordered_json describe_teacher(const TeacherSettings &settings)
{
  using Type = TeacherSetting::Type;
  const auto name_of = [](const std::string &file) {
    return std::filesystem::path(file).filename().string();
  };
  auto json = nlohmann::ordered_json::object();
  for (const auto &[key, value] : settings.values.items()) {
    const Type type = teacher_kind(settings.kind).find(key)->type;
    if (type == Type::file)
      json[key] = name_of(value);
    else if (type == Type::files)
      for (const auto &file : value) json[key].push_back(name_of(file));
    else
      json[key] = value;
  }
  return json;
}

std::vector<SettingText> teacher_text(const std::set<std::string> &without)
{
  std::vector<SettingText> list;
  for (const auto *kind : teacher_kinds())
    for (const auto &setting : kind->settings) {
      if (without.contains(setting.key)) continue;
      const auto &standard = setting.standard;
      list.push_back({setting.key,
                      standard.is_null()         ? "none"
                          : standard.is_string() ? standard.get<std::string>()
                                                 : standard.dump(),
                      accepted_text(setting), setting.help});
    }
  return list;
}

}    // namespace mlff
