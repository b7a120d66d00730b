// Any number of structures evaluated by one potential or by a committee of several: neighbor
// search, engine and sums in one call.
#pragma once

#include "core/engine.h"
#include "engine/ensemble.h"
#include "engine/memory_budget.h"
#include "structure/structure.h"

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mlff {

/// Results of structures, one behind the other. Atoms are counted over all structures.
struct Evaluation {
  std::vector<double> energy;         ///< [n_structures] eV
  std::vector<double> atom_energy;    ///< [n_atoms] eV
  std::vector<double> forces;         ///< [n_atoms][3] eV/Å

  /// [n_structures][9] eV/Å^3, row-major and symmetric, tension positive. Not a number where a
  /// structure is open, or its cell flat.
  std::vector<double> stress;

  // Filled by committees only:
  std::vector<double> spread;           ///< [n_atoms] eV/Å, see Ensemble::spread
  std::vector<double> energy_spread;    ///< [n_structures] eV, see Ensemble::energy_spread
};

/// Evaluates structures. Several threads may call it; they take turns, each with all threads of
/// the engine.
class StructureEvaluator {
 public:
  /// `potentials` holds at least one; several are a committee, whose results are means. `names` has
  /// one entry for each and is what messages call them. memory: bytes that evaluations may take, as
  /// MemoryBudget has it. Throws EngineError as make_engine does.
  StructureEvaluator(std::vector<Potential> potentials, const EngineOptions &options,
                     std::vector<std::string> names, std::size_t memory = 0);

  /// A structure's results are the same, to the bit, in whatever company it is evaluated by the
  /// host engine. Throws StructureError for a structure without atoms and as append_graph does,
  /// and EngineError; both name the structure, from 1 on, where there are several. The evaluator
  /// can be used again after an error.
  Evaluation evaluate(std::span<const Structure> structures);

  EngineInfo info() const { return engine_info; }

  const std::vector<Potential> &potentials() const { return members; }
  bool is_committee() const { return members.size() > 1; }

  /// Largest of the potentials, Å.
  double cutoff() const { return largest_cutoff; }

 private:
  std::vector<Potential> members;
  EngineOptions options;
  std::vector<std::string> names;
  double largest_cutoff = 0.0;
  std::size_t memory;
  EngineInfo engine_info;

  std::mutex mutex;    // protects all members below
  std::unique_ptr<Engine> engine;
  Ensemble *ensemble = nullptr;    // the engine, where it is a committee
  std::optional<MemoryBudget> budget;
  GraphStorage graph, piece;
  Result result;
  std::vector<double> forces;

  void make();
  std::size_t build_graph(std::span<const Structure> structures, std::size_t first);
  void build_with_threads(std::span<const Structure> structures, std::size_t first,
                          std::size_t last, int threads);
  void evaluate_graph(std::span<const Structure> structures, std::size_t first,
                      Evaluation &evaluation);
  void collect(const Graph &view, std::span<const Structure> structures, std::size_t structure,
               std::size_t atom, Evaluation &evaluation);
};

}    // namespace mlff
