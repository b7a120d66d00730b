// The keywords of fix kstep/hybrid in one table.

#ifndef LMP_KSTEP_KEYWORDS_H
#define LMP_KSTEP_KEYWORDS_H

#include "pointers.h"

#include <limits>
#include <string>
#include <vector>

namespace mlff {
struct EngineOptions;
}

namespace LAMMPS_NS {

class KstepSettings;
class KstepWords;

/* ----------------------------------------------------------------------
   The keywords of fix kstep/hybrid, in one table: the command is read by it,
   errors say what it accepts, and a test compares the table of the page with
   it.
------------------------------------------------------------------------- */

struct KstepValue {
  std::string name;
  std::string accepted;      // a list of words, or a range
  std::string found = "";    // words of the error, {}: the value found; default: 'keyword is {}'
};

struct KstepKeyword {
  std::string name;
  std::vector<KstepValue> values;
  std::string initial;    // default
  std::string help;
  void (*read)(KstepSettings &, const KstepWords &);
};

const std::vector<KstepKeyword> &kstep_keywords();

/* ----------------------------------------------------------------------
   The values that follow a keyword in a command, by their numbers. Errors
   name the keyword, what was found and what is accepted.
------------------------------------------------------------------------- */

class KstepWords : protected Pointers {
 public:
  // arg[0] is the keyword, iarg its number in the command
  KstepWords(class LAMMPS *lmp, const KstepKeyword &keyword, char **arg, int iarg) :
      Pointers(lmp), keyword(keyword), arg(arg), iarg(iarg)
  {
  }

  std::string name() const { return keyword.name; }
  std::string text(int n) const { return arg[n + 1]; }
  int place(int n) const { return iarg + n + 1; }    // place of word n in the command

  int choice(int n) const;    // number of the word among those accepted
  bool logical(int n) const;
  int integer(int n, int least) const;
  double positive(int n, double most = std::numeric_limits<double>::infinity()) const;
  double between(int n, double least, double most) const;
  double positive_or_off(int n) const;    // infinite for off
  double energy_or_off(int n) const;      // energy in eV; infinite for off
  void set_engine_option(mlff::EngineOptions &) const;

 private:
  const KstepKeyword &keyword;
  char **arg;
  int iarg;

  [[noreturn]] void refuse(int n, const std::string &found) const;
  [[noreturn]] void refuse_range(int n) const;
};

}    // namespace LAMMPS_NS

#endif
