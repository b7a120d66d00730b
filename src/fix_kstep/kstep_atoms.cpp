/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#include "fix_kstep/kstep_atoms.h"

#include "atom.h"
#include "domain.h"
#include "error.h"

#include "core/elements.h"
#include "potential/potential.h"
#include "structure/bonds.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

KstepAtoms::KstepAtoms(LAMMPS *lmp, int groupbit) : Pointers(lmp), groupbit(groupbit) {}

/* ----------------------------------------------------------------------
   atomic number of a species word: an element, or the name of a class
------------------------------------------------------------------------- */

static int number_of(const mlff::Potential &potential, const std::string &word)
{
  const int number = mlff::atomic_number(word);
  if (number > 0) return number;
  for (std::size_t s = 0; s < potential.jump.species.size(); s++)
    if (potential.jump.species[s].name == word) return potential.elements[s];
  return 0;
}

/* ---------------------------------------------------------------------- */

KstepAtoms::Found KstepAtoms::find(const mlff::Potential &potential,
                                   const std::vector<std::string> &words, bool whole)
{
  std::vector<int> atoms;    // by ID
  for (int i = 0; i < atom->nlocal; i++)
    if (atom->mask[i] & groupbit) atoms.push_back(i);
  if (atoms.empty()) error->all(FLERR, Error::NOLASTLINE, "Fix kstep/hybrid has no atoms");
  std::sort(atoms.begin(), atoms.end(), [&](int i, int j) {
    return atom->tag[i] < atom->tag[j];
  });
  std::vector<tagint> now;
  for (const int i : atoms) now.push_back(atom->tag[i]);

  const auto bonds_drawn = topology(atoms);
  const std::string change = difference(atoms, bonds_drawn);
  if (change.empty() && !tags.empty()) {
    update();
    return {false, ""};
  }
  if (!change.empty()) known.clear();

  std::vector<int> numbers;
  for (const int i : atoms) {
    const std::string &word = words[atom->type[i]];
    if (word.empty())
      error->all(FLERR, Error::NOLASTLINE,
                 "Fix kstep/hybrid: atom {} has type {}, which is mapped to NULL; leave it out of "
                 "the group",
                 atom->tag[i], atom->type[i]);
    numbers.push_back(number_of(potential, word));
  }

  // a restart file knows the bonds that there were at the very start

  std::vector<Bond> list;
  const auto there = [&](tagint tag) {
    return std::binary_search(now.begin(), now.end(), tag);
  };
  if (!known.empty() && std::all_of(known.begin(), known.end(), [&](const Bond &bond) {
        return there(bond.i) && there(bond.j);
      }))
    list = known;
  else
    list = bonds_drawn;
  known.clear();
  if (list.empty()) list = nearby(atoms, numbers);
  if (whole) {
    std::vector<int> of_type(atom->ntypes + 1, 0);
    for (int t = 1; t <= atom->ntypes; t++)
      if (!words[t].empty()) of_type[t] = number_of(potential, words[t]);
    check_whole(atoms, numbers, of_type);
  }
  drawn.clear();
  for (const auto &bond : bonds_drawn) drawn.emplace_back(bond.i, bond.j);

  // molecules: joined by bonds, and by molecule IDs

  const int n = (int) atoms.size();
  std::vector<int> root(n);
  std::iota(root.begin(), root.end(), 0);
  const auto top = [&](int i) {
    while (root[i] != i) i = root[i] = root[root[i]];
    return i;
  };
  const auto join = [&](int i, int j) {
    i = top(i);
    j = top(j);
    root[std::max(i, j)] = std::min(i, j);
  };
  const auto place = [&](tagint tag) {
    return (int) (std::lower_bound(now.begin(), now.end(), tag) - now.begin());
  };
  for (const auto &bond : list) join(place(bond.i), place(bond.j));
  if (atom->molecule_flag) {
    std::map<tagint, int> first;
    for (int k = 0; k < n; k++) {
      const tagint id = atom->molecule[atoms[k]];
      if (id > 0) join(k, first.emplace(id, k).first->second);
    }
  }
  std::map<int, std::vector<int>> pieces;    // the smallest ID of a molecule comes first
  for (int k = 0; k < n; k++) pieces[top(k)].push_back(k);

  molecules.first_atom.assign(1, 0);
  molecules.numbers.clear();
  molecules.mass.clear();
  tags.clear();
  local.clear();
  seen.clear();
  std::vector<int> order(n);
  for (const auto &[piece, members] : pieces) {
    for (const int k : members) {
      order[k] = (int) tags.size();
      const int i = atoms[k];
      tags.push_back(atom->tag[i]);
      local.push_back(i);
      molecules.numbers.push_back(numbers[k]);
      molecules.mass.push_back(mass_of(i));
      seen.push_back({atom->tag[i],
                      atom->molecule_flag ? atom->molecule[i] : 0,
                      atom->type[i],
                      mass_of(i),
                      {atom->x[i][0], atom->x[i][1], atom->x[i][2]}});
    }
    molecules.first_atom.push_back((int) tags.size());
  }
  molecules.bonds.clear();
  for (const auto &bond : list)
    molecules.bonds.push_back({order[place(bond.i)], order[place(bond.j)], bond.length});
  std::sort(molecules.bonds.begin(), molecules.bonds.end(), [](const auto &a, const auto &b) {
    return a.i != b.i ? a.i < b.i : a.j < b.j;
  });
  molecules.first_bond.assign(1, 0);
  for (int m = 0; m < molecules.n_molecules(); m++) {
    int b = molecules.first_bond.back();
    while (b < (int) molecules.bonds.size() && molecules.bonds[b].i < molecules.first_atom[m + 1])
      b++;
    molecules.first_bond.push_back(b);
  }
  find_species(potential, words);
  find_walk();
  return {true, change};
}

