// Text dumps of LAMMPS: the lines of a frame, its box, its atoms in the order of their ids.
#include "data/lammps_dump.h"

#include "core/elements.h"
#include "core/units.h"
#include "data/extended_xyz.h"
#include "data/parse.h"
#include "data/text_trajectory.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <numeric>

namespace mlff {

namespace {

  class LammpsDump : public TextTrajectory {
   public:
    LammpsDump(const std::string &path, const ReadOptions &options) : TextTrajectory(path, options)
    {
      for (const auto &symbol : options.elements) {
        double isotope;
        given.push_back(atomic_number_of_isotope(symbol, isotope));
        given_isotope.push_back(isotope);
      }
      if (options.units == "gpumd")
        throw FileError("data file '" + path +
                        "' is a dump of LAMMPS, but the units are 'gpumd'; accepted: metal, real");
      if (!options.units.empty()) set_units(options.units);
    }

    bool next(Structure &frame) override
    {
      std::vector<std::string_view> words;
      if (!read_line()) return false;
      n_frames++;
      frame = Structure();
      long n = -1;
      bool box = false;
      while (true) {
        if (text.rfind("ITEM: ", 0) != 0)
          throw fail("found '" + text + "'; expected a line that begins with ITEM:");
        const std::string item = text.substr(6);
        if (item.rfind("ATOMS", 0) == 0) {
          if (n < 0 || !box)
            throw fail("ITEM: ATOMS comes before ITEM: " +
                       std::string(n < 0 ? "NUMBER OF ATOMS" : "BOX BOUNDS"));
          read_atoms(frame, item, int(n));
          return true;
        }
        if (item == "UNITS") {
          line_of("units");
          if (!options.units.empty() && text != options.units)
            throw fail("the file says units '" + text + "', but '" + options.units +
                       "' are asked for; expected the same, or none");
          set_units(text);
        } else if (item == "TIME") {
          line_of("a time");
          frame.time = number_of(text) * time_unit;
        } else if (item == "TIMESTEP") {
          line_of("a time step");
          const auto step = whole(text);
          if (!step) throw fail("found '" + text + "' for the time step; expected a whole number");
          frame.step = *step;
        } else if (item == "NUMBER OF ATOMS") {
          line_of("the number of atoms");
          const auto count = whole(text);
          if (!count || *count < 0 || *count > 100'000'000)
            throw fail("found '" + text + "'; expected the number of atoms");
          n = *count;
        } else if (item.rfind("BOX BOUNDS", 0) == 0) {
          read_box(frame, item);
          box = true;
        } else
          throw fail("unknown 'ITEM: " + item +
                     "'; accepted: UNITS, TIME, TIMESTEP, NUMBER OF ATOMS, BOX BOUNDS, ATOMS");
        line_of("ITEM: ATOMS");
      }
    }

   private:
    double time_unit = 1.0, velocity_unit = 1.0, force_unit = 1.0;
    // atomic numbers from outside, of types or atoms, and their masses, g/mol: 0 for the elements
    // as they are
    std::vector<int> given;
    std::vector<double> given_isotope;
    std::array<double, 3> low = {0, 0, 0};

    /// Blanks at the end of a line do not count.
    bool read_line()
    {
      if (!TextTrajectory::read_line()) return false;
      while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.pop_back();
      return true;
    }

    void line_of(const std::string &what)
    {
      if (!read_line()) throw fail("the file ends where " + what + " should be");
    }

    void set_units(const std::string &units)
    {
      if (units == "metal")
        time_unit = velocity_unit = force_unit = 1.0;
      else if (units == "real") {
        time_unit = 1e-3;
        velocity_unit = 1e3;
        force_unit = kcal_per_mol_in_eV;
      } else
        throw fail("found units '" + units + "'; accepted: metal, real");
    }

