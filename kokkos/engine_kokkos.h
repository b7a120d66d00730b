/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifndef LMP_ENGINE_KOKKOS_H
#define LMP_ENGINE_KOKKOS_H

#include "engine.h"
#include "kokkos_copies.h"
#include "painn_kokkos.h"

#include <string>
#include <vector>

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   PaiNN on a Kokkos device as an engine: graph in, results out, both on the
   host. For graphs that come from elsewhere, as those of other partitions.
------------------------------------------------------------------------- */

template <class DeviceType, typename T> class EngineKokkos : public mlff::Engine {
 public:
  EngineKokkos(const mlff::Potential &potential, bool spline) :
      filter(spline ? "spline" : "exact"), features(potential.sizes.features), layers(potential.sizes.layers)
  {
    painn.set_weights(potential, spline);
  }

  void evaluate(const mlff::Graph &graph, mlff::Result &result, mlff::GhostExchange *) override
  {
    if (graph.n_atoms() != graph.n_centres())
      throw mlff::EngineError("the graph has ghosts, but this engine evaluates whole systems");
    const int natoms = graph.n_atoms(), nedges = graph.n_edges();
    centres_of(graph, centre);

    painn.resize_atoms(natoms, natoms);
    painn.resize_edges(nedges);
    copy_to_device(painn.species, graph.species);
    copy_to_device(painn.first_edge, graph.first_edge);
    copy_to_device(painn.centre, centre);
    copy_to_device(painn.neighbor, graph.neighbor);
    copy_to_device(painn.r, graph.r);
    painn.set_edges();
    painn.evaluate();
    result.atom_energy.resize(natoms);
    result.gradient.resize(3 * (std::size_t) nedges);
    result.position_gradient.clear();
    copy_to_host(result.atom_energy, painn.atom_energy);
    copy_to_host(result.gradient, painn.gradient);
    mlff::sum_energies(graph, result);
  }

  bool exchanges() const override { return false; }

  std::size_t bytes(int atoms, int edges) const override
  {
    const std::size_t F = mlff::padded(features), L = layers;
    return atoms * (sizeof(T) * F * (19 + 3 * (L + 1) + 15 * L) + sizeof(double) + 3 * sizeof(int)) +
        edges * (14 * sizeof(double) + 3 * sizeof(int));
  }

  int cores() const override
  {
    if constexpr (PainnKokkos<DeviceType, T>::on_host)
      return typename DeviceType::execution_space().concurrency();
    else
      return 0;
  }

  std::string description() const override
  {
    return std::string("Kokkos ") + DeviceType::name() + ", " + (sizeof(T) == sizeof(float) ? "single" : "double") +
        " precision, " + filter + " filter";
  }

 private:
  PainnKokkos<DeviceType, T> painn;
  std::string filter;
  int features, layers;
  std::vector<int> centre;
};

}    // namespace LAMMPS_NS

#endif
