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

/// Whether a key holds LAMMPS' pressure tensor, which is no label: it has the part of the
/// velocities, LAMMPS' unit, and the opposite sign.
bool is_pressure_of_lammps(std::string_view key);

/// Whether a key that stands for a stress holds a virial, which is -volume * stress.
bool is_virial(std::string_view key);

/// Names are compared without their case.
NameClaim claim_of(const XyzQuantity &quantity, std::string_view name);

}    // namespace mlff
