#include "potential/potential.h"

#include "core/elements.h"
#include "core/sha256.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <set>
#include <tuple>

namespace mlff {

using json = nlohmann::json;
static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

namespace {

  constexpr std::uint64_t largest_header = 100'000'000;    // the limit of the safetensors library
  const std::vector<std::string> known_models = {"painn",       "painn-fmm",  "molecule-mlp",
                                                 "kstep-painn", "kstep-egnn", "kstep-transformer"};

  [[noreturn]] void fail(const std::string &path, const std::string &what)
  {
    throw PotentialError("potential file '" + path + "': " + what);
  }

  std::string quoted(const std::vector<std::string> &words)
  {
    std::string text;
    for (const auto &word : words) text += (text.empty() ? "'" : ", '") + word + "'";
    return text;
  }

  std::string shape_text(const std::vector<std::int64_t> &shape)
  {
    std::string text = "[";
    for (const auto n : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(n);
    return text + "]";
  }

  std::int64_t element_count(const std::vector<std::int64_t> &shape)
  {
    std::int64_t n = 1;
    for (const auto extent : shape) {
      if (extent < 0 || (extent > 0 && n > (std::int64_t(1) << 40) / extent)) return -1;
      n *= extent;
    }
    return n;
  }

  template <typename T> void unpack(const char *bytes, std::vector<double> &values)
  {
    for (std::size_t i = 0; i < values.size(); i++) {
      T value;
      std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
      values[i] = double(value);
    }
  }

  template <typename T> void pack(const std::vector<double> &values, std::string &bytes)
  {
    for (const double v : values) {
      const T value = T(v);
      bytes.append(reinterpret_cast<const char *>(&value), sizeof(T));
    }
  }

  std::size_t bytes_per_value(const std::string &dtype)
  {
    return dtype == "F32" ? 4 : dtype == "F64" ? 8 : 0;
  }

  /// JSON of a file; discarded where it is none. So is JSON of more than 64 arrays and objects in
  /// each other: comparing and printing it recurses, and a file must not exhaust the stack.
  json parsed_json(const std::string &text)
  {
    int depth = 0;
    bool quoted = false;
    for (std::size_t k = 0; k < text.size(); k++) {
      const char c = text[k];
      if (c == '"') quoted = !quoted;
      if (quoted && c == '\\') k++;
      if (!quoted) depth += (c == '[' || c == '{') - (c == ']' || c == '}');
      if (depth > 64) return json(json::value_t::discarded);
    }
    return json::parse(text, nullptr, false);
  }

  /// Metadata of one file, every access with an error that names the key.
  class Metadata {
   public:
    Metadata(const std::string &path, const json &header) : path(path)
    {
      const auto found = header.find("__metadata__");
      if (found == header.end() || !found->is_object())
        fail(path,
             "its header has no '__metadata__'; expected a potential written by mlff, not a bare "
             "safetensors file");
      object = *found;
    }

    bool has(const std::string &key) const { return object.contains(key); }

    std::string text(const std::string &key) const
    {
      const auto found = object.find(key);
      if (found == object.end()) fail(path, "its metadata lack the key '" + key + "'");
      if (!found->is_string()) fail(path, "metadata '" + key + "' is not a string");
      return found->get<std::string>();
    }

    json parsed(const std::string &key) const
    {
      json value = parsed_json(text(key));
      if (value.is_discarded())
        fail(path, "metadata '" + key + "' is not valid JSON: found '" + text(key) + "'");
      return value;
    }

    double number(const std::string &key) const
    {
      const std::string word = text(key);
      char *end = nullptr;
      const double value = std::strtod(word.c_str(), &end);
      if (word.empty() || *end != '\0' || !std::isfinite(value))
        fail(path, "metadata '" + key + "' is '" + word + "'; expected a number");
      return value;
    }

   private:
    std::string path;
    json object;
  };

  const json units = {
      {"energy", "eV"}, {"length", "Angstrom"}, {"velocity", "Angstrom/ps"}, {"time", "fs"}};

  int size_of(const std::string &path, const json &hyperparameters, const char *key)
  {
    const auto found = hyperparameters.find(key);
    if (found == hyperparameters.end())
      fail(path, std::string("hyperparameters lack '") + key + "'");
    if (!found->is_number_integer() || *found < 1 || *found > 65536)
      fail(path,
           std::string("hyperparameter '") + key + "' is " + found->dump() +
               "; expected a whole number from 1 to 65536");
    return found->get<int>();
  }

  /// Hyperparameters of the long-range block; whether their values make sense is for check_fmm to
  /// say.
  FmmSizes fmm_sizes(const std::string &path, const json &hyperparameters)
  {
    FmmSizes fmm;
    const auto found = [&](const char *key) -> const json & {
      const auto entry = hyperparameters.find(key);
      if (entry == hyperparameters.end())
        fail(path, std::string("hyperparameters lack '") + key + "'");
      return *entry;
    };
    for (const auto &[key, place] :
         {std::pair{"fmm_layers", &fmm.layers}, std::pair{"fmm_directions", &fmm.directions},
          std::pair{"fmm_kappa_count", &fmm.kappa_count}, std::pair{"fmm_heads", &fmm.heads},
          std::pair{"fmm_key_width", &fmm.key_width},
          std::pair{"fmm_value_width", &fmm.value_width}}) {
      const json &value = found(key);
      if (!value.is_number_integer() || value < 0 || value > 65536)
        fail(path,
             std::string("hyperparameter '") + key + "' is " + value.dump() +
                 "; expected a whole number from 0 to 65536");
      *place = value.get<int>();
    }
    for (const auto &[key, place] :
         {std::pair{"fmm_kappa_min", &fmm.kappa_min}, std::pair{"fmm_kappa_max", &fmm.kappa_max}}) {
      const json &value = found(key);
      if (!value.is_number())
        fail(path,
             std::string("hyperparameter '") + key + "' is " + value.dump() +
                 "; expected a number");
      *place = value.get<double>();
    }
    const json &precision = found("fmm_precision");
    if (!precision.is_string())
      fail(path,
           "hyperparameter 'fmm_precision' is " + precision.dump() +
               "; expected \"engine\" or \"double\"");
    fmm.precision = precision.get<std::string>();
    return fmm;
  }

  void check_fmm(const std::string &path, const Potential &potential)
  {
    const FmmSizes &fmm = potential.fmm;
    const auto within = [&](const char *key, int value, int least, int most) {
      if (value < least || value > most)
        fail(path,
             std::string("hyperparameter 'fmm_") + key + "' is " + std::to_string(value) +
                 "; expected a whole number from " + std::to_string(least) + " to " +
                 std::to_string(most));
    };
    within("layers", fmm.layers, 1, 8);
    within("kappa_count", fmm.kappa_count, 1, 64);
    within("heads", fmm.heads, 1, 64);
    within("key_width", fmm.key_width, 1, 64);
    within("value_width", fmm.value_width, 0, 256);
    if (fmm.directions != 0) within("directions", fmm.directions, 6, 65536);
    if (fmm.value_width == 0 &&
        (potential.sizes.features < fmm.heads || potential.sizes.features % fmm.heads))
      fail(path,
           "hyperparameter 'fmm_value_width' is 0, which shares the " +
               std::to_string(potential.sizes.features) +
               " features among the heads; 'fmm_heads' is " + std::to_string(fmm.heads) +
               ", expected a divisor of them");
    if (!std::isfinite(fmm.kappa_min) || fmm.kappa_min < 0.0)
      fail(path,
           "hyperparameter 'fmm_kappa_min' is " + json(fmm.kappa_min).dump() +
               "; expected a number of 1/Å, 0 or more");
    if (!std::isfinite(fmm.kappa_max) || fmm.kappa_max <= fmm.kappa_min || fmm.kappa_max > 10.0)
      fail(path,
           "hyperparameter 'fmm_kappa_max' is " + json(fmm.kappa_max).dump() +
               "; expected a number of 1/Å above 'fmm_kappa_min', 10 at most");
    if (fmm.precision != "engine" && fmm.precision != "double")
      fail(path,
           "hyperparameter 'fmm_precision' is '" + fmm.precision +
               "'; expected 'engine' or 'double'");
  }

  /// Metadata `range`, {"H": {"force": 7.1, "nearest": 0.93}, ...}: one entry for each element of
  /// the potential.
  std::vector<TrainingRange> training_range(const std::string &path, const json &entries,
                                            const std::vector<int> &elements)
  {
    if (!entries.is_object())
      fail(path,
           "metadata 'range' is " + entries.dump() +
               "; expected an object with an entry for each element");
    std::vector<TrainingRange> range(elements.size());
    for (const auto &[name, entry] : entries.items()) {
      const auto found = std::find(elements.begin(), elements.end(), atomic_number(name));
      if (found == elements.end())
        fail(path,
             "metadata 'range' has an entry '" + name + "', which is no element of this potential");
      const auto number = [&, &name = name, &entry = entry](const char *key) {
        if (!entry.is_object() || !entry.contains(key) || !entry[key].is_number())
          fail(path,
               "metadata 'range' of " + name + " is " + entry.dump() +
                   "; expected the numbers 'force' and 'nearest'");
        return entry[key].get<double>();
      };
      range[std::size_t(found - elements.begin())] = {number("force"), number("nearest")};
    }
    for (const int z : elements)
      if (!entries.contains(element_symbol(z)))
        fail(path, "metadata 'range' has no entry for " + element_symbol(z));
    return range;
  }

  /// Numbers of a species in the metadata `jump`, and where they are kept.
  const std::pair<const char *, double JumpRecord::Species::*> species_numbers[] = {
      {"mass", &JumpRecord::Species::mass},
      {"velocity", &JumpRecord::Species::velocity},
      {"force", &JumpRecord::Species::force},
      {"displacement", &JumpRecord::Species::displacement},
      {"velocity_change", &JumpRecord::Species::velocity_change}};

  const char *const forms[] = {"corrected", "published"};

  json jump_json(const Potential &potential)
  {
    const JumpRecord &jump = potential.jump;
    json value = {{"timestep", jump.timestep},
                  {"strides", jump.strides},
                  {"temperatures", jump.temperatures},
                  {"species", json::array()}};
    for (const auto &species : jump.species) {
      json entry = {{"name", species.name}, {"environment", species.environment}};
      for (const auto &[key, member] : species_numbers) entry[key] = species.*member;
      value["species"].push_back(entry);
    }
    if (potential.is_jump_variant()) {
      value["form"] = forms[jump.published];
      value["bound"] = jump.bound;
    }
    if (potential.model == "kstep-transformer") value["heads"] = jump.heads;
    return value;
  }

  /// Metadata `jump`; whether its values make sense is for check_jump to say.
  JumpRecord jump_record(const std::string &path, const Potential &potential, const json &value)
  {
    JumpRecord jump;
    const auto member = [&](const json &object, const std::string &where,
                            const char *key) -> const json & {
      if (!object.is_object() || !object.contains(key))
        fail(path, "metadata 'jump'" + where + " lacks the key '" + key + "'");
      return object[key];
    };
    const auto number = [&](const json &object, const std::string &where, const char *key) {
      const json &found = member(object, where, key);
      if (!found.is_number())
        fail(path,
             "metadata 'jump'" + where + ": '" + key + "' is " + found.dump() +
                 "; expected a number");
      return found.get<double>();
    };
    const auto numbers = [&](const char *key) {
      const json &found = member(value, "", key);
      std::vector<double> list;
      if (found.is_array())
        for (const auto &entry : found)
          if (entry.is_number()) list.push_back(entry.get<double>());
      if (!found.is_array() || list.size() != found.size())
        fail(path,
             std::string("metadata 'jump': '") + key + "' is " + found.dump() +
                 "; expected an array of numbers");
      return list;
    };
    jump.timestep = number(value, "", "timestep");
    jump.strides = numbers("strides");
    jump.temperatures = numbers("temperatures");
    const json &species = member(value, "", "species");
    if (!species.is_array())
      fail(path,
           "metadata 'jump': 'species' is " + species.dump() + "; expected an array of objects");
    for (const auto &entry : species) {
      JumpRecord::Species one;
      const std::string where = " of species " + std::to_string(jump.species.size() + 1);
      for (const auto &[key, text] :
           {std::pair{"name", &one.name}, std::pair{"environment", &one.environment}}) {
        const json &found = member(entry, where, key);
        if (!found.is_string())
          fail(path,
               "metadata 'jump'" + where + ": '" + key + "' is " + found.dump() +
                   "; expected a string");
        *text = found.get<std::string>();
      }
      for (const auto &[key, place] : species_numbers) one.*place = number(entry, where, key);
      jump.species.push_back(one);
    }
    if (potential.is_jump_variant()) {
      const json &form = member(value, "", "form");
      if (form != forms[0] && form != forms[1])
        fail(path,
             "metadata 'jump': 'form' is " + form.dump() +
                 "; expected \"corrected\" or \"published\"");
      jump.published = form == forms[1];
      jump.bound = number(value, "", "bound");
    }
    if (potential.model == "kstep-transformer") {
      const json &heads = member(value, "", "heads");
      if (!heads.is_number_integer())
        fail(path, "metadata 'jump': 'heads' is " + heads.dump() + "; expected a whole number");
      jump.heads = heads.get<int>();
    }
    return jump;
  }

  void check_jump(const std::string &path, const Potential &potential)
  {
    const JumpRecord &jump = potential.jump;
    const auto positive = [&](const std::string &what, double value) {
      if (!std::isfinite(value) || value <= 0.0)
        fail(path,
             "metadata 'jump': " + what + " is " + json(value).dump() +
                 "; expected a number above 0");
    };
    positive("'timestep'", jump.timestep);
    if (jump.strides.empty())
      fail(path, "metadata 'jump': 'strides' is empty; expected one or more times in fs");
    for (std::size_t k = 0; k < jump.strides.size(); k++) {
      positive("a stride", jump.strides[k]);
      if (k > 0 && jump.strides[k] <= jump.strides[k - 1])
        fail(path,
             "metadata 'jump': 'strides' is " + json(jump.strides).dump() +
                 "; expected ascending times");
      const double steps = jump.strides[k] / jump.timestep;
      if (std::abs(steps - std::round(steps)) > 1e-6)
        fail(path,
             "metadata 'jump': the stride " + json(jump.strides[k]).dump() +
                 " is no whole number of time steps of " + json(jump.timestep).dump() + " fs");
    }
    if (jump.species.size() != potential.elements.size())
      fail(path,
           "metadata 'jump' has " + std::to_string(jump.species.size()) +
               " species; expected one for each of the " +
               std::to_string(potential.elements.size()) + " entries of 'elements'");
    std::set<std::string> names;
    for (std::size_t s = 0; s < jump.species.size(); s++) {
      const auto &species = jump.species[s];
      if (!names.insert(species.name).second)
        fail(path, "metadata 'jump': species '" + species.name + "' is listed twice");
      const std::string symbol = element_symbol(potential.elements[s]);
      if (species.environment.empty() ? species.name != symbol : !species.name.starts_with(symbol))
        fail(path,
             "metadata 'jump': species '" + species.name + "' is of the element " + symbol +
                 "; expected its symbol" + (species.environment.empty() ? "" : " and a number"));
      for (const auto &[key, member] : species_numbers)
        positive(std::string("'") + key + "' of " + species.name, species.*member);
    }
    if (potential.is_jump_variant()) positive("'bound'", jump.bound);
    if (potential.model == "kstep-transformer" &&
        (jump.heads < 1 || potential.sizes.features % jump.heads != 0))
      fail(path,
           "metadata 'jump': 'heads' is " + std::to_string(jump.heads) +
               "; expected a divisor of the " + std::to_string(potential.sizes.features) +
               " features");
    for (const char *name : {"input_scale", "target_scale"}) {
      const auto found = potential.tensors.find(name);
      if (found == potential.tensors.end()) continue;
      for (const double x : found->second.values)
        if (!(x > 0.0))
          fail(path,
               std::string("tensor '") + name + "' holds " + json(x).dump() +
                   "; expected numbers above 0");
    }
  }

  json molecule_json(const MoleculeRecord &molecule)
  {
    json atoms = json::array(), bonds = json::array();
    for (const int z : molecule.numbers) atoms.push_back(element_symbol(z));
    for (const auto &[i, j] : molecule.bonds) bonds.push_back({i, j});
    return {{"atoms", atoms},
            {"bonds", bonds},
            {"handedness", molecule.handedness},
            {"generators", molecule.generators}};
  }

  std::vector<int> whole_numbers(const std::string &path, const json &object,
                                 const std::string &where, const char *key)
  {
    const auto found = object.is_object() ? object.find(key) : object.end();
    if (!object.is_object() || found == object.end())
      fail(path, where + " lacks the key '" + key + "'");
    std::vector<int> list;
    if (found->is_array())
      for (const auto &entry : *found)
        if (entry.is_number_integer() && entry >= -65536 && entry <= 65536)
          list.push_back(entry.get<int>());
    if (!found->is_array() || list.size() != found->size())
      fail(path,
           where + ": '" + key + "' is " + found->dump() + "; expected an array of whole numbers");
    return list;
  }

  /// Metadata `molecule`; whether its parts fit together is for check_molecule to say.
  MoleculeRecord molecule_record(const std::string &path, const json &value,
                                 const json &hyperparameters)
  {
    MoleculeRecord molecule;
    molecule.widths = whole_numbers(path, hyperparameters, "metadata 'hyperparameters'", "widths");
    if (const auto activation = hyperparameters.value("activation", json("silu"));
        activation != "silu")
      fail(path,
           "hyperparameter 'activation' is " + activation.dump() + "; this version knows 'silu'");
    const std::string where = "metadata 'molecule'";
    molecule.handedness = whole_numbers(path, value, where, "handedness");
    const auto array = [&](const char *key) -> const json & {
      if (!value.contains(key) || !value[key].is_array())
        fail(path, where + " lacks the array '" + key + "'");
      return value[key];
    };
    for (const auto &entry : array("atoms")) {
      const int z = entry.is_string() ? atomic_number(entry.get<std::string>()) : 0;
      if (z == 0) fail(path, where + ": 'atoms' holds " + entry.dump() + ", which is no element");
      molecule.numbers.push_back(z);
    }
    const auto rows = [&](const char *key) {
      std::vector<std::vector<int>> list;
      for (const auto &entry : array(key))
        list.push_back(whole_numbers(path, json{{key, entry}}, where, key));
      return list;
    };
    for (const auto &row : rows("bonds")) {
      if (row.size() != 2)
        fail(path,
             where + ": 'bonds' holds " + json(row).dump() +
                 "; expected two atoms, counted from 0");
      molecule.bonds.emplace_back(row[0], row[1]);
    }
    molecule.generators = rows("generators");
    return molecule;
  }

  void check_molecule(const std::string &path, const Potential &potential)
  {
    const MoleculeRecord &molecule = potential.molecule;
    const std::string where = "metadata 'molecule'";
    const int n = molecule.n_atoms();
    if (n < 2 || n > max_molecule_atoms)
      fail(path,
           where + " has " + std::to_string(n) + " atoms; expected 2 to " +
               std::to_string(max_molecule_atoms));
    if (std::set<int>(molecule.numbers.begin(), molecule.numbers.end()) !=
        std::set<int>(potential.elements.begin(), potential.elements.end()))
      fail(path,
           where + ": its atoms are " + molecule.formula() + ", but 'elements' lists " +
               potential.element_names());
    for (std::size_t b = 0; b < molecule.bonds.size(); b++) {
      const auto &[i, j] = molecule.bonds[b];
      if (i < 0 || i >= j || j >= n || (b > 0 && molecule.bonds[b - 1] >= molecule.bonds[b]))
        fail(path,
             where + ": 'bonds' holds " + json({i, j}).dump() +
                 "; expected pairs i < j of the atoms 0 to " + std::to_string(n - 1) +
                 ", ascending");
    }
    std::vector<int> n_bonds(n, 0);
    for (const auto &[i, j] : molecule.bonds) {
      n_bonds[i]++;
      n_bonds[j]++;
    }
    if (int(molecule.handedness.size()) != n)
      fail(path,
           where + " has " + std::to_string(molecule.handedness.size()) +
               " entries of 'handedness'; expected one for each of the " + std::to_string(n) +
               " atoms");
    for (int i = 0; i < n; i++)
      if (std::abs(molecule.handedness[i]) > (n_bonds[i] == 4 ? 1 : 0))
        fail(path,
             where + ": 'handedness' of atom " + std::to_string(i) + " is " +
                 std::to_string(molecule.handedness[i]) +
                 "; expected -1, 0 or 1 for an atom with four bonds, 0 for others");
    const std::set<std::pair<int, int>> bonds(molecule.bonds.begin(), molecule.bonds.end());
    for (const auto &p : molecule.generators) {
      std::set<int> images(p.begin(), p.end());
      bool fits = int(p.size()) == n && int(images.size()) == n && *images.begin() == 0 &&
          *images.rbegin() == n - 1;
      for (int k = 0; k < n && fits; k++) fits = molecule.numbers[p[k]] == molecule.numbers[k];
      for (const auto &[i, j] : bonds) fits = fits && bonds.contains(std::minmax(p[i], p[j]));
      if (!fits)
        fail(path,
             where + ": 'generators' holds " + json(p).dump() +
                 "; expected permutations of the atoms that keep elements and bonds");
    }
    const auto group = group_of(molecule.generators, n, max_permutations);
    if (group.empty())
      fail(path,
           where + ": its generators have more than " + std::to_string(max_permutations) +
               " permutations; fewer are accepted");
    if (molecule.widths.empty() || molecule.widths.size() > 8)
      fail(path,
           "hyperparameter 'widths' has " + std::to_string(molecule.widths.size()) +
               " entries; expected 1 to 8");
    for (const int width : molecule.widths)
      if (width < 1 || width > 4096)
        fail(path,
             "hyperparameter 'widths' holds " + std::to_string(width) +
                 "; expected whole numbers from 1 to 4096");
    for (const char *name : {"input_mean", "input_scale"}) {
      const auto found = potential.tensors.find(name);
      if (found == potential.tensors.end() ||
          int(found->second.values.size()) != molecule.n_pairs())
        continue;
      const auto &values = found->second.values;
      for (const double x : values)
        if (name == std::string("input_scale") && !(x > 0.0))
          fail(path, "tensor 'input_scale' holds " + json(x).dump() + "; expected numbers above 0");
      for (const auto &p : molecule.generators)
        for (int i = 0; i < n; i++)
          for (int j = 0; j < i; j++)
            if (values[BondedMolecule::pair(i, j)] != values[BondedMolecule::pair(p[i], p[j])])
              fail(path,
                   std::string("tensor '") + name +
                       "' differs for pairs of atoms that a permutation of the molecule exchanges; "
                       "expected equal numbers");
    }
  }

  /// Throws json::exception for anything but an array of whole numbers from 0 to 2^63 - 1.
  template <typename T> std::vector<T> whole_array(const json &value)
  {
    std::vector<T> list;
    for (const auto &entry : value.get_ref<const json::array_t &>()) {
      const auto number = entry.get_ref<const json::number_unsigned_t &>();
      list.push_back(T(std::min<std::uint64_t>(number, std::numeric_limits<std::int64_t>::max())));
    }
    return list;
  }

  std::string read_bytes(std::ifstream &file, std::uint64_t n)
  {
    std::string bytes(n, '\0');
    file.read(bytes.data(), std::streamsize(n));
    return bytes;
  }

}    // namespace

namespace {

