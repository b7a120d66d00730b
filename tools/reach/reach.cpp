// Energies of students and a teacher along scans, and where they part.
#include "reach/reach.h"

#include "core/elements.h"
#include "core/errors.h"
#include "core/progress.h"
#include "engine/structure_evaluator.h"
#include "potential/model_kind.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

namespace mlff {

namespace {

  constexpr double not_known = std::numeric_limits<double>::quiet_NaN();

  void check_elements(const Structure &molecule, const Potential &student, const std::string &file)
  {
    const auto &known = student.elements;
    for (int i = 0; i < molecule.n_atoms(); i++) {
      if (std::find(known.begin(), known.end(), molecule.numbers[i]) != known.end()) continue;
      std::string symbols;
      for (const int z : known) symbols += (symbols.empty() ? "" : " ") + element_symbol(z);
      throw StructureError("atom " + std::to_string(i + 1) + " is " +
                           element_symbol(molecule.numbers[i]) + ", which potential '" + file +
                           "' does not know; accepted: " + symbols);
    }
  }

  /// Energies of one student along all scans.
  void evaluate_student(const std::string &file, const EngineOptions &engine, Reach &reach)
  {
    std::vector<Potential> potential;
    potential.push_back(Potential::read(file));
    if (potential[0].kind().gives_jumps)
      throw FileError("'" + file +
                      "' is a jump network, which has no energies along scans; "
                      "accepted: potentials");
    check_elements(reach.curves[0].scan.structures[0], potential[0], file);
    StructureEvaluator evaluator(std::move(potential), engine, {file});
    for (auto &curve : reach.curves) {
      auto energies = evaluator.evaluate(curve.scan.structures).energy;
      const double start = energies[curve.scan.start];
      for (double &energy : energies) energy -= start;
      curve.students.push_back(std::move(energies));
    }
  }

  /// Labels geometries in the order in which they are given, and announces some of them before.
  class TeacherEnergies {
   public:
    explicit TeacherEnergies(Teacher &teacher) : teacher(teacher) {}

    /// A geometry, and where its energy goes.
    void add(const Structure &structure, double &energy, std::string where)
    {
      list.push_back({&structure, &energy, std::move(where)});
    }

    /// Sets energies relative to `zero`, and to not_known where the teacher fails. Returns a
    /// sentence about the failures, if there are any.
    std::string evaluate(double zero)
    {
      constexpr std::size_t ahead = 16;
      Progress progress("reach");
      std::string first_failure;
      int failures = 0;
      std::size_t announced = 0;
      for (std::size_t k = 0; k < list.size(); k++) {
        for (; announced < std::min(list.size(), k + ahead); announced++)
          teacher.expect(*list[announced].structure);
        try {
          *list[k].energy = teacher.label(*list[k].structure).energy - zero;
        } catch (const TeacherUnavailable &) {
          throw;
        } catch (const TeacherError &error) {
          *list[k].energy = not_known;
          if (failures++ == 0) first_failure = list[k].where + ": " + error.what();
        }
        progress.update(double(k + 1) / double(list.size()));
      }
      if (failures == 0) return "";
      return "the teacher failed at " + std::to_string(failures) + " of " +
          std::to_string(list.size()) + " geometries, first at " + first_failure;
    }

   private:
    struct Entry {
      const Structure *structure;
      double *energy;
      std::string where;
    };
    Teacher &teacher;
    std::vector<Entry> list;
  };

  void evaluate_teacher(Teacher &teacher, Reach &reach)
  {
    const ReachScan &first = reach.curves[0].scan;
    const Structure &start = first.structures[first.start];
    teacher.check(start);
    if (teacher.depends_on_reference()) teacher.set_reference(start);
    const double zero = teacher.label(start).energy;
    TeacherEnergies energies(teacher);
    for (auto &curve : reach.curves) {
      curve.teacher.assign(curve.scan.coordinates.size(), 0.0);
      for (std::size_t k = 0; k < curve.teacher.size(); k++)
        if (k != curve.scan.start)
          energies.add(curve.scan.structures[k], curve.teacher[k],
                       curve.scan.name + " " + std::to_string(k + 1));
    }
    if (const auto note = energies.evaluate(zero); !note.empty()) reach.notes.push_back(note);
  }

