/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#include "kokkos/models/jump_kokkos.h"

#include "kokkos_type.h"

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T>
void JumpKokkos<DeviceType, T>::set_weights(const mlff::Potential &potential, bool spline)
{
  this->forward_only = this->starts_with_vectors = true;
  this->set_layers(potential, spline);
  const mlff::Blocks one{potential.sizes.features, F};
  vectors = this->vector(potential, "vectors", one);
  gate0 = this->matrix(potential, "readout.0.weight", one, one, false);
  gate0_bias = this->vector(potential, "readout.0.bias", one);
  gate1 = this->matrix(potential, "readout.1.weight", one, one, false);
  gate1_bias = this->vector(potential, "readout.1.bias", one);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T> void JumpKokkos<DeviceType, T>::resize_atoms(int n)
{
  Base::resize_atoms(n, n);
  this->grow(input, 6 * (std::size_t) n, "input");
  this->grow(output, 6 * (std::size_t) n, "output");
  this->grow(gate, 2 * (std::size_t) n * F, "gate");
}

/* ----------------------------------------------------------------------
   v_i = vectors[row][0] p_i + vectors[row][1] g_i
------------------------------------------------------------------------- */

template <class DeviceType, typename T> void JumpKokkos<DeviceType, T>::start_vectors()
{
  const int width = F;
  const T *W = vectors.data();
  T *v = v_of(0);
  const auto row = this->species;
  const auto in = input;
  Kokkos::parallel_for(
      Kokkos::RangePolicy<DeviceType, Kokkos::IndexType<long>>(0, (long) n_atoms * F),
      KOKKOS_LAMBDA(const long k) {
        const long i = k / width, f = k % width;
        const T *w = W + 2L * row(i) * width + f;
        for (int a = 0; a < 3; a++)
          v[(3 * i + a) * width + f] = T(in(6 * i + a)) * w[0] + T(in(6 * i + 3 + a)) * w[width];
      });
}

/* ----------------------------------------------------------------------
   u_c = sum over f of G_cf v_f, G from s
------------------------------------------------------------------------- */

template <class DeviceType, typename T> void JumpKokkos<DeviceType, T>::read_out()
{
  const int width = F;
  this->dense(n_atoms, s.data(), F, gate0, gate0_bias, this->wide.data(), F, this->hidden.data());
  this->dense(n_atoms, this->hidden.data(), F, gate1, gate1_bias, gate.data(), 2 * F);
  const T *v = v_of(L), *G = gate.data();
  const auto out = output;
  Kokkos::parallel_for(
      Kokkos::RangePolicy<DeviceType, Kokkos::IndexType<long>>(0, 6L * n_atoms),
      KOKKOS_LAMBDA(const long k) {
        const long i = k / 6, c = k % 6 / 3, a = k % 3;
        T sum = T(0);
        for (int f = 0; f < width; f++)
          sum += G[(2 * i + c) * width + f] * v[(3 * i + a) * width + f];
        out(k) = (double) sum;
      });
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T> void JumpKokkos<DeviceType, T>::evaluate()
{
  if (n_atoms == 0) return;
  this->geometry();
  start_vectors();
  this->forward();
  read_out();
}

/* ---------------------------------------------------------------------- */

namespace LAMMPS_NS {
template class JumpKokkos<LMPDeviceType, float>;
template class JumpKokkos<LMPDeviceType, double>;
#ifdef LMP_KOKKOS_GPU
template class JumpKokkos<LMPHostType, float>;
template class JumpKokkos<LMPHostType, double>;
#endif
}    // namespace LAMMPS_NS
