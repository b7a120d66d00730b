// Molecules sampled by LAMMPS, or rattled, each trajectory in a process of its own.
#include "core/progress.h"
#include "core/sha256.h"
#include "data/extended_xyz.h"
#include "data/input_record.h"
#include "data/output_file.h"
#include "data/trajectory.h"
#include "label/label.h"
#include "label/smiles_file.h"
#include "label/wide_sampling.h"
#include "molecule/molecule.h"
#include "recipes.h"
#include "workflow/lammps_run.h"
#include "workflow/process_pool.h"
#include "workflow/run_folder.h"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <random>
#include <sstream>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

  constexpr int wide_conformers = 20;    // of a molecule, among which wide sampling draws

  /// One trajectory of one molecule.
  struct Trajectory {
    std::string name;    ///< name of its file, without ending
    const Molecule *molecule;
    std::string molecule_name;
    double temperature;
    int conformer, seed;
  };

  class MoleculeLabels {
   public:
    explicit MoleculeLabels(const LabelOptions &options) :
        options(options), folder(options.output, "mlff label"), work(folder / ".work"),
        teacher(make_teacher(options.teacher))
    {
    }

    void run()
    {
      if (!draws()) options.lammps = lammps_program(options.lammps);
      const auto list = options.smiles_file.empty()
          ? std::vector<NamedSmiles>{{options.smiles, "molecule"}}
          : read_smiles(options.smiles_file);
      make_trajectories(list);
      InputRecord inputs;
      inputs.add_provenance(teacher->provenance(),
                            teacher_kind(options.teacher.kind).settings.front().option);
      folder.begin(settings(list), inputs, options.command, {{"trajectories", Json::object()}});

      fs::remove_all(work);
      run_missing();
      fs::remove_all(work);
      if (!failures.empty()) {
        std::string text;
        for (const auto &failure : failures) text += "\n  " + failure;
        throw FileError(
            std::to_string(failures.size()) + " of " + std::to_string(trajectories.size()) +
            " trajectories failed; the others are complete in '" + folder.name() + "':" + text);
      }
      spdlog::info("{} trajectories of {} molecules in {}", trajectories.size(), molecules.size(),
                   folder.name());
    }

   private:
    LabelOptions options;
    RunFolder folder;
    fs::path work;
    std::unique_ptr<Teacher> teacher;
    std::vector<Molecule> molecules;
    std::vector<Trajectory> trajectories;
    std::vector<std::string> failures;

    bool is_wide() const { return options.sampling == "wide"; }

    /// Whether geometries are drawn, not visited by dynamics.
    bool draws() const { return options.sampling == "rattle" || is_wide(); }

    long expected_frames() const
    {
      return options.sampling == "nve" ? long(options.windows) * (options.window + 1)
                                       : options.frames;
    }

    Json settings(const std::vector<NamedSmiles> &list) const
    {
      Json s = teacher->provenance()["settings"];
      s["sampling"] = options.sampling;
      s["seed"] = options.seed;
      s["trajectories"] = options.trajectories;
      if (draws()) {
        if (!is_wide()) s["rattle"] = options.rattle;
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
      const auto temperatures = draws() ? std::vector<double>{0.0} : options.temperatures;
      const int n_conformers = is_wide() ? wide_conformers
                                         : int(temperatures.size()) * options.trajectories;
      for (const auto &[smiles, name] : list) {
        molecules.push_back(make_molecule(smiles, n_conformers, options.seed));
        // A molecule that the teacher cannot label is refused before anything runs.
        try {
          check(molecules.back());
        } catch (const TeacherError &error) {
          throw FileError("molecule '" + name + "' (" + smiles + "): " + error.what());
        }
      }
      for (std::size_t m = 0; m < molecules.size(); m++) {
        int conformer = 0;
        for (const double temperature : temperatures)
          for (int t = 0; t < options.trajectories; t++, conformer++) {
            std::ostringstream name;
            name << list[m].name;
            if (!draws()) name << "_" << temperature << "K";
            if (options.trajectories > 1) name << "_" << t + 1;
            trajectories.push_back({name.str(), &molecules[m], list[m].name, temperature, conformer,
                                    options.seed + int(trajectories.size())});
          }
      }
    }

    /// Throws TeacherError for a molecule that cannot be labelled, or not in LAMMPS where that is
    /// needed.
    void check(const Molecule &molecule) const
    {
      if (!draws() &&
          teacher
              ->lammps_commands(elements_of_types(molecule), molecule.charge,
                                molecule.unpaired_electrons)
              .empty())
        throw TeacherError("--sampling " + options.sampling +
                           " needs forces in LAMMPS, which the teacher '" + options.teacher.kind +
                           "' does not have; accepted: rattle, wide");
      make_teacher(options.teacher)->set_reference(molecule.frame(molecule.conformers.front()));
    }

    /// Makes the trajectories that the manifest does not list as done.
    void run_missing()
    {
      // large molecules first, so that none is left over for one core at the end
      auto order = trajectories;
      std::stable_sort(order.begin(), order.end(), [](const auto &a, const auto &b) {
        return a.molecule->n_atoms() > b.molecule->n_atoms();
      });
      ProcessPool pool;
      long done = 0;
      for (const auto &trajectory : order) {
        const auto &entries = folder.manifest["trajectories"];
        if (entries.contains(trajectory.name) && entries[trajectory.name].value("done", false) &&
            fs::exists(file_of(trajectory))) {
          check_contents(trajectory, entries[trajectory.name]);
          done++;
        } else
          pool.add(work_on(trajectory));
      }
      if (done > 0)
        spdlog::info("{} of {} trajectories are there already", done, trajectories.size());
      one_thread_each();
      Progress progress("labelling");
      pool.run(processes_at_a_time(options.jobs), [&](double share) {
        progress.update((double(done) + share * double(pool.size())) / double(trajectories.size()),
                        std::to_string(trajectories.size()) + " trajectories");
      });
    }

    fs::path file_of(const Trajectory &trajectory) const
    {
      return folder / (trajectory.name + ".xyz");
    }

    ProcessPool::Work work_on(const Trajectory &trajectory)
    {
      const fs::path place = work / trajectory.name;
      auto counter = std::make_shared<FrameCounter>(place / "frames.xyz");
      ProcessPool::Work piece;
      piece.run = [this, trajectory, place] {
        fs::create_directories(place);
        output_to(place / "log");
        if (draws()) return draw(trajectory, place / "frames.xyz");
        return run_lammps(trajectory, place);
      };
      piece.progress = [this, counter] {
        return double(counter->count()) / double(expected_frames());
      };
      piece.finished = [this, trajectory, place](int status) {
        finish(trajectory, place, status);
      };
      return piece;
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
      const std::string force =
          teacher->lammps_commands(elements, start.charge, start.unpaired_electrons);
      replace_by_lammps(options.lammps, place,
                        with_force(options.sampling == "nve" ? recipe_nve : recipe_langevin, force),
                        {{"data", "start.data"},
                         {"elements", elements},
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

    /// Draws geometries and labels them.
    int draw(const Trajectory &trajectory, const fs::path &path) const
    {
      const auto &m = *trajectory.molecule;
      const auto &start = m.conformers[is_wide() ? 0 : trajectory.conformer];
      const auto own_teacher = make_teacher(options.teacher);
      own_teacher->set_reference(m.frame(start));
      std::mt19937 generator(trajectory.seed);
      std::normal_distribution<double> normal(0.0, options.rattle);
      std::optional<WideMolecule> wide;
      if (is_wide()) wide.emplace(m);
      int failed = 0;
      OutputFile file(path.string(), true);
      for (int f = 0; f < options.frames;) {
        Structure frame = wide ? wide->draw(generator) : m.frame(start);
        if (!wide)
          for (double &x : frame.positions) x += normal(generator);
        try {
          set_labels(frame, own_teacher->label(frame));
        } catch (const TeacherUnavailable &) {
          throw;
        } catch (const TeacherError &) {
          // far from its minimum a molecule may be one that the teacher cannot calculate
          if (!wide || ++failed > 10 + options.frames / 4) throw;
          continue;
        }
        write_xyz(file, frame);
        f++;
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
      if (!draws()) entry["temperature"] = trajectory.temperature;
      entry["seed"] = trajectory.seed;
      const std::string why = status != 0 ? last_error(place / "log", status)
                                          : check(place / "frames.xyz", entry);
      if (why.empty()) {
        entry["file"] = trajectory.name + ".xyz";
        if (!draws()) add_state(place / "frames.xyz", *trajectory.molecule);
        entry["sha256"] = sha256_of_file((place / "frames.xyz").string());
        fs::rename(place / "frames.xyz", file_of(trajectory));
      } else {
        entry["error"] = why;
        failures.push_back(trajectory.name + ": " + why);
      }
      entry["done"] = why.empty();
      folder.manifest["trajectories"][trajectory.name] = entry;
      folder.save();
      fs::remove_all(place);
    }

    /// Throws for a file that somebody else changed: it is neither counted as done nor overwritten.
    void check_contents(const Trajectory &trajectory, const Json &entry) const
    {
      const fs::path file = file_of(trajectory);
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

}    // namespace

void label_molecules(const LabelOptions &options)
{
  MoleculeLabels(options).run();
}

}    // namespace mlff
