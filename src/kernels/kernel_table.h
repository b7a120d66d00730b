// Tables of kernels that are compiled once for each instruction set. Included by those files:
// nothing here may be shared by the linker.
#pragma once

namespace mlff {

/// Functions of a model for features of both types.
template <template <typename> class Functions> struct KernelTable {
  Functions<float> single;
  Functions<double> full;
};

/// The two passes of a gradient over a group of structures: one that keeps every intermediate
/// value, and one that adds derivatives to sums.
template <typename Weights, typename Work, typename Sums> struct GradientPasses {
  void (*forward)(const Weights &, const Work &);
  void (*backward)(const Weights &, const Work &, const Sums &);
};

/// Kernels of a model: evaluation on several threads, and the passes of its gradient.
template <typename Weights, typename Work, typename Passes> struct ModelFunctions {
  void (*evaluate)(const Weights &, const Work &, int threads);
  Passes gradient;
};

/// The tables of one model, by instruction set.
template <typename Table> struct KernelSets {
  const Table &generic, &avx2, &avx512;
};

}    // namespace mlff

/// Declares the tables that the file `name`.cpp defines, one in each of its compilations, and all
/// of them as `name`.
// NOLINTBEGIN(bugprone-macro-parentheses): a type cannot stand in parentheses
#ifdef MLFF_X86_KERNELS
#define MLFF_DECLARE_KERNELS(Table, name)                        \
  extern const Table name##_generic, name##_avx2, name##_avx512; \
  constexpr ::mlff::KernelSets<Table> name = {name##_generic, name##_avx2, name##_avx512}
#else
#define MLFF_DECLARE_KERNELS(Table, name) \
  extern const Table name##_generic;      \
  constexpr ::mlff::KernelSets<Table> name = {name##_generic, name##_generic, name##_generic}
#endif
// NOLINTEND(bugprone-macro-parentheses)
