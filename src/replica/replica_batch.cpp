#include "replica/replica_batch.h"

#include "core/errors.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <new>
#include <sstream>
#include <utility>

namespace mlff {

namespace {

  constexpr int windows = 8;    ///< of a comparison, at most: together, single, together, ...
  constexpr std::uint64_t board_version = 0x6d6c66663033ull;

  enum State : int { vacant, away_state, ready, running, done, failed };

  double now()
  {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
  }

  /// When a process began, in clock ticks since the machine did; 0 for one that is gone, or dead
  /// and not yet buried.
  long started(pid_t pid)
  {
    char path[64], text[1024];
    std::snprintf(path, sizeof(path), "/proc/%d/stat", int(pid));
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    const ssize_t n = read(file, text, sizeof(text) - 1);
    close(file);
    if (n <= 0) return 0;
    text[n] = '\0';
    // the name in parentheses may hold anything
    const char *at = std::strrchr(text, ')');
    if (!at || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X') return 0;
    // fields 3 to 22, a blank before each
    for (int field = 3; field <= 22; field++) {
      at = std::strchr(at + 1, ' ');
      if (!at) return 0;
    }
    return std::atol(at);
  }

  void wait_for(std::atomic<std::uint32_t> &bell, std::uint32_t value, double seconds)
  {
    timespec t;
    t.tv_sec = time_t(seconds);
    t.tv_nsec = long((seconds - double(t.tv_sec)) * 1e9);
    syscall(SYS_futex, reinterpret_cast<std::uint32_t *>(&bell), FUTEX_WAIT, value, &t, nullptr, 0);
  }

  void ring(std::atomic<std::uint32_t> &bell)
  {
    bell.fetch_add(1);
    syscall(SYS_futex, reinterpret_cast<std::uint32_t *>(&bell), FUTEX_WAKE, INT_MAX, nullptr,
            nullptr, 0);
  }

  /// Where the arrays of a graph and of its results lie in a replica's memory.
  struct Layout {
    std::size_t first_atom, species, first_edge, neighbor, r, position, cell, energy, atom_energy,
        gradient, position_gradient, strain_gradient, end;
    /// located: of the atoms, those with positions; cells: of the structures, those with a cell or
    /// zeros for none. All or none.
    Layout(std::size_t structures, std::size_t atoms, std::size_t edges, std::size_t located,
           std::size_t cells)
    {
      std::size_t at = 0;
      const auto place = [&at](std::size_t bytes) {
        const std::size_t here = at;
        at += (bytes + 63) / 64 * 64;
        return here;
      };
      first_atom = place(sizeof(int) * (structures + 1));
      species = place(sizeof(int) * atoms);
      first_edge = place(sizeof(int) * (atoms + 1));
      neighbor = place(sizeof(int) * edges);
      r = place(sizeof(double) * 3 * edges);
      position = place(sizeof(double) * 3 * located);
      cell = place(sizeof(double) * 9 * cells);
      energy = place(sizeof(double) * structures);
      atom_energy = place(sizeof(double) * atoms);
      gradient = place(sizeof(double) * 3 * edges);
      position_gradient = place(sizeof(double) * 3 * located);
      strain_gradient = place(sizeof(double) * (cells > 0 ? 6 * located : 0));
      end = at;
    }
  };

}    // namespace

struct ReplicaBatch::Slot {
  std::atomic<std::uint32_t> bell =
      0;    // rung when its state was changed by another, or it may evaluate
  std::atomic<int> state =
      vacant;    // done and failed become away by its own hand; all else changes under the lock
  pid_t pid = 0;
  long started = 0;    // of the process: its number may be used again
  int file = -1;       // its memory is /proc/pid/fd/file
  std::size_t capacity = 0;
  int structures = 0, atoms = 0, edges = 0, located = 0, cells = 0;
  int global = 0;        // the result has gradients with respect to positions
  int evaluator = -1;    // slot that evaluates this one
  long batch = 0;        // number of the batch it is in
  int missed = 0;        // batches in a row that did not wait for it any longer
  int in_run = 0;        // the others wait for it
  cpu_set_t cores;       // that it may use
  char error[400] = "";
  ErrorKind error_kind = ErrorKind::engine;
  double times[4] = {0, 0, 0, 0};    // gather, wait, model, scatter
  long calls = 0;
};

struct ReplicaBatch::Board {
  std::atomic<std::uint64_t> version;    // set when all else is
  pthread_mutex_t mutex;
  int n_slots;                     // used ones are below
  std::atomic<int> in_run;         // replicas the others wait for
  int most_in_run;                 // so far
  std::atomic<int> evaluations;    // that may run at a time
  long batches, retries, splits;
  long histogram[most_replicas + 1];
  double left_times[4];    // of replicas that left
  long left_calls, single_calls;

