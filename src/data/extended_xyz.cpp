#include "data/extended_xyz.h"

#include "core/elements.h"
#include "core/units.h"
#include "data/parse.h"
#include "data/xyz_comment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <set>

namespace mlff {

namespace {

  /// A quantity that several names may stand for.
  struct Quantity {
    const char *name;      ///< in ReadOptions::keys
    const char *spoken;    ///< in messages
    std::vector<std::string> names;
  };

  const Quantity forces_of_file = {"forces", "the forces", {"forces", "force"}};
  const Quantity velocities_of_file = {
      "velocities",
      "the velocities",
      {"vel", "velo", "velocities", "velocity", "momenta", "momentum"}};
  const Quantity masses_of_file = {"mass", "the masses", {"mass", "masses"}};
  const Quantity energy_of_file = {
      "energy", "the energy", {"energy", "potential_energy", "free_energy"}};
  const Quantity charge_of_file = {"charge", "the charge", {"charge", "total_charge"}};
  const Quantity spin_of_file = {"spin",
                                 "the multiplicity",
                                 {"spin", "total_spin", "multiplicity", "spin_multiplicity", "uhf",
                                  "nuhf", "unpaired_electrons"}};
  const Quantity stress_of_file = {"stress", "the stress", {"stress", "virial"}};

  /// How sure it is that a name means a quantity.
  enum class Claim { none, plain, reference, other };

  Claim claim_of(const Quantity &quantity, std::string_view name)
  {
    std::string base = lower(name);
    const auto is = [&](std::string_view word) {
      return std::find(quantity.names.begin(), quantity.names.end(), word) != quantity.names.end();
    };
    if (is(base)) return Claim::plain;
    if (base.starts_with("ref_")) return is(base.substr(4)) ? Claim::reference : Claim::none;
    for (const std::string prefix : {"dft", "mace", "qm", "ml", "mlff", "gap", "nep", "dp", "pred",
                                     "predicted", "target", "label", "true", "calc", "xtb"})
      if (base.starts_with(prefix + "_") && is(base.substr(prefix.size() + 1))) return Claim::other;
    return Claim::none;
  }

  constexpr std::size_t nobody = std::size_t(-1);

  std::string quoted(const std::string &text)
  {
    std::string result = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\' || c == '\n') result += '\\';
      result += c == '\n' ? 'n' : c;
    }
    return result + "\"";
  }

  /// In quotes where a value without them would be read otherwise.
  std::string quoted_where_needed(const std::string &text)
  {
    return text.find_first_of(" \t\n\"'\\[]{}") == std::string::npos ? text : quoted(text);
  }

  class XyzTrajectory : public TrajectoryReader {
   public:
    XyzTrajectory(const std::string &path, const ReadOptions &options) :
        path(path), options(options), file(path, std::ios::binary)
    {
      if (!file)
        throw FileError("data file '" + path + "' cannot be opened: " + std::strerror(errno));
      file.seekg(0, std::ios::end);
      size = double(file.tellg());
      file.seekg(0);
    }

    bool next(Structure &frame) override
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

    double progress() const override { return size > 0.0 ? std::min(1.0, position / size) : 1.0; }

   private:
    std::string path;
    ReadOptions options;
    std::ifstream file;
    std::string text;
    double size = 0.0, position = 0.0;
    long line = 0, n_frames = 0;

    // of the frame that is read
    XyzLayout layout;
    std::vector<XyzPair> pairs;
    bool extended = false, named_columns = false, types_of_lammps = false,
         velocities_are_momenta = false;

    FileError fail(const std::string &what) const
    {
      return FileError("data file '" + path + "', frame " + std::to_string(n_frames) + ", line " +
                       std::to_string(line) + ": " + what);
    }

    bool read_line()
    {
      if (!std::getline(file, text)) return false;
      position += double(text.size() + 1);
      line++;
      if (text.find('\0') != std::string::npos)
        throw fail("the line holds a byte that is zero; expected text");
      if (!text.empty() && text.back() == '\r') text.pop_back();
      return true;
    }

