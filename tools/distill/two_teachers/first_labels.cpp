// The cheap teacher's part of a distillation: its labels of frames that are wide apart, and the
// trainings on them alone.
#include "distill/two_teachers/first_labels.h"

#include "core/elements.h"
#include "core/errors.h"
#include "data/trajectory.h"
#include "distill/label_round.h"
#include "label/label.h"
#include "training/pretrain/pretraining.h"
#include "workflow/lammps_run.h"
#include "workflow/run_folder.h"

#include <algorithm>
#include <set>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

  constexpr std::array<const char *, 2> kinds = {"wide", "dynamics"};

  bool has_forces_in_lammps(const std::vector<DistilledSystem> &systems, const Teacher &first)
  {
    return std::all_of(systems.begin(), systems.end(), [&](const DistilledSystem &system) {
      const Molecule &molecule = *system.molecule;
      return !first
                  .lammps_commands(elements_of_types(molecule), molecule.charge,
                                   molecule.unpaired_electrons)
                  .empty();
    });
  }

  std::string directions_of(const Structure &structure)
  {
    return std::to_string(std::count(structure.periodic.begin(), structure.periodic.end(), true)) +
        " of 3 directions";
  }

  /// Elements, formulas or periodic directions of all systems, each once.
  std::string list_of(const std::vector<DistilledSystem> &systems,
                      std::string (*text)(const Structure &))
  {
    std::set<std::string> texts;
    for (const auto &system : systems) texts.insert(text(system.start));
    std::string list;
    for (const auto &one : texts) list += (list.empty() ? "" : ", ") + one;
    return list;
  }

  void check_elements(const std::string &place, const Structure &frame,
                      const std::vector<DistilledSystem> &systems)
  {
    std::set<int> known;
    for (const auto &system : systems)
      known.insert(system.start.numbers.begin(), system.start.numbers.end());
    std::string accepted;
    for (const int z : known) accepted += std::string(" ") + element_symbol(z);
    for (const int z : frame.numbers)
      if (!known.contains(z))
        throw FileError(place + " has the element " + element_symbol(z) +
                        ", which the frames of 'first_teacher' lack; accepted: elements of the "
                        "systems," +
                        accepted);
  }

  void check_frame(const std::string &place, const Structure &frame,
                   const DistillSettings &settings, const std::vector<DistilledSystem> &systems)
  {
    check_elements(place, frame, systems);
    bool same_composition = settings.student.other_compositions, same_directions = false;
    for (const auto &system : systems) {
      const bool alike = have_like_compositions(frame, system.start);
      same_composition = same_composition || alike;
      same_directions = same_directions ||
          ((alike || settings.student.other_compositions) &&
           frame.periodic == system.start.periodic);
    }
    if (!same_composition)
      throw FileError(place + " is " + formula_of(frame) +
                      ", of which 'first_teacher' labels no frame; accepted: " +
                      list_of(systems, formula_of) + ", or 'first.other_compositions: yes'");
    if (!same_directions)
      throw FileError(place + " is periodic in " + directions_of(frame) +
                      ", but the frames of 'first_teacher' in " + list_of(systems, directions_of) +
                      "; accepted: frames as these");
  }

}    // namespace

std::vector<double> standard_first_temperatures(const DistillSettings &settings,
                                                const std::vector<DistilledSystem> &systems,
                                                const Teacher &first)
{
  if (!settings.structures.empty() || !has_forces_in_lammps(systems, first)) return {};
  return {600.0, 1000.0};
}

void check_first_sampling(const DistillSettings &settings,
                          const std::vector<DistilledSystem> &systems, const Teacher &first)
{
  const auto &temperatures = *settings.first.temperatures;
  if (settings.first.frames == 0 && temperatures.empty())
    settings.fail("first.frames",
                  "is 0 and 'first.temperatures' holds none, so that 'first_teacher' has nothing "
                  "to label; accepted: a number above 0" +
                      std::string(settings.structures.empty() ? ", or temperatures (K)" : ""));
  if (!temperatures.empty() && !has_forces_in_lammps(systems, first))
    settings.fail("first.temperatures",
                  "asks for dynamics, which need forces in LAMMPS, but 'first_teacher' (" +
                      settings.first_teacher->name() + ") has none; accepted: []");
  for (const auto &system : systems)
    if (!system.molecule && system.start.periodic != std::array{true, true, true})
      settings.fail("first_teacher",
                    "has nothing to sample: " + system.source + " is periodic in " +
                        directions_of(system.start) +
                        "; accepted: structures that are periodic in all, or 'molecules'");
}

