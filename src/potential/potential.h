// Potential: the weights and metadata of a model, and the file that holds both.
#pragma once

#include "core/errors.h"
#include "potential/model_sizes.h"
#include "potential/potential_error.h"
#include "potential/repulsion/repulsive_core.h"
#include "potential/tensor.h"
#include "potential/tensor_table.h"
#include "structure/bonded_molecule.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mlff {

struct ModelKind;

/// Range of an element in the training data.
struct TrainingRange {
  double force = 0.0;      ///< largest norm of a force on its atoms, eV/Å
  double nearest = 0.0;    ///< shortest distance of its atoms to any neighbor, Å
};

/// Weights and metadata of a model. Energies eV, lengths Å, velocities Å/ps, time fs.
struct Potential {
  /// Newest version this code reads. It writes the oldest one that can hold a potential: 2 where
  /// there is a repulsive core, which older versions of mlff would silently leave out, else 1.
  static constexpr int format_version = 2;

  /// Values of types that the model knows: painn_sizes(potential), jump_record(potential), ...
  ModelSizes sizes;

  /// Atomic number of each species; more than once only where a jump network has classes of an
  /// element.
  std::vector<int> elements;
  double cutoff = 0.0;    ///< Å
  std::string date;       ///< YYYY-MM-DD, printed by LAMMPS as it does for its own potentials
  std::string citation;
  std::string training = "{}";    ///< JSON: data, teacher, seeds, command line, held-out errors

  /// [n_species], empty where the range is not known; metadata key `range`.
  std::vector<TrainingRange> range;

  /// Cores that repel atoms which come too near, added to what the network gives; empty: none.
  /// Metadata key `core`.
  RepulsiveCore core;
  std::string sha256;    ///< SHA-256 of the tensor bytes as stored; filled by read and write
  std::map<std::string, Tensor> tensors;

  /// Reads and checks a file. Throws PotentialError for: a file that cannot be opened or is
  /// truncated, a bad header, a newer format_version, an unknown model, a missing, unknown or
  /// mis-shaped tensor, a weight that is not finite, a training range that does not fit the
  /// elements, a wrong hash.
  static Potential read(const std::string &path);

  /// Checks and writes a file, completely or not at all. Throws PotentialError, also where `path`
  /// exists and `overwrite` is false.
  void write(const std::string &path, bool overwrite = false);

  /// Throws PotentialError (with `path` in its message) unless tensors, sizes, elements, cutoff and
  /// range fit together.
  void check(const std::string &path) const;

  /// Hash that is the same for potentials of equal weights and cores alone; `sha256` where there is
  /// no core.
  std::string identity() const;

  int n_species() const { return int(elements.size()); }

  /// The kind of the model. Throws PotentialError for a potential without a model.
  const ModelKind &kind() const;
  void set_kind(const ModelKind &kind) { kind_of_model = &kind; }
  std::string model() const;    ///< name of the model

  /// "F32 L2 K20", of painn-fmm "F32 L2 K20 + 1 node layer H4 C8 T6", or of molecule-mlp "64 64"
  std::string size_text() const;
  std::int64_t n_parameters() const;
  std::string element_names() const;    ///< "H C O"; of a jump network the names of its species

 private:
  const ModelKind *kind_of_model = nullptr;
};

/// Every tensor that the model of a potential has, by its metadata.
TensorTable tensors_of(const Potential &potential);

}    // namespace mlff
