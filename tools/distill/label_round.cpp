// The labels of one system: of the copies of a structure, and of the frames of a round.
#include "distill/label_round.h"

#include "core/elements.h"
#include "core/errors.h"
#include "core/units.h"
#include "data/output_file.h"
#include "data/trajectory.h"
#include "distill/frame_selection.h"
#include "label/label.h"
#include "potential/potential.h"
#include "teacher/teacher.h"
#include "training/training_data.h"
#include "workflow/run_folder.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <utility>

namespace mlff {

namespace fs = std::filesystem;

namespace {

  /// Frames that may be labelled.
  struct Candidates {
    std::vector<Structure> frames;
    std::vector<double> spread;    ///< largest of the atoms of each frame, eV/Å
    double mean_spread = 0.0;      ///< over atoms and frames, eV/Å
    long discarded = 0;            ///< frames that no teacher can label

    void add(Structure frame, const std::vector<double> &atom_spread)
    {
      spread.push_back(*std::max_element(atom_spread.begin(), atom_spread.end()));
      mean_spread +=
          std::accumulate(atom_spread.begin(), atom_spread.end(), 0.0) / double(frame.n_atoms());
      frames.push_back(std::move(frame));
    }
  };

  Candidates read_candidates(const RoundOfSystem &round)
  {
    const auto committee = teacher_of_potentials(round.students, 1);
    Candidates candidates;
    for (const auto &path : round.trajectories) {
      if (fs::file_size(path) == 0) continue;
      const auto reader = open_trajectory(path);
      for (Structure frame; reader->next(frame);) {
        if (is_sound(round.system, frame))
          candidates.add(frame, committee->label(frame).force_spread);
        else
          candidates.discarded++;
      }
    }
    if (!candidates.frames.empty()) candidates.mean_spread /= double(candidates.frames.size());
    return candidates;
  }

  /// A candidate as its teacher gets it.
  Structure as_asked(const Candidates &candidates, int k, const DistilledSystem &system)
  {
    Structure frame = candidates.frames[std::size_t(k)];
    frame.masses = system.start.masses;
    frame.charge = system.start.charge;
    frame.multiplicity = system.start.multiplicity;
    return frame;
  }

  /// Labels some of the candidates and writes them to a file; returns how many there are. Those
  /// that the teacher cannot label are discarded.
  long write_labels(const std::string &path, Candidates &candidates, const std::vector<int> &which,
                    Teacher &teacher, const DistilledSystem &system)
  {
    constexpr std::size_t ahead = 32;    // a teacher with several clients has work for all of them
    OutputFile file(path, true);
    long n = 0;
    for (std::size_t w = 0, announced = 0; w < which.size(); w++) {
      // conformations of a molecule are labelled one after the other, each from the one before
      for (; !system.molecule && announced < std::min(which.size(), w + ahead); announced++)
        teacher.expect(as_asked(candidates, which[announced], system));
      Structure frame = as_asked(candidates, which[w], system);
      try {
        set_labels(frame, teacher.label(frame));
      } catch (const TeacherUnavailable &) {
        throw;
      } catch (const TeacherError &error) {
        std::fprintf(stderr, "%s\n", error.what());
        candidates.discarded++;
        continue;
      }
      write_xyz(file, frame);
      n++;
    }
    file.finish();
    return n;
  }

  /// Points of labelled frames of the same elements, whatever their cells.
  std::vector<FrameShape> shapes_of_known(const RoundOfSystem &round, double cutoff)
  {
    std::vector<FrameShape> shapes;
    const auto elements = elements_of(round.system.start.numbers);
    for (const auto &data : round.known) {
      if (fs::is_regular_file(data.file) && fs::file_size(data.file) == 0) continue;
      const auto reader = open_trajectory(data.file, data.read);
      for (Structure frame; reader->next(frame);)
        if (elements_of(frame.numbers) == elements)
          shapes.push_back(shape_of(round.system, frame, cutoff));
    }
    return shapes;
  }

  /// The candidates that teach most among those that are no probes.
  std::vector<int> select(const RoundOfSystem &round, const Candidates &candidates,
                          const std::vector<int> &probes, long n)
  {
    const double cutoff = Potential::read(round.students.front()).cutoff;
    std::vector<FrameShape> known = shapes_of_known(round, cutoff), rest;
    std::vector<bool> taken(candidates.frames.size(), false);
    for (const int k : probes) taken[k] = true;
    std::vector<double> rest_spread;
    std::vector<int> index;
    for (std::size_t k = 0; k < candidates.frames.size(); k++) {
      FrameShape shape = shape_of(round.system, candidates.frames[k], cutoff);
      if (!taken[k]) {
        rest.push_back(std::move(shape));
        rest_spread.push_back(candidates.spread[k]);
        index.push_back(int(k));
      } else if (!round.system.molecule)
        known.push_back(std::move(shape));
    }
    auto chosen = most_useful(rest, rest_spread, n, known);
    for (int &k : chosen) k = index[k];
    return chosen;
  }

}    // namespace

void label_round(const DistillSettings &settings, const RoundOfSystem &round)
{
  const auto teacher = make_teacher(settings.teacher);
  if (round.system.molecule) teacher->set_reference(round.system.start);
  Candidates candidates = read_candidates(round);
  // frames that no teacher can label are counted once, with the probes
  if (round.part == RoundPart::selected) candidates.discarded = 0;
  // probes first: they are drawn from all frames, whatever their spread
  auto probes = shuffled(int(candidates.frames.size()), round.seed);
  probes.resize(std::min<std::size_t>(probes.size(), std::size_t(round.n_probes)));
  const bool only_probes = round.part == RoundPart::probes;
  const std::string &done = only_probes ? round.probes : round.selected, part = done + ".part";
  long n_probes = 0, n_selected = 0;
  if (round.part != RoundPart::selected)
    n_probes =
        write_labels(only_probes ? part : round.probes, candidates, probes, *teacher, round.system);
  if (!only_probes) {
    const auto selected = select(round, candidates, probes, round.n_selected);
    n_selected = write_labels(part, candidates, selected, *teacher, round.system);
  }
  nlohmann::ordered_json summary = {{"labelled", n_probes + n_selected},
                                    {"probes", n_probes},
                                    {"candidates", candidates.frames.size()},
                                    {"discarded", candidates.discarded},
                                    {"mean_spread_meV_per_A", candidates.mean_spread / meV}};
  if (!round.system.molecule)
    for (const auto &path : round.trajectories)
      summary["trajectories"].push_back(nlohmann::ordered_json::parse(text_of(path + ".json")));
  write_json(done + ".json", summary);
  fs::rename(part, done);
}

void label_copies(const TeacherSettings &teacher, CopyOptions copies, const DistilledSystem &system,
                  const std::string &path)
{
  LabelOptions options;
  options.command = "mlff distill";
  options.structures = (fs::path(path).parent_path() / (".start-" + system.name + ".xyz")).string();
  {
    OutputFile file(options.structures, true);
    write_xyz(file, system.start);
    file.finish();
  }
  options.output = path;
  options.teacher = teacher;
  options.copies = copies;
  options.copies.repeat = {1, 1, 1};
  if (!system.is_periodic()) {
    options.copies.strain = 0.0;
    options.copies.volume.reset();
  }
  if (!options.copies.vary()) options.copies.copies = 1;
  options.skip_failed = true;
  label_structures(options);
  fs::remove(options.structures);
}

}    // namespace mlff
