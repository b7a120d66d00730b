// Defaults of weight gradients that have no third derivatives.
#include "potential/weight_gradient.h"

#include "core/errors.h"

namespace mlff {

void WeightGradient::add_jacobian_gradient(const Graph &, std::span<const int>,
                                           const JacobianDerivative &, std::span<double>)
{
  throw EngineError(
      "the host engine has no third derivatives: a loss of Jacobian rows needs the engine torch");
}

}    // namespace mlff
