// The stress of a frame of XYZ: the choice among its keys and those of the virial.
#include "data/parse.h"
#include "data/xyz/xyz_reader.h"
#include "data/xyz/xyz_stress.h"
#include "structure/lattice.h"
#include "structure/stress.h"

#include <algorithm>
#include <cmath>

namespace mlff {

void XyzReader::read_stress(Structure &frame)
{
  // A stress comes before a virial, because it needs no division.
  std::vector<std::size_t> place;
  std::vector<std::pair<std::string, NameClaim>> list;
  for (const bool virial : {false, true})
    for (std::size_t k = 0; k < pairs.size(); k++)
      if (const auto &key = pairs[k].key; is_virial(key) == virial) {
        place.push_back(k);
        list.emplace_back(key,
                          is_pressure_of_lammps(key) ? NameClaim::none : claim_of(xyz_stress, key));
      }
  if (!can_have_stress(frame)) {
    const auto given = options.keys.find(xyz_stress.name);
    for (const auto &[name, claim] : list)
      if (claim != NameClaim::none || (given != options.keys.end() && given->second == name))
        frame.unread_stress.push_back(name +
                                      " (of a frame that is not periodic in all directions)");
    return;
  }
  std::vector<std::size_t> equals;
  const std::size_t chosen = choose(xyz_stress, list, equals, false);
  if (chosen == nobody) {
    for (const auto &[name, claim] : list)
      if (claim == NameClaim::other)
        frame.unread_stress.push_back(name);
      else if (is_pressure_of_lammps(name))
        frame.unread_stress.push_back(name + " (LAMMPS' pressure, with a part of the velocities)");
    return;
  }
  const double volume = cell_volume(frame.cell);
  frame.stress = stress_of_key(place[chosen], frame);
  for (const std::size_t k : equals) {
    compare_stress(place[chosen], *frame.stress, place[k], stress_of_key(place[k], frame), volume);
    // Its words, which need not have all digits, stay on rewriting unless their unit changes.
    if (options.units != "real") layout.keys[place[k]].role = XyzRole::none;
  }
}

std::array<double, 9> XyzReader::stress_of_key(std::size_t k, const Structure &frame)
{
  const XyzPair &pair = pairs[k];
  const bool virial = is_virial(pair.key);
  const auto words = elements_of_value(pair.value);
  if (!is_stress_size(words.size(), virial))
    throw fail(pair.key + " has " + std::to_string(words.size()) + " numbers; expected 9" +
               (virial ? "" : ", or 6 in the order xx yy zz yz xz xy"));
  std::vector<double> numbers;
  numbers.reserve(words.size());
  for (const auto word : words) numbers.push_back(number_of(word, pair.key));
  const double volume = cell_volume(frame.cell);
  if (virial && !(volume > 1e-9 && std::isfinite(volume)))
    throw fail("found the key '" + pair.key +
               "', which is -volume * stress, but the volume of the cell is " + digits(volume) +
               " A^3; expected a finite one above 0");
  layout.keys[k].role = virial ? XyzRole::virial : XyzRole::stress;
  return stress_of_numbers(numbers, virial, volume);
}

/// Keys a and b must hold the same stress: a virial within what files round, as ASE, MACE and GPUMD
/// write it.
void XyzReader::compare_stress(std::size_t a, const std::array<double, 9> &stress_a, std::size_t b,
                               const std::array<double, 9> &stress_b, double volume) const
{
  const std::string &name_a = pairs[a].key, &name_b = pairs[b].key;
  const bool alike = is_virial(name_a) == is_virial(name_b);
  // eV; of two stresses eV/Å^3
  const double unit = alike && !is_virial(name_a) ? 1.0 : -volume, tolerance = alike ? 1e-10 : 1e-3;
  for (std::size_t k = 0; k < 9; k++) {
    const double x = unit * stress_a[k], y = unit * stress_b[k];
    if (std::isfinite(x - y) &&
        std::abs(x - y) <= tolerance * std::max({1.0, std::abs(x), std::abs(y)}))
      continue;
    throw two_of(xyz_stress, name_a, name_b,
                 alike ? digits(x) + " and " + digits(y)
                       : "-volume * " + name_a + " is " + digits(x) + " eV where " + name_b +
                         " is " + digits(y) + " eV");
  }
}

}    // namespace mlff
