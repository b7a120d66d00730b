// Joins a style to the replicas of its node, and prints their statistics at the end.
#include "lammps_common/replica_group.h"

#include "comm.h"
#include "error.h"
#include "universe.h"

#include "models/painn/painn_sizes.h"
#include "replica/replica_engine.h"
#include "replica/replica_jump_engine.h"

#include <cmath>
#include <map>
#include <set>
#include <utility>

using namespace LAMMPS_NS;

// places that styles of this process have taken, for each model
static std::map<std::string, std::set<int>> places;

/* ---------------------------------------------------------------------- */

ReplicaGroup::~ReplicaGroup()
{
  leave_place();
}

/* ---------------------------------------------------------------------- */

void ReplicaGroup::leave_place()
{
  if (place >= 0) places[model].erase(place);
  place = -1;
}

/* ---------------------------------------------------------------------- */

bool ReplicaGroup::knows(const std::string &word)
{
  return word == "batch" || word == "wait" || word == "memory";
}

/* ----------------------------------------------------------------------
   wait in milliseconds, memory in megabytes
------------------------------------------------------------------------- */

void ReplicaGroup::set(const std::string &word, const std::string &value, int iarg)
{
  if (word == "batch") {
    if (value != "auto" && value != "on" && value != "off")
      error->all(FLERR, iarg, "Unknown batch '{}' of {}; accepted: auto, on, off", value,
                 utils::lowercase(who));
    choice = value == "auto" ? AUTO : value == "on" ? ON : OFF;
    return;
  }
  const double number = value == "auto" ? 0.0 : utils::numeric(FLERR, value, false, lmp);
  if (value != "auto" && !(number > 0.0 && std::isfinite(number)))
    error->all(FLERR, iarg, "{} {} is {}; accepted: auto, or a number of {} above 0", who, word,
               value, word == "wait" ? "milliseconds" : "megabytes");
  if (word == "wait")
    wait = 1.0e-3 * number;
  else
    memory = (std::size_t)(1.0e6 * number);
}

/* ---------------------------------------------------------------------- */

bool ReplicaGroup::wanted() const
{
  return choice == ON || (choice == AUTO && universe->nworlds > 1);
}

/* ---------------------------------------------------------------------- */

mlff::BatchOptions ReplicaGroup::batch_options(const mlff::EngineInfo &engine,
                                               const std::vector<std::string> &potentials)
{
  leave_place();
  model = engine.key() + " " + who;
  for (const auto &hash : potentials) model += " " + hash;
  model += choice == ON ? " on" : " auto";
  place = 0;
  while (!places[model].insert(place).second) place++;

  mlff::BatchOptions options;
  options.job = mlff::launch_of_this_process();
  options.model = model + " " + std::to_string(place);
  options.wait = wait;
  options.memory = memory;
  options.choice = choice == ON ? mlff::BatchOptions::Choice::compared
                                : mlff::BatchOptions::Choice::faster;
  return options;
}

/* ----------------------------------------------------------------------
   null where there is no shared memory
------------------------------------------------------------------------- */

template <typename Replica, typename... Arguments>
std::unique_ptr<Replica> ReplicaGroup::make_replica(Arguments &&...arguments)
{
  try {
    auto replica = std::make_unique<Replica>(std::forward<Arguments>(arguments)...);
    meeting = &replica->meeting();
    return replica;
  } catch (mlff::EngineError &e) {
    if (choice == ON) error->one(FLERR, "{} batch on: {}; use batch off", who, e.what());
    utils::logmesg(lmp, "{}: this partition evaluates alone: {}\n", who, e.what());
  }
  choice = OFF;
  leave_place();
  return nullptr;
}

/* ---------------------------------------------------------------------- */

std::unique_ptr<mlff::Engine> ReplicaGroup::join(std::unique_ptr<mlff::Engine> engine,
                                                 const std::vector<std::string> &potentials,
                                                 const std::string &alone)
{
  meeting = nullptr;
  if (!wanted()) return engine;
  if (!alone.empty()) {
    if (comm->me == 0) utils::logmesg(lmp, "{}: this partition evaluates alone, {}\n", who, alone);
    return engine;
  }
  const auto options = batch_options(engine->info(), potentials);
  return make_replica<mlff::ReplicaEngine>(std::move(engine), options);
}

/* ---------------------------------------------------------------------- */

std::unique_ptr<mlff::JumpEngine> ReplicaGroup::join(std::unique_ptr<mlff::JumpEngine> engine,
                                                     const mlff::Potential &potential)
{
  meeting = nullptr;
  if (!wanted()) return engine;
  auto info = engine->info();
  info.jumps = true;
  const auto options = batch_options(info, {potential.sha256});
  return make_replica<mlff::ReplicaJumpEngine>(std::move(engine), mlff::painn_sizes(potential),
                                               options);
}

/* ---------------------------------------------------------------------- */

void ReplicaGroup::start_run()
{
  if (meeting) meeting->enter();
}

/* ----------------------------------------------------------------------
   every partition has the summary in its own log, the first one also shows it
   on the screen of the universe
------------------------------------------------------------------------- */

void ReplicaGroup::end_run()
{
  if (!meeting) return;
  meeting->leave();
  const std::string text = summary();
  utils::logmesg(lmp, text);
  if (universe->me != 0 || universe->nworlds == 1) return;
  if (universe->uscreen) fputs(text.c_str(), universe->uscreen);
  if (universe->ulogfile) fputs(text.c_str(), universe->ulogfile);
}

/* ----------------------------------------------------------------------
   sums over all partitions in the group so far
------------------------------------------------------------------------- */

std::string ReplicaGroup::summary() const
{
  const auto s = meeting->statistics();
  long evaluations = 0;
  std::string histogram;
  for (std::size_t n = 1; n < s.histogram.size(); n++) {
    evaluations += s.histogram[n];
    if (s.histogram[n])
      histogram += fmt::format("{}{} x {}", histogram.empty() ? "" : ", ", s.histogram[n], n);
  }
  std::string text =
      fmt::format("{}, {} replicas of this node: {} calls in {} evaluations, {} calls alone\n", who,
                  s.replicas, s.calls, evaluations, s.single_calls);
  if (evaluations) text += fmt::format("  evaluations x replicas in them: {}\n", histogram);
  if (s.calls)
    text += fmt::format(
        "  microseconds per call: gather {:.1f}, wait {:.1f}, model {:.1f}, scatter {:.1f}\n",
        1e6 * s.times.gather / s.calls, 1e6 * s.times.wait / s.calls, 1e6 * s.times.model / s.calls,
        1e6 * s.times.scatter / s.calls);
  if (s.retries) text += fmt::format("  evaluations repeated: {}\n", s.retries);
  text += fmt::format(
      "  memory limit of an evaluation: {}, {} evaluations split\n",
      memory ? fmt::format("{:.0f} MB", 1e-6 * memory) : "a quarter of the machine's", s.splits);
  if (s.compared)
    text += fmt::format("  first calls of {} replicas: {:.0f} replica-steps/s together, {:.0f} "
                        "alone: gain {:.2f}; {}\n",
                        s.compared, s.together, s.single, s.together / s.single,
                        choice == ON                 ? "batches, as asked for"
                            : s.together >= s.single ? "batches kept"
                                                     : "single calls kept");
  return text;
}