void check_given_frames(const DistillSettings &settings,
                        const std::vector<DistilledSystem> &systems)
{
  for (const auto &[key, files] :
       {std::pair{"data.start", &settings.start}, std::pair{"data.valid", &settings.valid}})
    for (const auto &data : *files) {
      const auto reader = open_trajectory(data.file, data.read);
      long number = 1;
      for (Structure frame; reader->next(frame); number++)
        check_frame("'" + data.file + "' (" + key + "), frame " + std::to_string(number) + ",",
                    frame, settings, systems);
    }
}

FirstLabels::FirstLabels(const DistillSettings &settings,
                         const std::vector<DistilledSystem> &systems, const fs::path &folder) :
    settings(settings),
    systems(systems), folder(folder / "first")
{
}

std::string FirstLabels::student(int k) const
{
  return (folder / ("student-" + std::to_string(k + 1) + ".safetensors")).string();
}

std::string FirstLabels::cell_file(const DistilledSystem &system) const
{
  return (folder / (system.name + ".xyz")).string();
}

void FirstLabels::label(
    const std::string &command, const std::string &lammps, int jobs,
    const std::function<void(ProcessPool &pool, const std::string &title)> &run_all) const
{
  fs::create_directories(folder);
  if (settings.structures.empty()) {
    LabelOptions options;
    options.command = command;
    (fs::is_regular_file(settings.molecules) ? options.smiles_file : options.smiles) =
        settings.molecules;
    options.teacher = *settings.first_teacher;
    options.lammps = lammps;
    options.frames = int(settings.first.frames);
    options.every = int(settings.every);
    options.warmup = int(settings.warmup);
    options.timestep = settings.timestep;
    options.seed = int(settings.seed);
    options.jobs = jobs;
    options.sampling = kinds[0];
    options.output = (folder / kinds[0]).string();
    if (settings.first.frames > 0) label_molecules(options);
    options.sampling = "langevin";
    options.temperatures = *settings.first.temperatures;
    options.frames = int(settings.first.dynamics);
    options.output = (folder / kinds[1]).string();
    if (!options.temperatures.empty()) label_molecules(options);
    return;
  }
  ProcessPool pool;
  for (std::size_t m = 0; m < systems.size(); m++) {
    const std::string file = cell_file(systems[m]);
    if (fs::exists(file)) continue;
    const fs::path log = folder / (".label-" + systems[m].name + ".log");
    ProcessPool::Work work;
    work.run = [this, m, file, log] {
      output_to(log);
      CopyOptions copies;
      copies.wide = true;
      copies.copies = int(settings.first.frames);
      copies.seed = int(settings.seed + 7919 * m);
      label_copies(*settings.first_teacher, copies, systems[m], file);
      return 0;
    };
    work.finished = [this, m, log](int status) {
      if (status != 0)
        throw FileError("labels of the first teacher, " + systems[m].name + ": " +
                        last_error(log, status));
      fs::remove(log);
    };
    pool.add(work);
  }
  run_all(pool, "labels of the first teacher");
}

std::vector<DataFile> FirstLabels::files() const
{
  std::vector<DataFile> list;
  for (std::size_t m = 0; m < systems.size() && !settings.structures.empty(); m++)
    list.push_back({cell_file(systems[m])});
  if (!list.empty()) return list;
  for (const char *kind : kinds) {
    const fs::path manifest = folder / kind / "manifest.json";
    if (!fs::exists(manifest)) continue;
    const Json trajectories = Json::parse(text_of(manifest))["trajectories"];
    std::set<std::string> names;    // the order of the manifest is that in which they were done
    for (const auto &trajectory : trajectories) names.insert(trajectory["file"]);
    for (const auto &name : names) list.push_back({(folder / kind / name).string()});
  }
  return list;
}

TrainSettings FirstLabels::training(int k) const
{
  TrainSettings s = *settings.first.training;
  s.seed += unsigned(k);
  s.train = files();
  s.output = student(k);
  if (settings.first.weigh_stress_as_labelled && !s.stress.used() && have_stress(s.train))
    s.stress.weight = s.stress.final_weight = 1.0;
  return s;
}

bool have_stress(const std::vector<DataFile> &files)
{
  for (const auto &data : files) {
    const auto reader = open_trajectory(data.file, data.read);
    for (Structure frame; reader->next(frame);)
      if (frame.stress) return true;
  }
  return false;
}

}    // namespace mlff
