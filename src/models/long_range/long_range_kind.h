// PaiNN for energies with a long-range block between all atoms (long_range.h), model painn-fmm.
#pragma once

#include "potential/model_kind.h"

namespace mlff {

extern const ModelKind painn_long_range_kind;

}    // namespace mlff