    double number(std::string_view word, const std::string &what) const
    {
      const auto value = mlff::number(word);
      if (!value)
        throw fail("found '" + std::string(word) + "' for " + what + "; expected a number");
      return *value;
    }

    // ---- which of several names

    /// The one that a quantity is read from, by its claims; those that must be equal to it in
    /// `equals`. `nobody` where there is none.
    std::size_t choose(const Quantity &quantity,
                       const std::vector<std::pair<std::string, Claim>> &list,
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
          throw fail(std::string("there is no ") + (of_column ? "column '" : "key '") +
                     given->second + "' for " + quantity.spoken + "; the frame has: " + names);
        return found;
      }
      std::size_t best = nobody;
      for (const Claim claim : {Claim::plain, Claim::reference, Claim::other})
        for (std::size_t k = 0; k < list.size(); k++) {
          if (list[k].second != claim) continue;
          if (best == nobody && claim != Claim::other)
            best = k;
          else if (best != nobody)
            equals.push_back(k);
        }
      return best;
    }

    FileError two_of(const Quantity &quantity, const std::string &a, const std::string &b,
                     const std::string &difference) const
    {
      return fail("'" + a + "' and '" + b + "' may both be " + quantity.spoken + ", and differ (" +
                  difference + "); choose one: --key " + quantity.name + "=" + a +
                  ", or in settings 'keys: {" + quantity.name + ": " + a + "}'");
    }

    // ---- comment line

