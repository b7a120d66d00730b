// Copies of molecules at several temperatures, which exchange their shapes.
#pragma once

#include "kstep/kstep_molecules.h"
#include "kstep/kstep_thermostat.h"

#include <span>
#include <vector>

namespace mlff {

/// Copies of all molecules, copy after copy, at temperatures in ascending order. Neighbors exchange
/// places with probability min(1, exp((1/kT_k - 1/kT_k+1) (V_k - V_k+1))) (C. J. Geyer, "Markov
/// chain Monte Carlo maximum likelihood", Interface 1991). Centres of mass stay where they are:
/// energies do not depend on them.
class TemperatureLadder {
 public:
  /// One copy: no ladder.
  TemperatureLadder() = default;

  /// `copies` copies, the last of which has `top` times the temperature of the first; the others
  /// are spaced by equal factors.
  TemperatureLadder(int copies, double top);

  int n_copies() const { return int(factor.size()); }

  /// [n_copies - 1][n][3] positions of the copies behind the first
  std::vector<double> positions;

  /// Lets all copies begin where the first is, unless they are somewhere already.
  void begin_at(std::span<const double> x);

  /// After all copies have moved to x: those of molecules that are not accepted stay behind.
  void settle(const KstepMolecules &molecules, std::span<const double> x,
              const std::vector<char> &accepted);

  /// All copies as molecules of their own.
  KstepMolecules multiply(const KstepMolecules &molecules) const;

  /// kT of each molecule of all copies from that of the first.
  std::vector<double> temperatures(int n_molecules, double kT) const;

  /// Exchanges of all molecules between the copies 0 and 1, 2 and 3, ..., or 1 and 2, 3 and 4, ...:
  /// which, is by chance. all: what multiply() made. Positions and forces [n][3] and energies (eV)
  /// are those of all copies; kT as temperatures() gives it.
  void exchange(const KstepMolecules &all, std::span<const double> kT, KstepRandom &random,
                std::span<double> x, std::span<double> f, std::span<double> energy);

  /// [n_copies - 1] exchanges of neighbors
  std::vector<double> tried, accepted;

  /// Appends positions and counts to a list; reads them back, and moves `at` behind them. Those of
  /// another number of copies are left out.
  void append_to(std::vector<double> &list) const;
  void read_from(std::span<const double> list, std::size_t &at);

 private:
  std::vector<double> factor = {1.0};
};

}    // namespace mlff
