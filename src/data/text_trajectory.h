// A trajectory in a text file: lines with their numbers, for messages that name the place.
#pragma once

#include "data/trajectory.h"

#include <fstream>
#include <string>
#include <string_view>

namespace mlff {

/// Base of the readers of extended XYZ and of LAMMPS' dumps.
class TextTrajectory : public TrajectoryReader {
 public:
  /// Share of the file's bytes that were read, 0 to 1.
  double progress() const override;

 protected:
  /// Opens the file. Throws FileError.
  TextTrajectory(const std::string &path, const ReadOptions &options);

  std::string path;
  ReadOptions options;
  std::string text;     ///< last line read, without its end
  long n_frames = 0;    ///< number of the present frame, from 1

  /// Reads the next line into `text`; false at the end of the file. Throws FileError for a byte
  /// that is zero.
  bool read_line();

  /// An error at the last line read.
  FileError fail(const std::string &what) const;

  /// The number of a word. Throws FileError that names `quantity` if one is given.
  double number_of(std::string_view word, const std::string &quantity = "") const;

 private:
  std::ifstream file;
  double size = 0.0, position = 0.0;    // bytes
  long line = 0;
};

}    // namespace mlff
