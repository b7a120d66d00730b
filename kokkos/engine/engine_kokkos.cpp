// Copies graphs to the device and results back, for every model that runs there.
#include "kokkos/engine/engine_kokkos.h"

#include "kokkos/models/device_models.h"
#include "models/jump/jump.h"

namespace mlff {

namespace {

  void require_kokkos(const char *engine)
  {
    if (!Kokkos::is_initialized())
      throw EngineError("the Kokkos engine" + std::string(engine) +
                        " needs LAMMPS with Kokkos on: start it with -k on");
  }

  /// A graph on its way to the device.
  template <class Device> class GraphOnDevice {
   public:
    /// Copies a graph without ghosts, whose species are given.
    const DeviceGraph<Device> &copy(const Graph &from, std::span<const int> species,
                                    bool sort_incoming)
    {
      centre.resize(from.n_edges());
      for (int i = 0; i < from.n_centres(); i++)
        for (int e = from.first_edge[i]; e < from.first_edge[i + 1]; e++) centre[e] = i;
      graph.resize_atoms(from.n_atoms(), from.n_centres());
      graph.resize_edges(from.n_edges());
      copy_to_device(graph.species, species);
      copy_to_device(graph.first_edge, from.first_edge);
      copy_to_device(graph.centre, centre);
      copy_to_device(graph.neighbor, from.neighbor);
      copy_to_device(graph.r, from.r);
      if (sort_incoming) graph.sort_incoming();
      return graph;
    }

    void copy_positions(const Graph &from)
    {
      grow(graph.position, from.position.size(), "graph/position");
      copy_to_device(graph.position, from.position);
      graph.first_atom = from.first_atom;
      graph.cell = from.cell;
    }

   private:
    DeviceGraph<Device> graph;
    std::vector<int> centre;
  };

  template <class Device> class EngineKokkos : public Engine {
   public:
    EngineKokkos(const Potential &potential, const DeviceOptions &options) :
        model(make_device_model<Device>(potential, options))
    {
    }

    void evaluate(const Graph &graph, Result &result, GhostExchange *) override
    {
      if (graph.n_atoms() != graph.n_centres())
        throw EngineError("the graph has ghosts, but this engine evaluates whole systems");
      const std::size_t n = graph.n_atoms(), edges = graph.n_edges();
      const bool everywhere = model->needs_positions(), cells = everywhere && !graph.cell.empty();
      if (everywhere) {
        check_positions(graph);
        on_device.copy_positions(graph);
      }
      const auto &found = model->evaluate(on_device.copy(graph, graph.species, true), nullptr);
      result.atom_energy.resize(n);
      result.gradient.resize(3 * edges);
      result.position_gradient.resize(everywhere ? 3 * n : 0);
      result.strain_gradient.resize(cells ? 6 * n : 0);
      copy_to_host(result.atom_energy, found.atom_energy);
      copy_to_host(result.gradient, found.gradient);
      if (everywhere) copy_to_host(result.position_gradient, found.position_gradient);
      if (cells) copy_to_host(result.strain_gradient, found.strain_gradient);
      sum_energies(graph, result);
    }

    bool supports_domain_decomposition() const override { return false; }

    std::size_t bytes(int atoms, int edges) const override { return model->bytes(atoms, edges); }

    EngineInfo info() const override { return model->info(); }

   private:
    std::unique_ptr<DeviceModel<Device>> model;
    GraphOnDevice<Device> on_device;
  };

  template <class Device> class JumpEngineKokkos : public JumpEngine {
   public:
    JumpEngineKokkos(const Potential &potential, const DeviceOptions &options) :
        network(make_device_jump<Device>(potential, options)), variables(potential)
    {
    }

    void evaluate(const Graph &graph, const JumpInput &given, JumpResult &result) override
    {
      variables.start(graph, given, rows, scaled);
      u.resize(scaled.size());
      if (graph.n_atoms() > 0) {
        grow(input, scaled.size(), "jump/input");
        copy_to_device(input, scaled);
        copy_to_host(u, network->evaluate(on_device.copy(graph, rows, false), input));
      }
      variables.finish(graph, given, u, result);
    }

    EngineInfo info() const override { return network->info(); }

   private:
    std::unique_ptr<DeviceJump<Device>> network;
    JumpVariables variables;
    GraphOnDevice<Device> on_device;
    DeviceArray<Device, double> input;
    std::vector<int> rows;
    std::vector<double> scaled, u;
  };

}    // namespace

std::unique_ptr<Engine> make_kokkos_engine(const Potential &potential, const EngineOptions &options,
                                           bool host, const TeamShape &teams)
{
  const DeviceOptions choices{options, teams};
  if (runs_on_device(potential)) require_kokkos("");
  if (host)
    return std::make_unique<EngineKokkos<Kokkos::HostSpace::execution_space>>(potential, choices);
  return std::make_unique<EngineKokkos<Kokkos::DefaultExecutionSpace>>(potential, choices);
}

std::unique_ptr<JumpEngine> make_kokkos_jump(const Potential &potential,
                                             const EngineOptions &options, const TeamShape &teams)
{
  if (jumps_on_device(potential)) require_kokkos(" of jumps");
  return std::make_unique<JumpEngineKokkos<Kokkos::DefaultExecutionSpace>>(
      potential, DeviceOptions{options, teams});
}

}    // namespace mlff
