// ModelKind: the name of a model, its capabilities, and the functions that read, check and run it.
// A model is one folder of src/models and one line of src/models/model_kinds.cpp; nothing else
// compares the names of models.
#pragma once

#include "potential/model_sizes.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace mlff {

class Engine;
class JumpEngine;
class JumpGradient;
class WeightGradient;
struct EngineOptions;

/// Makes a Product on one back end.
template <typename Product, typename... More> struct BackEnd {
  const char *name;    ///< one of available_engines()
  std::unique_ptr<Product> (*make)(const Potential &potential, const EngineOptions &options,
                                   More... more);

  /// Why the model has no such product on this back end, where `make` is null. Empty: the message
  /// lists where it has one.
  const char *refusal = "";
};

/// A function of a folder torch/, which only builds with LibTorch have.
#ifdef MLFF_TORCH
#define MLFF_TORCH_ONLY(function) function
#else
#define MLFF_TORCH_ONLY(function) nullptr
#endif

struct ModelKind {
  const char *name;    ///< metadata `model` of its files

  // capabilities
  bool gives_jumps = false;        ///< maps states to states one stride later; else gives energies
  bool needs_positions = false;    ///< Graph::position; systems open or periodic in all directions
  bool one_molecule = false;       ///< serves a single kind of molecule, all of whose atoms see
                                   ///< each other, as a whole
  bool atom_energies = true;       ///< energies of atoms are outputs of the model, not shares
  bool third_derivatives = false;    ///< the torch gradient takes a loss of Jacobian rows
  bool repulsive_core = false;       ///< Potential::core may be added to what the model gives
  bool mixed_precision = false;      ///< the torch gradient computes products in bfloat16

  ModelFile file;    ///< model's part of potential files

  /// The model that is left without the part between all atoms of a system, with the same sizes and
  /// fewer tensors; null: the model has no such part.
  const ModelKind *local_kind = nullptr;

  // best back end first
  std::vector<BackEnd<Engine>> engines = {};
  std::vector<BackEnd<WeightGradient, bool>> gradients = {};    ///< bool: products in bfloat16
  std::vector<BackEnd<JumpEngine>> jump_engines = {};
  std::vector<BackEnd<JumpGradient>> jump_gradients = {};
};

/// Whether a list of back ends has one of this name that this build can make.
template <typename OneEnd>
bool has_back_end(const std::vector<OneEnd> &back_ends, const std::string &name)
{
  for (const auto &back_end : back_ends)
    if (back_end.name == name && back_end.make) return true;
  return false;
}

/// Returns the potential without the part between all atoms of a system (ModelKind::local_kind).
Potential local_part(const Potential &potential);

/// All models, in the order of messages.
std::span<const ModelKind *const> model_kinds();

/// A model by its name; null where there is none.
const ModelKind *find_model_kind(const std::string &name);

/// A model by its name. Throws PotentialError, which lists the names that there are, and names the
/// file where `path` is not empty.
const ModelKind &model_kind(const std::string &name, const std::string &path = "");

}    // namespace mlff
