// States in, states one stride later out: the interface between a jump network and everything that
// uses it.
#pragma once

#include "core/engine_info.h"
#include "core/graph.h"

#include <span>
#include <string>
#include <vector>

namespace mlff {

/// Atoms of all structures of a graph. The arrays must live as long as the call they are given to.
struct JumpInput {
  std::span<const double> mass;        ///< [n] g/mol
  std::span<const double> velocity;    ///< [n][3] Å/ps
  std::span<const double> force;       ///< [n][3] eV/Å
  /// [n_structures] index into JumpRecord::strides; empty: the first for all
  std::span<const int> stride;
};

struct JumpResult {
  std::vector<double> displacement;       ///< [n][3] Å
  std::vector<double> velocity_change;    ///< [n][3] Å/ps
};

class JumpEngine {
 public:
  virtual ~JumpEngine() = default;

  /// Changes over one stride. Graph: all pairs within the cutoff of the potential, no ghosts.
  /// Results for a structure do not depend on the others. Throws EngineError for a graph with
  /// ghosts, arrays of the wrong size, an unknown stride, a mass that is not the one of training
  /// within 1 %, and where a result is not finite.
  virtual void evaluate(const Graph &graph, const JumpInput &input, JumpResult &result) = 0;

  /// Back end, kernels, precision and device.
  virtual EngineInfo info() const = 0;

  /// info() as one line for a log.
  std::string description() const { return to_text(info()); }
};

}    // namespace mlff
