// The stages of mlff make-jump, in the order in which they are done.
#include "make_jump/make_jump.h"

#include "data/input_record.h"
#include "data/output_file.h"
#include "label/label.h"
#include "make_jump/jump_plan.h"
#include "make_jump/jump_table.h"
#include "make_jump/start_network.h"
#include "molecule/molecule.h"
#include "recipes.h"
#include "teacher/lammps/force_commands.h"
#include "training/jump/jump_trainer.h"
#include "workflow/lammps_run.h"
#include "workflow/process_pool.h"
#include "workflow/run_folder.h"
#include "workflow/work_process.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <random>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

  constexpr double timestep = 0.5;    // fs, of the labels

  /// Errors that the table compares a network with.
  constexpr const char *other_jumps[] = {"linear", "ballistic", "zero", "dynamics"};

  class JumpMaker {
   public:
    explicit JumpMaker(const MakeJumpOptions &options) :
        options(options), folder(options.output, "mlff make-jump"),
        jobs(processes_at_a_time(options.jobs)), teacher(make_teacher(options.teacher))
    {
      const double steps = options.stride / timestep;
      if (std::abs(steps - std::round(steps)) > 1e-6 || options.stride < 2.0 ||
          options.stride > 16.0)
        throw FileError("--stride " + number(options.stride) +
                        " is not a time that a jump can learn; accepted: multiples of " +
                        number(timestep) + " fs from 2 to 16");
      lammps_program(options.lammps);
      molecule = make_molecule(options.smiles, 1, options.seed);
      if (molecule.n_atoms() < 2)
        throw FileError("SMILES '" + options.smiles +
                        "' is a single atom, which has nothing to jump with");
      try {
        teacher->lammps_commands(elements_of_types(molecule), molecule.charge,
                                 molecule.unpaired_electrons);
        make_teacher(options.teacher)->set_reference(start_structure());
      } catch (const TeacherError &error) {
        throw FileError("SMILES '" + options.smiles + "': " + error.what());
      }
      start = StartNetwork::find(options.from, options.stride, molecule);
    }

    void run()
    {
      InputRecord inputs;
      inputs.add_provenance(teacher->provenance(), "teacher");
      folder.begin(settings(), inputs, options.command, {{"seconds", Json::object()}});
      one_thread_each();
      folder.stage("molecule", "molecule", [this] {
        write_molecule();
      });
      folder.stage("plan", "time of a gradient", [this] {
        make_plan();
      });
      folder.stage("probe", "labels for tests", [this] {
        label("probe", {300.0}, 2, plan().held_window, 1001);
      });
      folder.stage("zero_shot",
                   start.file.empty() ? "no network to test" : "test of " + options.from, [this] {
                     zero_shot();
                   });
      if (!accepted()) make_network();
      folder.stage("result", "result", [this] {
        write_result();
      });
      tell();
    }

   private:
    MakeJumpOptions options;
    RunFolder folder;
    int jobs;
    std::unique_ptr<Teacher> teacher;
    Molecule molecule;
    StartNetwork start;

    JumpPlan plan() const { return JumpPlan::of(folder.manifest["plan"]); }
    bool accepted() const { return folder.manifest["zero_shot"].value("accepted", false); }
    int stride_steps() const { return int(std::lround(options.stride / timestep)); }
    std::string trained_file() const
    {
      return (folder / "training" / "network.safetensors").string();
    }
    std::string labels(const std::string &which, double temperature = 300.0) const
    {
      return (folder / which / ("molecule_" + number(temperature) + "K.xyz")).string();
    }
    Structure start_structure() const { return molecule.frame(molecule.conformers.front()); }

    Json settings() const
    {
      Json s = {{"smiles", options.smiles},
                {"stride", options.stride},
                {"from", options.from},
                {"from_sha256", start.sha256},
                {"minutes", options.minutes}};
      s.update(teacher->provenance()["settings"]);
      s["seed"] = options.seed;
      return s;
    }

    /// Labels and training, where no network that is there is good enough.
    void make_network()
    {
      folder.stage("train", "labels for training", [this] {
        label("train", {300.0, 400.0, 500.0}, plan().windows, plan().window, options.seed);
      });
      folder.stage("test", "labels held out", [this] {
        label("test", {300.0}, 2, plan().held_window, 2001);
      });
      folder.stage("pilot", "time of a training step", [this] {
        pilot();
      });
      folder.stage("training", "training", [this] {
        train();
      });
    }

    void write_molecule()
    {
      OutputFile data((folder / "molecule.data").string(), true);
      write_data(data, molecule, 1, 8.0, true, options.seed);
      data.finish();
    }

    void make_plan()
    {
      const Json time = in_a_process(folder, "timing", [this] {
        return Json(seconds_of_a_gradient());
      });
      folder.manifest["plan"] =
          JumpPlan::fitting(60.0 * options.minutes, time.get<double>(), jobs, stride_steps())
              .json();
    }

    /// The median of some gradients near the first conformer: other work of the machine must not
    /// count.
    double seconds_of_a_gradient() const
    {
      using Clock = std::chrono::steady_clock;
      Structure structure = start_structure();
      const auto timed_teacher = make_teacher(options.teacher);
      timed_teacher->set_reference(structure);
      timed_teacher->label(structure);
      std::mt19937 generator(static_cast<unsigned>(options.seed));
      std::normal_distribution<double> normal(0.0, 0.01);
      std::vector<double> times(31);
      for (double &time : times) {
        for (double &coordinate : structure.positions) coordinate += normal(generator);
        const auto start_time = Clock::now();
        timed_teacher->label(structure);
        time = std::chrono::duration<double>(Clock::now() - start_time).count();
      }
      std::nth_element(times.begin(), times.begin() + 15, times.end());
      return times[15];
    }

    void label(const std::string &which, const std::vector<double> &temperatures, int windows,
               int window, int seed)
    {
      LabelOptions label;
      label.command = options.command;
      label.smiles = options.smiles;
      label.output = (folder / which).string();
      label.teacher = options.teacher;
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
      how.energy = teacher_energies(trajectory.teacher);
      auto reports = jump_report(potential, trajectories, how);
      std::erase_if(reports, [this](const JumpReport &one) {
        return one.stride != options.stride;
      });
      return reports;
    }

    void zero_shot()
    {
      Json &entry = folder.manifest["zero_shot"];
      entry = {{"accepted", false}};
      if (!start.untested.empty()) {
        entry["untested"] = start.untested;
        if (!start.file.empty())
          spdlog::warn("--from '{}' cannot be tested: {}; {}", options.from, start.untested,
                       start.from_scratch ? "the training starts from scratch"
                                          : "the training starts from its weights");
        return;
      }
      entry["report"] = in_a_process(folder, "test", [this] {
        return report(start.file, "probe").front().json();
      });
      entry["accepted"] = is_good(entry["report"]);
      spdlog::info("{} as it is: {}: {}", options.from, in_words(entry["report"]),
                   accepted() ? "good enough" : "to be trained");
    }

    JumpTrainSettings training_settings(long steps) const
    {
      JumpTrainSettings s;
      s.strides = {options.stride};
      s.timestep = timestep;
      if (!start.from_scratch) s.init_from = start.file;
      for (const double temperature : {300.0, 400.0, 500.0})
        s.train.push_back(labels("train", temperature));
      s.valid = {labels("probe")};
      s.test = {labels("test")};
      s.every = 5;
      s.windows = 16;
      s.steps = steps;
      s.learning_rate = start.from_scratch ? 2e-3 : 1e-3;
      s.warmup = std::min(200L, steps / 10);
      s.ema = std::min(0.999, 1.0 - 10.0 / double(steps));
      s.validate_every = std::max(1L, steps / 20);
      s.seed = unsigned(options.seed);
      s.checkpoint_seconds = 1.0;
      s.precision = "single";
      s.engine = "host";
      s.energies = 0;
      s.energy_of_data = false;
      s.output = trained_file();
      s.citation = teacher->citation();
      s.citation += std::string(s.citation.empty() ? "" : "; ") +
          "K. T. Schuett, O. T. Unke, M. Gastegger, ICML 2021 (PaiNN)";
      return s;
    }

    /// Steps that fit the time that is left.
    void pilot()
    {
      const fs::path place = folder / ".pilot";
      fs::remove_all(place);
      fs::create_directories(place);
      const Json line = in_a_process(folder, "pilot", [&]() -> Json {
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
      const double left =
          total - folder.seconds_of_stages() - 2.0 * tested_windows * plan().gradient_seconds;
      const double seconds = std::max(0.25 * total, left) * 0.93;
      folder.manifest["steps"] = std::max(100L, long(seconds * per_second) / 100 * 100);
      folder.manifest["steps_per_second"] = per_second;
    }

    void train()
    {
      fs::create_directories(folder / "training");
      const long steps = folder.manifest["steps"];
      const fs::path lines = folder / "training" / "network.training" / "log.jsonl";
      if (!fs::exists(trained_file()))
        in_a_process(
            folder, "training",
            [&]() -> Json {
              if (!JumpTrainer(training_settings(steps), options.command).run(false, false))
                return {};
              return Json(steps);
            },
            [&] {
              return step_of_log(lines) / double(steps);
            });
      folder.manifest["report"] = in_a_process(folder, "check", [this] {
        return report(trained_file(), "test").front().json();
      });
    }

    void write_result()
    {
      Potential result = Potential::read(accepted() ? start.file : trained_file());
      Json training = Json::parse(result.training);
      Json &making = training["make_jump"];
      making = {{"settings", settings()},
                {"zero_shot", folder.manifest["zero_shot"]},
                {"gradients", gradients()}};
      if (!accepted()) {
        making["report"] = folder.manifest["report"];
        training["teacher"] = options.teacher.name();
      }
      result.training = training.dump();
      result.write((folder / "jump.safetensors").string(), true);
      write_input();
      write_jump_table((folder / "report.md").string(), report_text(), report_rows());
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
          {"FORCE",
           teacher->lammps_commands(elements, molecule.charge, molecule.unpaired_electrons)},
          {"SMILES", options.smiles},
          {"STRIDE", number(options.stride)},
          {"STEPS", std::to_string(stride_steps())},
          {"ELEMENTS", elements},
          {"METHOD", options.teacher.name()}};
      for (const auto &[word, value] : words) {
        const std::string mark = "<" + std::string(word) + ">";
        for (auto at = input.find(mark); at != std::string::npos;
             at = input.find(mark, at + value.size()))
          input.replace(at, mark.size(), value);
      }
      OutputFile file((folder / "in.jump").string(), true);
      std::fputs(with_early_commands_first(input).c_str(), file);
      file.finish();
    }

    std::string report_text() const
    {
      char text[2048];
      std::string training;
      if (!accepted())
        training = "; " + std::to_string(folder.manifest["steps"].get<long>()) +
            " training steps of 16 windows, " +
            (start.from_scratch
                 ? "from random weights"
                 : "from the weights of " + fs::path(start.file).filename().string());
      std::snprintf(text, sizeof text,
                    "%d atoms; %ld gradients of %s for labels, %.1f ms each when they were "
                    "planned%s; %.0f s in all. Root mean square errors on a trajectory held out; "
                    "energies: change of the total energy over a jump.\n\n",
                    molecule.n_atoms(), gradients(), options.teacher.name().c_str(),
                    1e3 * plan().gradient_seconds, training.c_str(), folder.seconds_of_stages());
      return "# Jumps of " + number(options.stride) + " fs of " + options.smiles + "\n\n`" +
          options.command + "`\n\n" + text;
    }

    std::vector<JumpRow> report_rows() const
    {
      const Json &manifest = folder.manifest;
      std::vector<JumpRow> rows;
      const auto add_others = [&](const Json &jumps) {
        for (const char *name : other_jumps) rows.push_back({name, jumps[name]});
      };
      if (manifest["zero_shot"].contains("report")) {
        const Json &jumps = manifest["zero_shot"]["report"]["jumps"];
        rows.push_back({options.from + " as it is", jumps["network"]});
        if (accepted()) add_others(jumps);
      }
      if (!accepted()) {
        const Json &jumps = manifest["report"]["jumps"];
        rows.push_back({"this network", jumps["network"]});
        add_others(jumps);
      }
      return rows;
    }

    void tell() const
    {
      std::printf("%s\n", text_of(folder / "report.md").c_str());
      const Json &report = accepted() ? folder.manifest["zero_shot"]["report"]
                                      : folder.manifest["report"];
      if (!is_good(report))
        spdlog::warn(
            "{}: above {} ± {} kT; more --minutes, or a stride below {} fs, make it better",
            in_words(report), mean_limit, deviation_limit, options.stride);
      spdlog::info("wrote {0}/jump.safetensors and {0}/in.jump (cd {0}; lmp -in in.jump)",
                   folder.name());
    }
  };

}    // namespace

void make_jump(const MakeJumpOptions &options)
{
  JumpMaker(options).run();
}

}    // namespace mlff
