// Gradient of a loss of energies, forces and stresses with respect to the weights of a model.
#pragma once

#include "core/engine_info.h"
#include "core/graph.h"
#include "potential/flat_weights.h"

#include <functional>
#include <span>
#include <string>

namespace mlff {

/// Predictions for the structures of a graph, and places for the derivatives of a loss with respect
/// to them. All arrays are those of the whole graph.
struct LossArrays {
  const double *atom_energy;    ///< [n_centres] eV
  const double *force;          ///< [n_centres][3] eV/Å

  /// [n_structures][6] dE/dstrain, eV, which is stress times volume: xx, yy, zz, xy, xz, yz. Zeros
  /// for open structures. Null where the graph has no cells, and for models of molecules.
  const double *strain_gradient;

  double *energy_bar;    ///< [n_centres] dL/dE_i
  double *force_bar;     ///< [n_centres][3] dL/dF
  double *strain_bar;    ///< [n_structures][6] dL/d(strain_gradient); null where that is
};

/// Fills the derivatives of structures first .. last-1 from their predictions; the derivatives of
/// open structures by their strain count as zero. Called from several threads.
using LossDerivative =
    std::function<void(int first_structure, int last_structure, const LossArrays &arrays)>;

/// Derivative of a loss with respect to rows of the Jacobian of the forces. row [n_centres][3]
/// (eV/Å²) holds, for the atoms of each structure, dF_k/dx of the component k chosen for it; the
/// callee fills row_bar alike.
using JacobianDerivative = std::function<void(const double *row, double *row_bar)>;

/// Exact (no finite differences), equal to autograd: tested to 1e-10 in double precision.
class WeightGradient {
 public:
  virtual ~WeightGradient() = default;

  /// Weights as in weight_slices.
  virtual void set_weights(std::span<const double> weights) = 0;

  /// Adds dL/dw to `gradient` [weights]. The graph must have no ghosts. The sum runs in an order
  /// that depends on the number of threads alone. Throws EngineError for a graph with ghosts.
  virtual void add_gradient(const Graph &graph, const LossDerivative &loss,
                            std::span<double> gradient) = 0;

  /// Adds the gradient of a loss of Jacobian rows; component [n_structures] is 3 * centre + axis,
  /// centres counted over the whole graph. Throws EngineError where the engine has no third
  /// derivatives.
  virtual void add_jacobian_gradient(const Graph &graph, std::span<const int> component,
                                     const JacobianDerivative &loss, std::span<double> gradient);

  /// Back end, kernels, precision and device.
  virtual EngineInfo info() const = 0;

  /// info() as one line for a log.
  std::string description() const { return to_text(info()); }
};

}    // namespace mlff
