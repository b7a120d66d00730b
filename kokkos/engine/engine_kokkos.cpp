/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#include "kokkos/engine/engine_kokkos.h"

#include "kokkos/common/kokkos_copies.h"
#include "kokkos/models/painn_kokkos.h"

#include "kokkos_type.h"

using namespace LAMMPS_NS;

namespace {

template <class DeviceType, typename T> class EngineKokkos : public mlff::Engine {
 public:
  EngineKokkos(const mlff::Potential &potential, const mlff::EngineOptions &options) :
      own(kokkos_painn_info<DeviceType, T>(potential, options)), features(potential.sizes.features),
      layers(potential.sizes.layers)
  {
    painn.set_weights(potential, own.filter == mlff::Filter::spline);
    painn.block = FmmBlockKokkos<DeviceType, T>::make(potential, options.fmm);
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
    const auto &block = painn.block;
    if (block) {
      mlff::check_positions(graph);
      copy_to_device(block->position(natoms), graph.position);
      block->prepare(graph.first_atom, graph.cell, nullptr);
    }
    painn.evaluate();
    result.atom_energy.resize(natoms);
    result.gradient.resize(3 * (std::size_t) nedges);
    const bool periodic = block && !graph.cell.empty();
    result.position_gradient.resize(block ? 3 * (std::size_t) natoms : 0);
    result.strain_gradient.resize(periodic ? 6 * (std::size_t) natoms : 0);
    if (block) copy_to_host(result.position_gradient, block->x_bar());
    if (periodic) copy_to_host(result.strain_gradient, block->strain());
    copy_to_host(result.atom_energy, painn.atom_energy);
    copy_to_host(result.gradient, painn.gradient);
    mlff::sum_energies(graph, result);
  }

  bool exchanges() const override { return false; }

  std::size_t bytes(int atoms, int edges) const override
  {
    const std::size_t F = mlff::padded(features), L = layers;
    return atoms *
        (sizeof(T) * F * (19 + 3 * (L + 1) + 15 * L) + sizeof(double) + 3 * sizeof(int)) +
        edges * (14 * sizeof(double) + 3 * sizeof(int)) +
        (painn.block ? painn.block->bytes(atoms) : 0);
  }

  mlff::EngineInfo info() const override { return own; }

 private:
  PainnKokkos<DeviceType, T> painn;
  mlff::EngineInfo own;
  int features, layers;
  std::vector<int> centre;
};

template <class DeviceType>
std::unique_ptr<mlff::Engine> make(const mlff::Potential &potential,
                                   const mlff::EngineOptions &options)
{
  if (options.precision == mlff::Precision::single_precision)
    return std::make_unique<EngineKokkos<DeviceType, float>>(potential, options);
  return std::make_unique<EngineKokkos<DeviceType, double>>(potential, options);
}

}    // namespace

/* ---------------------------------------------------------------------- */

std::unique_ptr<mlff::Engine> LAMMPS_NS::make_kokkos_engine(const mlff::Potential &potential,
                                                            const mlff::EngineOptions &options,
                                                            bool host)
{
  if (potential.model != "painn" && potential.model != "painn-fmm")
    throw mlff::EngineError("the Kokkos engine runs painn and painn-fmm; this is a model '" +
                            potential.model + "'");
  if (!Kokkos::is_initialized())
    throw mlff::EngineError("the Kokkos engine needs LAMMPS with Kokkos on: start it with -k on");
#ifdef LMP_KOKKOS_GPU
  if (host) return make<LMPHostType>(potential, options);
#endif
  return make<LMPDeviceType>(potential, options);
}
