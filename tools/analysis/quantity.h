// A named result of an analysis, as tables and JSON show it.
#pragma once

#include <cmath>
#include <string>
#include <vector>

namespace mlff {

struct Quantity {
  std::string section;    ///< section with its unit, for example "temperature_K"
  std::string name;
  double value = std::nan("");
  double error = std::nan("");    ///< standard error of the value; nan: not known
};

/// A line of a picture.
struct Curve {
  std::string section;    ///< "rdf", "vdos" ...
  std::string name;
  std::vector<double> x, y;
};

}    // namespace mlff
