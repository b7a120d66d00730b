// Radii of repulsive cores in the metadata of potential files.
#include "potential/repulsion/repulsive_core.h"

#include "core/elements.h"
#include "potential/model_kind.h"
#include "potential/potential.h"
#include "potential/repulsion/core_metadata.h"
#include "structure/bonds.h"

#include <cmath>

namespace mlff {

using json = nlohmann::json;

namespace {

  std::string pair_name(int number, int other)
  {
    return element_symbol(number) + "-" + element_symbol(other);
  }

  double radius(const MetadataReader &metadata, const std::string &name, const json &entry,
                const char *key)
  {
    if (!entry.is_object() || !entry.contains(key) || !entry[key].is_number())
      metadata.fail("metadata 'core' of " + name + " is " + entry.dump() +
                    "; expected the numbers 'inner' and 'outer'");
    return entry[key].get<double>();
  }

}    // namespace

CoreRadii covalent_core(int number, int other)
{
  const double sum = covalent_radius(number) + covalent_radius(other);
  return {0.4 * sum, 0.7 * sum};
}

RepulsiveCore covalent_cores(const std::vector<int> &elements)
{
  RepulsiveCore core;
  for (const int number : elements)
    for (const int other : elements) core.push_back(covalent_core(number, other));
  return core;
}

RepulsiveCore read_core(const MetadataReader &metadata, const std::vector<int> &elements)
{
  const json found = metadata.parsed("core");
  if (!found.is_object() || found.size() != 1 || !found.contains("zbl") ||
      !found["zbl"].is_object())
    metadata.fail("metadata 'core' is " + found.dump() +
                  "; expected an object with the key 'zbl', which holds an entry for each pair of "
                  "elements");
  const json &entries = found["zbl"];
  const std::size_t n = elements.size();
  if (entries.size() != n * (n + 1) / 2)
    metadata.fail("metadata 'core' has " + std::to_string(entries.size()) + " entries; expected " +
                  std::to_string(n * (n + 1) / 2) + ", one for each pair of the elements");
  RepulsiveCore core(n * n);
  for (std::size_t s = 0; s < n; s++)
    for (std::size_t t = s; t < n; t++) {
      std::string name = pair_name(elements[s], elements[t]);
      if (!entries.contains(name)) name = pair_name(elements[t], elements[s]);
      if (!entries.contains(name))
        metadata.fail("metadata 'core' has no entry for " + pair_name(elements[s], elements[t]));
      const json &entry = entries[name];
      core[s * n + t] = {radius(metadata, name, entry, "inner"),
                         radius(metadata, name, entry, "outer")};
      core[t * n + s] = core[s * n + t];
    }
  return core;
}

nlohmann::ordered_json core_json(const Potential &potential, const std::string &unit)
{
  nlohmann::ordered_json entries = nlohmann::ordered_json::object();
  const auto &elements = potential.elements;
  const std::size_t n = elements.size();
  for (std::size_t s = 0; s < n; s++)
    for (std::size_t t = s; t < n; t++) {
      const CoreRadii &radii = potential.core[s * n + t];
      entries[pair_name(elements[s], elements[t])] = {{"inner" + unit, radii.inner},
                                                      {"outer" + unit, radii.outer}};
    }
  nlohmann::ordered_json core;
  core["zbl"] = entries;
  return core;
}

void check_core(const Potential &potential, const std::string &path)
{
  const auto &core = potential.core;
  if (core.empty()) return;
  if (!potential.kind().repulsive_core)
    reject_potential(
        path,
        std::string("metadata 'core' is for models of energies by neighbors; model '") +
            potential.kind().name + "' has no repulsive core");
  const std::size_t n = potential.elements.size();
  if (core.size() != n * n)
    reject_potential(path,
                     "metadata 'core' has " + std::to_string(core.size()) +
                         " entries; expected one for each of the " + std::to_string(n * n) +
                         " pairs of elements");
  for (std::size_t s = 0; s < n; s++)
    for (std::size_t t = 0; t < n; t++) {
      const CoreRadii &radii = core[s * n + t];
      const std::string name = pair_name(potential.elements[s], potential.elements[t]);
      if (!(radii.inner > 0.0) || !(radii.inner < radii.outer) ||
          !(radii.outer <= potential.cutoff))
        reject_potential(path,
                         "metadata 'core' of " + name + ": 'inner' is " + number_text(radii.inner) +
                             " Å and 'outer' is " + number_text(radii.outer) +
                             " Å; expected 0 < inner < outer, and outer up to the cutoff of " +
                             number_text(potential.cutoff) + " Å");
      const CoreRadii &other = core[t * n + s];
      if (radii.inner != other.inner || radii.outer != other.outer)
        reject_potential(path, "metadata 'core' of " + name + " depends on the order of the pair");
    }
}

std::string core_text(const Potential &potential)
{
  return potential.core.empty() ? "" : core_json(potential).dump();
}

}    // namespace mlff
