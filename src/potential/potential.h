// The potential file: one .safetensors file with our metadata, read and written here and nowhere
// else.
#pragma once

#include "core/errors.h"
#include "structure/bonded_molecule.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mlff {

/// A named array of a potential. Values are kept in double; `dtype` ("F32" or "F64") is how the
/// file stores them.
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
  double norm_floor =
      /// e of the norm sqrt(v.v + e) in updates. So small, energies have a kink where a vector
      /// vanishes by symmetry
      1e-8;
};

/// Sizes of the long-range block of painn-fmm (long_range.h); in the file hyperparameters that
/// begin with fmm_.
struct FmmSizes {
  int layers = 0;    ///< node layers behind the local ones; 0: none
  int directions =
      /// of the highest frequency, at most, in the linear form; 0: as many as the size of a system
      /// asks for
      0;
  double kappa_min = 0.0,
         kappa_max =
             1.0;    ///< 1/Å, first and last of the radial frequencies, which are evenly spaced
  int kappa_count = 6;    ///< T
  int heads = 4;          ///< H
  int key_width = 8;      ///< d, of queries and keys of a head
  int value_width = 8;    ///< C, of the values of a head; 0: features / heads
  std::string precision =
      "engine";    ///< of the block: that of the engine, or "double". Phases are always double

  double kappa(int t) const
  {
    return kappa_count > 1 ? kappa_min + (kappa_max - kappa_min) * t / (kappa_count - 1)
                           : kappa_max;
  }
  /// H C
  int channels(int features) const
  {
    return heads * (value_width > 0 ? value_width : features / heads);
  }
};

/// How far the training data of an element reach.
struct TrainingRange {
  double force = 0.0;      ///< largest norm of a force on its atoms, eV/Å
  double nearest = 0.0;    ///< shortest distance of its atoms to any neighbor, Å
};

/// What a jump network (models that begin with kstep-) records beside its weights. A jump maps
/// positions, velocities and forces to those one stride later.
struct JumpRecord {
  /// A species of atoms: an element, or a finer class of its atoms by what they are bonded to.
  struct Species {
    std::string name;    ///< "C", or of a class "C1"
    std::string
        /// of a class: what tells its atoms from others, see src/training/jump/jump_windows.h; else
        /// empty
        environment;
    double mass = 0.0;    ///< g/mol, in training

    // largest norms in the training windows
    double velocity = 0.0, force = 0.0;                  ///< at their start, Å/ps and eV/Å
    double displacement = 0.0, velocity_change = 0.0;    ///< over the longest stride, Å and Å/ps
  };
  double timestep = 0.0;               ///< of the dynamics it learned from, fs
  std::vector<double> strides;         ///< fs, ascending
  std::vector<double> temperatures;    ///< of the training data, K; empty: not known
  std::vector<Species> species;    ///< [n_species]; their atomic numbers are Potential::elements

  // of the variants kstep-egnn and kstep-transformer only
  bool published =
      /// their published form, which rotations change (see jump_defects); else the corrected one
      false;
  double bound =
      10.0;         ///< of the norm of a scaled prediction; published: of each of its components
  int heads = 4;    ///< of attention; kstep-transformer only

  /// While kstep-painn is trained: a third prediction beside u_x and u_v, the force after the jump,
  /// scaled as the force at its start. No file has it, and no engine but the gradient's.
  bool force_head = false;
  int predictions() const { return force_head ? 3 : 2; }
};

/// What a network of one molecule (model molecule-mlp) records beside its weights, see
/// molecule_mlp.h.
struct MoleculeRecord : BondedMolecule {
  std::vector<int> widths;    ///< of the hidden layers
};

/// Weights and metadata of a model. Energies eV, lengths Å, velocities Å/ps, time fs.
struct Potential {
  static constexpr int format_version =
      1;    ///< newest version this code reads, and the one it writes

  std::string model = "painn";
  PainnSizes sizes;    ///< of models with PaiNN's layers
  FmmSizes fmm;        ///< of painn-fmm
  std::vector<int>
      /// atomic number of each species; more than once only where a jump network has classes of an
      /// element
      elements;
  double cutoff = 0.0;    ///< Å
  std::string date;       ///< YYYY-MM-DD, printed by LAMMPS as it does for its own potentials
  std::string citation;
  std::string training = "{}";    ///< JSON: data, teacher, seeds, command line, held-out errors
  std::vector<TrainingRange>
      range;                  ///< [n_species], or empty where it is not known; metadata key `range`
  JumpRecord jump;            ///< of jump networks; metadata key `jump`
  MoleculeRecord molecule;    ///< of molecule-mlp; metadata key `molecule`
  std::string sha256;         ///< of the tensor bytes as stored; filled by read and write
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

  int n_species() const { return int(elements.size()); }
  bool is_jump() const { return model.starts_with("kstep-"); }
  bool is_global() const { return model == "painn-fmm"; }    ///< needs Graph::position
  bool is_molecule() const { return model == "molecule-mlp"; }
  /// "F32 L2 K20", of painn-fmm "F32 L2 K20 + 1 node layer H4 C8 T6", or of molecule-mlp "64 64"
  std::string size_text() const;
  /// a jump network for comparisons, in LibTorch only
  bool is_jump_variant() const { return is_jump() && model != "kstep-painn"; }
  std::int64_t n_parameters() const;
  std::string element_names() const;    ///< "H C O"; of a jump network the names of its species
};

/// Name and shape of every tensor that a model of these sizes has.
std::map<std::string, std::vector<std::int64_t>> painn_tensors(const PainnSizes &sizes,
                                                               int n_species);

/// Those of the long-range block of painn-fmm.
std::map<std::string, std::vector<std::int64_t>> fmm_tensors(const PainnSizes &sizes,
                                                             const FmmSizes &fmm);

/// The same for the jump network kstep-painn with so many predictions of an atom (JumpRecord). Rows
/// of embedding, vectors and linear: all species of the first stride, then those of the next (see
/// jump.h).
std::map<std::string, std::vector<std::int64_t>>
jump_tensors(const PainnSizes &sizes, int n_species, int n_strides, int predictions);

/// The same for molecule-mlp: layers from the inverse distances of all pairs of atoms.
std::map<std::string, std::vector<std::int64_t>> molecule_tensors(const MoleculeRecord &molecule,
                                                                  int n_species);
/// The same for its variants (jump_variants_torch.h), of the sizes, species, strides, form and
/// heads of a potential.
std::map<std::string, std::vector<std::int64_t>> jump_variant_tensors(const Potential &potential);

/// The same for the model of a potential, by its metadata.
std::map<std::string, std::vector<std::int64_t>> tensors_of(const Potential &potential);

/// Whether training moves a tensor of this name: not reference energies, scales and the linear fit,
/// which come from the data.
bool is_trained(const std::string &name);

}    // namespace mlff
