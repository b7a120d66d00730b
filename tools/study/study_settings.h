// The settings of mlff study: molecules, methods, times.
#pragma once

#include <string>
#include <vector>

namespace mlff {

/// A name as that of a file or folder: letters, digits, dots, - and _, with - for all else.
std::string file_name_of(const std::string &text);

/// One way to integrate the motion; a row of the report.
struct StudyMethod {
  enum class Kind { verlet, respa, mts, jump, student };
  Kind kind = Kind::verlet;
  std::string name;                      ///< "verlet-0.5": unique among the methods of a molecule
  std::vector<std::string> molecules;    ///< only for these; empty: for all
  /// network, student, or inner potential; empty with respa: bonded terms are the inner force
  std::string file;
  /// control of a jump: zero, ballistic, linear, verlet, corrector; or empty
  std::string control;
  double timestep = 0.5;     ///< fs, of velocity Verlet, or of the inner steps
  double stride = 0.0;       ///< fs, of a jump, or the outer step of r-RESPA
  double fraction = -1.0;    ///< share of corrector steps in a stride; negative: `corrector` counts
  int corrector = 1;
  bool metropolis = false;
  /// nested moves: strides of the student to one call of the force, a number or `auto`; empty: a
  /// stride is a jump
  std::string segments;
  std::string options;    ///< further words of fix kstep/hybrid

  /// r-RESPA, of bonded terms or with a potential in the inner steps
  bool has_outer_steps() const { return kind == Kind::respa || kind == Kind::mts; }
  int steps() const;              ///< time steps in a stride
  int corrector_steps() const;    ///< corrector steps in a cycle
  /// fs of a cycle: of a step of velocity Verlet, an outer step, or a jump with its corrector
  double cycle() const;
  int cycle_steps() const;    ///< steps of LAMMPS in it, each with one call of the force
};

struct StudyMolecule {
  std::string name, smiles;
  std::string data;                     ///< file of LAMMPS in the place of a SMILES
  std::vector<std::string> elements;    ///< elements of the atom types
  std::string force;                    ///< commands
  std::string start;                    ///< commands before the minimisation, and after read_data
};

struct StudySettings {
  std::string path;      ///< settings file
  std::string output;    ///< folder
  std::string title;
  std::vector<StudyMolecule> molecules;
  std::vector<StudyMethod> methods;
  std::string reference;     ///< method that the others are compared with
  std::vector<int> seeds;    ///< the first one is compared, the second is noise
  double temperature = 300.0, friction = 10.0;    ///< K, 1/ps
  double length = 20.0, warmup = 1.0;             ///< ps
  double frame = 4.0, lag = 2.0;    ///< fs between frames at least, ps of correlation functions
  double timing_length = 2.0, timing_warmup = 0.2;    ///< ps
  int repeats = 3;                                    ///< repetitions of the timings; 0: no timings

  /// Methods of a molecule, the reference first.
  std::vector<const StudyMethod *> methods_of(const StudyMolecule &molecule) const;

  /// Throws FileError naming the key, what was found, and what is accepted.
  static StudySettings read(const std::string &path, const std::string &output);

  /// All keys as a reference page in Markdown.
  static std::string page();
};

}    // namespace mlff