    const XyzPair *find(std::string_view name, bool exact = false) const
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
    std::optional<double> value_of(const Quantity &quantity, XyzRole role, Structure &frame)
    {
      std::vector<std::pair<std::string, Claim>> list;
      for (const auto &pair : pairs) list.emplace_back(pair.key, claim_of(quantity, pair.key));
      std::vector<std::size_t> equals;
      const std::size_t chosen = choose(quantity, list, equals, false);
      if (chosen == nobody) {
        for (const auto &[name, claim] : list)
          if (claim == Claim::other) frame.unread.push_back(name);
        return std::nullopt;
      }
      const auto converted = [&](std::size_t k) {
        const auto words = elements_of_value(pairs[k].value);
        if (words.size() != 1)
          throw fail("found '" + pairs[k].value + "' for " + pairs[k].key + "; expected a number");
        const double x = number(words[0], pairs[k].key);
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

    void read_comment(Structure &frame)
    {
      std::string wrong;
      pairs = parse_xyz_comment(text, wrong);
      layout = {};
      named_columns = find("Properties") != nullptr;
      extended = named_columns || find("Lattice");
      types_of_lammps = text.starts_with("Atoms. Timestep");
      // a line of words is a remark, whatever is in it
      const bool remark =
          !extended && std::any_of(pairs.begin(), pairs.end(), [](const XyzPair &pair) {
            return pair.alone;
          });
      if (!wrong.empty() && !remark) throw fail(wrong);
      if (remark) {
        for (const auto &pair : pairs)
          if (!pair.alone && claim_of(energy_of_file, pair.key) != Claim::none)
            frame.unread.push_back(pair.key + " (in a remark)");
        layout.keys.push_back({"comment", quoted(text), false, XyzRole::none});
        pairs.clear();
      } else
        for (const auto &pair : pairs)
          layout.keys.push_back({pair.name, pair.text, pair.alone, XyzRole::none});

      layout.columns = {{"species", 'S', 1, XyzRole::species, {}},
                        {"pos", 'R', 3, XyzRole::positions, {}}};
      if (const auto *properties = find("Properties")) {
        for (std::size_t k = 0; k < pairs.size(); k++)
          if (same_name(pairs[k].key, "Properties")) layout.keys[k].role = XyzRole::properties;
        read_properties(properties->value);
      }
      if (const auto *lattice = find("Lattice")) {
        const auto words = elements_of_value(lattice->value);
        // libatoms' extxyz means columns by it, its page rows
        if (std::count(lattice->text.begin(), lattice->text.end(), '[') > 1)
          throw fail("Lattice is a matrix in nested brackets, of which rows or columns may be the "
                     "cell vectors; expected Lattice=\"ax ay az bx by bz cx cy cz\"");
        if (words.size() != 9)
          throw fail("Lattice has " + std::to_string(words.size()) + " numbers; expected 9");
        for (int k = 0; k < 9; k++) frame.cell[k] = number(words[k], "Lattice");
        frame.periodic = {true, true, true};
      } else if (const auto *cell = find("cell"); cell && elements_of_value(cell->value).size() > 2)
        throw fail("found the key 'cell' and no Lattice; expected the cell as Lattice=\"ax ay az "
                   "bx by bz cx cy cz\"");
      if (const auto *pbc = find("pbc")) {
        const auto words = elements_of_value(pbc->value);
        for (int k = 0; k < 3; k++) {
          const auto yes = words.size() == 3 ? logical(words[k]) : std::nullopt;
          if (!yes) throw fail("pbc is '" + pbc->value + "'; expected three of T and F");
          frame.periodic[k] = *yes;
        }
        if (!find("Lattice") && (frame.periodic[0] || frame.periodic[1] || frame.periodic[2]))
          throw fail("pbc is '" + pbc->value + "', but there is no Lattice");
      }
      if (const auto *step = find("Timestep")) frame.step = whole(step->value).value_or(-1);
      if (const auto *time = find("Time", true)) frame.time = mlff::number(time->value);
      frame.energy = value_of(energy_of_file, XyzRole::energy, frame);
      frame.charge = value_of(charge_of_file, XyzRole::charge, frame);
      frame.multiplicity = value_of(spin_of_file, XyzRole::multiplicity, frame);
      for (std::size_t k = 0; k < pairs.size(); k++)
        if (pairs[k].key == "energy_spread") {
          frame.energy_spread = number(pairs[k].value, "energy_spread");
          layout.keys[k].role = XyzRole::energy_spread;
        }
      if (!frame.energy)
        for (const auto &pair : pairs)
          if (claim_of(energy_of_file, pair.key) == Claim::none && pair.key != "energy_spread" &&
              lower(pair.key).find("energy") != std::string::npos)
            frame.unread.push_back(pair.key);
      compare_stress(frame);
    }

    /// A virial beside a stress must be that stress: virial = -volume * stress, as ASE, MACE and
    /// GPUMD have it.
    void compare_stress(const Structure &frame) const
    {
      const auto *stress = find("stress", true), *virial = find("virial", true);
      if (!stress || !virial || options.keys.contains("stress")) return;
      const auto s = elements_of_value(stress->value), v = elements_of_value(virial->value);
      if (s.size() != v.size() || s.size() != 9) return;
      const auto &h = frame.cell;
      const double volume =
          std::abs(h[0] * (h[4] * h[8] - h[5] * h[7]) - h[1] * (h[3] * h[8] - h[5] * h[6]) +
                   h[2] * (h[3] * h[7] - h[4] * h[6]));
      for (int k = 0; k < 9; k++) {
        const double a = -volume * number(s[k], "stress"), b = number(v[k], "virial");
        if (std::abs(a - b) > 1e-3 * std::max({1.0, std::abs(a), std::abs(b)}))
          throw two_of(stress_of_file, "stress", "virial",
                       "-volume * stress is " + digits(a) + " eV where virial is " + digits(b) +
                           " eV");
      }
    }

    void read_properties(const std::string &value)
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
          throw fail("Properties is '" + value +
                     "'; expected name:type:count with type S, R, I or L");
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

    // ---- atoms

    /// A quantity of atoms and the columns that may hold it.
    struct Source {
      const Quantity *quantity;
      int width;
      std::size_t chosen = nobody;
      std::vector<std::size_t> equals;
    };

    Source source_of(const Quantity &quantity, int width, XyzRole role, Structure &frame)
    {
      Source source{&quantity, width, nobody, {}};
      std::vector<std::pair<std::string, Claim>> list;
      for (const auto &column : layout.columns) {
        Claim claim = column.role == XyzRole::none ? claim_of(quantity, column.name) : Claim::none;
        const bool fits = column.width == width && (column.type == 'R' || column.type == 'I');
        if (claim == Claim::plain && !fits)
          throw fail("the column '" + column.name + "' is " + column.type + ":" +
                     std::to_string(column.width) + "; expected R:" + std::to_string(width) +
                     " for " + quantity.spoken);
        if (!fits) claim = Claim::none;
        list.emplace_back(column.name, claim);
      }
      source.chosen = choose(quantity, list, source.equals, true);
      if (source.chosen == nobody) {
        for (const auto &[name, claim] : list)
          if (claim == Claim::other) frame.unread.push_back(name);
        return source;
      }
      auto all = source.equals;
      all.push_back(source.chosen);
      for (const std::size_t k : all) {
        XyzColumn &column = layout.columns[k];
        if (column.width != width || (column.type != 'R' && column.type != 'I'))
          throw fail("the column '" + column.name + "' is " + column.type + ":" +
                     std::to_string(column.width) + "; expected R:" + std::to_string(width) +
                     " for " + quantity.spoken);
        column.role =
            role == XyzRole::velocities && lower(column.name).find("moment") != std::string::npos
            ? XyzRole::momenta
            : role;
      }
      return source;
    }

    int number_of_species(std::string_view word, double &isotope) const
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
      if (z == 0)
        throw fail("found '" + std::string(word) + "'; expected the symbol of an element");
      return z;
    }

    void read_atoms(Structure &frame, int n)
    {
      const Source force = source_of(forces_of_file, 3, XyzRole::forces, frame),
                   velocity = source_of(velocities_of_file, 3, XyzRole::velocities, frame),
                   mass = source_of(masses_of_file, 1, XyzRole::masses, frame);
      std::size_t n_words = 0;
      for (auto &column : layout.columns) {
        n_words += std::size_t(column.width);
        if (column.role == XyzRole::none && column.name == "spread" && column.width == 1 &&
            column.type == 'R')
          column.role = XyzRole::spread;
      }
      const bool plain = !named_columns;
      std::vector<std::vector<double>> values(layout.columns.size());
      std::vector<double> isotopes;
      std::set<long> types;
      bool numbers_only = plain && options.elements.empty();
      for (int i = 0; i < n; i++) {
        if (!read_line())
          throw fail("the file ends after " + std::to_string(i) + " of " + std::to_string(n) +
                     " atoms");
        const auto words = split(text);
        // plain XYZ may carry further columns without a name
        const auto miscounted = [&] {
          return fail("found " + std::to_string(words.size()) + " columns; Properties names " +
                      std::to_string(n_words));
        };
        if (words.size() < n_words) throw miscounted();
        std::size_t w = 0;
        int of_symbol = 0;
        for (std::size_t c = 0; c < layout.columns.size(); c++) {
          XyzColumn &column = layout.columns[c];
          if (column.role == XyzRole::species || column.role == XyzRole::numbers) {
            double isotope = 0.0;
            int z = 0;
            if (column.role == XyzRole::numbers) {
              const auto found = whole(words[w]);
              if (!found || *found < 1 || *found > 118)
                throw fail("found '" + std::string(words[w]) +
                           "' for Z; expected an atomic number, 1 to 118");
              z = int(*found);
            } else {
              z = number_of_species(words[w], isotope);
              if (const auto t = whole(words[w]))
                types.insert(*t);
              else
                numbers_only = false;
            }
            if (of_symbol != 0 && of_symbol != z)
              throw fail("the columns species and Z differ: " + element_symbol(of_symbol) +
                         " and " + element_symbol(z));
            if (of_symbol == 0) {
              frame.numbers.push_back(z);
              isotopes.push_back(isotope);
            } else if (isotope > 0.0)
              isotopes.back() = isotope;
            of_symbol = z;
          } else if (column.role != XyzRole::none)
            for (int k = 0; k < column.width; k++)
              values[c].push_back(number(words[w + std::size_t(k)], column.name));
          if (options.keep && (column.role == XyzRole::none || column.role == XyzRole::momenta)) {
            const char *begin = words[w].data(),
                       *end = words[w + std::size_t(column.width) - 1].data() +
                words[w + std::size_t(column.width) - 1].size();
            column.text.emplace_back(begin, end);
          }
          w += std::size_t(column.width);
        }
        if (words.size() > n_words && !plain) throw miscounted();
      }
      // types of LAMMPS begin at 1 and leave none out
      if (numbers_only && !types.empty() && *types.rbegin() == long(types.size()) &&
          *types.begin() == 1)
        throw fail("the species are the numbers 1 to " + std::to_string(types.size()) +
                   ", which may be atom types of LAMMPS; expected symbols, or the elements of the "
                   "types (--elements)");

      for (std::size_t c = 0; c < layout.columns.size(); c++) {
        if (layout.columns[c].role == XyzRole::positions) frame.positions = std::move(values[c]);
        if (layout.columns[c].role == XyzRole::spread) frame.spread = std::move(values[c]);
      }
      if (mass.chosen != nobody) {
        compare(mass, values, 1e-10);
        frame.masses = std::move(values[mass.chosen]);
        for (const double m : frame.masses)
          if (m <= 0.0) throw fail("found '" + digits(m) + "' for mass; expected a number above 0");
      }
      take_isotopes(frame, isotopes);
      if (force.chosen != nobody) {
        compare(force, values, 1e-10);
        frame.forces = std::move(values[force.chosen]);
      }
      velocities_are_momenta = false;
      if (velocity.chosen != nobody) {
        auto all = velocity.equals;
        all.push_back(velocity.chosen);
        bool mixed = false;
        for (const std::size_t k : all) {
          if (layout.columns[k].role != XyzRole::momenta) continue;
          mixed = true;
          // ASE's unit of momentum is the root of amu times eV
          const double unit = std::sqrt(eV_in_amu_square_angstrom_per_square_ps);
          for (std::size_t j = 0; j < values[k].size(); j++)
            values[k][j] *= unit /
                (frame.masses.empty() ? atomic_mass(frame.numbers[j / 3]) : frame.masses[j / 3]);
        }
        compare(velocity, values, mixed ? 1e-4 : 1e-10);
        velocities_are_momenta = layout.columns[velocity.chosen].role == XyzRole::momenta;
        frame.velocities = std::move(values[velocity.chosen]);
      }
      for (const auto &column : layout.columns)
        if (column.role == XyzRole::none && column.width == 3 && column.type == 'R' &&
            claim_of(forces_of_file, column.name) == Claim::none &&
            lower(column.name).find("force") != std::string::npos)
          frame.unread.push_back(column.name);
    }

    void compare(const Source &source, const std::vector<std::vector<double>> &values,
                 double tolerance) const
    {
      for (const std::size_t k : source.equals)
        for (std::size_t j = 0; j < values[k].size(); j++) {
          const double a = values[source.chosen][j], b = values[k][j];
          if (std::abs(a - b) > tolerance * std::max(1.0, std::abs(a)))
            throw two_of(*source.quantity, layout.columns[source.chosen].name,
                         layout.columns[k].name,
                         "atom " + std::to_string(j / std::size_t(source.width) + 1) + ": " +
                             digits(a) + " and " + digits(b));
        }
    }

    /// Masses of D and T; those of a column must not contradict them.
    void take_isotopes(Structure &frame, const std::vector<double> &isotopes) const
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

    // ---- units

    void convert(Structure &frame)
    {
      if (options.units == "metal") return;
      const bool real = options.units == "real";
      if (real) {
        if (frame.energy) *frame.energy *= kcal_per_mol_in_eV;
        if (frame.energy_spread) *frame.energy_spread *= kcal_per_mol_in_eV;
        for (double &f : frame.forces) f *= kcal_per_mol_in_eV;
        for (double &s : frame.spread) s *= kcal_per_mol_in_eV;
      }
      if (frame.time) *frame.time *= 1e-3;
      for (double &v : frame.velocities)
        if (!velocities_are_momenta) v *= 1e3;
      for (auto &key : layout.keys) {
        if (key.name == "Time" && frame.time) key.text = digits(*frame.time);
        if (key.name != "Stress" || !real) continue;
        // atm to bar
        std::string words;
        for (const auto word : elements_of_value(key.text))
          words += (words.empty() ? "" : " ") + digits(1.01325 * number(word, "Stress"));
        key.text = "\"" + words + "\"";
      }
    }
  };

