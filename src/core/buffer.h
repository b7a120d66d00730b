// Memory on cache lines.
#pragma once

#include <memory>
#include <new>

namespace mlff {

/// Uninitialised memory on cache lines that only grows.
template <typename T> class Buffer {
 public:
  T *resize(std::size_t n)
  {
    if (n > size) {
      const std::size_t with_room = n + n / 8;
      values.reset(static_cast<T *>(::operator new(with_room * sizeof(T), std::align_val_t(64))));
      size = with_room;
    }
    return values.get();
  }

  T *get() const { return values.get(); }

 private:
  struct Free {
    void operator()(T *p) const { ::operator delete(p, std::align_val_t(64)); }
  };
  std::unique_ptr<T, Free> values;
  std::size_t size = 0;
};

}    // namespace mlff
