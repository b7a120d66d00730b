#include "distill/distill.h"

#include "core/elements.h"
#include "core/progress.h"
#include "core/units.h"
#include "data/input_record.h"
#include "data/output_file.h"
#include "data/trajectory.h"
#include "label/label.h"
#include "molecule/molecule.h"
#include "recipes.h"
#include "teacher/teacher_ensemble.h"
#include "teacher/xtb_calculator.h"
#include "training/trainer.h"
#include "workflow/process_pool.h"
#include "workflow/run_folder.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <thread>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

DistillSettings DistillSettings::read(const std::string &path)
{
  DistillSettings s;
  YamlSection top = YamlSection::file(path);
  s.molecules = top.word("molecules", "");
  if (s.molecules.empty())
    top.fail("molecules",
             "is missing; accepted: a SMILES, or a file with a SMILES and a name in each line");
  if (fs::is_regular_file(beside(path, s.molecules))) s.molecules = beside(path, s.molecules);

  YamlSection teacher = top.section("teacher");
  for (const auto &file : teacher.words("models")) s.models.push_back(beside(path, file));
  if (!s.models.empty() && teacher.has("method"))
    teacher.fail("method", "stands beside 'teacher.models'; accepted: one of the two");
  s.method = teacher.word("method", s.method, {"gfn2", "gfn1", "gfnff"});
  s.accuracy = teacher.number("accuracy", s.accuracy, 1e-4, 1e3);
  teacher.finish();

  YamlSection data = top.section("data");
  s.start = TrainSettings::read_files(data, "start", path, false);
  s.valid = TrainSettings::read_files(data, "valid", path, false);
  data.finish();
  if (s.start.empty())
    data.fail(
        "start",
        "is missing; accepted: a list of maps with the key 'file' (mlff label makes such files)");

  YamlSection sampling = top.section("sampling");
  if (sampling.has("temperatures")) s.temperatures = sampling.numbers("temperatures");
  for (const double T : s.temperatures)
    if (T <= 0) sampling.fail("temperatures", "holds " + number(T) + "; accepted: numbers > 0 (K)");
  s.frames = sampling.whole("frames", s.frames, 1);
  s.every = sampling.whole("every", s.every, 1);
  s.warmup = sampling.whole("warmup", s.warmup);
  s.timestep = sampling.number("timestep", s.timestep, 1e-3);
  sampling.finish();

  YamlSection select = top.section("select");
  s.select = select.whole("frames", s.select, 1);
  s.probe = select.whole("probe", s.probe, 1);
  select.finish();
  const long candidates = s.frames * long(s.temperatures.size());
  if (s.select + s.probe > candidates)
    select.fail("frames",
                "and 'select.probe' ask for " + std::to_string(s.select + s.probe) + " of the " +
                    std::to_string(candidates) + " frames that 'sampling' makes of a molecule");

  s.rounds = top.whole("rounds", s.rounds, 1);
  s.gain = top.number("gain", s.gain, -1.0, 1.0);
  s.students = int(top.whole("students", s.students, 2));
  s.seed = unsigned(top.whole("seed", s.seed, 0, std::numeric_limits<unsigned>::max()));
  YamlSection student = top.section("student");
  s.student.read_student(student, path);
  if (s.student.molecule)
    top.fail("student.model.kind",
             "is 'molecule-mlp', which mlff train alone makes (from labels of mlff label); "
             "accepted: painn");
  student.finish();
  s.output = beside(path, top.word("output", ""));
  if (top.word("output", "").empty()) top.fail("output", "is missing; accepted: a folder");
  top.finish();
  return s;
}