  // comparison of batches with single calls: windows of calls in turn, the first of each kind for
  // warming up
  std::atomic<int> single;      // calls are made alone now
  std::atomic<int> compared;    // replicas of the last comparison that came to an end
  std::atomic<int> single_up_to,
      together_from;    // numbers of replicas that are faster alone, and together, as found so far
  std::atomic<int> window;           // of the comparison under way; -1: none is
  std::atomic<long> window_calls;    // made in it
  std::atomic<long> window_ends;     // when it holds so many
  int window_replicas;
  double window_began, rate[windows], together_rate, single_rate;

  Slot slots[most_replicas];
};

struct ReplicaBatch::View {
  pid_t pid = 0;
  long started = 0;
  std::size_t capacity = 0;
  char *memory = nullptr;
  ~View()
  {
    if (memory) munmap(memory, capacity);
  }
};

/// A replica in a batch, as it was when the batch was chosen.
struct ReplicaBatch::Member {
  int slot, structures, atoms, edges, located, cells;
  char *memory;
};

/// Why an evaluation failed; no text where it did not.
struct ReplicaBatch::Failure {
  std::string text;
  ErrorKind kind = ErrorKind::engine;
};

/// The lock of the board. A replica that died with it leaves a state that every field allows, so
/// the next one goes on.
class ReplicaBatch::Guard {
 public:
  explicit Guard(const ReplicaBatch &batch) : batch(batch) { lock(); }
  ~Guard()
  {
    if (held) unlock();
  }
  Guard(const Guard &) = delete;
  Guard &operator=(const Guard &) = delete;
  void lock()
  {
    const int status = pthread_mutex_lock(&batch.board->mutex);
    if (status == EOWNERDEAD)
      pthread_mutex_consistent(&batch.board->mutex);
    else if (status != 0)
      throw EngineError(std::string("the replicas' lock is broken: ") + std::strerror(status));
    held = true;
    if (status == EOWNERDEAD) const_cast<ReplicaBatch &>(batch).sweep();
  }
  void unlock()
  {
    held = false;
    pthread_mutex_unlock(&batch.board->mutex);
  }

