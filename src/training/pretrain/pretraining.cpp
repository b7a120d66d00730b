// Training in two stages.
#include "training/pretrain/pretraining.h"

#include "core/elements.h"
#include "data/input_record.h"
#include "data/parse.h"
#include "engine/make_engine.h"
#include "structure/bonded_molecule.h"
#include "training/trainer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>

namespace mlff {

namespace {

  using Json = nlohmann::ordered_json;
  using Composition = std::map<int, int>;    // atomic number, number of atoms

  constexpr std::size_t max_formulas = 20;

  /// Of the smallest formula for cells, of all atoms otherwise.
  Composition composition_of(const Structure &structure)
  {
    Composition composition;
    for (const int z : structure.numbers) composition[z]++;
    int divisor = 0;
    for (const auto &[z, n] : composition) divisor = std::gcd(divisor, n);
    const auto &periodic = structure.periodic;
    if (periodic[0] || periodic[1] || periodic[2])
      for (auto &[z, n] : composition) n /= divisor;
    return composition;
  }

  std::string formula_of(const Composition &composition)
  {
    BondedMolecule atoms;
    for (const auto &[z, n] : composition) atoms.numbers.insert(atoms.numbers.end(), n, z);
    return atoms.formula();
  }

  /// Shares of the elements, by which compositions are compared.
  std::map<int, double> shares_of(const Composition &composition)
  {
    double atoms = 0.0;
    std::map<int, double> shares;
    for (const auto &[z, n] : composition) atoms += n;
    for (const auto &[z, n] : composition) shares[z] = n / atoms;
    return shares;
  }

  /// A vacancy, or a molecule more or less, leaves a composition what it is.
  bool alike(const Composition &a, const Composition &b)
  {
    auto left = shares_of(a), right = shares_of(b);
    for (const auto &[z, share] : left) right[z];
    return std::all_of(right.begin(), right.end(), [&](const auto &entry) {
      return std::abs(left[entry.first] - entry.second) < 0.05;
    });
  }

  /// A formula as formulas_of writes it.
  Composition parse_formula(const std::string &text)
  {
    Composition composition;
    for (std::size_t k = 0; k < text.size();) {
      std::size_t end = k + 1;
      while (end < text.size() && std::islower(static_cast<unsigned char>(text[end]))) end++;
      const int z = atomic_number(text.substr(k, end - k));
      int n = 0;
      for (k = end; k < text.size() && std::isdigit(static_cast<unsigned char>(text[k])); k++)
        n = 10 * n + (text[k] - '0');
      composition[z] += std::max(n, 1);
    }
    return composition;
  }

  std::string place_of(const TrainingFrame &frame)
  {
    return "data file '" + frame.file + "', frame " + std::to_string(frame.number);
  }

  void check_elements(const Potential &first, const TrainSettings &settings,
                      const TrainingData &data)
  {
    for (const auto *list : {&data.train, &data.valid})
      for (const auto &frame : *list)
        for (const int z : frame.structure.numbers)
          if (std::find(first.elements.begin(), first.elements.end(), z) == first.elements.end()) {
            std::string known;
            for (const int e : first.elements) (known += ' ') += element_symbol(e);
            throw FileError(place_of(frame) + " has the element " + element_symbol(z) +
                            ", which the frames of '" + settings.pretrain_key +
                            "' lack; accepted: elements of these frames," + known);
          }
  }

  void check_compositions(const Potential &first, const TrainSettings &settings,
                          const TrainingData &data)
  {
    const Json training = Json::parse(first.training, nullptr, false);
    if (settings.other_compositions || !training.contains("formulas") ||
        !training["formulas"].is_object())
      return;
    std::vector<Composition> known;
    for (const auto &[formula, n] : training["formulas"].items())
      known.push_back(parse_formula(formula));
    for (const auto &frame : data.train) {
      const Composition found = composition_of(frame.structure);
      if (std::any_of(known.begin(), known.end(), [&](const Composition &composition) {
            return alike(composition, found);
          }))
        continue;
      std::string names;
      for (const auto &composition : known)
        names += (names.empty() ? "" : ", ") + formula_of(composition);
      throw FileError(place_of(frame) + " is " + formula_of(found) + ", of which the frames of '" +
                      settings.pretrain_key + "' teach nothing; accepted: " + names + ", or '" +
                      settings.pretrain_key + ".other_compositions: yes'");
    }
  }

  /// Sums over components of the forces of labels, a, and of the first potential, b.
  struct ForceSums {
    double aa = 0.0, ab = 0.0, bb = 0.0;
    long n = 0;

    double correlation() const { return aa > 0.0 && bb > 0.0 ? ab / std::sqrt(aa * bb) : 0.0; }
    /// Root of the ratio of squares.
    double ratio() const { return bb > 0.0 ? std::sqrt(aa / bb) : 0.0; }
    /// Root mean square of a component of the first potential's forces, eV/A.
    double predicted() const { return std::sqrt(bb / double(n)); }
  };

