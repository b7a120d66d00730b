// Everything that mlff analyze finds in one trajectory, and how it differs from another one.
#pragma once

#include "analysis/observables/coordinate_distributions.h"
#include "analysis/observables/displacements.h"
#include "analysis/observables/effective_samples.h"
#include "analysis/observables/energy_drift.h"
#include "analysis/observables/pair_distances.h"
#include "analysis/observables/temperatures.h"
#include "analysis/observables/torsion_motion.h"
#include "analysis/observables/velocity_spectrum.h"
#include "analysis/statistics/distribution_distance.h"
#include "analysis/topology.h"
#include "analysis/trajectory_frames.h"

#include <functional>
#include <memory>
#include <string>

namespace mlff {

struct AnalysisOptions {
  FramesOptions frames;
  double lag = 2.0;       ///< ps, of correlation functions
  double r_max = 10.0;    ///< Å, of pair distances
  int rdf_every = 0;      ///< frames; 0: as many as keep it from dominating
  /// MiB for signals that are correlated, and as much for the series of effective samples
  std::size_t memory = 128;
  bool bonds = true;
  double core = 0.5;    ///< size of the core of a well (torsion_motion.h)
};

/// The whole of a trajectory, in one pass, in memory that does not grow with its length. Frames
/// with weights give averages and distributions; correlations in time, and velocities, are left
/// out. Throws FileError.
class TrajectoryAnalysis {
 public:
  TrajectoryAnalysis(const std::string &path, const AnalysisOptions &options,
                     const std::function<void(double share, long frames)> &report = {});

  const std::string &path() const { return name; }
  long frames() const { return n_frames; }
  int atoms() const { return int(numbers.size()); }
  long windows() const { return n_windows; }
  double duration() const { return interval * double(n_frames - n_windows); }    ///< ps
  double spacing() const { return interval; }                           ///< ps between frames
  double longest_lag() const { return interval * double(lags - 1); }    ///< ps
  const std::vector<int> &elements() const { return numbers; }
  /// Remarks on quantities that could not be found.
  const std::vector<std::string> &notes() const { return remarks; }

  const std::vector<Quantity> &quantities() const { return found; }
  const EffectiveSamples &samples() const { return *effective; }
  bool has_weights() const { return weighted; }
  double weight() const { return total_weight; }    ///< sum of weights, n without
  std::vector<Curve> curves() const;
  std::vector<VelocitySpectrum::Peak> peaks() const;
  double nyquist() const { return spectrum ? spectrum->nyquist() : 0.0; }
  double resolution() const { return spectrum ? spectrum->resolution() : 0.0; }

  /// Differences from another trajectory, of the same atoms. Throws FileError where they are
  /// others.
  std::vector<Quantity> compare(const TrajectoryAnalysis &other) const;

 private:
  std::string name;
  std::vector<int> numbers, all;    // atomic numbers; 0 .. n-1
  long n_frames = 0, n_windows = 0, with_energy = 0, with_velocities = 0;
  double interval = 0.0, total_weight = 0.0;
  bool weighted = false;
  int lags = 0;
  std::vector<std::string> remarks;
  std::vector<Quantity> found;

  Topology topology;
  std::unique_ptr<Temperatures> temperatures;
  std::unique_ptr<CoordinateDistributions> coordinates;
  std::unique_ptr<TorsionMotion> torsions;
  std::unique_ptr<PairDistances> distances;
  std::unique_ptr<VelocitySpectrum> spectrum;
  std::unique_ptr<Displacements> displacements;
  std::unique_ptr<EnergyDrift> drift;
  std::unique_ptr<EffectiveSamples> effective;
  ScalarSeries potential, weight_of_potential;    // two series of the same frames
  ScalarSeries linear, angular;                   // lengths of the momenta
  bool open = false;

  void start(TrajectoryFrames &frames, Frame &frame, const AnalysisOptions &options);
  void start_correlations(const Structure &first, const AnalysisOptions &options);
  void start_velocities(TrajectoryFrames &frames, const Frame &first, bool timed);

  /// The longest pair distance (Å), r_max or less where a periodic system has too many pairs.
  double pair_distance_limit(const Structure &first, double r_max);
  void add(const Frame &frame, int rdf_every);
  void finish();

  /// Potential energies as samples of a distribution, and whether they are independent.
  WeightedSamples samples_of_potential(bool independent) const;
  std::vector<Quantity> compare_potential(const TrajectoryAnalysis &other) const;
};

/// Without jumps at the borders of the box: atoms of each molecule next to those they are bonded
/// to.
std::vector<double> made_whole(const Structure &frame, const Topology &topology);

}    // namespace mlff
