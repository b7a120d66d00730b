// Frames of extended and plain XYZ: their order, the choice among names, units.
#include "data/xyz/xyz_reader.h"

#include "core/units.h"
#include "data/parse.h"

namespace mlff {

bool XyzReader::next(Structure &frame)
{
  // blank lines between or after frames are allowed
  do {
    if (!read_line()) return false;
  } while (text.find_first_not_of(" \t") == std::string::npos);
  n_frames++;
  const auto words = split(text);
  const auto n = words.size() == 1 ? whole(words[0]) : std::nullopt;
  if (!n || *n < 0 || *n > 100'000'000)
    throw fail("found '" + text + "'; expected the number of atoms");
  if (*n == 0) throw fail("the frame holds no atoms; accepted: frames of one atom or more");
  if (!read_line()) throw fail("the file ends before the comment line");
  frame = Structure();
  read_comment(frame);
  read_atoms(frame, int(*n));
  if (!options.units.empty()) convert(frame);
  if (options.keep) frame.layout = std::make_shared<XyzLayout>(std::move(layout));
  return true;
}

/// The column or key that a quantity is read from, by the claims of the names; `nobody` where no
/// name claims it. Names that must hold the same value are put into `equals`.
std::size_t XyzReader::choose(const XyzQuantity &quantity,
                              const std::vector<std::pair<std::string, NameClaim>> &list,
                              std::vector<std::size_t> &equals, bool of_column) const
{
  equals.clear();
  if (const auto given = options.keys.find(quantity.name); given != options.keys.end()) {
    std::size_t found = nobody;
    std::string names;
    for (std::size_t k = 0; k < list.size(); k++) {
      names += (names.empty() ? "" : ", ") + list[k].first;
      if (list[k].first == given->second ||
          (found == nobody && same_name(list[k].first, given->second)))
        found = k;
    }
    if (found == nobody)
      throw fail(std::string("there is no ") + (of_column ? "column '" : "key '") + given->second +
                 "' for " + quantity.spoken + "; the frame has: " + names);
    return found;
  }
  std::size_t best = nobody;
  for (const NameClaim claim : {NameClaim::plain, NameClaim::reference, NameClaim::other})
    for (std::size_t k = 0; k < list.size(); k++) {
      if (list[k].second != claim) continue;
      if (best == nobody && claim != NameClaim::other)
        best = k;
      else if (best != nobody)
        equals.push_back(k);
    }
  return best;
}

FileError XyzReader::two_of(const XyzQuantity &quantity, const std::string &a, const std::string &b,
                            const std::string &difference) const
{
  return fail("'" + a + "' and '" + b + "' may both be " + quantity.spoken + ", and differ (" +
              difference + "); choose one: --key " + quantity.name + "=" + a +
              ", or in settings 'keys: {" + quantity.name + ": " + a + "}'");
}

void XyzReader::convert(Structure &frame)
{
  if (options.units == "metal") return;
  const bool real = options.units == "real";
  if (real) {
    if (frame.energy) *frame.energy *= kcal_per_mol_in_eV;
    if (frame.energy_spread) *frame.energy_spread *= kcal_per_mol_in_eV;
    for (double &f : frame.forces) f *= kcal_per_mol_in_eV;
    for (double &s : frame.spread) s *= kcal_per_mol_in_eV;
    if (frame.stress)
      for (double &s : *frame.stress) s *= kcal_per_mol_in_eV;
  }
  if (frame.time) *frame.time *= 1e-3;
  for (double &v : frame.velocities)
    if (!velocities_are_momenta) v *= 1e3;
  for (auto &key : layout.keys) {
    if (key.name == "Time" && frame.time) key.text = digits(*frame.time);
    if (!is_pressure_of_lammps(key.name) || key.role != XyzRole::none || !real) continue;
    // atm to bar
    std::string words;
    for (const auto word : elements_of_value(key.text))
      words += (words.empty() ? "" : " ") + digits(1.01325 * number_of(word, "Stress"));
    key.text = "\"" + words + "\"";
  }
}

std::unique_ptr<TrajectoryReader> open_extended_xyz(const std::string &path,
                                                    const ReadOptions &options)
{
  return std::make_unique<XyzReader>(path, options);
}

}    // namespace mlff
