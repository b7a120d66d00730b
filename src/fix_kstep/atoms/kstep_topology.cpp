// Bonds of the topology or by distance, and molecules that a group cuts.
#include "fix_kstep/atoms/kstep_topology.h"

#include "atom.h"
#include "domain.h"
#include "error.h"

#include "lammps_common/nearest_image.h"
#include "structure/bonds.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

using namespace LAMMPS_NS;

static bool bonded(double length, int number, int other)
{
  return length <
      mlff::bonded_within * (mlff::covalent_radius(number) + mlff::covalent_radius(other));
}

/* ---------------------------------------------------------------------- */

std::vector<KstepTopology::Bond> KstepTopology::drawn(const std::vector<int> &atoms) const
{
  std::vector<Bond> list;
  if (atom->molecular != Atom::MOLECULAR || !atom->num_bond) return list;
  std::map<tagint, int> at;
  for (const int i : atoms) at[atom->tag[i]] = i;
  std::map<std::pair<tagint, tagint>, double> found;
  for (const int i : atoms)
    for (int b = 0; b < atom->num_bond[i]; b++) {
      const tagint partner = atom->bond_atom[i][b];
      const auto other = at.find(partner);
      if (other == at.end() || atom->bond_type[i][b] <= 0) continue;
      found[std::minmax(atom->tag[i], partner)] =
          length(nearest_image(domain, atom->x[other->second], atom->x[i]));
    }
  for (const auto &[pair, bond_length] : found)
    list.push_back({pair.first, pair.second, bond_length});
  return list;
}

/* ---------------------------------------------------------------------- */

std::vector<KstepTopology::Bond> KstepTopology::by_distance(const std::vector<int> &atoms,
                                                            const std::vector<int> &numbers) const
{
  std::vector<Bond> list;
  for (std::size_t p = 0; p < atoms.size(); p++)
    for (std::size_t q = p + 1; q < atoms.size(); q++) {
      const int i = atoms[p], j = atoms[q];
      if (atom->molecule_flag && atom->molecule[i] != atom->molecule[j]) continue;
      const double distance = length(nearest_image(domain, atom->x[j], atom->x[i]));
      if (bonded(distance, numbers[p], numbers[q]))
        list.push_back({atom->tag[i], atom->tag[j], distance});
    }
  return list;
}

/* ---------------------------------------------------------------------- */

void KstepTopology::fail(tagint i, tagint j) const
{
  error->all(FLERR, Error::NOLASTLINE,
             "Fix kstep/hybrid: atoms {} and {} are of one molecule, but only one of them is in "
             "the group; a network jumps with whole molecules",
             i, j);
}

/* ----------------------------------------------------------------------
   bonds of the topology that the group cuts; whether there are any bonds
------------------------------------------------------------------------- */

bool KstepTopology::check_bonds(const std::vector<int> &atoms) const
{
  if (atom->molecular != Atom::MOLECULAR || !atom->num_bond) return false;
  std::set<tagint> inside;
  for (const int i : atoms) inside.insert(atom->tag[i]);
  bool bonds = false;
  for (int i = 0; i < atom->nlocal; i++)
    for (int b = 0; b < atom->num_bond[i]; b++) {
      if (atom->bond_type[i][b] <= 0) continue;
      bonds = true;
      if (inside.count(atom->tag[i]) != inside.count(atom->bond_atom[i][b]))
        fail(atom->tag[i], atom->bond_atom[i][b]);
    }
  return bonds;
}

/* ---------------------------------------------------------------------- */

void KstepTopology::check_whole(const std::vector<int> &atoms, const std::vector<int> &numbers,
                                const std::vector<int> &number_of_type) const
{
  if ((int) atoms.size() == atom->nlocal) return;
  const bool bonds = check_bonds(atoms);
  for (int j = 0; j < atom->nlocal; j++) {
    if (atom->mask[j] & groupbit) continue;
    const int number = number_of_type[atom->type[j]];
    for (std::size_t k = 0; k < atoms.size(); k++) {
      const int i = atoms[k];
      if (atom->molecule_flag) {
        if (atom->molecule[i] != atom->molecule[j]) continue;
        if (atom->molecule[i] > 0) fail(atom->tag[i], atom->tag[j]);
      }
      if (bonds || number == 0) continue;
      if (bonded(length(nearest_image(domain, atom->x[j], atom->x[i])), numbers[k], number))
        fail(atom->tag[i], atom->tag[j]);
    }
  }
}
