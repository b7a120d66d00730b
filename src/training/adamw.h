// AdamW: I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
#pragma once

#include <cmath>
#include <span>
#include <vector>

namespace mlff {

struct AdamW {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0.0;
  long steps = 0;
  std::vector<double> mean, square;    ///< running averages of the gradient and of its square

  explicit AdamW(std::size_t n) : mean(n, 0.0), square(n, 0.0) {}

  /// One step; weights whose `frozen` is set stay as they are (empty: none).
  void step(std::span<double> weights, std::span<const double> gradient, double learning_rate,
            const std::vector<bool> &frozen = {})
  {
    steps++;
    const double correct1 = 1.0 - std::pow(beta1, double(steps)),
                 correct2 = 1.0 - std::pow(beta2, double(steps));
    for (std::size_t i = 0; i < weights.size(); i++) {
      mean[i] = beta1 * mean[i] + (1.0 - beta1) * gradient[i];
      square[i] = beta2 * square[i] + (1.0 - beta2) * gradient[i] * gradient[i];
      if (!frozen.empty() && frozen[i]) continue;
      weights[i] -= learning_rate *
          (weight_decay * weights[i] +
           mean[i] / correct1 / (std::sqrt(square[i] / correct2) + epsilon));
    }
  }
};

}    // namespace mlff
