// molecule-mlp in potential files: metadata, tensors, description.
#include "models/molecule_mlp/molecule_record.h"

#include "core/elements.h"
#include "models/molecule_mlp/molecule_tensors.h"
#include "potential/metadata.h"
#include "potential/potential.h"

#include <algorithm>
#include <set>

namespace mlff {

using json = nlohmann::json;

namespace {

  const std::string where = "metadata 'molecule'";

  void check_bonds(const MoleculeRecord &molecule, const std::string &path)
  {
    const int n = molecule.n_atoms();
    for (std::size_t b = 0; b < molecule.bonds.size(); b++) {
      const auto &[i, j] = molecule.bonds[b];
      if (i < 0 || i >= j || j >= n || (b > 0 && molecule.bonds[b - 1] >= molecule.bonds[b]))
        reject_potential(path,
                         where + ": 'bonds' holds " + json({i, j}).dump() +
                             "; expected pairs i < j of the atoms 0 to " + std::to_string(n - 1) +
                             ", ascending");
    }
  }

  void check_handedness(const MoleculeRecord &molecule, const std::string &path)
  {
    const int n = molecule.n_atoms();
    std::vector<int> n_bonds(n, 0);
    for (const auto &[i, j] : molecule.bonds) {
      n_bonds[i]++;
      n_bonds[j]++;
    }
    if (int(molecule.handedness.size()) != n)
      reject_potential(path,
                       where + " has " + std::to_string(molecule.handedness.size()) +
                           " entries of 'handedness'; expected one for each of the " +
                           std::to_string(n) + " atoms");
    for (int i = 0; i < n; i++)
      if (std::abs(molecule.handedness[i]) > (n_bonds[i] == 4 ? 1 : 0))
        reject_potential(path,
                         where + ": 'handedness' of atom " + std::to_string(i) + " is " +
                             std::to_string(molecule.handedness[i]) +
                             "; expected -1, 0 or 1 for an atom with four bonds, 0 for others");
  }

  void check_generators(const MoleculeRecord &molecule, const std::string &path)
  {
    const int n = molecule.n_atoms();
    const std::set<std::pair<int, int>> bonds(molecule.bonds.begin(), molecule.bonds.end());
    for (const auto &p : molecule.generators) {
      std::set<int> images(p.begin(), p.end());
      bool fits = int(p.size()) == n && int(images.size()) == n && *images.begin() == 0 &&
          *images.rbegin() == n - 1;
      for (int k = 0; k < n && fits; k++) fits = molecule.numbers[p[k]] == molecule.numbers[k];
      for (const auto &[i, j] : bonds) fits = fits && bonds.contains(std::minmax(p[i], p[j]));
      if (!fits)
        reject_potential(path,
                         where + ": 'generators' holds " + json(p).dump() +
                             "; expected permutations of the atoms that keep elements and bonds");
    }
    if (group_of(molecule.generators, n, max_permutations).empty())
      reject_potential(path,
                       where + ": its generators have more than " +
                           std::to_string(max_permutations) + " permutations; fewer are accepted");
  }

  void check_widths(const MoleculeRecord &molecule, const std::string &path)
  {
    if (molecule.widths.empty() || molecule.widths.size() > 8)
      reject_potential(path,
                       "hyperparameter 'widths' has " + std::to_string(molecule.widths.size()) +
                           " entries; expected 1 to 8");
    for (const int width : molecule.widths)
      if (width < 1 || width > 4096)
        reject_potential(path,
                         "hyperparameter 'widths' holds " + std::to_string(width) +
                             "; expected whole numbers from 1 to 4096");
  }

  /// Means and widths of the inputs must be those of the molecule's symmetry.
  void check_inputs(const Potential &potential, const std::string &path)
  {
    const MoleculeRecord &molecule = molecule_record(potential);
    const int n = molecule.n_atoms();
    for (const char *name : {"input_mean", "input_scale"}) {
      const auto found = potential.tensors.find(name);
      if (found == potential.tensors.end() ||
          int(found->second.values.size()) != molecule.n_pairs())
        continue;
      const auto &values = found->second.values;
      for (const double x : values)
        if (name == std::string("input_scale") && !(x > 0.0))
          reject_potential(
              path, "tensor 'input_scale' holds " + number_text(x) + "; expected numbers above 0");
      for (const auto &p : molecule.generators)
        for (int i = 0; i < n; i++)
          for (int j = 0; j < i; j++)
            if (values[BondedMolecule::pair(i, j)] != values[BondedMolecule::pair(p[i], p[j])])
              reject_potential(
                  path,
                  std::string("tensor '") + name +
                      "' differs for pairs of atoms that a permutation of the molecule exchanges; "
                      "expected equal numbers");
    }
  }

