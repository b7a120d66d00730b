// Neighbor search, evaluation and sums of many structures, in chunks that memory holds.
#include "engine/structure_evaluator.h"

#include "core/errors.h"
#include "engine/make_engine.h"
#include "structure/lattice.h"

#include <algorithm>
#include <array>
#include <exception>
#include <limits>
#include <utility>

namespace mlff {

namespace {

  /// Atoms whose neighbors are found before the engine gets them: enough for any engine to be
  /// busy, few enough that their edges take tens of megabytes.
  constexpr int chunk_atoms = 16384;

  /// Below so many atoms the start of threads costs more than they save.
  constexpr int threaded_atoms = 256;

  /// Å^3; a cell of less is flat.
  constexpr double least_volume = 1e-9;

  bool has_stress(const Structure &structure)
  {
    const auto &periodic = structure.periodic;
    return (periodic[0] || periodic[1] || periodic[2]) &&
        cell_volume(structure.cell) > least_volume;
  }

  std::string place_text(std::size_t structure, std::size_t n_structures)
  {
    return n_structures > 1 ? "structure " + std::to_string(structure + 1) + ": " : "";
  }

  /// Appends one structure. Throws as append_graph does, with the number of the structure.
  void append_structure(std::span<const Structure> structures, std::size_t s,
                        const Potential &potential, double cutoff, GraphStorage &graph)
  {
    try {
      if (structures[s].numbers.empty()) throw StructureError("there are no atoms");
      append_graph(structures[s], potential.elements, cutoff, graph);
    } catch (const StructureError &error) {
      throw StructureError(place_text(s, structures.size()) + error.what());
    }
  }

}    // namespace

StructureEvaluator::StructureEvaluator(std::vector<Potential> potentials,
                                       const EngineOptions &options, std::vector<std::string> names,
                                       std::size_t memory) :
    members(std::move(potentials)),
    options(options), names(std::move(names)), memory(memory)
{
  for (const auto &potential : members) largest_cutoff = std::max(largest_cutoff, potential.cutoff);
  make();
  engine_info = engine->info();
}

void StructureEvaluator::make()
{
  if (is_committee()) {
    auto committee = std::make_unique<Ensemble>(members, options, names);
    committee->find_spread = true;
    ensemble = committee.get();
    engine = std::move(committee);
  } else
    engine = make_engine(members.front(), options);
  const auto estimate = [inner = engine.get()](int atoms, int edges) {
    return inner->bytes(atoms, edges);
  };
  budget.emplace(estimate, memory, engine->info().on_host());
}

Evaluation StructureEvaluator::evaluate(std::span<const Structure> structures)
{
  const std::lock_guard lock(mutex);
  if (!engine) make();
  Evaluation evaluation;
  std::size_t n_atoms = 0;
  for (const auto &structure : structures) n_atoms += structure.numbers.size();
  evaluation.energy.reserve(structures.size());
  evaluation.atom_energy.reserve(n_atoms);
  evaluation.forces.reserve(3 * n_atoms);
  evaluation.stress.reserve(9 * structures.size());
  for (std::size_t first = 0; first < structures.size();) {
    const std::size_t last = build_graph(structures, first);
    try {
      evaluate_graph(structures, first, evaluation);
    } catch (...) {
      // nothing of a failed evaluation stays
      engine.reset();
      throw;
    }
    first = last;
  }
  return evaluation;
}

/// The graph of structures from `first` on. Returns the first that is not in it.
std::size_t StructureEvaluator::build_graph(std::span<const Structure> structures,
                                            std::size_t first)
{
  graph.clear();
  std::size_t last = first;
  int n_atoms = 0;
  do n_atoms += structures[last++].n_atoms();
  while (last < structures.size() && n_atoms + structures[last].n_atoms() <= chunk_atoms);
  const int threads = std::min(engine_info.threads, int(last - first));
  if (threads > 1 && n_atoms >= threaded_atoms)
    build_with_threads(structures, first, last, threads);
  else
    for (std::size_t s = first; s < last; s++)
      append_structure(structures, s, members.front(), largest_cutoff, graph);
  return last;
}

void StructureEvaluator::build_with_threads(std::span<const Structure> structures,
                                            std::size_t first, std::size_t last, int threads)
{
  std::vector<GraphStorage> parts(threads);
  std::vector<std::exception_ptr> errors(threads);
#pragma omp parallel for schedule(static, 1) num_threads(threads)
  for (int t = 0; t < threads; t++) {
    const std::size_t n = last - first, begin = first + n * t / threads,
                      end = first + n * (t + 1) / threads;
    try {
      for (std::size_t s = begin; s < end; s++)
        append_structure(structures, s, members.front(), largest_cutoff, parts[t]);
    } catch (...) {
      errors[t] = std::current_exception();
    }
  }
  for (const auto &error : errors)
    if (error) std::rethrow_exception(error);
  for (const auto &part : parts) graph.append(part.view());
}

/// Evaluates the graph, whose structures are those from `first` on, and appends what it gives.
void StructureEvaluator::evaluate_graph(std::span<const Structure> structures, std::size_t first,
                                        Evaluation &evaluation)
{
  const Graph view = graph.view();
  const std::size_t n_structures = evaluation.energy.size(),
                    n_atoms = evaluation.atom_energy.size();
  const auto evaluate = [&](int begin, int end) {
    const bool all = begin == 0 && end == view.n_structures();
    if (!all) {
      piece.clear();
      piece.append(view, begin, end);
    }
    const Graph part = all ? view : piece.view();
    engine->evaluate(part, result);
    collect(part, structures.subspan(first + begin, end - begin), n_structures + begin,
            n_atoms + view.first_atom[begin], evaluation);
  };
  try {
    budget->evaluate(view, evaluate);
  } catch (const EngineError &error) {
    if (view.n_structures() == 1)
      throw_error(kind_of(error), place_text(first, structures.size()) + error.what());
    // Evaluates one structure at a time, to name the one that fails.
    for (int s = 0; s < view.n_structures(); s++) try {
        evaluate(s, s + 1);
      } catch (const EngineError &single) {
        throw_error(kind_of(single), place_text(first + s, structures.size()) + single.what());
      }
    throw;
  }
}

/// Puts the results of a graph to their places: of its structures from `structure` on, of its atoms
/// from `atom` on.
void StructureEvaluator::collect(const Graph &view, std::span<const Structure> structures,
                                 std::size_t structure, std::size_t atom, Evaluation &evaluation)
{
  const auto place = [](const std::vector<double> &from, std::vector<double> &to,
                        std::size_t index) {
    to.resize(std::max(to.size(), index + from.size()));
    std::copy(from.begin(), from.end(), to.begin() + std::ptrdiff_t(index));
  };
  sum_forces(view, result, forces);
  place(result.energy, evaluation.energy, structure);
  place(result.atom_energy, evaluation.atom_energy, atom);
  place(forces, evaluation.forces, 3 * atom);
  if (ensemble) {
    place(ensemble->spread, evaluation.spread, atom);
    place(ensemble->energy_spread, evaluation.energy_spread, structure);
  }
  for (std::size_t s = 0; s < structures.size(); s++) {
    std::vector<double> stress(9, std::numeric_limits<double>::quiet_NaN());
    if (has_stress(structures[s])) {
      std::array<double, 9> sum{};
      add_strain_gradient(view, result, int(s), 1.0, sum);
      const double volume = cell_volume(structures[s].cell);
      for (int c = 0; c < 9; c++) stress[c] = sum[c] / volume;
    }
    place(stress, evaluation.stress, 9 * (structure + s));
  }
}

}    // namespace mlff