  // ---- writing

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
      std::optional<double> value;
      switch (key.role) {
        case XyzRole::properties:
          write(key.name, properties);
          continue;
        case XyzRole::none:
          if (key.alone) {
            std::fprintf(file, "%s%s", first ? "" : " ", key.name.c_str());
            first = false;
          } else
            write(key.name, key.text);
          continue;
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
      if (!value) continue;
      const auto words = elements_of_value(key.text);
      write(key.name, words.size() == 1 && number(words[0]) == value ? key.text : digits(*value));
    }
    const bool periodic = frame.periodic[0] || frame.periodic[1] || frame.periodic[2];
    const bool cell = std::any_of(frame.cell.begin(), frame.cell.end(), [](double x) {
      return x != 0.0;
    });
    if (!has("Lattice") && (periodic || cell)) {
      std::string text;
      for (const double x : frame.cell) text += (text.empty() ? "\"" : " ") + digits(x);
      write("Lattice", text + "\"");
    }
    if (!has("pbc") && (periodic || cell || layout.keys.empty()) &&
        !(has("Lattice") && frame.periodic == std::array{true, true, true}))
      write("pbc",
            std::string("\"") + (frame.periodic[0] ? "T " : "F ") +
                (frame.periodic[1] ? "T " : "F ") + (frame.periodic[2] ? "T\"" : "F\""));
    if (!has("Timestep") && frame.step >= 0) write("Timestep", std::to_string(frame.step));
    if (!has("Time") && frame.time) write("Time", digits(*frame.time));
    if (!roles.contains(XyzRole::energy) && frame.energy) write("energy", digits(*frame.energy));
    if (!roles.contains(XyzRole::energy_spread) && frame.energy_spread)
      write("energy_spread", digits(*frame.energy_spread));
    if (!roles.contains(XyzRole::charge) && frame.charge) write("charge", digits(*frame.charge));
    if (!roles.contains(XyzRole::multiplicity) && !roles.contains(XyzRole::unpaired) &&
        frame.multiplicity)
      write("spin", digits(*frame.multiplicity));
  }

}    // namespace