/* ---------------------------------------------------------------------- */

double KstepAtoms::mass_of(int i) const
{
  return atom->rmass ? atom->rmass[i] : atom->mass[atom->type[i]];
}

/* ---------------------------------------------------------------------- */

void KstepAtoms::remember(const mlff::KstepState &state)
{
  for (std::size_t k = 0; k < seen.size(); k++) std::copy_n(&state.x[3 * k], 3, seen[k].x);
}

// rounding, of atoms that cross the faces of a box

static constexpr double same_place = 1e-6;    // Angstrom

/* ----------------------------------------------------------------------
   these atoms, in ascending ID, against those seen last
------------------------------------------------------------------------- */

std::string KstepAtoms::difference(const std::vector<int> &atoms,
                                   const std::vector<Bond> &bonds_drawn) const
{
  if (seen.empty()) return "";
  if (seen.size() != atoms.size())
    return fmt::format("there are {} atoms, there were {}", atoms.size(), seen.size());
  auto before = seen;
  std::sort(before.begin(), before.end(), [](const Seen &a, const Seen &b) {
    return a.tag < b.tag;
  });
  for (std::size_t n = 0; n < atoms.size(); n++) {
    const int i = atoms[n];
    const Seen &one = before[n];
    if (atom->tag[i] != one.tag) return fmt::format("there is an atom {} now", atom->tag[i]);
    if (atom->type[i] != one.type)
      return fmt::format("atom {} has type {}, it had {}", one.tag, atom->type[i], one.type);
    if (mass_of(i) != one.mass)
      return fmt::format("atom {} has mass {}, it had {}", one.tag, mass_of(i), one.mass);
    if (atom->molecule_flag && atom->molecule[i] != one.molecule)
      return fmt::format("atom {} has molecule ID {}, it had {}", one.tag, atom->molecule[i],
                         one.molecule);
  }
  if (!tags.empty()) {
    std::vector<std::pair<tagint, tagint>> pairs;
    for (const auto &bond : bonds_drawn) pairs.emplace_back(bond.i, bond.j);
    if (pairs != drawn) return "the bonds of the topology are others";
  }
  for (std::size_t n = 0; n < atoms.size(); n++) {
    double d[3];
    for (int a = 0; a < 3; a++) d[a] = atom->x[atoms[n]][a] - before[n].x[a];
    domain->minimum_image(FLERR, d);
    const double moved = std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
    if (!(moved <= same_place))
      return fmt::format("atom {} was moved by {:.3g}", before[n].tag, moved);
  }
  return "";
}

