// The partitions of a -partition run that evaluate one model together.

#ifndef LMP_REPLICA_GROUP_H
#define LMP_REPLICA_GROUP_H

#include "core/engine.h"
#include "core/jump_engine.h"
#include "pointers.h"

#include <memory>
#include <string>
#include <vector>

namespace mlff {
struct BatchOptions;
struct Potential;
class Rendezvous;
}    // namespace mlff

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   The partitions of a -partition run that evaluate one model together: the
   settings of it, joining the others, and what to say about it in the end.

     set()         a keyword of the style: batch, wait, memory
     join()        the engine, in a batch where there is one to join
     start_run()   from here the others wait for this partition
     end_run()     and no longer from here; sums up
------------------------------------------------------------------------- */

class ReplicaGroup : protected Pointers {
 public:
  // who: name of the style in messages
  explicit ReplicaGroup(class LAMMPS *lmp, const std::string &who = "Pair style mlff") :
      Pointers(lmp), who(who)
  {
  }
  ~ReplicaGroup() override;

  static bool knows(const std::string &word);
  void set(const std::string &word, const std::string &value, int iarg);

  // potentials: their Potential::identity(), in order; alone: reason why this partition cannot
  // join, or an empty string. Returns null if joining failed; the engine must then be made again,
  // for this partition alone.
  std::unique_ptr<mlff::Engine> join(std::unique_ptr<mlff::Engine>,
                                     const std::vector<std::string> &potentials,
                                     const std::string &alone);

  // a jump network joins in the same way
  std::unique_ptr<mlff::JumpEngine> join(std::unique_ptr<mlff::JumpEngine>,
                                         const mlff::Potential &);

  void start_run();
  void end_run();
  bool wanted() const;    // whether there may be other partitions to join
  bool joined() const { return meeting != nullptr; }

 private:
  std::string who;
  enum { AUTO, ON, OFF } choice = AUTO;
  double wait = 0.0;                      // s
  std::size_t memory = 0;                 // bytes
  mlff::Rendezvous *meeting = nullptr;    // the meeting of the engine that join() made

  // styles of one process cannot wait for each other: the first of each partition meet, the second
  // ones, ...
  std::string model;
  int place = -1;

  void leave_place();
  mlff::BatchOptions batch_options(const mlff::EngineInfo &, const std::vector<std::string> &);
  template <typename Replica, typename... Arguments>
  std::unique_ptr<Replica> make_replica(Arguments &&...);
  std::string summary() const;
};

}    // namespace LAMMPS_NS

#endif