Json DistillSettings::description() const
{
  Json json;
  TrainSettings full = student;
  full.train = start;
  full.valid = valid;
  const Json inner = full.description();
  json["molecules"] = fs::is_regular_file(molecules) ? fs::path(molecules).filename().string()
                                                     : molecules;
  if (models.empty())
    json["teacher"] = {{"method", method}, {"accuracy", accuracy}};
  else {
    json["teacher"]["models"] = Json::array();
    for (const auto &model : models)
      json["teacher"]["models"].push_back(fs::path(model).filename().string());
  }
  json["sampling"] = {{"temperatures", temperatures},
                      {"frames", frames},
                      {"every", every},
                      {"warmup", warmup},
                      {"timestep", timestep}};
  json["select"] = {{"frames", select}, {"probe", probe}};
  json["gain"] = gain;
  json["students"] = students;
  json["seed"] = seed;
  json["start"] = inner["data"]["train"];
  json["valid"] = inner["data"]["valid"];
  for (const char *key : {"model", "loss", "training"}) json["student"][key] = inner[key];
  return json;
}

namespace {

  double distance(const double *a, const double *b)
  {
    return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
  }

  /// Inverse distances of all pairs: tells conformations of one molecule apart.
  std::vector<double> inverse_distances(const Structure &frame)
  {
    std::vector<double> list;
    for (int i = 0; i < frame.n_atoms(); i++)
      for (int j = 0; j < i; j++)
        list.push_back(1.0 / distance(&frame.positions[3 * i], &frame.positions[3 * j]));
    return list;
  }

  class Distillation {
   public:
    Distillation(const DistillSettings &settings, const std::string &command,
                 const std::string &lammps, int jobs) :
        settings(settings),
        folder(settings.output), lammps(lammps_program(lammps)),
        jobs(jobs > 0 ? jobs : std::max(1, int(std::thread::hardware_concurrency())))
    {
      const auto list = fs::is_regular_file(settings.molecules)
          ? read_smiles(settings.molecules)
          : std::vector<NamedSmiles>{{settings.molecules, "molecule"}};
      for (const auto &[smiles, name] : list) {
        names.push_back(name);
        molecules.push_back(make_molecule(smiles, 1, int(settings.seed)));
      }
      if (fs::exists(folder) && !fs::exists(manifest_path()) && !fs::is_empty(folder))
        throw FileError("the folder '" + folder.string() +
                        "' holds other files and no manifest of mlff distill; use a new folder");
      fs::create_directories(folder);
      if (fs::exists(manifest_path())) {
        manifest = Json::parse(text_of(manifest_path()), nullptr, false);
        if (manifest.is_discarded() || !manifest.contains("settings") ||
            !manifest.contains("rounds"))
          throw FileError("'" + manifest_path().string() + "' is no manifest of mlff distill");
        const auto ours = settings.description().flatten(), theirs = manifest["settings"].flatten();
        for (const auto *side : {&ours, &theirs})
          for (const auto &[key, value] : side->items())
            if (!ours.contains(key) || !theirs.contains(key) || ours[key] != theirs[key])
              throw FileError("'" + folder.string() + "' was made with " + key + " = " +
                              (theirs.contains(key) ? theirs[key].dump() : "none") +
                              ", now it is " + (ours.contains(key) ? ours[key].dump() : "none") +
                              "; use the same settings to go on, or another output");
        inputs().compare(manifest, "'" + folder.string() + "'",
                         "go on with that, or use another output");
      } else {
        manifest = inputs().json();
        manifest.update({{"settings", settings.description()},
                         {"commands", Json::array()},
                         {"rounds", Json::array()}});
      }
      manifest["commands"].push_back(command);
    }

