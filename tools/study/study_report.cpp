// Writes the report of a study.
#include "study/study_report.h"

#include "data/output_file.h"
#include "workflow/plot_script.h"

#include <spdlog/spdlog.h>

#include <cmath>
#include <vector>

namespace mlff {

namespace {

  using Json = nlohmann::ordered_json;

  std::string format(const char *how, double value)
  {
    if (!std::isfinite(value)) return "-";
    char text[64];
    std::snprintf(text, sizeof text, how, value);
    return text;
  }

  double number_of(const Json &json, const std::vector<std::string> &path)
  {
    const Json *at = &json;
    for (const auto &key : path) {
      if (!at->is_object() || !at->contains(key)) return std::nan("");
      at = &(*at)[key];
    }
    return at->is_number() ? at->get<double>() : std::nan("");
  }

  /// "296.1 ± 2.3"
  std::string with_error(const Json &row, const std::string &where, const std::string &section,
                         const std::string &name, const char *how)
  {
    const double value = number_of(row, {where, section, name, "value"}),
                 error = number_of(row, {where, section, name, "error"});
    return format(how, value) +
        (std::isfinite(value) && std::isfinite(error) ? " ± " + format(how, error) : "");
  }

  std::string with_range(const Json &row, const std::string &key)
  {
    const double median = number_of(row, {"times", key, "median"});
    if (!std::isfinite(median)) return "-";
    return format("%.3g", median) + " (" + format("%.3g", number_of(row, {"times", key, "least"})) +
        " to " + format("%.3g", number_of(row, {"times", key, "largest"})) + ")";
  }

  std::vector<std::string> names_in(const Json &rows, const std::string &where,
                                    const std::string &section)
  {
    std::vector<std::string> names;
    for (const auto &row : rows)
      if (row.contains(where) && row[where].is_object() && row[where].contains(section))
        for (const auto &[name, value] : row[where][section].items())
          if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    return names;
  }

  class Page {
   public:
    Page(const std::string &path, const Json &report) : report(report), file(path, true) {}

    void write()
    {
      line("# " + report["title"].get<std::string>());
      line("");
      line("`" + report["command"].get<std::string>() + "`, " +
           report["program"].get<std::string>() + ", on " + report["machine"].get<std::string>() +
           ".");
      line("");
      line(format("%g K", report["temperature_K"]) + ", Langevin thermostat with a friction of " +
           format("%g/ps", report["friction_per_ps"]) + "; " + format("%g ps", report["ps"]) +
           " of each of " + std::to_string(report["seeds"].size()) +
           (report["seeds"].size() == 1 ? " seed" : " seeds") +
           " after a warm-up, several runs at a time. Times are from other runs of " +
           format("%g ps", report["timing"]["ps"]) + ", warmed up and one at a time: medians of " +
           format("%g", report["timing"]["repeats"]) +
           " with least and largest. CPU seconds hardly feel other programs on the machine; wall "
           "seconds do. `cN` and `fX` in names: N corrector steps, or the "
           "share X of the steps of a stride, "
           "rounded to whole steps.");
      for (const auto &molecule : report["molecules"]) {
        rows = &molecule["rows"];
        line("");
        line("## " + molecule["molecule"].get<std::string>());
        failures();
        speed();
        samples();
        temperatures();
        bonds();
        distances();
        motion();
        line("");
        line("![" + molecule["molecule"].get<std::string>() + "](" + picture(molecule["molecule"]) +
             ")");
        line("");
        line("Rows of this table and picture: " + where_from() + ".");
      }
      file.finish();
    }

    static std::string picture(const std::string &molecule)
    {
      std::string name;
      for (const char c : molecule) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '-';
      return name + ".png";
    }

   private:
    const Json &report;
    const Json *rows = nullptr;
    OutputFile file;

    void line(const std::string &text) { std::fprintf(file, "%s\n", text.c_str()); }

    std::string where_from() const
    {
      return "`" + report["command"].get<std::string>() + "`, " +
          report["machine"].get<std::string>();
    }

    void table(const std::vector<std::string> &head,
               const std::vector<std::vector<std::string>> &body, const std::string &below)
    {
      if (body.empty()) return;
      const auto put = [&](const std::vector<std::string> &cells) {
        std::string text = "|";
        for (const auto &cell : cells) text += " " + cell + " |";
        line(text);
      };
      line("");
      put(head);
      std::string rule = "|";
      for (std::size_t k = 0; k < head.size(); k++) rule += "---|";
      line(rule);
      for (const auto &cells : body) put(cells);
      line("");
      line(below + " (" + where_from() + ")");
    }

    /// One line for each method that has something to say; its name is the first column.
    template <class Cells>
    void table_of_methods(std::vector<std::string> head, const Cells &cells,
                          const std::string &below)
    {
      head.insert(head.begin(), "method");
      std::vector<std::vector<std::string>> body;
      for (const auto &row : *rows) {
        std::vector<std::string> line = cells(row);
        if (line.empty() || std::all_of(line.begin(), line.end(), [](const std::string &cell) {
              return cell == "-";
            }))
          continue;
        line.insert(line.begin(), row["method"].get<std::string>());
        body.push_back(std::move(line));
      }
      table(head, body, below);
    }

