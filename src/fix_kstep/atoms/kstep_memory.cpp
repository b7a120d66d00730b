// Differences of atoms from what is remembered, as texts.
#include "fix_kstep/atoms/kstep_memory.h"

#include "atom.h"
#include "domain.h"

#include "lammps_common/atom_mass.h"
#include "lammps_common/nearest_image.h"

#include <algorithm>
#include <array>

using namespace LAMMPS_NS;

// Angstrom; rounding moves atoms that cross the faces of a box by less

static constexpr double same_place = 1e-6;

/* ---------------------------------------------------------------------- */

void KstepMemory::remember(int i)
{
  entries.push_back({atom->tag[i],
                     atom->molecule_flag ? atom->molecule[i] : 0,
                     atom->type[i],
                     mass_of(atom, i),
                     {atom->x[i][0], atom->x[i][1], atom->x[i][2]}});
}

/* ---------------------------------------------------------------------- */

void KstepMemory::remember_places(const std::vector<double> &x)
{
  for (std::size_t k = 0; k < entries.size(); k++) std::copy_n(&x[3 * k], 3, entries[k].x);
}

/* ----------------------------------------------------------------------
   type and mass of one atom against an entry
------------------------------------------------------------------------- */

std::string KstepMemory::altered(int i, const Entry &entry) const
{
  if (atom->type[i] != entry.type)
    return fmt::format("atom {} has type {}, it had {}", entry.tag, atom->type[i], entry.type);
  if (mass_of(atom, i) != entry.mass)
    return fmt::format("atom {} has mass {}, it had {}", entry.tag, mass_of(atom, i), entry.mass);
  return "";
}

/* ---------------------------------------------------------------------- */

std::vector<KstepMemory::Entry> KstepMemory::by_tag() const
{
  auto sorted = entries;
  std::sort(sorted.begin(), sorted.end(), [](const Entry &a, const Entry &b) {
    return a.tag < b.tag;
  });
  return sorted;
}

/* ---------------------------------------------------------------------- */

std::string KstepMemory::difference(const std::vector<int> &atoms) const
{
  if (entries.empty()) return "";
  if (entries.size() != atoms.size())
    return fmt::format("there are {} atoms, there were {}", atoms.size(), entries.size());
  const auto before = by_tag();
  for (std::size_t n = 0; n < atoms.size(); n++) {
    const int i = atoms[n];
    const Entry &entry = before[n];
    if (atom->tag[i] != entry.tag) return fmt::format("there is an atom {} now", atom->tag[i]);
    const std::string text = altered(i, entry);
    if (!text.empty()) return text;
    if (atom->molecule_flag && atom->molecule[i] != entry.molecule)
      return fmt::format("atom {} has molecule ID {}, it had {}", entry.tag, atom->molecule[i],
                         entry.molecule);
  }
  return "";
}

/* ---------------------------------------------------------------------- */

std::string KstepMemory::moved(const std::vector<int> &atoms) const
{
  if (entries.empty()) return "";
  const auto before = by_tag();
  for (std::size_t n = 0; n < atoms.size(); n++) {
    const double distance = length(nearest_image(domain, before[n].x, atom->x[atoms[n]]));
    if (!(distance <= same_place))
      return fmt::format("atom {} was moved by {:.3g}", before[n].tag, distance);
  }
  return "";
}

/* ---------------------------------------------------------------------- */

std::string KstepMemory::change(const std::vector<int> &local) const
{
  std::size_t count = 0;
  for (int i = 0; i < atom->nlocal; i++) count += (atom->mask[i] & groupbit) != 0;
  if (count != entries.size())
    return fmt::format("there are {} atoms, there were {}", count, entries.size());
  for (std::size_t k = 0; k < entries.size(); k++) {
    if (!(atom->mask[local[k]] & groupbit))
      return fmt::format("atom {} left the group", entries[k].tag);
    const std::string text = altered(local[k], entries[k]);
    if (!text.empty()) return text;
  }
  return "";
}

/* ---------------------------------------------------------------------- */

std::string KstepMemory::motion(const std::vector<int> &local, bool anchored) const
{
  // beyond a motion of all
  const auto moved_by = [&](std::size_t k, const std::array<double, 3> &all) {
    double d[3];
    for (int a = 0; a < 3; a++) d[a] = atom->x[local[k]][a] - entries[k].x[a] - all[a];
    return nearest_image(domain, std::array<double, 3>{}.data(), d);
  };
  const std::array<double, 3> none = {0.0, 0.0, 0.0};
  const auto first = entries.empty() ? none : moved_by(0, none);
  for (std::size_t k = 0; k < entries.size(); k++) {
    if (length(moved_by(k, anchored ? none : first)) <= same_place) continue;
    const double distance = length(moved_by(k, none));
    return distance <= same_place
        ? fmt::format("atom {} was moved by {:.3g}", entries[0].tag, length(first))
        : fmt::format("atom {} was moved by {:.3g}", entries[k].tag, distance);
  }
  return "";
}
