// The board of replicas: how it is found or made, its lock, its slots.
#include "replica/board.h"

#include "replica/shared_arena.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <functional>
#include <new>
#include <sstream>

namespace mlff {

namespace {

  constexpr std::uint64_t board_version = 0x6d6c66663034ull;
  constexpr const char *purpose = "a batch of replicas";

  /// One replica at a time looks for a board or makes one. The lock of a folder goes with a process
  /// that dies.
  class Turn {
   public:
    Turn() : folder(open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC))
    {
      if (folder >= 0) flock(folder, LOCK_EX);
    }
    ~Turn()
    {
      if (folder >= 0) close(folder);
    }
    Turn(const Turn &) = delete;
    Turn &operator=(const Turn &) = delete;

   private:
    int folder;
  };

  std::string board_name(const std::string &job, const std::string &model)
  {
    std::ostringstream text;
    text << "mlff-board-" << std::hex << std::hash<std::string>()(job) << "-"
         << std::hash<std::string>()(model);
    return text.str();
  }

}    // namespace

double seconds_now()
{
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
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

Board::Board(const std::string &job, const std::string &model, int cores, int at_a_time) :
    cores(cores), at_a_time(at_a_time)
{
  const std::string name = board_name(job, model);
  const Turn turn;
  try {
    if (!join(name)) make(name);
  } catch (...) {
    unmap();
    throw;
  }
}

Board::~Board()
{
  unmap();
}

void Board::map()
{
  void *at = mmap(nullptr, sizeof(BoardData), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (at == MAP_FAILED) throw_no_shared_memory(purpose);
  data = static_cast<BoardData *>(at);
}

void Board::unmap()
{
  if (data) munmap(data, sizeof(BoardData));
  if (file >= 0) close(file);
  data = nullptr;
  file = -1;
}

/// Looks for the board among the open files of all processes of this user. False where there is
/// none.
bool Board::join(const std::string &name)
{
  const std::string link = "/memfd:" + name + " (deleted)";
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
      file = open(entry->path().c_str(), O_RDWR | O_CLOEXEC);
      if (file < 0) continue;
      map();
      if (data->version.load() == board_version) return true;
      unmap();
    }
  }
  return false;
}

void Board::make(const std::string &name)
{
  file = memfd_create(name.c_str(), MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, sizeof(BoardData)) != 0) throw_no_shared_memory(purpose);
  map();
  new (data) BoardData;
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&data->mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
  data->version.store(board_version);
}

void Board::Lock::lock()
{
  const int status = pthread_mutex_lock(&board->mutex);
  if (status == EOWNERDEAD)
    pthread_mutex_consistent(&board->mutex);
  else if (status != 0)
    throw EngineError(std::string("the replicas' lock is broken: ") + std::strerror(status));
  held = true;
  if (status == EOWNERDEAD) board.sweep();
}

void Board::Lock::unlock()
{
  held = false;
  pthread_mutex_unlock(&board->mutex);
}

int Board::take_slot(int memory_file)
{
  const Lock lock(*this);
  sweep();
  const auto found = std::find_if(std::begin(data->slots), std::end(data->slots), [](auto &slot) {
    return slot.state == ReplicaState::vacant;
  });
  if (found == std::end(data->slots))
    throw EngineError("more than " + std::to_string(most_replicas) + " replicas meet on this node");
  ReplicaSlot &slot = *found;
  const int number = int(found - std::begin(data->slots));
  slot.~ReplicaSlot();
  new (&slot) ReplicaSlot;
  data->n_slots = std::max(data->n_slots, number + 1);
  slot.process = ProcessIdentity::of_this_process();
  slot.file = memory_file;
  CPU_ZERO(&slot.cores);
  sched_getaffinity(0, sizeof(slot.cores), &slot.cores);
  slot.state = ReplicaState::away;
  return number;
}

void Board::enter(int number)
{
  ReplicaSlot &slot = data->slots[number];
  slot.in_run = true;
  slot.missed = 0;
  count_replicas();
}

void Board::count_replicas()
{
  cpu_set_t usable;
  CPU_ZERO(&usable);
  data->in_run = 0;
  for (const ReplicaSlot &slot : slots()) {
    if (slot.state == ReplicaState::vacant || !slot.in_run) continue;
    data->in_run++;
    CPU_OR(&usable, &usable, &slot.cores);
  }
  data->most_in_run = std::max(data->most_in_run, data->in_run.load());
  const int fitting = cores > 0 ? CPU_COUNT(&usable) / cores : 1;
  data->evaluations = at_a_time > 0 ? at_a_time : std::max(1, fitting);
}

void Board::sweep()
{
  bool lost = false;
  swept = seconds_now();
  for (ReplicaSlot &slot : slots()) {
    if (slot.state == ReplicaState::vacant || slot.process.pid == getpid() || slot.process.exists())
      continue;
    slot.state = ReplicaState::vacant;
    slot.in_run = false;
    lost = true;
  }
  for (ReplicaSlot &slot : slots()) {
    if (slot.state != ReplicaState::running) continue;
    const ReplicaSlot &evaluator = data->slots[slot.evaluator];
    if (evaluator.state == ReplicaState::running && evaluator.batch == slot.batch) continue;
    slot.state = ReplicaState::ready;
    slot.evaluator = -1;
    data->retries++;
  }
  if (lost) count_replicas();
}

}    // namespace mlff
