/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifndef LMP_KOKKOS_COPIES_H
#define LMP_KOKKOS_COPIES_H

#include "core/graph.h"

#include <Kokkos_Core.hpp>

#include <span>
#include <vector>

// Copies between arrays of an engine's callers and the first entries of views on a device.

namespace LAMMPS_NS {

template <typename U>
using UnmanagedHost = Kokkos::View<U *, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;

template <typename View, typename Range> void copy_to_device(const View &to, const Range &from)
{
  using U = typename View::value_type;
  const std::span<const U> values(from);
  Kokkos::deep_copy(Kokkos::subview(to, std::make_pair(std::size_t(0), values.size())),
                    UnmanagedHost<const U>(values.data(), values.size()));
}

template <typename View> void copy_to_host(std::vector<double> &to, const View &from)
{
  Kokkos::deep_copy(UnmanagedHost<double>(to.data(), to.size()),
                    Kokkos::subview(from, std::make_pair(std::size_t(0), to.size())));
}

// the centre of each edge
inline void centres_of(const mlff::Graph &graph, std::vector<int> &centre)
{
  centre.resize(graph.n_edges());
  for (int i = 0; i < graph.n_centres(); i++)
    for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++) centre[e] = i;
}

}    // namespace LAMMPS_NS

#endif
