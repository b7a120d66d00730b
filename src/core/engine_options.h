// Options of engines: which one evaluates a model, and how. Styles, settings files and command
// lines set them by word and value.
#pragma once

#include "core/words.h"

#include <string>
#include <vector>

namespace mlff {

/// Precision of features and products. Distances, the cutoff function and energy sums are always
/// double.
enum class Precision { single_precision, double_precision };

inline constexpr Word<Precision> precision_words[] = {{"single", Precision::single_precision},
                                                      {"double", Precision::double_precision}};

/// Precision of an engine whose features have type T, float or double.
template <typename T>
inline constexpr Precision precision_of_type = sizeof(T) == sizeof(float)
    ? Precision::single_precision
    : Precision::double_precision;

/// Evaluation of the filter of an edge by the host engine: by its definition, or by a cubic spline
/// over the distance. automatic means exact in double precision and spline in single precision; the
/// spline changes forces by less than a relative 1e-6.
enum class Filter { automatic, exact, spline };

inline constexpr Word<Filter> filter_words[] = {
    {"auto", Filter::automatic}, {"exact", Filter::exact}, {"spline", Filter::spline}};

/// Replaces Filter::automatic by its meaning for a precision.
inline constexpr Filter filter_for(Filter filter, Precision precision)
{
  if (filter != Filter::automatic) return filter;
  return precision == Precision::single_precision ? Filter::spline : Filter::exact;
}

/// Sum of a long-range block (long_range.h): over pairs, exactly; over plane waves, in time linear
/// in the number of atoms; or by whichever is expected to be faster for the system at hand.
enum class LongRangeForm { automatic, direct, linear };

inline constexpr Word<LongRangeForm> long_range_form_words[] = {{"auto", LongRangeForm::automatic},
                                                                {"direct", LongRangeForm::direct},
                                                                {"linear", LongRangeForm::linear}};

/// Instructions of the processor that the kernels of the host engine use (kernels/
/// instruction_set.h). automatic: the set that the environment variable MLFF_ISA names, else the
/// best one of the processor.
enum class InstructionSet { automatic, generic, avx2, avx512 };

inline constexpr Word<InstructionSet> instruction_set_words[] = {
    {"auto", InstructionSet::automatic},
    {"generic", InstructionSet::generic},
    {"avx2", InstructionSet::avx2},
    {"avx512", InstructionSet::avx512}};

struct EngineOptions {
  std::string engine = "auto";    ///< a name of available_engines(), or "auto": the first of them
  Precision precision = Precision::single_precision;
  /// Largest number of threads; 0: OMP_NUM_THREADS, and fewer where so many would slow a small
  /// system down.
  int threads = 0;
  /// torch engine: "cpu", "cuda" (with a LibTorch for ROCm an AMD GPU), "xpu" (a GPU of Intel),
  /// or "auto": cuda where LibTorch finds it
  std::string device = "auto";
  Filter filter = Filter::automatic;    ///< host engine
  int device_index = -1;                ///< torch engine on a GPU: its number; -1: the first
  LongRangeForm long_range = LongRangeForm::automatic;    ///< form of a long-range block
  /// torch engine on cuda: cudaStream_t of the program around it on that GPU; null: LibTorch's
  /// own
  void *stream = nullptr;
  InstructionSet instruction_set = InstructionSet::automatic;    ///< host engine

  /// Whether `device` names a GPU, which the host engine does not use.
  bool wants_gpu() const { return device != "auto" && device != "cpu"; }

  /// Sets the option that `word` names (words()). Throws OptionError for a value that it does not
  /// take, and EngineError for an unknown word.
  void set(const std::string &word, const std::string &value);

  /// engine, precision, threads, device, filter, fmm (or long_range), instruction_set.
  static const std::vector<std::string> &words();
  static std::string word_list();    ///< words() joined by commas, for messages
  static bool knows(const std::string &word);

  /// The values that an option of words takes; none for a number. Throws EngineError for an unknown
  /// word.
  static std::vector<std::string> values(const std::string &word);
};

/// The engines of this build, best first.
std::vector<std::string> available_engines();

/// "single" or "double"; throws OptionError for other words.
Precision precision_of(const std::string &word);

/// "auto", "direct" or "linear"; throws OptionError for other words.
LongRangeForm long_range_form_of(const std::string &word);

/// "auto", "exact" or "spline"; throws OptionError for other words.
Filter filter_of(const std::string &word);

}    // namespace mlff
