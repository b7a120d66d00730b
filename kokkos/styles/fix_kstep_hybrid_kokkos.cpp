/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

/* ----------------------------------------------------------------------
   fix kstep/hybrid on a Kokkos device: jump networks and velocity Verlet.
   Checks, thermostat and restoration of a few molecules stay on the host.
------------------------------------------------------------------------- */

#include "fix_kstep_hybrid_kokkos.h"

#include "atom_kokkos.h"
#include "atom_masks.h"
#include "error.h"
#include "force.h"
#include "kokkos.h"
#include "update.h"

#include "fix_kstep/kstep_impl.h"
#include "kokkos/engine/engine_kokkos.h"
#include "kokkos/models/device_models.h"

using namespace LAMMPS_NS;

// arrays that the parts on the host read, and arrays that they may change

static constexpr uint64_t HOST_READS = X_MASK | V_MASK | F_MASK | TAG_MASK | TYPE_MASK | MASK_MASK |
    IMAGE_MASK | MOLECULE_MASK | RMASS_MASK | BOND_MASK;
static constexpr uint64_t HOST_CHANGES = X_MASK | V_MASK | F_MASK | IMAGE_MASK;

/* ---------------------------------------------------------------------- */

template <class DeviceType>
FixKstepHybridKokkos<DeviceType>::FixKstepHybridKokkos(LAMMPS *lmp, int narg, char **arg) :
    FixKstepHybrid(lmp, narg, arg), on_device(false)
{
  if (!lmp->kokkos || !lmp->kokkos->kokkos_exists)
    error->all(FLERR, Error::NOLASTLINE,
               "Fix kstep/hybrid/kk needs the KOKKOS package switched on: start LAMMPS with '-k "
               "on', or use fix "
               "kstep/hybrid");
  kokkosable = 1;
  atomKK = (AtomKokkos *) atom;
  execution_space = ExecutionSpaceFromDevice<DeviceType>::space;

  // every method says itself what it needs, and where

  datamask_read = EMPTY_MASK;
  datamask_modify = EMPTY_MASK;
}

/* ----------------------------------------------------------------------
   networks that the device runs; variants, and what 'engine' asks for, do
   as without Kokkos
------------------------------------------------------------------------- */

template <class DeviceType>
std::unique_ptr<mlff::JumpEngine> FixKstepHybridKokkos<DeviceType>::make_network_engine()
{
  const auto &s = impl->cycle.settings;
  if (s.options.engine != "auto" || !mlff::jumps_on_device(s.potential))
    return FixKstepHybrid::make_network_engine();
  return mlff::make_kokkos_jump(s.potential, s.options);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void FixKstepHybridKokkos<DeviceType>::setup(int vflag)
{
  atomKK->sync(Host, HOST_READS);
  FixKstepHybrid::setup(vflag);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void FixKstepHybridKokkos<DeviceType>::initial_integrate(int vflag)
{
  atomKK->sync(Host, HOST_READS);
  on_device = false;
  FixKstepHybrid::initial_integrate(vflag);
  if (!on_device) atomKK->modified(Host, HOST_CHANGES);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void FixKstepHybridKokkos<DeviceType>::final_integrate()
{
  atomKK->sync(Host, HOST_READS);
  FixKstepHybrid::final_integrate();
  atomKK->modified(Host, HOST_CHANGES);
}

/* ----------------------------------------------------------------------
   atoms that move, and what a force does to each in half a step
------------------------------------------------------------------------- */

template <class DeviceType>
int FixKstepHybridKokkos<DeviceType>::list_atoms(const std::vector<int> &atoms)
{
  const int n = (int) atoms.size();
  if ((int) d_atoms.extent(0) < n) {
    d_atoms = Kokkos::View<int *, DeviceType>("mlff/kstep/atoms", n);
    d_step_by_mass = Kokkos::View<double *, DeviceType>("mlff/kstep/step_by_mass", n);
  }
  auto h_atoms = Kokkos::create_mirror_view(d_atoms);
  auto h_step_by_mass = Kokkos::create_mirror_view(d_step_by_mass);
  for (int k = 0; k < n; k++) {
    const int i = atoms[k];
    const double mass = atom->rmass ? atom->rmass[i] : atom->mass[atom->type[i]];
    h_atoms(k) = i;
    h_step_by_mass(k) = 0.5 * update->dt * force->ftm2v / mass;
  }
  Kokkos::deep_copy(d_atoms, h_atoms);
  Kokkos::deep_copy(d_step_by_mass, h_step_by_mass);
  return n;
}

/* ---------------------------------------------------------------------- */

template <class DeviceType>
void FixKstepHybridKokkos<DeviceType>::first_half(const std::vector<int> &atoms)
{
  const int n = list_atoms(atoms);
  const auto list = d_atoms;
  const auto step = d_step_by_mass;
  const double dt = update->dt;

  // the thermostat has changed velocities

  atomKK->modified(Host, V_MASK);
  atomKK->sync(execution_space, X_MASK | V_MASK | F_MASK);
  const auto x = atomKK->k_x.template view<DeviceType>();
  const auto v = atomKK->k_v.template view<DeviceType>();
  const auto f = atomKK->k_f.template view<DeviceType>();
  Kokkos::parallel_for(
      "mlff/kstep/first_half", Kokkos::RangePolicy<DeviceType>(0, n), KOKKOS_LAMBDA(const int k) {
        const int i = list(k);
        for (int a = 0; a < 3; a++) {
          v(i, a) += step(k) * f(i, a);
          x(i, a) += dt * v(i, a);
        }
      });
  atomKK->modified(execution_space, X_MASK | V_MASK);
  on_device = true;
}

/* ---------------------------------------------------------------------- */

template <class DeviceType>
void FixKstepHybridKokkos<DeviceType>::second_half(const std::vector<int> &atoms)
{
  const int n = list_atoms(atoms);
  const auto list = d_atoms;
  const auto step = d_step_by_mass;
  atomKK->sync(execution_space, V_MASK | F_MASK);
  const auto v = atomKK->k_v.template view<DeviceType>();
  const auto f = atomKK->k_f.template view<DeviceType>();
  Kokkos::parallel_for(
      "mlff/kstep/second_half", Kokkos::RangePolicy<DeviceType>(0, n), KOKKOS_LAMBDA(const int k) {
        const int i = list(k);
        for (int a = 0; a < 3; a++) v(i, a) += step(k) * f(i, a);
      });
  atomKK->modified(execution_space, V_MASK);
  atomKK->sync(Host, V_MASK);
}

/* ---------------------------------------------------------------------- */

namespace LAMMPS_NS {
template class FixKstepHybridKokkos<LMPDeviceType>;
#ifdef LMP_KOKKOS_GPU
template class FixKstepHybridKokkos<LMPHostType>;
#endif
}    // namespace LAMMPS_NS
