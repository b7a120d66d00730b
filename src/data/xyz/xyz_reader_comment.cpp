// The comment line of a frame of XYZ: cell, columns, time, energy, charge and multiplicity.
#include "data/parse.h"
#include "data/xyz/xyz_reader.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace mlff {

void XyzReader::read_comment(Structure &frame)
{
  keep_keys(frame);
  layout.columns = {{"species", 'S', 1, XyzRole::species, {}},
                    {"pos", 'R', 3, XyzRole::positions, {}}};
  if (const auto *properties = find("Properties")) {
    for (std::size_t k = 0; k < pairs.size(); k++)
      if (same_name(pairs[k].key, "Properties")) layout.keys[k].role = XyzRole::properties;
    read_properties(properties->value);
  }
  read_lattice(frame);
  read_periodicity(frame);
  if (const auto *step = find("Timestep")) frame.step = whole(step->value).value_or(-1);
  if (const auto *time = find("Time", true)) frame.time = number(time->value);
  read_results(frame);
  read_stress(frame);
}

/// Keys of the line for the layout. A line of words is a remark, whatever is in it.
void XyzReader::keep_keys(Structure &frame)
{
  std::string wrong;
  pairs = parse_xyz_comment(text, wrong);
  layout = {};
  named_columns = find("Properties") != nullptr;
  const bool extended = named_columns || find("Lattice");
  types_of_lammps = text.starts_with("Atoms. Timestep");
  const bool remark = !extended && std::any_of(pairs.begin(), pairs.end(), [](const XyzPair &pair) {
    return pair.alone;
  });
  if (!wrong.empty() && !remark) throw fail(wrong);
  if (remark) {
    for (const auto &pair : pairs)
      if (!pair.alone && claim_of(xyz_energy, pair.key) != NameClaim::none)
        frame.unread.push_back(pair.key + " (in a remark)");
    layout.keys.push_back({"comment", quoted_value(text), false, XyzRole::none});
    pairs.clear();
  } else
    for (const auto &pair : pairs)
      layout.keys.push_back({pair.name, pair.text, pair.alone, XyzRole::none});
}

void XyzReader::read_lattice(Structure &frame) const
{
  if (const auto *lattice = find("Lattice")) {
    const auto words = elements_of_value(lattice->value);
    // libatoms' extxyz means columns by it, its page rows
    if (std::count(lattice->text.begin(), lattice->text.end(), '[') > 1)
      throw fail("Lattice is a matrix in nested brackets, of which rows or columns may be the "
                 "cell vectors; expected Lattice=\"ax ay az bx by bz cx cy cz\"");
    if (words.size() != 9)
      throw fail("Lattice has " + std::to_string(words.size()) + " numbers; expected 9");
    for (int k = 0; k < 9; k++) frame.cell[k] = number_of(words[k], "Lattice");
    frame.periodic = {true, true, true};
  } else if (const auto *cell = find("cell"); cell && elements_of_value(cell->value).size() > 2)
    throw fail("found the key 'cell' and no Lattice; expected the cell as Lattice=\"ax ay az "
               "bx by bz cx cy cz\"");
}

void XyzReader::read_periodicity(Structure &frame) const
{
  const auto *pbc = find("pbc");
  if (!pbc) return;
  const auto words = elements_of_value(pbc->value);
  for (int k = 0; k < 3; k++) {
    const auto yes = words.size() == 3 ? logical(words[k]) : std::nullopt;
    if (!yes) throw fail("pbc is '" + pbc->value + "'; expected three of T and F");
    frame.periodic[k] = *yes;
  }
  if (!find("Lattice") && (frame.periodic[0] || frame.periodic[1] || frame.periodic[2]))
    throw fail("pbc is '" + pbc->value + "', but there is no Lattice");
}