 private:
  const ReplicaBatch &batch;
  bool held = false;
};

std::span<ReplicaBatch::Slot> ReplicaBatch::slots() const
{
  return {board->slots, std::size_t(board->n_slots)};
}

std::string launch_of_this_process()
{
  std::string text;
  for (const char *name :
       {"PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid", "PMI_JOBID", "SLURM_STEP_ID"})
    if (const char *value = std::getenv(name)) {
      text = std::string(name) + "=" + value;
      break;
    }
  if (const char *value = std::getenv("SLURM_JOB_ID")) text += std::string(";") + value;
  if (text.empty()) text = std::to_string(getppid());
  return text + ";" + std::to_string(getppid()) + ";" + std::to_string(started(getppid()));
}

ReplicaBatch::ReplicaBatch(std::unique_ptr<Engine> engine, const BatchOptions &options) :
    engine(std::move(engine), options.memory), options(options)
{
  views.resize(most_replicas);
  memory_file = memfd_create("mlff-replica", MFD_CLOEXEC);
  if (memory_file < 0)
    throw EngineError(std::string("no shared memory for a batch of replicas: ") +
                      std::strerror(errno));
  try {
    open_board();
    take_slot();
  } catch (...) {
    close(memory_file);
    if (board) munmap(board, sizeof(Board));
    if (board_file >= 0) close(board_file);
    throw;
  }
}

ReplicaBatch::~ReplicaBatch()
{
  close_board();
  if (memory) munmap(memory, capacity);
  close(memory_file);
}

void ReplicaBatch::map_board()
{
  void *at = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED, board_file, 0);
  if (at == MAP_FAILED)
    throw EngineError("no shared memory for a batch of replicas: " +
                      std::string(std::strerror(errno)));
  board = static_cast<Board *>(at);
}

/// Joins the board of the replicas with the same job and model, or makes one. One replica at a
/// time: they hold the lock of a folder meanwhile, which goes with a process that dies.
void ReplicaBatch::open_board()
{
  std::ostringstream text;
  text << "mlff-board-" << std::hex << std::hash<std::string>()(options.job) << "-"
       << std::hash<std::string>()(options.model);
  const std::string name = text.str(), link = "/memfd:" + name + " (deleted)";
  struct Turn {
    int folder = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    Turn()
    {
      if (folder >= 0) flock(folder, LOCK_EX);
    }
    ~Turn()
    {
      if (folder >= 0) close(folder);
    }
  } turn;

  // an open file of any process of this user
  namespace fs = std::filesystem;
  std::error_code code;
  for (const auto &process : fs::directory_iterator("/proc", code)) {
    const std::string number = process.path().filename().string();
    if (number.find_first_not_of("0123456789") != std::string::npos) continue;
    std::error_code closed;
    for (auto entry = fs::directory_iterator(process.path() / "fd", closed);
         !closed && entry != fs::directory_iterator(); entry.increment(closed)) {
      std::error_code gone;
      if (fs::read_symlink(entry->path(), gone) != link || gone) continue;
      board_file = open(entry->path().c_str(), O_RDWR | O_CLOEXEC);
      if (board_file < 0) continue;
      map_board();
      if (board->version.load() == board_version) return;
      munmap(board, sizeof(Board));
      board = nullptr;
      close(board_file);
      board_file = -1;
    }
  }

  board_file = memfd_create(name.c_str(), MFD_CLOEXEC);
  if (board_file < 0 || ftruncate(board_file, sizeof(Board)) != 0)
    throw EngineError("no shared memory for a batch of replicas: " +
                      std::string(std::strerror(errno)));
  map_board();
  new (board) Board{};
  board->window = -1;
  board->together_from = 4 * most_replicas;
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&board->mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
  board->version.store(board_version);
}

void ReplicaBatch::take_slot()
{
  Guard guard(*this);
  sweep();
  for (int s = 0; s < most_replicas && own < 0; s++)
    if (board->slots[s].state == vacant) own = s;
  if (own < 0)
    throw EngineError("more than " + std::to_string(most_replicas) + " replicas meet on this node");
  Slot &slot = board->slots[own];
  slot.~Slot();
  new (&slot) Slot;
  board->n_slots = std::max(board->n_slots, own + 1);
  slot.pid = getpid();
  slot.started = started(slot.pid);
  slot.file = memory_file;
  CPU_ZERO(&slot.cores);
  sched_getaffinity(0, sizeof(slot.cores), &slot.cores);
  slot.state = away_state;
}

/// How many are waited for, and how many evaluations they have cores for. The lock is held.
void ReplicaBatch::count_replicas()
{
  cpu_set_t cores;
  CPU_ZERO(&cores);
  board->in_run = 0;
  for (const Slot &slot : slots()) {
    if (slot.state == vacant || !slot.in_run) continue;
    board->in_run++;
    CPU_OR(&cores, &cores, &slot.cores);
  }
  board->most_in_run = std::max(board->most_in_run, board->in_run.load());
  const int fitting = engine.cores() > 0 ? CPU_COUNT(&cores) / engine.cores() : 1;
  board->evaluations = options.at_a_time > 0 ? options.at_a_time : std::max(1, fitting);
}

void ReplicaBatch::close_board()
{
  if (!board) return;
  {
    Guard guard(*this);
    Slot &slot = board->slots[own];
    for (int k = 0; k < 4; k++) board->left_times[k] += slot.times[k] + times[k];
    board->left_calls += slot.calls;
    board->single_calls += single_calls;
    slot.state = vacant;
    sweep();
    count_replicas();
    wake_one();
  }
  munmap(board, sizeof(Board));
  close(board_file);
  board = nullptr;
}

void ReplicaBatch::enter()
{
  Guard guard(*this);
  board->slots[own].in_run = 1;
  board->slots[own].missed = 0;
  count_replicas();
}

void ReplicaBatch::leave()
{
  Guard guard(*this);
  Slot &slot = board->slots[own];
  slot.in_run = 0;
  for (int k = 0; k < 4; k++) slot.times[k] += std::exchange(times[k], 0.0);
  board->single_calls += std::exchange(single_calls, 0);
  last_left = 0.0;
  count_replicas();
  wake_one();
}

/// Frees the slots of replicas that are gone, and makes those ready again that they were
/// evaluating. The lock is held.
void ReplicaBatch::sweep()
{
  bool lost = false;
  last_sweep = now();
  for (Slot &slot : slots()) {
    if (slot.state == vacant || slot.pid == getpid() || started(slot.pid) == slot.started) continue;
    slot.state = vacant;
    slot.in_run = 0;
    lost = true;
  }
  for (Slot &slot : slots()) {
    if (slot.state != running) continue;
    const Slot &evaluator = board->slots[slot.evaluator];
    if (evaluator.state == running && evaluator.batch == slot.batch) continue;
    slot.state = ready;
    slot.evaluator = -1;
    board->retries++;
  }
  if (lost) count_replicas();
}

/// Whether one that is ready should evaluate now: a share of the replicas is ready and a core free,
/// or there is nobody worth waiting for. The lock is held.
bool ReplicaBatch::enough(bool late) const
{
  int n_ready = 0, n_running = 0, awaited = 0;
  for (int s = 0; s < board->n_slots; s++) {
    const Slot &slot = board->slots[s];
    if (slot.state == ready)
      n_ready++;
    else if (slot.state == running)
      n_running += slot.evaluator == s;
    else if (slot.state != vacant && slot.in_run && slot.missed < 2)
      awaited++;
  }
  if (n_ready == 0 || n_running >= board->evaluations) return false;
  const int share = (board->in_run + board->evaluations - 1) / board->evaluations;
  return late || awaited == 0 || (n_ready >= share && board->evaluations > 1) ||
      board->single.load();
}

/// One that may evaluate now, null where there is none. The lock is held.
ReplicaBatch::Slot *ReplicaBatch::next_evaluator() const
{
  if (!enough(false)) return nullptr;
  for (Slot &slot : slots())
    if (slot.state == ready) return &slot;
  return nullptr;
}

/// Wakes that one. The lock is held.
void ReplicaBatch::wake_one()
{
  if (Slot *slot = next_evaluator()) ring(slot->bell);
}

void ReplicaBatch::put(const Graph &graph)
{
  const std::size_t structures = graph.n_structures(), atoms = graph.n_centres(),
                    edges = graph.n_edges();
  const Layout layout(structures, atoms, edges, graph.position.size() / 3, graph.cell.size() / 9);
  if (layout.end > capacity) {
    const std::size_t wanted = layout.end + layout.end / 4 + 4096;
    if (ftruncate(memory_file, off_t(wanted)) != 0)
      throw EngineError("no shared memory for the graph of a replica: " +
                        std::string(std::strerror(errno)));
    if (memory) munmap(memory, capacity);
    void *at = mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_SHARED, memory_file, 0);
    memory = at == MAP_FAILED ? nullptr : static_cast<char *>(at);
    capacity = memory ? wanted : 0;
    if (!memory)
      throw EngineError("no shared memory for the graph of a replica: " +
                        std::string(std::strerror(errno)));
  }
  const auto copy = [&](std::size_t place, const auto &values) {
    if (!values.empty()) std::memcpy(memory + place, values.data(), values.size_bytes());
  };
  copy(layout.first_atom, graph.first_atom);
  copy(layout.species, graph.species);
  copy(layout.first_edge, graph.first_edge);
  copy(layout.neighbor, graph.neighbor);
  copy(layout.r, graph.r);
  copy(layout.position, graph.position);
  copy(layout.cell, graph.cell);
}