    void read_box(Structure &frame, const std::string &item)
    {
      const auto words = split(item);    // BOX BOUNDS [xy xz yz] pp pp pp
      const bool tilted = words.size() >= 5 && words[2] == "xy";
      const std::size_t first = tilted ? 5 : 2;
      if (words.size() != first + 3)
        throw fail("found 'ITEM: " + item +
                   "'; expected BOX BOUNDS with a pair of letters for each direction");
      double bound[3][2], tilt[3] = {0, 0, 0};
      for (int a = 0; a < 3; a++) { frame.periodic[a] = words[first + a][0] == 'p'; }
      for (int a = 0; a < 3; a++) {
        line_of("the bounds of the box");
        const auto numbers = split(text);
        if (numbers.size() != (tilted ? 3u : 2u))
          throw fail("found '" + text + "'; expected the bounds of the box");
        for (int k = 0; k < 2; k++) bound[a][k] = number_of(numbers[k]);
        if (tilted) tilt[a] = number_of(numbers[2]);
      }
      const double xy = tilt[0], xz = tilt[1], yz = tilt[2];
      // bounds of a tilted box are those of the box around it
      low = {bound[0][0] - std::min({0.0, xy, xz, xy + xz}), bound[1][0] - std::min(0.0, yz),
             bound[2][0]};
      const double high[3] = {bound[0][1] - std::max({0.0, xy, xz, xy + xz}),
                              bound[1][1] - std::max(0.0, yz), bound[2][1]};
      frame.cell = {high[0] - low[0], 0, 0, xy, high[1] - low[1], 0, xz, yz, high[2] - low[2]};
    }

    static int column(const std::vector<std::string_view> &columns, std::string_view name)
    {
      const auto at = std::find(columns.begin(), columns.end(), name);
      return at == columns.end() ? -1 : int(at - columns.begin());
    }

    /// Columns of a dump: numbers of those that are read, the first of three for vectors; -1 where
    /// they are missing.
    struct Columns {
      std::vector<std::string_view> names;
      int id = -1, type = -1, element = -1, mass = -1, x = -1, v = -1, f = -1;
      bool scaled = false;       ///< coordinates are fractions of the box
      std::vector<bool> used;    ///< [names] read into the frame, so not kept besides
    };

    /// Atoms in the order of the file. Vectors grow with the lines that are there, not with the
    /// number that the file claims.
    struct Atoms {
      std::vector<long> ids;
      std::vector<int> numbers;
      std::vector<double> isotopes;    ///< g/mol, 0 for the elements as they are
      std::vector<double> positions, velocities, forces, masses;
      std::vector<std::vector<std::string>> rest;    ///< [columns][n] words of unused columns
    };

    Columns find_columns(const std::string &item) const
    {
      Columns columns;
      auto &names = columns.names;
      names = split(item);
      names.erase(names.begin());
      columns.id = column(names, "id");
      columns.type = column(names, "type");
      columns.element = column(names, "element");
      columns.mass = column(names, "mass");
      const auto three = [&](const std::string &a, const std::string &b, const std::string &c) {
        const int first = column(names, a);
        return first >= 0 && column(names, b) == first + 1 && column(names, c) == first + 2 ? first
                                                                                            : -1;
      };
      for (const std::string rest : {"", "u", "s", "su"})
        if (columns.x < 0) {
          columns.x = three("x" + rest, "y" + rest, "z" + rest);
          columns.scaled = columns.x >= 0 && rest.starts_with('s');
        }
      if (columns.id < 0 || columns.x < 0)
        throw fail("found 'ITEM: " + item +
                   "'; expected the columns id and x y z, xu yu zu, xs ys zs or xsu ysu zsu");
      columns.v = three("vx", "vy", "vz");
      columns.f = three("fx", "fy", "fz");
      columns.used.resize(names.size(), false);
      for (const auto &[first, width] : {std::pair{columns.element, 1},
                                         {columns.mass, 1},
                                         {columns.x, 3},
                                         {columns.v, 3},
                                         {columns.f, 3}})
        for (int c = first; first >= 0 && c < first + width; c++)
          columns.used[std::size_t(c)] = true;
      return columns;
    }

