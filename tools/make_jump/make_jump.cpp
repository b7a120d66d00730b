#include "make_jump/make_jump.h"

#include "core/elements.h"
#include "core/progress.h"
#include "core/units.h"
#include "data/input_record.h"
#include "data/output_file.h"
#include "label/label.h"
#include "molecule/molecule.h"
#include "potential/find_potential.h"
#include "recipes.h"
#include "teacher/xtb_calculator.h"
#include "training/jump/jump_trainer.h"
#include "workflow/process_pool.h"
#include "workflow/run_folder.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>
#include <thread>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

namespace {

  constexpr double timestep = 0.5;                             // fs, of the labels
  constexpr double mean_limit = 0.1, deviation_limit = 0.5;    // kT, of the energy change of a jump
  constexpr int tested_windows = 100;

  double since(Clock::time_point start)
  {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  /// The file of --from; empty for `none`. A name stands for the network of this stride that ships
  /// under it, or that of 8 fs.
  std::string file_of(const std::string &from, double stride)
  {
    if (from == "none") return "";
    const auto places = potential_folders();
    std::vector<fs::path> files = {from};
    for (const auto &place : places) files.push_back(place / from);
    for (const auto &end :
         {"-gfn2-jump" + number(stride) + ".safetensors", std::string("-gfn2-jump8.safetensors")})
      for (const auto &place : places) files.push_back(place / (from + end));
    for (const auto &file : files)
      if (fs::is_regular_file(file)) return fs::absolute(file).string();
    std::set<std::string> names;
    for (const auto &place : places)
      if (fs::is_directory(place))
        for (const auto &entry : fs::directory_iterator(place)) {
          const std::string name = entry.path().filename().string();
          if (const auto at = name.find("-gfn2-jump"); at != std::string::npos)
            names.insert(name.substr(0, at));
        }
    std::string accepted;
    for (const auto &name : names) accepted += name + ", ";
    throw FileError("--from '" + from +
                    "' is neither a file, here or in the folders of LAMMPS_POTENTIALS, nor a "
                    "network that ships; accepted: " +
                    accepted + "none, or the file of a jump network");
  }

  /// Labels that fit the time. The lengths are steps of `timestep`.
  struct Plan {
    double gradient_seconds = 0.0;
    int warmup = 0, between = 0, window = 0,
        windows = 0;        // of each of three training trajectories
    int held_window = 0;    // two windows of each of two trajectories held out

    Json json() const
    {
      return {{"gradient_seconds", gradient_seconds},
              {"warmup", warmup},
              {"between", between},
              {"window", window},
              {"windows", windows},
              {"held_window", held_window}};
    }
    static Plan of(const Json &json)
    {
      return {json["gradient_seconds"], json["warmup"],  json["between"],
              json["window"],           json["windows"], json["held_window"]};
    }
    long held_gradients() const { return warmup + 2L * (between + held_window); }
    long training_gradients() const { return warmup + long(windows) * (between + window); }

    /// At most half of the time is for labels; at full size a trajectory held out has 1120
    /// gradients and a training trajectory 7400.
    static Plan fitting(double seconds, double gradient_seconds, int jobs, int stride_steps)
    {
      constexpr double smallest = 2000.0, largest_windows = 15;
      const double gradients = 0.5 * seconds / gradient_seconds;
      const double scale = std::min(1.0, gradients / smallest / 2);
      const auto scaled = [&](int full, int least) {
        return std::max(least, int(std::lround(scale * full)));
      };
      Plan plan;
      plan.gradient_seconds = gradient_seconds;
      plan.warmup = scaled(500, 50);
      plan.between = scaled(60, 10);
      plan.window = scaled(400, stride_steps + 20);
      plan.held_window = scaled(300, stride_steps + 20);
      // trajectories run side by side; energies of tests cost as much as gradients
      const double rest = gradients - 2.0 * double(plan.held_gradients()) - 4.0 * tested_windows;
      const double each = rest * std::min(jobs, 3) / 3.0 - plan.warmup;
      plan.windows = int(std::clamp(each / (plan.between + plan.window), 2.0, largest_windows));
      return plan;
    }
  };

  class JumpMaker {
   public:
    explicit JumpMaker(const MakeJumpOptions &options) :
        options(options), folder(options.output),
        jobs(options.jobs > 0 ? options.jobs
                              : std::max(1, int(std::thread::hardware_concurrency())))
    {
      const double steps = options.stride / timestep;
      if (std::abs(steps - std::round(steps)) > 1e-6 || options.stride < 2.0 ||
          options.stride > 16.0)
        throw FileError("--stride " + number(options.stride) +
                        " is no time that a jump can learn; accepted: multiples of " +
                        number(timestep) + " fs from 2 to 16");
      lammps_program(options.lammps);
      molecule = make_molecule(options.smiles, 1, options.seed);
      if (molecule.n_atoms() < 2)
        throw FileError("SMILES '" + options.smiles +
                        "' is a single atom, which has nothing to jump with");
      try {
        const XtbCalculator test(xtb(), molecule.numbers, molecule.conformers.front());
      } catch (const XtbError &error) {
        throw FileError("SMILES '" + options.smiles + "': " + error.what());
      }
      start_file = file_of(options.from, options.stride);
      read_start();
    }

    void run()
    {
      if (fs::exists(folder) && !fs::is_directory(folder))
        throw FileError("'" + folder.string() + "' is no folder");
      if (fs::exists(folder) && !fs::exists(manifest_path()) &&
          std::any_of(fs::directory_iterator(folder), fs::directory_iterator(),
                      [](const auto &entry) {
                        return entry.path().filename() != ".lock";
                      }))
        throw FileError("the folder '" + folder.string() +
                        "' holds other files and no manifest of mlff make-jump; use a new folder");
      fs::create_directories(folder);
      const Lock lock(folder / ".lock");
      open_manifest();
      one_thread_each();
      stage("molecule", "molecule", [this] {
        write_molecule();
      });
      stage("plan", "time of a gradient", [this] {
        make_plan();
      });
      stage("probe", "labels for tests", [this] {
        label("probe", {300.0}, 2, plan().held_window, 1001);
      });
      stage("zero_shot", start_file.empty() ? "no network to test" : "test of " + options.from,
            [this] {
              zero_shot();
            });
      if (!accepted()) {
        stage("train", "labels for training", [this] {
          label("train", {300.0, 400.0, 500.0}, plan().windows, plan().window, options.seed);
        });
        stage("test", "labels held out", [this] {
          label("test", {300.0}, 2, plan().held_window, 2001);
        });
        stage("pilot", "time of a training step", [this] {
          pilot();
        });
        stage("training", "training", [this] {
          train();
        });
      }
      stage("result", "result", [this] {
        write_result();
      });
      tell();
    }

   private:
    MakeJumpOptions options;
    fs::path folder;
    int jobs;
    Molecule molecule;
    std::string start_file, start_hash;
    bool from_scratch = true;    // nothing is taken over
    std::string untested;        // why the network given cannot be tested; empty: it can
    Json manifest;

    fs::path manifest_path() const { return folder / "manifest.json"; }
    void save() const { write_manifest(manifest_path(), manifest); }
    Plan plan() const { return Plan::of(manifest["plan"]); }
    bool accepted() const { return manifest["zero_shot"].value("accepted", false); }
    int stride_steps() const { return int(std::lround(options.stride / timestep)); }
    std::string trained_file() const
    {
      return (folder / "training" / "network.safetensors").string();
    }
    std::string labels(const std::string &which, double T = 300.0) const
    {
      return (folder / which / ("molecule_" + number(T) + "K.xyz")).string();
    }
    XtbOptions xtb() const
    {
      return {xtb_method_of(options.method), molecule.charge, molecule.unpaired_electrons,
              options.accuracy};
    }

    void read_start()
    {
      if (start_file.empty()) {
        untested = "no network is given";
        return;
      }
      const Potential start = Potential::read(start_file);
      start_hash = start.sha256;
      if (!start.is_jump())
        throw FileError("--from '" + options.from + "' names '" + start_file + "', a model '" +
                        start.model + "'; accepted: kstep-painn");
      for (const auto &species : start.jump.species)
        if (!species.environment.empty())
          throw FileError("--from '" + options.from + "': species of '" + start_file +
                          "' are classes of elements, which other molecules do not have; accepted: "
                          "networks with elements as species");
      std::string unknown;
      for (const int z : elements_of(molecule.numbers))
        if (std::find(start.elements.begin(), start.elements.end(), z) == start.elements.end())
          unknown += std::string(" ") + element_symbol(z);
      if (!unknown.empty()) {
        untested = "it knows " + start.element_names() + ", and not" + unknown;
        return;
      }
      from_scratch = false;
      for (int i = 0; i < molecule.n_atoms(); i++)
        for (const auto &species : start.jump.species)
          if (species.name == element_symbol(molecule.numbers[i]) &&
              std::abs(species.mass - molecule.masses[i]) > 0.01)
            untested = "it learned " + species.name + " with " + number(species.mass) +
                " g/mol, and here it has " + number(molecule.masses[i]);
      if (!untested.empty()) return;
      if (std::find(start.jump.strides.begin(), start.jump.strides.end(), options.stride) ==
          start.jump.strides.end())
        untested = "it has no stride of " + number(options.stride) + " fs";
    }

    Json settings() const
    {
      return {{"smiles", options.smiles},     {"stride", options.stride},
              {"from", options.from},         {"from_sha256", start_hash},
              {"minutes", options.minutes},   {"method", options.method},
              {"accuracy", options.accuracy}, {"seed", options.seed}};
    }

    void open_manifest()
    {
      InputRecord inputs;
      inputs.add("xtb_version", xtb_version());
      if (fs::exists(manifest_path())) {
        manifest = Json::parse(text_of(manifest_path()), nullptr, false);
        if (manifest.is_discarded() || !manifest.contains("settings") ||
            !manifest.contains("seconds"))
          throw FileError("'" + manifest_path().string() + "' is no manifest of mlff make-jump");
        const Json ours = settings(), &theirs = manifest["settings"];
        for (const auto &[key, value] : ours.items())
          if (!theirs.contains(key) || theirs[key] != value)
            throw FileError("'" + folder.string() + "' was made with " + key + " = " +
                            (theirs.contains(key) ? theirs[key].dump() : "none") + ", now it is " +
                            value.dump() + "; use the same settings to go on, or another output");
        inputs.compare(manifest, "'" + folder.string() + "'",
                       "go on with that, or use another output");
      } else {
        manifest = inputs.json();
        manifest.update({{"settings", settings()}, {"commands", Json::array()}});
        manifest["seconds"] = Json::object();
      }
      manifest["commands"].push_back(options.command);
      save();
    }

    /// Does a stage that is not done yet.
    void stage(const std::string &name, const std::string &title, const std::function<void()> &work)
    {
      if (manifest["seconds"].contains(name)) return;
      spdlog::info("{}: {}", folder.string(), title);
      const auto start = Clock::now();
      work();
      manifest["seconds"][name] = since(start);
      save();
    }

    double seconds_spent() const
    {
      double sum = 0.0;
      for (const auto &[name, seconds] : manifest["seconds"].items()) sum += seconds.get<double>();
      return sum;
    }

    /// A piece of work in a process of its own, so that threads of one never meet those of another;
    /// its result.
    Json in_a_process(const std::string &title, const std::function<Json()> &work,
                      const std::function<double()> &progress = {})
    {
      const fs::path log = folder / (title + ".log"), result = folder / (title + ".json");
      fs::remove(result);
      std::string why;
      std::vector<Task> tasks(1);
      tasks[0].run = [&] {
        output_to(log);
        const Json json = work();
        if (json.is_null()) return 1;
        write_manifest(result, json);
        return 0;
      };
      tasks[0].progress = [&] {
        return progress ? progress() : 0.0;
      };
      tasks[0].finished = [&](int status) {
        if (status != 0) why = last_error(log, status);
      };
      {
        Progress bar(title);
        run_tasks(tasks, 1, [&](double share) {
          if (progress) bar.update(share);
        });
      }
      if (!why.empty()) throw FileError("'" + folder.string() + "', " + title + ": " + why);
      const Json json = Json::parse(text_of(result));
      fs::remove(result);
      fs::remove(log);
      return json;
    }

    void write_molecule()
    {
      OutputFile data((folder / "molecule.data").string(), true);
      write_data(data, molecule, 1, 8.0, true, options.seed);
      data.finish();
    }

    void make_plan()
    {
      const Json time = in_a_process("timing", [this] {
        XtbCalculator calculator(xtb(), molecule.numbers, molecule.conformers.front());
        auto x = molecule.conformers.front();
        std::vector<double> force(x.size());
        calculator.evaluate(x, force);
        std::mt19937 generator(static_cast<unsigned>(options.seed));
        std::normal_distribution<double> normal(0.0, 0.01);
        // the median: other work of the machine must not count
        std::vector<double> times(31);
        for (double &time : times) {
          for (double &coordinate : x) coordinate += normal(generator);
          const auto start = Clock::now();
          calculator.evaluate(x, force);
          time = since(start);
        }
        std::nth_element(times.begin(), times.begin() + 15, times.end());
        return Json(times[15]);
      });
      manifest["plan"] =
          Plan::fitting(60.0 * options.minutes, time.get<double>(), jobs, stride_steps()).json();
    }

    void label(const std::string &which, const std::vector<double> &temperatures, int windows,
               int window, int seed)
    {
      LabelOptions label;
      label.command = options.command;
      label.smiles = options.smiles;
      label.output = (folder / which).string();
      label.method = options.method;
      label.accuracy = options.accuracy;
      label.sampling = "nve";
      label.lammps = options.lammps;
      label.temperatures = temperatures;
      label.timestep = timestep;
      label.rotation = true;
      label.windows = windows;
      label.window = window;
      label.between = plan().between;
      label.warmup = plan().warmup;
      label.seed = seed == options.seed ? seed : options.seed + seed;
      label.jobs = jobs;
      label_molecules(label);
    }

    /// Errors of a network on labels, energies of the network and the dynamics only.
    std::vector<JumpReport> report(const std::string &network, const std::string &which) const
    {
      const Potential potential = Potential::read(network);
      std::vector<NveTrajectory> trajectories = {read_nve(labels(which), timestep)};
      auto &trajectory = trajectories.front();
      trajectory.species = jump_species(potential, trajectory.numbers, trajectory.bonds);
      long starts = 0;
      for (const auto &segment : trajectory.segments)
        starts += std::max(0, segment.frames - stride_steps());
      JumpReportOptions how;
      how.every = std::max(1, int(starts / tested_windows));
      how.energies = tested_windows;
      how.energies_of_controls = false;
      how.energy = xtb_energies(trajectory.teacher);
      auto reports = jump_report(potential, trajectories, how);
      std::erase_if(reports, [this](const JumpReport &one) {
        return one.stride != options.stride;
      });
      return reports;
    }

    static bool good(const Json &report)
    {
      const Json energy = report["jumps"]["network"].value("energy_kT", Json());
      // none: the jumps led to where the method does not converge
      if (!energy.is_object() || !energy["mean"].is_number() || !energy["deviation"].is_number())
        return false;
      return std::abs(energy["mean"].get<double>()) < mean_limit &&
          energy["deviation"].get<double>() < deviation_limit;
    }

    /// Of an error of a report; not a number where it is missing.
    static double number_of(const Json &entry, const char *key)
    {
      return entry.is_object() && entry.contains(key) && entry[key].is_number()
          ? entry[key].get<double>()
          : std::nan("");
    }

    static std::string in_words(const Json &report)
    {
      const Json &network = report["jumps"]["network"];
      const Json energy = network.value("energy_kT", Json());
      char text[160];
      std::snprintf(text, sizeof text,
                    "skill %.3f in x, %.3f in v; energy of a jump %+.3f ± %.3f kT",
                    number_of(network["skill"], "x"), number_of(network["skill"], "v"),
                    number_of(energy, "mean"), number_of(energy, "deviation"));
      return text;
    }

    void zero_shot()
    {
      Json &entry = manifest["zero_shot"];
      entry = {{"accepted", false}};
      if (!untested.empty()) {
        entry["untested"] = untested;
        if (!start_file.empty())
          spdlog::warn("--from '{}' cannot be tested: {}; {}", options.from, untested,
                       from_scratch ? "the training starts from scratch"
                                    : "the training starts from its weights");
        return;
      }
      entry["report"] = in_a_process("test", [this] {
        return report(start_file, "probe").front().json();
      });
      entry["accepted"] = good(entry["report"]);
      spdlog::info("{} as it is: {}: {}", options.from, in_words(entry["report"]),
                   accepted() ? "good enough" : "to be trained");
    }

    JumpTrainSettings training_settings(long steps) const
    {
      JumpTrainSettings s;
      s.strides = {options.stride};
      s.timestep = timestep;
      if (!from_scratch) s.init_from = start_file;
      for (const double T : {300.0, 400.0, 500.0}) s.train.push_back(labels("train", T));
      s.valid = {labels("probe")};
      s.test = {labels("test")};
      s.every = 5;
      s.windows = 16;
      s.steps = steps;
      s.learning_rate = from_scratch ? 2e-3 : 1e-3;
      s.warmup = std::min(200L, steps / 10);
      s.ema = std::min(0.999, 1.0 - 10.0 / double(steps));
      s.validate_every = std::max(1L, steps / 20);
      s.seed = unsigned(options.seed);
      s.checkpoint_seconds = 1.0;
      s.precision = "single";
      s.engine = "host";
      s.energies = 0;
      s.energy.method = "none";
      s.output = trained_file();
      s.citation = "C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 15 (2019) 1652 "
                   "(GFN2-xTB); K. T. Schuett, O. T. Unke, M. Gastegger, ICML 2021 "
                   "(PaiNN)";
      return s;
    }

    /// Steps that fit the time that is left.
    void pilot()
    {
      const fs::path place = folder / ".pilot";
      fs::remove_all(place);
      fs::create_directories(place);
      const Json line = in_a_process("pilot", [&]() -> Json {
        JumpTrainSettings s = training_settings(100);
        s.validate_every = 100;
        s.output = (place / "network.safetensors").string();
        if (!JumpTrainer(s, options.command).run(true, true)) return {};
        return Json::parse(text_of(place / "network.training" / "log.jsonl"));
      });
      fs::remove_all(place);
      const double per_second = line["windows_per_second"].get<double>() / 16.0,
                   total = 60.0 * options.minutes;
      // reading, validations and the last check take their share
      const double left = total - seconds_spent() - 2.0 * tested_windows * plan().gradient_seconds;
      const double seconds = std::max(0.25 * total, left) * 0.93;
      manifest["steps"] = std::max(100L, long(seconds * per_second) / 100 * 100);
      manifest["steps_per_second"] = per_second;
    }

    void train()
    {
      fs::create_directories(folder / "training");
      const long steps = manifest["steps"];
      const fs::path lines = folder / "training" / "network.training" / "log.jsonl";
      if (!fs::exists(trained_file()))
        in_a_process(
            "training",
            [&]() -> Json {
              if (!JumpTrainer(training_settings(steps), options.command).run(false, false))
                return {};
              return Json(steps);
            },
            [&] {
              const std::string text = text_of(lines);
              const auto at = text.rfind("{\"step\":");
              return at == std::string::npos ? 0.0
                                             : std::atof(text.c_str() + at + 8) / double(steps);
            });
      manifest["report"] = in_a_process("check", [this] {
        return report(trained_file(), "test").front().json();
      });
    }

    void write_result()
    {
      Potential result = Potential::read(accepted() ? start_file : trained_file());
      Json training = Json::parse(result.training);
      Json &own = training["make_jump"];
      own = {{"settings", settings()},
             {"zero_shot", manifest["zero_shot"]},
             {"gradients", gradients()}};
      if (!accepted()) {
        own["report"] = manifest["report"];
        training["teacher"] = options.method;
      }
      result.training = training.dump();
      result.write((folder / "jump.safetensors").string(), true);
      write_input();
      write_table();
    }

    /// Gradients of xTB that the labels took.
    long gradients() const
    {
      return plan().held_gradients() * (accepted() ? 1 : 2) +
          (accepted() ? 0 : 3 * plan().training_gradients());
    }

    void write_input() const
    {
      const std::string elements = elements_of_types(molecule);
      std::string input = recipe_jump;
      const std::pair<const char *, std::string> words[] = {
          {"SMILES", options.smiles},
          {"STRIDE", number(options.stride)},
          {"STEPS", std::to_string(stride_steps())},
          {"ELEMENTS", elements},
          {"METHOD", options.method},
          {"CHARGE", number(molecule.charge)},
          {"UHF", number(molecule.unpaired_electrons)}};
      for (const auto &[word, value] : words) {
        const std::string mark = "<" + std::string(word) + ">";
        for (auto at = input.find(mark); at != std::string::npos;
             at = input.find(mark, at + value.size()))
          input.replace(at, mark.size(), value);
      }
      OutputFile file((folder / "in.jump").string(), true);
      std::fputs(input.c_str(), file);
      file.finish();
    }

    void write_table() const
    {
      OutputFile file((folder / "report.md").string(), true);
      std::fprintf(file,
                   "# Jumps of %g fs of %s\n\n`%s`\n\n%d atoms; %ld gradients of %s for labels, "
                   "%.1f ms each when they were planned",
                   options.stride, options.smiles.c_str(), options.command.c_str(),
                   molecule.n_atoms(), gradients(), options.method.c_str(),
                   1e3 * plan().gradient_seconds);
      if (!accepted())
        std::fprintf(
            file, "; %ld training steps of 16 windows, %s", manifest["steps"].get<long>(),
            from_scratch
                ? "from random weights"
                : ("from the weights of " + fs::path(start_file).filename().string()).c_str());
      std::fprintf(file,
                   "; %.0f s in all. Root mean square errors on a trajectory held out; energies: "
                   "change of the total energy over a jump.\n\n",
                   seconds_spent());
      std::fputs("| jump | dx, of the change | dv | skill against the linear fit | energy, kT: "
                 "mean ± deviation |\n|---|---|---|---|---|\n",
                 file);
      const auto row = [&](const std::string &name, const Json &jump) {
        std::fprintf(file, "| %s | %.2f %% | %.2f %% | %.3f / %.3f | ", name.c_str(),
                     100 * number_of(jump["error_of_change"], "x"),
                     100 * number_of(jump["error_of_change"], "v"), number_of(jump["skill"], "x"),
                     number_of(jump["skill"], "v"));
        if (jump.contains("energy_kT"))
          std::fprintf(file, "%+.3f ± %.3f |\n", number_of(jump["energy_kT"], "mean"),
                       number_of(jump["energy_kT"], "deviation"));
        else
          std::fputs("- |\n", file);
      };
      if (manifest["zero_shot"].contains("report")) {
        const Json &jumps = manifest["zero_shot"]["report"]["jumps"];
        row(options.from + " as it is", jumps["network"]);
        if (accepted())
          for (const char *name : {"linear", "ballistic", "zero", "dynamics"})
            row(name, jumps[name]);
      }
      if (!accepted()) {
        const Json &jumps = manifest["report"]["jumps"];
        row("this network", jumps["network"]);
        for (const char *name : {"linear", "ballistic", "zero", "dynamics"}) row(name, jumps[name]);
      }
      file.finish();
    }

    void tell() const
    {
      std::printf("%s\n", text_of(folder / "report.md").c_str());
      const Json &report = accepted() ? manifest["zero_shot"]["report"] : manifest["report"];
      if (!good(report))
        spdlog::warn(
            "{}: above {} ± {} kT; more --minutes, or a stride below {} fs, make it better",
            in_words(report), mean_limit, deviation_limit, options.stride);
      spdlog::info("wrote {0}/jump.safetensors and {0}/in.jump (cd {0}; lmp -in in.jump)",
                   folder.string());
    }
  };

}    // namespace

void make_jump(const MakeJumpOptions &options)
{
  JumpMaker(options).run();
}

}    // namespace mlff