/// The memory of a replica, null where it is gone.
char *ReplicaBatch::memory_of(int s)
{
  if (s == own) return memory;
  const Slot &slot = board->slots[s];
  auto &view = views[s];
  if (view && view->pid == slot.pid && view->started == slot.started &&
      view->capacity == slot.capacity)
    return view->memory;
  view.reset(new View);
  const std::string path = "/proc/" + std::to_string(slot.pid) + "/fd/" + std::to_string(slot.file);
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) {
    view.reset();
    return nullptr;
  }
  void *at = mmap(nullptr, slot.capacity, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (at == MAP_FAILED) {
    view.reset();
    return nullptr;
  }
  view->pid = slot.pid;
  view->started = slot.started;
  view->capacity = slot.capacity;
  view->memory = static_cast<char *>(at);
  return view->memory;
}

/// Those that this replica evaluates now: itself, and all others that are ready. The lock is held.
std::vector<ReplicaBatch::Member> ReplicaBatch::choose(bool late)
{
  std::vector<Member> batch;
  board->batches++;
  for (int s = 0; s < board->n_slots; s++) {
    Slot &slot = board->slots[s];
    if (slot.state != ready) continue;
    char *at = memory_of(s);
    if (!at) continue;
    batch.push_back({s, slot.structures, slot.atoms, slot.edges, slot.located, slot.cells, at});
    slot.state = running;
    slot.evaluator = own;
    slot.batch = board->batches;
  }
  // those that did not come in time
  for (Slot &slot : slots())
    if (late && (slot.state == away_state || slot.state == done || slot.state == failed))
      slot.missed += slot.in_run;
  return batch;
}

