// The jump network that mlff make-jump tests and starts from.
#include "make_jump/start_network.h"

#include "core/elements.h"
#include "data/numpy/npz.h"
#include "models/jump/jump_record.h"
#include "potential/find_potential.h"
#include "potential/model_kind.h"
#include "potential/potential.h"
#include "workflow/lammps_run.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <vector>

namespace mlff {

namespace fs = std::filesystem;

namespace {

  /// The file of --from; empty for `none`. A name stands for the network of this stride that ships
  /// under it, or that of 8 fs.
  std::string file_of(const std::string &from, double stride)
  {
    if (from == "none") return "";
    const auto places = potential_folders();
    std::vector<fs::path> files = {from};
    files.emplace_back(find_potential(from));
    for (const auto &end :
         {"-gfn2-jump" + number(stride) + ".safetensors", std::string("-gfn2-jump8.safetensors")})
      for (const auto &place : places) files.push_back(place / (from + end));
    for (const auto &file : files)
      if (fs::is_regular_file(file)) return fs::absolute(file).string();
    std::set<std::string> names;
    for (const auto &place : places)
      if (fs::is_directory(place))
        for (const auto &entry : fs::directory_iterator(place)) {
          const std::string name = entry.path().filename().string();
          if (const auto at = name.find("-gfn2-jump"); at != std::string::npos)
            names.insert(name.substr(0, at));
        }
    std::string accepted;
    for (const auto &name : names) accepted += name + ", ";
    throw FileError("--from '" + from +
                    "' is neither a file, here or in the folders of potentials, nor a "
                    "network that ships; accepted: " +
                    accepted + "none, or the file of a jump network" + similar_potentials(from));
  }

}    // namespace

StartNetwork StartNetwork::find(const std::string &from, double stride, const Molecule &molecule)
{
  StartNetwork found;
  found.file = file_of(from, stride);
  if (found.file.empty()) {
    found.untested = "no network is given";
    return found;
  }
  const Potential start = Potential::read(found.file);
  found.sha256 = start.sha256;
  if (!start.kind().gives_jumps)
    throw FileError("--from '" + from + "' names '" + found.file + "', a model '" + start.model() +
                    "'; accepted: kstep-painn");
  for (const auto &species : jump_record(start).species)
    if (!species.environment.empty())
      throw FileError("--from '" + from + "': species of '" + found.file +
                      "' are classes of elements, which other molecules do not have; accepted: "
                      "networks with elements as species");
  std::string unknown;
  for (const int z : elements_of(molecule.numbers))
    if (std::find(start.elements.begin(), start.elements.end(), z) == start.elements.end())
      unknown += std::string(" ") + element_symbol(z);
  if (!unknown.empty()) {
    found.untested = "it knows " + start.element_names() + ", and not" + unknown;
    return found;
  }
  found.from_scratch = false;
  for (int i = 0; i < molecule.n_atoms(); i++)
    for (const auto &species : jump_record(start).species)
      if (species.name == element_symbol(molecule.numbers[i]) &&
          std::abs(species.mass - molecule.masses[i]) > 0.01)
        found.untested = "it learned " + species.name + " with " + number(species.mass) +
            " g/mol, and here it has " + number(molecule.masses[i]);
  if (!found.untested.empty()) return found;
  if (std::find(jump_record(start).strides.begin(), jump_record(start).strides.end(), stride) ==
      jump_record(start).strides.end())
    found.untested = "it has no stride of " + number(stride) + " fs";
  return found;
}

}    // namespace mlff
