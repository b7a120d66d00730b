// Options of the teachers.
#include "commands/sub_command.h"
#include "potential/find_potential.h"
#include "program/completion.h"

namespace mlff {

namespace {

  std::string text_of_standard(const TeacherSetting &setting)
  {
    if (setting.standard.is_null()) return "";
    return setting.standard.is_string() ? setting.standard.get<std::string>()
                                        : CLI::detail::to_string(setting.standard.get<double>());
  }

  template <class T> T found(const T &value, const TeacherSetting &)
  {
    return value;
  }

  /// Files are looked for where potentials are.
  std::vector<std::string> found(std::vector<std::string> words, const TeacherSetting &setting)
  {
    if (setting.type == TeacherSetting::Type::files)
      for (auto &file : words) file = find_potential(file);
    return words;
  }

  template <class T>
  CLI::Option *add_option_of(CLI::App &command, const TeacherKind &kind,
                             const TeacherSetting &setting, TeacherSettings &settings)
  {
    const bool chooses = &setting == &kind.settings.front();
    return command.add_option_function<T>(
        setting.option,
        [&settings, &kind, &setting, chooses](const T &value) {
          settings.values[setting.key] = found(value, setting);
          if (chooses) settings.kind = kind.name;
        },
        setting.help);
  }

  CLI::Option *add_option_of(CLI::App &command, const TeacherKind &kind,
                             const TeacherSetting &setting, TeacherSettings &settings)
  {
    using Type = TeacherSetting::Type;
    CLI::Option *option = nullptr;
    if (setting.type == Type::files)
      option = add_option_of<std::vector<std::string>>(command, kind, setting, settings)
                   ->type_name(potential_type);
    else if (setting.type == Type::words)
      option = add_option_of<std::vector<std::string>>(command, kind, setting, settings);
    else if (setting.type == Type::word || setting.type == Type::file)
      option = add_option_of<std::string>(command, kind, setting, settings);
    else if (setting.type == Type::whole)
      option = add_option_of<int>(command, kind, setting, settings);
    else
      option = add_option_of<double>(command, kind, setting, settings);
    if (!setting.accepted.empty()) option->check(CLI::IsMember(setting.accepted));
    if (std::isfinite(setting.most))
      option->check(CLI::Range(setting.least, setting.most));
    else if (setting.least == 0.0)
      option->check(setting.above_least ? above_zero : not_negative);
    return option->default_str(text_of_standard(setting));
  }

}    // namespace

std::map<std::string, CLI::Option *> add_teacher_options(CLI::App &command,
                                                         TeacherSettings &settings,
                                                         const char *heading,
                                                         const std::set<std::string> &without)
{
  std::map<std::string, CLI::Option *> options;
  std::vector<CLI::Option *> choosing;
  for (const auto *kind : teacher_kinds()) {
    if (without.contains(kind->settings.front().key)) continue;
    for (const auto &setting : kind->settings) {
      if (without.contains(setting.key)) continue;
      auto *option = add_option_of(command, *kind, setting, settings);
      if (heading) option->group(heading);
      options[setting.key] = option;
      // without the one that chooses the kind it would have no effect
      const auto *chooses = &kind->settings.front();
      if (kind != teacher_kinds().front() && &setting != chooses)
        option->needs(options[chooses->key]);
    }
    for (auto *other : choosing) options[kind->settings.front().key]->excludes(other);
    choosing.push_back(options[kind->settings.front().key]);
  }
  return options;
}

}    // namespace mlff
