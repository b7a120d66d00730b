// mlff analyze: the physics of a trajectory, beside that of a reference and of a second seed of it.
#include "analysis/analysis.h"
#include "analysis/thermo_log.h"
#include "commands/sub_command.h"
#include "core/progress.h"
#include "core/units.h"
#include "data/output_file.h"
#include "program/json_output.h"
#include "workflow/plot_script.h"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <map>
#include <memory>

namespace mlff {

namespace {

  using Json = nlohmann::ordered_json;

  struct AnalyzeOptions : AnalysisOptions {
    std::string trajectory, reference, second_seed, log, plots;
    bool json = false, no_bonds = false;
  };

  /// The name of a section in a table.
  std::string title(const std::string &section)
  {
    static const std::map<std::string, std::string> names = {
        {"potential_energy_eV", "potential energy (eV)"},
        {"energy_drift", "drift of the total energy"},
        {"temperature_K", "temperature (K)"},
        {"momentum_amu_A_per_ps", "momentum (amu Å/ps)"},
        {"angular_momentum_amu_A2_per_ps", "angular momentum (amu Å²/ps)"},
        {"bond_mean_A", "bonds, mean (Å)"},
        {"bond_width_A", "bonds, width (Å)"},
        {"angle_mean_degrees", "angles, mean (degrees)"},
        {"angle_width_degrees", "angles, width (degrees)"},
        {"torsion_flips_per_ps", "flips of a torsion in a ps"},
        {"torsion_msd_at_0.5_ps_rad2", "mean square turn in 0.5 ps (rad²)"},
        {"msd_at_0.5_ps_A2", "mean square displacement in 0.5 ps (Å²)"},
        {"temperature_difference_K", "difference of temperatures (K)"},
        {"rmse_A", "root mean square difference (Å)"},
        {"rmse_degrees", "root mean square difference (degrees)"},
        {"jensen_shannon_bond", "Jensen-Shannon distance, bonds"},
        {"jensen_shannon_angle", "Jensen-Shannon distance, angles"},
        {"jensen_shannon_dihedral", "Jensen-Shannon distance, dihedrals"},
        {"l1_rdf", "mean |difference of g(r)|"},
        {"l1_distances", "L1 of distributions of distances"},
        {"potential_energy", "potential energy"},
        {"torsion_msd_difference_rad2", "difference of mean square turns in 0.5 ps (rad²)"},
        {"vdos_peaks_per_cm", "peaks of the density of states (1/cm)"}};
    const auto found = names.find(section);
    return found == names.end() ? section : found->second;
  }

  std::string text(const Quantity *quantity)
  {
    if (!quantity) return "-";
    char words[64];
    if (std::isfinite(quantity->error))
      std::snprintf(words, sizeof words, "%.5g ± %.2g", quantity->value, quantity->error);
    else
      std::snprintf(words, sizeof words, "%.5g", quantity->value);
    return words;
  }

  /// Columns of quantities under a heading each; a quantity has one line, whatever columns have it.
  void print_table(const std::vector<std::string> &heads,
                   const std::vector<const std::vector<Quantity> *> &columns)
  {
    std::vector<std::pair<std::string, std::string>> lines;
    for (const auto *column : columns)
      for (const auto &quantity : *column) {
        const std::pair line{quantity.section, quantity.name};
        if (std::find(lines.begin(), lines.end(), line) != lines.end()) continue;
        // behind the last one of its section
        auto place = lines.end();
        for (auto at = lines.begin(); at != lines.end(); ++at)
          if (at->first == line.first) place = at + 1;
        lines.insert(place, line);
      }
    std::printf("%-40s", "");
    for (const auto &head : heads) std::printf(" %22s", head.c_str());
    std::printf("\n");
    std::string section;
    for (const auto &line : lines) {
      if (line.first != section) std::printf("%s\n", title(line.first).c_str());
      section = line.first;
      std::printf("  %-38s", line.second.c_str());
      for (const auto *column : columns) {
        const auto at = std::find_if(column->begin(), column->end(), [&](const Quantity &q) {
          return q.section == line.first && q.name == line.second;
        });
        const std::string words = text(at == column->end() ? nullptr : &*at);
        // the sign ± has two bytes
        std::printf(" %*s", words.find("±") == std::string::npos ? 22 : 23, words.c_str());
      }
      std::printf("\n");
    }
  }

  /// Rows of the slowest torsions in a table; --json has all.
  constexpr std::size_t most_rows = 16;

  std::string number_or_dash(double value, const char *how)
  {
    if (!std::isfinite(value)) return "-";
    char words[32];
    std::snprintf(words, sizeof words, how, value);
    return words;
  }

