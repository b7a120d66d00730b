// Distribution of kinetic energy: over elements, kinds of hydrogen, bonds, and translation,
// rotation and vibration of molecules.
#pragma once

#include "analysis/quantity.h"
#include "analysis/statistics/scalar_series.h"
#include "analysis/topology.h"
#include "analysis/trajectory_frames.h"

#include <map>
#include <optional>

namespace mlff {

struct Momenta;

/// Temperatures are twice the kinetic energy over k_B and the degrees of freedom. Where the total
/// momentum is conserved at zero, and of open systems the angular momentum, each atom has lost the
/// share of them that equipartition gives it: m/M in each direction, and the trace of m (r^2 - r
/// r^T) I^-1, with r from the centre of mass and I the inertia tensor. The temperature of a bond is
/// that of the relative velocity along it with the reduced mass.
class Temperatures {
 public:
  /// momentum, angular: whether they are conserved at zero.
  Temperatures(const Topology &topology, const std::vector<int> &numbers, bool momentum,
               bool angular);

  void add(const Frame &frame);

  std::vector<Quantity> quantities() const;
  double kinetic_energy() const { return kinetic.mean(); }    ///< eV, of all atoms
  double last_kinetic_energy() const { return last; }         ///< eV, of the last frame

 private:
  const Topology &topology;
  bool momentum, angular;
  std::vector<std::string> names;          // names of the groups of atoms: elements, then hydrogens
  std::vector<std::vector<int>> groups;    // atoms
  std::vector<ScalarSeries> of_group, of_bonds;    // [group], [kind of bond]
  ScalarSeries all, translation, rotation, vibration, kinetic;
  double last = 0.0;

  /// Translation, rotation and vibration of molecules. `whole`: of all atoms.
  void add_molecules(const Frame &frame, const Momenta &whole);
  void add_bonds(const Frame &frame);
};

/// Total momentum (amu Å/ps) and angular momentum about the centre of mass (amu Å^2/ps), and the
/// energies (eV) in them.
struct Momenta {
  double linear[3], angular[3];
  double linear_energy, angular_energy;
  double centre[3];                         ///< Å
  double mass;                              ///< g/mol
  std::array<double, 9> inertia;            ///< amu Å^2, about the centre of mass
  int rotations;                            ///< 3, 2 of linear bodies, 0 of atoms
  std::array<double, 9> inverse_inertia;    ///< without the axis of a linear body
};

/// Momenta of some atoms; x and v [n][3].
Momenta momenta_of(const std::vector<int> &atoms, const std::vector<double> &masses,
                   const std::vector<double> &x, const std::vector<double> &v);

}    // namespace mlff