  /// Filters, messages and updates: the same in every model of PaiNN's layers.
  void add_layers(const PainnSizes &sizes, std::map<std::string, std::vector<std::int64_t>> &shapes)
  {
    const std::int64_t F = sizes.features, L = sizes.layers, K = sizes.radial;
    shapes["filter.weight"] = {3 * F * L, K};
    shapes["filter.bias"] = {3 * F * L};
    for (int l = 0; l < sizes.layers; l++) {
      const std::string message = "message." + std::to_string(l),
                        update = "update." + std::to_string(l);
      shapes[message + ".0.weight"] = {F, F};
      shapes[message + ".0.bias"] = {F};
      shapes[message + ".1.weight"] = {3 * F, F};
      shapes[message + ".1.bias"] = {3 * F};
      shapes[update + ".mix.weight"] = {2 * F, F};
      shapes[update + ".0.weight"] = {F, 2 * F};
      shapes[update + ".0.bias"] = {F};
      shapes[update + ".1.weight"] = {3 * F, F};
      shapes[update + ".1.bias"] = {3 * F};
    }
  }

}    // namespace

std::map<std::string, std::vector<std::int64_t>> painn_tensors(const PainnSizes &sizes,
                                                               int n_species)
{
  const std::int64_t F = sizes.features, S = n_species;
  std::map<std::string, std::vector<std::int64_t>> shapes = {{"embedding", {S, F}},
                                                             {"readout.0.weight", {F / 2, F}},
                                                             {"readout.0.bias", {F / 2}},
                                                             {"readout.1.weight", {1, F / 2}},
                                                             {"readout.1.bias", {1}},
                                                             {"reference_energy", {S}},
                                                             {"scale", {}}};
  add_layers(sizes, shapes);
  return shapes;
}

std::map<std::string, std::vector<std::int64_t>> fmm_tensors(const PainnSizes &sizes,
                                                             const FmmSizes &fmm)
{
  const std::int64_t F = sizes.features, HC = fmm.channels(sizes.features),
                     Hd = fmm.heads * fmm.key_width;
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (int l = 0; l < fmm.layers; l++) {
    const std::string layer = "fmm." + std::to_string(l);
    shapes[layer + ".query.weight"] = {Hd, F};
    shapes[layer + ".key.weight"] = {Hd, F};
    shapes[layer + ".value.weight"] = {HC, F};
    shapes[layer + ".vector_value.weight"] = {HC, F};
    shapes[layer + ".radial.weight"] = {4 * fmm.kappa_count, HC};
    shapes[layer + ".scalar_out.weight"] = {F, 2 * HC};
    shapes[layer + ".vector_out.weight"] = {F, 2 * HC};
    shapes[layer + ".scalar_gate"] = {F};
    shapes[layer + ".vector_gate"] = {F};
  }
  return shapes;
}

std::map<std::string, std::vector<std::int64_t>>
jump_tensors(const PainnSizes &sizes, int n_species, int n_strides, int predictions)
{
  const std::int64_t F = sizes.features, R = n_strides, rows = R * n_species, C = predictions;
  std::map<std::string, std::vector<std::int64_t>> shapes = {
      {"embedding", {rows, F}},         {"vectors", {rows, 2, F}},
      {"readout.0.weight", {F, F}},     {"readout.0.bias", {F}},
      {"readout.1.weight", {C * F, F}}, {"readout.1.bias", {C * F}},
      {"linear", {rows, 2, 2}},         {"input_scale", {2}},
      {"target_scale", {R, 2}}};
  add_layers(sizes, shapes);
  return shapes;
}

std::map<std::string, std::vector<std::int64_t>> molecule_tensors(const MoleculeRecord &molecule,
                                                                  int n_species)
{
  const std::int64_t D = molecule.n_pairs();
  std::map<std::string, std::vector<std::int64_t>> shapes = {
      {"input_mean", {D}}, {"input_scale", {D}}, {"reference_energy", {n_species}}, {"scale", {}}};
  std::int64_t in = D;
  for (std::size_t l = 0; l < molecule.widths.size(); l++) {
    const std::string layer = "layer." + std::to_string(l);
    shapes[layer + ".weight"] = {molecule.widths[l], in};
    shapes[layer + ".bias"] = {in = molecule.widths[l]};
  }
  shapes["readout.weight"] = {1, in};
  shapes["readout.bias"] = {1};
  return shapes;
}

std::map<std::string, std::vector<std::int64_t>> jump_variant_tensors(const Potential &potential)
{
  const JumpRecord &jump = potential.jump;
  const std::int64_t F = potential.sizes.features, K = potential.sizes.radial,
                     R = std::int64_t(jump.strides.size()), rows = R * potential.n_species();
  std::map<std::string, std::vector<std::int64_t>> shapes = {{"embedding", {rows, F}},
                                                             {"linear", {rows, 2, 2}},
                                                             {"input_scale", {2}},
                                                             {"target_scale", {R, 2}}};
  const auto layer = [&](const std::string &name, std::int64_t out, std::int64_t in,
                         bool bias = true) {
    shapes[name + ".weight"] = {out, in};
    if (bias) shapes[name + ".bias"] = {out};
  };
  if (jump.published) layer("velocity", F, 3, false);
  const bool egnn = potential.model == "kstep-egnn";
  if (!egnn) shapes["vectors"] = {rows, 2, F};
  for (int l = 0; l < potential.sizes.layers; l++) {
    const std::string number = "." + std::to_string(l);
    if (egnn) {
      layer("edge" + number + ".0", F, 2 * F + K + 8);
      layer("edge" + number + ".1", F, F);
      layer("push" + number + ".0", F, F);
      layer("push" + number + ".1", 3, F, false);
      layer("mix" + number + ".0", F, F);
      layer("mix" + number + ".1", 9, F);
      layer("node" + number + ".0", F, 2 * F + 3);
      layer("node" + number + ".1", F, F);
    } else {
      layer("attention" + number + ".query", F, F);
      layer("attention" + number + ".key", F, F);
      layer("attention" + number + ".distance", jump.heads, K);
      layer("attention" + number + ".value", 3 * F, F);
      layer("attention" + number + ".out", F, F);
      layer("update" + number + ".mix", 2 * F, F, false);
      layer("update" + number + ".0", F, 2 * F);
      layer("update" + number + ".1", 3 * F, F);
    }
  }
  layer("readout.0", F, F);
  layer("readout.1", egnn ? 6 : 2 * F, F);
  return shapes;
}

std::map<std::string, std::vector<std::int64_t>> tensors_of(const Potential &potential)
{
  if (potential.is_molecule()) return molecule_tensors(potential.molecule, potential.n_species());
  if (potential.is_jump_variant()) return jump_variant_tensors(potential);
  if (potential.is_jump())
    return jump_tensors(potential.sizes, potential.n_species(), int(potential.jump.strides.size()),
                        potential.jump.predictions());
  auto shapes = painn_tensors(potential.sizes, potential.n_species());
  if (potential.is_global()) shapes.merge(fmm_tensors(potential.sizes, potential.fmm));
  return shapes;
}

bool is_trained(const std::string &name)
{
  return name != "reference_energy" && name != "scale" && name != "linear" &&
      name != "input_mean" && name != "input_scale" && name != "target_scale";
}

std::int64_t Potential::n_parameters() const
{
  std::int64_t n = 0;
  for (const auto &[name, tensor] : tensors)
    if (is_trained(name)) n += std::int64_t(tensor.values.size());
  return n;
}

std::string Potential::element_names() const
{
  std::string names;
  for (int s = 0; s < n_species(); s++)
    names += (names.empty() ? "" : " ") +
        (is_jump() ? jump.species[s].name : element_symbol(elements[s]));
  return names;
}

std::string Potential::size_text() const
{
  if (!is_molecule()) {
    std::string text = "F" + std::to_string(sizes.features) + " L" + std::to_string(sizes.layers) +
        " K" + std::to_string(sizes.radial);
    if (is_global())
      text += " + " + std::to_string(fmm.layers) +
          (fmm.layers == 1 ? " node layer" : " node layers") + " H" + std::to_string(fmm.heads) +
          " C" + std::to_string(fmm.channels(sizes.features) / fmm.heads) + " T" +
          std::to_string(fmm.kappa_count);
    return text;
  }
  std::string text;
  for (const int width : molecule.widths) text += (text.empty() ? "" : " ") + std::to_string(width);
  return text;
}

void Potential::check(const std::string &path) const
{
  if (std::find(known_models.begin(), known_models.end(), model) == known_models.end())
    fail(path, "unknown model '" + model + "'; this version reads " + quoted(known_models));
  if (elements.empty()) fail(path, "it names no elements");
  std::set<int> seen;
  for (const int z : elements) {
    if (element_symbol(z) == "X")
      fail(path, "element number " + std::to_string(z) + " does not exist");
    if (!seen.insert(z).second && !is_jump())
      fail(path, "element " + element_symbol(z) + " is listed twice");
  }
  if (!std::isfinite(cutoff) || cutoff <= 0.0)
    fail(path, "metadata 'cutoff' is " + std::to_string(cutoff) + "; expected a length above 0 Å");
  if (!range.empty() && range.size() != elements.size())
    fail(path,
         "metadata 'range' has " + std::to_string(range.size()) +
             " entries; expected one for each of the " + std::to_string(elements.size()) +
             " elements");
  for (std::size_t s = 0; s < range.size(); s++)
    for (const auto &[key, value, unit] : {std::tuple{"force", range[s].force, "eV/Å"},
                                           std::tuple{"nearest", range[s].nearest, "Å"}})
      if (!std::isfinite(value) || value <= 0.0)
        fail(path,
             std::string("metadata 'range': '") + key + "' of " + element_symbol(elements[s]) +
                 " is " + json(value).dump() + "; expected a number above 0 " + unit);
  if (!is_molecule() && (!std::isfinite(sizes.norm_floor) || sizes.norm_floor <= 0.0))
    fail(path,
         "hyperparameter 'norm_floor' is " + json(sizes.norm_floor).dump() +
             "; expected a number above 0");
  if (!is_molecule() && sizes.radial < 2)
    fail(path,
         "hyperparameter 'radial' is " + std::to_string(sizes.radial) + "; expected 2 or more");

  if (is_jump()) check_jump(path, *this);
  if (is_molecule()) check_molecule(path, *this);
  if (is_global()) check_fmm(path, *this);

  const auto shapes = tensors_of(*this);
  for (const auto &[name, shape] : shapes) {
    const auto found = tensors.find(name);
    if (found == tensors.end())
      fail(path,
           "tensor '" + name + "' is missing; a model of these sizes has it with shape " +
               shape_text(shape));
    if (found->second.shape != shape)
      fail(path,
           "tensor '" + name + "' has shape " + shape_text(found->second.shape) + "; expected " +
               shape_text(shape));
    for (std::size_t i = 0; i < found->second.values.size(); i++)
      if (!std::isfinite(found->second.values[i]))
        fail(path,
             "tensor '" + name + "' has a weight that is not finite, at index " +
                 std::to_string(i));
  }
  for (const auto &[name, tensor] : tensors)
    if (!shapes.contains(name))
      fail(path, "tensor '" + name + "' does not belong to a model '" + model + "' of these sizes");
}

Potential Potential::read(const std::string &path)
{
  std::error_code code;
  if (std::filesystem::is_directory(path, code))
    fail(path, "it is a folder; expected a .safetensors file");
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) fail(path, std::string("cannot be opened: ") + std::strerror(errno));
  const std::uint64_t file_size = std::uint64_t(file.tellg());
  file.seekg(0);

