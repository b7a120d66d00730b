// The runs of a study, and their evaluation.
#include "study/study.h"

#include "analysis/analysis.h"
#include "core/elements.h"
#include "core/progress.h"
#include "data/input_record.h"
#include "data/output_file.h"
#include "molecule/molecule.h"
#include "potential/find_potential.h"
#include "study/study_inputs.h"
#include "study/study_report.h"
#include "workflow/lammps_run.h"
#include "workflow/process_pool.h"
#include "workflow/run_folder.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

  /// Effective samples of the runs of a method, one for each seed.
  class SamplesOfRuns {
   public:
    void add(const EffectiveSamples &samples, double force_calls)
    {
      calls += force_calls;
      const auto *slowest = samples.slowest_torsion(), *potential = samples.energy();
      if (slowest) {
        torsion += slowest->of.effective;
        if (name.empty()) name = slowest->name;
      }
      if (potential && potential->of.undefined.empty()) energy += potential->of.effective;
    }

    /// Keys of a row that has its times; those that are not known are left out.
    void write(Json &row) const
    {
      const Json &times = row["times"];
      const char *clock = times.contains("cpu_s_per_call") ? "cpu_s_per_call" : "wall_s_per_call";
      const double seconds = times.contains(clock) ? times[clock]["median"].get<double>() : 0.0;
      if (!name.empty()) row["slowest_torsion"] = name;
      for (const auto &[what, effective] : {std::pair{"torsion", torsion}, {"energy", energy}}) {
        if (!(effective > 0.0) || !(calls > 0.0)) continue;
        const std::string key = std::string("ess_") + what;
        row[key] = effective;
        row[key + "_per_call"] = effective / calls;
        if (seconds > 0.0) row[key + "_per_s"] = effective / calls / seconds;
      }
    }

   private:
    double torsion = 0.0, energy = 0.0, calls = 0.0;
    std::string name;
  };

  /// Effective samples a second in those of the reference.
  void compare_samples(const Json &reference, Json &row)
  {
    for (const std::string what : {"torsion", "energy"})
      if (const std::string key = "ess_" + what + "_per_s";
          row.contains(key) && reference.contains(key))
        row["speedup_ess_" + what] = row[key].get<double>() / reference[key].get<double>();
  }

  class Study {
   public:
    explicit Study(const StudyOptions &options) :
        options(options), settings(StudySettings::read(options.settings, options.output)),
        folder(settings.output, "mlff study", "study.json"), lammps(lammps_program(options.lammps)),
        jobs(processes_at_a_time(options.jobs))
    {
      if (options.length > 0.0) settings.length = options.length;
      if (options.timing_length > 0.0) settings.timing_length = options.timing_length;
      for (const auto &molecule : settings.molecules) {
        if (molecule.smiles.empty()) {
          start_data.push_back(text_of(molecule.data));
          elements.push_back(molecule.elements);
          continue;
        }
        const Molecule made = make_molecule(molecule.smiles, 1, 1);
        fs::path file =
            fs::temp_directory_path() / ("mlff-study-" + std::to_string(getpid()) + ".data");
        {
          OutputFile data(file.string(), true);
          write_data(data, made, 1, 8.0, false, 1);
          data.finish();
        }
        start_data.push_back(text_of(file));
        fs::remove(file);
        std::vector<std::string> symbols;
        for (const auto &type : atom_types(made)) symbols.push_back(element_symbol(type.number));
        elements.push_back(symbols);
      }
      list_runs();
    }

    void go()
    {
      folder.open();
      for (const auto &run : runs) check(run);
      folder.manifest = {{"program", "mlff " MLFF_VERSION},
                         {"settings", fs::path(settings.path).filename().string()},
                         {"command", options.command}};
      folder.save();
      one_thread_each();
      if (!options.only_report) {
        dynamics();
        timings();
      }
      write_report();
    }

   private:
    struct Run {
      std::size_t molecule;
      const StudyMethod *method;
      int seed = 0, repeat = -1;    // repeat: of timings
      fs::path place;
      std::string input;

      bool timing() const { return repeat >= 0; }
    };

    StudyOptions options;
    StudySettings settings;
    RunFolder folder;
    std::string lammps;
    int jobs;
    std::vector<std::string> start_data;
    std::vector<std::vector<std::string>> elements;
    std::vector<Run> runs;

    void list_runs()
    {
      for (std::size_t m = 0; m < settings.molecules.size(); m++)
        for (const auto *method : settings.methods_of(settings.molecules[m])) {
          const fs::path place = folder / file_name_of(settings.molecules[m].name) / method->name;
          for (const int seed : settings.seeds)
            runs.push_back(
                {m, method, seed, -1, place / ("seed-" + std::to_string(seed)),
                 study_input(settings, settings.molecules[m], elements[m], *method, seed, false)});
          for (int repeat = 0; repeat < settings.repeats; repeat++)
            runs.push_back({m, method, settings.seeds.front(), repeat,
                            place / ("timing-" + std::to_string(repeat + 1)),
                            study_input(settings, settings.molecules[m], elements[m], *method,
                                        settings.seeds.front(), true)});
        }
    }

    static Json result_of(const Run &run)
    {
      const Json result = Json::parse(text_of(run.place / "result.json"), nullptr, false);
      return result.is_discarded() ? Json() : result;
    }
    static bool done(const Run &run) { return !result_of(run).is_null(); }

    /// Contents of every file that the commands of a run name: potentials, parameters, further
    /// input.
    static InputRecord inputs_of(const Run &run)
    {
      InputRecord record;
      std::set<std::string> seen = {"start.data",
                                    "frames.xyz"};    // made by the run, or compared by itself
      std::istringstream words(run.input);
      for (std::string word; words >> word;) {
        if (!seen.insert(word).second) continue;
        const std::string file = find_potential(word, run.place);
        if (fs::is_regular_file(file)) record.add_file("input", file);
      }
      return record;
    }

    /// Results of other settings are neither taken nor lost.
    void check(const Run &run) const
    {
      if (done(run) &&
          (text_of(run.place / "in.run") != run.input ||
           text_of(run.place / "start.data") != start_data[run.molecule]))
        throw FileError("'" + run.place.string() +
                        "' was made with other settings; use these again to go on, remove that "
                        "folder, or give another output");
      if (done(run))
        inputs_of(run).compare(
            result_of(run).value("inputs", Json()), "'" + run.place.string() + "'",
            "use those again to go on, remove that folder, or give another output");
    }

    int start(const Run &run) const
    {
      fs::create_directories(run.place);
      std::ofstream(run.place / "start.data") << start_data[run.molecule];
      write_json(run.place / "inputs.json", inputs_of(run).json());
      output_to(run.place / "log");
      replace_by_lammps(lammps, run.place, run.input, {});
    }

    void finish(const Run &run, int status, bool &stop) const
    {
      // killed: by somebody, or by the system; that says nothing about the method
      if (status >= 128) {
        spdlog::warn("{}: LAMMPS was stopped by signal {}; the same command runs it again",
                     run.place.string(), status - 128);
        stop = true;
        return;
      }
      Json result;
      if (status == 0) {
        result = study_log((run.place / "log").string(), settings, *run.method, run.timing());
      } else {
        result["failed"] = last_error(run.place / "log", status);
        spdlog::warn("{}: {}", run.place.string(), result["failed"].get<std::string>());
      }
      result["inputs"] = Json::parse(text_of(run.place / "inputs.json"), nullptr, false);
      write_json(run.place / "result.json", result);
    }

    void dynamics()
    {
      ProcessPool pool;
      bool stop = false;
      for (const auto &run : runs) {
        if (run.timing() || done(run)) continue;
        // A run that is half done starts anew.
        fs::remove_all(run.place);
        const double frames = settings.length * 1e3 / std::max(settings.frame, run.method->cycle());
        auto counter = std::make_shared<FrameCounter>(run.place / "frames.xyz");
        pool.add({[this, run] {
                    return start(run);
                  },
                  [counter, frames] {
                    return double(counter->count()) / frames;
                  },
                  [this, run, &stop](int status) {
                    finish(run, status, stop);
                  }});
      }
      if (pool.size() > 0) {
        spdlog::info("{} runs of {:g} ps, {} at a time", pool.size(), settings.length, jobs);
        Progress progress("dynamics");
        pool.run(jobs, [&](double share) {
          progress.update(share);
        });
      }
      if (stop) throw FileError("not all runs were finished; give the same command again");
    }

    /// One after the other, all methods in each round, so that a busy hour does not meet one method
    /// alone.
    void timings()
    {
      std::vector<const Run *> order;
      for (int repeat = 0; repeat < settings.repeats; repeat++)
        for (const auto &run : runs)
          if (run.repeat == repeat && !done(run)) order.push_back(&run);
      if (order.empty()) return;
      spdlog::info("{} timings of {:g} ps, one at a time", order.size(), settings.timing_length);
      Progress progress("timings");
      bool stop = false;
      for (std::size_t k = 0; k < order.size() && !stop; k++) {
        const Run &run = *order[k];
        fs::remove_all(run.place);
        ProcessPool one;
        one.add({[&] {
                   return start(run);
                 },
                 nullptr,
                 [&](int status) {
                   finish(run, status, stop);
                 }});
        one.run(1, [&](double) {
          progress.update(double(k) / double(order.size()), run.method->name);
        });
      }
      if (stop) throw FileError("not all timings were finished; give the same command again");
      progress.update(1.0);
    }

    static Json spread(std::vector<double> values)
    {
      std::erase_if(values, [](double x) {
        return !std::isfinite(x);
      });
      if (values.empty()) return {};
      std::sort(values.begin(), values.end());
      const std::size_t n = values.size();
      return {{"median", 0.5 * (values[(n - 1) / 2] + values[n / 2])},
              {"least", values.front()},
              {"largest", values.back()},
              {"n", n}};
    }

    Json times(std::size_t molecule, const StudyMethod *method) const
    {
      Json out = Json::object();
      for (const char *key : {"cpu_s_per_ps", "wall_s_per_ps", "cpu_s_per_call", "wall_s_per_call",
                              "model_ms", "force_ms"}) {
        std::vector<double> values;
        for (const auto &run : runs)
          if (run.timing() && run.molecule == molecule && run.method == method)
            if (const Json result = result_of(run); result.contains(key))
              values.push_back(result[key]);
        if (const Json found = spread(values); !found.is_null()) out[key] = found;
      }
      return out;
    }

    static Json values_of(const std::vector<Quantity> &list)
    {
      Json out;
      for (const auto &q : list) {
        out[q.section][q.name] = {{"value", q.value}};
        if (std::isfinite(q.error)) out[q.section][q.name]["error"] = q.error;
      }
      return out;
    }

    /// Means over seeds: errors of independent runs.
    static std::vector<Quantity> mean_of(const std::vector<std::vector<Quantity>> &lists)
    {
      std::vector<Quantity> out;
      if (lists.empty()) return out;
      for (const auto &q : lists.front()) {
        Quantity mean = q;
        double n = 0.0, sum = 0.0, square = 0.0;
        for (const auto &list : lists)
          for (const auto &other : list)
            if (other.section == q.section && other.name == q.name) {
              n++;
              sum += other.value;
              square += other.error * other.error;
            }
        mean.value = sum / n;
        mean.error = std::sqrt(square) / n;
        out.push_back(mean);
      }
      return out;
    }

    /// Motion of torsions, and the spectrum of all atoms.
    static void put_curves(const TrajectoryAnalysis &analysis, Json &row)
    {
      for (const auto &curve : analysis.curves()) {
        if (curve.section != "torsion_msd" && (curve.section != "vdos" || curve.name != "all"))
          continue;
        // five points within the resolution of a spectrum are enough
        const auto every = curve.section == "vdos"
            ? std::max<std::size_t>(1, std::size_t(analysis.resolution() / curve.x[1] / 5.0))
            : 1;
        Json &line = row["curves"][curve.section][curve.name];
        for (std::size_t k = 0; k < curve.x.size(); k += every) {
          line["x"].push_back(curve.x[k]);
          line["y"].push_back(curve.y[k]);
        }
      }
    }

    Json row(std::size_t m, const StudyMethod *method, bool is_reference,
             std::unique_ptr<TrajectoryAnalysis> &reference) const
    {
      Json out = {{"method", method->name},
                  {"kind",
                   std::vector<std::string>{"verlet", "respa", "mts", "jump",
                                            "student"}[std::size_t(method->kind)]},
                  {"control", method->control},
                  {"file", fs::path(method->file).filename().string()},
                  {"timestep_fs", method->timestep},
                  {"stride_fs", method->stride},
                  {"steps", method->steps()},
                  {"corrector_steps", method->corrector_steps()},
                  {"fraction", double(method->corrector_steps()) / method->steps()}};
      if (!method->segments.empty()) out["segments"] = method->segments;
      std::vector<std::vector<Quantity>> found, against;
      SamplesOfRuns samples;
      std::vector<double> acceptance, calls, energy_mean, energy_rms;
      Json second;
      for (const auto &run : runs) {
        if (run.timing() || run.molecule != m || run.method != method) continue;
        const Json result = result_of(run);
        if (result.is_null()) continue;
        if (result.contains("failed")) {
          out["failed"].push_back({{"seed", run.seed}, {"why", result["failed"]}});
          continue;
        }
        if (result.contains("acceptance")) acceptance.push_back(result["acceptance"]);
        if (result.contains("energy_of_jump_kT") &&
            result["energy_of_jump_kT"]["mean"].is_number()) {
          energy_mean.push_back(result["energy_of_jump_kT"]["mean"]);
          energy_rms.push_back(result["energy_of_jump_kT"]["rms"]);
        }
        if (result.contains("force_calls_per_ps")) calls.push_back(result["force_calls_per_ps"]);
        AnalysisOptions how;
        how.lag = settings.lag;
        if (!method->metropolis) how.frames.every = study_spacing(settings, *method);
        auto analysis =
            std::make_unique<TrajectoryAnalysis>((run.place / "frames.xyz").string(), how);
        found.push_back(analysis->quantities());
        samples.add(analysis->samples(), result.value("force_calls", 0.0));
        if (reference) against.push_back(analysis->compare(*reference));
        if (!out.contains("curves")) {
          put_curves(*analysis, out);
          if (analysis->spacing() > 0.0) {
            out["frame_fs"] = 1e3 * analysis->spacing();
            out["duration_ps"] = analysis->duration();
            out["nyquist_per_cm"] = analysis->nyquist();
          }
          out["peaks_per_cm"] = Json::array();
          for (const auto &peak : analysis->peaks())
            if (peak.height > 0.1) out["peaks_per_cm"].push_back(peak.wavenumber);
        }
        if (is_reference && run.seed == settings.seeds.front()) reference = std::move(analysis);
      }
      out["seeds"] = found.size();
      const auto mean = [](const std::vector<double> &list) {
        double sum = 0.0;
        for (const double x : list) sum += x / double(list.size());
        return sum;
      };
      if (!acceptance.empty()) out["acceptance"] = mean(acceptance);
      if (!energy_mean.empty())
        out["energy_of_jump_kT"] = {{"mean", mean(energy_mean)}, {"rms", mean(energy_rms)}};
      if (!calls.empty()) out["force_calls_per_ps"] = mean(calls);
      out["quantities"] = values_of(mean_of(found));
      if (!against.empty()) out["against_reference"] = values_of(mean_of(against));
      out["times"] = times(m, method);
      samples.write(out);
      return out;
    }

    void write_report() const
    {
      Json report = {{"title", settings.title},
                     {"command", options.command},
                     {"program", "mlff " MLFF_VERSION},
                     {"settings", fs::path(settings.path).filename().string()},
                     {"machine", machine()},
                     {"reference", settings.reference},
                     {"temperature_K", settings.temperature},
                     {"friction_per_ps", settings.friction},
                     {"ps", settings.length},
                     {"seeds", settings.seeds},
                     {"timing", {{"ps", settings.timing_length}, {"repeats", settings.repeats}}}};
      Progress progress("analysis");
      std::size_t n = 0, all = 0;
      for (const auto &molecule : settings.molecules) all += settings.methods_of(molecule).size();
      for (std::size_t m = 0; m < settings.molecules.size(); m++) {
        Json one = {{"molecule", settings.molecules[m].name},
                    {"smiles", settings.molecules[m].smiles},
                    {"rows", Json::array()}};
        std::unique_ptr<TrajectoryAnalysis> reference;
        for (const auto *method : settings.methods_of(settings.molecules[m])) {
          const bool first = one["rows"].empty();
          one["rows"].push_back(row(m, method, first, reference));
          compare_samples(one["rows"].front(), one["rows"].back());
          progress.update(double(++n) / double(all), method->name);
        }
        report["molecules"].push_back(std::move(one));
      }
      write_json(folder / "report.json", report);
      write_study_report(folder.name(), report);
      spdlog::info("wrote {0}/report.md and {0}/report.json", folder.name());
    }

    /// Processor, cores and memory, as the reader of a table wants to know them.
    static std::string machine()
    {
      std::ifstream in("/proc/cpuinfo");
      std::string name = "unknown processor";
      for (std::string line; std::getline(in, line);)
        if (line.rfind("model name", 0) == 0) {
          name = line.substr(line.find(':') + 2);
          break;
        }
      return name + ", " + std::to_string(std::thread::hardware_concurrency()) + " cores";
    }
  };

}    // namespace

void study(const StudyOptions &options)
{
  Study(options).go();
}

}    // namespace mlff
