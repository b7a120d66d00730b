// Access to metadata, with errors that name the key.
#include "potential/metadata.h"

#include "core/elements.h"
#include "potential/potential.h"
#include "potential/safetensors.h"

#include <cmath>
#include <cstdlib>

namespace mlff {

using json = nlohmann::json;

MetadataReader::MetadataReader(const std::string &path, const json &header) :
    path(path), n_tensors(header.size() - header.count("__metadata__"))
{
  const auto found = header.find("__metadata__");
  if (found == header.end() || !found->is_object())
    fail("its header has no '__metadata__'; expected a potential written by mlff, not a bare "
         "safetensors file");
  object = *found;
}

std::string MetadataReader::text(const std::string &key) const
{
  const auto found = object.find(key);
  if (found == object.end()) fail("its metadata lack the key '" + key + "'");
  if (!found->is_string()) fail("metadata '" + key + "' is not a string");
  return found->get<std::string>();
}

double MetadataReader::number(const std::string &key) const
{
  const std::string word = text(key);
  char *end = nullptr;
  const double value = std::strtod(word.c_str(), &end);
  if (word.empty() || *end != '\0' || !std::isfinite(value))
    fail("metadata '" + key + "' is '" + word + "'; expected a number");
  return value;
}

json MetadataReader::parsed(const std::string &key) const
{
  json value = parse_json(text(key));
  if (value.is_discarded())
    fail("metadata '" + key + "' is not valid JSON: found '" + text(key) + "'");
  return value;
}

json MetadataReader::hyperparameters() const
{
  json value = parsed("hyperparameters");
  if (!value.is_object()) fail("metadata 'hyperparameters' is not a JSON object");
  return value;
}

void describe_reference_energies(const Potential &potential, ModelDescription &description)
{
  const auto &energies = potential.tensors.at("reference_energy").values;
  for (int s = 0; s < potential.n_species(); s++)
    description.more["reference_energy_eV"][element_symbol(potential.elements[s])] = energies[s];
}

int whole_hyperparameter(const std::string &path, const json &hyperparameters, const char *key,
                         int least)
{
  const auto found = hyperparameters.find(key);
  if (found == hyperparameters.end())
    reject_potential(path, std::string("hyperparameters lack '") + key + "'");
  if (!found->is_number_integer() || *found < least || *found > 65536)
    reject_potential(path,
                     std::string("hyperparameter '") + key + "' is " + found->dump() +
                         "; expected a whole number from " + std::to_string(least) + " to 65536");
  return found->get<int>();
}

std::vector<int> whole_numbers(const std::string &path, const json &object,
                               const std::string &where, const char *key)
{
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || found == object.end())
    reject_potential(path, where + " lacks the key '" + key + "'");
  std::vector<int> list;
  if (found->is_array())
    for (const auto &entry : *found)
      if (entry.is_number_integer() && entry >= -65536 && entry <= 65536)
        list.push_back(entry.get<int>());
  if (!found->is_array() || list.size() != found->size())
    reject_potential(path,
                     where + ": '" + key + "' is " + found->dump() +
                         "; expected an array of whole numbers");
  return list;
}

std::string number_text(double value)
{
  return json(value).dump();
}

}    // namespace mlff
