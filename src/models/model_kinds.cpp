// The models of this package: one line a model.
#include "models/jump/jump_kinds.h"
#include "models/long_range/long_range_kind.h"
#include "models/molecule_mlp/molecule_mlp_kind.h"
#include "models/painn/painn_kind.h"

namespace mlff {

namespace {

  const ModelKind *const kinds[] = {
      &painn_kind,       &painn_long_range_kind, &molecule_mlp_kind,
      &kstep_painn_kind, &kstep_egnn_kind,       &kstep_transformer_kind,
  };

}    // namespace

std::span<const ModelKind *const> model_kinds()
{
  return kinds;
}

}    // namespace mlff