    void run()
    {
      const Lock lock(folder / ".lock");
      save();
      one_thread_each();
      std::printf("%6s %10s %10s %12s %12s %12s\n%6s %10s %10s %12s %12s %12s\n", "round", "frames",
                  "discarded", "spread", "probe F MAE", "valid F MAE", "", "", "", "meV/A", "meV/A",
                  "meV/A");
      bool last = false;
      for (long r = 0; r <= settings.rounds; r++) {
        if (long(manifest["rounds"].size()) <= r) manifest["rounds"].push_back(Json::object());
        if (r > 0) {
          sample(r);
          label(r);
          measure(r);
          const double error = entry(r)["probe"]["force_mae_meV_per_A"],
                       before = r > 1 ? entry(r - 1)["probe"]["force_mae_meV_per_A"].get<double>()
                                      : 0.0;
          last = r == settings.rounds || (r > 1 && error > (1.0 - settings.gain) * before);
        }
        train(r);
        const Json &e = entry(r);
        std::printf(
            "%6ld %10ld %10ld %12s %12s %12.2f\n", r,
            r > 0 ? e["labelled"].get<long>() : e["n_train"].get<long>(),
            r > 0 ? e["discarded"].get<long>() : 0L,
            r > 0 ? number(std::round(100 * e["mean_spread_meV_per_A"].get<double>()) / 100).c_str()
                  : "-",
            r > 0 ? number(std::round(100 * e["probe"]["force_mae_meV_per_A"].get<double>()) / 100)
                        .c_str()
                  : "-",
            e["valid"]["force_mae_meV_per_A"].get<double>());
        std::fflush(stdout);
        if (last) {
          if (r < settings.rounds)
            spdlog::info("the error on the student's own trajectories fell by less than {} %: "
                         "round {} was the last",
                         100 * settings.gain, r);
          finish(r);
          break;
        }
      }
    }

   private:
    DistillSettings settings;
    fs::path folder;
    std::string lammps;
    int jobs;
    std::vector<std::string> names;
    std::vector<Molecule> molecules;
    Json manifest;

    /// Contents of what the settings name.
    InputRecord inputs() const
    {
      InputRecord record;
      Json list = Json::object();
      for (std::size_t m = 0; m < molecules.size(); m++) list[names[m]] = molecules[m].smiles;
      record.add("molecules", list);
      if (settings.models.empty()) record.add("xtb_version", xtb_version());
      for (const auto &file : settings.models) record.add_file("teacher.models", file);
      for (const auto &file : settings.start) record.add_file("data.start", file.file);
      for (const auto &file : settings.valid) record.add_file("data.valid", file.file);
      if (!settings.student.init_from.empty())
        record.add_file("student.model.init_from", settings.student.init_from);
      return record;
    }

    fs::path manifest_path() const { return folder / "manifest.json"; }
    void save() const { write_manifest(manifest_path(), manifest); }
    Json &entry(long r) { return manifest["rounds"][r]; }
    fs::path place(long r) const { return folder / ("round-" + std::to_string(r)); }
    std::string student(long r, int k) const
    {
      return (place(r) / ("student-" + std::to_string(k + 1) + ".safetensors")).string();
    }
    std::string labelled(long r, std::size_t m) const
    {
      return (place(r) / (names[m] + ".xyz")).string();
    }
    std::string probe(long r, std::size_t m) const
    {
      return (place(r) / (names[m] + "-probe.xyz")).string();
    }
    std::string raw(long r, std::size_t m, double T) const
    {
      return (place(r) / (names[m] + "-" + number(T) + "K.xyz")).string();
    }

    void run_all(std::vector<Task> &tasks, const std::string &title)
    {
      Progress progress(title);
      run_tasks(tasks, jobs, [&](double share) {
        progress.update(share);
      });
    }

    /// Trajectories of the first student of the round before.
    void sample(long r)
    {
      fs::create_directories(place(r));
      std::vector<Task> tasks;
      for (std::size_t m = 0; m < molecules.size(); m++)
        for (std::size_t t = 0; t < settings.temperatures.size(); t++) {
          const double T = settings.temperatures[t];
          const std::string output = raw(r, m, T);
          if (fs::exists(output) || fs::exists(labelled(r, m))) continue;
          const fs::path work = place(r) / (".sample-" + names[m] + "-" + number(T));
          fs::remove_all(work);
          fs::create_directories(work);
          auto counter = std::make_shared<FrameCounter>(work / "frames.xyz");
          Task task;
          task.run = [this, r, m, t, T, work] {
            output_to(work / "log");
            const std::string elements = elements_of_types(molecules[m]);
            // a conformer of its own for each round
            Molecule start =
                make_molecule(molecules[m].smiles, int(t + 1), int(settings.seed + 101 * r));
            start.conformers = {start.conformers[t]};
            OutputFile data((work / "start.data").string(), true);
            write_data(data, start, 1, 8.0, true, 1);
            data.finish();
            replace_by_lammps(
                lammps, work, recipe_sample,
                {{"data", "start.data"},
                 {"elements", elements},
                 {"potential", fs::absolute(student(r - 1, 0)).string()},
                 {"temperature", number(T)},
                 {"seed", number(double(settings.seed + 1009 * r + 31 * long(m) + long(t)))},
                 {"dt", number(settings.timestep)},
                 {"warmup", number(double(settings.warmup))},
                 {"frames", number(double(settings.frames))},
                 {"every", number(double(settings.every))},
                 {"output", "frames.xyz"}});
            return 1;
          };
          task.progress = [this, counter] {
            return double(counter->count()) / double(settings.frames);
          };
          // a student that flies apart has told what it does not know: its frames count as far as
          // they go
          task.finished = [this, r, m, work, output, T](int status) {
            if (status != 0)
              spdlog::warn("round {}: {} at {} K: {}", r, names[m], T,
                           last_error(work / "log", status));
            keep_whole_frames(work / "frames.xyz", output);
            fs::remove_all(work);
          };
          tasks.push_back(task);
        }
      run_all(tasks, "round " + std::to_string(r) + ": sampling");
    }

