// Reads, chooses and labels the frames of a training; energies and ranges that they give.
#include "training/training_data.h"

#include "core/elements.h"
#include "core/progress.h"
#include "data/trajectory.h"
#include "structure/lattice.h"
#include "structure/stress.h"
#include "structure/vector3.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace mlff {

namespace {

  [[noreturn]] void fail(const std::string &file, long frame, const std::string &what)
  {
    throw FileError("data file '" + file + "', frame " + std::to_string(frame) + ": " + what);
  }

  /// Names of a frame that may stand for the label it lacks, as the end of a message.
  std::string perhaps(const Structure &structure, const std::string &quantity)
  {
    std::string names;
    for (const auto &name : structure.unread)
      if (name.find(quantity.substr(1, 4)) != std::string::npos ||
          name == (quantity == "energy" ? "E" : "F"))
        names += (names.empty() ? "'" : ", '") + name + "'";
    return names.empty()
        ? ""
        : "; " + names + " may be meant: 'keys: {" + quantity + ": NAME}' in 'data'";
  }

  /// Frames of one file; number counts from 1.
  struct Read {
    std::vector<Structure> frames;
    std::vector<long> number;
  };

  Read read_file(const DataFile &data, std::uint64_t seed)
  {
    // only the frames that are chosen are kept: the file may be larger than the memory
    Structure frame;
    std::vector<bool> chosen;
    if (data.frames > 0) {
      long n = 0;
      for (const auto reader = open_trajectory(data.file, data.read); reader->next(frame);) n++;
      if (n > 0 && data.frames > n)
        throw FileError("data file '" + data.file + "' holds " + std::to_string(n) +
                        " frames, but 'frames' asks for " + std::to_string(data.frames));
      auto order = shuffled(int(n), seed);
      order.resize(std::min(n, data.frames));
      chosen.resize(n, false);
      for (const int k : order) chosen[k] = true;
    }
    Read read;
    const auto reader = open_trajectory(data.file, data.read);
    for (long n = 1; reader->next(frame); n++) {
      if (data.frames > 0 && !chosen.at(n - 1)) continue;
      read.frames.push_back(std::move(frame));
      read.number.push_back(n);
    }
    if (read.frames.empty()) throw FileError("data file '" + data.file + "' holds no frame");
    return read;
  }

}    // namespace

InputRecord recorded_files(const TrainSettings &settings)
{
  InputRecord record;
  for (const auto &file : settings.train) record.add_file("data.train", file.file);
  for (const auto &file : settings.valid) record.add_file("data.valid", file.file);
  for (const auto &file : settings.teachers) record.add_file("teacher.models", file);
  if (!settings.init_from.empty()) record.add_file("model.init_from", settings.init_from);
  if (settings.pretrain) {
    for (const auto &file : settings.pretrain->train) record.add_file("pretrain.train", file.file);
    for (const auto &file : settings.pretrain->valid) record.add_file("pretrain.valid", file.file);
  }
  return record;
}

long frames_with_stress(const std::vector<TrainingFrame> &frames)
{
  return std::count_if(frames.begin(), frames.end(), [](const TrainingFrame &frame) {
    return frame.strain_gradient.has_value();
  });
}

std::vector<int> shuffled(int n, std::uint64_t seed)
{
  std::mt19937_64 generator(seed);
  std::vector<int> order(n);
  for (int i = 0; i < n; i++) order[i] = i;
  for (int i = n - 1; i > 0; i--) std::swap(order[i], order[generator() % std::uint64_t(i + 1)]);
  return order;
}

