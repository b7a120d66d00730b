// Frames of a trajectory in order, with times, masses, and positions that do not jump at the
// borders of the box.
#pragma once

#include "data/trajectory.h"
#include "structure/structure.h"

#include <cmath>
#include <deque>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace mlff {

struct FramesOptions {
  ReadOptions read;    ///< units, keys and elements that the file does not give
  /// fs, times the number of the step gives the time where a file has none; 0: not given
  double timestep = 0.0;
  double interval = 0.0;    ///< fs between frames, whatever the file says; 0: not given
  double skip = 0.0;        ///< ps to leave out at the beginning
  /// fs: frames that come earlier after the one before are left out; 0: none
  double every = 0.0;
  /// A file with one number a frame (blank lines and those that begin with # do not count), or a
  /// key of the comment line of extended XYZ; empty: all weights are 1.
  std::string weights;
};

/// Times and lengths in ps and Å.
struct Frame {
  Structure structure;      ///< positions as in the file, masses always there
  std::vector<double> x;    ///< [n][3] positions, without jumps by the length of a periodic box
  double time = std::nan("");    ///< since the first frame
  bool follows = false;          ///< comes interval() after the one before
  double weight = 1.0;           ///< 0 or above
};

/// Reads ahead some 64 frames for the usual time between two of them. All frames must have the
/// atoms of the first one. Throws FileError.
class TrajectoryFrames {
 public:
  TrajectoryFrames(const std::string &path, const FramesOptions &options);

  bool next(Frame &frame);

  /// Positions of the frame given last, with molecules put together across borders of the box;
  /// later frames go on from them.
  void go_on_from(const std::vector<double> &x) { last = x; }

  /// ps between frames, the median of the first; nan where the file does not tell
  double interval() const { return spacing; }
  /// Frames that are read and not given yet.
  const std::deque<Structure> &read_ahead() const { return ahead; }

  double progress() const { return reader->progress(); }
  const std::string &path() const { return name; }

 private:
  std::string name;
  FramesOptions options;
  std::unique_ptr<TrajectoryReader> reader;
  std::ifstream weights;    // file of weights
  long weight_line = 0;
  std::deque<Structure> ahead;
  std::deque<double> ahead_weights;
  double weight_read = 1.0;    // of the frame read last
  double spacing = std::nan(""), first_time = std::nan(""), last_time = std::nan("");
  long n_read = 0, n_given = 0;
  double last_read = std::nan("");    // time of the frame read last
  std::vector<int> numbers;
  std::vector<double> last;    // positions without jumps

  bool read(Structure &frame);
  bool read_any(Structure &frame);
  double time_of(const Structure &frame) const;
  bool weight_of_file(double &weight);
  double weight_of(const Structure &frame);
};

/// Positions of a frame [n][3] (Å), moved by whole vectors of its periodic directions to where they
/// are nearest to those before.
std::vector<double> unwrapped(const Structure &frame, const std::vector<double> &before);

/// Inverse of a matrix of rows; false where it has none.
bool inverse(const std::array<double, 9> &matrix, std::array<double, 9> &result);

}    // namespace mlff