    /// Moves the frames that were written completely.
    static void keep_whole_frames(const fs::path &from, const std::string &to)
    {
      OutputFile file(to, true);
      if (fs::exists(from)) {
        const auto reader = open_trajectory(from.string());
        Structure frame;
        try {
          while (reader->next(frame)) {
            frame.energy.reset();
            frame.forces.clear();
            write_xyz(file, frame);
          }
        } catch (const FileError &) {
          // the run ended within this frame
        }
      }
      file.finish();
    }

    /// Bonds of the start that hold, and no two atoms too close: what a teacher can label.
    bool sound(const Molecule &molecule, const Structure &frame) const
    {
      for (int i = 0; i < frame.n_atoms(); i++)
        for (int j = 0; j < i; j++) {
          const double radii =
              covalent_radius(frame.numbers[i]) + covalent_radius(frame.numbers[j]);
          if (!(distance(&frame.positions[3 * i], &frame.positions[3 * j]) > 0.6 * radii))
            return false;
        }
      return bonds_hold(bonds_of(molecule.numbers, molecule.conformers.front()), frame.numbers,
                        frame.positions);
    }

    /// Frames of one molecule in the order of how much they teach: the spread of the students times
    /// the distance from those before.
    std::vector<int> most_useful(const std::vector<Structure> &frames,
                                 const std::vector<double> &spread, long n) const
    {
      std::vector<std::vector<double>> shape;
      for (const auto &frame : frames) shape.push_back(inverse_distances(frame));
      std::vector<double> away(frames.size(), 1.0);
      std::vector<int> chosen;
      for (long c = 0; c < n; c++) {
        int best = -1;
        for (std::size_t k = 0; k < frames.size(); k++)
          if (away[k] > 0 && (best < 0 || spread[k] * away[k] > spread[best] * away[best]))
            best = int(k);
        if (best < 0) break;
        chosen.push_back(best);
        for (std::size_t k = 0; k < frames.size(); k++) {
          double square = 0.0;
          for (std::size_t p = 0; p < shape[k].size(); p++)
            square += (shape[k][p] - shape[best][p]) * (shape[k][p] - shape[best][p]);
          away[k] = c == 0 ? std::sqrt(square) : std::min(away[k], std::sqrt(square));
        }
        away[best] = 0.0;
      }
      return chosen;
    }