std::vector<double> least_squares_energies(const std::vector<TrainingFrame> &frames,
                                           const std::vector<int> &elements)
{
  const int n = int(elements.size());
  std::vector<double> A(n * n, 0.0), b(n, 0.0), count(n);
  double trace = 0.0;
  for (const auto &frame : frames) {
    if (!frame.structure.energy) continue;
    std::fill(count.begin(), count.end(), 0.0);
    for (const int z : frame.structure.numbers)
      count[std::lower_bound(elements.begin(), elements.end(), z) - elements.begin()] += 1.0;
    for (int i = 0; i < n; i++) {
      b[i] += count[i] * *frame.structure.energy;
      for (int j = 0; j < n; j++) A[i * n + j] += count[i] * count[j];
      trace += count[i] * count[i];
    }
  }
  if (trace == 0.0) return b;
  // a little of the norm in the sum: picks the smallest solution where compositions do not tell
  // elements apart
  for (int i = 0; i < n; i++) A[i * n + i] += 1e-10 * trace;
  // Cholesky: A is positive definite now
  for (int i = 0; i < n; i++)
    for (int j = 0; j <= i; j++) {
      double sum = A[i * n + j];
      for (int k = 0; k < j; k++) sum -= A[i * n + k] * A[j * n + k];
      A[i * n + j] = i == j ? std::sqrt(sum) : sum / A[j * n + j];
    }
  for (int i = 0; i < n; i++) {
    for (int k = 0; k < i; k++) b[i] -= A[i * n + k] * b[k];
    b[i] /= A[i * n + i];
  }
  for (int i = n - 1; i >= 0; i--) {
    for (int k = i + 1; k < n; k++) b[i] -= A[k * n + i] * b[k];
    b[i] /= A[i * n + i];
  }
  return b;
}

namespace {

  /// Reads the frames of all files of the settings.
  class FrameReader {
   public:
    FrameReader(const TrainSettings &settings, Teacher *teacher, Teacher *minus,
                TrainingData &data) :
        settings(settings),
        teacher(teacher), minus(minus), data(data), seed(settings.seed)
    {
    }

    void read(const std::vector<DataFile> &files, std::vector<TrainingFrame> &frames)
    {
      for (const DataFile &file : files) {
        Read read = read_file(file, ++seed * 1000003);
        Progress progress("labels of " + file.file);
        for (std::size_t k = 0; k < read.frames.size(); k++) {
          TrainingFrame frame;
          frame.structure = std::move(read.frames[k]);
          frame.structure.velocities.clear();
          frame.weight = file.weight;
          frame.file = file.file;
          frame.number = read.number[k];
          const bool labelled = label(file, frame);
          if (minus) take_away(frame);
          if (labelled || minus)
            progress.update(double(k + 1) / double(read.frames.size()),
                            std::to_string(k + 1) + " frames");
          const double largest = check_labels(frame);
          take_stress(frame);
          if (settings.max_force > 0 && largest > settings.max_force) {
            data.left_out++;
            continue;
          }
          weigh_atoms(frame);
          frames.push_back(std::move(frame));
        }
      }
    }

   private:
    const TrainSettings &settings;
    Teacher *teacher, *minus;
    TrainingData &data;
    std::uint64_t seed;

    /// Labels of the teachers, where the settings ask for them. False where they do not.
    bool label(const DataFile &file, TrainingFrame &frame) const
    {
      Structure &structure = frame.structure;
      if (settings.molecule &&
          (structure.periodic[0] || structure.periodic[1] || structure.periodic[2]))
        fail(frame.file, frame.number,
             "is periodic; molecule-mlp learns from isolated molecules (pbc=\"F F F\")");
      const bool atom_energies = settings.atom_energy.used();
      if (!file.teacher && !(teacher && atom_energies)) return false;
      try {
        const Labels labels = teacher->label(structure);
        if (atom_energies) frame.atom_energy = labels.atom_energy;
        if (file.teacher) {
          structure.energy = labels.energy;
          structure.forces = labels.forces;
          structure.stress = labels.stress;
          structure.spread = labels.force_spread;
        }
      } catch (const TeacherError &error) {
        fail(frame.file, frame.number, error.what());
      }
      return true;
    }

