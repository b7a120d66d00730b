// One structure for LAMMPS.
#include "teacher/lammps/lammps_task.h"

#include "core/elements.h"
#include "core/errors.h"
#include "core/units.h"
#include "core/words.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace mlff {

namespace {

  // LAMMPS' own factors from energy in a volume to pressure (Update::set_units): with others the
  // stress would not be the derivative of its energy
  const LammpsUnits table_of_units[] = {
      {"metal", 1.0, 1.0 / 1.6021765e6},
      {"real", kcal_per_mol_in_eV, 1.0 / 68568.415},
  };

  // what LAMMPS answers with
  constexpr const char *set_up_mark = "mlff set up\n";
  constexpr const char *result_mark = "mlff result ";
  constexpr const char *atoms_mark = "ITEM: ATOMS id fx fy fz";
  constexpr const char *end_mark = "mlff end\n";

  /// A number with all its digits.
  std::string digits(double value)
  {
    char text[32];
    const auto [end, error] = std::to_chars(text, text + sizeof text, value);
    return std::string(text, end);
  }

  /// Type of an atom, from 1.
  int type_of(const Structure &structure, int atom, const std::vector<std::string> &elements)
  {
    const std::string symbol = element_symbol(structure.numbers[atom]);
    const auto found = std::find(elements.begin(), elements.end(), symbol);
    if (found == elements.end())
      throw TeacherError(
          "atom " + std::to_string(atom + 1) + " is " + symbol +
          ", but the atom types of the commands (lammps_types) are: " + joined(elements, " "));
    return int(found - elements.begin()) + 1;
  }

  /// Reads numbers of an answer one by one.
  double next_number(const char *&at)
  {
    char *end = nullptr;
    const double value = std::strtod(at, &end);
    if (end == at) throw TeacherError("LAMMPS gave an answer that cannot be read");
    at = end;
    return value;
  }

}    // namespace

std::vector<std::string> lammps_units_words()
{
  std::vector<std::string> words;
  for (const auto &units : table_of_units) words.emplace_back(units.name);
  return words;
}

const LammpsUnits &lammps_units_of(const std::string &word)
{
  for (const auto &units : table_of_units)
    if (word == units.name) return units;
  throw TeacherError("unknown lammps_units '" + word +
                     "'; accepted: " + joined(lammps_units_words(), " "));
}

LammpsTask::LammpsTask(const Structure &structure, const std::vector<std::string> &elements,
                       const ForceCommands &force, const LammpsUnits &units) :
    box(structure),
    units(units), atoms(structure.n_atoms()), types(elements.size()),
    has_stress(structure.periodic == std::array{true, true, true}), before(force.before_system()),
    behind(force.behind_system(joined(elements, " ")))
{
  labels_of_types = "labelmap        atom";
  for (std::size_t k = 0; k < types; k++) {
    const std::string type = std::to_string(k + 1);
    labels_of_types += " " + type + " " + elements[k];
    masses +=
        "mass            " + type + " " + digits(atomic_mass(atomic_number(elements[k]))) + "\n";
  }
  labels_of_types += "\n";
  write_data(structure, elements);
  std::string boundary;
  for (const bool periodic : box.periodic) boundary += periodic ? " p" : " f";
  // atoms in one order whatever came before, so that sums have the same last digits
  before = std::string("units           ") + units.name +
      "\natom_style      full\nboundary       " + boundary + "\natom_modify     sort 0 0.0\n" +
      before;
  shared = force.set_up_once() ? before + joined(elements, " ") + (box.is_tilted() ? " tilted" : "")
                               : "";
}

/// A data file of LAMMPS.
void LammpsTask::write_data(const Structure &structure, const std::vector<std::string> &elements)
{
  contents = "mlff\n\n" + std::to_string(atoms) + " atoms\n" + std::to_string(elements.size()) +
      " atom types\n";
  const char *const names[] = {"x", "y", "z"};
  for (int a = 0; a < 3; a++)
    contents +=
        digits(box.low[a]) + " " + digits(box.high[a]) + " " + names[a] + "lo " + names[a] + "hi\n";
  if (box.is_tilted())
    contents += digits(box.xy) + " " + digits(box.xz) + " " + digits(box.yz) + " xy xz yz\n";
  contents += "\nMasses\n\n";
  for (std::size_t k = 0; k < elements.size(); k++)
    contents +=
        std::to_string(k + 1) + " " + digits(atomic_mass(atomic_number(elements[k]))) + "\n";
  contents += "\nAtoms # full\n\n";
  for (int i = 0; i < atoms; i++) {
    contents +=
        std::to_string(i + 1) + " 0 " + std::to_string(type_of(structure, i, elements)) + " 0";
    for (int a = 0; a < 3; a++) contents += " " + digits(box.positions[3 * i + a]);
    contents += "\n";
  }
}

