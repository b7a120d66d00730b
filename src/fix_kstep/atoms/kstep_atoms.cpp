// Finds molecules, gathers and restores their states, and sees who is near them.
#include "fix_kstep/atoms/kstep_atoms.h"

#include "atom.h"
#include "domain.h"
#include "error.h"

#include "kstep/molecules/molecule_assembly.h"
#include "lammps_common/atom_mass.h"
#include "lammps_common/nearest_image.h"
#include "potential/potential.h"

#include <algorithm>
#include <cmath>

using namespace LAMMPS_NS;

// place of an ID among atoms in ascending order of their IDs, of the first one not below it

static int place_of(const Atom *atom, const std::vector<int> &atoms, tagint tag)
{
  const auto found = std::lower_bound(atoms.begin(), atoms.end(), tag, [&](int i, tagint wanted) {
    return atom->tag[i] < wanted;
  });
  return (int) (found - atoms.begin());
}

/* ---------------------------------------------------------------------- */

KstepAtoms::KstepAtoms(LAMMPS *lmp, int groupbit) :
    Pointers(lmp), memory(lmp, groupbit), groupbit(groupbit), topology(lmp, groupbit)
{
}

/* ----------------------------------------------------------------------
   in ascending order of their IDs
------------------------------------------------------------------------- */

std::vector<int> KstepAtoms::atoms_of_group() const
{
  std::vector<int> atoms;
  for (int i = 0; i < atom->nlocal; i++)
    if (atom->mask[i] & groupbit) atoms.push_back(i);
  if (atoms.empty()) error->all(FLERR, Error::NOLASTLINE, "Fix kstep/hybrid has no atoms");
  std::sort(atoms.begin(), atoms.end(), [&](int i, int j) {
    return atom->tag[i] < atom->tag[j];
  });
  return atoms;
}

/* ---------------------------------------------------------------------- */

KstepAtoms::Found KstepAtoms::find(const mlff::Potential &potential,
                                   const std::vector<std::string> &words, bool whole)
{
  const auto atoms = atoms_of_group();
  const auto drawn = topology.drawn(atoms);
  const std::string change = difference(atoms, drawn);
  if (change.empty() && !tags.empty()) {
    update();
    return {false, ""};
  }
  if (!change.empty()) restart_bonds.clear();

  std::vector<int> numbers;
  for (const int i : atoms) {
    const std::string &word = words[atom->type[i]];
    if (word.empty())
      error->all(FLERR, Error::NOLASTLINE,
                 "Fix kstep/hybrid: atom {} has type {}, which is mapped to NULL; leave it out of "
                 "the group",
                 atom->tag[i], atom->type[i]);
    numbers.push_back(mlff::number_of_species(potential, word));
  }
  const auto list = choose_bonds(atoms, numbers, drawn);
  if (whole) check_whole(potential, words, atoms, numbers);
  drawn_bonds.clear();
  for (const auto &bond : drawn) drawn_bonds.emplace_back(bond.i, bond.j);

  assemble(atoms, numbers, list);
  find_species(potential, words);
  walk.clear();
  for (int m = 0; m < molecules.n_molecules(); m++)
    walk.add(domain, atom->x, local, molecules.first_atom[m], molecules.first_atom[m + 1]);
  return {true, change};
}

/* ----------------------------------------------------------------------
   difference of the atoms, in ascending order of their IDs, from those
   remembered; empty for none
------------------------------------------------------------------------- */

std::string KstepAtoms::difference(const std::vector<int> &atoms,
                                   const std::vector<Bond> &drawn) const
{
  const std::string text = memory.difference(atoms);
  if (!text.empty()) return text;
  if (!tags.empty()) {
    std::vector<std::pair<tagint, tagint>> pairs;
    for (const auto &bond : drawn) pairs.emplace_back(bond.i, bond.j);
    if (pairs != drawn_bonds) return "the bonds of the topology are others";
  }
  return memory.moved(atoms);
}

/* ----------------------------------------------------------------------
   bonds of a restart file, which knows those that there were at the very
   start; else those of the topology; else those by distance
------------------------------------------------------------------------- */

std::vector<KstepAtoms::Bond> KstepAtoms::choose_bonds(const std::vector<int> &atoms,
                                                       const std::vector<int> &numbers,
                                                       const std::vector<Bond> &drawn)
{
  const auto exists = [&](tagint tag) {
    const int place = place_of(atom, atoms, tag);
    return place < (int) atoms.size() && atom->tag[atoms[place]] == tag;
  };
  auto list = std::move(restart_bonds);
  restart_bonds.clear();
  if (list.empty() || !std::all_of(list.begin(), list.end(), [&](const Bond &bond) {
        return exists(bond.i) && exists(bond.j);
      }))
    list = drawn;
  return list.empty() ? topology.by_distance(atoms, numbers) : list;
}

/* ---------------------------------------------------------------------- */

void KstepAtoms::check_whole(const mlff::Potential &potential,
                             const std::vector<std::string> &words, const std::vector<int> &atoms,
                             const std::vector<int> &numbers) const
{
  std::vector<int> number_of_type(atom->ntypes + 1, 0);
  for (int t = 1; t <= atom->ntypes; t++)
    if (!words[t].empty()) number_of_type[t] = mlff::number_of_species(potential, words[t]);
  topology.check_whole(atoms, numbers, number_of_type);
}

/* ----------------------------------------------------------------------
   molecules out of the atoms, in ascending order of their IDs
------------------------------------------------------------------------- */