/* ---------------------------------------------------------------------- */

std::string KstepAtoms::change() const
{
  std::size_t count = 0;
  for (int i = 0; i < atom->nlocal; i++) count += (atom->mask[i] & groupbit) != 0;
  if (count != tags.size())
    return fmt::format("there are {} atoms, there were {}", count, tags.size());
  for (std::size_t k = 0; k < tags.size(); k++) {
    const int i = local[k];
    const Seen &one = seen[k];
    if (!(atom->mask[i] & groupbit)) return fmt::format("atom {} left the group", one.tag);
    if (atom->type[i] != one.type)
      return fmt::format("atom {} has type {}, it had {}", one.tag, atom->type[i], one.type);
    if (mass_of(i) != one.mass)
      return fmt::format("atom {} has mass {}, it had {}", one.tag, mass_of(i), one.mass);
  }
  return "";
}

/* ---------------------------------------------------------------------- */

std::string KstepAtoms::motion(bool anchored) const
{
  const auto moved = [this](std::size_t k, const double *all) {
    double d[3];
    for (int a = 0; a < 3; a++) d[a] = atom->x[local[k]][a] - seen[k].x[a] - all[a];
    domain->minimum_image(FLERR, d);
    return std::array<double, 3>{d[0], d[1], d[2]};
  };
  const auto length = [](const std::array<double, 3> &d) {
    return std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
  };
  const double none[3] = {0.0, 0.0, 0.0};
  const auto first = tags.empty() ? std::array<double, 3>{} : moved(0, none);
  for (std::size_t k = 0; k < tags.size(); k++) {
    if (length(moved(k, anchored ? none : first.data())) <= same_place) continue;
    const double own = length(moved(k, none));
    return own <= same_place ? fmt::format("atom {} was moved by {:.3g}", tags[0], length(first))
                             : fmt::format("atom {} was moved by {:.3g}", tags[k], own);
  }
  return "";
}

/* ----------------------------------------------------------------------
   a network that sees half of a molecule jumps as if it were all of it
------------------------------------------------------------------------- */

void KstepAtoms::check_whole(const std::vector<int> &atoms, const std::vector<int> &numbers,
                             const std::vector<int> &of_type) const
{
  if ((int) atoms.size() == atom->nlocal) return;
  const auto cut = [&](tagint i, tagint j) {
    error->all(FLERR, Error::NOLASTLINE,
               "Fix kstep/hybrid: atoms {} and {} are of one molecule, but only one of them is in "
               "the group; a network jumps with whole molecules",
               i, j);
  };
  std::map<tagint, int> inside;
  for (const int i : atoms) inside[atom->tag[i]] = i;
  bool bonds = false;
  if (atom->molecular == Atom::MOLECULAR && atom->num_bond)
    for (int i = 0; i < atom->nlocal; i++)
      for (int b = 0; b < atom->num_bond[i]; b++) {
        if (atom->bond_type[i][b] <= 0) continue;
        bonds = true;
        if (inside.count(atom->tag[i]) != inside.count(atom->bond_atom[i][b]))
          cut(atom->tag[i], atom->bond_atom[i][b]);
      }
  for (int j = 0; j < atom->nlocal; j++) {
    if (atom->mask[j] & groupbit) continue;
    for (std::size_t k = 0; k < atoms.size(); k++) {
      const int i = atoms[k];
      if (atom->molecule_flag) {
        if (atom->molecule[i] != atom->molecule[j]) continue;
        if (atom->molecule[i] > 0) cut(atom->tag[i], atom->tag[j]);
      }
      if (bonds || of_type[atom->type[j]] == 0) continue;
      double d[3];
      for (int a = 0; a < 3; a++) d[a] = atom->x[i][a] - atom->x[j][a];
      domain->minimum_image(FLERR, d);
      const double length = std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
      if (length < mlff::bonded_within *
              (mlff::covalent_radius(numbers[k]) + mlff::covalent_radius(of_type[atom->type[j]])))
        cut(atom->tag[i], atom->tag[j]);
    }
  }
}

/* ----------------------------------------------------------------------
   bonds of the topology between these atoms, with their present lengths
------------------------------------------------------------------------- */

