// Metadata of all potentials: reading, writing, checks.
#include "potential/potential.h"

#include "core/elements.h"
#include "core/sha256.h"
#include "potential/metadata.h"
#include "potential/model_kind.h"
#include "potential/repulsion/core_metadata.h"
#include "potential/safetensors.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <set>
#include <tuple>

namespace mlff {

using json = nlohmann::json;

namespace {

  const json units = {
      {"energy", "eV"}, {"length", "Angstrom"}, {"velocity", "Angstrom/ps"}, {"time", "fs"}};

  /// Metadata `elements`, an array of chemical symbols.
  std::vector<int> read_elements(const MetadataReader &metadata)
  {
    const json names = metadata.parsed("elements");
    if (!names.is_array())
      metadata.fail("metadata 'elements' is " + names.dump() + "; expected an array of symbols");
    std::vector<int> elements;
    for (const auto &name : names) {
      const int z = name.is_string() ? atomic_number(name.get<std::string>()) : 0;
      if (z == 0)
        metadata.fail("metadata 'elements' holds " + name.dump() + ", which is not an element");
      elements.push_back(z);
    }
    return elements;
  }

  /// Metadata `range`, {"H": {"force": 7.1, "nearest": 0.93}, ...}: one entry for each element of
  /// the potential.
  std::vector<TrainingRange> read_range(const MetadataReader &metadata,
                                        const std::vector<int> &elements)
  {
    const json entries = metadata.parsed("range");
    if (!entries.is_object())
      metadata.fail("metadata 'range' is " + entries.dump() +
                    "; expected an object with an entry for each element");
    std::vector<TrainingRange> range(elements.size());
    for (const auto &[name, entry] : entries.items()) {
      const auto found = std::find(elements.begin(), elements.end(), atomic_number(name));
      if (found == elements.end())
        metadata.fail("metadata 'range' has an entry '" + name +
                      "', which is not an element of this potential");
      const auto number = [&, &name = name, &entry = entry](const char *key) {
        if (!entry.is_object() || !entry.contains(key) || !entry[key].is_number())
          metadata.fail("metadata 'range' of " + name + " is " + entry.dump() +
                        "; expected the numbers 'force' and 'nearest'");
        return entry[key].get<double>();
      };
      range[std::size_t(found - elements.begin())] = {number("force"), number("nearest")};
    }
    for (const int z : elements)
      if (!entries.contains(element_symbol(z)))
        metadata.fail("metadata 'range' has no entry for " + element_symbol(z));
    return range;
  }

  json range_json(const Potential &potential)
  {
    json entries = json::object();
    for (std::size_t s = 0; s < potential.range.size(); s++)
      entries[element_symbol(potential.elements[s])] = {{"force", potential.range[s].force},
                                                        {"nearest", potential.range[s].nearest}};
    return entries;
  }

  void check_elements(const Potential &potential, const std::string &path)
  {
    if (potential.elements.empty()) reject_potential(path, "it names no elements");
    std::set<int> seen;
    for (const int z : potential.elements) {
      if (element_symbol(z) == "X")
        reject_potential(path, "element number " + std::to_string(z) + " does not exist");
      if (!seen.insert(z).second && !potential.kind().file.species_names)
        reject_potential(path, "element " + element_symbol(z) + " is listed twice");
    }
  }

  void check_range(const Potential &potential, const std::string &path)
  {
    const auto &range = potential.range;
    if (!range.empty() && range.size() != potential.elements.size())
      reject_potential(path,
                       "metadata 'range' has " + std::to_string(range.size()) +
                           " entries; expected one for each of the " +
                           std::to_string(potential.elements.size()) + " elements");
    for (std::size_t s = 0; s < range.size(); s++)
      for (const auto &[key, value, unit] : {std::tuple{"force", range[s].force, "eV/Å"},
                                             std::tuple{"nearest", range[s].nearest, "Å"}})
        if (!std::isfinite(value) || value <= 0.0)
          reject_potential(path,
                           std::string("metadata 'range': '") + key + "' of " +
                               element_symbol(potential.elements[s]) + " is " + number_text(value) +
                               "; expected a number above 0 " + unit);
  }

