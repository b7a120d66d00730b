// StructureEvaluator: neighbor search, evaluation and sums of any number of structures in one call,
// by one potential or by a committee of several.
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

/// Results of all structures, one behind the other. Atoms are counted over all structures.
struct Evaluation {
  std::vector<double> energy;         ///< [n_structures] eV
  std::vector<double> atom_energy;    ///< [n_atoms] eV
  std::vector<double> forces;         ///< [n_atoms][3] eV/Å

  /// [n_structures][9] eV/Å^3, row-major and symmetric, tension positive. Not a number if a
  /// structure is open or its cell is flat.
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
  /// one entry for each potential, which messages use. memory: bytes that evaluations may take, see
  /// MemoryBudget. Throws EngineError as make_engine does.
  StructureEvaluator(std::vector<Potential> potentials, const EngineOptions &options,
                     std::vector<std::string> names, std::size_t memory = 0);

  /// The host engine gives the same results for a structure, to the bit, whatever other structures
  /// are in the call. Throws StructureError for a structure without atoms and as append_graph does,
  /// and EngineError. If there are several structures, both name the structure, from 1 on. The
  /// evaluator can be used again after an error.
  Evaluation evaluate(std::span<const Structure> structures);

  EngineInfo info() const { return engine_info; }

  const std::vector<Potential> &potentials() const { return members; }
  bool is_committee() const { return members.size() > 1; }

  /// The largest cutoff of the potentials, Å.
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
