// Quantities of extended XYZ and the names that files give them.
#include "data/xyz/xyz_quantities.h"

#include "data/extended_xyz.h"
#include "data/xyz_comment.h"

#include <algorithm>

namespace mlff {

const XyzQuantity xyz_forces = {"forces", "the forces", {"forces", "force"}};
const XyzQuantity xyz_velocities = {
    "velocities",
    "the velocities",
    {"vel", "velo", "velocities", "velocity", "momenta", "momentum"}};
const XyzQuantity xyz_masses = {"mass", "the masses", {"mass", "masses"}};
const XyzQuantity xyz_energy = {
    "energy", "the energy", {"energy", "potential_energy", "free_energy"}};
const XyzQuantity xyz_charge = {"charge", "the charge", {"charge", "total_charge"}};
const XyzQuantity xyz_spin = {"spin",
                              "the multiplicity",
                              {"spin", "total_spin", "multiplicity", "spin_multiplicity", "uhf",
                               "nuhf", "unpaired_electrons"}};
const XyzQuantity xyz_stress = {"stress", "the stress", {"stress", "virial", "virials"}};

bool is_pressure_of_lammps(std::string_view key)
{
  return key == "Stress";
}

bool is_virial(std::string_view key)
{
  return lower(key).find("virial") != std::string::npos;
}

NameClaim claim_of(const XyzQuantity &quantity, std::string_view name)
{
  std::string base = lower(name);
  const auto is = [&](std::string_view word) {
    return std::find(quantity.names.begin(), quantity.names.end(), word) != quantity.names.end();
  };
  if (is(base)) return NameClaim::plain;
  if (base.starts_with("ref_")) return is(base.substr(4)) ? NameClaim::reference : NameClaim::none;
  for (const std::string prefix : {"dft", "mace", "qm", "ml", "mlff", "gap", "nep", "dp", "pred",
                                   "predicted", "target", "label", "true", "calc", "xtb"})
    if (base.starts_with(prefix + "_") && is(base.substr(prefix.size() + 1)))
      return NameClaim::other;
  return NameClaim::none;
}

bool is_name_of_quantity(std::string_view column)
{
  for (const XyzQuantity *quantity : {&xyz_forces, &xyz_velocities, &xyz_masses})
    if (claim_of(*quantity, column) != NameClaim::none) return true;
  for (const char *word : {"species", "pos", "z", "spread"})
    if (same_name(column, word)) return true;
  return false;
}

void forget_results(Structure &frame)
{
  frame.energy.reset();
  frame.energy_spread.reset();
  frame.forces.clear();
  frame.stress.reset();
  frame.spread.clear();
  frame.unread.clear();
  frame.unread_stress.clear();
  if (!frame.layout) return;
  const auto result = [](std::string_view name, XyzRole role) {
    // names of the labels stay, but for those of another method
    if (role == XyzRole::energy) return claim_of(xyz_energy, name) == NameClaim::other;
    if (role == XyzRole::forces) return claim_of(xyz_forces, name) == NameClaim::other;
    // a virial gives way to the stress
    if (role == XyzRole::virial) return true;
    if (role == XyzRole::stress) return claim_of(xyz_stress, name) == NameClaim::other;
    if (role == XyzRole::energy_spread || role == XyzRole::spread) return false;
    if (claim_of(xyz_energy, name) != NameClaim::none ||
        claim_of(xyz_forces, name) != NameClaim::none ||
        claim_of(xyz_stress, name) != NameClaim::none)
      return true;
    for (const char *word : {"energies", "stresses", "virials", "dipole", "charges", "magmom",
                             "magmoms", "energy_spread", "spread"})
      if (same_name(name, word)) return true;
    return false;
  };
  XyzLayout kept = *frame.layout;
  std::erase_if(kept.keys, [&](const XyzKey &key) {
    return result(key.name, key.role);
  });
  std::erase_if(kept.columns, [&](const XyzColumn &column) {
    return result(column.name, column.role);
  });
  frame.layout = std::make_shared<XyzLayout>(std::move(kept));
}

}    // namespace mlff
