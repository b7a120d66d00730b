// The start of a training: sizes, reference energies and weights of the model.
#include "core/elements.h"
#include "engine/make_engine.h"
#include "engine/repulsion/core_pairs.h"
#include "models/long_range/long_range_sizes.h"
#include "models/molecule_mlp/molecule_record.h"
#include "models/painn/painn_sizes.h"
#include "potential/model_kind.h"
#include "training/pretrain/pretraining.h"
#include "training/trainer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>

namespace mlff {

namespace {

  std::string place_of(const TrainingFrame &frame)
  {
    return "data file '" + frame.file + "', frame " + std::to_string(frame.number);
  }

  /// The bonds that most of the first frames have: in a single frame a bond may be long for a
  /// moment.
  BondedMolecule most_frequent_molecule(const std::vector<TrainingFrame> &frames,
                                        const std::string &kind)
  {
    BondedMolecule molecule;
    std::map<std::vector<std::pair<int, int>>, int> votes;
    const auto &numbers = frames.front().structure.numbers;
    if (numbers.size() < 2 || int(numbers.size()) > max_molecule_atoms)
      throw FileError(place_of(frames.front()) + " has " + std::to_string(numbers.size()) +
                      " atoms; accepted for " + kind + ": 2 to " +
                      std::to_string(max_molecule_atoms));
    int most = 0;
    for (std::size_t k = 0; k < frames.size() && k < 100; k++) {
      const Structure &structure = frames[k].structure;
      if (structure.numbers != numbers) continue;
      const BondedMolecule found = bonded_molecule(numbers, structure.positions);
      if (++votes[found.bonds] <= most) continue;
      most = votes[found.bonds];
      molecule = found;
    }
    return molecule;
  }

  /// Permutations of equivalent atoms that the network is averaged over: at most `permutations` of
  /// them, 0: all.
  std::vector<Permutation> generators_of(const BondedMolecule &molecule, int permutations)
  {
    if (permutations == 1) return {};
    try {
      return generators_within(
          equivalent_permutations(molecule, permutations ? 200000 : max_permutations),
          molecule.n_atoms(), permutations ? permutations : max_permutations);
    } catch (const MoleculeMismatch &error) {
      throw FileError(std::string("'model.permutations': ") + error.what() + "; accepted: none" +
                      (permutations ? "" : ", or how many of them to use"));
    }
  }

  /// Sums over frames of the inverse distances of all pairs of atoms, 1/Å, and of their squares.
  struct InverseDistances {
    std::vector<double> sum, square;    ///< [pairs]
    double largest = 0.0;               ///< largest distance, Å
  };

  /// Throws FileError for a frame that holds another molecule, or more than one.
  InverseDistances inverse_distances(const TrainingData &data, const MoleculeRecord &molecule,
                                     const Potential &potential, double cutoff,
                                     const std::string &kind)
  {
    InverseDistances distances;
    distances.sum.resize(molecule.n_pairs(), 0.0);
    distances.square.resize(molecule.n_pairs(), 0.0);
    MoleculeMatcher matcher(molecule, potential.elements, cutoff);
    for (const auto *list : {&data.train, &data.valid})
      for (const auto &frame : *list) {
        const Graph graph = frame.graph.view();
        try {
          matcher.find(graph);
        } catch (const MoleculeMismatch &error) {
          throw FileError(place_of(frame) + ": " + error.what());
        }
        if (matcher.n_molecules() != 1)
          throw FileError(place_of(frame) + " holds " + std::to_string(matcher.n_molecules()) +
                          " molecules; accepted for " + kind + ": one");
        for (int p = 0; p < molecule.n_pairs(); p++) {
          const double *r = &graph.r[3 * std::size_t(matcher.edges()[p])],
                       d = std::hypot(r[0], r[1], r[2]);
          distances.largest = std::max(distances.largest, d);
          distances.sum[p] += 1.0 / d;
          distances.square[p] += 1.0 / (d * d);
        }
      }
    return distances;
  }

