// One array of numbers of a potential.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mlff {

/// A named array of a potential. Values are kept in double; `dtype` ("F32" or "F64") is how the
/// file stores them.
struct Tensor {
  std::string dtype = "F32";
  std::vector<std::int64_t> shape;
  std::vector<double> values;    ///< row-major, product of shape
};

}    // namespace mlff