  void print_heads_of_samples()
  {
    std::printf("%-40s %14s %10s %10s %10s %10s %12s\n", "", "mean", "error", "by batches",
                "g, frames", "g, fs", "samples n/g");
  }

  /// Mean and its errors, g in frames and in fs, effective samples. spacing: ps, or nan.
  void print_samples(const std::string &name, const CorrelatedMean &of, double spacing)
  {
    std::printf("  %-38s %14s", name.c_str(), number_or_dash(of.mean, "%.7g").c_str());
    if (of.undefined.empty())
      std::printf(" %10s %10s %10s %10s %12s\n", number_or_dash(of.error, "%.2g").c_str(),
                  number_or_dash(of.batch_error, "%.2g").c_str(),
                  number_or_dash(of.inefficiency, "%.4g").c_str(),
                  number_or_dash(1e3 * spacing * of.inefficiency, "%.4g").c_str(),
                  number_or_dash(of.effective, "%.4g").c_str());
    else
      std::printf("   not known: %s\n", of.undefined.c_str());
  }

  Json json_of(const CorrelatedMean &of, double spacing)
  {
    Json out = {{"numbers", of.n}};
    const auto put = [&](const char *key, double value) {
      if (std::isfinite(value)) out[key] = value;
    };
    put("mean", of.mean);
    put("deviation", of.deviation);
    put("error", of.error);
    put("error_by_batches", of.batch_error);
    put("inefficiency_frames", of.inefficiency);
    put("inefficiency_fs", 1e3 * spacing * of.inefficiency);
    put("effective_samples", of.effective);
    if (!of.undefined.empty()) out["not_known"] = of.undefined;
    return out;
  }

  class Report {
   public:
    explicit Report(const AnalyzeOptions &options) : options(options)
    {
      // a missing file must not be noticed after an hour
      FramesOptions plain = options.frames;
      plain.weights.clear();
      TrajectoryFrames(options.trajectory, options.frames);
      for (const auto *path : {&options.reference, &options.second_seed})
        if (!path->empty()) TrajectoryFrames(*path, plain);
      read("trajectory", options.trajectory);
      read("reference", options.reference);
      read("second seed", options.second_seed);
      if (!options.log.empty()) read_log();
      if (analyses.size() > 1) against = analyses[0]->compare(*analyses[1]);
      if (analyses.size() > 2) floor = analyses[2]->compare(*analyses[1]);
    }

    void print() const
    {
      for (std::size_t k = 0; k < analyses.size(); k++) {
        const auto &a = *analyses[k];
        std::printf("%s: %s, %ld frames of %d atoms", roles[k].c_str(), a.path().c_str(),
                    a.frames(), a.atoms());
        if (a.has_weights())
          std::printf(", sum of weights %.6g", a.weight());
        else if (a.spacing() > 0.0)
          std::printf(", %.6g ps in %ld window%s of successive frames, one in %.6g fs, correlated "
                      "up to %.4g ps",
                      a.duration(), a.windows(), a.windows() == 1 ? "" : "s", 1e3 * a.spacing(),
                      a.longest_lag());
        std::printf("\n");
        for (const auto &note : a.notes()) std::printf("  %s\n", note.c_str());
      }
      std::printf("\n");
      std::vector<const std::vector<Quantity> *> columns;
      for (const auto &a : analyses) columns.push_back(&a->quantities());
      print_table(roles, columns);
      for (std::size_t k = 0; k < analyses.size(); k++) print_samples(k);
      for (std::size_t k = 0; k < analyses.size(); k++) {
        const auto &a = *analyses[k];
        const auto peaks = a.peaks();
        if (peaks.empty()) continue;
        std::printf(
            "\npeaks of the density of states, %s (1/cm; resolution %.3g, sampled up to %.5g):",
            roles[k].c_str(), a.resolution(), a.nyquist());
        for (const auto &peak : peaks) std::printf(" %.0f (%.2f)", peak.wavenumber, peak.height);
        std::printf("\n");
      }
      if (analyses.size() == 1) return;
      std::printf("\nagainst the reference\n");
      if (analyses.size() > 2)
        print_table({"trajectory", "noise (second seed)"}, {&against, &floor});
      else
        print_table({"trajectory"}, {&against});
    }

