// Gradient of a loss of jumps with respect to the weights of the network: by hand-written kernels on the host, or by LibTorch.
#pragma once

#include "jump.h"
#include "painn_gradient.h"

namespace mlff {

/// Derivative of a loss with respect to the predictions u [n][2][3] (scaled u_x and u_v of jump.h, as the network gives them) for structures
/// first .. last-1; the callee fills u_bar [n][2][3] of the same structures. The arrays are those of the whole graph. Called from
/// several threads.
using JumpLossDerivative = std::function<void(int first_structure, int last_structure, const double *u, double *u_bar)>;

/// Exact (no differences), equal to autograd: tested to 1e-10 in double precision.
class JumpGradient {
 public:
  virtual ~JumpGradient() = default;

  /// Weights as in weight_slices.
  virtual void set_weights(std::span<const double> weights) = 0;

  /// Adds dL/dw to `gradient` [weights]. rows [n] and scaled inputs [n][2][3] as JumpVariables::start gives them; the species of the
  /// graph are not used. The sum runs in an order that depends on the number of threads alone.
  virtual void add_gradient(const Graph &graph, std::span<const int> rows, std::span<const double> scaled, const JumpLossDerivative &loss,
                            std::span<double> gradient) = 0;

  virtual std::string description() const = 0;
};

/// Of the options engine (host, torch, auto: host), precision and threads count. Throws EngineError naming what is missing.
std::unique_ptr<JumpGradient> make_jump_gradient(const Potential &potential, const EngineOptions &options = {});

}    // namespace mlff