/// Evaluates the graphs of a batch together and writes their results. The lock is not held.
void ReplicaBatch::run(std::span<const Member> batch)
{
  graph.clear();
  for (const Member &member : batch) {
    const Layout layout(member.structures, member.atoms, member.edges, member.located,
                        member.cells);
    const auto ints = [&](std::size_t place, std::size_t n) {
      return std::span<const int>(reinterpret_cast<const int *>(member.memory + place), n);
    };
    Graph one;
    one.first_atom = ints(layout.first_atom, member.structures + 1);
    one.species = ints(layout.species, member.atoms);
    one.first_edge = ints(layout.first_edge, member.atoms + 1);
    one.neighbor = ints(layout.neighbor, member.edges);
    one.r = {reinterpret_cast<const double *>(member.memory + layout.r),
             3 * std::size_t(member.edges)};
    one.position = {reinterpret_cast<const double *>(member.memory + layout.position),
                    3 * std::size_t(member.located)};
    one.cell = {reinterpret_cast<const double *>(member.memory + layout.cell),
                9 * std::size_t(member.cells)};
    graph.append(one);
  }
  stage("evaluating");
  engine.evaluate(graph.view(), together);
  stage("evaluated");
  const double *energy = together.energy.data(), *atom_energy = together.atom_energy.data(),
               *gradient = together.gradient.data(),
               *position_gradient = together.position_gradient.data(),
               *strain_gradient = together.strain_gradient.data();
  for (const Member &member : batch) {
    const Layout layout(member.structures, member.atoms, member.edges, member.located,
                        member.cells);
    const auto copy = [&](std::size_t place, const double *&from, std::size_t n) {
      if (n > 0) std::memcpy(member.memory + place, from, sizeof(double) * n);
      from += n;
    };
    copy(layout.energy, energy, member.structures);
    copy(layout.atom_energy, atom_energy, member.atoms);
    copy(layout.gradient, gradient, 3 * std::size_t(member.edges));
    if (together.position_gradient.empty()) continue;
    copy(layout.position_gradient, position_gradient, 3 * std::size_t(member.located));
    if (member.cells > 0)
      copy(layout.strain_gradient, strain_gradient, 6 * std::size_t(member.located));
    else if (!together.strain_gradient.empty())
      strain_gradient += 6 * std::size_t(member.located);
    board->slots[member.slot].global = 1;
  }
}

/// A batch together, or, where that fails, one by one: a graph that cannot be evaluated is nobody
/// else's trouble. False in that case.
bool ReplicaBatch::run_singly(std::span<const Member> batch, std::vector<Failure> &errors)
{
  errors.assign(batch.size(), {});
  const auto attempt = [&](std::span<const Member> members) -> Failure {
    try {
      run(members);
    } catch (const std::exception &error) {
      return {error.what(), kind_of(error)};
    }
    return {};
  };
  const Failure error = attempt(batch);
  if (error.text.empty()) return true;
  if (batch.size() == 1)
    errors[0] = error;
  else
    for (std::size_t k = 0; k < batch.size(); k++) errors[k] = attempt(batch.subspan(k, 1));
  return batch.size() == 1;
}