    /// Leaves of the labels what `minus` does not have.
    void take_away(TrainingFrame &frame) const
    {
      Structure &structure = frame.structure;
      Labels labels;
      try {
        labels = minus->label(structure);
      } catch (const TeacherError &error) {
        fail(frame.file, frame.number, std::string("'data.minus': ") + error.what());
      }
      if (structure.energy) *structure.energy -= labels.energy;
      for (std::size_t k = 0; k < structure.forces.size(); k++)
        structure.forces[k] -= labels.forces[k];
      if (!structure.stress) return;
      if (!labels.stress && settings.stress.used())
        fail(frame.file, frame.number,
             "has a stress, but the force of 'data.minus' has none; accepted: "
             "'loss.stress.weight: 0'");
      if (!labels.stress)
        structure.stress.reset();
      else
        for (int k = 0; k < 9; k++) (*structure.stress)[k] -= (*labels.stress)[k];
    }

    /// Throws FileError for labels that are needed and missing, or not finite. The largest force on
    /// an atom, eV/Å.
    double check_labels(TrainingFrame &frame) const
    {
      Structure &structure = frame.structure;
      // no force acts on an atom alone: data for other programs leave it out
      if (structure.forces.empty() && structure.n_atoms() == 1 &&
          structure.periodic == std::array{false, false, false})
        structure.forces.assign(3, 0.0);
      if (structure.forces.empty() && settings.force.used())
        fail(frame.file, frame.number,
             "no forces; accepted: frames with forces, 'labels: teacher', or 'loss.force.weight: "
             "0'" +
                 perhaps(structure, "forces"));
      if (!structure.energy && settings.energy.used())
        fail(frame.file, frame.number,
             "no energy; accepted: frames with energies, 'labels: teacher', or "
             "'loss.energy.weight: 0'" +
                 perhaps(structure, "energy"));
      if (structure.energy && !std::isfinite(*structure.energy))
        fail(frame.file, frame.number, "the energy is not finite");
      double largest = 0.0;
      for (int i = 0; i < int(structure.forces.size()) / 3; i++) {
        const double f = norm(&structure.forces[3 * i]);
        if (!std::isfinite(f))
          fail(frame.file, frame.number,
               "the force on atom " + std::to_string(i + 1) + " is not finite");
        largest = std::max(largest, f);
      }
      return largest;
    }

    static void take_stress(TrainingFrame &frame)
    {
      const Structure &structure = frame.structure;
      if (!structure.stress) return;
      if (const auto fault = stress_fault(structure); !fault.empty())
        fail(frame.file, frame.number,
             fault + "; 'keys: {stress: NAME}' in 'data' chooses another key");
      frame.strain_gradient = six_components(*structure.stress);
      for (double &x : *frame.strain_gradient) x *= cell_volume(structure.cell);
    }

    void weigh_atoms(TrainingFrame &frame) const
    {
      const Structure &structure = frame.structure;
      frame.atom_weight.assign(structure.n_atoms(), 1.0);
      if (settings.spread > 0 && !structure.spread.empty())
        for (int i = 0; i < structure.n_atoms(); i++) {
          const double x = structure.spread[i] / settings.spread;
          frame.atom_weight[i] = 1.0 / (1.0 + x * x);
        }
    }
  };

  /// Throws FileError where the loss weighs stresses and no training frame has one.
  void require_stress(const TrainingData &data)
  {
    if (frames_with_stress(data.train) > 0) return;
    std::set<std::string> names;
    for (const auto &frame : data.train)
      names.insert(frame.structure.unread_stress.begin(), frame.structure.unread_stress.end());
    std::string perhaps;
    for (const auto &name : names)
      if (perhaps.size() < 200) perhaps += (perhaps.empty() ? "" : ", ") + name;
    throw FileError(
        "'loss.stress' has a weight, but no training frame has a stress; accepted: frames "
        "that are periodic in all directions and have the key stress or virial, "
        "'labels: teacher', or 'loss.stress.weight: 0'" +
        (names.empty()
             ? ""
             : "; not read: " + perhaps + " ('keys: {stress: NAME}' in 'data' chooses a key)"));
  }

