// Start of every engine on the processor: kernels for its instruction set and type of features, and
// threads.
#pragma once

#include "core/engine_info.h"
#include "core/engine_options.h"
#include "kernels/instruction_set.h"
#include "kernels/kernel_table.h"

#include <omp.h>

#include <memory>

namespace mlff {

/// The table of the instruction set that choose_instruction_set gives.
template <typename Table>
const Table &select_kernels(InstructionSet set, const KernelSets<Table> &sets)
{
  return set == InstructionSet::avx512 ? sets.avx512
      : set == InstructionSet::avx2    ? sets.avx2
                                       : sets.generic;
}

/// The functions of a table for features of type T.
template <typename T, typename Table> const auto &functions_of(const Table &table)
{
  if constexpr (sizeof(T) == sizeof(float))
    return table.single;
  else
    return table.full;
}

/// Kernels and threads that the options of an engine with features of type T choose.
template <typename T, template <typename> class Functions> struct HostKernels {
  /// Throws EngineError for an instruction set that the processor lacks.
  HostKernels(const EngineOptions &options, const KernelSets<KernelTable<Functions>> &sets) :
      set(choose_instruction_set(options.instruction_set)),
      call(functions_of<T>(select_kernels(set, sets))),
      threads(options.threads > 0 ? options.threads : omp_get_max_threads())
  {
  }

  InstructionSet set;
  const Functions<T> &call;
  int threads;    ///< largest number of threads

  EngineInfo info() const
  {
    EngineInfo info;
    info.instruction_set = set;
    info.precision = precision_of_type<T>;
    info.threads = threads;
    return info;
  }
};

/// Makes an Of<float> or Of<double>, as the option `precision` asks.
template <typename Product, template <typename> class Of, typename Model>
std::unique_ptr<Product> make_in_precision(const Model &model, const EngineOptions &options)
{
  if (options.precision == Precision::single_precision)
    return std::make_unique<Of<float>>(model, options);
  return std::make_unique<Of<double>>(model, options);
}

}    // namespace mlff
