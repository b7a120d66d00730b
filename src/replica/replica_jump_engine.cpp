// Calls of jump networks in shared memory: a graph, masses, velocities, forces and strides.
#include "replica/replica_jump_engine.h"

#include "replica/packed_graph.h"

#include <algorithm>
#include <utility>

namespace mlff {

namespace {

  /// Places of the arrays of a call and of its result.
  struct JumpLayout {
    Packing packing;
    std::size_t header;
    PackedGraph graph;
    std::size_t mass, velocity, force, stride, displacement, velocity_change;

    explicit JumpLayout(const GraphSizes &n) :
        header(packing.place<GraphSizes>(1)), graph(n, packing),
        mass(packing.place<double>(n.atoms)),
        velocity(packing.place<double>(3 * std::size_t(n.atoms))),
        force(packing.place<double>(3 * std::size_t(n.atoms))),
        stride(packing.place<int>(n.structures)),
        displacement(packing.place<double>(3 * std::size_t(n.atoms))),
        velocity_change(packing.place<double>(3 * std::size_t(n.atoms)))
    {
    }
  };

  GraphSizes sizes_of(const char *bytes)
  {
    GraphSizes sizes;
    std::memcpy(&sizes, bytes, sizeof(sizes));
    return sizes;
  }

  JumpInput input_of(const char *bytes, const GraphSizes &n, const JumpLayout &layout)
  {
    return {array_at<double>(bytes, layout.mass, n.atoms),
            array_at<double>(bytes, layout.velocity, 3 * std::size_t(n.atoms)),
            array_at<double>(bytes, layout.force, 3 * std::size_t(n.atoms)),
            array_at<int>(bytes, layout.stride, n.structures)};
  }

