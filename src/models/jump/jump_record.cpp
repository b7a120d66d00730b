// Jump networks in potential files: metadata, tensors, description.
#include "models/jump/jump_record.h"

#include "core/elements.h"
#include "models/jump/jump.h"
#include "models/jump/jump_tensors.h"
#include "models/painn/painn_sizes.h"
#include "potential/metadata.h"
#include "potential/potential.h"

#include <cmath>
#include <set>

namespace mlff {

using json = nlohmann::json;

namespace {

  /// Numbers of a species in the metadata `jump`, and where they are kept.
  constexpr std::pair<const char *, double JumpRecord::Species::*> species_numbers[] = {
      {"mass", &JumpRecord::Species::mass},
      {"velocity", &JumpRecord::Species::velocity},
      {"force", &JumpRecord::Species::force},
      {"displacement", &JumpRecord::Species::displacement},
      {"velocity_change", &JumpRecord::Species::velocity_change}};

  const char *const forms[] = {"corrected", "published"};

  /// Entries of the metadata `jump`, with errors that name the key.
  struct Entries {
    const MetadataReader &metadata;

    [[noreturn]] void fail(const std::string &where, const char *key, const json &found,
                           const char *expected) const
    {
      metadata.fail("metadata 'jump'" + where + ": '" + key + "' is " + found.dump() +
                    "; expected " + expected);
    }

    const json &member(const json &object, const std::string &where, const char *key) const
    {
      if (!object.is_object() || !object.contains(key))
        metadata.fail("metadata 'jump'" + where + " lacks the key '" + key + "'");
      return object[key];
    }

    double number(const json &object, const std::string &where, const char *key) const
    {
      const json &found = member(object, where, key);
      if (!found.is_number()) fail(where, key, found, "a number");
      return found.get<double>();
    }

    std::string text(const json &object, const std::string &where, const char *key) const
    {
      const json &found = member(object, where, key);
      if (!found.is_string()) fail(where, key, found, "a string");
      return found.get<std::string>();
    }

    std::vector<double> numbers(const json &object, const char *key) const
    {
      const json &found = member(object, "", key);
      std::vector<double> list;
      if (found.is_array())
        for (const auto &entry : found)
          if (entry.is_number()) list.push_back(entry.get<double>());
      if (!found.is_array() || list.size() != found.size())
        fail("", key, found, "an array of numbers");
      return list;
    }
  };

  void positive(const std::string &path, const std::string &what, double value)
  {
    if (!std::isfinite(value) || value <= 0.0)
      reject_potential(path,
                       "metadata 'jump': " + what + " is " + number_text(value) +
                           "; expected a number above 0");
  }

  void check_times(const JumpRecord &jump, const std::string &path)
  {
    positive(path, "'timestep'", jump.timestep);
    if (jump.strides.empty())
      reject_potential(path,
                       "metadata 'jump': 'strides' is empty; expected one or more times in fs");
    for (std::size_t k = 0; k < jump.strides.size(); k++) {
      positive(path, "a stride", jump.strides[k]);
      if (k > 0 && jump.strides[k] <= jump.strides[k - 1])
        reject_potential(path,
                         "metadata 'jump': 'strides' is " + json(jump.strides).dump() +
                             "; expected ascending times");
      const double steps = jump.strides[k] / jump.timestep;
      if (std::abs(steps - std::round(steps)) > 1e-6)
        reject_potential(path,
                         "metadata 'jump': the stride " + number_text(jump.strides[k]) +
                             " is not a whole number of time steps of " +
                             number_text(jump.timestep) + " fs");
    }
  }