  /// Moves a share of the training frames, drawn at random, to the validation.
  void hold_out_validation(const TrainSettings &settings, TrainingData &data)
  {
    const int n = int(data.train.size()),
              keep = std::clamp(int(std::lround(settings.valid_fraction * n)), 1, n - 1);
    if (n < 2)
      throw FileError("one training frame cannot be split; name files in 'data.valid' or set "
                      "'data.valid_fraction: 0'");
    auto order = shuffled(n, settings.seed);
    order.resize(keep);
    const std::set<int> chosen(order.begin(), order.end());
    std::vector<TrainingFrame> rest;
    for (int k = 0; k < n; k++)
      (chosen.contains(k) ? data.valid : rest).push_back(std::move(data.train[k]));
    data.train = std::move(rest);
  }

  /// Elements of the model, or of the data. Throws FileError for one that the model does not know.
  void find_elements(const std::vector<int> &elements, TrainingData &data)
  {
    std::set<int> present;
    for (const auto *list : {&data.train, &data.valid})
      for (const auto &frame : *list)
        present.insert(frame.structure.numbers.begin(), frame.structure.numbers.end());
    data.elements = elements;
    if (elements.empty()) data.elements.assign(present.begin(), present.end());
    std::sort(data.elements.begin(), data.elements.end());
    for (const int z : present)
      if (!std::binary_search(data.elements.begin(), data.elements.end(), z)) {
        std::string names;
        for (const int element : data.elements)
          names += (names.empty() ? "" : ", ") + element_symbol(element);
        throw FileError("the data holds the element " + element_symbol(z) +
                        ", which the model does not know; known: " + names);
      }
  }

  /// Means of the atom energies that the teachers give: only they know how an energy is shared
  /// among atoms.
  void take_mean_atom_energies(TrainingData &data)
  {
    std::vector<double> sum(data.elements.size(), 0.0), count(data.elements.size(), 0.0);
    for (const auto &frame : data.train)
      for (std::size_t i = 0; i < frame.atom_energy.size(); i++) {
        sum[frame.graph.species[i]] += frame.atom_energy[i];
        count[frame.graph.species[i]] += 1.0;
      }
    for (std::size_t s = 0; s < sum.size(); s++)
      if (count[s] > 0) data.reference_energy[s] = sum[s] / count[s];
  }

  /// Largest forces and shortest distances by element, and the scale of the forces.
  void measure_forces(double cutoff, TrainingData &data)
  {
    data.range.assign(data.elements.size(), {0.0, cutoff});
    double square = 0.0;
    long n = 0;
    for (const auto &frame : data.train) {
      const Graph graph = frame.graph.view();
      for (int i = 0; i < graph.n_centres(); i++) {
        TrainingRange &range = data.range[graph.species[i]];
        for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++)
          range.nearest = std::min(range.nearest, norm(&graph.r[3 * e]));
        if (frame.structure.forces.empty()) continue;
        const double f = norm(&frame.structure.forces[3 * i]);
        range.force = std::max(range.force, f);
        square += f * f;
        n += 3;
      }
    }
    if (std::any_of(data.range.begin(), data.range.end(), [](const TrainingRange &range) {
          return !(range.force > 0);
        }))
      data.range.clear();
    if (n > 0 && square > 0) data.scale = std::sqrt(square / double(n));
  }

}    // namespace

TrainingData read_training_data(const TrainSettings &settings, const std::vector<int> &elements,
                                double cutoff, Teacher *teacher, Teacher *minus)
{
  TrainingData data;
  FrameReader reader(settings, teacher, minus, data);
  reader.read(settings.train, data.train);
  reader.read(settings.valid, data.valid);
  if (data.train.empty())
    throw FileError("no training frame is left: 'data.max_force' " +
                    std::to_string(settings.max_force) + " eV/Å leaves all out");
  if (settings.valid.empty() && settings.valid_fraction > 0) hold_out_validation(settings, data);
  if (settings.stress.used()) require_stress(data);
  find_elements(elements, data);
  for (auto *list : {&data.train, &data.valid})
    for (auto &frame : *list) {
      append_graph(frame.structure, data.elements, cutoff, frame.graph);
      frame.graph.shrink();
    }
  data.reference_energy = least_squares_energies(data.train, data.elements);
  if (settings.atom_energy.used()) take_mean_atom_energies(data);
  measure_forces(cutoff, data);
  return data;
}

}    // namespace mlff