void ReplicaBatch::evaluate(const Graph &own_graph, Result &result, GhostExchange *)
{
  if (own_graph.n_atoms() != own_graph.n_centres())
    throw EngineError("replicas of several ranks do not batch: the graph has ghosts");
  if (options.choice != BatchOptions::Choice::together) {
    // nobody needs to share where there is a core for each
    const bool apart = options.choice == BatchOptions::Choice::faster &&
        board->in_run.load() <= board->evaluations.load();
    if (!apart) compare();
    if (apart || board->single.load()) {
      single_calls++;
      engine.evaluate(own_graph, result);
      return;
    }
  }
  const double begin = now();
  put(own_graph);
  const double gathered = now();
  double in_model = 0.0;
  stage("gathered");
  if (last_left > 0.0)
    away = away > 0.0 ? 0.8 * away + 0.2 * (begin - last_left) : begin - last_left;

  Slot &slot = board->slots[own];
  double deadline;
  {
    Guard guard(*this);
    stage("locked");
    slot.capacity = capacity;
    slot.structures = own_graph.n_structures();
    slot.atoms = own_graph.n_centres();
    slot.edges = own_graph.n_edges();
    slot.located = int(own_graph.position.size() / 3);
    slot.cells = int(own_graph.cell.size() / 9);
    slot.global = 0;
    slot.state = ready;
    slot.missed = 0;
    if (!slot.in_run) {
      slot.in_run = 1;
      count_replicas();
    }
    slot.calls++;
    for (int k = 0; k < 4; k++) slot.times[k] += times[k];    // of the call before
    // everybody else may need a core for as long as this one was away, and a core is had in slices
    // of some milliseconds
    const double limit = options.wait > 0.0
        ? options.wait
        : std::clamp(2.0 * board->in_run * away + 2.0 * model_seconds, 5e-3, 0.05);
    deadline = gathered + limit;

    while (slot.state != done && slot.state != failed) {
      const bool late = now() >= deadline;
      if (slot.state == ready && enough(late)) {
        const auto batch = choose(late);
        guard.unlock();
        const double start = now();
        const long splits = engine.n_splits();
        std::vector<Failure> errors;
        const bool at_once = run_singly(batch, errors);
        const double seconds = now() - start;
        in_model += seconds;
        guard.lock();
        model_seconds = model_seconds > 0.0 ? 0.8 * model_seconds + 0.2 * seconds : seconds;
        std::vector<Slot *> to_wake;
        for (std::size_t k = 0; k < batch.size(); k++) {
          Slot &member = board->slots[batch[k].slot];
          if (member.state != running || member.evaluator != own) continue;    // it died meanwhile
          std::snprintf(member.error, sizeof(member.error), "%s", errors[k].text.c_str());
          member.error_kind = errors[k].kind;
          member.state = errors[k].text.empty() ? done : failed;
          if (batch[k].slot != own) to_wake.push_back(&member);
        }
        board->histogram[batch.size()]++;
        board->splits += engine.n_splits() - splits;
        if (!at_once) board->retries++;
        if (Slot *next = next_evaluator()) to_wake.push_back(next);
        // without the lock, for which they would wait next
        guard.unlock();
        for (Slot *other : to_wake) ring(other->bell);
        break;
      }
      const std::uint32_t value = slot.bell.load();
      const double left = slot.state == ready && !late ? std::max(deadline - now(), 1e-5) : 0.02;
      guard.unlock();
      stage("waiting");
      wait_for(slot.bell, value, std::min(left, 0.02));
      if (slot.state == done || slot.state == failed) break;
      guard.lock();
      // whether whoever evaluates it, or is awaited, still lives
      if (now() - std::max(last_sweep, gathered) > 0.01) sweep();
    }
  }
  const bool good = slot.state == done;
  const Failure failure = good ? Failure() : Failure{slot.error, slot.error_kind};
  slot.state = away_state;
  const double waited = now();
  if (good) take(result);
  last_left = now();
  times[0] = gathered - begin;
  times[1] = waited - gathered - in_model;
  times[2] = in_model;
  times[3] = last_left - waited;
  if (!good) throw_error(failure.kind, failure.text);
}

/// Counts a call of the comparison under way, and begins one where replicas came or went since the
/// last.
void ReplicaBatch::compare()
{
  if (board->window.load() < 0) {
    // the more replicas the more a batch saves: what was found for one number tells of others
    const int n = board->in_run.load();
    if (options.choice == BatchOptions::Choice::compared && board->compared.load() > 0) return;
    const bool single = n > 0 && n <= board->single_up_to.load();
    if (single || 4 * n >= 3 * board->together_from.load()) {
      if (board->single.load() != int(single))
        board->single = single;    // a write would be seen by every core
      return;
    }
    Guard guard(*this);
    if (!board->slots[own].in_run) {
      board->slots[own].in_run = 1;
      board->slots[own].missed = 0;
      count_replicas();
    }
    if (board->window.load() < 0) begin_window(0);
  }
  if (board->window_calls.fetch_add(1) + 1 < board->window_ends.load()) return;
  Guard guard(*this);
  end_window();
}