  void read(const MetadataReader &metadata, Potential &potential)
  {
    const json value = metadata.parsed("molecule"), hyperparameters = metadata.hyperparameters();
    MoleculeRecord &molecule = molecule_record(potential);
    molecule.widths =
        whole_numbers(metadata.path, hyperparameters, "metadata 'hyperparameters'", "widths");
    if (const auto activation = hyperparameters.value("activation", json("silu"));
        activation != "silu")
      metadata.fail("hyperparameter 'activation' is " + activation.dump() +
                    "; this version knows 'silu'");
    molecule.handedness = whole_numbers(metadata.path, value, where, "handedness");
    const auto array = [&](const char *key) -> const json & {
      if (!value.contains(key) || !value[key].is_array())
        metadata.fail(where + " lacks the array '" + key + "'");
      return value[key];
    };
    for (const auto &entry : array("atoms")) {
      const int z = entry.is_string() ? atomic_number(entry.get<std::string>()) : 0;
      if (z == 0)
        metadata.fail(where + ": 'atoms' holds " + entry.dump() + ", which is not an element");
      molecule.numbers.push_back(z);
    }
    const auto rows = [&](const char *key) {
      std::vector<std::vector<int>> list;
      for (const auto &entry : array(key))
        list.push_back(whole_numbers(metadata.path, json{{key, entry}}, where, key));
      return list;
    };
    for (const auto &row : rows("bonds")) {
      if (row.size() != 2)
        metadata.fail(where + ": 'bonds' holds " + json(row).dump() +
                      "; expected two atoms, counted from 0");
      molecule.bonds.emplace_back(row[0], row[1]);
    }
    molecule.generators = rows("generators");
  }

  void write(const Potential &potential, MetadataWriter &metadata)
  {
    const MoleculeRecord &molecule = molecule_record(potential);
    json atoms = json::array(), bonds = json::array();
    for (const int z : molecule.numbers) atoms.push_back(element_symbol(z));
    for (const auto &[i, j] : molecule.bonds) bonds.push_back({i, j});
    metadata.hyperparameters = {{"widths", molecule.widths}, {"activation", "silu"}};
    metadata.more["molecule"] = json({{"atoms", atoms},
                                      {"bonds", bonds},
                                      {"handedness", molecule.handedness},
                                      {"generators", molecule.generators}})
                                    .dump();
  }

  void check(const Potential &potential, const std::string &path)
  {
    const MoleculeRecord &molecule = molecule_record(potential);
    const int n = molecule.n_atoms();
    if (n < 2 || n > max_molecule_atoms)
      reject_potential(path,
                       where + " has " + std::to_string(n) + " atoms; expected 2 to " +
                           std::to_string(max_molecule_atoms));
    if (std::set<int>(molecule.numbers.begin(), molecule.numbers.end()) !=
        std::set<int>(potential.elements.begin(), potential.elements.end()))
      reject_potential(path,
                       where + ": its atoms are " + molecule.formula() + ", but 'elements' lists " +
                           potential.element_names());
    check_bonds(molecule, path);
    check_handedness(molecule, path);
    check_generators(molecule, path);
    check_widths(molecule, path);
    check_inputs(potential, path);
  }

  void describe(const Potential &potential, ModelDescription &description)
  {
    const MoleculeRecord &molecule = molecule_record(potential);
    auto &sizes = description.sizes;
    sizes["widths"] = molecule.widths;
    sizes["activation"] = "silu";
    sizes["molecule"] = molecule.formula();
    sizes["bonds"] = molecule.bond_text();
    sizes["permutations"] =
        group_of(molecule.generators, molecule.n_atoms(), max_permutations).size();
    sizes["generators"] = json::array();
    for (const auto &p : molecule.generators)
      sizes["generators"].push_back(cycle_text(molecule, p));
    describe_reference_energies(potential, description);
  }

  TensorTable tensors(const Potential &potential)
  {
    return table_of([&](auto &walk, auto &nowhere) {
      walk_molecule(molecule_record(potential), potential.n_species(), walk, nowhere, nowhere);
    });
  }

  std::string size_text(const Potential &potential)
  {
    std::string text;
    for (const int width : molecule_record(potential).widths)
      text += (text.empty() ? "" : " ") + std::to_string(width);
    return text;
  }

}    // namespace

const ModelFile molecule_file = {read, write, check, tensors, size_text, describe};

}    // namespace mlff
