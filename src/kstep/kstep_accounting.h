// Counters of fix kstep/hybrid: jumps and their verdicts, calls of the force, energies, times, and
// temperatures of elements and bonds.
#pragma once

#include "kstep/kstep_guard.h"
#include "kstep/kstep_molecules.h"

#include <array>
#include <cmath>
#include <string>
#include <vector>

namespace mlff {

/// Sums since the beginning; differences of two of them are those of a run.
struct KstepCounters {
  enum Entry {
    jumps,    ///< jumps decided on: of the whole system, or with Metropolis of each molecule
    accepted,
    not_finite,    ///< jumps rejected, by reason
    range,
    bond,
    energy,
    drift,
    metropolis,
    fallback,         ///< steps of velocity Verlet in the place of rejected jumps
    calls,            ///< force calls
    paused,           ///< steps without jumps, where these did not pay
    spared,           ///< jumps rejected before the force was called
    time,             ///< simulated time, ps
    energies,         ///< number of energy changes of a molecule in the next three sums
    change,           ///< sum of dE/kT
    change_square,    ///< sum of (dE/kT)²
    boltzmann,        ///< sum of exp(-dE/kT)
    rescaled,         ///< molecules whose velocities were rescaled
    work,             ///< energy that rescaling added, eV
    work_size,        ///< sum of the absolute values of `work`, eV
    added,            ///< energy added by jumps, rescaling and thermostat, eV
    proposals,        ///< calls of the model
    t_jump,           ///< time in the model, s
    t_force,    ///< time from the end of the first to the start of the second half of a step, s
    t_fix,      ///< time in the fix outside of the model, s
    n_entries
  };
  std::array<double, n_entries> value{};

  double &operator[](Entry entry) { return value[entry]; }
  double operator[](Entry entry) const { return value[entry]; }
  KstepCounters since(const KstepCounters &before) const;

  void count(KstepVerdict verdict);
  void count_energy(double change_in_kT);

  double rejected() const { return (*this)[jumps] - (*this)[accepted]; }
  /// Quotient of two sums; 0 where there is nothing to divide by.
  double ratio(Entry above, Entry below) const
  {
    return value[below] > 0.0 ? value[above] / value[below] : 0.0;
  }
  double acceptance() const { return ratio(accepted, jumps); }
  double mean_change() const { return ratio(change, energies); }    ///< mean of dE/kT
  double rms_change() const { return std::sqrt(ratio(change_square, energies)); }
  double mean_boltzmann() const { return ratio(boltzmann, energies); }    ///< mean of exp(-dE/kT)
  double jump_seconds() const { return ratio(t_jump, proposals); }        ///< one call of the model
  double force_seconds() const { return ratio(t_force, calls); }          ///< one call of the force
  double seconds() const { return value[t_force] + value[t_jump] + value[t_fix]; }

  /// Ratio of force calls to those of velocity Verlet with dt ps over the same time.
  double calls_saved(double dt) const;

  /// Ratio of the time that velocity Verlet with dt ps would spend in the force to the time taken.
  double speedup(double dt) const;

  /// Ratio of the time in the fix to the time of all steps.
  double fix_share() const { return seconds() > 0.0 ? value[t_fix] / seconds() : 0.0; }
};

/// Temperatures by equipartition: of each element (all motion), of each kind of hydrogen, named by
/// its neighbor, and of the stretching of each kind of bond (relative velocity along it). Means are
/// over samples, errors from blocks.
class KstepTemperatures {
 public:
  /// ps, longer than the correlation time of velocities
  static constexpr double block_time = 1.0;

  struct Mean {
    std::string name;                    ///< "C", "H(O)", "H-O"
    double temperature;                  ///< K
    double error;                        ///< standard error, K; infinite with less than four blocks
    int atoms;                           ///< number of atoms, or of bonds
    double length = 0.0, width = 0.0;    ///< mean and standard deviation of bonds, Å
  };

  KstepTemperatures() = default;
  explicit KstepTemperatures(const KstepMolecules &molecules);

  /// Adds a state, `time` ps after the one before.
  void sample(const KstepMolecules &molecules, std::span<const double> x, std::span<const double> v,
              double time);
  void reset();

  Mean all() const { return mean(0); }
  std::vector<Mean> elements() const;    ///< ascending atomic numbers
  std::vector<Mean> hydrogens() const;
  std::vector<Mean> bonds() const;

  /// Temperature of an element; 0 if there is none, or no sample.
  double of_element(int atomic_number) const;

  /// Elements, hydrogens and bonds whose temperature differs from that of all atoms by more than
  /// `tolerance` and by more than four standard errors.
  std::vector<Mean> odd(double tolerance) const;

 private:
  struct Group {
    std::string name;
    int element = 0;             // atomic number, where the group is an element
    std::vector<int> members;    // atoms, or bonds
    bool bonds = false;
    double sum = 0.0, block = 0.0, blocks = 0.0, squares = 0.0;
    double length = 0.0, length_square = 0.0;    // sums over samples of means over bonds
  };
  std::vector<Group> groups;    // all atoms, elements, hydrogens, bonds
  int first_hydrogen = 0, first_bond = 0;
  double samples = 0.0, block_samples = 0.0, block_length = 0.0, n_blocks = 0.0;
  // twice the kinetic energy by k and degrees of freedom, K
  std::vector<double> atom, bond, length;

  Mean mean(int group) const;
  std::vector<Mean> means(int first, int last) const;
};

}    // namespace mlff