/// The lock is held.
void ReplicaBatch::begin_window(int window)
{
  board->window_replicas = board->in_run;
  board->window_began = now();
  board->window_calls = 0;
  board->window_ends = 16 * board->in_run;
  board->single = window % 2;
  board->window = window;
  // whoever waits for a batch need not any longer
  if (window % 2)
    for (Slot &slot : slots())
      if (slot.state == ready) ring(slot.bell);
}

/// The lock is held.
void ReplicaBatch::end_window()
{
  const int window = board->window.load();
  const double seconds = now() - board->window_began;
  if (window < 0 || board->window_calls.load() < board->window_ends.load())
    return;    // another was first
  if (seconds < 5e-3) {
    board->window_ends += 4 * board->in_run;
    return;
  }
  if (board->in_run != board->window_replicas) {
    board->window = -1;    // the next call sees what to do for so many
    return;
  }
  board->rate[window] = double(board->window_calls.load()) / seconds;
  if (window % 2 == 0 || window < 3) return begin_window(window + 1);

  // as many windows as the difference needs
  double rates[2] = {0.0, 0.0};
  for (int w = 2; w <= window; w++) rates[w % 2] += board->rate[w] / double(window / 2);
  const double ratio = std::max(rates[0], rates[1]) / std::min(rates[0], rates[1]);
  if (window + 1 < windows && ratio < (window == 3 ? 1.4 : 1.2)) return begin_window(window + 1);
  board->together_rate = rates[0];
  board->single_rate = rates[1];
  board->compared = board->in_run.load();
  const bool single = options.choice == BatchOptions::Choice::faster && rates[1] > rates[0];
  board->single = single;
  if (single)
    board->single_up_to = board->compared.load();
  else
    board->together_from = board->compared.load();
  board->window = -1;
}

void ReplicaBatch::take(Result &result)
{
  const Slot &slot = board->slots[own];
  const Layout layout(slot.structures, slot.atoms, slot.edges, slot.located, slot.cells);
  const auto copy = [&](std::vector<double> &to, std::size_t place, std::size_t n) {
    const double *from = reinterpret_cast<const double *>(memory + place);
    to.assign(from, from + n);
  };
  copy(result.energy, layout.energy, slot.structures);
  copy(result.atom_energy, layout.atom_energy, slot.atoms);
  copy(result.gradient, layout.gradient, 3 * std::size_t(slot.edges));
  copy(result.position_gradient, layout.position_gradient,
       slot.global ? 3 * std::size_t(slot.located) : 0);
  copy(result.strain_gradient, layout.strain_gradient,
       slot.global && slot.cells > 0 ? 6 * std::size_t(slot.located) : 0);
}

std::size_t ReplicaBatch::bytes(int atoms, int edges) const
{
  return engine.bytes(atoms, edges);
}

EngineInfo ReplicaBatch::info() const
{
  EngineInfo info = engine.info();
  info.batched = true;
  return info;
}

BatchStatistics ReplicaBatch::statistics() const
{
  Guard guard(*this);
  BatchStatistics statistics;
  statistics.histogram.assign(board->histogram, board->histogram + most_replicas + 1);
  while (statistics.histogram.size() > 1 && statistics.histogram.back() == 0)
    statistics.histogram.pop_back();
  double times[4];
  std::copy_n(board->left_times, 4, times);
  statistics.replicas = board->most_in_run;
  statistics.calls = board->left_calls;
  statistics.single_calls = board->single_calls + single_calls;
  statistics.together = board->together_rate;
  statistics.single = board->single_rate;
  statistics.compared = board->compared;
  statistics.retries = board->retries;
  statistics.splits = board->splits;
  for (const Slot &slot : slots()) {
    if (slot.state == vacant) continue;
    for (int k = 0; k < 4; k++) times[k] += slot.times[k];
    statistics.calls += slot.calls;
  }
  statistics.gather = times[0];
  statistics.wait = times[1];
  statistics.model = times[2];
  statistics.scatter = times[3];
  return statistics;
}

int ReplicaBatch::n_replicas() const
{
  Guard guard(*this);
  const auto all = slots();
  return int(std::count_if(all.begin(), all.end(), [](const Slot &slot) {
    return slot.state != vacant;
  }));
}

}    // namespace mlff