std::vector<KstepAtoms::Bond> KstepAtoms::topology(const std::vector<int> &atoms) const
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
      double d[3];
      for (int a = 0; a < 3; a++) d[a] = atom->x[i][a] - atom->x[other->second][a];
      domain->minimum_image(FLERR, d);
      found[std::minmax(atom->tag[i], partner)] =
          std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
    }
  for (const auto &[pair, length] : found) list.push_back({pair.first, pair.second, length});
  return list;
}

/* ----------------------------------------------------------------------
   bonds by distance, between atoms without molecule ID or with the same one
------------------------------------------------------------------------- */

std::vector<KstepAtoms::Bond> KstepAtoms::nearby(const std::vector<int> &atoms,
                                                 const std::vector<int> &numbers) const
{
  std::vector<Bond> list;
  for (std::size_t p = 0; p < atoms.size(); p++)
    for (std::size_t q = p + 1; q < atoms.size(); q++) {
      const int i = atoms[p], j = atoms[q];
      if (atom->molecule_flag && atom->molecule[i] != atom->molecule[j]) continue;
      double d[3];
      for (int a = 0; a < 3; a++) d[a] = atom->x[i][a] - atom->x[j][a];
      domain->minimum_image(FLERR, d);
      const double length = std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
      const double radii = mlff::covalent_radius(numbers[p]) + mlff::covalent_radius(numbers[q]);
      if (length < mlff::bonded_within * radii)
        list.push_back({atom->tag[i], atom->tag[j], length});
    }
  return list;
}

/* ---------------------------------------------------------------------- */

std::vector<KstepAtoms::Bond> KstepAtoms::bonds() const
{
  if (tags.empty()) return known;
  std::vector<Bond> list;
  for (const auto &bond : molecules.bonds)
    list.push_back({tags[bond.i], tags[bond.j], bond.length});
  return list;
}

/* ----------------------------------------------------------------------
   species of each atom. The word of its type is the name of a species, or
   an element, of whose classes the bonds around the atom choose one.
------------------------------------------------------------------------- */

void KstepAtoms::find_species(const mlff::Potential &potential,
                              const std::vector<std::string> &words)
{
  const int n = molecules.n_atoms();
  std::vector<std::pair<int, int>> pairs;
  for (const auto &bond : molecules.bonds) pairs.emplace_back(bond.i, bond.j);
  const auto environments = mlff::bond_environments(molecules.numbers, pairs);
  const auto &classes = potential.jump.species;
  molecules.species.assign(n, -1);
  for (int k = 0; k < n; k++) {
    const std::string &word = words[atom->type[local[k]]];
    for (int s = 0; s < potential.n_species(); s++) {
      if (classes.empty() ? potential.elements[s] == molecules.numbers[k] : classes[s].name == word)
        molecules.species[k] = s;
      else if (!classes.empty() && potential.elements[s] == molecules.numbers[k] &&
               mlff::atomic_number(word) > 0 && classes[s].environment == environments[k])
        molecules.species[k] = s;
    }
    if (molecules.species[k] < 0)
      error->all(FLERR, Error::NOLASTLINE,
                 "Fix kstep/hybrid: atom {} is {} bonded as {}, but the model knows only {}",
                 tags[k], word, environments[k], potential.element_names());
    if (classes.empty()) continue;
    const double mass = classes[molecules.species[k]].mass;
    if (!(std::abs(molecules.mass[k] - mass) <= 0.01 * mass))
      error->all(FLERR, Error::NOLASTLINE,
                 "Fix kstep/hybrid: atom {} has mass {}, but the network learned {} with {} g/mol",
                 tags[k], molecules.mass[k], word, mass);
  }
}

/* ----------------------------------------------------------------------
   the walk through each molecule from one atom always to that nearest to
   those reached (Prim's spanning tree)
------------------------------------------------------------------------- */

