// GFN2-xTB, GFN1-xTB and GFN-FF of one molecule through libxtb, kept from call to call. No LAMMPS in it.
#pragma once

#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace mlff {

/// A calculation that libxtb refuses or that does not converge, and input that it could not survive.
struct XtbError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 15, 1652 (2019): GFN2-xTB. S. Grimme, C. Bannwarth, P. Shushkov,
/// J. Chem. Theory Comput. 13, 1989 (2017): GFN1-xTB. S. Spicher, S. Grimme, Angew. Chem. Int. Ed. 59, 15665 (2020): GFN-FF.
enum class XtbMethod { gfn2, gfn1, gfnff };

struct XtbOptions {
  XtbMethod method = XtbMethod::gfn2;
  int charge = 0;           ///< of the molecule, in e
  int uhf = 0;              ///< number of unpaired electrons
  double accuracy = 0.1;    ///< of charges and integrals, 0.0001 to 1000, smaller is tighter
  double electronic_temperature = 300.0;    ///< K
  int max_iterations = 250;                 ///< of the self-consistent charges
};

/// "gfn2", "gfn1" or "gfnff"; throws XtbError for other words.
XtbMethod xtb_method_of(const std::string &word);
std::string xtb_method_name(XtbMethod method);

/// Version of the library this build was made with.
std::string xtb_version();

class XtbCalculator {
 public:
  /// numbers [n]: atomic numbers; positions [n][3] Å. GFN-FF takes its bonds from these positions.
  /// Throws XtbError where an element is outside the method's range (1 to 86), or charge and unpaired electrons do not fit.
  XtbCalculator(const XtbOptions &options, std::span<const int> numbers,
                std::span<const double> positions);
  ~XtbCalculator();
  XtbCalculator(const XtbCalculator &) = delete;
  XtbCalculator &operator=(const XtbCalculator &) = delete;

  /// Energy in eV; writes forces [n][3] in eV/Å. Starts from the wavefunction of the call before; where that does not converge
  /// it starts once more from scratch. Throws XtbError where that fails too, or where a position is not finite.
  double evaluate(std::span<const double> positions, std::span<double> forces);

  /// Lets the next evaluation start from scratch.
  void forget();

  /// Partial charges [n] in e of the last evaluation.
  std::vector<double> charges() const;

  const std::vector<int> &numbers() const;

  long calls = 0;          ///< evaluations
  long retries = 0;        ///< of these, started from scratch a second time
  double seconds = 0.0;    ///< wall-clock time in the library

 private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

}    // namespace mlff