  std::uint64_t header_size = 0;
  if (file_size < sizeof header_size)
    fail(path,
         "is truncated: it has " + std::to_string(file_size) +
             " bytes, a safetensors file starts with 8");
  file.read(reinterpret_cast<char *>(&header_size), sizeof header_size);
  if (header_size > largest_header)
    fail(path,
         "is no safetensors file: its first 8 bytes give a header of " +
             std::to_string(header_size) + " bytes, " + std::to_string(largest_header) +
             " are allowed");
  if (header_size > file_size - sizeof header_size)
    fail(path,
         "is truncated: its header has " + std::to_string(header_size) + " bytes, the file " +
             std::to_string(file_size));
  const std::string header_text = read_bytes(file, header_size);
  const json header = parsed_json(header_text);
  if (header.is_discarded() || !header.is_object())
    fail(path, "has a bad header: it is not a JSON object");

  const Metadata metadata(path, header);
  if (const auto format = metadata.text("format"); format != "mlff")
    fail(path, "metadata 'format' is '" + format + "'; expected 'mlff'");
  const double version = metadata.number("format_version");
  if (version > format_version)
    fail(path,
         "has format_version " + metadata.text("format_version") +
             "; this version of mlff reads up to " + std::to_string(format_version));

  Potential potential;
  potential.model = metadata.text("model");
  if (std::find(known_models.begin(), known_models.end(), potential.model) == known_models.end())
    fail(path,
         "unknown model '" + potential.model + "'; this version reads " + quoted(known_models));
  potential.cutoff = metadata.number("cutoff");
  potential.date = metadata.text("date");
  potential.citation = metadata.text("citation");
  potential.training = metadata.text("training");
  if (const json found = metadata.parsed("units"); found != units)
    fail(path, "metadata 'units' is " + found.dump() + "; expected " + units.dump());

