// Chooses the engine of a potential by its model and by the options.
#include "engine/make_engine.h"

#include "models/molecule_mlp/molecule_mlp.h"
#include "models/painn/host/painn_engine_host.h"
#ifdef MLFF_TORCH
#include "models/molecule_mlp/torch/molecule_mlp_torch.h"
#include "models/painn/torch/painn_engine_torch.h"
#endif

#include <algorithm>

namespace mlff {

std::unique_ptr<Engine> make_engine(const Potential &potential, const EngineOptions &options)
{
  if (potential.is_jump())
    throw EngineError(
        "model '" + potential.model +
        "' is a jump network: it maps states to states and gives no energies or forces");
  const auto available = available_engines();
  std::string list;
  for (const auto &name : available) list += (list.empty() ? "" : ", ") + name;
  const std::string name = options.engine == "auto" ? available.front() : options.engine;
  if (std::find(available.begin(), available.end(), name) == available.end())
    throw EngineError("engine '" + name + "' is not in this build; it has: " + list);
  if (name == "host")
    return potential.is_molecule() ? make_molecule_engine(potential, options)
                                   : make_host_engine(potential, options);
#ifdef MLFF_TORCH
  if (name == "torch" && potential.is_molecule())
    return make_molecule_torch_engine(potential, options);
  if (name == "torch") return make_torch_engine(potential, options);
#endif
  throw EngineError("engine '" + name + "' cannot run model '" + potential.model + "'");
}

}    // namespace mlff