  /// Bytes of an evaluation: features and vectors of the layers, filters of the edges, and the
  /// graph twice.
  std::size_t bytes_of_jump(const PainnSizes &sizes, int atoms, int edges)
  {
    const std::size_t F = sizes.features, L = sizes.layers;
    return std::size_t(atoms) * (sizeof(double) * 20 * F * (L + 1)) +
        std::size_t(edges) * (sizeof(double) * (3 * F + 16));
  }

}    // namespace

void JumpPayload::Arrays::clear()
{
  mass.clear();
  velocity.clear();
  force.clear();
  stride.clear();
}

/// Adds the structures first .. last-1 of a call.
void JumpPayload::Arrays::append(const JumpInput &call, const Graph &graph, int first, int last)
{
  const std::size_t atom = graph.first_atom[first], n = graph.first_atom[last] - atom;
  const auto add = [](std::vector<double> &to, std::span<const double> from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  add(mass, call.mass.subspan(atom, n));
  add(velocity, call.velocity.subspan(3 * atom, 3 * n));
  add(force, call.force.subspan(3 * atom, 3 * n));
  if (call.stride.empty())
    stride.insert(stride.end(), std::size_t(last - first), 0);
  else
    stride.insert(stride.end(), call.stride.begin() + first, call.stride.begin() + last);
}

JumpPayload::JumpPayload(std::unique_ptr<JumpEngine> engine, const PainnSizes &sizes,
                         std::size_t memory) :
    engine(std::move(engine)),
    budget(
        [sizes](int atoms, int edges) {
          return bytes_of_jump(sizes, atoms, edges);
        },
        memory, this->engine->info().on_host())
{
}

void JumpPayload::set_call(const Graph &call, const JumpInput &start, JumpResult &answer)
{
  own_graph = &call;
  own_input = &start;
  own_result = &answer;
}

std::size_t JumpPayload::size() const
{
  return JumpLayout(GraphSizes(*own_graph)).packing.end();
}

void JumpPayload::serialize(char *bytes) const
{
  const GraphSizes sizes(*own_graph);
  const JumpLayout layout(sizes);
  std::memcpy(bytes, &sizes, sizeof(sizes));
  layout.graph.put(*own_graph, bytes);
  put_array(bytes, layout.mass, own_input->mass);
  put_array(bytes, layout.velocity, own_input->velocity);
  put_array(bytes, layout.force, own_input->force);
  const std::vector<int> first_stride(own_input->stride.empty() ? sizes.structures : 0, 0);
  put_array(bytes, layout.stride,
            own_input->stride.empty() ? std::span<const int>(first_stride) : own_input->stride);
}

void JumpPayload::deserialize(const char *bytes)
{
  const GraphSizes sizes = sizes_of(bytes);
  const JumpLayout layout(sizes);
  const auto take = [&](std::vector<double> &to, std::size_t place) {
    const auto values = array_at<double>(bytes, place, 3 * std::size_t(sizes.atoms));
    to.assign(values.begin(), values.end());
  };
  take(own_result->displacement, layout.displacement);
  take(own_result->velocity_change, layout.velocity_change);
}

void JumpPayload::evaluate_alone()
{
  evaluate_within_budget(*own_graph, *own_input, *own_result);
}

void JumpPayload::evaluate(std::span<char *const> calls)
{
  graph.clear();
  input.clear();
  for (const char *bytes : calls) {
    const GraphSizes sizes = sizes_of(bytes);
    const JumpLayout layout(sizes);
    const Graph one = layout.graph.view(bytes);
    graph.append(one);
    input.append(input_of(bytes, sizes, layout), one, 0, sizes.structures);
  }
  evaluate_within_budget(graph.view(), input.view(), result);
}

void JumpPayload::write_results(std::span<char *const> calls)
{
  std::size_t first = 0;
  for (char *bytes : calls) {
    const GraphSizes sizes = sizes_of(bytes);
    const JumpLayout layout(sizes);
    const std::size_t n = 3 * std::size_t(sizes.atoms);
    put_array(bytes, layout.displacement, std::span(result.displacement).subspan(first, n));
    put_array(bytes, layout.velocity_change, std::span(result.velocity_change).subspan(first, n));
    first += n;
  }
}

void JumpPayload::evaluate_within_budget(const Graph &all, const JumpInput &start, JumpResult &end)
{
  budget.evaluate(all, [&](int first, int last) {
    if (first == 0 && last == all.n_structures()) return engine->evaluate(all, start, end);
    piece.clear();
    piece.append(all, first, last);
    piece_input.clear();
    piece_input.append(start, all, first, last);
    engine->evaluate(piece.view(), piece_input.view(), piece_result);
    end.displacement.resize(3 * std::size_t(all.n_centres()));
    end.velocity_change.resize(3 * std::size_t(all.n_centres()));
    const long atom = all.first_atom[first];
    std::copy(piece_result.displacement.begin(), piece_result.displacement.end(),
              end.displacement.begin() + 3 * atom);
    std::copy(piece_result.velocity_change.begin(), piece_result.velocity_change.end(),
              end.velocity_change.begin() + 3 * atom);
  });
}

ReplicaJumpEngine::ReplicaJumpEngine(std::unique_ptr<JumpEngine> engine, const PainnSizes &sizes,
                                     const BatchOptions &options) :
    payload(std::move(engine), sizes, options.memory),
    rendezvous(payload, options)
{
}

void ReplicaJumpEngine::evaluate(const Graph &graph, const JumpInput &input, JumpResult &result)
{
  require_whole_systems(graph, "replicas of several ranks do not batch: the graph has ghosts");
  const std::size_t n = graph.n_centres();
  if (input.mass.size() != n || input.velocity.size() != 3 * n || input.force.size() != 3 * n ||
      (!input.stride.empty() && int(input.stride.size()) != graph.n_structures()))
    throw EngineError("masses, velocities, forces or strides are not those of the graph");
  payload.set_call(graph, input, result);
  rendezvous.evaluate();
}

EngineInfo ReplicaJumpEngine::info() const
{
  EngineInfo info = payload.engine->info();
  info.jumps = info.batched = true;
  return info;
}

}    // namespace mlff
