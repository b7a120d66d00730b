// Edges in, energies and edge gradients out: the one interface between a model and everything that
// uses it.
#pragma once

#include "core/engine_info.h"
#include "core/result.h"

#include <cstddef>
#include <memory>
#include <string>

namespace mlff {

/// Copies features to ghosts and sums gradients back, once per layer. A style on several ranks
/// provides it.
class GhostExchange {
 public:
  virtual ~GhostExchange() = default;

  /// Fills rows n_centres .. n_atoms-1 of features [n_atoms][width] from the ranks that own those
  /// atoms.
  virtual void forward(float *features, int width) = 0;
  virtual void forward(double *features, int width) = 0;

  /// Adds those rows of gradient [n_atoms][width] to the rows of their owners.
  virtual void reverse(float *gradient, int width) = 0;
  virtual void reverse(double *gradient, int width) = 0;

  /// Sums of n numbers over all ranks, and the largest of each: every rank gets them. For models
  /// with a long-range block.
  virtual void sum(double *values, int n) = 0;
  virtual void largest(double *values, int n) = 0;

  virtual int rank() const = 0;
  virtual int n_ranks() const = 0;
};

class Engine {
 public:
  virtual ~Engine() = default;

  /// Energies and edge gradients of all structures of a graph. Results for a structure do not
  /// depend on the others. Throws EngineError where an energy is not finite, and where the graph
  /// has ghosts but no exchange is given.
  virtual void evaluate(const Graph &graph, Result &result, GhostExchange *exchange = nullptr) = 0;

  /// Whether evaluate takes a GhostExchange: a system may then be spread over ranks.
  virtual bool supports_domain_decomposition() const = 0;

  /// Estimated memory of one evaluation.
  virtual std::size_t bytes(int atoms, int edges) const = 0;

  /// Back end, kernels, precision and device.
  virtual EngineInfo info() const = 0;

  /// Cores that an evaluation keeps busy at most; 0 where it runs on another device.
  int cores() const { return info().cores(); }

  /// info() as one line for a log.
  std::string description() const { return to_text(info()); }
};

}    // namespace mlff
