// Repulsive cores on a Kokkos device: one loop of atoms over their edges.
#include "kokkos/models/core_kokkos.h"

#include "engine/repulsion/core_pairs.h"

#include <utility>

namespace mlff {

template <class Device> class CoreKokkos : public DeviceModel<Device> {
 public:
  CoreKokkos(const Potential &potential, std::unique_ptr<DeviceModel<Device>> given) :
      network(std::move(given)), n_species(potential.n_species())
  {
    const auto all = core_pairs(potential);
    grow(pairs, all.size(), "core/pairs");
    copy_to_device(pairs, all);
  }

  const DeviceResult<Device> &evaluate(const DeviceGraph<Device> &graph,
                                       GhostExchange *exchange) override
  {
    result = network->evaluate(graph, exchange);
    add(graph);
    return result;
  }

  /// Public because device lambdas may not be made in private functions.
  void add(const DeviceGraph<Device> &graph)
  {
    const auto core = pairs;
    const auto species = graph.species, first = graph.first_edge, neighbor = graph.neighbor;
    const auto r = graph.r;
    const auto energy = result.atom_energy, gradient = result.gradient;
    const int n = n_species;
    Kokkos::parallel_for(
        "mlff/core/add", IndexRange<Device>(0, graph.n_centres), KOKKOS_LAMBDA(const int i) {
          double sum = 0.0;
          for (int e = first(i); e < first(i + 1); e++) {
            const ZblPair &pair = core(species(i) * n + species(neighbor(e)));
            const double x = r(3 * e), y = r(3 * e + 1), z = r(3 * e + 2),
                         square = x * x + y * y + z * z;
            if (!(square < pair.outer * pair.outer)) continue;
            const double d = Kokkos::sqrt(square);
            const PairEnergy found = core_energy(pair, d);
            // each atom of a pair has half of its energy, and so has each of the two edges
            sum += 0.5 * found.value;
            for (int a = 0; a < 3; a++) gradient(3 * e + a) += 0.5 * found.slope * r(3 * e + a) / d;
          }
          energy(i) += sum;
        });
  }

  bool needs_positions() const override { return network->needs_positions(); }
  double bytes() const override { return network->bytes() + bytes_of(pairs); }
  std::size_t bytes(int atoms, int edges) const override { return network->bytes(atoms, edges); }
  EngineInfo info() const override { return network->info(); }

 private:
  std::unique_ptr<DeviceModel<Device>> network;
  DeviceArray<Device, ZblPair> pairs;    // [species][species]
  int n_species;
  DeviceResult<Device> result;    // the arrays of the network's
};

template <class Device>
std::unique_ptr<DeviceModel<Device>> with_core(const Potential &potential,
                                               std::unique_ptr<DeviceModel<Device>> network)
{
  if (potential.core.empty()) return network;
  return std::make_unique<CoreKokkos<Device>>(potential, std::move(network));
}

#define INSTANTIATE_CORE(DEVICE)                                             \
  template std::unique_ptr<DeviceModel<DEVICE>> with_core(const Potential &, \
                                                          std::unique_ptr<DeviceModel<DEVICE>>);
MLFF_ON_DEVICES(INSTANTIATE_CORE)

}    // namespace mlff
