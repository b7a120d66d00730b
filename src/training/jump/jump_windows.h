// Windows of plain Newtonian dynamics (NVE) for jump networks: trajectories with every step, read,
// checked and cut at load time.
#pragma once

#include "data/numpy/npz.h"
#include "models/jump/gradient/jump_gradient.h"
#include "structure/bonds.h"
#include "teacher/teacher.h"

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace mlff {

/// The teacher that gave the forces of a trajectory, or is to give some.
struct TrajectoryTeacher {
  std::optional<TeacherSettings> settings;    ///< none: not known, or not wanted
  int charge = 0, unpaired_electrons = 0;     ///< state of the molecule
};

/// Successive steps of one molecule under its own forces, in the frame of its centre of mass.
struct NveSegment {
  int frames = 0;
  std::vector<double> x, v, f;    ///< [frames][n][3] Å, Å/ps, eV/Å
  std::vector<double> energy;     ///< [frames] potential energy, eV; empty: not known
};

struct NveTrajectory {
  std::string file;
  std::vector<int> numbers;    ///< [n] atomic numbers
  std::vector<double> mass;    ///< [n] g/mol
  /// Pairs of atoms that are bonded, by their mean distances.
  std::vector<std::pair<int, int>> bonds;
  std::vector<int> species;    ///< [n] species of the model
  std::vector<NveSegment> segments;
  double temperature = 0.0;     ///< K, of the thermostat before the windows; 0: not known
  TrajectoryTeacher teacher;    ///< teacher of the forces, where a manifest tells it

  int n_atoms() const { return int(numbers.size()); }
};

/// Reads an extended XYZ file with velocities and forces, as mlff label --sampling nve writes it. A
/// segment ends where a time step is missing. Within a segment every step must be one of velocity
/// Verlet with this time step (fs): positions within 2e-5 Å, velocities within 1e-2 Å/ps, so
/// increments of a thermostat, other masses or another time step are refused. Masses are those of
/// the file, or standard atomic weights where it has none. A manifest.json beside the file gives
/// temperature and method. Throws FileError naming file and frame.
NveTrajectory read_nve(const std::string &file, double timestep);

/// Species of a jump potential for the atoms of a structure, by element or by environment. Throws
/// FileError naming the atom.
std::vector<int> jump_species(const Potential &potential, const std::vector<int> &numbers,
                              const std::vector<std::pair<int, int>> &bonds);

/// Several windows side by side: their starts as input, their ends as the reference result.
struct JumpBatch {
  GraphStorage graph;
  std::vector<double> x, mass, velocity, force;
  std::vector<double> force_after;    ///< forces at the ends
  std::vector<int> stride;
  JumpResult reference;

  JumpInput input() const { return {mass, velocity, force, stride}; }
  void clear();
};

/// Changes of a window before the network learns from it.
struct WindowNoise {
  bool rotate = false;    ///< a random rotation
  /// Standard deviation of the coordinates of the start, Å for a hydrogen, less for heavier atoms
  /// (1/√m).
  double position = 0.0;
  /// Standard deviation of the velocities of the start, for heavier atoms as well less, Å/ps; the
  /// changes to be learned stay.
  double velocity = 0.0;
};

struct Window {
  const NveTrajectory *trajectory = nullptr;
  int segment = 0, start = 0, steps = 0;    ///< frames start and start + steps
  int stride = 0;                           ///< number in JumpRecord::strides
  bool reversed = false;    ///< whether the window runs backward in time, with velocities reversed
};

/// Adds a window to a batch; `generator` only where there is noise.
void append_window(const Window &window, double cutoff, JumpBatch &batch,
                   const WindowNoise &noise = {}, std::mt19937 *generator = nullptr);

/// Adds a chain of `jumps` windows in a row, of which `window` is the first (backward in
/// time it starts `jumps` windows after window.start). Places after 1 .. jumps strides are added to
/// `after`.
void append_chain(const Window &window, int jumps, double cutoff, JumpBatch &batch,
                  std::vector<JumpChain::Place> &after, const WindowNoise &noise = {},
                  std::mt19937 *generator = nullptr);

/// Every `every`-th window of `steps` steps of a trajectory, forward in time.
std::vector<Window> windows_of(const NveTrajectory &trajectory, int steps, int stride, int every);

/// All windows of trajectories, drawn by number; the trajectories must outlive it.
class WindowSource {
 public:
  /// `steps`: steps of each stride. Molecules are distinguished by their atoms in order. Throws
  /// FileError if a molecule has no window of a stride.
  WindowSource(const std::vector<NveTrajectory> &trajectories, const std::vector<int> &steps,
               bool reversed);

  int n_molecules() const { return int(molecules.size()); }
  const std::string &molecule_name(int m) const { return molecules[m].name; }

  bool reverses() const { return reversed; }

  /// Windows of a stride over all molecules, both directions of time counted where both are drawn.
  long size(int stride) const;

  /// A random window of this molecule and stride.
  Window draw(int molecule, int stride, std::mt19937 &generator) const;

  /// Every `every`-th window of a stride, forward in time.
  std::vector<Window> all(int stride, int every) const;

 private:
  struct Piece {
    const NveTrajectory *trajectory;
    int segment;
    long first;    // number of its first window
  };
  struct Molecule {
    std::string name;
    std::vector<std::vector<Piece>> pieces;    // [strides]
    std::vector<long> windows;                 // [strides] number of windows
  };
  std::vector<const NveTrajectory *> trajectories;
  std::vector<int> steps;
  bool reversed;
  std::vector<Molecule> molecules;
};

}    // namespace mlff
