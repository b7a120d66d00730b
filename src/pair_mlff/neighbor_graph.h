// The graph of pair style mlff from its neighbor list.

#ifndef LMP_NEIGHBOR_GRAPH_H
#define LMP_NEIGHBOR_GRAPH_H

#include "core/graph.h"
#include "lammps_common/neighbor_exclusions.h"
#include "lammps_common/rank_exchange.h"
#include "pointers.h"

#include <memory>
#include <vector>

namespace LAMMPS_NS {

class NeighList;
class Pair;

/* ----------------------------------------------------------------------
   The graph of pair style mlff, from its full neighbor list. Rows of the
   graph: first the owned atoms of the model, then one row for each atom of
   another rank that is a neighbor of one of them. A periodic image acts as
   the atom it is an image of.

     rows_are_old()   since the last rebuild of the list, or change of types
     number_rows()    after that
     find_edges()     in every step
------------------------------------------------------------------------- */

class NeighborGraph : protected Pointers {
 public:
  explicit NeighborGraph(class LAMMPS *lmp) : Pointers(lmp), exclusions(lmp, "mlff") {}

  mlff::GraphStorage graph;
  std::vector<int> local;                    // owned atom of each centre
  std::vector<int> row;                      // row of each atom, -1 where the model does not see it
  std::vector<int> type;                     // type of each owned atom when rows were numbered
  bigint lists = -1;                         // neighbor rebuilds until then
  std::unique_ptr<RankExchange> exchange;    // null on one rank

  bool rows_are_old() const;
  bool any_rank(bool) const;

  // map: of the pair style, species of each type; by_id: centres in the order of their IDs
  void number_rows(Pair *, const int *map, NeighList *, bool by_id);

  // numbers rows by a list of owned atoms, and flags of atoms that are neighbors of one
  void number_rows(Pair *, const int *map, NeighList *, bool by_id, int inum, const int *ilist,
                   const std::vector<char> &used);

  // positions: also where the atoms are, and the cell of a periodic box
  void find_edges(NeighList *, double cutoff, bool positions);

  // owners and species of ghosts, in number_rows()
  int pack_forward_comm(int n, const int *sendlist, double *buf) const;
  void unpack_forward_comm(int n, int first, const double *buf);

  double memory_usage() const;

 private:
  NeighborExclusions exclusions;
  std::vector<RankExchange::Ghost> owner;    // owner of each atom: rank, and index there
  std::vector<int> species;    // species by the owner; -1 where the model does not see the atom

  void check_topology(const int *map) const;
  void check_list(const int *map, const NeighList *) const;
  void number_ghosts(const std::vector<char> &used);
};

}    // namespace LAMMPS_NS

#endif
