// PaiNN for energies in the table of models.
#include "models/painn/painn_kind.h"

#include "models/painn/gradient/painn_gradient.h"
#include "models/painn/host/painn_engine_host.h"
#include "models/painn/painn_sizes.h"
#ifdef MLFF_TORCH
#include "models/painn/torch/painn_engine_torch.h"
#include "models/painn/torch/painn_gradient_torch.h"
#endif

namespace mlff {

const ModelKind painn_kind = {
    .name = "painn",
    .third_derivatives = true,
    .repulsive_core = true,
    .mixed_precision = true,
    .file = painn_file,
    .engines = {{"host", make_host_engine}, {"torch", MLFF_TORCH_ONLY(make_torch_engine)}},
    .gradients = {{"host", make_host_gradient}, {"torch", MLFF_TORCH_ONLY(make_torch_gradient)}},
};

}    // namespace mlff
