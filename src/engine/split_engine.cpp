#include "engine/split_engine.h"

#include "core/errors.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <new>

namespace mlff {

namespace {

  std::size_t peak_memory()
  {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return std::size_t(usage.ru_maxrss) * 1024;
  }

  /// Memory of the machine, or what limits of the process or of its control group leave of it.
  std::size_t usable_memory()
  {
    std::size_t bytes = std::size_t(sysconf(_SC_PHYS_PAGES)) * std::size_t(sysconf(_SC_PAGE_SIZE));
    for (const int resource : {RLIMIT_AS, RLIMIT_DATA}) {
      rlimit limit;
      if (getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        bytes = std::min(bytes, std::size_t(limit.rlim_cur));
    }
    for (const char *path :
         {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
      std::size_t limit = 0;
      if (std::ifstream(path) >> limit && limit > 0) bytes = std::min(bytes, limit);
    }
    return bytes;
  }

}    // namespace

SplitEngine::SplitEngine(std::unique_ptr<Engine> engine, std::size_t memory) :
    engine(std::move(engine)), on_host(this->engine->info().on_host()),
    budget(memory ? memory : usable_memory() / 4)
{
}

void SplitEngine::probe(const Graph &graph, Result &result, GhostExchange *exchange)
{
  const std::size_t estimate = engine->bytes(graph.n_atoms(), graph.n_edges());
  // what an engine takes on a GPU is not seen in this process
  if (estimate <= largest || !on_host) return engine->evaluate(graph, result, exchange);
  const std::size_t before = peak_memory();
  engine->evaluate(graph, result, exchange);
  // an engine keeps its arrays: what it takes now comes on top of what it took for the largest so
  // far. Less than 16 MB tells nothing, libraries take that for themselves.
  const double grown = double(peak_memory() - before), expected = double(estimate - largest);
  if (expected > 1.6e7) factor = std::max(factor, grown / expected);
  largest = estimate;
}

void SplitEngine::evaluate(const Graph &graph, Result &result, GhostExchange *exchange)
{
  const int n = graph.n_structures();
  const bool whole = n < 2 || graph.n_atoms() != graph.n_centres();
  if (whole || bytes(graph.n_atoms(), graph.n_edges()) <= budget) {
    try {
      return probe(graph, result, exchange);
    } catch (const std::bad_alloc &) {
      if (whole)
        throw EngineError("there is not enough memory for a system of " +
                          std::to_string(graph.n_atoms()) + " atoms and " +
                          std::to_string(graph.n_edges()) + " edges");
      budget = std::min(budget, bytes(graph.n_atoms(), graph.n_edges()) / 2);
    }
  }

  splits++;
  result.energy.resize(n);
  result.atom_energy.resize(graph.n_centres());
  result.gradient.resize(3 * std::size_t(graph.n_edges()));
  result.position_gradient.clear();
  result.strain_gradient.clear();
  for (int first = 0; first < n;) {
    const auto atoms = [&](int last) {
      return graph.first_atom[last] - graph.first_atom[first];
    };
    const auto edges = [&](int last) {
      return graph.first_edge[graph.first_atom[last]] - graph.first_edge[graph.first_atom[first]];
    };
    int last = first + 1;
    while (last < n && bytes(atoms(last + 1), edges(last + 1)) <= budget) last++;
    piece.clear();
    piece.append(graph, first, last);
    try {
      probe(piece.view(), part, nullptr);
    } catch (const std::bad_alloc &) {
      if (last == first + 1)
        throw EngineError("there is not enough memory for structure " + std::to_string(first + 1) +
                          " of " + std::to_string(atoms(last)) + " atoms");
      budget = std::min(budget, bytes(atoms(last), edges(last)) / 2);
      continue;
    } catch (const EngineError &error) {
      throw_error(kind_of(error),
                  std::string(error.what()) + " (structures " + std::to_string(first + 1) + " to " +
                      std::to_string(last) + ")");
    }
    const int atom = graph.first_atom[first], edge = graph.first_edge[atom];
    std::copy(part.energy.begin(), part.energy.end(), result.energy.begin() + first);
    std::copy(part.atom_energy.begin(), part.atom_energy.end(), result.atom_energy.begin() + atom);
    std::copy(part.gradient.begin(), part.gradient.end(), result.gradient.begin() + 3 * long(edge));
    result.position_gradient.insert(result.position_gradient.end(), part.position_gradient.begin(),
                                    part.position_gradient.end());
    if (!part.strain_gradient.empty()) {
      result.strain_gradient.resize(6 * std::size_t(graph.n_centres()), 0.0);
      std::copy(part.strain_gradient.begin(), part.strain_gradient.end(),
                result.strain_gradient.begin() + 6 * long(atom));
    }
    first = last;
  }
}

}    // namespace mlff
