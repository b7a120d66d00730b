// Ensemble: several potentials as one engine, with the mean of their results and the spread of
// their forces.
#pragma once

#include "core/engine.h"
#include "potential/potential.h"

namespace mlff {

/// Evaluates one engine for each potential, one after the other on the same graph. The graph has
/// the species of the first potential and all edges within the largest cutoff; each member sees the
/// edges within its own cutoff. Energies and gradients are means over the members, summed in their
/// order, or those of the first member (first_drives).
class Ensemble : public Engine {
 public:
  /// `potentials` holds at least one. `names` has one entry for each potential, which messages use.
  /// Throws EngineError as make_engine does.
  Ensemble(const std::vector<Potential> &potentials, const EngineOptions &options,
           const std::vector<std::string> &names);

  /// Throws EngineError, with the name of the member, also if a potential does not know the element
  /// of an atom.
  void evaluate(const Graph &graph, Result &result, GhostExchange *exchange = nullptr) override;

  bool supports_domain_decomposition() const override;
  std::size_t bytes(int atoms, int edges) const override;
  /// EngineInfo of the first member, with the number of members
  EngineInfo info() const override;

  /// Whether results are those of the first member, to the last bit, which the others only observe.
  bool first_drives = false;

  /// With first_drives: whether evaluate() asks the other members. Without it spreads stay empty.
  bool observes = true;

  /// Whether evaluate() fills both spreads. They cost one more exchange of 3 numbers for each
  /// member and atom.
  bool find_spread = false;

  /// [n_centres] root mean square over the members m of |F_i^m - <F_i>|, eV/Å; F_i are forces,
  /// complete over all ranks.
  std::vector<double> spread;

  /// [n_structures] root mean square over the members m of E^m - <E>, eV, of the atoms of this
  /// rank.
  std::vector<double> energy_spread;

 private:
  /// Edges within a cutoff smaller than the largest.
  struct Edges {
    double cutoff;
    std::vector<int> first_edge, neighbor, index;    // index: of the edge among all
    std::vector<double> r;
  };

  struct Member {
    std::string name;
    std::vector<int> species_of;    // species here of a species of the first potential, -1: none
    int edges;                      // index into `shorter`, -1: all edges
    std::unique_ptr<Engine> engine;
  };

  std::vector<int> elements;    // elements of the first potential
  std::vector<Member> members;
  std::vector<Edges> shorter;
  std::vector<int> species;
  Result single;
  std::vector<double> forces;      // [n_atoms][members][3]
  std::vector<double> energies;    // [members][n_structures]

  void evaluate_member(Member &member, const Graph &member_graph, GhostExchange *exchange);
  void add_member(const Member &member, Result &sum) const;
  void keep_forces(std::size_t m, const Graph &member_graph);
  void find_force_spread(std::size_t n_centres);
  void find_energy_spread(std::size_t n_structures);
  void find_edges(const Graph &graph, Edges &edges) const;
  Graph graph_of(const Member &member, const Graph &graph);
};

/// Range of the training data of all these potentials, for each species of the first: the smallest
/// force and the largest nearest distance among the potentials that know their range. Empty where
/// none does; {infinity, 0} for an element that none of them has.
std::vector<TrainingRange> common_range(const std::vector<Potential> &potentials);

}    // namespace mlff