void KstepAtoms::find_walk()
{
  const int n = molecules.n_atoms();
  walk.clear();
  bridge.assign(n, -1);
  std::vector<double> distance(n, HUGE_VAL);
  std::vector<char> reached(n, 0);
  for (int m = 0; m < molecules.n_molecules(); m++)
    for (int last = molecules.first_atom[m]; last >= 0;) {
      reached[last] = 1;
      walk.push_back(last);
      int next = -1;
      for (int k = molecules.first_atom[m]; k < molecules.first_atom[m + 1]; k++) {
        if (reached[k]) continue;
        double d[3];
        for (int a = 0; a < 3; a++) d[a] = atom->x[local[k]][a] - atom->x[local[last]][a];
        domain->minimum_image(FLERR, d);
        const double square = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
        if (square < distance[k]) {
          distance[k] = square;
          bridge[k] = last;
        }
        if (next < 0 || distance[k] < distance[next]) next = k;
      }
      last = next;
    }
}

/* ---------------------------------------------------------------------- */

void KstepAtoms::update()
{
  const int nlocal = atom->nlocal;
  bool right = true;
  for (std::size_t k = 0; k < tags.size() && right; k++)
    right = local[k] < nlocal && atom->tag[local[k]] == tags[k];
  if (right) return;
  std::vector<std::pair<tagint, int>> found;
  for (int i = 0; i < nlocal; i++) found.emplace_back(atom->tag[i], i);
  std::sort(found.begin(), found.end());
  for (std::size_t k = 0; k < tags.size(); k++) {
    const auto at =
        std::lower_bound(found.begin(), found.end(), std::pair<tagint, int>(tags[k], 0));
    if (at == found.end() || at->first != tags[k])
      error->one(FLERR, Error::NOLASTLINE, "Fix kstep/hybrid: atom {} is lost", tags[k]);
    local[k] = at->second;
  }
}

/* ----------------------------------------------------------------------
   each atom at the nearest image to the one before it; Å, Å/ps, eV/Å
------------------------------------------------------------------------- */

void KstepAtoms::gather(mlff::KstepState &state)
{
  state.resize(molecules.n_atoms());
  double **x = atom->x, **f = atom->f;
  for (const int k : walk) {
    const double *to = x[local[k]];
    double *out = &state.x[3 * k];
    if (bridge[k] < 0) {
      for (int a = 0; a < 3; a++) out[a] = to[a];
    } else {
      const double *from = x[local[bridge[k]]], *base = &state.x[3 * bridge[k]];
      double d[3] = {to[0] - from[0], to[1] - from[1], to[2] - from[2]};
      domain->minimum_image(FLERR, d);
      for (int a = 0; a < 3; a++) out[a] = base[a] + d[a];
    }
    for (int a = 0; a < 3; a++) state.f[3 * k + a] = energy_unit * f[local[k]][a];
  }
  gather_velocities(state);
}

/* ---------------------------------------------------------------------- */

void KstepAtoms::gather_velocities(mlff::KstepState &state)
{
  double **v = atom->v;
  for (std::size_t k = 0; k < local.size(); k++)
    for (int a = 0; a < 3; a++) state.v[3 * k + a] = velocity_unit * v[local[k]][a];
}

/* ---------------------------------------------------------------------- */

void KstepAtoms::put_velocities(const mlff::KstepState &state)
{
  for (int m = 0; m < molecules.n_molecules(); m++) put_velocities(state, m);
}

/* ---------------------------------------------------------------------- */

void KstepAtoms::put_velocities(const mlff::KstepState &state, int molecule)
{
  double **v = atom->v;
  for (int k = molecules.first_atom[molecule]; k < molecules.first_atom[molecule + 1]; k++)
    for (int a = 0; a < 3; a++) v[local[k]][a] = state.v[3 * k + a] / velocity_unit;
}

/* ---------------------------------------------------------------------- */

void KstepAtoms::move(const mlff::KstepState &start, const mlff::KstepState &end, int molecule)
{
  double **x = atom->x, **v = atom->v;
  for (int k = molecules.first_atom[molecule]; k < molecules.first_atom[molecule + 1]; k++)
    for (int a = 0; a < 3; a++) {
      x[local[k]][a] += end.x[3 * k + a] - start.x[3 * k + a];
      v[local[k]][a] = end.v[3 * k + a] / velocity_unit;
    }
}

/* ---------------------------------------------------------------------- */