std::string LammpsTask::commands(const LammpsProcess &process, bool follow) const
{
  const std::string file = process.answer_file();
  const auto say = [&](std::string words) {
    words.pop_back();    // print ends the line
    return "print           \"" + words + "\" append " + file + " screen no\n";
  };
  const std::string read = "read_data       " + process.data_file();
  std::string text;
  if (!shared.empty()) {
    // The first structure of a system takes the same way as those that follow it: on another one
    // positions would be rounded in another way.
    text = follow ? "delete_atoms    group all compress yes\n"
                  : "clear\n" + before + empty_system() + behind;
    text += box_commands() + read + " add append\n";
  } else
    text = "clear\n" + before + read + "\n" + labels_of_types + behind;
  text += say(set_up_mark);
  std::string result = result_mark + std::string("$(pe:%.17g)"), columns;
  for (int k = 1; k <= 6; k++) {
    const std::string column = "c_mlff_pressure[" + std::to_string(k) + "]";
    columns += " " + column;
    result += " $(" + column + ":%.17g)";
  }
  if (!follow)
    text +=
        "compute         mlff_pressure all pressure NULL virial\nthermo_style    custom step pe" +
        columns + "\nthermo_modify   norm no\n";
  return text + "run             0 post no\n" + say(result + "\n") + "write_dump      all custom " +
      file + " id fx fy fz modify sort id format float %.17g\n" + say(end_mark);
}

/// Makes a system of the atom types without atoms, in any box.
std::string LammpsTask::empty_system() const
{
  return std::string("region          mlff_box ") +
      (box.is_tilted() ? "prism 0 1 0 1 0 1 0 0 0" : "block 0 1 0 1 0 1") +
      " units box\ncreate_box      " + std::to_string(types) + " mlff_box\n" + masses +
      labels_of_types;
}

/// Gives the box of the structure to a system without atoms.
std::string LammpsTask::box_commands() const
{
  std::string text = "change_box      all";
  const char *const names[] = {" x", " y", " z"};
  for (int a = 0; a < 3; a++)
    text += std::string(names[a]) + " final " + digits(box.low[a]) + " " + digits(box.high[a]);
  if (box.is_tilted())
    text += " xy final " + digits(box.xy) + " xz final " + digits(box.xz) + " yz final " +
        digits(box.yz);
  return text + " units box\n";
}

bool LammpsTask::is_complete(const std::string &answer)
{
  return answer.ends_with(end_mark);
}

bool LammpsTask::is_set_up(const std::string &answer)
{
  return answer.starts_with(set_up_mark);
}

Labels LammpsTask::labels(const std::string &answer) const
{
  const auto result = answer.find(result_mark), list = answer.find(atoms_mark);
  if (result == std::string::npos || list == std::string::npos)
    throw TeacherError("LAMMPS gave an answer that cannot be read");
  Labels labels;
  const char *at = answer.c_str() + result + std::strlen(result_mark);
  labels.energy = next_number(at) * units.energy;
  std::array<double, 6> stress{};
  for (double &value : stress) value = -next_number(at) * units.pressure * units.energy;
  if (has_stress) labels.stress = box.turned_back(stress);

  labels.forces.resize(3 * std::size_t(atoms));
  at = answer.c_str() + list + std::strlen(atoms_mark);
  for (int i = 0; i < atoms; i++) {
    if (next_number(at) != i + 1) throw TeacherError("LAMMPS has lost atoms of the structure");
    for (int a = 0; a < 3; a++) labels.forces[3 * i + a] = next_number(at) * units.energy;
  }
  box.turn_back(labels.forces);

  bool finite = std::isfinite(labels.energy);
  for (const double force : labels.forces) finite = finite && std::isfinite(force);
  if (labels.stress)
    for (const double value : *labels.stress) finite = finite && std::isfinite(value);
  if (!finite) throw TeacherError("LAMMPS gave energies or forces that are not finite");
  return labels;
}

}    // namespace mlff
