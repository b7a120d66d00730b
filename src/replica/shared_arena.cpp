// Anonymous memory of one process (memfd), grown as needed, and its maps in other processes.
#include "replica/shared_arena.h"

#include "core/errors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace mlff {

void throw_no_shared_memory(const char *what)
{
  throw EngineError("no shared memory for " + std::string(what) + ": " + std::strerror(errno));
}

SharedArena::SharedArena() : descriptor(memfd_create("mlff-replica", MFD_CLOEXEC))
{
  if (descriptor < 0) throw_no_shared_memory("a batch of replicas");
}

SharedArena::~SharedArena()
{
  if (start) munmap(start, size);
  close(descriptor);
}

char *SharedArena::reserve(std::size_t bytes)
{
  if (bytes <= size) return start;
  // room to grow by, since every growth makes all other processes map the arena again
  const std::size_t wanted = bytes + bytes / 4 + 4096;
  if (ftruncate(descriptor, off_t(wanted)) != 0) throw_no_shared_memory("the call of a replica");
  if (start) munmap(start, size);
  void *at = mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  start = at == MAP_FAILED ? nullptr : static_cast<char *>(at);
  size = start ? wanted : 0;
  if (!start) throw_no_shared_memory("the call of a replica");
  return start;
}

char *ArenaView::map(const ProcessIdentity &process, int file, std::size_t bytes)
{
  if (start && owner == process && capacity == bytes) return start;
  unmap();
  const std::string path = "/proc/" + std::to_string(process.pid) + "/fd/" + std::to_string(file);
  const int opened = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (opened < 0) return nullptr;
  void *at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, opened, 0);
  close(opened);
  if (at == MAP_FAILED) return nullptr;
  owner = process;
  capacity = bytes;
  start = static_cast<char *>(at);
  return start;
}

void ArenaView::unmap()
{
  if (start) munmap(start, capacity);
  start = nullptr;
}

}    // namespace mlff
