// The tensors that a model has, by name.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mlff {

/// Source of the values of a tensor before training.
enum class TensorStart {
  data,      ///< set from the data; training does not move them
  zero,      ///< zeros
  unit,      ///< random, of mean square 1
  glorot,    ///< random, of mean square 2 / (rows + columns); X. Glorot, Y. Bengio, AISTATS 2010
};

struct TensorEntry {
  std::vector<std::int64_t> shape;
  TensorStart start = TensorStart::zero;

  bool trained() const { return start != TensorStart::data; }
  std::size_t size() const
  {
    std::size_t n = 1;
    for (const auto extent : shape) n *= std::size_t(extent);
    return n;
  }
};

/// Every tensor of a model. Flat weights and files have them in the order of their names.
using TensorTable = std::map<std::string, TensorEntry>;

}    // namespace mlff