  /// The tensors must be those of the model, and finite.
  void check_tensors(const Potential &potential, const std::string &path)
  {
    const auto table = tensors_of(potential);
    for (const auto &[name, entry] : table) {
      const auto found = potential.tensors.find(name);
      if (found == potential.tensors.end())
        reject_potential(path,
                         "tensor '" + name +
                             "' is missing; a model of these sizes has it with "
                             "shape " +
                             shape_text(entry.shape));
      if (found->second.shape != entry.shape)
        reject_potential(path,
                         "tensor '" + name + "' has shape " + shape_text(found->second.shape) +
                             "; expected " + shape_text(entry.shape));
      for (std::size_t i = 0; i < found->second.values.size(); i++)
        if (!std::isfinite(found->second.values[i]))
          reject_potential(path,
                           "tensor '" + name + "' has a weight that is not finite, at index " +
                               std::to_string(i));
    }
    for (const auto &[name, tensor] : potential.tensors)
      if (!table.contains(name))
        reject_potential(path,
                         "tensor '" + name + "' does not belong to a model '" +
                             potential.kind().name + "' of these sizes");
  }

}    // namespace

const ModelKind &Potential::kind() const
{
  if (!kind_of_model) throw PotentialError("a potential without a model");
  return *kind_of_model;
}

std::string Potential::model() const
{
  return kind().name;
}

TensorTable tensors_of(const Potential &potential)
{
  return potential.kind().file.tensors(potential);
}

std::int64_t Potential::n_parameters() const
{
  const auto table = tensors_of(*this);
  std::int64_t n = 0;
  for (const auto &[name, tensor] : tensors)
    if (const auto found = table.find(name); found != table.end() && found->second.trained())
      n += std::int64_t(tensor.values.size());
  return n;
}

std::string Potential::element_names() const
{
  std::vector<std::string> names;
  if (kind().file.species_names)
    names = kind().file.species_names(*this);
  else
    for (const int z : elements) names.push_back(element_symbol(z));
  std::string text;
  for (const auto &name : names) text += (text.empty() ? "" : " ") + name;
  return text;
}

std::string Potential::identity() const
{
  return core.empty() ? sha256 : sha256_of(sha256 + core_text(*this));
}

std::string Potential::size_text() const
{
  return kind().file.size_text(*this);
}

void Potential::check(const std::string &path) const
{
  if (!kind_of_model) reject_potential(path, "it has no model");
  check_elements(*this, path);
  if (!std::isfinite(cutoff) || cutoff <= 0.0)
    reject_potential(
        path, "metadata 'cutoff' is " + std::to_string(cutoff) + "; expected a length above 0 Å");
  check_range(*this, path);
  check_core(*this, path);
  kind().file.check(*this, path);
  check_tensors(*this, path);
}

Potential Potential::read(const std::string &path)
{
  SafetensorsReader file(path);
  const MetadataReader metadata(path, file.header());
  if (const auto format = metadata.text("format"); format != "mlff")
    metadata.fail("metadata 'format' is '" + format + "'; expected 'mlff'");
  if (metadata.number("format_version") > format_version)
    metadata.fail("has format_version " + metadata.text("format_version") +
                  "; this version of mlff reads up to " + std::to_string(format_version));

  Potential potential;
  const ModelKind &kind = model_kind(metadata.text("model"), path);
  potential.set_kind(kind);
  potential.cutoff = metadata.number("cutoff");
  potential.date = metadata.text("date");
  potential.citation = metadata.text("citation");
  potential.training = metadata.text("training");
  if (const json found = metadata.parsed("units"); found != units)
    metadata.fail("metadata 'units' is " + found.dump() + "; expected " + units.dump());
  potential.elements = read_elements(metadata);
  if (metadata.has("range")) potential.range = read_range(metadata, potential.elements);
  if (metadata.has("core")) potential.core = read_core(metadata, potential.elements);
  kind.file.read(metadata, potential);

  potential.tensors = file.read_tensors(potential.sha256);
  potential.check(path);
  if (const auto expected = metadata.text("sha256"); expected != potential.sha256)
    metadata.fail("has a wrong hash: its tensors give sha256 " + potential.sha256 +
                  ", its metadata say " + expected + "; the file was changed or damaged");
  return potential;
}

void Potential::write(const std::string &path, bool overwrite)
{
  check(path);
  if (!overwrite && std::filesystem::exists(path))
    reject_potential(path, "exists already and is not overwritten");
  const SafetensorsWriter file(tensors);
  sha256 = file.sha256();

  MetadataWriter model_metadata;
  kind().file.write(*this, model_metadata);
  json names = json::array();
  for (const int z : elements) names.push_back(element_symbol(z));
  char cutoff_text[32];
  std::snprintf(cutoff_text, sizeof cutoff_text, "%.17g", cutoff);
  json metadata = {
      {"format", "mlff"},         {"format_version", core.empty() ? "1" : "2"},
      {"model", kind().name},     {"hyperparameters", model_metadata.hyperparameters.dump()},
      {"elements", names.dump()}, {"units", units.dump()},
      {"cutoff", cutoff_text},    {"date", date},
      {"citation", citation},     {"training", training},
      {"sha256", sha256}};
  if (!range.empty()) metadata["range"] = range_json(*this).dump();
  if (!core.empty()) metadata["core"] = core_json(*this).dump();
  metadata.update(model_metadata.more);
  file.write(path, metadata);
}

}    // namespace mlff
