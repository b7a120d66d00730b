// Labelled frames for training: read, chosen, labelled by teachers, with their neighbor graphs.
#pragma once

#include "data/input_record.h"
#include "potential/potential.h"
#include "structure/structure.h"
#include "teacher/teacher.h"
#include "training/train_settings.h"

#include <random>

namespace mlff {

struct TrainingFrame {
  Structure structure;    ///< its labels, where given: energy, forces and stress
  GraphStorage graph;     ///< neighbors within this structure
  /// eV: the stress times the volume, xx, yy, zz, xy, xz, yz; none where there is no stress
  std::optional<std::array<double, 6>> strain_gradient;
  std::vector<double> atom_energy;    ///< eV, by the teachers; empty: none
  std::vector<double> atom_weight;    ///< factor on the loss of the force on each atom, 0 to 1
  double weight = 1.0;                ///< factor on the loss of the frame
  std::string file;                   ///< file of the frame
  long number = 0;                    ///< number of the frame in its file, from 1
};

struct TrainingData {
  std::vector<TrainingFrame> train, valid;
  std::vector<int> elements;    ///< atomic numbers, ascending
  /// [elements] eV: least squares over the training frames, or means of the teachers' atom
  /// energies where these are learned.
  std::vector<double> reference_energy;
  double scale = 1.0;    ///< root mean square of the training forces, eV/Å
  /// [elements] forces and distances of the training frames; empty where an element has no forces.
  std::vector<TrainingRange> range;
  long left_out = 0;    ///< frames above max_force
};

/// Reads all files of the settings. `elements`: those the model knows (empty: those of the data),
/// `cutoff` of its graphs (Å). `teacher` gives labels where the settings ask for them; the labels
/// of `minus` are taken away from all. Both may be null. Shows progress. Throws FileError naming
/// file and frame.
TrainingData read_training_data(const TrainSettings &settings, const std::vector<int> &elements,
                                double cutoff, Teacher *teacher, Teacher *minus = nullptr);

/// The files that a training reads, with their contents: data, potentials, and data of the first
/// training. Throws FileError if one cannot be read.
InputRecord recorded_files(const TrainSettings &settings);

/// Number of frames that have a stress.
long frames_with_stress(const std::vector<TrainingFrame> &frames);

/// The numbers 0 .. n-1 shuffled, the same on every machine.
std::vector<int> shuffled(int n, std::uint64_t seed);

/// Energies e of elements that minimise sum (E - sum_z n_z e_z)^2; the smallest of equally good
/// ones. [elements]
std::vector<double> least_squares_energies(const std::vector<TrainingFrame> &frames,
                                           const std::vector<int> &elements);

}    // namespace mlff