void XyzReader::read_properties(const std::string &value)
{
  layout.columns.clear();
  std::vector<std::string> parts(1);
  for (const char c : value)
    if (c == ':')
      parts.emplace_back();
    else
      parts.back() += c;
  bool pos = false, species = false;
  for (std::size_t k = 0; k + 2 < parts.size(); k += 3) {
    const auto width = whole(parts[k + 2]);
    if (!width || *width < 1 || *width > 1000 || parts[k + 1].size() != 1 ||
        !std::strchr("SRIL", parts[k + 1][0]))
      throw fail("Properties is '" + value + "'; expected name:type:count with type S, R, I or L");
    XyzColumn column{parts[k], parts[k + 1][0], int(*width), XyzRole::none, {}};
    if (same_name(column.name, "pos") && column.type == 'R' && column.width == 3) {
      if (pos) throw fail("Properties has the positions twice");
      column.role = XyzRole::positions;
      pos = true;
    }
    if (same_name(column.name, "species") && column.type == 'S' && column.width == 1) {
      column.role = XyzRole::species;
      species = true;
    }
    if (same_name(column.name, "z") && column.type == 'I' && column.width == 1) {
      column.role = XyzRole::numbers;
      species = true;
    }
    layout.columns.push_back(std::move(column));
  }
  if (parts.size() % 3 != 0 || !pos || !species)
    throw fail("Properties is '" + value + "'; expected at least species:S:1:pos:R:3");
}

/// Energy and its spread, charge and multiplicity.
void XyzReader::read_results(Structure &frame)
{
  frame.energy = value_of(xyz_energy, XyzRole::energy, frame);
  frame.charge = value_of(xyz_charge, XyzRole::charge, frame);
  frame.multiplicity = value_of(xyz_spin, XyzRole::multiplicity, frame);
  for (std::size_t k = 0; k < pairs.size(); k++)
    if (pairs[k].key == "energy_spread") {
      frame.energy_spread = number_of(pairs[k].value, "energy_spread");
      layout.keys[k].role = XyzRole::energy_spread;
    }
  if (!frame.energy)
    for (const auto &pair : pairs)
      if (claim_of(xyz_energy, pair.key) == NameClaim::none && pair.key != "energy_spread" &&
          lower(pair.key).find("energy") != std::string::npos)
        frame.unread.push_back(pair.key);
}

const XyzPair *XyzReader::find(std::string_view name, bool exact) const
{
  const XyzPair *found = nullptr;
  for (const auto &pair : pairs) {
    if (exact ? pair.key != name : !same_name(pair.key, name)) continue;
    if (found && found->value != pair.value)
      throw fail("the keys '" + found->key + "' and '" + pair.key +
                 "' stand for the same and differ: '" + found->value + "' and '" + pair.value +
                 "'; expected one of them");
    found = &pair;
  }
  return found;
}

/// The number that a quantity has; nothing where no key stands for it.
std::optional<double> XyzReader::value_of(const XyzQuantity &quantity, XyzRole role,
                                          Structure &frame)
{
  std::vector<std::pair<std::string, NameClaim>> list;
  for (const auto &pair : pairs) list.emplace_back(pair.key, claim_of(quantity, pair.key));
  std::vector<std::size_t> equals;
  const std::size_t chosen = choose(quantity, list, equals, false);
  if (chosen == nobody) {
    for (const auto &[name, claim] : list)
      if (claim == NameClaim::other) frame.unread.push_back(name);
    return std::nullopt;
  }
  const auto converted = [&](std::size_t k) {
    const auto words = elements_of_value(pairs[k].value);
    if (words.size() != 1)
      throw fail("found '" + pairs[k].value + "' for " + pairs[k].key + "; expected a number");
    const double x = number_of(words[0], pairs[k].key);
    const std::string name = lower(pairs[k].key);
    const bool unpaired = role == XyzRole::multiplicity &&
        (name.ends_with("uhf") || name.ends_with("unpaired_electrons"));
    layout.keys[k].role = unpaired ? XyzRole::unpaired : role;
    return unpaired ? x + 1.0 : x;
  };
  const double value = converted(chosen);
  for (const std::size_t k : equals)
    if (const double other = converted(k);
        std::abs(other - value) > 1e-10 * std::max(1.0, std::abs(value)))
      throw two_of(quantity, pairs[chosen].key, pairs[k].key,
                   pairs[chosen].value + " and " + pairs[k].value);
  return value;
}

}    // namespace mlff
