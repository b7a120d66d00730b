// The potential file: one .safetensors file with our metadata, read and written here and nowhere else.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace mlff {

/// A file that cannot be used. The message names the file, the key, what was found and what is expected.
struct PotentialError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A named array of a potential. Values are kept in double; `dtype` ("F32" or "F64") is how the file stores them.
struct Tensor {
  std::string dtype = "F32";
  std::vector<std::int64_t> shape;
  std::vector<double> values;    ///< row-major, product of shape
};

/// Sizes of a PaiNN model (K. Schütt, O. Unke, M. Gastegger, ICML 2021).
struct PainnSizes {
  int features = 0;    ///< F
  int layers = 0;      ///< L
  int radial = 0;      ///< K, number of radial functions
};

/// How far the training data of an element reach.
struct TrainingRange {
  double force = 0.0;      ///< largest norm of a force on its atoms, eV/Å
  double nearest = 0.0;    ///< shortest distance of its atoms to any neighbor, Å
};

/// Weights and metadata of a model. Energies eV, lengths Å, velocities Å/ps, time fs.
struct Potential {
  static constexpr int format_version = 1;    ///< newest version this code reads, and the one it writes

  std::string model = "painn";
  PainnSizes sizes;
  std::vector<int> elements;    ///< atomic number of each species
  double cutoff = 0.0;          ///< Å
  std::string date;             ///< YYYY-MM-DD, printed by LAMMPS as it does for its own potentials
  std::string citation;
  std::string training = "{}";         ///< JSON: data, teacher, seeds, command line, held-out errors
  std::vector<TrainingRange> range;    ///< [n_species], or empty where it is not known; metadata key `range`
  std::string sha256;                  ///< of the tensor bytes as stored; filled by read and write
  std::map<std::string, Tensor> tensors;

  /// Reads and checks a file. Throws PotentialError for: a file that cannot be opened or is truncated, a bad header,
  /// a newer format_version, an unknown model, a missing, unknown or mis-shaped tensor, a weight that is not finite,
  /// a training range that does not fit the elements, a wrong hash.
  static Potential read(const std::string &path);

  /// Checks and writes a file, completely or not at all. Throws PotentialError, also where `path` exists and
  /// `overwrite` is false.
  void write(const std::string &path, bool overwrite = false);

  /// Throws PotentialError (with `path` in its message) unless tensors, sizes, elements, cutoff and range fit together.
  void check(const std::string &path) const;

  int n_species() const { return int(elements.size()); }
  std::int64_t n_parameters() const;
  std::string element_names() const;    ///< "H C O"
};

/// Name and shape of every tensor that a model of these sizes has.
std::map<std::string, std::vector<std::int64_t>> painn_tensors(const PainnSizes &sizes, int n_species);

}    // namespace mlff
