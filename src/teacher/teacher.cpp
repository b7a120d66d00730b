// The table of teachers.
#include "teacher/teacher.h"

#include "teacher/ipi_teacher.h"
#include "teacher/lammps/lammps_teacher.h"
#include "teacher/potentials_teacher.h"
#ifdef MLFF_XTB
#include "teacher/xtb_teacher.h"
#endif

#include <algorithm>
#include <filesystem>

namespace mlff {

using Json = nlohmann::ordered_json;

const std::vector<const TeacherKind *> &teacher_kinds()
{
  static const std::vector<const TeacherKind *> kinds = {
#ifdef MLFF_XTB
      &xtb_teacher_kind(),
#endif
      &potentials_teacher_kind(),
      &lammps_teacher_kind(),
      &ipi_teacher_kind(),
  };
  return kinds;
}

const TeacherSetting *TeacherKind::find(const std::string &key) const
{
  const auto found = std::find_if(settings.begin(), settings.end(), [&](const auto &setting) {
    return setting.key == key;
  });
  return found == settings.end() ? nullptr : &*found;
}

bool has_teacher(const std::string &name)
{
  const auto &kinds = teacher_kinds();
  return std::any_of(kinds.begin(), kinds.end(), [&](const auto *kind) {
    return kind->name == name;
  });
}

const TeacherKind &teacher_kind(const std::string &name)
{
  std::string accepted;
  for (const auto *kind : teacher_kinds()) {
    if (kind->name == name) return *kind;
    accepted += (accepted.empty() ? "" : ", ") + kind->name;
  }
  std::string missing;
#ifndef MLFF_XTB
  if (name == "xtb")
    missing = "; for xTB install libxtb (Debian: libxtb-dev) and build mlff again, or take the "
              "calculator tblite.ase:TBLite (doc/guide/teachers_ipi.md)";
#endif
  throw TeacherError("this build has no teacher '" + name + "'; accepted: " + accepted + missing);
}

Json TeacherSettings::value(const std::string &key) const
{
  if (values.contains(key)) return values[key];
  const auto *setting = teacher_kind(kind).find(key);
  return setting ? setting->standard : Json();
}

std::string TeacherSettings::name() const
{
  const TeacherSetting &setting = teacher_kind(kind).settings.front();
  const Json chosen = value(setting.key);
  if (setting.type == TeacherSetting::Type::word) return chosen;
  std::string text;
  for (const auto &file : chosen.is_string() ? Json::array({chosen}) : chosen)
    text +=
        (text.empty() ? "" : ", ") + std::filesystem::path(std::string(file)).filename().string();
  return text;
}

std::unique_ptr<Teacher> make_teacher(const TeacherSettings &settings)
{
  return teacher_kind(settings.kind).make(settings);
}

std::unique_ptr<Teacher> teacher_of_potentials(const std::vector<std::string> &files, int threads)
{
  return make_teacher({"potentials", {{"models", files}}, threads});
}

void set_labels(Structure &structure, const Labels &labels)
{
  structure.energy = labels.energy;
  structure.forces = labels.forces;
  structure.stress = labels.stress;
  if (labels.energy_spread) structure.energy_spread = labels.energy_spread;
  if (!labels.force_spread.empty()) structure.spread = labels.force_spread;
  if (labels.charge) structure.charge = *labels.charge;
  if (labels.multiplicity) structure.multiplicity = *labels.multiplicity;
}

}    // namespace mlff
