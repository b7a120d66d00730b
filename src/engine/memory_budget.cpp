// Pieces of a graph by a memory budget, and the probe of what evaluations really take.
#include "engine/memory_budget.h"

#include "core/errors.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <new>
#include <string>
#include <utility>

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

  int atoms_of(const Graph &graph, int first, int last)
  {
    return graph.first_atom[last] - graph.first_atom[first];
  }

  int edges_of(const Graph &graph, int first, int last)
  {
    return graph.first_edge[graph.first_atom[last]] - graph.first_edge[graph.first_atom[first]];
  }

}    // namespace

MemoryBudget::MemoryBudget(Estimate estimate, std::size_t limit, bool on_host) :
    estimate(std::move(estimate)), most(limit ? limit : usable_memory() / 4), on_host(on_host)
{
}

/// One evaluation, and what it took.
void MemoryBudget::probe(const Graph &graph, int first, int last, const Evaluate &evaluate)
{
  const bool all = first == 0 && last == graph.n_structures();
  const std::size_t expected = all
      ? estimate(graph.n_atoms(), graph.n_edges())
      : estimate(atoms_of(graph, first, last), edges_of(graph, first, last));
  if (expected <= largest || !on_host) return evaluate(first, last);
  const std::size_t before = peak_memory();
  evaluate(first, last);
  // engines keep their arrays: what this evaluation took comes on top of what the largest so far
  // did. Less than 16 MB tells nothing, since libraries take that for themselves.
  const double grown = double(peak_memory() - before), by_estimate = double(expected - largest);
  if (by_estimate > 1.6e7) factor = std::max(factor, grown / by_estimate);
  largest = expected;
}

void MemoryBudget::evaluate(const Graph &graph, const Evaluate &evaluate)
{
  const bool whole = graph.n_structures() < 2 || graph.n_atoms() != graph.n_centres();
  if (whole || bytes(graph.n_atoms(), graph.n_edges()) <= most) {
    try {
      return probe(graph, 0, graph.n_structures(), evaluate);
    } catch (const std::bad_alloc &) {
      if (whole)
        throw EngineError("there is not enough memory for a system of " +
                          std::to_string(graph.n_atoms()) + " atoms and " +
                          std::to_string(graph.n_edges()) + " edges");
      most = std::min(most, bytes(graph.n_atoms(), graph.n_edges()) / 2);
    }
  }
  splits++;
  evaluate_pieces(graph, evaluate);
}

void MemoryBudget::evaluate_pieces(const Graph &graph, const Evaluate &evaluate)
{
  const int n = graph.n_structures();
  for (int first = 0; first < n;) {
    const auto size = [&](int last) {
      return bytes(atoms_of(graph, first, last), edges_of(graph, first, last));
    };
    int last = first + 1;
    while (last < n && size(last + 1) <= most) last++;
    try {
      probe(graph, first, last, evaluate);
    } catch (const std::bad_alloc &) {
      if (last == first + 1)
        throw EngineError("there is not enough memory for structure " + std::to_string(first + 1) +
                          " of " + std::to_string(atoms_of(graph, first, last)) + " atoms");
      most = std::min(most, size(last) / 2);
      continue;
    } catch (const EngineError &error) {
      throw_error(kind_of(error),
                  std::string(error.what()) + " (structures " + std::to_string(first + 1) + " to " +
                      std::to_string(last) + ")");
    }
    first = last;
  }
}

}    // namespace mlff