  void check_species(const Potential &potential, const std::string &path)
  {
    const JumpRecord &jump = jump_record(potential);
    if (jump.species.size() != potential.elements.size())
      reject_potential(path,
                       "metadata 'jump' has " + std::to_string(jump.species.size()) +
                           " species; expected one for each of the " +
                           std::to_string(potential.elements.size()) + " entries of 'elements'");
    std::set<std::string> names;
    for (std::size_t s = 0; s < jump.species.size(); s++) {
      const auto &species = jump.species[s];
      if (!names.insert(species.name).second)
        reject_potential(path, "metadata 'jump': species '" + species.name + "' is listed twice");
      const std::string symbol = element_symbol(potential.elements[s]);
      if (species.environment.empty() ? species.name != symbol : !species.name.starts_with(symbol))
        reject_potential(path,
                         "metadata 'jump': species '" + species.name + "' is of the element " +
                             symbol + "; expected its symbol" +
                             (species.environment.empty() ? "" : " and a number"));
      for (const auto &[key, member] : species_numbers)
        positive(path, std::string("'") + key + "' of " + species.name, species.*member);
    }
  }

  void check_scales(const Potential &potential, const std::string &path)
  {
    for (const char *name : {"input_scale", "target_scale"}) {
      const auto found = potential.tensors.find(name);
      if (found == potential.tensors.end()) continue;
      for (const double x : found->second.values)
        if (!(x > 0.0))
          reject_potential(path,
                           std::string("tensor '") + name + "' holds " + number_text(x) +
                               "; expected numbers above 0");
    }
  }

  json jump_json(const JumpRecord &jump)
  {
    json value = {{"timestep", jump.timestep},
                  {"strides", jump.strides},
                  {"temperatures", jump.temperatures},
                  {"species", json::array()}};
    for (const auto &species : jump.species) {
      json entry = {{"name", species.name}, {"environment", species.environment}};
      for (const auto &[key, member] : species_numbers) entry[key] = species.*member;
      value["species"].push_back(entry);
    }
    return value;
  }

  json variant_json(const JumpRecord &jump)
  {
    json value = jump_json(jump);
    value["form"] = forms[jump.published];
    value["bound"] = jump.bound;
    return value;
  }

  void read(const MetadataReader &metadata, Potential &potential)
  {
    painn_file.read(metadata, potential);
    const json value = metadata.parsed("jump");
    const Entries entries{metadata};
    JumpRecord &jump = jump_record(potential);
    jump.timestep = entries.number(value, "", "timestep");
    jump.strides = entries.numbers(value, "strides");
    jump.temperatures = entries.numbers(value, "temperatures");
    const json &species = entries.member(value, "", "species");
    if (!species.is_array()) entries.fail("", "species", species, "an array of objects");
    for (const auto &entry : species) {
      const std::string where = " of species " + std::to_string(jump.species.size() + 1);
      JumpRecord::Species one;
      one.name = entries.text(entry, where, "name");
      one.environment = entries.text(entry, where, "environment");
      for (const auto &[key, place] : species_numbers)
        one.*place = entries.number(entry, where, key);
      jump.species.push_back(one);
    }
  }

  void read_variant(const MetadataReader &metadata, Potential &potential)
  {
    read(metadata, potential);
    const json value = metadata.parsed("jump");
    const Entries entries{metadata};
    JumpRecord &jump = jump_record(potential);
    const json &form = entries.member(value, "", "form");
    if (form != forms[0] && form != forms[1])
      entries.fail("", "form", form, "\"corrected\" or \"published\"");
    jump.published = form == forms[1];
    jump.bound = entries.number(value, "", "bound");
  }

  void read_transformer(const MetadataReader &metadata, Potential &potential)
  {
    read_variant(metadata, potential);
    const json value = metadata.parsed("jump");
    const Entries entries{metadata};
    const json &heads = entries.member(value, "", "heads");
    if (!heads.is_number_integer()) entries.fail("", "heads", heads, "a whole number");
    jump_record(potential).heads = heads.get<int>();
  }

  void write(const Potential &potential, MetadataWriter &metadata)
  {
    painn_file.write(potential, metadata);
    metadata.more["jump"] = jump_json(jump_record(potential)).dump();
  }

  void write_variant(const Potential &potential, MetadataWriter &metadata)
  {
    painn_file.write(potential, metadata);
    metadata.more["jump"] = variant_json(jump_record(potential)).dump();
  }

