#include "kstep/kstep_batch.h"

#include <algorithm>

namespace mlff {

namespace {

  constexpr int own_edges = 3;    // of each atom to itself, before those to neighbors

  class JumpAsEngine : public Engine {
   public:
    JumpAsEngine(std::unique_ptr<JumpEngine> engine, const Potential &potential) :
        engine(std::move(engine)), sizes(potential.sizes)
    {
    }

    void evaluate(const Graph &graph, Result &result, GhostExchange *) override
    {
      const int n = graph.n_centres();
      pairs.clear();
      pairs.first_atom.assign(graph.first_atom.begin(), graph.first_atom.end());
      pairs.species.assign(graph.species.begin(), graph.species.end());
      mass.resize(n);
      velocity.resize(3 * std::size_t(n));
      force.resize(3 * std::size_t(n));
      stride.assign(graph.n_structures(), 0);
      for (int s = 0; s < graph.n_structures(); s++)
        for (int i = graph.first_atom[s]; i < graph.first_atom[s + 1]; i++) {
          const int first = graph.first_edge[i], last = graph.first_edge[i + 1];
          if (last - first < own_edges || graph.neighbor[first] != i)
            throw EngineError("a graph of a jump without velocities and forces");
          const double *own = &graph.r[3 * std::size_t(first)];
          for (int a = 0; a < 3; a++) {
            velocity[3 * std::size_t(i) + a] = own[a];
            force[3 * std::size_t(i) + a] = own[3 + a];
          }
          mass[i] = own[6];
          stride[s] = int(own[7]);
          pairs.neighbor.insert(pairs.neighbor.end(), graph.neighbor.begin() + first + own_edges,
                                graph.neighbor.begin() + last);
          pairs.r.insert(pairs.r.end(), graph.r.begin() + 3 * std::ptrdiff_t(first + own_edges),
                         graph.r.begin() + 3 * std::ptrdiff_t(last));
          pairs.first_edge.push_back(int(pairs.neighbor.size()));
        }
      engine->evaluate(pairs.view(), {mass, velocity, force, stride}, jump);
      result.energy.assign(graph.n_structures(), 0.0);
      result.atom_energy.assign(n, 0.0);
      result.gradient.assign(3 * std::size_t(graph.n_edges()), 0.0);
      result.position_gradient.clear();
      for (int i = 0; i < n; i++)
        for (int a = 0; a < 3; a++) {
          double *out = &result.gradient[3 * std::size_t(graph.first_edge[i])];
          out[a] = jump.displacement[3 * std::size_t(i) + a];
          out[3 + a] = jump.velocity_change[3 * std::size_t(i) + a];
        }
    }

    bool exchanges() const override { return false; }

    std::size_t bytes(int atoms, int edges) const override
    {
      // features and vectors of the layers, filters of the edges, and the graph twice
      const std::size_t F = sizes.features, L = sizes.layers;
      return std::size_t(atoms) * (sizeof(double) * 20 * F * (L + 1)) +
          std::size_t(edges) * (sizeof(double) * (3 * F + 16));
    }

    EngineInfo info() const override
    {
      EngineInfo info = engine->info();
      info.jumps = true;
      return info;
    }

   private:
    std::unique_ptr<JumpEngine> engine;
    PainnSizes sizes;
    GraphStorage pairs;
    std::vector<double> mass, velocity, force;
    std::vector<int> stride;
    JumpResult jump;
  };

}    // namespace

void append_jump(std::span<const int> species, std::span<const double> positions,
                 const JumpInput &input, int stride, double cutoff, GraphStorage &graph)
{
  thread_local GraphStorage pairs;
  pairs.clear();
  append_pairs(species, positions, cutoff, pairs);
  const int first = int(graph.species.size()), n = int(species.size());
  for (int i = 0; i < n; i++) {
    graph.neighbor.insert(graph.neighbor.end(), own_edges, first + i);
    for (const auto &list : {input.velocity, input.force})
      graph.r.insert(graph.r.end(), list.begin() + 3 * i, list.begin() + 3 * i + 3);
    graph.r.insert(graph.r.end(), {input.mass[i], double(stride), 0.0});
    for (int e = pairs.first_edge[i]; e < pairs.first_edge[i + 1]; e++)
      graph.neighbor.push_back(first + pairs.neighbor[e]);
    graph.r.insert(graph.r.end(), pairs.r.begin() + 3 * pairs.first_edge[i],
                   pairs.r.begin() + 3 * pairs.first_edge[i + 1]);
    graph.first_edge.push_back(int(graph.neighbor.size()));
  }
  graph.species.insert(graph.species.end(), species.begin(), species.end());
  graph.first_atom.push_back(first + n);
}

std::unique_ptr<Engine> jump_as_engine(std::unique_ptr<JumpEngine> engine,
                                       const Potential &potential)
{
  return std::make_unique<JumpAsEngine>(std::move(engine), potential);
}

void read_jump(const Graph &graph, const Result &result, JumpResult &jump)
{
  const std::size_t n = graph.n_centres();
  jump.displacement.resize(3 * n);
  jump.velocity_change.resize(3 * n);
  for (std::size_t i = 0; i < n; i++) {
    const double *own = &result.gradient[3 * std::size_t(graph.first_edge[i])];
    std::copy_n(own, 3, &jump.displacement[3 * i]);
    std::copy_n(own + 3, 3, &jump.velocity_change[3 * i]);
  }
}

}    // namespace mlff