    /// Chooses and labels frames of every molecule, each in a process of its own.
    void label(long r)
    {
      std::vector<Task> tasks;
      for (std::size_t m = 0; m < molecules.size(); m++) {
        if (fs::exists(labelled(r, m))) continue;
        Task task;
        const fs::path log = place(r) / (".label-" + names[m] + ".log");
        task.run = [this, r, m, log] {
          output_to(log);
          label_molecule(r, m);
          return 0;
        };
        task.progress = [] {
          return 0.0;
        };
        task.finished = [this, r, m, log](int status) {
          if (status != 0)
            throw FileError("round " + std::to_string(r) + ", labels of " + names[m] + ": " +
                            last_error(log, status));
          fs::remove(log);
        };
        tasks.push_back(task);
      }
      run_all(tasks, "round " + std::to_string(r) + ": labels");

      Json &e = entry(r);
      long n = 0, discarded = 0;
      double spread = 0.0;
      for (std::size_t m = 0; m < molecules.size(); m++) {
        const Json one = Json::parse(text_of(labelled(r, m) + ".json"));
        n += one["labelled"].get<long>();
        discarded += one["discarded"].get<long>();
        spread += one["mean_spread_meV_per_A"].get<double>() / double(molecules.size());
        e["molecules"][names[m]] = one;
        for (const double T : settings.temperatures) fs::remove(raw(r, m, T));
      }
      e["labelled"] = n;
      e["discarded"] = discarded;
      e["mean_spread_meV_per_A"] = spread;
      save();
    }

    void label_molecule(long r, std::size_t m)
    {
      std::vector<std::string> students;
      for (int k = 0; k < settings.students; k++) students.push_back(student(r - 1, k));
      TeacherEnsemble committee(students, 1);
      std::vector<Structure> frames;
      std::vector<double> spread;
      long discarded = 0;
      double mean = 0.0;
      for (const double T : settings.temperatures) {
        const std::string path = raw(r, m, T);
        if (fs::file_size(path) == 0) continue;
        const auto reader = open_trajectory(path);
        for (Structure frame; reader->next(frame);) {
          if (!sound(molecules[m], frame)) {
            discarded++;
            continue;
          }
          committee.label(frame);
          spread.push_back(*std::max_element(frame.spread.begin(), frame.spread.end()));
          mean += std::accumulate(frame.spread.begin(), frame.spread.end(), 0.0) /
              double(frame.n_atoms());
          frames.push_back(frame);
        }
      }
      std::unique_ptr<TeacherEnsemble> models;
      std::unique_ptr<XtbCalculator> xtb;
      if (!settings.models.empty()) models = std::make_unique<TeacherEnsemble>(settings.models, 1);
      const auto write = [&](const std::string &path, const std::vector<int> &which) {
        OutputFile file(path, true);
        long n = 0;
        for (const int k : which) {
          Structure frame = frames[k];
          frame.spread.clear();
          frame.energy_spread.reset();
          try {
            if (models)
              models->label(frame);
            else {
              const auto &molecule = molecules[m];
              // bonds of GFN-FF: those of the molecule, whatever frame comes first
              if (!xtb)
                xtb = std::make_unique<XtbCalculator>(
                    XtbOptions{xtb_method_of(settings.method), molecule.charge,
                               molecule.unpaired_electrons, settings.accuracy},
                    molecule.numbers, molecule.conformers.front());
              frame.energy = xtb->evaluate(frame.positions, frame.forces);
              frame.charge = molecule.charge;
              frame.multiplicity = molecule.unpaired_electrons + 1;
              frame.masses = molecule.frame({}).masses;
            }
          } catch (const XtbUnavailable &) {
            throw;
          } catch (const XtbError &error) {
            std::fprintf(stderr, "%s\n", error.what());
            discarded++;
            continue;
          }
          write_xyz(file, frame);
          n++;
        }
        file.finish();
        return n;
      };
      // probes first: drawn from all frames, whatever their spread
      auto order = shuffled(int(frames.size()), settings.seed + 17 * std::uint64_t(r) + m);
      order.resize(std::min<std::size_t>(order.size(), std::size_t(settings.probe)));
      const long probes = write(probe(r, m), order);
      std::vector<bool> taken(frames.size(), false);
      for (const int k : order) taken[k] = true;
      std::vector<Structure> rest;
      std::vector<double> rest_spread;
      std::vector<int> index;
      for (std::size_t k = 0; k < frames.size(); k++)
        if (!taken[k]) {
          rest.push_back(frames[k]);
          rest_spread.push_back(spread[k]);
          index.push_back(int(k));
        }
      auto chosen = most_useful(rest, rest_spread, settings.select);
      for (int &k : chosen) k = index[k];
      // the summary before the frames: these say that the molecule is done
      const std::string part = labelled(r, m) + ".part";
      const long selected = write(part, chosen);
      write_manifest(
          labelled(r, m) + ".json",
          {{"labelled", probes + selected},
           {"probes", probes},
           {"candidates", frames.size()},
           {"discarded", discarded},
           {"mean_spread_meV_per_A", frames.empty() ? 0.0 : mean / double(frames.size()) / meV}});
      fs::rename(part, labelled(r, m));
    }

