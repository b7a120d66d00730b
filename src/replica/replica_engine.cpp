// Calls of engines in shared memory, one behind the other in one graph.
#include "replica/replica_engine.h"

#include "replica/packed_graph.h"

#include <utility>

namespace mlff {

namespace {

  struct Header {
    GraphSizes sizes;
    bool has_position_gradient = false;    // set with the result
  };

  /// Places of the arrays of a call and of its result.
  struct Layout {
    Packing packing;
    std::size_t header;
    PackedGraph graph;
    std::size_t energy, atom_energy, gradient, position_gradient, strain_gradient;

    explicit Layout(const GraphSizes &sizes) :
        header(packing.place<Header>(1)), graph(sizes, packing),
        energy(packing.place<double>(sizes.structures)),
        atom_energy(packing.place<double>(sizes.atoms)),
        gradient(packing.place<double>(3 * std::size_t(sizes.edges))),
        position_gradient(packing.place<double>(3 * std::size_t(sizes.positions))),
        strain_gradient(
            packing.place<double>(sizes.cells > 0 ? 6 * std::size_t(sizes.positions) : 0))
    {
    }
  };

  Header header_of(const char *bytes)
  {
    Header header;
    std::memcpy(&header, bytes, sizeof(header));
    return header;
  }

}    // namespace

EnginePayload::EnginePayload(std::unique_ptr<Engine> engine, std::size_t memory) :
    engine(std::move(engine), memory)
{
}

void EnginePayload::set_call(const Graph &call, Result &answer)
{
  own_graph = &call;
  own_result = &answer;
}

std::size_t EnginePayload::size() const
{
  return Layout(GraphSizes(*own_graph)).packing.end();
}

void EnginePayload::serialize(char *bytes) const
{
  const Header header{GraphSizes(*own_graph)};
  std::memcpy(bytes, &header, sizeof(header));
  Layout(header.sizes).graph.put(*own_graph, bytes);
}

void EnginePayload::deserialize(const char *bytes)
{
  const Header header = header_of(bytes);
  const GraphSizes &n = header.sizes;
  const Layout layout(n);
  const auto take = [bytes](std::vector<double> &to, std::size_t place, std::size_t size) {
    const auto values = array_at<double>(bytes, place, size);
    to.assign(values.begin(), values.end());
  };
  const std::size_t positions = header.has_position_gradient ? n.positions : 0;
  take(own_result->energy, layout.energy, n.structures);
  take(own_result->atom_energy, layout.atom_energy, n.atoms);
  take(own_result->gradient, layout.gradient, 3 * std::size_t(n.edges));
  take(own_result->position_gradient, layout.position_gradient, 3 * positions);
  take(own_result->strain_gradient, layout.strain_gradient, n.cells > 0 ? 6 * positions : 0);
}

void EnginePayload::evaluate_alone()
{
  engine.evaluate(*own_graph, *own_result);
}

void EnginePayload::evaluate(std::span<char *const> calls)
{
  graph.clear();
  for (const char *bytes : calls) graph.append(Layout(header_of(bytes).sizes).graph.view(bytes));
  engine.evaluate(graph.view(), result);
}

void EnginePayload::write_results(std::span<char *const> calls)
{
  GraphSizes before;    // sums over the calls before
  const auto write = [](char *bytes, std::size_t place, const std::vector<double> &values,
                        std::size_t width, int first, int n) {
    put_array(bytes, place,
              std::span(values).subspan(width * std::size_t(first), width * std::size_t(n)));
  };
  for (char *bytes : calls) {
    Header header = header_of(bytes);
    const GraphSizes &n = header.sizes;
    const Layout layout(n);
    write(bytes, layout.energy, result.energy, 1, before.structures, n.structures);
    write(bytes, layout.atom_energy, result.atom_energy, 1, before.atoms, n.atoms);
    write(bytes, layout.gradient, result.gradient, 3, before.edges, n.edges);
    if (!result.position_gradient.empty()) {
      write(bytes, layout.position_gradient, result.position_gradient, 3, before.positions,
            n.positions);
      if (n.cells > 0)
        write(bytes, layout.strain_gradient, result.strain_gradient, 6, before.positions,
              n.positions);
      header.has_position_gradient = true;
      std::memcpy(bytes, &header, sizeof(header));
    }
    before.structures += n.structures;
    before.atoms += n.atoms;
    before.edges += n.edges;
    before.positions += n.positions;
  }
}

ReplicaEngine::ReplicaEngine(std::unique_ptr<Engine> engine, const BatchOptions &options) :
    payload(std::move(engine), options.memory), rendezvous(payload, options)
{
}

void ReplicaEngine::evaluate(const Graph &graph, Result &result, GhostExchange *)
{
  require_whole_systems(graph, "replicas of several ranks do not batch: the graph has ghosts");
  payload.set_call(graph, result);
  rendezvous.evaluate();
}

std::size_t ReplicaEngine::bytes(int atoms, int edges) const
{
  return payload.engine.bytes(atoms, edges);
}

EngineInfo ReplicaEngine::info() const
{
  EngineInfo info = payload.engine.info();
  info.batched = true;
  return info;
}

}    // namespace mlff
