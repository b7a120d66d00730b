// What screen, manifest and pictures say of the reach of a student.
#include "core/units.h"
#include "reach/reach.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string>

namespace mlff {

using Json = nlohmann::ordered_json;

namespace {

  using Kind = ReachScan::Kind;

  std::string text(double value, int decimals)
  {
    char buffer[40];
    std::snprintf(buffer, sizeof buffer, "%.*f", decimals, value);
    return buffer;
  }

  std::string barrier_text(double barrier, bool is_higher)
  {
    return (is_higher ? "at least " : "") + text(barrier, 2) + " eV";
  }

  bool parts_below(const ReachCurve &curve)
  {
    return curve.agrees_from > 0;
  }

  bool parts_above(const ReachCurve &curve)
  {
    return curve.agrees_to + 1 < curve.scan.coordinates.size();
  }

  /// "beyond 60 degrees of torsion C1-C2-O3-H9"
  std::string where_torsion_parts(const ReachCurve &curve)
  {
    const auto &at = curve.scan.coordinates;
    double agrees = 180.0;
    if (parts_below(curve)) agrees = std::min(agrees, -at[curve.agrees_from]);
    if (parts_above(curve)) agrees = std::min(agrees, at[curve.agrees_to]);
    if (agrees == 0.0)
      return "at " + text(std::abs(at[*curve.parting]), 0) + " degrees of " + curve.scan.name +
          " already";
    return "beyond " + text(agrees, 0) + " degrees of " + curve.scan.name;
  }

  /// "below 0.85 and beyond 1.25 times the length of bond C2-O3"
  std::string where_stretch_parts(const ReachCurve &curve)
  {
    const auto &at = curve.scan.coordinates;
    const std::size_t start = curve.scan.start;
    std::string where;
    if (parts_below(curve))
      where = curve.agrees_from == start ? "from " + text(at[start - 1], 2) + " down"
                                         : "below " + text(at[curve.agrees_from], 2);
    if (parts_above(curve))
      where += (where.empty() ? "" : " and ") +
          (curve.agrees_to == start ? "from " + text(at[start + 1], 2) + " up"
                                    : "beyond " + text(at[curve.agrees_to], 2));
    return where + " times the length of " + curve.scan.name;
  }

  /// Energies of student and teacher at the coordinate of the largest difference.
  std::string at_worst(const ReachCurve &curve, const ReachOptions &options)
  {
    const auto energy = [&](double value) {
      return value < options.highest ? text(value, 2) + " eV"
                                     : "more than " + text(options.highest, 2) + " eV";
    };
    const double at = curve.scan.coordinates[curve.worst];
    return energy(curve.students[0][curve.worst]) + " instead of " +
        energy(curve.teacher[curve.worst]) + " at " +
        (curve.scan.kind == Kind::torsion ? text(at, 0) + " degrees" : text(at, 2) + " times");
  }

  /// Whether the student is lower somewhere than its teacher is anywhere: dynamics ends there.
  bool has_hole(const ReachCurve &curve, const ReachOptions &options)
  {
    double lowest = 0.0;
    for (const double energy : curve.teacher)
      if (energy < lowest) lowest = energy;
    return curve.students[0][curve.worst] < lowest - options.threshold;
  }

  std::string sentence(const ReachCurve &curve, const Reach &reach)
  {
    const bool torsion = curve.scan.kind == Kind::torsion;
    std::string line = (torsion ? where_torsion_parts(curve) : where_stretch_parts(curve)) +
        " the student is more than " + text(reach.options.threshold / meV, 0) + " meV from " +
        reach.teacher + "; ";
    if (has_hole(curve, reach.options))
      line += "it has a hole, " + at_worst(curve, reach.options);
    else if (torsion && !(curve.student_is_higher && curve.teacher_is_higher))
      line += "barrier " + barrier_text(curve.student_barrier, curve.student_is_higher) +
          " instead of " + barrier_text(curve.teacher_barrier, curve.teacher_is_higher);
    else
      line += at_worst(curve, reach.options);
    if (curve.spread_tells)
      line += "; the spread of the students there, " + text(curve.spread[*curve.parting] / meV, 0) +
          " meV, " + (*curve.spread_tells ? "tells" : "does not tell");
    return line;
  }