    Json json(bool curves) const
    {
      Json out;
      for (std::size_t k = 0; k < analyses.size(); k++) {
        const auto &a = *analyses[k];
        Json one = {{"role", roles[k]},
                    {"file", a.path()},
                    {"frames", a.frames()},
                    {"atoms", a.atoms()},
                    {"windows", a.windows()}};
        if (a.has_weights())
          one["weights"] = {{"from", options.frames.weights}, {"sum", a.weight()}};
        else if (a.spacing() > 0.0) {
          one["duration_ps"] = a.duration();
          one["interval_fs"] = 1e3 * a.spacing();
          one["longest_lag_ps"] = a.longest_lag();
        }
        one["notes"] = a.notes();
        for (const auto &q : a.quantities()) one["quantities"][q.section][q.name] = value_of(q);
        one["effective_samples"] = samples_json(k);
        if (a.nyquist() > 0.0) {
          one["vdos"] = {{"resolution_per_cm", a.resolution()},
                         {"nyquist_per_cm", a.nyquist()},
                         {"peaks", Json::array()}};
          for (const auto &peak : a.peaks())
            one["vdos"]["peaks"].push_back(
                {{"wavenumber_per_cm", peak.wavenumber}, {"height", peak.height}});
        }
        if (curves)
          for (const auto &curve : a.curves())
            one["curves"][curve.section][curve.name] = {{"x", curve.x}, {"y", curve.y}};
        out["trajectories"].push_back(std::move(one));
      }
      for (const auto &q : against) out["against_reference"][q.section][q.name] = value_of(q);
      for (const auto &q : floor) out["noise_floor"][q.section][q.name] = value_of(q);
      return out;
    }

    void plot() const
    {
      namespace fs = std::filesystem;
      fs::create_directories(options.plots);
      const auto numbers = (fs::path(options.plots) / "analysis.json").string(),
                 picture = (fs::path(options.plots) / "analysis.png").string();
      {
        OutputFile file(numbers, true);
        std::fputs(json(true).dump().c_str(), file);
        file.finish();
      }
      if (!run_plot_script("plot_analysis.py", {numbers, picture}))
        throw FileError("the picture could not be drawn; the numbers are in '" + numbers + "'");
      spdlog::info("wrote {}", picture);
    }

   private:
    AnalyzeOptions options;
    std::vector<std::string> roles;
    std::vector<std::unique_ptr<TrajectoryAnalysis>> analyses;
    std::vector<Quantity> against, floor;
    CorrelatedMean energy_of_log;

    void read_log()
    {
      CorrelatedSeries series;
      const double unit = options.frames.read.units == "real" ? kcal_per_mol_in_eV : 1.0;
      for (const double energy : thermo_column(options.log, "PotEng")) series.add(unit * energy);
      energy_of_log = series.result();
    }

    /// ps between frames where g may be told as a time.
    double spacing_of(std::size_t k) const
    {
      return analyses[k]->has_weights() || !(analyses[k]->spacing() > 0.0) ? std::nan("")
                                                                           : analyses[k]->spacing();
    }

    void print_samples(std::size_t k) const
    {
      const auto &samples = analyses[k]->samples();
      auto rows = samples.rows();
      // the energy stays first, torsions that are not known come last
      const auto torsions = rows.begin() + (samples.energy() ? 1 : 0);
      std::stable_sort(torsions, rows.end(), [](const auto &a, const auto &b) {
        return a.of.undefined.empty() &&
            (!b.of.undefined.empty() || a.of.effective < b.of.effective);
      });
      const bool log = k == 0 && !options.log.empty();
      if (rows.empty() && !log) return;
      std::printf("\neffective samples, %s\n", roles[k].c_str());
      print_heads_of_samples();
      if (log)
        mlff::print_samples("potential energy (eV), " + options.log, energy_of_log, std::nan(""));
      for (std::size_t n = 0; n < std::min(rows.size(), most_rows); n++)
        mlff::print_samples(rows[n].name + (rows[n].turns == 0 ? " (eV)" : ""), rows[n].of,
                            spacing_of(k));
      if (rows.size() > most_rows)
        std::printf("  and %zu faster ones (--json)\n", rows.size() - most_rows);
      if (const auto *slowest = samples.slowest_torsion())
        std::printf("  slowest torsion: %s, %.4g effective samples\n", slowest->name.c_str(),
                    slowest->of.effective);
    }

