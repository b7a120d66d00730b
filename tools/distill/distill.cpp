// The loop of a distillation: sample, label, measure, train.
#include "distill/distill.h"

#include "core/progress.h"
#include "data/input_record.h"
#include "data/output_file.h"
#include "data/trajectory.h"
#include "distill/label_round.h"
#include "label/smiles_file.h"
#include "molecule/molecule.h"
#include "recipes.h"
#include "training/trainer.h"
#include "workflow/lammps_run.h"
#include "workflow/process_pool.h"
#include "workflow/run_folder.h"

#include <spdlog/spdlog.h>

#include <cmath>
#include <filesystem>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

  /// Settings of a teacher, with files by their names.
  Json description_of(const Json &provenance)
  {
    Json description = provenance["settings"];
    const Json &files = provenance["files"];
    const auto name_of = [](const Json &file) {
      return fs::path(file.get<std::string>()).filename().string();
    };
    if (!files.empty()) {
      for (auto &[key, value] : description.items())
        if (value == files)
          for (auto &file : value) file = name_of(file);
        else if (value == files.front())
          value = name_of(value);
    }
    return description;
  }

  class Distillation {
   public:
    Distillation(const DistillSettings &settings, const std::string &command,
                 const std::string &lammps, int jobs) :
        settings(settings),
        folder(settings.output, "mlff distill"), lammps(lammps_program(lammps)),
        jobs(processes_at_a_time(jobs)),
        provenance_of_teacher(make_teacher(settings.teacher)->provenance())
    {
      const auto list = fs::is_regular_file(settings.molecules)
          ? read_smiles(settings.molecules)
          : std::vector<NamedSmiles>{{settings.molecules, "molecule"}};
      for (const auto &[smiles, name] : list) {
        names.push_back(name);
        molecules.push_back(make_molecule(smiles, 1, int(settings.seed)));
      }
      folder.begin(description(), inputs(), command, {{"rounds", Json::array()}});
    }

    void run()
    {
      one_thread_each();
      std::printf("%6s %10s %10s %12s %12s %12s\n%6s %10s %10s %12s %12s %12s\n", "round", "frames",
                  "discarded", "spread", "probe F MAE", "valid F MAE", "", "", "", "meV/A", "meV/A",
                  "meV/A");
      bool last = false;
      for (long r = 0; r <= settings.rounds; r++) {
        if (long(folder.manifest["rounds"].size()) <= r)
          folder.manifest["rounds"].push_back(Json::object());
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
        print_row(r);
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
    RunFolder folder;
    std::string lammps;
    int jobs;
    Json provenance_of_teacher;
    std::vector<std::string> names;
    std::vector<Molecule> molecules;

    Json description() const { return settings.description(description_of(provenance_of_teacher)); }

    /// Contents of what the settings name.
    InputRecord inputs() const
    {
      InputRecord record;
      Json list = Json::object();
      for (std::size_t m = 0; m < molecules.size(); m++) list[names[m]] = molecules[m].smiles;
      record.add("molecules", list);
      record.add_provenance(provenance_of_teacher,
                            "teacher." + teacher_kind(settings.teacher.kind).settings.front().key);
      for (const auto &file : settings.start) record.add_file("data.start", file.file);
      for (const auto &file : settings.valid) record.add_file("data.valid", file.file);
      if (!settings.student.init_from.empty())
        record.add_file("student.model.init_from", settings.student.init_from);
      return record;
    }

    Json &entry(long r) { return folder.manifest["rounds"][r]; }
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
    std::string raw(long r, std::size_t m, double temperature) const
    {
      return (place(r) / (names[m] + "-" + number(temperature) + "K.xyz")).string();
    }

    void run_all(ProcessPool &pool, const std::string &title) const
    {
      Progress progress(title);
      pool.run(jobs, [&](double share) {
        progress.update(share);
      });
    }

    void print_row(long r)
    {
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
    }

    /// Trajectories of the first student of the round before.
    void sample(long r)
    {
      fs::create_directories(place(r));
      ProcessPool pool;
      for (std::size_t m = 0; m < molecules.size(); m++)
        for (std::size_t t = 0; t < settings.temperatures.size(); t++)
          if (!fs::exists(raw(r, m, settings.temperatures[t])) && !fs::exists(labelled(r, m)))
            pool.add(sampling(r, m, t));
      run_all(pool, "round " + std::to_string(r) + ": sampling");
    }

    /// A trajectory of one molecule at one temperature.
    ProcessPool::Work sampling(long r, std::size_t m, std::size_t t)
    {
      const double temperature = settings.temperatures[t];
      const fs::path place_of_run = place(r) / (".sample-" + names[m] + "-" + number(temperature));
      fs::remove_all(place_of_run);
      fs::create_directories(place_of_run);
      auto counter = std::make_shared<FrameCounter>(place_of_run / "frames.xyz");
      ProcessPool::Work work;
      work.run = [this, r, m, t, place_of_run] {
        output_to(place_of_run / "log");
        run_student(r, m, t, place_of_run);
        return 1;
      };
      work.progress = [this, counter] {
        return double(counter->count()) / double(settings.frames);
      };
      // a student that flies apart has told what it does not know: its frames count as far as they
      // go
      work.finished = [this, r, m, temperature, place_of_run](int status) {
        if (status != 0)
          spdlog::warn("round {}: {} at {} K: {}", r, names[m], temperature,
                       last_error(place_of_run / "log", status));
        keep_whole_frames(place_of_run / "frames.xyz", raw(r, m, temperature));
        fs::remove_all(place_of_run);
      };
      return work;
    }

    void run_student(long r, std::size_t m, std::size_t t, const fs::path &place_of_run) const
    {
      // a conformer of its own for each round
      Molecule start = make_molecule(molecules[m].smiles, int(t + 1), int(settings.seed + 101 * r));
      start.conformers = {start.conformers[t]};
      {
        OutputFile data((place_of_run / "start.data").string(), true);
        write_data(data, start, 1, 8.0, true, 1);
        data.finish();
      }
      replace_by_lammps(
          lammps, place_of_run, recipe_sample,
          {{"data", "start.data"},
           {"elements", elements_of_types(molecules[m])},
           {"potential", fs::absolute(student(r - 1, 0)).string()},
           {"temperature", number(settings.temperatures[t])},
           {"seed", number(double(settings.seed + 1009 * r + 31 * long(m) + long(t)))},
           {"dt", number(settings.timestep)},
           {"warmup", number(double(settings.warmup))},
           {"frames", number(double(settings.frames))},
           {"every", number(double(settings.every))},
           {"output", "frames.xyz"}});
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
            frame.stress.reset();
            write_xyz(file, frame);
          }
        } catch (const FileError &) {
          // the run ended within this frame
        }
      }
      file.finish();
    }

    /// Chooses and labels frames of every molecule, each in a process of its own.
    void label(long r)
    {
      ProcessPool pool;
      for (std::size_t m = 0; m < molecules.size(); m++) {
        if (fs::exists(labelled(r, m))) continue;
        ProcessPool::Work work;
        const fs::path log = place(r) / (".label-" + names[m] + ".log");
        work.run = [this, r, m, log] {
          output_to(log);
          label_molecule(r, m);
          return 0;
        };
        work.finished = [this, r, m, log](int status) {
          if (status != 0)
            throw FileError("round " + std::to_string(r) + ", labels of " + names[m] + ": " +
                            last_error(log, status));
          fs::remove(log);
        };
        pool.add(work);
      }
      run_all(pool, "round " + std::to_string(r) + ": labels");

      Json &e = entry(r);
      long n = 0, discarded = 0;
      double spread = 0.0;
      for (std::size_t m = 0; m < molecules.size(); m++) {
        const Json one = Json::parse(text_of(labelled(r, m) + ".json"));
        n += one["labelled"].get<long>();
        discarded += one["discarded"].get<long>();
        spread += one["mean_spread_meV_per_A"].get<double>() / double(molecules.size());
        e["molecules"][names[m]] = one;
        for (const double temperature : settings.temperatures) fs::remove(raw(r, m, temperature));
      }
      e["labelled"] = n;
      e["discarded"] = discarded;
      e["mean_spread_meV_per_A"] = spread;
      folder.save();
    }

    void label_molecule(long r, std::size_t m) const
    {
      RoundOfMolecule round{molecules[m],   {},          {},
                            labelled(r, m), probe(r, m), settings.seed + 17 * std::uint64_t(r) + m};
      for (const double temperature : settings.temperatures)
        round.trajectories.push_back(raw(r, m, temperature));
      for (int k = 0; k < settings.students; k++) round.students.push_back(student(r - 1, k));
      label_round(settings, round);
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
      folder.save();
    }

    void train(long r)
    {
      fs::create_directories(place(r));
      ProcessPool pool;
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
        ProcessPool::Work work;
        work.run = [this, s, log] {
          output_to(log);
          Trainer trainer(s, folder.manifest["commands"].back());
          return trainer.run(false, false) ? 0 : 1;
        };
        const fs::path lines = fs::path(s.output).replace_extension(".training") / "log.jsonl";
        work.progress = [this, lines] {
          const std::string text = text_of(lines);
          const auto at = text.rfind("{\"step\":");
          return at == std::string::npos
              ? 0.0
              : std::atof(text.c_str() + at + 8) / double(settings.student.steps);
        };
        work.finished = [r, k, log](int status) {
          if (status != 0)
            throw FileError("round " + std::to_string(r) + ", student " + std::to_string(k + 1) +
                            ": " + last_error(log, status));
        };
        pool.add(work);
      }
      run_all(pool, "round " + std::to_string(r) + ": training");
      const auto report = Json::parse(Potential::read(student(r, 0)).training);
      for (const char *key : {"n_train", "train", "valid"}) entry(r)[key] = report[key];
      folder.save();
    }

    void finish(long r)
    {
      for (int k = 0; k < settings.students; k++) {
        Potential result = Potential::read(student(r, k));
        auto training = Json::parse(result.training);
        training["distillation"] = {{"settings", description()}, {"rounds", Json::array()}};
        for (const auto &round : folder.manifest["rounds"]) {
          Json line = round;
          line.erase("molecules");
          training["distillation"]["rounds"].push_back(line);
        }
        result.training = training.dump();
        const auto path = folder / ("student-" + std::to_string(k + 1) + ".safetensors");
        result.write(path.string(), true);
      }
      spdlog::info("wrote {} students to {}", settings.students, folder.name());
      folder.manifest["done"] = true;
      folder.save();
    }
  };

}    // namespace

void distill(const DistillSettings &settings, const std::string &command, const std::string &lammps,
             int jobs)
{
  Distillation(settings, command, lammps, jobs).run();
}

}    // namespace mlff
