// PaiNN for energies in the table of models.
#include "models/painn/painn_kind.h"

#include "models/painn/gradient/painn_gradient.h"
#include "models/painn/host/painn_engine_host.h"
#include "models/painn/painn_tensors.h"
#ifdef MLFF_TORCH
#include "models/painn/torch/painn_engine_torch.h"
#include "models/painn/torch/painn_gradient_torch.h"
#endif
#include "potential/metadata.h"
#include "potential/potential.h"

namespace mlff {

TensorTable painn_table(const PainnSizes &sizes, int n_species)
{
  TableWalk walk;
  Nowhere nowhere;
  walk_painn(sizes, n_species, walk, PainnPlaces{nowhere, nowhere, nowhere, nowhere});
  return walk.table;
}

namespace {

  TensorTable tensors(const Potential &potential)
  {
    return painn_table(painn_sizes(potential), potential.n_species());
  }

}    // namespace

const ModelKind painn_kind = {
    .name = "painn",
    .third_derivatives = true,
    .mixed_precision = true,
    .read = read_painn_sizes,
    .write = write_painn_sizes,
    .check = check_painn_sizes,
    .tensors = tensors,
    .size_text = painn_size_text,
    .describe = describe_painn,
    .engines = {{"host", make_host_engine}, {"torch", MLFF_TORCH_ONLY(make_torch_engine)}},
    .gradients = {{"host", make_host_gradient}, {"torch", MLFF_TORCH_ONLY(make_torch_gradient)}},
};

}    // namespace mlff