    void read_atoms(Structure &frame, const std::string &item, int n)
    {
      const Columns columns = find_columns(item);
      Atoms atoms;
      atoms.rest.resize(columns.names.size());
      for (int i = 0; i < n; i++) {
        if (!read_line())
          throw fail("the file ends after " + std::to_string(i) + " of " + std::to_string(n) +
                     " atoms");
        read_atom(frame, columns, n, atoms);
      }
      take_in_order(frame, columns, atoms);
    }

    void read_atom(const Structure &frame, const Columns &columns, int n, Atoms &atoms)
    {
      const auto words = split(text);
      if (words.size() != columns.names.size())
        throw fail("found " + std::to_string(words.size()) + " columns; ITEM: ATOMS names " +
                   std::to_string(columns.names.size()));
      const auto id = whole(words[columns.id]);
      if (!id)
        throw fail("found '" + std::string(words[columns.id]) +
                   "' for id; expected a whole number");
      atoms.ids.push_back(*id);
      double isotope = 0.0;
      atoms.numbers.push_back(element_of(columns, words, n, isotope));
      atoms.isotopes.push_back(isotope);
      for (int k = 0; k < 3; k++) {
        atoms.positions.push_back(number_of(words[columns.x + k]));
        if (columns.v >= 0)
          atoms.velocities.push_back(number_of(words[columns.v + k]) * velocity_unit);
        if (columns.f >= 0) atoms.forces.push_back(number_of(words[columns.f + k]) * force_unit);
      }
      if (columns.mass >= 0) {
        atoms.masses.push_back(number_of(words[columns.mass]));
        if (atoms.masses.back() <= 0.0)
          throw fail("found '" + std::string(words[columns.mass]) +
                     "' for mass; expected a number above 0");
      }
      for (std::size_t c = 0; options.keep && c < columns.names.size(); c++)
        if (!columns.used[c]) atoms.rest[c].emplace_back(words[c]);
      if (!columns.scaled) return;
      double *x = &atoms.positions[atoms.positions.size() - 3];
      const double s[3] = {x[0], x[1], x[2]};
      for (int k = 0; k < 3; k++)
        x[k] = low[k] + s[0] * frame.cell[k] + s[1] * frame.cell[3 + k] + s[2] * frame.cell[6 + k];
    }

    /// The atomic number of an atom by its element or its type; 0 where its place in the order of
    /// ids will tell.
    int element_of(const Columns &columns, const std::vector<std::string_view> &words, int n,
                   double &isotope) const
    {
      if (columns.element >= 0) {
        const std::string_view symbol = words[columns.element];
        const int z = atomic_number_of_isotope(symbol, isotope);
        if (z == 0)
          throw fail("found '" + std::string(symbol) + "'; expected the symbol of an element");
        return z;
      }
      if (columns.type >= 0) {
        const auto type = whole(words[columns.type]);
        if (!type || *type < 1)
          throw fail("found '" + std::string(words[columns.type]) +
                     "' for type; expected a whole number above 0");
        if (*type > long(given.size()))
          throw fail("type " + std::to_string(*type) +
                     " has no element: " + std::to_string(given.size()) +
                     " are given; expected one for each atom type (--elements), or a column "
                     "element");
        isotope = given_isotope[*type - 1];
        return given[*type - 1];
      }
      if (int(given.size()) != n)
        throw fail("there is no column element or type, and " + std::to_string(given.size()) +
                   " elements are given for " + std::to_string(n) +
                   " atoms; expected one for each atom");
      return 0;
    }

