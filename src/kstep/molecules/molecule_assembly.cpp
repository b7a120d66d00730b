// Molecules by bonds and molecule IDs (a forest of sets), species by bond environments.
#include "kstep/molecules/molecule_assembly.h"

#include "core/elements.h"
#include "models/jump/jump_record.h"
#include "structure/bonds.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

namespace mlff {

namespace {

  /// Sets of atoms; the smallest atom stands for its set.
  class Sets {
   public:
    explicit Sets(int n) : root(n) { std::iota(root.begin(), root.end(), 0); }

    int of(int i)
    {
      while (root[i] != i) i = root[i] = root[root[i]];
      return i;
    }

    void join(int i, int j)
    {
      i = of(i);
      j = of(j);
      root[std::max(i, j)] = std::min(i, j);
    }

   private:
    std::vector<int> root;
  };

  /// The atoms of each molecule, by its smallest atom.
  std::map<int, std::vector<int>> members_of(const KstepAtomList &atoms)
  {
    const int n = int(atoms.numbers.size());
    Sets sets(n);
    for (const auto &bond : atoms.bonds) sets.join(bond.i, bond.j);
    std::map<std::int64_t, int> first;
    for (int k = 0; k < int(atoms.molecule.size()); k++)
      if (atoms.molecule[k] > 0) sets.join(k, first.emplace(atoms.molecule[k], k).first->second);
    std::map<int, std::vector<int>> members;
    for (int k = 0; k < n; k++) members[sets.of(k)].push_back(k);
    return members;
  }

  void put_bonds(const std::vector<KstepBond> &bonds, const std::vector<int> &place,
                 KstepMolecules &molecules)
  {
    molecules.bonds.clear();
    for (const auto &bond : bonds)
      molecules.bonds.push_back({place[bond.i], place[bond.j], bond.length});
    std::sort(molecules.bonds.begin(), molecules.bonds.end(), [](const auto &a, const auto &b) {
      return a.i != b.i ? a.i < b.i : a.j < b.j;
    });
    molecules.first_bond.assign(1, 0);
    for (int m = 0; m < molecules.n_molecules(); m++) {
      int b = molecules.first_bond.back();
      while (b < int(molecules.bonds.size()) && molecules.bonds[b].i < molecules.first_atom[m + 1])
        b++;
      molecules.first_bond.push_back(b);
    }
  }

}    // namespace

std::vector<int> assemble_molecules(const KstepAtomList &atoms, KstepMolecules &molecules)
{
  molecules.first_atom.assign(1, 0);
  molecules.numbers.clear();
  molecules.mass.clear();
  std::vector<int> order, place(atoms.numbers.size());
  for (const auto &[first, members] : members_of(atoms)) {
    for (const int k : members) {
      place[k] = int(order.size());
      order.push_back(k);
      molecules.numbers.push_back(atoms.numbers[k]);
      molecules.mass.push_back(atoms.mass[k]);
    }
    molecules.first_atom.push_back(int(order.size()));
  }
  put_bonds(atoms.bonds, place, molecules);
  return order;
}

int number_of_species(const Potential &potential, const std::string &word)
{
  const int number = atomic_number(word);
  if (number > 0) return number;
  for (std::size_t s = 0; s < jump_record(potential).species.size(); s++)
    if (jump_record(potential).species[s].name == word) return potential.elements[s];
  return 0;
}

KstepMisfit find_species(const Potential &potential, const std::vector<std::string> &words,
                         KstepMolecules &molecules)
{
  const int n = molecules.n_atoms();
  std::vector<std::pair<int, int>> pairs;
  for (const auto &bond : molecules.bonds) pairs.emplace_back(bond.i, bond.j);
  const auto environments = bond_environments(molecules.numbers, pairs);
  const auto &classes = jump_record(potential).species;
  molecules.species.assign(n, -1);
  for (int k = 0; k < n; k++) {
    const int number = molecules.numbers[k];
    int &species = molecules.species[k];
    for (int s = 0; s < potential.n_species(); s++) {
      if (classes.empty() ? potential.elements[s] == number : classes[s].name == words[k])
        species = s;
      else if (!classes.empty() && potential.elements[s] == number && atomic_number(words[k]) > 0 &&
               classes[s].environment == environments[k])
        species = s;
    }
    if (species < 0) return {k, environments[k], 0.0};
    if (classes.empty()) continue;
    const double mass = classes[species].mass;
    if (!(std::abs(molecules.mass[k] - mass) <= 0.01 * mass)) return {k, "", mass};
  }
  return {};
}

}    // namespace mlff
