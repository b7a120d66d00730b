// PaiNN for energies: K. Schütt, O. Unke, M. Gastegger, ICML 2021.
#pragma once

#include "potential/model_kind.h"

namespace mlff {

extern const ModelKind painn_kind;

}    // namespace mlff