  /// Mean absolute error of the potential's forces on its own labels, eV/A; 0 where its training
  /// does not say it.
  double own_error(const Potential &first)
  {
    const Json training = Json::parse(first.training, nullptr, false);
    for (const char *path : {"/valid/force_mae_meV_per_A", "/train/force_mae_meV_per_A"}) {
      const Json::json_pointer error(path);
      if (training.contains(error)) return 1e-3 * training[error].get<double>();
    }
    return 0.0;
  }

  ForceSums compare_forces(const Potential &first, const std::vector<TrainingFrame> &frames)
  {
    constexpr std::size_t most = 100;
    const auto network = make_engine(first, {"host"});
    const std::size_t every = std::max<std::size_t>(1, frames.size() / most);
    Result result;
    std::vector<double> predicted;
    ForceSums sums;
    for (std::size_t k = 0; k < frames.size(); k += every) {
      const auto &labels = frames[k].structure.forces;
      if (labels.empty()) continue;
      const Graph graph = frames[k].graph.view();
      network->evaluate(graph, result);
      sum_forces(graph, result, predicted);
      for (std::size_t c = 0; c < labels.size(); c++) {
        const double a = labels[c], b = predicted[c];
        sums.aa += a * a;
        sums.ab += a * b;
        sums.bb += b * b;
      }
      sums.n += long(labels.size());
    }
    return sums;
  }

  void check_forces(const Potential &first, const TrainSettings &settings, const TrainingData &data)
  {
    const ForceSums sums = compare_forces(first, data.train);
    if (sums.n < 30) return;
    const double r = sums.correlation(), ratio = sums.ratio();
    const std::string teaches = "those that '" + settings.pretrain_key + "' teaches";
    const std::string what =
                          "the forces of 'data.train' ('" + settings.train.front().file + "'...) ",
                      and_so = teaches + " (correlation " + readable(r, 2) +
        "); accepted: labels of the same quantity, in the units that 'units' says";
    // forces of a potential that is wrong by more than their size point anywhere
    const double error = own_error(first);
    if (error > sums.predicted()) {
      spdlog::warn(
          "the first training has not learned its own forces (error {} eV/A, more than the "
          "forces it predicts): whether {}agree with it cannot be told",
          readable(error, 3), what);
      return;
    }
    if (r < -0.5) throw FileError(what + "point against " + and_so);
    if (r > 0.7 && (ratio > 2.5 || ratio < 0.4))
      throw FileError(what + "are " + readable(ratio, 3) + " times " + and_so);
    if (r < 0.3)
      spdlog::warn("{}have a correlation of only {} with {}: it is of little use to them", what,
                   readable(r, 2), teaches);
  }

  /// Whether an earlier run has left the potential of this training.
  bool is_done(const TrainSettings &first)
  {
    if (!std::filesystem::exists(first.output)) return false;
    const std::string work = "potential '" + first.output + "'", remedy = "--restart begins anew";
    const Json training = Json::parse(Potential::read(first.output).training, nullptr, false);
    if (!training.contains("settings") || !training.contains("inputs"))
      throw FileError(work + " is not one that 'pretrain' made; " + remedy);
    if (const auto found =
            difference_of(training["settings"], first.description(), "training.threads"))
      throw FileError("setting 'pretrain." + found->key + "' is " + found->now + ", but " + work +
                      " was made with " + found->before + "; " + remedy);
    recorded_files(first).compare({{"program", training["program"]}, {"files", training["inputs"]}},
                                  work, remedy);
    return true;
  }

}    // namespace

std::string formula_of(const Structure &structure)
{
  return formula_of(composition_of(structure));
}

bool have_like_compositions(const Structure &a, const Structure &b)
{
  return alike(composition_of(a), composition_of(b));
}

nlohmann::ordered_json formulas_of(const std::vector<TrainingFrame> &frames)
{
  std::map<std::string, long> counts;
  for (const auto &frame : frames) {
    counts[formula_of(composition_of(frame.structure))]++;
    if (counts.size() > max_formulas) return nullptr;
  }
  return counts;
}

void check_agreement(const Potential &first, const TrainSettings &settings,
                     const TrainingData &data)
{
  check_elements(first, settings, data);
  check_compositions(first, settings, data);
  check_forces(first, settings, data);
}

bool pretrain(TrainSettings &settings, const std::string &command, bool restart)
{
  if (!settings.pretrain) return true;
  const TrainSettings &first = *settings.pretrain;
  std::filesystem::create_directories(settings.work_folder());
  if (restart || !is_done(first)) {
    std::printf("first training, on the frames of 'pretrain'\n");
    if (!Trainer(first, command).run(restart, true)) return false;
    std::printf("\nsecond training, on the frames of 'data'\n");
  }
  settings.init_from = first.output;
  settings.block_given = false;    // sizes are those of the potential
  return true;
}

}    // namespace mlff
