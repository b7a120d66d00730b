// Writes frames as extended XYZ, with the names and the order of the file that they are from.
#include "core/elements.h"
#include "core/units.h"
#include "data/extended_xyz.h"
#include "data/parse.h"
#include "data/xyz/xyz_stress.h"
#include "data/xyz_comment.h"
#include "structure/lattice.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <span>

namespace mlff {

namespace {

  /// Puts a value in quotes where it would be read otherwise without them.
  std::string quoted_where_needed(const std::string &text)
  {
    return text.find_first_of(" \t\n\"'\\[]{}") == std::string::npos ? text : quoted_value(text);
  }

  void put(std::FILE *file, const std::vector<double> &values, std::size_t begin, std::size_t width)
  {
    for (std::size_t k = 0; k < width; k++)
      std::fprintf(file, " %s", digits(values[begin + k]).c_str());
  }

  /// Columns that a frame is written with: those of its layout, then what it has besides.
  std::vector<XyzColumn> columns_of(const Structure &frame, const XyzLayout &layout)
  {
    std::vector<XyzColumn> columns;
    std::set<XyzRole> there;
    const auto has = [&](XyzRole role) {
      switch (role) {
        case XyzRole::velocities:
        case XyzRole::momenta:
          return !frame.velocities.empty();
        case XyzRole::forces:
          return !frame.forces.empty();
        case XyzRole::masses:
          return !frame.masses.empty();
        case XyzRole::spread:
          return !frame.spread.empty();
        default:
          return true;
      }
    };
    for (const auto &column : layout.columns) {
      if (!has(column.role) ||
          (column.role == XyzRole::none && column.text.size() != frame.numbers.size()))
        continue;
      columns.push_back(column);
      // numbers that were whole need not be so now
      if (column.type == 'I' && column.role != XyzRole::none && column.role != XyzRole::numbers)
        columns.back().type = 'R';
      there.insert(column.role == XyzRole::momenta       ? XyzRole::velocities
                       : column.role == XyzRole::numbers ? XyzRole::species
                                                         : column.role);
    }
    for (const auto &[name, type, width, role] : {std::tuple{"species", 'S', 1, XyzRole::species},
                                                  {"pos", 'R', 3, XyzRole::positions},
                                                  {"vel", 'R', 3, XyzRole::velocities},
                                                  {"forces", 'R', 3, XyzRole::forces},
                                                  {"mass", 'R', 1, XyzRole::masses},
                                                  {"spread", 'R', 1, XyzRole::spread}})
      if (has(role) && !there.contains(role)) columns.push_back({name, type, width, role, {}});
    return columns;
  }

  /// The momenta of a frame in ASE's unit, as they were written where they still are those.
  std::string momenta_of_atom(const Structure &frame, const XyzColumn &column, std::size_t i)
  {
    const double unit = std::sqrt(eV_in_amu_square_angstrom_per_square_ps),
                 mass = frame.masses.empty() ? atomic_mass(frame.numbers[i]) : frame.masses[i];
    std::string text;
    bool same = i < column.text.size();
    const auto words = same ? split(column.text[i]) : std::vector<std::string_view>();
    for (std::size_t a = 0; a < 3; a++) {
      const double v = frame.velocities[3 * i + a];
      same =
          same && words.size() == 3 && number(words[a]) && *number(words[a]) * (unit / mass) == v;
      text += (a ? " " : "") + digits(v * mass / unit);
    }
    return same ? column.text[i] : text;
  }

  std::string quoted_numbers(std::span<const double> values)
  {
    std::string text;
    for (const double x : values) text += (text.empty() ? "\"" : " ") + digits(x);
    return text + "\"";
  }

  /// Numbers of a key as the file has it, in single quotes, too.
  std::vector<std::string_view> words_of_key(const XyzKey &key)
  {
    std::string_view text = key.text;
    if (text.size() > 1 && text.front() == '\'' && text.back() == '\'')
      text = text.substr(1, text.size() - 2);
    return elements_of_value(text);
  }

  /// The stress of a frame as a key has it, with the words of the file where they still are that.
  std::string stress_of_key(const Structure &frame, const XyzKey &key)
  {
    const bool virial = key.role == XyzRole::virial;
    const double volume = cell_volume(frame.cell);
    std::vector<double> numbers;
    for (const auto word : words_of_key(key)) numbers.push_back(number(word).value_or(0.0));
    if (is_stress_size(numbers.size(), virial) &&
        stress_of_numbers(numbers, virial, volume) == *frame.stress)
      return key.text;
    auto values = *frame.stress;
    if (virial)
      for (double &x : values) x *= -volume;
    return quoted_numbers(values);
  }

