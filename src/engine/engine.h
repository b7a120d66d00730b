// Edges in, energies and edge gradients out: the one interface between a model and everything that
// uses it.
#pragma once

#include "core/graph.h"
#include "potential/potential.h"

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace mlff {

/// An engine that is missing, cannot run a model, or met numbers that are not finite.
struct EngineError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Result {
  std::vector<double> energy;         ///< [n_structures] eV, summed in fixed order
  std::vector<double> atom_energy;    ///< [n_centres] eV
  std::vector<double>
      gradient;    ///< [n_edges][3] dE/dr, eV/Å: F_i += g, F_j -= g, virial_ab -= r_a g_b

  /// [n_centres][3] dE/dx of the long-range block, eV/Å: F_i -= g, and, in open structures,
  /// virial_ab -= x_a g_b. Its sum over a structure is zero. Empty for models of edges alone.
  std::vector<double> position_gradient;

  /// [n_centres][6] xx, yy, zz, xy, xz, yz of dE/dstrain of the long-range block in periodic
  /// structures, eV: virial -= g. Of every atom that of the sums it receives; zeros in open
  /// structures. Empty where the graph has no cells, and for models of edges alone.
  std::vector<double> strain_gradient;
};

/// Copies features to ghosts and sums gradients back, once per layer. A style on several ranks
/// provides it.
class GhostExchange {
 public:
  virtual ~GhostExchange() = default;

  /// Fills rows n_centres .. n_atoms-1 of features [n_atoms][width] from the ranks that own those
  /// atoms.
  virtual void forward(float *features, int width) = 0;
  virtual void forward(double *features, int width) = 0;

  /// Adds those rows of gradient [n_atoms][width] to the rows of their owners.
  virtual void reverse(float *gradient, int width) = 0;
  virtual void reverse(double *gradient, int width) = 0;

  /// Sums of n numbers over all ranks, and the largest of each: every rank gets them. For models
  /// with a long-range block.
  virtual void sum(double *values, int n) = 0;
  virtual void largest(double *values, int n) = 0;

  virtual int rank() const = 0;
  virtual int n_ranks() const = 0;
};

/// How the host engine evaluates the filter of an edge: by its definition, or by a cubic spline
/// over the distance. automatic: exact in double precision, spline in single (it changes forces by
/// less than a relative 1e-6).
enum class Filter { automatic, exact, spline };

/// How a long-range block (long_range.h) is summed: over pairs, exactly; over plane waves, in time
/// linear in the number of atoms; or by whichever is expected to be faster for the system at hand.
enum class FmmForm { automatic, direct, linear };

/// Precision of features and products. Distances, the cutoff function and energy sums are always
/// double.
enum class Precision { single_precision, double_precision };

struct EngineOptions {
  std::string engine = "auto";    ///< a name of available_engines(), or "auto": the first of them
  Precision precision = Precision::single_precision;
  int threads =
      /// at most this many; 0: OMP_NUM_THREADS, fewer where they would slow a small system down
      0;
  std::string device =
      "auto";    ///< torch engine: "cpu", "cuda", or "auto": cuda where LibTorch finds it
  Filter filter = Filter::automatic;    ///< host engine
  int device_index = -1;                ///< torch engine on cuda: number of the GPU; -1: the first
  FmmForm fmm = FmmForm::automatic;     ///< form of a long-range block
  void *stream =
      /// torch engine on cuda: cudaStream_t of the program around it on that GPU; null: LibTorch's
      /// own
      nullptr;
};

class Engine {
 public:
  virtual ~Engine() = default;

  /// Energies and edge gradients of all structures of a graph. Results for a structure do not
  /// depend on the others. Throws EngineError where an energy is not finite, and where the graph
  /// has ghosts but no exchange is given.
  virtual void evaluate(const Graph &graph, Result &result, GhostExchange *exchange = nullptr) = 0;

  /// Whether evaluate takes a GhostExchange: a system may then be spread over ranks.
  virtual bool exchanges() const = 0;

  /// Estimated memory of one evaluation.
  virtual std::size_t bytes(int atoms, int edges) const = 0;

  /// Cores that an evaluation keeps busy at most; 0 where it runs on another device.
  virtual int cores() const = 0;

  /// Name, precision, device and threads, as one line for a log.
  virtual std::string description() const = 0;
};

/// The engines of this build, best first.
std::vector<std::string> available_engines();

/// Throws EngineError naming what is missing or unknown.
std::unique_ptr<Engine> make_engine(const Potential &potential, const EngineOptions &options = {});

/// Sums atom energies per structure in atom order; throws EngineError naming the first structure
/// whose energy is not finite.
void sum_energies(const Graph &graph, Result &result);

/// Throws EngineError where the graph lacks the positions that a model with a long-range block
/// needs.
void check_positions(const Graph &graph);

/// Forces of all centres, [n_centres][3] eV/Å, from edge gradients; for systems without ghosts.
void sum_forces(const Graph &graph, const Result &result, std::vector<double> &forces);

/// "single" or "double"; throws EngineError for other words.
Precision precision_of(const std::string &word);

/// "auto", "direct" or "linear"; throws EngineError for other words.
FmmForm fmm_form_of(const std::string &word);

/// "auto", "exact" or "spline"; throws EngineError for other words.
Filter filter_of(const std::string &word);

}    // namespace mlff
