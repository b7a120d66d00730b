// DeviceModel: input and output of a model on a Kokkos device, the device's counterparts of Graph,
// Result and Engine, and of JumpEngine's networks. Only the files of a model know which model it is
// (device_models.h).
#pragma once

#include "core/engine.h"
#include "kokkos/common/teams.h"

namespace mlff {

/// A neighbor graph on the device (Graph). Arrays are as long as the counts say, or longer.
template <class Device> struct DeviceGraph {
  template <typename U> using Array = DeviceArray<Device, U>;

  int n_atoms = 0, n_centres = 0, n_edges = 0;
  Array<int> species;                     ///< [atoms] owned atoms (centres) first, then ghosts
  Array<int> first_edge;                  ///< [centres + 1]
  Array<int> centre, neighbor;            ///< [edges]
  Array<int> first_incoming, incoming;    ///< [atoms + 1], [edges]: edges by the atom they point to
  Array<double> r;    ///< [edges][3] Angstrom; an edge may be longer than the cutoff
  /// [centres][3] Angstrom, filled for models with DeviceModel::needs_positions()
  Array<double> position;

  // Arrays on the host, for these models, laid out like those of Graph.
  std::span<const int> first_atom;
  std::span<const double> cell;

  void resize_atoms(int atoms, int centres);
  void resize_edges(int edges);

  /// Fills first_incoming and incoming from neighbor: within an atom's in the order of the edges.
  void sort_incoming();

  double bytes() const;
};

/// Result of a model for a graph (see Result).
template <class Device> struct DeviceResult {
  template <typename U> using Array = DeviceArray<Device, U>;

  Array<double> atom_energy;          ///< [centres] eV
  Array<double> gradient;             ///< [edges][3] eV/Angstrom, 0 beyond the cutoff
  Array<double> position_gradient;    ///< [centres][3] eV/Angstrom, of a model that needs positions
  /// [centres][6] eV, for models with needs_positions() where the graph has cells
  Array<double> strain_gradient;
};

/// Choices that an engine on a device has.
struct DeviceOptions {
  EngineOptions engine;    ///< precision, filter and long_range are used
  TeamShape teams;

  bool single() const { return engine.precision == Precision::single_precision; }
  bool spline() const { return filter_for(engine.filter, engine.precision) == Filter::spline; }
};

/// A model of energies on a device.
template <class Device> class DeviceModel {
 public:
  virtual ~DeviceModel() = default;

  /// Results lie in arrays of the model, until the next call. exchange: null where the graph has no
  /// ghosts and no other rank has atoms of its structure; else a rank without atoms takes part,
  /// too. Throws EngineError as the host's engine does.
  virtual const DeviceResult<Device> &evaluate(const DeviceGraph<Device> &graph,
                                               GhostExchange *exchange) = 0;

  /// Whether the graph must have positions and first_atom, and cells where it is periodic.
  virtual bool needs_positions() const = 0;

  virtual double bytes() const = 0;                             ///< bytes in use
  virtual std::size_t bytes(int atoms, int edges) const = 0;    ///< estimate for a graph
  virtual EngineInfo info() const = 0;
};

/// A jump network on a device: what it predicts from scaled inputs (JumpVariables).
template <class Device> class DeviceJump {
 public:
  template <typename U> using Array = DeviceArray<Device, U>;
  virtual ~DeviceJump() = default;

  /// species of the graph are rows of species and stride; input [atoms][2][3] scaled velocities and
  /// forces; returns [atoms][2][3] scaled u_x and u_v.
  virtual const Array<double> &evaluate(const DeviceGraph<Device> &graph,
                                        const Array<double> &input) = 0;
  virtual EngineInfo info() const = 0;
};

/// Rows of features [n_atoms][width] through the host, where other ranks see them.
template <typename Rows>
void exchange_rows(GhostExchange &exchange, const Rows &rows, int width, bool forward)
{
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), rows);
  Kokkos::fence();
  if (forward)
    exchange.forward(host.data(), width);
  else
    exchange.reverse(host.data(), width);
  Kokkos::deep_copy(rows, host);
}

template <class Device> void DeviceGraph<Device>::resize_atoms(int atoms, int centres)
{
  n_atoms = atoms;
  n_centres = centres;
  grow(species, std::size_t(atoms), "graph/species");
  grow(first_edge, std::size_t(centres) + 1, "graph/first_edge");
  grow(first_incoming, std::size_t(atoms) + 1, "graph/first_incoming");
}

template <class Device> void DeviceGraph<Device>::resize_edges(int edges)
{
  n_edges = edges;
  const std::size_t n = edges;
  grow(centre, n, "graph/centre");
  grow(neighbor, n, "graph/neighbor");
  grow(incoming, n, "graph/incoming");
  grow(r, 3 * n, "graph/r");
}

template <class Device> void DeviceGraph<Device>::sort_incoming()
{
  const auto first = first_incoming;
  const auto to = neighbor;
  const auto sorted = incoming;
  const int n = n_atoms, edges = n_edges;
  Array<int> filled("mlff/graph/filled", n + 1);
  Kokkos::parallel_for(
      "mlff/graph/count_incoming", IndexRange<Device>(0, edges),
      KOKKOS_LAMBDA(const int e) { Kokkos::atomic_inc(&filled(to(e))); });
  Kokkos::parallel_scan(
      "mlff/graph/first_incoming", IndexRange<Device>(0, n + 1),
      KOKKOS_LAMBDA(const int i, int &sum, const bool last) {
        if (last) first(i) = sum;
        sum += i < n ? filled(i) : 0;
      });
  Kokkos::deep_copy(filled, 0);
  Kokkos::parallel_for(
      "mlff/graph/place_incoming", IndexRange<Device>(0, edges), KOKKOS_LAMBDA(const int e) {
        sorted(first(to(e)) + Kokkos::atomic_fetch_add(&filled(to(e)), 1)) = e;
      });
  Kokkos::parallel_for(
      "mlff/graph/sort_incoming", IndexRange<Device>(0, n), KOKKOS_LAMBDA(const int i) {
        for (int k = first(i) + 1; k < first(i + 1); k++) {
          const int e = sorted(k);
          int place = k;
          for (; place > first(i) && sorted(place - 1) > e; place--)
            sorted(place) = sorted(place - 1);
          sorted(place) = e;
        }
      });
}

template <class Device> double DeviceGraph<Device>::bytes() const
{
  return bytes_of(species, first_edge, centre, neighbor, first_incoming, incoming, r, position);
}

}    // namespace mlff