  void set_spread(ReachCurve &curve)
  {
    const std::size_t m = curve.students.size();
    if (m < 2) return;
    curve.spread.assign(curve.teacher.size(), 0.0);
    for (std::size_t k = 0; k < curve.spread.size(); k++) {
      double mean = 0.0;
      for (const auto &student : curve.students) mean += student[k] / double(m);
      for (const auto &student : curve.students)
        curve.spread[k] += (student[k] - mean) * (student[k] - mean) / double(m);
      curve.spread[k] = std::sqrt(curve.spread[k]);
    }
  }

  /// Compares the first student with the teacher.
  void compare(ReachCurve &curve, const ReachOptions &options)
  {
    const std::size_t n = curve.teacher.size(), start = curve.scan.start;
    const double highest = options.highest;
    std::vector<double> difference(n, 0.0);
    double lowest_taught = 0.0, highest_taught = 0.0, lowest = 0.0, highest_found = 0.0;
    for (std::size_t k = 0; k < n; k++) {
      if (std::isnan(curve.teacher[k])) continue;
      // min() with the limit first: an energy that is no number counts as the limit
      const double taught = std::min(highest, curve.teacher[k]),
                   found = std::min(highest, curve.students[0][k]);
      lowest_taught = std::min(lowest_taught, taught);
      highest_taught = std::max(highest_taught, taught);
      lowest = std::min(lowest, found);
      highest_found = std::max(highest_found, found);
      if (taught >= highest && found >= highest) continue;
      difference[k] = std::abs(found - taught);
      curve.rmse += difference[k] * difference[k];
      curve.counted++;
    }
    curve.rmse = std::sqrt(curve.rmse / double(curve.counted));
    curve.worst =
        std::size_t(std::max_element(difference.begin(), difference.end()) - difference.begin());
    curve.teacher_barrier = highest_taught - lowest_taught;
    curve.student_barrier = highest_found - lowest;
    curve.teacher_is_higher = highest_taught >= highest;
    curve.student_is_higher = highest_found >= highest;

    curve.agrees_from = curve.agrees_to = start;
    const auto agrees = [&](std::size_t k) {
      return difference[k] <= options.threshold;
    };
    while (curve.agrees_from > 0 && agrees(curve.agrees_from - 1)) curve.agrees_from--;
    while (curve.agrees_to + 1 < n && agrees(curve.agrees_to + 1)) curve.agrees_to++;
    const auto from_start = [&](std::size_t k) {
      return std::abs(curve.scan.coordinates[k] - curve.scan.coordinates[start]);
    };
    if (curve.agrees_from > 0) curve.parting = curve.agrees_from - 1;
    if (const auto next = curve.agrees_to + 1;
        next < n && !(curve.parting && from_start(*curve.parting) <= from_start(next)))
      curve.parting = next;
    if (curve.parting && !curve.spread.empty())
      curve.spread_tells = curve.spread[*curve.parting] > options.threshold;
  }

}    // namespace

Reach evaluate_reach(const Structure &molecule, const std::vector<std::string> &students,
                     const EngineOptions &engine, const TeacherSettings &settings, Teacher &teacher,
                     const ReachOptions &options)
{
  Reach reach;
  reach.options = options;
  reach.teacher = name_of_teacher(settings);
  reach.students = students;
  auto [scans, notes] = reach_scans(molecule, options.scans);
  reach.notes = std::move(notes);
  for (auto &scan : scans) {
    reach.curves.emplace_back();
    reach.curves.back().scan = std::move(scan);
  }
  for (const auto &file : students) evaluate_student(file, engine, reach);
  evaluate_teacher(teacher, reach);
  for (auto &curve : reach.curves) {
    set_spread(curve);
    compare(curve, options);
  }
  return reach;
}

}    // namespace mlff