    /// Error of the student before this round on frames of its own trajectories.
    void measure(long r)
    {
      Json &e = entry(r);
      if (e.contains("probe")) return;
      const Potential before = Potential::read(student(r - 1, 0));
      std::vector<TrainingFrame> frames;
      for (std::size_t m = 0; m < molecules.size(); m++) {
        if (fs::file_size(probe(r, m)) == 0) continue;
        const auto reader = open_trajectory(probe(r, m));
        for (Structure frame; reader->next(frame);) {
          frames.push_back({});
          frames.back().structure = frame;
          append_graph(frame, before.elements, before.cutoff, frames.back().graph);
        }
      }
      if (frames.empty())
        throw FileError("round " + std::to_string(r) +
                        ": the student's trajectories hold no frame that could be labelled; begin "
                        "with more frames ('data.start')");
      e["probe"] = errors_of(before, frames, Precision::double_precision, 1).json();
      save();
    }

    void train(long r)
    {
      fs::create_directories(place(r));
      std::vector<Task> tasks;
      for (int k = 0; k < settings.students; k++) {
        if (fs::exists(student(r, k))) continue;
        TrainSettings s = settings.student;
        s.seed = settings.student.seed + unsigned(k);
        s.train = settings.start;
        s.valid = settings.valid;
        s.output = student(r, k);
        for (long past = 1; past <= r; past++)
          for (std::size_t m = 0; m < molecules.size(); m++)
            for (const auto &path : {labelled(past, m), probe(past, m)})
              if (fs::file_size(path) > 0) s.train.push_back({path});
        if (r > 0) s.init_from = student(r - 1, k);
        const fs::path log = place(r) / ("student-" + std::to_string(k + 1) + ".log");
        Task task;
        task.run = [this, s, log] {
          output_to(log);
          Trainer trainer(s, manifest["commands"].back());
          return trainer.run(false, false) ? 0 : 1;
        };
        const fs::path lines = fs::path(s.output).replace_extension(".training") / "log.jsonl";
        task.progress = [this, lines] {
          const std::string text = text_of(lines);
          const auto at = text.rfind("{\"step\":");
          return at == std::string::npos
              ? 0.0
              : std::atof(text.c_str() + at + 8) / double(settings.student.steps);
        };
        task.finished = [r, k, log](int status) {
          if (status != 0)
            throw FileError("round " + std::to_string(r) + ", student " + std::to_string(k + 1) +
                            ": " + last_error(log, status));
        };
        tasks.push_back(task);
      }
      run_all(tasks, "round " + std::to_string(r) + ": training");
      const auto report = Json::parse(Potential::read(student(r, 0)).training);
      for (const char *key : {"n_train", "train", "valid"}) entry(r)[key] = report[key];
      save();
    }

    void finish(long r)
    {
      for (int k = 0; k < settings.students; k++) {
        Potential result = Potential::read(student(r, k));
        auto training = Json::parse(result.training);
        training["distillation"] = {{"settings", settings.description()},
                                    {"rounds", Json::array()}};
        for (const auto &round : manifest["rounds"]) {
          Json line = round;
          line.erase("molecules");
          training["distillation"]["rounds"].push_back(line);
        }
        result.training = training.dump();
        const auto path = folder / ("student-" + std::to_string(k + 1) + ".safetensors");
        result.write(path.string(), true);
      }
      spdlog::info("wrote {} students to {}", settings.students, folder.string());
      manifest["done"] = true;
      save();
    }
  };

}    // namespace

void distill(const DistillSettings &settings, const std::string &command, const std::string &lammps,
             int jobs)
{
  Distillation(settings, command, lammps, jobs).run();
}

}    // namespace mlff
