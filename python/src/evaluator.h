// Potentials and their engine as the extension holds them.
#pragma once

#include <nanobind/nanobind.h>

namespace mlff {

/// Adds the class Evaluator.
void bind_evaluator(nanobind::module_ &module);

}    // namespace mlff
