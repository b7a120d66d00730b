// Distributions of bond lengths, angles and dihedrals.
#pragma once

#include "analysis/quantity.h"
#include "analysis/topology.h"
#include "analysis/trajectory_frames.h"

namespace mlff {

/// Bonds in Å, angles and dihedrals in degrees, dihedrals -180 to 180 (IUPAC's sign). Frames count
/// by their weights.
class CoordinateDistributions {
 public:
  explicit CoordinateDistributions(const Topology &topology);

  void add(const Frame &frame);

  /// Mean and width (standard deviation over all of a kind) of bonds and angles of each kind, and
  /// frames, whatever their weight above 0, in which a bond is longer than 1.6 sums of the radii.
  std::vector<Quantity> quantities() const;

  /// Distributions of each kind as densities.
  std::vector<Curve> curves() const;

  /// Differences from another trajectory: root mean squares over all bonds, and over all angles, of
  /// the differences of their means and widths, and Jensen-Shannon distances of the distributions
  /// of each kind.
  std::vector<Quantity> compare(const CoordinateDistributions &other) const;

 private:
  struct Moments {
    double mean = 0.0, squares = 0.0;
  };
  struct Family {
    std::string name;
    double low, width;    // first bin's lower end, width of a bin
    int bins;
    std::vector<int> kind;             // [coordinates]
    std::vector<std::string> names;    // [kinds]
    std::vector<Moments> each;
    std::vector<std::vector<double>> histogram;    // [kind]

    /// total: sum of weights, this one included
    void add(std::size_t k, double value, double weight, double total);
  };
  const Topology &topology;
  std::vector<int> numbers;
  Family bonds, angles, dihedrals;
  double total = 0.0;    // sum of weights
  long broken = 0;
};

/// Angle of a dihedral in radians, -pi to pi.
double dihedral_angle(const double *a, const double *b, const double *c, const double *d);

}    // namespace mlff
