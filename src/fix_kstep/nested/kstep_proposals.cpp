// Frames of proposals, and of the places they left, with their weights.
#include "fix_kstep/nested/kstep_proposals.h"

#include "error.h"

#include "core/elements.h"
#include "fmt/format.h"
#include "kstep/kstep_decision.h"
#include "kstep/kstep_molecules.h"

#include <cerrno>
#include <cstring>

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

KstepProposals::~KstepProposals()
{
  if (file) fclose(file);
}

/* ---------------------------------------------------------------------- */

void KstepProposals::open()
{
  if (name.empty() || file) return;
  file = fopen(name.c_str(), "wx");
  if (file) return;
  if (errno == EEXIST)
    error->one(FLERR, Error::NOLASTLINE,
               "Fix kstep/hybrid proposals: there is a file '{}' already; accepted: the name of a "
               "new one",
               name);
  error->one(FLERR, Error::NOLASTLINE, "Fix kstep/hybrid proposals: cannot write '{}': {}", name,
             strerror(errno));
}

/* ---------------------------------------------------------------------- */

void KstepProposals::write(const mlff::KstepMolecules &molecules,
                           const mlff::KstepDecision &decision, const mlff::KstepState &left,
                           const mlff::KstepState &proposed, const std::vector<double> &weight,
                           const std::vector<char> &accepted, double move)
{
  if (!file) return;
  for (int part = 0; part < decision.n_parts(); part++) {
    const int first = part * decision.part_size(), last = first + decision.part_size();
    const double a = weight[part];
    const auto comment = [&](double energy, double share, const char *place) {
      return fmt::format("Properties=species:S:1:pos:R:3 pbc=\"F F F\" energy={:.9f} weight={:.9g} "
                         "move={:.0f} molecule={} place={} accepted={}",
                         energy, share, move, part + 1, place, accepted[first] ? "T" : "F");
    };
    if (a < 1.0)
      frame(molecules, first, last, left.x, comment(decision.potential[part], 1.0 - a, "left"));
    if (a > 0.0)
      frame(molecules, first, last, proposed.x, comment(decision.landed[part], a, "proposal"));
  }

  // whoever reads it while the run goes on finds whole moves

  if (fflush(file) != 0)
    error->one(FLERR, Error::NOLASTLINE, "Fix kstep/hybrid proposals: cannot write '{}': {}", name,
               strerror(errno));
}

/* ----------------------------------------------------------------------
   molecules first .. last-1
------------------------------------------------------------------------- */

void KstepProposals::frame(const mlff::KstepMolecules &molecules, int first, int last,
                           const std::vector<double> &x, const std::string &comment)
{
  const int begin = molecules.first_atom[first], end = molecules.first_atom[last];
  utils::print(file, "{}\n{}\n", end - begin, comment);
  for (int i = begin; i < end; i++)
    utils::print(file, "{} {:.8f} {:.8f} {:.8f}\n", mlff::element_symbol(molecules.numbers[i]),
                 x[3 * i], x[3 * i + 1], x[3 * i + 2]);
}