  /// Variance of the energies, eV^2; 0 where fewer than two frames have one. Energies count from
  /// the first, so that no digits are lost.
  double variance_of_energies(const std::vector<TrainingFrame> &frames)
  {
    double energies = 0.0, mean = 0.0, square = 0.0, first = 0.0;
    for (const auto &frame : frames)
      if (frame.structure.energy) {
        if (energies == 0.0) first = *frame.structure.energy;
        const double e = *frame.structure.energy - first;
        energies += 1.0;
        mean += e;
        square += e * e;
      }
    return energies > 1 ? square / energies - std::pow(mean / energies, 2) : 0.0;
  }

}    // namespace

void Trainer::prepare_model()
{
  std::vector<int> elements;
  for (const auto &symbol : settings.elements) {
    const int z = atomic_number(symbol);
    if (z == 0)
      throw FileError("'model.elements' holds '" + symbol + "'; accepted: chemical symbols");
    elements.push_back(z);
  }
  const Potential start = read_start();
  if (settings.molecule)
    settings.cutoff = 1e3;    // all pairs; that of the potential follows from the data
  data = read_training_data(settings, elements, settings.cutoff, teacher.get(), minus.get());

  potential.set_kind(*settings.kind);
  potential.elements = data.elements;
  potential.citation = settings.citation;
  potential.range = data.range;
  if (settings.molecule)
    prepare_molecule(start);
  else
    prepare_network(start);
  if (settings.pretrain) check_agreement(start, settings, data);
  prepare_replay(start);
}

/// The queues of frames, and the species of the labels of the first training.
void Trainer::prepare_replay(const Potential &start)
{
  joint = potential;
  queue = FrameQueue(data.train, settings.seed);
  if (!settings.pretrain || settings.replay == 0.0) return;
  joint = with_second_labels(potential, start);
  replayed = replayed_frames(settings, start, potential.n_species());
  replay_queue = FrameQueue(replayed, settings.seed + 1000003ull);
}

/// The potential to start from, whose sizes are then those of the settings.
Potential Trainer::read_start()
{
  Potential start;
  if (settings.init_from.empty()) return start;
  start = Potential::read(settings.init_from);
  const std::string kind = settings.kind->name;
  const bool same = &start.kind() == settings.kind;
  if (settings.long_range && same) {
    if (settings.block_given)
      throw FileError("sizes of the long-range block ('model.fmm_...') are given by the "
                      "potential in 'model.init_from'; accepted: one of the two");
    settings.block = long_range_sizes(start);
  } else if (settings.long_range && &start.kind() != settings.kind->local_kind)
    throw FileError("'model.init_from' is a model '" + start.model() +
                    "'; accepted with 'model.kind: " + kind + "': " + kind + ", " +
                    settings.kind->local_kind->name);
  else if (!settings.long_range && !same)
    throw FileError("'model.init_from' is a model '" + start.model() +
                    "'; accepted with 'model.kind: " + kind + "': " + kind);
  settings.features = painn_sizes(start).features;
  settings.layers = painn_sizes(start).layers;
  settings.radial = painn_sizes(start).radial;
  settings.cutoff = start.cutoff;
  if (settings.norm_floor == 0.0) settings.norm_floor = painn_sizes(start).norm_floor;
  settings.widths = molecule_record(start).widths;
  return start;
}

void Trainer::prepare_network(const Potential &start)
{
  if (settings.long_range) {
    long_range_sizes(potential) = settings.block;
    for (const auto *list : {&data.train, &data.valid})
      for (const auto &frame : *list)
        if (!has_positions(frame.graph.view()))
          throw FileError(place_of(frame) + " is periodic in some directions; accepted for " +
                          settings.kind->name + ": systems open or periodic in all");
  }
  painn_sizes(potential) = {settings.features, settings.layers, settings.radial,
                            settings.norm_floor};
  potential.cutoff = settings.cutoff;
  take_core(start);
  start_weights(potential, settings.seed);
  potential.tensors["reference_energy"] = {"F64", {potential.n_species()}, data.reference_energy};
  potential.tensors["scale"] = {"F64", {}, {data.scale}};
  if (settings.init_from.empty()) return;
  take_weights(start);
  take_reference_energies();
}

/// The repulsive core of the settings, or that of the start, with default radii for pairs that the
/// start does not know; reference energies are then those of what the core leaves.
void Trainer::take_core(const Potential &start)
{
  const CoreSettings &core = settings.core;
  const bool given = core.choice == CoreSettings::zbl;
  if (!given && (core.choice == CoreSettings::none || start.core.empty())) return;
  const auto &elements = potential.elements;
  potential.core = covalent_cores(elements);
  if (given && core.radii.outer > 0.0)
    std::fill(potential.core.begin(), potential.core.end(), core.radii);
  const auto known = [&](int z) {
    return std::find(start.elements.begin(), start.elements.end(), z) - start.elements.begin();
  };
  const std::size_t n = elements.size(), n_known = start.elements.size();
  for (std::size_t k = 0; k < n * n && !given; k++) {
    const auto s = std::size_t(known(elements[k / n])), t = std::size_t(known(elements[k % n]));
    if (s < n_known && t < n_known) potential.core[k] = start.core[s * n_known + t];
  }
  for (const CoreRadii &radii : potential.core)
    if (radii.outer > potential.cutoff)
      throw FileError("'model.core' has an outer radius of " + std::to_string(radii.outer) +
                      " Å; accepted: up to the cutoff, " + std::to_string(potential.cutoff) + " Å");
  if (!settings.atom_energy.used()) fit_reference_energies();
}

/// Least squares over the training energies, less those of the cores.
void Trainer::fit_reference_energies()
{
  const CorePairs cores(potential);
  std::vector<TrainingFrame> frames;
  Result result;
  bool any = false;
  for (const auto &frame : data.train) {
    if (!frame.structure.energy) continue;
    const Graph graph = frame.graph.view();
    begin_result(graph, result);
    std::fill(result.atom_energy.begin(), result.atom_energy.end(), 0.0);
    any = cores.add(graph, result) || any;
    frames.emplace_back();
    frames.back().structure.numbers = frame.structure.numbers;
    frames.back().structure.energy = *frame.structure.energy -
        std::accumulate(result.atom_energy.begin(), result.atom_energy.end(), 0.0);
  }
  if (any) data.reference_energy = least_squares_energies(frames, potential.elements);
}

/// Weights of the start; rows of elements that it does not know keep their random start.
void Trainer::take_weights(const Potential &start)
{
  for (const auto &slice : weight_slices(potential))
    if (slice.name != "embedding" && start.tensors.contains(slice.name))
      potential.tensors[slice.name] = start.tensors.at(slice.name);
  potential.tensors["scale"] = start.tensors.at("scale");
  for (int s = 0; s < potential.n_species(); s++)
    for (int k = 0; k < start.n_species(); k++)
      if (start.elements[k] == potential.elements[s]) {
        const auto &from = start.tensors.at("embedding").values;
        std::copy_n(from.begin() + long(k) * settings.features, settings.features,
                    potential.tensors["embedding"].values.begin() + long(s) * settings.features);
      }
}

/// Reference energies of the data, less what the network adds by itself.
void Trainer::take_reference_energies()
{
  std::vector<TrainingFrame> frames;
  const auto network = make_engine(potential, {"host"});
  Result result;
  for (const auto &frame : data.train) {
    if (!frame.structure.energy) continue;
    if (frames.size() >= 200) break;
    frames.push_back({});
    frames.back().structure.numbers = frame.structure.numbers;
    network->evaluate(frame.graph.view(), result);
    frames.back().structure.energy = *frame.structure.energy - result.energy[0];
  }
  const auto predicted = least_squares_energies(frames, potential.elements);
  auto &reference = potential.tensors["reference_energy"].values;
  for (std::size_t s = 0; s < reference.size(); s++) reference[s] += predicted[s];
}

void Trainer::prepare_molecule(const Potential &start)
{
  MoleculeRecord &molecule = molecule_record(potential);
  if (!settings.init_from.empty())
    molecule = molecule_record(start);
  else {
    static_cast<BondedMolecule &>(molecule) =
        most_frequent_molecule(data.train, settings.kind->name);
    molecule.widths = settings.widths;
    molecule.generators = generators_of(molecule, settings.permutations);
  }
  const InverseDistances distances =
      inverse_distances(data, molecule, potential, settings.cutoff, settings.kind->name);
  potential.cutoff = std::ceil(1.25 * distances.largest + 1.0);

  start_weights(potential, settings.seed);
  potential.tensors["reference_energy"] = {"F64", {potential.n_species()}, data.reference_energy};
  if (!settings.init_from.empty()) {
    for (const auto &[name, tensor] : start.tensors)
      if (name != "reference_energy") potential.tensors[name] = tensor;
    potential.cutoff = std::max(potential.cutoff, start.cutoff);
    return take_reference_energies();
  }
  const double n = double(data.train.size() + data.valid.size());
  auto averages = std::array{distances.sum, distances.square};
  for (auto &list : averages)
    for (double &x : list) x /= n;
  const auto group = group_of(molecule.generators, molecule.n_atoms(), max_permutations);
  const auto mean = symmetric_means(molecule, group, averages[0]);
  auto scale = symmetric_means(molecule, group, averages[1]);
  for (std::size_t p = 0; p < scale.size(); p++)
    scale[p] = std::sqrt(std::max(scale[p] - mean[p] * mean[p], 1e-8));
  potential.tensors["input_mean"] = {"F64", {molecule.n_pairs()}, mean};
  potential.tensors["input_scale"] = {"F64", {molecule.n_pairs()}, scale};
  // energies of the network's output have a variance of about one
  const double variance = variance_of_energies(data.train);
  potential.tensors["scale"] = {
      "F64", {}, {variance > 0.0 ? std::sqrt(variance) : 0.1 * data.scale}};
}

}    // namespace mlff