void KstepAtoms::assemble(const std::vector<int> &atoms, const std::vector<int> &numbers,
                          const std::vector<Bond> &bond_list)
{
  mlff::KstepAtomList list;
  list.numbers = numbers;
  for (const int i : atoms) {
    list.mass.push_back(mass_of(atom, i));
    if (atom->molecule_flag) list.molecule.push_back(atom->molecule[i]);
  }
  for (const auto &bond : bond_list)
    list.bonds.push_back(
        {place_of(atom, atoms, bond.i), place_of(atom, atoms, bond.j), bond.length});
  const auto order = mlff::assemble_molecules(list, molecules);

  tags.clear();
  local.clear();
  memory.entries.clear();
  for (const int k : order) {
    tags.push_back(atom->tag[atoms[k]]);
    local.push_back(atoms[k]);
    memory.remember(atoms[k]);
  }
}

/* ---------------------------------------------------------------------- */

std::vector<KstepAtoms::Bond> KstepAtoms::bonds() const
{
  if (tags.empty()) return restart_bonds;
  std::vector<Bond> list;
  for (const auto &bond : molecules.bonds)
    list.push_back({tags[bond.i], tags[bond.j], bond.length});
  return list;
}

/* ---------------------------------------------------------------------- */

void KstepAtoms::find_species(const mlff::Potential &potential,
                              const std::vector<std::string> &words)
{
  std::vector<std::string> words_of_atoms;
  for (const int i : local) words_of_atoms.push_back(words[atom->type[i]]);
  const auto misfit = mlff::find_species(potential, words_of_atoms, molecules);
  if (misfit.atom < 0) return;
  const std::string &word = words_of_atoms[misfit.atom];
  if (!(misfit.mass > 0.0))
    error->all(FLERR, Error::NOLASTLINE,
               "Fix kstep/hybrid: atom {} is {} bonded as {}, but the model knows only {}",
               tags[misfit.atom], word, misfit.environment, potential.element_names());
  error->all(FLERR, Error::NOLASTLINE,
             "Fix kstep/hybrid: atom {} has mass {}, but the network learned {} with {} g/mol",
             tags[misfit.atom], molecules.mass[misfit.atom], word, misfit.mass);
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
   each molecule as one piece; Angstrom, Angstrom/ps, eV/Angstrom
------------------------------------------------------------------------- */

void KstepAtoms::gather(mlff::KstepState &state)
{
  state.resize(molecules.n_atoms());
  walk.unwrap(domain, atom->x, local, state.x);
  double **f = atom->f;
  for (std::size_t k = 0; k < local.size(); k++)
    for (int a = 0; a < 3; a++) state.f[3 * k + a] = energy_unit * f[local[k]][a];
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
  // spheres around the molecules

  const int nm = molecules.n_molecules();
  std::vector<double> centre(3 * nm, 0.0), radius(nm, 0.0);
  for (int m = 0; m < nm; m++) {
    const int first = molecules.first_atom[m], n = molecules.size(m);
    for (int k = 3 * first; k < 3 * (first + n); k++) centre[3 * m + k % 3] += state.x[k] / n;
    for (int k = first; k < first + n; k++) {
      double sum = 0.0;
      for (int a = 0; a < 3; a++) sum += std::pow(state.x[3 * k + a] - centre[3 * m + a], 2);
      radius[m] = std::max(radius[m], std::sqrt(sum));
    }
  }
  const std::string found = nearest_molecules(state, distance, centre, radius);
  if (!found.empty()) return found;

  // One molecule may be near its own images, too.

  const int periodic[3] = {domain->xperiodic, domain->yperiodic, domain->zperiodic};
  const double *box = domain->prd;
  for (int m = 0; m < nm; m++)
    for (int a = 0; a < 3; a++)
      if (periodic[a] && box[a] < 2.0 * radius[m] + distance)
        return fmt::format("the molecule of atom {} is {:.3g} from its own periodic image along {}",
                           tags[molecules.first_atom[m]], box[a] - 2.0 * radius[m], "xyz"[a]);
  return "";
}

/* ----------------------------------------------------------------------
   atoms of two molecules, whose spheres must be near enough first
------------------------------------------------------------------------- */

std::string KstepAtoms::nearest_molecules(const mlff::KstepState &state, double distance,
                                          const std::vector<double> &centre,
                                          const std::vector<double> &radius) const
{
  for (int m = 0; m < molecules.n_molecules(); m++)
    for (int o = 0; o < m; o++) {
      if (length(nearest_image(domain, &centre[3 * o], &centre[3 * m])) >=
          distance + radius[m] + radius[o])
        continue;
      for (int i = molecules.first_atom[m]; i < molecules.first_atom[m + 1]; i++)
        for (int j = molecules.first_atom[o]; j < molecules.first_atom[o + 1]; j++) {
          const double apart = length(nearest_image(domain, &state.x[3 * j], &state.x[3 * i]));
          if (apart < distance)
            return fmt::format("atoms {} and {} of two molecules are {:.3g} apart", tags[j],
                               tags[i], apart);
        }
    }
  return "";
}

/* ---------------------------------------------------------------------- */

std::string KstepAtoms::bystanders(double distance) const
{
  if ((int) tags.size() == atom->nlocal) return "";
  for (int j = 0; j < atom->nlocal; j++) {
    if (atom->mask[j] & groupbit) continue;
    for (std::size_t k = 0; k < tags.size(); k++) {
      const double apart = length(nearest_image(domain, atom->x[j], atom->x[local[k]]));
      if (apart < distance)
        return fmt::format("atom {}, which does not jump, and atom {} are {:.3g} apart",
                           atom->tag[j], tags[k], apart);
    }
  }
  return "";
}
