// Gradient of a loss of jumps with respect to the weights of the network: by hand-written kernels
// on the host, or by LibTorch.
#pragma once

#include "models/jump/jump.h"
#include "potential/flat_weights.h"

#include <array>
#include <functional>

namespace mlff {

/// Derivative of a loss with respect to the predictions u [n][C][3] (scaled u_x and u_v of jump.h,
/// as the network gives them; C is 2, or 3 with a force head, JumpRecord) for structures first ..
/// last-1; the callee fills u_bar [n][C][3] of the same structures. The arrays are those of the
/// whole graph. Called from several threads.
using JumpLossDerivative =
    std::function<void(int first_structure, int last_structure, const double *u, double *u_bar)>;

/// Several jumps in a row and the trajectory after each of them, for a loss of roll-outs. After
/// each jump momentum and energy are conserved as in a simulation: the change of the angular
/// momentum is taken out (as restore_angular_momentum does), then velocities relative to the centre
/// of mass are scaled to the kinetic energy given, by a factor within 0.9 .. 1.1.
struct JumpChain {
  std::span<const int> species, first_atom;    ///< layout of Graph
  std::span<const double> x;    ///< [n][3] Å, the start; graphs are all pairs within the cutoff
  JumpInput start;
  struct Place {
    std::vector<double> x, velocity;    ///< [n][3] Å and Å/ps, along the trajectory
    std::vector<double> force;          ///< [n][3] eV/Å, at these positions
  };
  std::vector<Place> after;    ///< after 1, 2, ... strides

  /// Force [n][3] (eV/Å) at places x [n][3] (Å) reached after `jumps` jumps, and for each structure
  /// the kinetic energy that the velocities there should have, (g/mol) Å²/ps². Null: those of the
  /// trajectory at its own place. Taken as constant in the derivative.
  std::function<void(int jumps, std::span<const double> x, std::span<double> force,
                     std::span<double> kinetic)>
      force_at;
};

/// Weights in the loss of a chain: L = sum of q = x, v of weight_q (L_1q + later (L_2q + ... +
/// L_Jq) / (J - 1)), with L_kq the mean over components and structures of the squared error after
/// jump k, times √m and divided by target_scale.
struct JumpChainLoss {
  double weight[2] = {1.0, 1.0}, later = 0.0;
};

/// Exact (no differences), equal to autograd: tested to 1e-10 in double precision.
class JumpGradient {
 public:
  virtual ~JumpGradient() = default;

  /// Weights as in weight_slices.
  virtual void set_weights(std::span<const double> weights) = 0;

  /// Adds dL/dw to `gradient` [weights]. rows [n] and scaled inputs [n][2][3] as
  /// JumpVariables::start gives them; the species of the graph are not used. The sum runs in an
  /// order that depends on the number of threads alone.
  virtual void add_gradient(const Graph &graph, std::span<const int> rows,
                            std::span<const double> scaled, const JumpLossDerivative &loss,
                            std::span<double> gradient) = 0;

  /// Adds the gradient of a loss of roll-outs, through the whole chain of jumps and conservation.
  /// Returns L_1x, L_1v and the means of L_kx and L_kv over the later jumps. Throws EngineError
  /// where the engine has no such derivative (host), or a chain of less than two jumps.
  virtual std::array<double, 4>
  add_chain_gradient(const JumpChain &chain, const JumpChainLoss &loss, std::span<double> gradient);

  /// Back end, kernels, precision and device.
  virtual EngineInfo info() const = 0;

  /// info() as one line for a log.
  std::string description() const { return to_text(info()); }
};

/// kstep-painn by hand-written kernels.
std::unique_ptr<JumpGradient> make_host_jump_gradient(const Potential &potential,
                                                      const EngineOptions &options);

}    // namespace mlff
