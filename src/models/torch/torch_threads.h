// Thread count of LibTorch. This header includes Torch.
#pragma once

#include <ATen/Parallel.h>

#include <omp.h>

namespace mlff {

/// Sets LibTorch's thread count for as long as it lives and gives LAMMPS its own back: both read
/// the same OpenMP setting.
class ThreadScope {
 public:
  explicit ThreadScope(int threads) : before(omp_get_max_threads())
  {
    if (at::get_num_threads() != threads) at::set_num_threads(threads);
    omp_set_num_threads(threads);
  }
  ~ThreadScope() { omp_set_num_threads(before); }

 private:
  int before;
};

}    // namespace mlff
