// The lines of atoms of a frame of XYZ.
#include "core/elements.h"
#include "core/units.h"
#include "data/parse.h"
#include "data/xyz/xyz_reader.h"

#include <algorithm>
#include <cmath>

namespace mlff {

void XyzReader::read_atoms(Structure &frame, int n)
{
  const Source force = source_of(xyz_forces, 3, XyzRole::forces, frame),
               velocity = source_of(xyz_velocities, 3, XyzRole::velocities, frame),
               mass = source_of(xyz_masses, 1, XyzRole::masses, frame);
  Atoms atoms;
  for (auto &column : layout.columns) {
    atoms.n_words += std::size_t(column.width);
    if (column.role == XyzRole::none && column.name == "spread" && column.width == 1 &&
        column.type == 'R')
      column.role = XyzRole::spread;
  }
  atoms.values.resize(layout.columns.size());
  atoms.numbers_only = !named_columns && options.elements.empty();
  for (int i = 0; i < n; i++) {
    if (!read_line())
      throw fail("the file ends after " + std::to_string(i) + " of " + std::to_string(n) +
                 " atoms");
    read_atom(frame, atoms);
  }
  check_types(atoms);

  for (std::size_t c = 0; c < layout.columns.size(); c++) {
    if (layout.columns[c].role == XyzRole::positions) frame.positions = std::move(atoms.values[c]);
    if (layout.columns[c].role == XyzRole::spread) frame.spread = std::move(atoms.values[c]);
  }
  take_masses(frame, mass, atoms);
  take_isotopes(frame, atoms.isotopes);
  if (force.chosen != nobody) {
    compare(force, atoms.values, 1e-10);
    frame.forces = std::move(atoms.values[force.chosen]);
  }
  take_velocities(frame, velocity, atoms);
  note_unread_forces(frame);
}

/// One line: words of the columns in their order.
void XyzReader::read_atom(Structure &frame, Atoms &atoms)
{
  const auto words = split(text);
  const auto miscounted = [&] {
    return fail("found " + std::to_string(words.size()) + " columns; Properties names " +
                std::to_string(atoms.n_words));
  };
  if (words.size() < atoms.n_words) throw miscounted();
  std::size_t w = 0;
  int number_before = 0;    // the element by an earlier column
  for (std::size_t c = 0; c < layout.columns.size(); c++) {
    XyzColumn &column = layout.columns[c];
    if (column.role == XyzRole::species || column.role == XyzRole::numbers) {
      double isotope = 0.0;
      const int z = read_species(column, words[w], atoms, isotope);
      if (number_before != 0 && number_before != z)
        throw fail("the columns species and Z differ: " + element_symbol(number_before) + " and " +
                   element_symbol(z));
      if (number_before == 0) {
        frame.numbers.push_back(z);
        atoms.isotopes.push_back(isotope);
      } else if (isotope > 0.0)
        atoms.isotopes.back() = isotope;
      number_before = z;
    } else if (column.role != XyzRole::none)
      for (int k = 0; k < column.width; k++)
        atoms.values[c].push_back(number_of(words[w + std::size_t(k)], column.name));
    if (options.keep && (column.role == XyzRole::none || column.role == XyzRole::momenta)) {
      const std::string_view last = words[w + std::size_t(column.width) - 1];
      column.text.emplace_back(words[w].data(), last.data() + last.size());
    }
    w += std::size_t(column.width);
  }
  // plain XYZ may carry further columns without a name
  if (words.size() > atoms.n_words && named_columns) throw miscounted();
}

/// The atomic number that a word of the column species or Z stands for.
int XyzReader::read_species(const XyzColumn &column, std::string_view word, Atoms &atoms,
                            double &isotope)
{
  if (column.role == XyzRole::numbers) {
    const auto found = whole(word);
    if (!found || *found < 1 || *found > 118)
      throw fail("found '" + std::string(word) + "' for Z; expected an atomic number, 1 to 118");
    return int(*found);
  }
  const int z = number_of_species(word, isotope);
  if (const auto type = whole(word))
    atoms.types.insert(*type);
  else
    atoms.numbers_only = false;
  return z;
}

/// Throws FileError where species are numbers that may be types of LAMMPS: these begin at 1 and
/// leave none out.
void XyzReader::check_types(const Atoms &atoms) const
{
  const std::set<long> &types = atoms.types;
  if (atoms.numbers_only && !types.empty() && *types.rbegin() == long(types.size()) &&
      *types.begin() == 1)
    throw fail("the species are the numbers 1 to " + std::to_string(types.size()) +
               ", which may be atom types of LAMMPS; expected symbols, or the elements of the "
               "types (--elements)");
}

FileError XyzReader::misfit(const XyzColumn &column, const Source &source) const
{
  return fail("the column '" + column.name + "' is " + column.type + ":" +
              std::to_string(column.width) + "; expected R:" + std::to_string(source.width) +
              " for " + source.quantity->spoken);
}

XyzReader::Source XyzReader::source_of(const XyzQuantity &quantity, int width, XyzRole role,
                                       Structure &frame)
{
  Source source{&quantity, width, nobody, {}};
  std::vector<std::pair<std::string, NameClaim>> list;
  for (const auto &column : layout.columns) {
    NameClaim claim = column.role == XyzRole::none ? claim_of(quantity, column.name)
                                                   : NameClaim::none;
    const bool fits = column.width == width && (column.type == 'R' || column.type == 'I');
    if (claim == NameClaim::plain && !fits) throw misfit(column, source);
    if (!fits) claim = NameClaim::none;
    list.emplace_back(column.name, claim);
  }
  source.chosen = choose(quantity, list, source.equals, true);
  if (source.chosen == nobody) {
    for (const auto &[name, claim] : list)
      if (claim == NameClaim::other) frame.unread.push_back(name);
    return source;
  }
  auto all = source.equals;
  all.push_back(source.chosen);
  for (const std::size_t k : all) {
    XyzColumn &column = layout.columns[k];
    if (column.width != width || (column.type != 'R' && column.type != 'I'))
      throw misfit(column, source);
    column.role =
        role == XyzRole::velocities && lower(column.name).find("moment") != std::string::npos
        ? XyzRole::momenta
        : role;
  }
  return source;
}

int XyzReader::number_of_species(std::string_view word, double &isotope) const
{
  isotope = 0.0;
  if (const auto t = whole(word)) {
    if (!options.elements.empty()) {
      if (*t < 1 || *t > long(options.elements.size()))
        throw fail("type " + std::string(word) +
                   " has no element: " + std::to_string(options.elements.size()) +
                   " are given; expected one for each atom type");
      return atomic_number_of_isotope(options.elements[std::size_t(*t - 1)], isotope);
    }
    if (named_columns || types_of_lammps)
      throw fail("found '" + std::string(word) +
                 "' for the species; a number may be an atom type of LAMMPS: expected the "
                 "symbol of an element, the column Z:I:1, or "
                 "the elements of the types (--elements)");
    if (*t < 1 || *t > 118)
      throw fail("found '" + std::string(word) + "'; expected the symbol of an element");
    return int(*t);
  }
  const int z = atomic_number_of_isotope(word, isotope);
  if (z == 0) throw fail("found '" + std::string(word) + "'; expected the symbol of an element");
  return z;
}

void XyzReader::take_masses(Structure &frame, const Source &source, Atoms &atoms) const
{
  if (source.chosen == nobody) return;
  compare(source, atoms.values, 1e-10);
  frame.masses = std::move(atoms.values[source.chosen]);
  for (const double m : frame.masses)
    if (m <= 0.0) throw fail("found '" + digits(m) + "' for mass; expected a number above 0");
}

/// Masses of D and T; those of a column must not contradict them.
void XyzReader::take_isotopes(Structure &frame, const std::vector<double> &isotopes) const
{
  const bool any = std::any_of(isotopes.begin(), isotopes.end(), [](double mass) {
    return mass > 0.0;
  });
  if (!any) return;
  if (frame.masses.empty())
    for (std::size_t i = 0; i < isotopes.size(); i++)
      frame.masses.push_back(isotopes[i] > 0.0 ? isotopes[i] : atomic_mass(frame.numbers[i]));
  for (std::size_t i = 0; i < isotopes.size(); i++)
    if (isotopes[i] > 0.0 && std::abs(frame.masses[i] - isotopes[i]) > 0.02)
      throw fail("atom " + std::to_string(i + 1) + " is " + (isotopes[i] < 2.5 ? "D" : "T") +
                 ", but its mass is " + digits(frame.masses[i]) + "; expected " +
                 digits(isotopes[i]) + " or the symbol H");
}

void XyzReader::take_velocities(Structure &frame, const Source &source, Atoms &atoms)
{
  velocities_are_momenta = false;
  if (source.chosen == nobody) return;
  auto all = source.equals;
  all.push_back(source.chosen);
  bool mixed = false;
  for (const std::size_t k : all) {
    if (layout.columns[k].role != XyzRole::momenta) continue;
    mixed = true;
    // ASE's unit of momentum is the root of amu times eV
    const double unit = std::sqrt(eV_in_amu_square_angstrom_per_square_ps);
    for (std::size_t j = 0; j < atoms.values[k].size(); j++)
      atoms.values[k][j] *=
          unit / (frame.masses.empty() ? atomic_mass(frame.numbers[j / 3]) : frame.masses[j / 3]);
  }
  compare(source, atoms.values, mixed ? 1e-4 : 1e-10);
  velocities_are_momenta = layout.columns[source.chosen].role == XyzRole::momenta;
  frame.velocities = std::move(atoms.values[source.chosen]);
}

/// Notes columns that look like forces and were not taken for them.
void XyzReader::note_unread_forces(Structure &frame) const
{
  for (const auto &column : layout.columns)
    if (column.role == XyzRole::none && column.width == 3 && column.type == 'R' &&
        claim_of(xyz_forces, column.name) == NameClaim::none &&
        lower(column.name).find("force") != std::string::npos)
      frame.unread.push_back(column.name);
}

void XyzReader::compare(const Source &source, const std::vector<std::vector<double>> &values,
                        double tolerance) const
{
  for (const std::size_t k : source.equals)
    for (std::size_t j = 0; j < values[k].size(); j++) {
      const double a = values[source.chosen][j], b = values[k][j];
      if (std::abs(a - b) > tolerance * std::max(1.0, std::abs(a)))
        throw two_of(*source.quantity, layout.columns[source.chosen].name, layout.columns[k].name,
                     "atom " + std::to_string(j / std::size_t(source.width) + 1) + ": " +
                         digits(a) + " and " + digits(b));
    }
}

}    // namespace mlff