std::unique_ptr<TrajectoryReader> open_extended_xyz(const std::string &path,
                                                    const ReadOptions &options)
{
  return std::make_unique<XyzTrajectory>(path, options);
}

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

bool is_name_of_quantity(std::string_view column)
{
  for (const Quantity *quantity : {&forces_of_file, &velocities_of_file, &masses_of_file})
    if (claim_of(*quantity, column) != Claim::none) return true;
  for (const char *word : {"species", "pos", "z", "spread"})
    if (same_name(column, word)) return true;
  return false;
}

void forget_results(Structure &frame)
{
  frame.energy.reset();
  frame.energy_spread.reset();
  frame.forces.clear();
  frame.spread.clear();
  frame.unread.clear();
  if (!frame.layout) return;
  const auto result = [](std::string_view name, XyzRole role) {
    // names of the labels stay, but for those of another method
    if (role == XyzRole::energy) return claim_of(energy_of_file, name) == Claim::other;
    if (role == XyzRole::forces) return claim_of(forces_of_file, name) == Claim::other;
    if (role == XyzRole::energy_spread || role == XyzRole::spread) return false;
    if (claim_of(energy_of_file, name) != Claim::none ||
        claim_of(forces_of_file, name) != Claim::none ||
        claim_of(stress_of_file, name) != Claim::none)
      return true;
    for (const char *word : {"energies", "stresses", "virials", "dipole", "charges", "magmom",
                             "magmoms", "energy_spread", "spread"})
      if (same_name(name, word)) return true;
    return false;
  };
  XyzLayout kept = *frame.layout;
  std::erase_if(kept.keys, [&](const XyzKey &key) {
    return result(key.name, key.role);
  });
  std::erase_if(kept.columns, [&](const XyzColumn &column) {
    return result(column.name, column.role);
  });
  frame.layout = std::make_shared<XyzLayout>(std::move(kept));
}

}    // namespace mlff
