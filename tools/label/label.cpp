#include "label/label.h"

#include "core/elements.h"
#include "core/errors.h"
#include "core/progress.h"
#include "core/sha256.h"
#include "data/extended_xyz.h"
#include "data/input_record.h"
#include "data/output_file.h"
#include "data/trajectory.h"
#include "recipes.h"
#include "teacher/teacher_ensemble.h"
#include "teacher/xtb_process.h"
#include "workflow/process_pool.h"
#include "workflow/run_folder.h"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <exception>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <sstream>
#include <thread>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

  Json read_manifest(const fs::path &path)
  {
    try {
      return Json::parse(text_of(path));
    } catch (const nlohmann::json::exception &error) {
      throw FileError("'" + path.string() + "' is no manifest of mlff label: " + error.what());
    }
  }

  /// Throws where an earlier manifest was made with other settings: its data and ours must not mix.
  void compare_settings(const Json &before, const Json &now, const std::string &where)
  {
    for (const auto &[key, value] : now.items())
      if (!before.contains(key) || before[key] != value)
        throw FileError("'" + where + "' was made with " + key + " = " +
                        (before.contains(key) ? before[key].dump() : "none") + ", now it is " +
                        value.dump() + "; use the same settings to go on, or another output");
  }

  /// One trajectory of one molecule.
  struct Trajectory {
    std::string name;    ///< of its file, without ending
    const Molecule *molecule;
    std::string molecule_name;
    double temperature;
    int conformer, seed;
  };

  class MoleculeLabels {
   public:
    explicit MoleculeLabels(const LabelOptions &options) :
        options(options), folder(options.output), work(folder / ".work")
    {
    }

    void run()
    {
      if (!rattles()) options.lammps = lammps_program(options.lammps);
      const auto list = options.smiles_file.empty()
          ? std::vector<NamedSmiles>{{options.smiles, "molecule"}}
          : read_smiles(options.smiles_file);
      make_trajectories(list);
      if (fs::exists(folder) && !fs::is_directory(folder))
        throw FileError("'" + folder.string() + "' is no folder");
      const auto manifest_path = folder / "manifest.json";
      if (fs::exists(folder) && !fs::exists(manifest_path) &&
          std::any_of(fs::directory_iterator(folder), fs::directory_iterator(),
                      [](const auto &entry) {
                        return entry.path().filename() != ".lock";
                      }))
        throw FileError("the folder '" + folder.string() +
                        "' holds other files and no manifest of mlff label; use a new folder");
      fs::create_directories(folder);
      const Lock lock(folder / ".lock");
      InputRecord inputs;
      inputs.add("xtb_version", xtb_version());
      if (fs::exists(manifest_path)) {
        manifest = read_manifest(manifest_path);
        compare_settings(manifest.value("settings", Json::object()), settings(list),
                         folder.string());
        inputs.compare(manifest, "'" + folder.string() + "'",
                       "go on with that, or use another output");
      } else {
        manifest.update(inputs.json());
        manifest["settings"] = settings(list);
        manifest["commands"] = Json::array();
        manifest["trajectories"] = Json::object();
      }
      manifest["commands"].push_back(options.command);
      write_manifest(manifest_path, manifest);

      fs::remove_all(work);
      // large molecules first: none is then left over for one core at the end
      auto order = trajectories;
      std::stable_sort(order.begin(), order.end(), [](const auto &a, const auto &b) {
        return a.molecule->n_atoms() > b.molecule->n_atoms();
      });
      std::vector<Task> tasks;
      long done = 0;
      for (const auto &trajectory : order) {
        const auto &entries = manifest["trajectories"];
        if (entries.contains(trajectory.name) && entries[trajectory.name].value("done", false) &&
            fs::exists(folder / (trajectory.name + ".xyz"))) {
          check_contents(trajectory, entries[trajectory.name]);
          done++;
        } else
          tasks.push_back(task(trajectory));
      }
      if (done > 0)
        spdlog::info("{} of {} trajectories are there already", done, trajectories.size());
      one_thread_each();
      {
        Progress progress("labelling");
        const int jobs = options.jobs > 0 ? options.jobs
                                          : std::max(1, int(std::thread::hardware_concurrency()));
        run_tasks(tasks, jobs, [&](double share) {
          progress.update((double(done) + share * double(tasks.size())) /
                              double(trajectories.size()),
                          std::to_string(trajectories.size()) + " trajectories");
        });
      }
      fs::remove_all(work);
      if (!failures.empty()) {
        std::string text;
        for (const auto &failure : failures) text += "\n  " + failure;
        throw FileError(
            std::to_string(failures.size()) + " of " + std::to_string(trajectories.size()) +
            " trajectories failed; the others are complete in '" + folder.string() + "':" + text);
      }
      spdlog::info("{} trajectories of {} molecules in {}", trajectories.size(), molecules.size(),
                   folder.string());
    }

   private:
    LabelOptions options;
    fs::path folder, work;
    std::vector<Molecule> molecules;
    std::vector<Trajectory> trajectories;
    Json manifest;
    std::vector<std::string> failures;

    bool rattles() const { return options.sampling == "rattle"; }

    long expected_frames() const
    {
      return options.sampling == "nve" ? long(options.windows) * (options.window + 1)
                                       : options.frames;
    }

    Json settings(const std::vector<NamedSmiles> &list) const
    {
      Json s;
      s["method"] = options.method;
      s["accuracy"] = options.accuracy;
      s["sampling"] = options.sampling;
      s["seed"] = options.seed;
      s["trajectories"] = options.trajectories;
      if (rattles()) {
        s["rattle"] = options.rattle;
        s["frames"] = options.frames;
      } else {
        s["temperature"] = options.temperatures;
        s["timestep"] = options.timestep;
        s["warmup"] = options.warmup;
        if (options.sampling == "nve") {
          s["windows"] = options.windows;
          s["window"] = options.window;
          s["between"] = options.between;
          s["rotation"] = options.rotation;
        } else {
          s["frames"] = options.frames;
          s["every"] = options.every;
        }
      }
      s["molecules"] = Json::object();
      for (const auto &[smiles, name] : list) s["molecules"][name] = smiles;
      return s;
    }

    void make_trajectories(const std::vector<NamedSmiles> &list)
    {
      const auto temperatures = rattles() ? std::vector<double>{0.0} : options.temperatures;
      const int n_conformers = int(temperatures.size()) * options.trajectories;
      std::vector<std::string> names;
      for (const auto &[smiles, name] : list) {
        molecules.push_back(make_molecule(smiles, n_conformers, options.seed));
        names.push_back(name);
        // what the method cannot do is said before anything runs
        const auto &m = molecules.back();
        try {
          const XtbCalculator test(
              {xtb_method_of(options.method), m.charge, m.unpaired_electrons, options.accuracy},
              m.numbers, m.conformers.front());
        } catch (const XtbError &error) {
          throw FileError("molecule '" + name + "' (" + smiles + "): " + error.what());
        }
      }
      for (std::size_t m = 0; m < molecules.size(); m++) {
        int conformer = 0;
        for (const double temperature : temperatures)
          for (int t = 0; t < options.trajectories; t++, conformer++) {
            std::ostringstream name;
            name << names[m];
            if (!rattles()) name << "_" << temperature << "K";
            if (options.trajectories > 1) name << "_" << t + 1;
            trajectories.push_back({name.str(), &molecules[m], names[m], temperature, conformer,
                                    options.seed + int(trajectories.size())});
          }
      }
    }

    Task task(const Trajectory &trajectory)
    {
      const fs::path place = work / trajectory.name;
      auto counter = std::make_shared<FrameCounter>(place / "frames.xyz");
      Task task;
      task.run = [this, trajectory, place] {
        fs::create_directories(place);
        output_to(place / "log");
        if (rattles()) return rattle(trajectory, place / "frames.xyz");
        return run_lammps(trajectory, place);
      };
      task.progress = [this, counter] {
        return double(counter->count()) / double(expected_frames());
      };
      task.finished = [this, trajectory, place](int status) {
        finish(trajectory, place, status);
      };
      return task;
    }

    int run_lammps(const Trajectory &trajectory, const fs::path &place) const
    {
      Molecule start = *trajectory.molecule;
      start.conformers = {start.conformers[trajectory.conformer]};
      {
        OutputFile data((place / "start.data").string(), true);
        write_data(data, start, 1, 8.0, true, 1);
        data.finish();
      }
      const std::string elements = elements_of_types(start);
      replace_by_lammps(options.lammps, place,
                        options.sampling == "nve" ? recipe_nve : recipe_langevin,
                        {{"data", "start.data"},
                         {"elements", elements},
                         {"method", options.method},
                         {"charge", number(start.charge)},
                         {"uhf", number(start.unpaired_electrons)},
                         {"accuracy", number(options.accuracy)},
                         {"temperature", number(trajectory.temperature)},
                         {"seed", number(trajectory.seed)},
                         {"dt", number(options.timestep)},
                         {"warmup", number(options.warmup)},
                         {"frames", number(options.frames)},
                         {"every", number(options.every)},
                         {"windows", number(options.windows)},
                         {"window", number(options.window)},
                         {"between", number(options.between)},
                         {"rotation", number(options.rotation)},
                         {"output", "frames.xyz"}});
    }

    int rattle(const Trajectory &trajectory, const fs::path &path) const
    {
      const auto &m = *trajectory.molecule;
      const auto &start = m.conformers[trajectory.conformer];
      XtbCalculator calculator(
          {xtb_method_of(options.method), m.charge, m.unpaired_electrons, options.accuracy},
          m.numbers, start);
      std::mt19937 generator(trajectory.seed);
      std::normal_distribution<double> normal(0.0, options.rattle);
      OutputFile file(path.string(), true);
      for (int f = 0; f < options.frames; f++) {
        Structure frame = m.frame(start);
        frame.charge = m.charge;
        frame.multiplicity = m.unpaired_electrons + 1;
        for (double &x : frame.positions) x += normal(generator);
        frame.forces.resize(frame.positions.size());
        frame.energy = calculator.evaluate(frame.positions, frame.forces);
        write_xyz(file, frame);
      }
      file.finish();
      return 0;
    }

    void finish(const Trajectory &trajectory, const fs::path &place, int status)
    {
      Json entry;
      entry["molecule"] = trajectory.molecule_name;
      entry["smiles"] = trajectory.molecule->smiles;
      entry["charge"] = trajectory.molecule->charge;
      entry["uhf"] = trajectory.molecule->unpaired_electrons;
      entry["atoms"] = trajectory.molecule->n_atoms();
      if (!rattles()) entry["temperature"] = trajectory.temperature;
      entry["seed"] = trajectory.seed;
      std::string why;
      if (status != 0) {
        why = last_error(place / "log", status);
      } else
        why = check(place / "frames.xyz", entry);
      if (why.empty()) {
        entry["file"] = trajectory.name + ".xyz";
        if (!rattles()) add_state(place / "frames.xyz", *trajectory.molecule);
        entry["sha256"] = sha256_of_file((place / "frames.xyz").string());
        fs::rename(place / "frames.xyz", folder / (trajectory.name + ".xyz"));
      } else {
        entry["error"] = why;
        failures.push_back(trajectory.name + ": " + why);
      }
      entry["done"] = why.empty();
      manifest["trajectories"][trajectory.name] = entry;
      write_manifest(folder / "manifest.json", manifest);
      fs::remove_all(place);
    }

    /// What was changed by others is neither counted as done nor overwritten.
    void check_contents(const Trajectory &trajectory, const Json &entry) const
    {
      const auto file = folder / (trajectory.name + ".xyz");
      if (entry.value("sha256", "") != sha256_of_file(file.string()))
        throw FileError("'" + file.string() +
                        "' does not hold the frames that were written to it; move it away to have "
                        "them made again");
    }

    /// Writes charge and multiplicity into the comment lines that LAMMPS wrote.
    static void add_state(const fs::path &path, const Molecule &molecule)
    {
      const std::string state = " charge=" + std::to_string(molecule.charge) +
          " spin=" + std::to_string(molecule.unpaired_electrons + 1);
      std::ifstream in(path);
      OutputFile out(path.string(), true);
      for (std::string line; std::getline(in, line);)
        std::fprintf(out, "%s%s\n", line.c_str(),
                     line.starts_with("Timestep=") ? state.c_str() : "");
      out.finish();
    }

    /// All frames there, each with energy and forces? An empty string, or what is wrong.
    std::string check(const fs::path &path, Json &entry) const
    {
      try {
        const auto reader = open_trajectory(path.string(), {.units = "metal"});
        long frames = 0;
        for (Structure frame; reader->next(frame); frames++)
          if (!frame.energy || frame.forces.empty())
            return "frame " + std::to_string(frames + 1) + " has no energy or forces";
        if (frames != expected_frames())
          return "found " + std::to_string(frames) + " frames, expected " +
              std::to_string(expected_frames());
        entry["frames"] = frames;
      } catch (const std::exception &error) {
        return error.what();
      }
      return "";
    }
  };

  /// Labels frames one by one.
  class Teacher {
   public:
    virtual ~Teacher() = default;
    virtual void label(Structure &frame) = 0;

    /// A frame that will be labelled after those expected before: work on it may begin.
    virtual void expect(const Structure &) {}

    /// A frame that was labelled by an earlier run.
    virtual void meet(const Structure &) {}

    /// After a frame that failed: nothing of its calculation stays.
    virtual void recover() {}
  };

  /// A number of the command line, or that of the frame; 0 where neither is there. `least` is what
  /// the frame has for 0.
  int state_of(const std::optional<int> &asked, const std::optional<double> &found, int least,
               const std::string &option, const std::string &what)
  {
    if (found &&
        (*found != std::floor(*found) || std::abs(*found) > 1e6 || (least == 1 && *found < 1.0)))
      throw FileError("the frame has " +
                      (least == 1
                           ? "a multiplicity (spin) of " + number(*found) +
                               "; accepted: 1 for a singlet, 2 for a doublet, and so on"
                           : "a charge of " + number(*found) + "; accepted: a whole number"));
    const int of_frame = found ? int(*found) - least : 0;
    if (asked && found && *asked != of_frame)
      throw FileError(what + " of the frame is " + std::to_string(of_frame) + ", but --" + option +
                      " is " + std::to_string(*asked) +
                      "; accepted: the same, or frames without it");
    return asked ? *asked : of_frame;
  }

  /// Charge and unpaired electrons of a frame.
  std::pair<int, int> state_of(const Structure &frame, const LabelOptions &options)
  {
    return {state_of(options.charge, frame.charge, 0, "charge", "the charge"),
            state_of(options.uhf, frame.multiplicity, 1, "uhf",
                     "the number of unpaired electrons (spin - 1)")};
  }

  /// xTB in a process of its own: what crashes there is a frame that fails.
  class XtbTeacher : public Teacher {
   public:
    explicit XtbTeacher(const LabelOptions &options) :
        options(options), process({xtb_method_of(options.method), 0, 0, options.accuracy,
                                   options.electronic_temperature})
    {
    }

    void label(Structure &frame) override
    {
      if (expected.empty()) expect(frame);
      const std::exception_ptr refused = expected.front();
      expected.pop_front();
      if (refused) std::rethrow_exception(refused);
      const auto [charge, uhf] = state_of(frame, options);
      process.receive(frame);
      frame.charge = charge;
      frame.multiplicity = uhf + 1;
    }

    void expect(const Structure &frame) override
    {
      std::exception_ptr refused;
      try {
        if (frame.periodic[0] || frame.periodic[1] || frame.periodic[2])
          throw FileError("xTB labels molecules, this frame is periodic");
        const auto [charge, uhf] = state_of(frame, options);
        process.send(frame, charge, uhf);
      } catch (const std::exception &) {
        refused = std::current_exception();
      }
      expected.push_back(refused);
    }

    void meet(const Structure &frame) override
    {
      const auto [charge, uhf] = state_of(frame, options);
      process.meet(frame, charge, uhf);
    }

   private:
    const LabelOptions &options;
    XtbProcess process;
    std::deque<std::exception_ptr>
        expected;    // null for each frame under way, else why it was not sent
  };

  class EnsembleTeacher : public Teacher {
   public:
    explicit EnsembleTeacher(const std::vector<std::string> &models) :
        models(models), ensemble(std::make_unique<TeacherEnsemble>(models))
    {
    }
    void label(Structure &frame) override { ensemble->label(frame); }
    void recover() override { ensemble = std::make_unique<TeacherEnsemble>(models); }

   private:
    std::vector<std::string> models;
    std::unique_ptr<TeacherEnsemble> ensemble;
  };

  /// Reads some frames before they are asked for, so that their teacher is not idle while others
  /// are read and written.
  class FramesAhead {
   public:
    FramesAhead(TrajectoryReader &reader, Teacher &teacher) : reader(reader), teacher(teacher) {}

    bool next(Structure &frame)
    {
      constexpr std::size_t ahead = 32;
      for (Structure one; frames.size() < ahead && reader.next(one);) {
        teacher.expect(one);
        frames.push_back(std::move(one));
      }
      if (frames.empty()) return false;
      frame = std::move(frames.front());
      frames.pop_front();
      return true;
    }

   private:
    TrajectoryReader &reader;
    Teacher &teacher;
    std::deque<Structure> frames;
  };

}    // namespace

