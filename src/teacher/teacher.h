// Teacher: the source of energies and forces to learn from. Every program or model that gives them
// has this interface.
#pragma once

#include "core/errors.h"
#include "structure/structure.h"

#include <nlohmann/json.hpp>

#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mlff {

/// Energies, forces and more that a teacher gives for a structure of n atoms.
struct Labels {
  double energy = 0.0;           ///< eV
  std::vector<double> forces;    ///< [n][3] eV/Å

  /// [3][3] eV/Å^3, row-major, negative under pressure. Of structures that are periodic in all
  /// directions, where the teacher has it.
  std::optional<std::array<double, 9>> stress;

  // a committee's root mean square deviations from the mean that the labels are
  std::optional<double> energy_spread;    ///< eV
  std::vector<double> force_spread;    ///< [n] eV/Å, of the force on each atom; empty: not known

  std::vector<double> atom_energy;    ///< [n] eV, sum: the energy; empty: not known

  // the state that was calculated, where the method knows states
  std::optional<int> charge;          ///< e
  std::optional<int> multiplicity;    ///< unpaired electrons + 1
};

/// Writes energy, forces, stress, spreads and state into a structure. What the labels do not have
/// stays, but for a stress, which belongs to the energy.
void set_labels(Structure &structure, const Labels &labels);

class Teacher {
 public:
  virtual ~Teacher() = default;

  /// Throws TeacherError for a structure that the method cannot label, as far as that is known
  /// without a calculation: so that hours of other work do not come first.
  virtual void check(const Structure &) const {}

  /// Throws TeacherError, after which the next structure can be labelled, or TeacherUnavailable.
  virtual Labels label(const Structure &structure) = 0;

  /// Announces a structure that will be labelled after those announced before, so that work on it
  /// may begin. Without announcements every structure is labelled when it is asked for.
  virtual void expect(const Structure &) {}

  /// Takes notice of a structure that an earlier run has labelled: what a method keeps from one
  /// structure for the next must be the same in this run.
  virtual void meet(const Structure &) {}

  /// Says that all structures to come are conformations of this one, and have its state. A method
  /// that takes bonds from a geometry takes them from this one, and calculations are made in this
  /// process, each starting from the result of the one before. Throws TeacherError where the
  /// method cannot label this system.
  virtual void set_reference(const Structure &) {}

  /// Whether the labels of a structure depend on the geometry given to set_reference().
  virtual bool depends_on_reference() const { return false; }

  /// Record for a manifest, from which the same labels can be made again: `settings`, a map of the
  /// settings asked for; `versions`, a map of names and versions of programs; `files`, a list of
  /// paths whose contents count.
  virtual nlohmann::ordered_json provenance() const = 0;

  /// Publications of the method, which go into potentials that learn from it; empty: not known.
  virtual std::string citation() const { return ""; }

  /// The commands of LAMMPS, from pair_style on, that give the same forces in a system of this
  /// charge (e) with so many unpaired electrons; empty where there are none. `elements`: those of
  /// the atom types, with blanks between them.
  virtual std::string lammps_commands(const std::string & /*elements*/, int /*charge*/,
                                      int /*unpaired_electrons*/) const
  {
    return "";
  }
};

/// One setting of a kind of teacher. Settings files and command lines are read by it.
struct TeacherSetting {
  enum class Type { number, whole, word, words, file, files };

  std::string key;       ///< name in the section `teacher` of a settings file
  std::string option;    ///< name on the command line
  Type type = Type::word;
  nlohmann::ordered_json standard = nullptr;                  ///< null: none
  double least = -std::numeric_limits<double>::infinity();    ///< smallest number accepted
  double most = std::numeric_limits<double>::infinity();
  bool above_least = false;                  ///< whether `least` itself is not accepted
  std::vector<std::string> accepted = {};    ///< words accepted; empty: any
  std::string help = {};
};

/// A kind of teacher and its settings.
struct TeacherSettings {
  std::string kind = "xtb";
  /// the settings given, by key
  nlohmann::ordered_json values = nlohmann::ordered_json::object();
  int threads = 0;            ///< threads of potentials; 0: automatic
  std::string lammps = {};    ///< program of LAMMPS; empty: the one that lammps_program() finds

  /// The value given for a key, or its standard value.
  nlohmann::ordered_json value(const std::string &key) const;

  /// The value of the setting that chooses the kind, as "gfn2" or "a.safetensors, b.safetensors".
  std::string name() const;
};

/// A row of the table of teachers. A teacher is chosen by its first setting: `method` means xtb,
/// `models` potentials, `lammps` lammps, `client` ipi.
struct TeacherKind {
  std::string name;
  std::vector<TeacherSetting> settings;
  std::unique_ptr<Teacher> (*make)(const TeacherSettings &settings);

  /// Null where there is no such setting.
  const TeacherSetting *find(const std::string &key) const;
};

/// The teachers of this build, the standard one first.
const std::vector<const TeacherKind *> &teacher_kinds();

bool has_teacher(const std::string &kind);

/// Throws TeacherError naming the kinds of this build where it has not the one asked for.
const TeacherKind &teacher_kind(const std::string &name);

/// Throws TeacherError, and what reading a potential throws.
std::unique_ptr<Teacher> make_teacher(const TeacherSettings &settings);

/// The teacher `potentials` of these files, which are evaluated by so many threads (0: automatic).
std::unique_ptr<Teacher> teacher_of_potentials(const std::vector<std::string> &files,
                                               int threads = 0);

}    // namespace mlff