    void failures()
    {
      for (const auto &row : *rows)
        if (row.contains("failed"))
          for (const auto &one : row["failed"])
            line("\n**" + row["method"].get<std::string>() + "**, seed " + one["seed"].dump() +
                 ", failed: " + one["why"].get<std::string>());
    }

    void speed()
    {
      line("\n### Speed");
      const Json &reference = rows->front();
      const double base = number_of(reference, {"times", "cpu_s_per_ps", "median"});
      table_of_methods(
          {"stride, fs", "corrector steps", "acceptance", "force calls per ps", "CPU s per ps",
           "wall s per ps", "times as fast as " + reference["method"].get<std::string>()},
          [&](const Json &row) -> std::vector<std::string> {
            const bool jumps = row["kind"] == "jump" || row["kind"] == "student";
            return {format("%g", row["stride_fs"]),
                    jumps && row["control"] != "corrector" ? format("%g", row["corrector_steps"])
                                                           : "-",
                    format("%.4f", number_of(row, {"acceptance"})),
                    format("%.4g", number_of(row, {"force_calls_per_ps"})),
                    with_range(row, "cpu_s_per_ps"),
                    with_range(row, "wall_s_per_ps"),
                    format("%.2f", base / number_of(row, {"times", "cpu_s_per_ps", "median"}))};
          },
          "Speed, by CPU time. Force calls of r-RESPA and multiple time steps: outer ones.");
      table_of_methods(
          {"model, ms a call", "force, ms a call", "a (1 - f) S t_force, ms", "the jump pays",
           "energy of a jump, kT: mean", "root mean square"},
          [&](const Json &row) -> std::vector<std::string> {
            const double model = number_of(row, {"times", "model_ms", "median"}),
                         force = number_of(row, {"times", "force_ms", "median"});
            if (!std::isfinite(model)) return {};
            const double accepted = number_of(row, {"acceptance"});
            const double even = (std::isfinite(accepted) ? accepted : 1.0) *
                (1.0 - row["fraction"].get<double>()) * row["steps"].get<double>() * force;
            return {with_range(row, "model_ms"),
                    with_range(row, "force_ms"),
                    format("%.3g", even),
                    !std::isfinite(even) ? "-"
                        : model < even   ? "yes, " + format("%.3g", even / model) + " times"
                        : even > 0.0     ? "no, " + format("%.3g", model / even) + " times too dear"
                                         : "no",
                    format("%.3f", number_of(row, {"energy_of_jump_kT", "mean"})),
                    format("%.3f", number_of(row, {"energy_of_jump_kT", "rms"}))};
          },
          "Break-even of a jump of S steps with the corrector share f, of which the share a is "
          "accepted: a model call must cost less than a (1 - f) S force "
          "calls.");
    }

    void samples()
    {
      if (std::none_of(rows->begin(), rows->end(), [](const Json &row) {
            return row.contains("ess_torsion") || row.contains("ess_energy");
          }))
        return;
      line("\n### Independent samples");
      const std::string reference = rows->front()["method"].get<std::string>();
      table_of_methods(
          {"slowest torsion", "its samples", "per call", "per s", "times " + reference,
           "samples of the energy", "per call", "per s", "times " + reference},
          [&](const Json &row) {
            std::vector<std::string> cells = {row.value("slowest_torsion", std::string("-"))};
            for (const std::string what : {"torsion", "energy"}) {
              const std::string key = "ess_" + what;
              for (const auto &[name, how] : {std::pair{key, "%.0f"},
                                              {key + "_per_call", "%.3g"},
                                              {key + "_per_s", "%.3g"},
                                              {"speedup_" + key, "%.3g"}})
                cells.push_back(format(how, number_of(row, {name})));
            }
            return cells;
          },
          "Effective samples, that is frames over their statistical inefficiency, of the potential "
          "energy and of sin or cos of the torsion that is slowest in the run: in all seeds, for a "
          "call of the force, and for a second of CPU time. Numbers of samples below some 20 are "
          "guesses: the runs are too short for them.");
    }

    void temperatures()
    {
      const auto names = names_in(*rows, "quantities", "temperature_K");
      if (names.empty()) return;
      line("\n### Temperatures");
      table_of_methods(
          names,
          [&](const Json &row) {
            std::vector<std::string> cells;
            for (const auto &name : names)
              cells.push_back(with_error(row, "quantities", "temperature_K", name, "%.0f"));
            return cells;
          },
          "K, with standard errors: all atoms, elements, hydrogens by what they are bonded to, "
          "translation, rotation and vibration of the molecule, and bonds "
          "(relative velocity along them).");
    }

