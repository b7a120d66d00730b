// How far a student reaches: its energies along scans of torsions and bonds beside those of a
// teacher.
#pragma once

#include "core/engine_options.h"
#include "potential/potential.h"
#include "reach/reach_scan.h"
#include "teacher/teacher.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace mlff {

struct ReachOptions {
  ReachScanOptions scans;
  /// eV: further apart than this, student and teacher part.
  double threshold = 0.05;
  /// eV above the start: where an energy counts as this one if it is higher. Nobody goes where
  /// student and teacher are both above, and such a geometry is not counted.
  double highest = 2.0;
};

/// Energies along one scan, and how they differ. All energies are relative to the start.
struct ReachCurve {
  ReachScan scan;
  std::vector<double> teacher;                  ///< [coordinates] eV; not a number where it failed
  std::vector<std::vector<double>> students;    ///< [students][coordinates] eV
  /// [coordinates] eV, root mean square deviation of the students from their mean; of two or more.
  std::vector<double> spread;

  // of the first student, with energies up to ReachOptions::highest
  int counted = 0;          ///< geometries where student or teacher is below `highest`
  double rmse = 0.0;        ///< eV, over these
  std::size_t worst = 0;    ///< coordinate of the largest difference
  /// eV, largest minus smallest energy of each, and whether it is higher than `highest` lets see.
  double teacher_barrier = 0.0, student_barrier = 0.0;
  bool teacher_is_higher = false, student_is_higher = false;
  /// Indices of the coordinates up to which, from the start on, the two are within the threshold of
  /// each other: the ends of the scan, where they do not part.
  std::size_t agrees_from = 0, agrees_to = 0;
  /// Where they part first, seen from the start; none where they do not.
  std::optional<std::size_t> parting;

  /// Whether the students were further apart than the threshold where the first one parted; none of
  /// one student, and where they do not part.
  std::optional<bool> spread_tells;
};

/// Scans of one molecule by students and a teacher.
struct Reach {
  ReachOptions options;
  std::string teacher;                  ///< its name
  std::vector<std::string> students;    ///< their files
  std::vector<ReachCurve> curves;
  std::vector<std::string> notes;    ///< what was not scanned or failed

  /// What a reader should know, a sentence each: where student and teacher part, or that they do
  /// not.
  std::vector<std::string> sentences() const;

  nlohmann::ordered_json json() const;
};

/// What Reach::json() gave, without the energies along the scans.
nlohmann::ordered_json without_curves(nlohmann::ordered_json reach);

/// What Reach::json() gave, with or without curves, to standard output: a table of the scans,
/// sentences and notes.
void print_reach(const nlohmann::ordered_json &reach);

/// A teacher as sentences name it: "GFN2-xTB", or "a.safetensors".
std::string name_of_teacher(const TeacherSettings &settings);

/// Evaluates scans by the students, of which the first is the one that is judged, and labels them
/// by the teacher. `settings`: those that the teacher was made from. Throws StructureError as
/// reach_scans() does and for an element that a student does not know, TeacherError where the
/// teacher cannot label the start, and EngineError.
Reach evaluate_reach(const Structure &molecule, const std::vector<std::string> &students,
                     const EngineOptions &engine, const TeacherSettings &settings, Teacher &teacher,
                     const ReachOptions &options = {});

}    // namespace mlff
