// Quantities of extended XYZ and the names that files give them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mlff {

/// A quantity with the names that may stand for it.
struct XyzQuantity {
  const char *name;      ///< name in ReadOptions::keys
  const char *spoken;    ///< name in messages
  std::vector<std::string> names;
};

extern const XyzQuantity xyz_forces, xyz_velocities, xyz_masses, xyz_energy, xyz_charge, xyz_spin,
    xyz_stress;

/// Strength of the claim that a name means a quantity: none, by the name alone, by MACE's prefix
/// for references (REF_), or by the prefix of some other method.
enum class NameClaim { none, plain, reference, other };

/// Names are compared without their case.
NameClaim claim_of(const XyzQuantity &quantity, std::string_view name);

}    // namespace mlff