  /// A value of a frame as a key of its layout has it; nothing where the frame lacks it.
  std::optional<std::string> text_of_key(const Structure &frame, const XyzKey &key)
  {
    std::optional<double> value;
    switch (key.role) {
      case XyzRole::stress:
      case XyzRole::virial:
        if (!frame.stress) return std::nullopt;
        return stress_of_key(frame, key);
      case XyzRole::energy:
        value = frame.energy;
        break;
      case XyzRole::energy_spread:
        value = frame.energy_spread;
        break;
      case XyzRole::charge:
        value = frame.charge;
        break;
      case XyzRole::unpaired:
        if (frame.multiplicity) value = *frame.multiplicity - 1.0;
        break;
      default:
        value = frame.multiplicity;
    }
    if (!value) return std::nullopt;
    const auto words = words_of_key(key);
    return words.size() == 1 && number(words[0]) == value ? key.text : digits(*value);
  }

  void write_comment(std::FILE *file, const Structure &frame, const XyzLayout &layout,
                     const std::string &properties)
  {
    bool first = true;
    std::set<std::string> there;
    std::set<XyzRole> roles;
    const auto write = [&](const std::string &name, const std::string &text) {
      std::fprintf(file, "%s%s=%s", first ? "" : " ", name.c_str(), text.c_str());
      first = false;
    };
    const auto has = [&](std::string_view name) {
      return there.contains(lower(name));
    };
    for (const auto &key : layout.keys) {
      there.insert(lower(key.name));
      roles.insert(key.role);
    }
    if (!roles.contains(XyzRole::properties)) write("Properties", properties);
    for (const auto &key : layout.keys) {
      if (key.role == XyzRole::properties)
        write(key.name, properties);
      else if (key.role == XyzRole::none && key.alone) {
        std::fprintf(file, "%s%s", first ? "" : " ", key.name.c_str());
        first = false;
      } else if (key.role == XyzRole::none)
        write(key.name, key.text);
      else if (const auto text = text_of_key(frame, key))
        write(key.name, *text);
    }
    const bool periodic = frame.periodic[0] || frame.periodic[1] || frame.periodic[2];
    const bool cell = std::any_of(frame.cell.begin(), frame.cell.end(), [](double x) {
      return x != 0.0;
    });
    if (!has("Lattice") && (periodic || cell)) write("Lattice", quoted_numbers(frame.cell));
    if (!has("pbc") && (periodic || cell || layout.keys.empty()) &&
        !(has("Lattice") && frame.periodic == std::array{true, true, true}))
      write("pbc",
            std::string("\"") + (frame.periodic[0] ? "T " : "F ") +
                (frame.periodic[1] ? "T " : "F ") + (frame.periodic[2] ? "T\"" : "F\""));
    if (!has("Timestep") && frame.step >= 0) write("Timestep", std::to_string(frame.step));
    if (!has("Time") && frame.time) write("Time", digits(*frame.time));
    if (!roles.contains(XyzRole::energy) && frame.energy) write("energy", digits(*frame.energy));
    if (!roles.contains(XyzRole::stress) && !roles.contains(XyzRole::virial) && frame.stress)
      write("stress", quoted_numbers(*frame.stress));
    if (!roles.contains(XyzRole::energy_spread) && frame.energy_spread)
      write("energy_spread", digits(*frame.energy_spread));
    if (!roles.contains(XyzRole::charge) && frame.charge) write("charge", digits(*frame.charge));
    if (!roles.contains(XyzRole::multiplicity) && !roles.contains(XyzRole::unpaired) &&
        frame.multiplicity)
      write("spin", digits(*frame.multiplicity));
  }

}    // namespace

void write_xyz(std::FILE *file, const Structure &frame)
{
  static const XyzLayout none;
  const XyzLayout &layout = frame.layout ? *frame.layout : none;
  const auto columns = columns_of(frame, layout);
  std::string properties;
  for (const auto &column : columns)
    properties += (properties.empty() ? "" : ":") + column.name + ":" + column.type + ":" +
        std::to_string(column.width);
  std::fprintf(file, "%d\n", frame.n_atoms());
  write_comment(file, frame, layout, quoted_where_needed(properties));
  std::fprintf(file, "\n");
  for (std::size_t i = 0; i < frame.numbers.size(); i++) {
    for (const auto &column : columns) {
      if (&column != &columns.front() &&
          (column.role == XyzRole::species || column.role == XyzRole::numbers ||
           column.role == XyzRole::none || column.role == XyzRole::momenta))
        std::fputc(' ', file);
      switch (column.role) {
        case XyzRole::species:
          std::fprintf(file, "%s", element_symbol(frame.numbers[i]).c_str());
          break;
        case XyzRole::numbers:
          std::fprintf(file, "%d", frame.numbers[i]);
          break;
        case XyzRole::positions:
          put(file, frame.positions, 3 * i, 3);
          break;
        case XyzRole::velocities:
          put(file, frame.velocities, 3 * i, 3);
          break;
        case XyzRole::momenta:
          std::fprintf(file, "%s", momenta_of_atom(frame, column, i).c_str());
          break;
        case XyzRole::forces:
          put(file, frame.forces, 3 * i, 3);
          break;
        case XyzRole::masses:
          put(file, frame.masses, i, 1);
          break;
        case XyzRole::spread:
          put(file, frame.spread, i, 1);
          break;
        default:
          std::fprintf(file, "%s", column.text[i].c_str());
      }
    }
    std::fputc('\n', file);
  }
}

}    // namespace mlff