  void write_transformer(const Potential &potential, MetadataWriter &metadata)
  {
    painn_file.write(potential, metadata);
    json value = variant_json(jump_record(potential));
    value["heads"] = jump_record(potential).heads;
    metadata.more["jump"] = value.dump();
  }

  void check(const Potential &potential, const std::string &path)
  {
    painn_file.check(potential, path);
    check_times(jump_record(potential), path);
    check_species(potential, path);
    check_scales(potential, path);
  }

  void check_variant(const Potential &potential, const std::string &path)
  {
    check(potential, path);
    positive(path, "'bound'", jump_record(potential).bound);
  }

  void check_transformer(const Potential &potential, const std::string &path)
  {
    check_variant(potential, path);
    const int heads = jump_record(potential).heads, features = painn_sizes(potential).features;
    if (heads < 1 || features % heads != 0)
      reject_potential(path,
                       "metadata 'jump': 'heads' is " + std::to_string(heads) +
                           "; expected a divisor of the " + std::to_string(features) + " features");
  }

  void describe(const Potential &potential, ModelDescription &description)
  {
    describe_painn_sizes(potential, description);
    const JumpRecord &jump = jump_record(potential);
    auto &more = description.more;
    more["timestep_fs"] = jump.timestep;
    more["strides_fs"] = jump.strides;
    more["temperatures_K"] = jump.temperatures;
    for (const auto &species : jump.species)
      more["species"][species.name] = {{"mass", species.mass},
                                       {"largest",
                                        {{"velocity_A_per_ps", species.velocity},
                                         {"force_eV_per_A", species.force},
                                         {"displacement_A", species.displacement},
                                         {"velocity_change_A_per_ps", species.velocity_change}}}};
    for (const auto &species : jump.species)
      if (!species.environment.empty())
        more["species"][species.name]["environment"] = species.environment;
  }

  void describe_variant(const Potential &potential, ModelDescription &description)
  {
    const JumpRecord &jump = jump_record(potential);
    description.more["form"] = forms[jump.published];
    description.more["bound"] = jump.bound;
    description.more["known_defects"] = jump_defects(potential);
    describe(potential, description);
  }

  void describe_transformer(const Potential &potential, ModelDescription &description)
  {
    const JumpRecord &jump = jump_record(potential);
    // placeholders keep the order of keys: form, bound, defects, heads, then what all networks have
    for (const char *key : {"form", "bound", "known_defects"}) description.more[key] = nullptr;
    description.more["heads"] = jump.heads;
    describe_variant(potential, description);
  }

  std::vector<std::string> species_names(const Potential &potential)
  {
    std::vector<std::string> names;
    for (const auto &species : jump_record(potential).species) names.push_back(species.name);
    return names;
  }

  TensorTable painn_tensors(const Potential &potential)
  {
    return table_of([&](auto &walk, auto &nowhere) {
      walk_jump(potential, walk, PainnPlaces{nowhere, nowhere, nowhere, nowhere});
    });
  }

  TensorTable egnn_tensors(const Potential &potential)
  {
    return table_of([&](auto &walk, auto &nowhere) {
      walk_egnn(potential, walk, nowhere, nowhere);
    });
  }

  TensorTable transformer_tensors(const Potential &potential)
  {
    return table_of([&](auto &walk, auto &nowhere) {
      walk_transformer(potential, walk, nowhere, nowhere);
    });
  }

  std::string size_text(const Potential &potential)
  {
    return painn_file.size_text(potential);
  }

}    // namespace

const ModelFile kstep_painn_file = {read,      write,    check,        painn_tensors,
                                    size_text, describe, species_names};
const ModelFile kstep_egnn_file = {read_variant, write_variant,    check_variant, egnn_tensors,
                                   size_text,    describe_variant, species_names};
const ModelFile kstep_transformer_file = {
    read_transformer, write_transformer,    check_transformer, transformer_tensors,
    size_text,        describe_transformer, species_names};

}    // namespace mlff
