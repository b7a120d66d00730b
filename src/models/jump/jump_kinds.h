// The jump networks: kstep-painn, and its variants for comparisons (jump_variants_torch.h).
#pragma once

#include "potential/model_kind.h"

namespace mlff {

extern const ModelKind kstep_painn_kind, kstep_egnn_kind, kstep_transformer_kind;

/// Words of settings for the network of a jump: names of models without "kstep-".
std::vector<std::string> jump_networks();
std::string jump_network(const ModelKind &kind);

/// The model of such a word. Throws PotentialError for other words.
const ModelKind &jump_kind(const std::string &network);

// differences between networks
bool jump_has_forms(const ModelKind &kind);         ///< corrected and published form, and a bound
bool jump_has_heads(const ModelKind &kind);         ///< heads of attention
bool jump_predicts_force(const ModelKind &kind);    ///< may have a force head in training

}    // namespace mlff
