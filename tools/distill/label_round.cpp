// The labels of one molecule in one round of a distillation.
#include "distill/label_round.h"

#include "core/units.h"
#include "data/output_file.h"
#include "data/trajectory.h"
#include "distill/frame_selection.h"
#include "teacher/teacher.h"
#include "training/training_data.h"
#include "workflow/run_folder.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <numeric>

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

  Candidates read_candidates(const RoundOfMolecule &round)
  {
    const auto committee = teacher_of_potentials(round.students, 1);
    Candidates candidates;
    for (const auto &path : round.trajectories) {
      if (fs::file_size(path) == 0) continue;
      const auto reader = open_trajectory(path);
      for (Structure frame; reader->next(frame);) {
        if (is_sound(round.molecule, frame))
          candidates.add(frame, committee->label(frame).force_spread);
        else
          candidates.discarded++;
      }
    }
    if (!candidates.frames.empty()) candidates.mean_spread /= double(candidates.frames.size());
    return candidates;
  }

  /// Labels some of the candidates and writes them to a file; returns how many there are. Those
  /// that the teacher cannot label are discarded.
  long write_labels(const std::string &path, Candidates &candidates, const std::vector<int> &which,
                    Teacher &teacher, const Molecule &molecule)
  {
    OutputFile file(path, true);
    long n = 0;
    for (const int k : which) {
      Structure frame = candidates.frames[k];
      frame.masses = molecule.frame({}).masses;
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

  /// The candidates that teach most among those that are no probes.
  std::vector<int> select(const Candidates &candidates, const std::vector<int> &probes, long n)
  {
    std::vector<bool> taken(candidates.frames.size(), false);
    for (const int k : probes) taken[k] = true;
    std::vector<Structure> rest;
    std::vector<double> rest_spread;
    std::vector<int> index;
    for (std::size_t k = 0; k < candidates.frames.size(); k++)
      if (!taken[k]) {
        rest.push_back(candidates.frames[k]);
        rest_spread.push_back(candidates.spread[k]);
        index.push_back(int(k));
      }
    auto chosen = most_useful(rest, rest_spread, n);
    for (int &k : chosen) k = index[k];
    return chosen;
  }

}    // namespace

void label_round(const DistillSettings &settings, const RoundOfMolecule &round)
{
  const auto teacher = make_teacher(settings.teacher);
  const Molecule &molecule = round.molecule;
  teacher->set_reference(molecule.frame(molecule.conformers.front()));
  Candidates candidates = read_candidates(round);
  // probes first: they are drawn from all frames, whatever their spread
  auto probes = shuffled(int(candidates.frames.size()), round.seed);
  probes.resize(std::min<std::size_t>(probes.size(), std::size_t(settings.probe)));
  const long n_probes = write_labels(round.probes, candidates, probes, *teacher, molecule);
  const auto selected = select(candidates, probes, settings.select);
  const std::string part = round.selected + ".part";
  const long n_selected = write_labels(part, candidates, selected, *teacher, molecule);
  write_json(round.selected + ".json",
             {{"labelled", n_probes + n_selected},
              {"probes", n_probes},
              {"candidates", candidates.frames.size()},
              {"discarded", candidates.discarded},
              {"mean_spread_meV_per_A", candidates.mean_spread / meV}});
  fs::rename(part, round.selected);
}

}    // namespace mlff