    Json samples_json(std::size_t k) const
    {
      const auto &samples = analyses[k]->samples();
      const double spacing = spacing_of(k);
      Json out = Json::object();
      if (const auto *energy = samples.energy()) {
        out["potential_energy"] = json_of(energy->of, spacing);
        out["potential_energy"]["unit"] = "eV";
      }
      if (k == 0 && !options.log.empty()) {
        out["potential_energy_of_log"] = json_of(energy_of_log, std::nan(""));
        out["potential_energy_of_log"]["file"] = options.log;
      }
      out["torsions"] = Json::array();
      for (const auto &row : samples.rows()) {
        if (row.turns == 0) continue;
        Json one = {{"name", row.name}, {"atoms", row.atoms}, {"turns", row.turns}};
        one.update(json_of(row.of, spacing));
        out["torsions"].push_back(std::move(one));
      }
      if (const auto *slowest = samples.slowest_torsion()) {
        out["slowest_torsion"] = {{"name", slowest->name}};
        out["slowest_torsion"].update(json_of(slowest->of, spacing));
      }
      return out;
    }

    static Json value_of(const Quantity &q)
    {
      Json value = {{"value", q.value}};
      if (std::isfinite(q.error)) value["error"] = q.error;
      return value;
    }

    void read(const std::string &role, const std::string &path)
    {
      if (path.empty()) return;
      Progress progress(role);
      AnalyzeOptions how = options;
      if (role != "trajectory") how.frames.weights.clear();
      analyses.push_back(
          std::make_unique<TrajectoryAnalysis>(path, how, [&](double share, long frames) {
            if (frames % 100 == 0)
              progress.update(0.999 * share, std::to_string(frames) + " frames");
          }));
      progress.update(1.0, std::to_string(analyses.back()->frames()) + " frames");
      roles.push_back(role);
    }
  };

}    // namespace

void add_command_analyze(CLI::App &program)
{
  CommandOptions<AnalyzeOptions> o(program, "analyze",
                                   "The physics of a trajectory: energy, temperatures, "
                                   "structure, spectrum, motion; against a reference");
  o.app
      .add_option("--traj", o->trajectory,
                  "extended XYZ, or a LAMMPS dump (.dump, .lammpstrj), atoms sorted")
      ->required();
  auto *reference = o.app.add_option("--reference", o->reference, "trajectory to compare with");
  o.app
      .add_option("--second-seed", o->second_seed,
                  "the reference with another seed: its differences are noise")
      ->needs(reference);
  auto *weights = o.app.add_option(
      "--weights", o->frames.weights,
      "weights of the frames of --traj: a key of the comment line of extended XYZ, "
      "or a file with one number a frame");
  o.app
      .add_option("--log", o->log,
                  "log of LAMMPS: effective samples of the potential energy in its last run")
      ->excludes(weights);
  add_json_option(o.app, o->json);
  o.app.add_option("--plots", o->plots, "folder for a picture, and the curves in it as JSON");

  const char *files = "What files do not say";
  auto *interval =
      o.app
          .add_option("--interval", o->frames.interval, "fs between frames, whatever the file says")
          ->check(above_zero)
          ->group(files);
  o.app
      .add_option("--timestep", o->frames.timestep,
                  "fs of a time step, where a file has numbers of steps and no times")
      ->check(above_zero)
      ->excludes(interval)
      ->group(files);
  add_read_options(o.app, o->frames.read);

  OptionGroup how(o.app, "How");
  how.add_not_negative("--skip", o->frames.skip, "ps to leave out at the beginning");
  o.app
      .add_option("--every", o->frames.every,
                  "fs: frames that come earlier after the one before are left out")
      ->check(above_zero)
      ->group("How");
  how.add_above_zero("--lag", o->lag,
                     "ps, longest of correlation functions; the density of states has the "
                     "resolution 33/lag (1/cm)");
  how.add_above_zero("--rmax", o->r_max, "Å, longest of pair distances");
  how.add_not_negative(
      "--rdf-every", o->rdf_every,
      "frames from one with pair distances to the next; 0: one for each 500 atoms");
  how.add("--memory", o->memory, "MiB for correlation functions, and as much for effective samples")
      ->check(CLI::Range(1, 1 << 20));
  how.add(
         "--hysteresis", o->core,
         "half width of a torsion's wells, share of half of their distance; flips are counted from "
         "well to well")
      ->check(CLI::Range(0.05, 1.0));
  how.add_flag("--no-bonds", o->no_bonds, "every atom by itself");
  o.app.footer("Example:\n  mlff analyze --traj jumps.xyz --reference verlet.xyz --second-seed "
               "verlet-2.xyz --plots pictures");
  o.app.callback([o] {
    o->bonds = !o->no_bonds;
    const Report report(*o);
    if (o->json)
      std::printf("%s\n", report.json(false).dump(2).c_str());
    else
      report.print();
    if (!o->plots.empty()) report.plot();
  });
}

}    // namespace mlff
