// The network of one molecule, molecule_mlp.h.
#pragma once

#include "potential/model_kind.h"

namespace mlff {

extern const ModelKind molecule_mlp_kind;

}    // namespace mlff