  const json names = metadata.parsed("elements");
  if (!names.is_array())
    fail(path, "metadata 'elements' is " + names.dump() + "; expected an array of symbols");
  for (const auto &name : names) {
    const int z = name.is_string() ? atomic_number(name.get<std::string>()) : 0;
    if (z == 0) fail(path, "metadata 'elements' holds " + name.dump() + ", which is no element");
    potential.elements.push_back(z);
  }

  if (metadata.has("range"))
    potential.range = training_range(path, metadata.parsed("range"), potential.elements);

  const json hyperparameters = metadata.parsed("hyperparameters");
  if (!hyperparameters.is_object()) fail(path, "metadata 'hyperparameters' is no JSON object");
  if (potential.is_molecule())
    potential.molecule = molecule_record(path, metadata.parsed("molecule"), hyperparameters);
  else
    potential.sizes = {size_of(path, hyperparameters, "features"),
                       size_of(path, hyperparameters, "layers"),
                       size_of(path, hyperparameters, "radial")};
  // every layer has tensors of its own: a number that no file can have must not ask for their names
  if (std::size_t(std::max(potential.sizes.layers, 0)) > header.size())
    fail(path,
         "hyperparameter 'layers' is " + std::to_string(potential.sizes.layers) +
             "; the file has " + std::to_string(header.size() - 1) + " tensors, too few");
  if (potential.is_global()) potential.fmm = fmm_sizes(path, hyperparameters);
  if (const auto floor = hyperparameters.find("norm_floor"); floor != hyperparameters.end()) {
    if (!floor->is_number())
      fail(path, "hyperparameter 'norm_floor' is " + floor->dump() + "; expected a number");
    potential.sizes.norm_floor = floor->get<double>();
  }