std::vector<NamedSmiles> read_smiles(const std::string &path)
{
  std::ifstream in(path);
  if (!in) throw FileError("SMILES file '" + path + "' cannot be opened: " + std::strerror(errno));
  std::vector<NamedSmiles> list;
  std::set<std::string> names;
  long n = 0;
  for (std::string line; std::getline(in, line);) {
    n++;
    std::istringstream words(line);
    NamedSmiles entry;
    // a # inside of a SMILES is a triple bond
    if (!(words >> entry.smiles) || entry.smiles.front() == '#') continue;
    const auto where = "SMILES file '" + path + "', line " + std::to_string(n) + ": ";
    if (!(words >> entry.name))
      throw FileError(where + "found only '" + entry.smiles + "'; expected a SMILES and a name");
    if (entry.name.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") !=
        std::string::npos)
      throw FileError(where + "the name '" + entry.name +
                      "' becomes a file; accepted are letters, digits, _ and -");
    if (!names.insert(entry.name).second)
      throw FileError(where + "the name '" + entry.name + "' is there twice");
    list.push_back(entry);
  }
  if (list.empty()) throw FileError("SMILES file '" + path + "' names no molecule");
  return list;
}

void label_molecules(const LabelOptions &options)
{
  MoleculeLabels(options).run();
}

