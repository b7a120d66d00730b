// molecule-mlp in the table of models.
#include "models/molecule_mlp/molecule_mlp_kind.h"

#include "models/molecule_mlp/molecule_mlp.h"
#include "models/molecule_mlp/molecule_tensors.h"
#ifdef MLFF_TORCH
#include "models/molecule_mlp/torch/molecule_mlp_torch.h"
#endif
#include "potential/potential.h"

namespace mlff {

namespace {

  TensorTable tensors(const Potential &potential)
  {
    TableWalk walk;
    Nowhere nowhere;
    walk_molecule(molecule_record(potential), potential.n_species(), walk, nowhere, nowhere);
    return walk.table;
  }

}    // namespace

const ModelKind molecule_mlp_kind = {
    .name = "molecule-mlp",
    .one_molecule = true,
    .atom_energies = false,
    .read = read_molecule,
    .write = write_molecule,
    .check = check_molecule,
    .tensors = tensors,
    .size_text = molecule_size_text,
    .describe = describe_molecule,
    .engines = {{"host", make_molecule_engine},
                {"torch", MLFF_TORCH_ONLY(make_molecule_torch_engine)}},
    .gradients = {{"host", make_molecule_gradient},
                  {"torch", MLFF_TORCH_ONLY(make_molecule_torch_gradient)}},
};

}    // namespace mlff