  if (potential.is_jump()) potential.jump = jump_record(path, potential, metadata.parsed("jump"));

  const std::uint64_t data_size = file_size - sizeof header_size - header_size;
  const std::string data = read_bytes(file, data_size);
  if (!file) fail(path, "cannot be read to its end");

  struct Range {
    std::uint64_t begin, end;
    std::string name;
  };
  std::vector<Range> ranges;
  for (const auto &[name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    Tensor tensor;
    std::vector<std::uint64_t> offsets;
    try {
      tensor.dtype = entry.at("dtype").get<std::string>();
      tensor.shape = whole_array<std::int64_t>(entry.at("shape"));
      offsets = whole_array<std::uint64_t>(entry.at("data_offsets"));
    } catch (const json::exception &) {
      fail(path,
           "has a bad header: the entry of tensor '" + name + "' is " + entry.dump() +
               "; expected dtype, shape and data_offsets");
    }
    const auto width = bytes_per_value(tensor.dtype);
    if (width == 0)
      fail(path, "tensor '" + name + "' has dtype '" + tensor.dtype + "'; expected 'F32' or 'F64'");
    const auto n = element_count(tensor.shape);
    if (offsets.size() != 2 || offsets[0] > offsets[1] || n < 0 ||
        offsets[1] - offsets[0] != std::uint64_t(n) * width)
      fail(path,
           "has a bad header: tensor '" + name + "' of shape " + shape_text(tensor.shape) +
               " and dtype " + tensor.dtype + " has data_offsets " + entry["data_offsets"].dump());
    if (offsets[1] > data_size)
      fail(path,
           "is truncated: tensor '" + name + "' ends at byte " + std::to_string(offsets[1]) +
               " of the data, which has " + std::to_string(data_size));
    ranges.push_back({offsets[0], offsets[1], name});
    tensor.values.resize(std::size_t(n));
    if (tensor.dtype == "F32")
      unpack<float>(data.data() + offsets[0], tensor.values);
    else
      unpack<double>(data.data() + offsets[0], tensor.values);
    potential.tensors.emplace(name, std::move(tensor));
  }
  std::sort(ranges.begin(), ranges.end(), [](const Range &a, const Range &b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  std::uint64_t covered = 0;
  for (const auto &range : ranges) {
    if (range.begin != covered)
      fail(path,
           "has a bad header: the data of tensor '" + range.name +
               "' overlap others or leave a gap");
    covered = range.end;
  }
  if (covered != data_size)
    fail(path,
         "has " + std::to_string(data_size) + " bytes of data; its header describes " +
             std::to_string(covered));

  potential.check(path);
  potential.sha256 = sha256_of(data);
  if (const auto expected = metadata.text("sha256"); expected != potential.sha256)
    fail(path,
         "has a wrong hash: its tensors give sha256 " + potential.sha256 + ", its metadata say " +
             expected + "; the file was changed or damaged");
  return potential;
}

void Potential::write(const std::string &path, bool overwrite)
{
  check(path);
  if (!overwrite && std::filesystem::exists(path))
    fail(path, "exists already and is not overwritten");

  json header = json::object();
  std::string data;
  // 8-byte values first, so that every tensor is aligned
  for (const char *dtype : {"F64", "F32"})
    for (const auto &[name, tensor] : tensors) {
      if (tensor.dtype != dtype) continue;
      const auto begin = data.size();
      if (tensor.dtype == "F32")
        pack<float>(tensor.values, data);
      else
        pack<double>(tensor.values, data);
      header[name] = {
          {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
    }
  sha256 = sha256_of(data);

  json names = json::array();
  for (const int z : elements) names.push_back(element_symbol(z));
  char cutoff_text[32];
  std::snprintf(cutoff_text, sizeof cutoff_text, "%.17g", cutoff);
  json hyperparameters = {
      {"features", sizes.features}, {"layers", sizes.layers}, {"radial", sizes.radial}};
  if (is_molecule()) hyperparameters = {{"widths", molecule.widths}, {"activation", "silu"}};
  if (is_global()) {
    hyperparameters["fmm_layers"] = fmm.layers;
    hyperparameters["fmm_directions"] = fmm.directions;
    hyperparameters["fmm_kappa_min"] = fmm.kappa_min;
    hyperparameters["fmm_kappa_max"] = fmm.kappa_max;
    hyperparameters["fmm_kappa_count"] = fmm.kappa_count;
    hyperparameters["fmm_heads"] = fmm.heads;
    hyperparameters["fmm_key_width"] = fmm.key_width;
    hyperparameters["fmm_value_width"] = fmm.value_width;
    hyperparameters["fmm_precision"] = fmm.precision;
  }
  if (!is_molecule() && sizes.norm_floor != PainnSizes().norm_floor)
    hyperparameters["norm_floor"] = sizes.norm_floor;
  header["__metadata__"] = {
      {"format", "mlff"},         {"format_version", std::to_string(format_version)},
      {"model", model},           {"hyperparameters", hyperparameters.dump()},
      {"elements", names.dump()}, {"units", units.dump()},
      {"cutoff", cutoff_text},    {"date", date},
      {"citation", citation},     {"training", training},
      {"sha256", sha256}};
  if (!range.empty()) {
    json entries = json::object();
    for (std::size_t s = 0; s < range.size(); s++)
      entries[element_symbol(elements[s])] = {{"force", range[s].force},
                                              {"nearest", range[s].nearest}};
    header["__metadata__"]["range"] = entries.dump();
  }
  if (is_jump()) header["__metadata__"]["jump"] = jump_json(*this).dump();
  if (is_molecule()) header["__metadata__"]["molecule"] = molecule_json(molecule).dump();
  std::string header_text;
  try {
    header_text = header.dump();
  } catch (const json::exception &) {
    fail(path, "its date, citation or training text is not valid UTF-8");
  }
  header_text.resize((header_text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t header_size = header_text.size();

  const std::string partial = path + ".part";
  {
    std::ofstream file(partial, std::ios::binary | std::ios::trunc);
    if (!file) fail(partial, std::string("cannot be written: ") + std::strerror(errno));
    file.write(reinterpret_cast<const char *>(&header_size), sizeof header_size);
    file.write(header_text.data(), std::streamsize(header_text.size()));
    file.write(data.data(), std::streamsize(data.size()));
    file.close();
    if (!file) {
      std::filesystem::remove(partial);
      fail(path, std::string("cannot be written: ") + std::strerror(errno));
    }
  }
  std::error_code code;
  std::filesystem::rename(partial, path, code);
  if (code) fail(path, "cannot be written: " + code.message());
}

}    // namespace mlff
