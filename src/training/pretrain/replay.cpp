// Frames of the first training in the second one.
#include "training/pretrain/replay.h"

#include "core/elements.h"
#include "core/errors.h"

#include <algorithm>

namespace mlff {

FrameQueue::FrameQueue(const std::vector<TrainingFrame> &frames, std::uint64_t seed) :
    frames(&frames), seed(seed)
{
  shuffle();
}

void FrameQueue::shuffle()
{
  order = shuffled(int(frames->size()), seed * 7919ull + std::uint64_t(n_epochs) + 1);
}

void FrameQueue::fill(long atoms, std::vector<const TrainingFrame *> &batch, GraphStorage &graph)
{
  long filled = 0;
  while (filled < atoms) {
    if (place == long(order.size())) {
      if (filled > 0 && filled * 2 >= atoms) break;
      n_epochs++;
      place = 0;
      shuffle();
    }
    const TrainingFrame &frame = (*frames)[std::size_t(order[std::size_t(place)])];
    if (filled > 0 && filled + frame.structure.n_atoms() > atoms) break;
    place++;
    filled += frame.structure.n_atoms();
    batch.push_back(&frame);
    graph.append(frame.graph.view());
  }
}

bool FrameQueue::go_to(long epoch, long position)
{
  if (epoch < 0 || position < 0 || position > long(frames->size())) return false;
  n_epochs = epoch;
  place = position;
  shuffle();
  return true;
}

namespace {

  constexpr const char *rows[] = {"embedding", "reference_energy"};    // one for each species

  std::vector<CoreRadii> cores_of(const Potential &potential, const std::vector<int> &species)
  {
    std::vector<CoreRadii> cores;
    const auto n = std::size_t(potential.n_species());
    if (!potential.core.empty())
      for (const int s : species)
        for (const int t : species)
          cores.push_back(potential.core[std::size_t(s) * n + std::size_t(t)]);
    return cores;
  }

}    // namespace

Potential with_second_labels(const Potential &potential, const Potential &first)
{
  Potential joint = potential;
  std::vector<int> species(potential.elements.size());
  for (std::size_t s = 0; s < species.size(); s++) species[s] = int(s);
  for (const int z : first.elements) {
    joint.elements.push_back(z);
    // a core between frames of the first training is that of the same elements
    const auto found = std::find(potential.elements.begin(), potential.elements.end(), z);
    if (found == potential.elements.end() && !potential.core.empty())
      throw FileError("'model.core' has no radii for " + element_symbol(z) +
                      ", which is in frames of the first training alone; accepted with 'replay': "
                      "'model.elements' with all elements of both");
    species.push_back(found == potential.elements.end() ? 0
                                                        : int(found - potential.elements.begin()));
  }
  joint.range.clear();
  joint.core = cores_of(potential, species);
  for (const char *name : rows) {
    auto &tensor = joint.tensors.at(name);
    const auto &more = first.tensors.at(name).values;
    tensor.values.insert(tensor.values.end(), more.begin(), more.end());
    tensor.shape.front() = joint.n_species();
  }
  return joint;
}

Potential with_first_labels(const Potential &joint, int n_species)
{
  Potential potential = joint;
  std::vector<int> species(static_cast<std::size_t>(n_species));
  for (std::size_t s = 0; s < species.size(); s++) species[s] = int(s);
  potential.core = cores_of(joint, species);
  potential.elements.resize(std::size_t(n_species));
  for (const char *name : rows) {
    auto &tensor = potential.tensors.at(name);
    tensor.values.resize(tensor.values.size() / std::size_t(joint.n_species()) *
                         std::size_t(n_species));
    tensor.shape.front() = n_species;
  }
  return potential;
}

std::vector<TrainingFrame> replayed_frames(const TrainSettings &settings, const Potential &first,
                                           int n_species)
{
  TrainingData data = read_training_data(*settings.pretrain, first.elements, first.cutoff, nullptr);
  for (TrainingFrame &frame : data.train)
    for (int &species : frame.graph.species) species += n_species;
  return std::move(data.train);
}

}    // namespace mlff