  Json json_of(const ReachCurve &curve, const Reach &reach)
  {
    const bool torsion = curve.scan.kind == Kind::torsion;
    Json json = {{"kind", torsion ? "torsion" : "bond"}, {"name", curve.scan.name}};
    for (const int atom : curve.scan.atoms) json["atoms"].push_back(atom + 1);
    json["alike"] = curve.scan.alike;
    json[torsion ? "start_degrees" : "start_A"] = curve.scan.at_start;
    json["n_counted"] = curve.counted;
    json["rmse_meV"] = curve.rmse / meV;
    json["has_hole"] = has_hole(curve, reach.options);
    if (torsion) {
      json["student_barrier_eV"] = curve.student_barrier;
      json["teacher_barrier_eV"] = curve.teacher_barrier;
      json["student_is_higher"] = curve.student_is_higher;
      json["teacher_is_higher"] = curve.teacher_is_higher;
    }
    const auto &at = curve.scan.coordinates;
    json["agrees_from"] = at[curve.agrees_from];
    json["agrees_to"] = at[curve.agrees_to];
    json["parts_at"] = curve.parting ? Json(at[*curve.parting]) : Json();
    if (curve.spread_tells) {
      json["spread_there_meV"] = curve.spread[*curve.parting] / meV;
      json["spread_tells"] = *curve.spread_tells;
    }
    if (curve.parting) json["sentence"] = sentence(curve, reach);
    Json &curves = json["curves"];
    curves[torsion ? "turned_degrees" : "times_length"] = at;
    curves["teacher_eV"] = curve.teacher;
    curves["students_eV"] = curve.students;
    if (!curve.spread.empty()) curves["spread_eV"] = curve.spread;
    return json;
  }

}    // namespace

std::string name_of_teacher(const TeacherSettings &settings)
{
  const std::string name = settings.name();
  if (settings.kind != "xtb") return name;
  if (name == "gfn2") return "GFN2-xTB";
  if (name == "gfn1") return "GFN1-xTB";
  return name == "gfnff" ? "GFN-FF" : name;
}

std::vector<std::string> Reach::sentences() const
{
  std::vector<std::string> list;
  for (const auto &curve : curves)
    if (curve.parting) list.push_back(sentence(curve, *this));
  if (list.empty())
    list.push_back(
        "the student is within " + text(options.threshold / meV, 0) + " meV of " + teacher +
        " along " +
        (curves.size() == 1 ? "the scan" : "all " + std::to_string(curves.size()) + " scans"));
  return list;
}

Json Reach::json() const
{
  Json json = {{"students", students},
               {"teacher", teacher},
               {"threshold_meV", options.threshold / meV},
               {"highest_eV", options.highest},
               {"notes", notes},
               {"sentences", sentences()},
               {"scans", Json::array()}};
  for (const auto &curve : curves) json["scans"].push_back(json_of(curve, *this));
  return json;
}

Json without_curves(Json reach)
{
  for (auto &scan : reach["scans"]) scan.erase("curves");
  return reach;
}

namespace {

  /// A row of the table. `several`: with a column for the spread of the students.
  void print_row(bool several, const std::array<std::string, 7> &cells)
  {
    std::printf("%-30s %6s %16s %9s %9s %9s", cells[0].c_str(), cells[1].c_str(), cells[2].c_str(),
                cells[3].c_str(), cells[4].c_str(), cells[5].c_str());
    if (several) std::printf(" %13s", cells[6].c_str());
    std::printf("\n");
  }

  /// A barrier of a scan; a dash where it has none.
  std::string barrier_cell(const Json &scan, const std::string &whose)
  {
    if (!scan.contains(whose + "_barrier_eV")) return "-";
    return (scan[whose + "_is_higher"].get<bool>() ? ">" : "") +
        text(scan[whose + "_barrier_eV"].get<double>(), 3);
  }

}    // namespace

void print_reach(const Json &reach)
{
  const bool several = reach["students"].size() > 1;
  std::printf("energies along rigid scans beside %s, relative to the start, up to %s eV\n",
              reach["teacher"].get<std::string>().c_str(),
              text(reach["highest_eV"].get<double>(), 1).c_str());
  print_row(several,
            {"scan", "alike", "within " + text(reach["threshold_meV"].get<double>(), 0) + " meV",
             "RMSE", "barrier", "teacher's", "spread where"});
  print_row(several, {"", "", "degrees, lengths", "meV", "eV", "eV", "parted, meV"});
  for (const auto &scan : reach["scans"]) {
    const int decimals = scan["kind"] == "torsion" ? 0 : 2;
    const auto end = [&](const char *key) {
      return text(scan[key].get<double>(), decimals);
    };
    print_row(several,
              {scan["name"], std::to_string(scan["alike"].get<int>()),
               scan["parts_at"].is_null() ? "all" : end("agrees_from") + " .. " + end("agrees_to"),
               text(scan["rmse_meV"].get<double>(), 1), barrier_cell(scan, "student"),
               barrier_cell(scan, "teacher"),
               scan.contains("spread_there_meV") ? text(scan["spread_there_meV"].get<double>(), 0)
                                                 : "-"});
  }
  std::printf("\n");
  for (const auto &line : reach["sentences"]) std::printf("%s\n", line.get<std::string>().c_str());
  for (const auto &note : reach["notes"])
    std::printf("note: %s\n", note.get<std::string>().c_str());
  std::fflush(stdout);
}

}    // namespace mlff
