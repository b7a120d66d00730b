// Anonymous memory of one process that other processes find through /proc and map. It has no name
// that could outlive the process.
#pragma once

#include "replica/process_identity.h"

#include <cstddef>

namespace mlff {

/// Memory of this process. Throws EngineError where the system gives none.
class SharedArena {
 public:
  SharedArena();
  ~SharedArena();
  SharedArena(const SharedArena &) = delete;
  SharedArena &operator=(const SharedArena &) = delete;

  /// Memory of at least so many bytes, on a cache line. The contents are lost when the memory
  /// grows.
  char *reserve(std::size_t bytes);

  char *memory() const { return start; }
  std::size_t capacity() const { return size; }
  int file() const { return descriptor; }    ///< descriptor in this process, for ArenaView

 private:
  int descriptor = -1;
  std::size_t size = 0;
  char *start = nullptr;
};

/// The arena of another process, mapped here as long as it stays the same one.
class ArenaView {
 public:
  ArenaView() = default;
  ~ArenaView() { unmap(); }
  ArenaView(const ArenaView &) = delete;
  ArenaView &operator=(const ArenaView &) = delete;

  /// Start of the arena; null if it cannot be opened any more.
  char *map(const ProcessIdentity &owner, int file, std::size_t capacity);

 private:
  ProcessIdentity owner;
  std::size_t capacity = 0;
  char *start = nullptr;

  void unmap();
};

/// Throws EngineError with the reason that errno holds.
[[noreturn]] void throw_no_shared_memory(const char *what);

}    // namespace mlff
