// One structure for LAMMPS: the commands that make its forces, and the answer to them.
#pragma once

#include "teacher/lammps/force_commands.h"
#include "teacher/lammps/lammps_box.h"
#include "teacher/lammps/lammps_process.h"
#include "teacher/teacher.h"

#include <string>
#include <vector>

namespace mlff {

/// Units of LAMMPS in ours.
struct LammpsUnits {
  const char *name;
  double energy;      ///< eV
  double pressure;    ///< unit of energy in Å^3
};

/// The words of the setting lammps_units.
std::vector<std::string> lammps_units_words();

/// Throws TeacherError for a word that is not one of these.
const LammpsUnits &lammps_units_of(const std::string &word);

class LammpsTask {
 public:
  /// `elements`: symbols of the atom types. Throws TeacherError for a structure that LAMMPS cannot
  /// be given.
  LammpsTask(const Structure &structure, const std::vector<std::string> &elements,
             const ForceCommands &force, const LammpsUnits &units);

  /// What the system of another structure must have in common so that this one can take its place
  /// in a LAMMPS that is set up.
  const std::string &system() const { return shared; }

  const std::string &data() const { return contents; }

  /// The commands for a process. `follow`: its LAMMPS is set up for system().
  std::string commands(const LammpsProcess &process, bool follow) const;

  static bool is_complete(const std::string &answer);

  /// Whether the commands of the user all succeeded.
  static bool is_set_up(const std::string &answer);

  /// The labels in a complete answer. Throws TeacherError where they are not finite.
  Labels labels(const std::string &answer) const;

 private:
  LammpsBox box;
  const LammpsUnits &units;
  int atoms;
  std::size_t types;
  bool has_stress;
  std::string shared, contents, before, behind, masses, labels_of_types;

  std::string empty_system() const;
  std::string box_commands() const;
  void write_data(const Structure &structure, const std::vector<std::string> &elements);
};

}    // namespace mlff