    /// Moves the atoms into the frame, sorted by their ids.
    void take_in_order(Structure &frame, const Columns &columns, Atoms &atoms) const
    {
      const int n = int(atoms.ids.size());
      std::vector<int> order(n);
      std::iota(order.begin(), order.end(), 0);
      std::sort(order.begin(), order.end(), [&](int a, int b) {
        return atoms.ids[a] < atoms.ids[b];
      });
      const bool by_order = columns.element < 0 && columns.type < 0;
      for (int k = 0; k < n; k++) {
        const int i = order[k];
        if (k > 0 && atoms.ids[i] == atoms.ids[order[k - 1]])
          throw fail("the id " + std::to_string(atoms.ids[i]) + " appears twice");
        frame.numbers.push_back(by_order ? given[k] : atoms.numbers[i]);
        if (by_order) atoms.isotopes[i] = given_isotope[k];
        const double isotope = atoms.isotopes[i];
        if (columns.mass >= 0) {
          frame.masses.push_back(atoms.masses[i]);
          if (isotope > 0.0 && std::abs(atoms.masses[i] - isotope) > 0.02)
            throw fail("the atom with id " + std::to_string(atoms.ids[i]) + " is D or T of " +
                       digits(isotope) + " g/mol, but its mass is " + digits(atoms.masses[i]));
        }
        for (int a = 0; a < 3; a++) {
          frame.positions.push_back(atoms.positions[3 * i + a]);
          if (columns.v >= 0) frame.velocities.push_back(atoms.velocities[3 * i + a]);
          if (columns.f >= 0) frame.forces.push_back(atoms.forces[3 * i + a]);
        }
      }
      if (columns.mass < 0 &&
          std::any_of(atoms.isotopes.begin(), atoms.isotopes.end(), [](double mass) {
            return mass > 0.0;
          }))
        for (int k = 0; k < n; k++) {
          const double isotope = atoms.isotopes[order[k]];
          frame.masses.push_back(isotope > 0.0 ? isotope : atomic_mass(frame.numbers[k]));
        }
      if (options.keep)
        frame.layout = layout_of(columns.names, atoms.rest, order, columns.v >= 0, columns.f >= 0);
    }

    /// Columns of extended XYZ for those of the dump that the program does not use.
    static std::shared_ptr<const XyzLayout>
    layout_of(const std::vector<std::string_view> &columns,
              const std::vector<std::vector<std::string>> &rest, const std::vector<int> &order,
              bool velocities, bool forces)
    {
      auto layout = std::make_shared<XyzLayout>();
      layout->columns = {{"species", 'S', 1, XyzRole::species, {}},
                         {"pos", 'R', 3, XyzRole::positions, {}}};
      if (velocities) layout->columns.push_back({"vel", 'R', 3, XyzRole::velocities, {}});
      if (forces) layout->columns.push_back({"forces", 'R', 3, XyzRole::forces, {}});
      layout->columns.push_back({"mass", 'R', 1, XyzRole::masses, {}});
      for (std::size_t c = 0; c < columns.size(); c++) {
        if (rest[c].size() != order.size()) continue;
        XyzColumn column{std::string(columns[c]), 'I', 1, XyzRole::none, {}};
        for (char &letter : column.name)
          if (!std::isalnum(static_cast<unsigned char>(letter)) && !std::strchr("_-+.*/", letter))
            letter = '_';
        // such a name may mean something else in a dump
        if (is_name_of_quantity(column.name)) column.name += '_';
        for (const int i : order) {
          const std::string &word = rest[c][std::size_t(i)];
          if (column.type == 'I' && !whole(word)) column.type = 'R';
          if (column.type == 'R' && !number(word)) column.type = 'S';
          column.text.push_back(word);
        }
        layout->columns.push_back(std::move(column));
      }
      return layout;
    }
  };

}    // namespace

std::unique_ptr<TrajectoryReader> open_lammps_dump(const std::string &path,
                                                   const ReadOptions &options)
{
  return std::make_unique<LammpsDump>(path, options);
}

}    // namespace mlff
