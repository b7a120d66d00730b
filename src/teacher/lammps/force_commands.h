// A file of LAMMPS commands that make forces.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mlff {

/// Commands as they stand in a LAMMPS input behind the one that makes the system: pair_style and
/// all else that makes forces. ${elements} stands for the elements of the atom types. Words that
/// name files are looked for beside the file, then in the present folder, then where potentials
/// are.
class ForceCommands {
 public:
  /// Throws FileError for a file that cannot be read or holds no command, and for commands that
  /// make, change or run a system.
  explicit ForceCommands(std::string path);

  /// The file, and those that its commands name.
  const std::vector<std::string> &files() const { return list; }

  /// Whether the commands hold ${elements}.
  bool name_elements() const;

  /// Whether nothing but the potential itself, which is the same for all structures, is set up:
  /// no fix that remembers, no property of an atom.
  bool set_up_once() const { return once; }

  /// Commands that must stand before the system is made, such as newton, a line each.
  std::string before_system() const;

  /// All others, a line each, with `elements` in the place of ${elements}.
  std::string behind_system(const std::string &elements) const;

 private:
  std::string path;
  std::vector<std::string> list, before, behind;
  bool once = true;

  void add(const std::vector<std::string> &words, long line);
  std::string found(const std::string &word, bool with_ending);
};

/// An input of LAMMPS whose commands of the kind before_system() are moved in front of read_data.
std::string with_early_commands_first(const std::string &input);

}    // namespace mlff
