// Evaluates the members of a committee and gathers mean and spread.
#include "engine/ensemble.h"

#include "core/elements.h"
#include "core/errors.h"
#include "engine/make_engine.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mlff {

Ensemble::Ensemble(const std::vector<Potential> &potentials, const EngineOptions &options,
                   const std::vector<std::string> &names)
{
  double largest = 0.0;
  for (const auto &potential : potentials) largest = std::max(largest, potential.cutoff);
  elements = potentials.front().elements;
  for (std::size_t m = 0; m < potentials.size(); m++) {
    const auto &potential = potentials[m];
    Member member{names[m], {}, -1, make_engine(potential, options)};
    for (const int z : elements) {
      const auto found = std::find(potential.elements.begin(), potential.elements.end(), z);
      member.species_of.push_back(
          found == potential.elements.end() ? -1 : int(found - potential.elements.begin()));
    }
    if (potential.cutoff < largest) {
      const auto same = std::find_if(shorter.begin(), shorter.end(), [&](const Edges &edges) {
        return edges.cutoff == potential.cutoff;
      });
      member.edges = int(same - shorter.begin());
      if (same == shorter.end()) shorter.push_back({potential.cutoff, {}, {}, {}, {}});
    }
    members.push_back(std::move(member));
  }
}

void Ensemble::find_edges(const Graph &graph, Edges &edges) const
{
  const double cutoff_square = edges.cutoff * edges.cutoff;
  edges.first_edge.assign(1, 0);
  edges.neighbor.clear();
  edges.index.clear();
  edges.r.clear();
  for (int i = 0; i < graph.n_centres(); i++) {
    for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++) {
      const double *r = &graph.r[3 * std::size_t(e)];
      if (r[0] * r[0] + r[1] * r[1] + r[2] * r[2] >= cutoff_square) continue;
      edges.neighbor.push_back(graph.neighbor[e]);
      edges.index.push_back(e);
      edges.r.insert(edges.r.end(), r, r + 3);
    }
    edges.first_edge.push_back(int(edges.neighbor.size()));
  }
}

Graph Ensemble::graph_of(const Member &member, const Graph &graph)
{
  species.resize(graph.species.size());
  for (std::size_t i = 0; i < species.size(); i++) {
    species[i] = member.species_of[graph.species[i]];
    if (species[i] < 0)
      throw EngineError(member.name + ": element " + element_symbol(elements[graph.species[i]]) +
                        " is not in this potential");
  }
  Graph member_graph = graph;
  member_graph.species = species;
  if (member.edges >= 0) {
    const auto &edges = shorter[member.edges];
    member_graph.first_edge = edges.first_edge;
    member_graph.neighbor = edges.neighbor;
    member_graph.r = edges.r;
  }
  return member_graph;
}

void Ensemble::evaluate(const Graph &graph, Result &result, GhostExchange *exchange)
{
  const std::size_t n = first_drives && !observes ? 1 : members.size();
  const bool spreads = find_spread && n == members.size();
  for (auto &edges : shorter) find_edges(graph, edges);
  result.energy.assign(graph.n_structures(), 0.0);
  result.atom_energy.assign(graph.n_centres(), 0.0);
  result.gradient.assign(3 * std::size_t(graph.n_edges()), 0.0);
  result.position_gradient.clear();
  result.strain_gradient.clear();
  spread.clear();
  energies.clear();
  energy_spread.clear();
  if (spreads) forces.assign(3 * n * graph.species.size(), 0.0);

  for (std::size_t m = 0; m < n; m++) {
    const Graph member_graph = graph_of(members[m], graph);
    evaluate_member(members[m], member_graph, exchange);
    if (m == 0 || !first_drives) add_member(members[m], result);
    if (spreads) keep_forces(m, member_graph);
  }
  if (!first_drives)
    for (auto *values : {&result.energy, &result.atom_energy, &result.gradient,
                         &result.position_gradient, &result.strain_gradient})
      for (double &x : *values) x /= double(n);
  if (!spreads) return;
  find_energy_spread(std::size_t(graph.n_structures()));
  // a force is complete only with what the edges of other ranks add to it
  if (exchange) exchange->reverse(forces.data(), int(3 * n));
  find_force_spread(std::size_t(graph.n_centres()));
}

/// Fills `single`.
void Ensemble::evaluate_member(Member &member, const Graph &member_graph, GhostExchange *exchange)
{
  try {
    member.engine->evaluate(member_graph, single, exchange);
  } catch (const EngineError &error) {
    throw_error(kind_of(error), member.name + ": " + error.what());
  }
}

