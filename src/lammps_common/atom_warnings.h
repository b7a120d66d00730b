// Warnings about atoms outside the range of a potential's training data.

#ifndef LMP_ATOM_WARNINGS_H
#define LMP_ATOM_WARNINGS_H

#include "core/graph.h"
#include "pointers.h"
#include "potential/potential.h"

#include <string>
#include <unordered_set>
#include <vector>

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   Warnings about atoms that leave what a potential knows, without a flood:
   in one run an atom is named once for each kind of warning, and there are
   at most max_messages; the rest is counted.

     start_run()      forget what was named
     check_spread()   atoms whose spread is above a threshold
     check_range()    atoms nearer to a neighbor, or with a larger force,
                      than in the training data by some margin
     report()         all ranks, once a step after the checks: rank 0 warns
     end_run()        all ranks: rank 0 sums up
------------------------------------------------------------------------- */

class AtomWarnings : protected Pointers {
 public:
  static constexpr int max_messages = 10;    // largest number of messages in a run
  static constexpr int max_named = 8;        // atoms in one message

  explicit AtomWarnings(class LAMMPS *lmp) : Pointers(lmp) { start_run(); }

  void start_run();

  // spread of each owned atom; atoms: the owned ones that the potential applies to
  void check_spread(const std::vector<int> &atoms, const std::vector<double> &spread,
                    double threshold);

  // graph: species, edges and distances of these atoms; their forces [][3] in units of 1/scale
  // eV/A; range of each species
  void check_range(const std::vector<int> &atoms, const mlff::Graph &graph, const double *force,
                   const std::vector<mlff::TrainingRange> &range, double scale);

  void report();
  void end_run();

 private:
  enum Kind { SPREAD, NEAREST, FORCE, NKINDS };

  struct Entry {
    tagint id;
    bigint step;
    double value, limit;    // limit: the threshold, or the extreme of the training data
  };

  std::vector<Entry> entries[NKINDS];          // found in this step on this rank, not named yet
  std::unordered_set<tagint> named[NKINDS];    // equal on all ranks
  bigint count[NKINDS];                        // atoms times steps in this run, on this rank
  Entry worst[NKINDS];
  int messages;

  void add(Kind, int, double, double);
  static bool worse(Kind, const Entry &, const Entry &);
  std::vector<Entry> gather(std::vector<Entry> &) const;
  std::string message(Kind, std::vector<Entry> &) const;
  std::string name(const Entry &) const;
};

}    // namespace LAMMPS_NS

#endif
