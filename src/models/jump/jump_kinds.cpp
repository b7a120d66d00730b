// The jump networks in the table of models.
#include "models/jump/jump_kinds.h"

#include "models/jump/gradient/jump_gradient.h"
#include "models/jump/host/jump_host.h"
#include "models/jump/jump_tensors.h"
#ifdef MLFF_TORCH
#include "models/jump/torch/jump_torch.h"
#endif

namespace mlff {

int jump_rows(const Potential &potential)
{
  return int(jump_record(potential).strides.size()) * potential.n_species();
}

namespace {

  const std::string first_word = "kstep-";

}    // namespace

std::string jump_network(const ModelKind &kind)
{
  return std::string(kind.name).substr(first_word.size());
}

std::vector<std::string> jump_networks()
{
  std::vector<std::string> words;
  for (const ModelKind *kind : model_kinds())
    if (kind->gives_jumps) words.push_back(jump_network(*kind));
  return words;
}

const ModelKind &jump_kind(const std::string &network)
{
  return model_kind(first_word + network);
}

bool jump_has_forms(const ModelKind &kind)
{
  return &kind == &kstep_egnn_kind || &kind == &kstep_transformer_kind;
}

bool jump_has_heads(const ModelKind &kind)
{
  return &kind == &kstep_transformer_kind;
}

bool jump_predicts_force(const ModelKind &kind)
{
  return &kind == &kstep_painn_kind;
}

namespace {

  /// A network that LibTorch alone evaluates.
  ModelKind torch_network(const char *name, const ModelFile &file)
  {
    return {
        .name = name,
        .gives_jumps = true,
        .file = file,
        .jump_engines = {{"torch", MLFF_TORCH_ONLY(make_torch_jump)}},
        .jump_gradients = {{"torch", MLFF_TORCH_ONLY(make_torch_jump_gradient)}},
    };
  }

}    // namespace

const ModelKind kstep_painn_kind = {
    .name = "kstep-painn",
    .gives_jumps = true,
    .file = kstep_painn_file,
    .jump_engines = {{"host", make_host_jump}, {"torch", MLFF_TORCH_ONLY(make_torch_jump)}},
    .jump_gradients = {{"host", make_host_jump_gradient},
                       {"torch", MLFF_TORCH_ONLY(make_torch_jump_gradient)}},
};
const ModelKind kstep_egnn_kind = torch_network("kstep-egnn", kstep_egnn_file);
const ModelKind kstep_transformer_kind = torch_network("kstep-transformer", kstep_transformer_file);

}    // namespace mlff