/// Adds `single` to a sum.
void Ensemble::add_member(const Member &member, Result &sum) const
{
  for (std::size_t s = 0; s < single.energy.size(); s++) sum.energy[s] += single.energy[s];
  for (std::size_t i = 0; i < single.atom_energy.size(); i++)
    sum.atom_energy[i] += single.atom_energy[i];
  const int *index = member.edges >= 0 ? shorter[member.edges].index.data() : nullptr;
  for (std::size_t e = 0; e < single.gradient.size() / 3; e++) {
    const std::size_t place = 3 * (index ? std::size_t(index[e]) : e);
    for (int a = 0; a < 3; a++) sum.gradient[place + a] += single.gradient[3 * e + a];
  }
  for (auto [from, to] : {std::pair{&single.position_gradient, &sum.position_gradient},
                          {&single.strain_gradient, &sum.strain_gradient}}) {
    to->resize(std::max(to->size(), from->size()), 0.0);
    for (std::size_t k = 0; k < from->size(); k++) (*to)[k] += (*from)[k];
  }
}

/// Keeps energies and forces of `single`, those of member m.
void Ensemble::keep_forces(std::size_t m, const Graph &member_graph)
{
  const std::size_t n = members.size();
  energies.insert(energies.end(), single.energy.begin(), single.energy.end());
  for (std::size_t k = 0; k < single.position_gradient.size(); k++)
    forces[3 * (n * (k / 3) + m) + k % 3] -= single.position_gradient[k];
  for (std::size_t i = 0; i < std::size_t(member_graph.n_centres()); i++)
    for (int e = member_graph.first_edge[i]; e < member_graph.first_edge[i + 1]; e++)
      for (int a = 0; a < 3; a++) {
        forces[3 * (n * i + m) + a] += single.gradient[3 * std::size_t(e) + a];
        forces[3 * (n * member_graph.neighbor[e] + m) + a] -=
            single.gradient[3 * std::size_t(e) + a];
      }
}

void Ensemble::find_force_spread(std::size_t n_centres)
{
  const std::size_t n = members.size();
  spread.resize(n_centres);
  for (std::size_t i = 0; i < n_centres; i++) {
    const double *f = &forces[3 * n * i];
    double square = 0.0;
    for (int a = 0; a < 3; a++) {
      double mean = 0.0;
      for (std::size_t m = 0; m < n; m++) mean += f[3 * m + a];
      mean /= double(n);
      for (std::size_t m = 0; m < n; m++) square += (f[3 * m + a] - mean) * (f[3 * m + a] - mean);
    }
    spread[i] = std::sqrt(square / double(n));
  }
}

void Ensemble::find_energy_spread(std::size_t n_structures)
{
  const std::size_t n = members.size();
  energy_spread.assign(n_structures, 0.0);
  for (std::size_t s = 0; s < n_structures; s++) {
    double mean = 0.0, square = 0.0;
    for (std::size_t m = 0; m < n; m++) mean += energies[m * n_structures + s];
    mean /= double(n);
    for (std::size_t m = 0; m < n; m++)
      square += std::pow(energies[m * n_structures + s] - mean, 2);
    energy_spread[s] = std::sqrt(square / double(n));
  }
}

bool Ensemble::supports_domain_decomposition() const
{
  return std::all_of(members.begin(), members.end(), [](const Member &member) {
    return member.engine->supports_domain_decomposition();
  });
}

std::size_t Ensemble::bytes(int atoms, int edges) const
{
  std::size_t sum = sizeof(double) *
      (6 * std::size_t(edges) + (find_spread ? 3 * members.size() * std::size_t(atoms) : 0));
  for (const auto &member : members) sum += member.engine->bytes(atoms, edges);
  return sum;
}

EngineInfo Ensemble::info() const
{
  EngineInfo info = members.front().engine->info();
  info.members = int(members.size());
  return info;
}

std::vector<TrainingRange> common_range(const std::vector<Potential> &potentials)
{
  std::vector<TrainingRange> common;
  for (const auto &potential : potentials) {
    if (potential.range.empty()) continue;
    const auto &elements = potentials.front().elements;
    common.resize(elements.size(), {std::numeric_limits<double>::infinity(), 0.0});
    for (std::size_t s = 0; s < elements.size(); s++) {
      const auto found =
          std::find(potential.elements.begin(), potential.elements.end(), elements[s]);
      if (found == potential.elements.end()) continue;
      const auto &range = potential.range[std::size_t(found - potential.elements.begin())];
      common[s].force = std::min(common[s].force, range.force);
      common[s].nearest = std::max(common[s].nearest, range.nearest);
    }
  }
  return common;
}

}    // namespace mlff
