// molecule-mlp in the table of models.
#include "models/molecule_mlp/molecule_mlp_kind.h"

#include "models/molecule_mlp/molecule_mlp.h"
#include "models/molecule_mlp/molecule_record.h"
#ifdef MLFF_TORCH
#include "models/molecule_mlp/torch/molecule_mlp_torch.h"
#endif

namespace mlff {

const ModelKind molecule_mlp_kind = {
    .name = "molecule-mlp",
    .one_molecule = true,
    .atom_energies = false,
    .file = molecule_file,
    .engines = {{"host", make_molecule_engine},
                {"torch", MLFF_TORCH_ONLY(make_molecule_torch_engine)}},
    .gradients = {{"host", make_molecule_gradient},
                  {"torch", MLFF_TORCH_ONLY(make_molecule_torch_gradient)}},
};

}    // namespace mlff