void KstepAtoms::save()
{
  const std::size_t n = local.size();
  for (auto *list : {&x0, &v0, &f0}) list->resize(3 * n);
  image0.resize(n);
  for (std::size_t k = 0; k < n; k++) {
    const int i = local[k];
    for (int a = 0; a < 3; a++) {
      x0[3 * k + a] = atom->x[i][a];
      v0[3 * k + a] = atom->v[i][a];
      f0[3 * k + a] = atom->f[i][a];
    }
    image0[k] = atom->image[i];
  }
}

/* ---------------------------------------------------------------------- */

void KstepAtoms::restore(int molecule)
{
  for (int k = molecules.first_atom[molecule]; k < molecules.first_atom[molecule + 1]; k++) {
    const int i = local[k];
    for (int a = 0; a < 3; a++) {
      atom->x[i][a] = x0[3 * k + a];
      atom->v[i][a] = v0[3 * k + a];
      atom->f[i][a] = f0[3 * k + a];
    }
    atom->image[i] = image0[k];
  }
}

/* ---------------------------------------------------------------------- */

void KstepAtoms::restore_flipped(int molecule)
{
  restore(molecule);
  for (int k = molecules.first_atom[molecule]; k < molecules.first_atom[molecule + 1]; k++)
    for (int a = 0; a < 3; a++) atom->v[local[k]][a] = -atom->v[local[k]][a];
}

/* ---------------------------------------------------------------------- */

std::string KstepAtoms::neighbors(const mlff::KstepState &state, double distance) const
{
  // spheres around the molecules first

  const int nm = molecules.n_molecules();
  std::vector<double> centre(3 * nm, 0.0), radius(nm, 0.0);
  for (int m = 0; m < nm; m++) {
    const int first = molecules.first_atom[m], n = molecules.size(m);
    for (int k = 3 * first; k < 3 * (first + n); k++) centre[3 * m + k % 3] += state.x[k] / n;
    for (int k = first; k < first + n; k++) {
      double square = 0.0;
      for (int a = 0; a < 3; a++) square += std::pow(state.x[3 * k + a] - centre[3 * m + a], 2);
      radius[m] = std::max(radius[m], std::sqrt(square));
    }
  }
  for (int m = 0; m < nm; m++)
    for (int o = 0; o < m; o++) {
      double d[3];
      for (int a = 0; a < 3; a++) d[a] = centre[3 * m + a] - centre[3 * o + a];
      domain->minimum_image(FLERR, d);
      if (std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]) >= distance + radius[m] + radius[o])
        continue;
      for (int i = molecules.first_atom[m]; i < molecules.first_atom[m + 1]; i++)
        for (int j = molecules.first_atom[o]; j < molecules.first_atom[o + 1]; j++) {
          for (int a = 0; a < 3; a++) d[a] = state.x[3 * i + a] - state.x[3 * j + a];
          domain->minimum_image(FLERR, d);
          const double length = std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
          if (length < distance)
            return fmt::format("atoms {} and {} of two molecules are {:.3g} apart", tags[j],
                               tags[i], length);
        }
    }

  // and the images of one molecule

  const int periodic[3] = {domain->xperiodic, domain->yperiodic, domain->zperiodic};
  const double *box = domain->prd;
  for (int m = 0; m < nm; m++)
    for (int a = 0; a < 3; a++)
      if (periodic[a] && box[a] < 2.0 * radius[m] + distance)
        return fmt::format("the molecule of atom {} is {:.3g} from its own periodic image along {}",
                           tags[molecules.first_atom[m]], box[a] - 2.0 * radius[m], "xyz"[a]);
  return "";
}

/* ---------------------------------------------------------------------- */

std::string KstepAtoms::others(double distance) const
{
  if ((int) tags.size() == atom->nlocal) return "";
  for (int j = 0; j < atom->nlocal; j++) {
    if (atom->mask[j] & groupbit) continue;
    for (std::size_t k = 0; k < tags.size(); k++) {
      double d[3];
      for (int a = 0; a < 3; a++) d[a] = atom->x[local[k]][a] - atom->x[j][a];
      domain->minimum_image(FLERR, d);
      const double length = std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
      if (length < distance)
        return fmt::format("atom {}, which does not jump, and atom {} are {:.3g} apart",
                           atom->tag[j], tags[k], length);
    }
  }
  return "";
}