void label_structures(const LabelOptions &options)
{
  if (!options.output.ends_with(".xyz") && !options.output.ends_with(".extxyz"))
    throw FileError("output file '" + options.output +
                    "' has an unknown ending; accepted: .xyz, .extxyz");
  OutputFile::check(options.output, false);
  // a frame that cannot be read is reported before hours of labelling
  long total = 0;
  {
    const auto all = open_trajectory(options.structures, options.read);
    for (Structure frame; all->next(frame);) total++;
    if (total == 0) throw FileError("'" + options.structures + "' holds no frames");
  }
  ReadOptions read = options.read;
  read.keep = true;
  const auto reader = open_trajectory(options.structures, read);
  const fs::path part = options.output + ".part", manifest_path = options.output + ".json";
  const Lock lock(options.output + ".lock");

  Json settings;
  settings["structures"] = options.structures;
  if (options.models.empty()) {
    settings["method"] = options.method;
    settings["accuracy"] = options.accuracy;
    settings["charge"] = options.charge ? Json(*options.charge) : Json("of the frames");
    settings["uhf"] = options.uhf ? Json(*options.uhf) : Json("of the frames");
    if (options.electronic_temperature != 300.0) settings["etemp"] = options.electronic_temperature;
  } else
    settings["models"] = options.models;
  if (!options.read.units.empty()) settings["units"] = options.read.units;
  if (!options.read.keys.empty()) settings["keys"] = options.read.keys;
  if (!options.read.elements.empty()) settings["elements"] = options.read.elements;
  InputRecord inputs;
  if (options.models.empty()) inputs.add("xtb_version", xtb_version());
  inputs.add_file("--structures", options.structures);
  for (const auto &model : options.models) inputs.add_file("--model", model);

  Json manifest;
  long done = 0, bytes = 0;
  if (fs::exists(part) && fs::exists(manifest_path)) {
    manifest = read_manifest(manifest_path);
    compare_settings(manifest.value("settings", Json::object()), settings, part.string());
    inputs.compare(manifest, "'" + part.string() + "'",
                   "go on with those, or remove it and '" + manifest_path.string() +
                       "' to start again");
    done = manifest.value("frames", 0L);
    bytes = manifest.value("bytes", 0L);
    if (long(fs::file_size(part)) < bytes)
      throw FileError("'" + part.string() +
                      "' is shorter than its manifest says; remove both to start again");
    fs::resize_file(part, bytes);
    spdlog::info("{} frames are there already", done);
  } else {
    manifest.update(inputs.json());
    manifest["command"] = options.command;
    manifest["settings"] = settings;
    fs::remove(part);
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE *)> file(std::fopen(part.c_str(), "a"),
                                                              std::fclose);
  if (!file) throw FileError("'" + part.string() + "' cannot be written: " + std::strerror(errno));
  const auto save = [&](long frames) {
    if (std::fflush(file.get()) != 0 || std::ferror(file.get()))
      throw FileError("'" + part.string() + "' cannot be written: is the disk full?");
    fsync(fileno(file.get()));
    manifest["frames"] = frames;
    manifest["bytes"] = long(fs::file_size(part));
    write_manifest(manifest_path, manifest);
  };

  std::unique_ptr<Teacher> teacher;
  if (options.models.empty())
    teacher = std::make_unique<XtbTeacher>(options);
  else
    teacher = std::make_unique<EnsembleTeacher>(options.models);
  Progress progress("labelling");
  long n = 0;
  auto saved = std::chrono::steady_clock::now();
  Structure frame;
  const auto failed_before = manifest.value("left_out", std::set<long>());
  while (n < done && reader->next(frame))
    if (!failed_before.contains(++n)) teacher->meet(frame);
  FramesAhead frames(*reader, *teacher);
  while (frames.next(frame)) {
    n++;
    forget_results(frame);
    try {
      teacher->label(frame);
    } catch (const std::exception &error) {
      if (options.skip_failed && !dynamic_cast<const XtbUnavailable *>(&error)) {
        spdlog::warn("frame {} is left out: {}", n, error.what());
        manifest["left_out"].push_back(n);
        teacher->recover();
        continue;
      }
      save(n - 1);
      if (n == 1) {
        fs::remove(part);
        fs::remove(manifest_path);
      }
      throw FileError("'" + options.structures + "', frame " + std::to_string(n) + ": " +
                      error.what());
    }
    write_xyz(file.get(), frame);
    if (std::chrono::steady_clock::now() - saved > std::chrono::seconds(2)) {
      save(n);
      saved = std::chrono::steady_clock::now();
    }
    progress.update(double(n) / double(total),
                    std::to_string(n) + " of " + std::to_string(total) + " frames");
  }
  save(n);
  const std::size_t left_out = manifest.contains("left_out") ? manifest["left_out"].size() : 0;
  if (long(left_out) == n)
    throw FileError("'" + options.structures + "': the calculation of every frame failed");
  if (left_out) spdlog::info("{} of {} frames are left out", left_out, n);
  manifest.erase("bytes");
  write_manifest(manifest_path, manifest);
  fs::rename(part, options.output);
}

}    // namespace mlff