    void bonds()
    {
      const auto names = names_in(*rows, "quantities", "bond_mean_A");
      if (names.empty()) return;
      line("\n### Structure");
      auto head = names;
      head.insert(head.end(),
                  {"bond means, RMSE", "bond widths, RMSE", "angle means, RMSE (degrees)",
                   "frames with a broken bond"});
      table_of_methods(
          head,
          [&](const Json &row) {
            std::vector<std::string> cells;
            for (const auto &name : names) {
              const double mean = number_of(row, {"quantities", "bond_mean_A", name, "value"});
              cells.push_back(
                  std::isfinite(mean) ? format("%.4f", mean) + ", " +
                          format("%.4f",
                                 number_of(row, {"quantities", "bond_width_A", name, "value"}))
                                      : "-");
            }
            for (const char *name : {"bond means", "bond widths"})
              cells.push_back(
                  format("%.4f", number_of(row, {"against_reference", "rmse_A", name, "value"})));
            cells.push_back(format(
                "%.2f",
                number_of(row, {"against_reference", "rmse_degrees", "angle means", "value"})));
            cells.push_back(format(
                "%.0f", number_of(row, {"quantities", "frames", "with a broken bond", "value"})));
            return cells;
          },
          "Å: mean and width of bonds, and root mean square differences over all bonds from the "
          "reference's first seed. In the row of the reference: its "
          "further seeds, the noise. A bond is broken where it is longer than 1.6 sums of covalent "
          "radii; frames are those of one seed.");
    }

    static double mean_of(const Json &row, const std::string &section)
    {
      if (!row.contains("against_reference") || !row["against_reference"].contains(section))
        return std::nan("");
      double sum = 0.0, n = 0.0;
      for (const auto &[name, value] : row["against_reference"][section].items())
        if (value["value"].is_number()) {
          sum += value["value"].get<double>();
          n++;
        }
      return sum / n;
    }

    void distances()
    {
      table_of_methods(
          {"bonds", "angles", "dihedrals", "potential energy", "its mean, meV",
           "Kolmogorov-Smirnov p", "independent samples", "pair distances, L1"},
          [&](const Json &row) -> std::vector<std::string> {
            const auto energy = [&](const char *name) {
              return number_of(row, {"against_reference", "potential_energy", name, "value"});
            };
            return {format("%.3f", mean_of(row, "jensen_shannon_bond")),
                    format("%.3f", mean_of(row, "jensen_shannon_angle")),
                    format("%.3f", mean_of(row, "jensen_shannon_dihedral")),
                    format("%.3f", energy("Jensen-Shannon distance")),
                    with_error(row, "against_reference", "potential_energy",
                               "difference of means, meV", "%.0f"),
                    format("%.2g", energy("Kolmogorov-Smirnov p")),
                    format("%.0f", energy("independent samples")),
                    format("%.3f", mean_of(row, "l1_distances"))};
          },
          "Jensen-Shannon distances from the reference's first seed, means over the kinds; "
          "potential energies with Kolmogorov-Smirnov's p of decorrelated "
          "samples. In the row of the reference: its "
          "further seeds, the noise that no method can be below.");
    }

    void motion()
    {
      line("\n### Motion");
      const auto turns = names_in(*rows, "quantities", "torsion_msd_at_0.5_ps_rad2");
      std::vector<std::string> head;
      for (const auto &name : turns) head.push_back(name + ", rad² in 0.5 ps");
      for (const auto &name : turns) head.push_back(name + ", flips per ps");
      head.insert(head.end(), {"peaks, rms (1/cm)", "largest", "of", "sampled up to (1/cm)"});
      table_of_methods(
          head,
          [&](const Json &row) {
            std::vector<std::string> cells;
            for (const auto &name : turns)
              cells.push_back(format(
                  "%.2f",
                  number_of(row, {"quantities", "torsion_msd_at_0.5_ps_rad2", name, "value"})));
            for (const auto &name : turns)
              cells.push_back(with_error(row, "quantities", "torsion_flips_per_ps", name, "%.2f"));
            for (const char *name : {"root mean square", "largest", "peaks compared"})
              cells.push_back(format(
                  "%.0f",
                  number_of(row, {"against_reference", "vdos_peaks_per_cm", name, "value"})));
            cells.push_back(format("%.0f", number_of(row, {"nyquist_per_cm"})));
            return cells;
          },
          "Mean square turn of torsions in 0.5 ps, flips from well to well, and how far peaks of "
          "the vibrational density of states are from those of the "
          "reference, which are folded where frames are too "
          "far apart to show them. A method that moves nothing passes every table above and fails "
          "here.");
    }
  };

}    // namespace

void write_study_report(const std::string &folder, const Json &report)
{
  Page(folder + "/report.md", report).write();
  if (!run_plot_script("plot_study.py", {folder}))
    spdlog::warn("the pictures could not be drawn; the numbers are in {}/report.json", folder);
}

}    // namespace mlff
