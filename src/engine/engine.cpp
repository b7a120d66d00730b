#include "engine/engine.h"

#include "core/state_error.h"
#include "models/molecule_mlp/molecule_mlp.h"
#include "models/painn/host/painn_engine_host.h"
#ifdef MLFF_TORCH
#include "models/molecule_mlp/torch/molecule_mlp_torch.h"
#include "models/painn/torch/painn_engine_torch.h"
#endif

#include <algorithm>
#include <cmath>

namespace mlff {

std::vector<std::string> available_engines()
{
  std::vector<std::string> names = {"host"};
#ifdef MLFF_TORCH
  names.push_back("torch");
#endif
  return names;
}

std::unique_ptr<Engine> make_engine(const Potential &potential, const EngineOptions &options)
{
  if (potential.is_jump())
    throw EngineError(
        "model '" + potential.model +
        "' is a jump network: it maps states to states and gives no energies or forces");
  const auto available = available_engines();
  std::string list;
  for (const auto &name : available) list += (list.empty() ? "" : ", ") + name;
  const std::string name = options.engine == "auto" ? available.front() : options.engine;
  if (std::find(available.begin(), available.end(), name) == available.end())
    throw EngineError("engine '" + name + "' is not in this build; it has: " + list);
  if (name == "host")
    return potential.is_molecule() ? make_molecule_engine(potential, options)
                                   : make_host_engine(potential, options);
#ifdef MLFF_TORCH
  if (name == "torch" && potential.is_molecule())
    return make_molecule_torch_engine(potential, options);
  if (name == "torch") return make_torch_engine(potential, options);
#endif
  throw EngineError("engine '" + name + "' cannot run model '" + potential.model + "'");
}

void sum_energies(const Graph &graph, Result &result)
{
  result.energy.assign(graph.n_structures(), 0.0);
  for (int s = 0; s < graph.n_structures(); s++) {
    for (int i = graph.first_atom[s]; i < graph.first_atom[s + 1]; i++)
      result.energy[s] += result.atom_energy[i];
    if (!std::isfinite(result.energy[s]))
      throw StateError(
          "the energy of structure " + std::to_string(s + 1) +
          " is not finite: atoms on one place, or far outside what the model was trained on");
  }
}

void check_positions(const Graph &graph)
{
  if (graph.position.size() != 3 * std::size_t(graph.n_centres()))
    throw EngineError("model 'painn-fmm' has a long-range block, which needs positions of all "
                      "atoms in a system open or periodic in all directions; this one is "
                      "periodic in some, or its atoms have none");
  if (!graph.cell.empty() && graph.cell.size() != 9 * std::size_t(graph.n_structures()))
    throw EngineError("the graph has " + std::to_string(graph.cell.size() / 9) + " cells for " +
                      std::to_string(graph.n_structures()) + " structures");
}

void sum_forces(const Graph &graph, const Result &result, std::vector<double> &forces)
{
  forces.assign(3 * std::size_t(graph.n_centres()), 0.0);
  for (std::size_t k = 0; k < result.position_gradient.size(); k++)
    forces[k] -= result.position_gradient[k];
  for (int i = 0; i < graph.n_centres(); i++)
    for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++)
      for (int a = 0; a < 3; a++) {
        forces[3 * i + a] += result.gradient[3 * e + a];
        forces[3 * graph.neighbor[e] + a] -= result.gradient[3 * e + a];
      }
}

Precision precision_of(const std::string &word)
{
  if (word == "single") return Precision::single_precision;
  if (word == "double") return Precision::double_precision;
  throw EngineError("unknown precision '" + word + "'; accepted: single, double");
}

FmmForm fmm_form_of(const std::string &word)
{
  if (word == "auto") return FmmForm::automatic;
  if (word == "direct") return FmmForm::direct;
  if (word == "linear") return FmmForm::linear;
  throw EngineError("unknown form of the long-range block '" + word +
                    "'; accepted: auto, direct, linear");
}

Filter filter_of(const std::string &word)
{
  if (word == "auto") return Filter::automatic;
  if (word == "exact") return Filter::exact;
  if (word == "spline") return Filter::spline;
  throw EngineError("unknown filter '" + word + "'; accepted: auto, exact, spline");
}

}    // namespace mlff
