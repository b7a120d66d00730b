#include "data/lammps_dump.h"

#include "core/elements.h"
#include "core/units.h"
#include "data/extended_xyz.h"
#include "data/parse.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <numeric>

namespace mlff {

namespace {

  class LammpsDump : public TrajectoryReader {
   public:
    LammpsDump(const std::string &path, const ReadOptions &options) :
        path(path), options(options), file(path, std::ios::binary)
    {
      if (!file)
        throw FileError("data file '" + path + "' cannot be opened: " + std::strerror(errno));
      file.seekg(0, std::ios::end);
      size = double(file.tellg());
      file.seekg(0);
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

    double progress() const override { return size > 0.0 ? std::min(1.0, position / size) : 1.0; }

   private:
    std::string path;
    ReadOptions options;
    std::ifstream file;
    std::string text;
    double size = 0.0, position = 0.0;
    double time_unit = 1.0, velocity_unit = 1.0, force_unit = 1.0;
    long line = 0, n_frames = 0;
    std::vector<int> given;               // atomic numbers from outside, of types or atoms
    std::vector<double> given_isotope;    // g/mol, 0 for the elements as they are
    std::array<double, 3> low = {0, 0, 0};

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
      while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.pop_back();
      return true;
    }

    void line_of(const std::string &what)
    {
      if (!read_line()) throw fail("the file ends where " + what + " should be");
    }

    double number_of(std::string_view word) const
    {
      const auto value = number(word);
      if (!value) throw fail("found '" + std::string(word) + "'; expected a number");
      return *value;
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

    void read_atoms(Structure &frame, const std::string &item, int n)
    {
      auto columns = split(item);
      columns.erase(columns.begin());
      const int id = column(columns, "id"), type = column(columns, "type"),
                element = column(columns, "element"), mass = column(columns, "mass");
      int x = -1;
      bool scaled = false;
      for (const char *name : {"x", "xu", "xs", "xsu"})
        if (const int c = column(columns, name); c >= 0 && x < 0) {
          const std::string rest = std::string(name).substr(1);
          if (c != column(columns, "y" + rest) - 1 || c != column(columns, "z" + rest) - 2)
            continue;
          x = c;
          scaled = name[1] == 's';
        }
      if (id < 0 || x < 0)
        throw fail("found 'ITEM: " + item +
                   "'; expected the columns id and x y z, xu yu zu, xs ys zs or xsu ysu zsu");
      const auto three = [&](const char *a, const char *b, const char *c) {
        const int first = column(columns, a);
        return first >= 0 && column(columns, b) == first + 1 && column(columns, c) == first + 2
            ? first
            : -1;
      };
      const int v = three("vx", "vy", "vz"), f = three("fx", "fy", "fz");

      std::vector<bool> used(columns.size(), false);
      const auto use = [&](int first, int width) {
        for (int c = first; first >= 0 && c < first + width; c++) used[std::size_t(c)] = true;
      };
      use(element, 1), use(mass, 1), use(x, 3), use(v, 3), use(f, 3);
      std::vector<std::vector<std::string>> rest(
          columns.size());    // [columns][n] what nobody else keeps

      // vectors grow with the lines that are there, not with the number that the file claims
      std::vector<long> ids;
      std::vector<int> numbers;
      std::vector<double> isotopes, positions, velocities, forces, masses;
      for (int i = 0; i < n; i++) {
        if (!read_line())
          throw fail("the file ends after " + std::to_string(i) + " of " + std::to_string(n) +
                     " atoms");
        const auto words = split(text);
        if (words.size() != columns.size())
          throw fail("found " + std::to_string(words.size()) + " columns; ITEM: ATOMS names " +
                     std::to_string(columns.size()));
        const auto known = whole(words[id]);
        if (!known)
          throw fail("found '" + std::string(words[id]) + "' for id; expected a whole number");
        ids.push_back(*known);
        numbers.push_back(0);
        isotopes.push_back(0.0);
        if (element >= 0) {
          numbers[i] = atomic_number_of_isotope(words[element], isotopes[i]);
          if (numbers[i] == 0)
            throw fail("found '" + std::string(words[element]) +
                       "'; expected the symbol of an element");
        } else if (type >= 0) {
          const auto t = whole(words[type]);
          if (!t || *t < 1)
            throw fail("found '" + std::string(words[type]) +
                       "' for type; expected a whole number above 0");
          if (*t > long(given.size()))
            throw fail(
                "type " + std::to_string(*t) + " has no element: " + std::to_string(given.size()) +
                " are given; expected one for each atom type (--elements), or a column element");
          numbers[i] = given[*t - 1];
          isotopes[i] = given_isotope[*t - 1];
        } else if (int(given.size()) != n)
          throw fail("there is no column element or type, and " + std::to_string(given.size()) +
                     " elements are given for " + std::to_string(n) +
                     " atoms; expected one for each atom");
        for (int k = 0; k < 3; k++) {
          positions.push_back(number_of(words[x + k]));
          if (v >= 0) velocities.push_back(number_of(words[v + k]) * velocity_unit);
          if (f >= 0) forces.push_back(number_of(words[f + k]) * force_unit);
        }
        if (mass >= 0) masses.push_back(number_of(words[mass]));
        if (mass >= 0 && masses[i] <= 0.0)
          throw fail("found '" + std::string(words[mass]) +
                     "' for mass; expected a number above 0");
        for (std::size_t c = 0; options.keep && c < columns.size(); c++)
          if (!used[c]) rest[c].emplace_back(words[c]);
        if (scaled) {
          const double s[3] = {positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]};
          for (int k = 0; k < 3; k++)
            positions[3 * i + k] =
                low[k] + s[0] * frame.cell[k] + s[1] * frame.cell[3 + k] + s[2] * frame.cell[6 + k];
        }
      }

      std::vector<int> order(n);
      std::iota(order.begin(), order.end(), 0);
      std::sort(order.begin(), order.end(), [&](int a, int b) {
        return ids[a] < ids[b];
      });
      for (int k = 0; k < n; k++) {
        const int i = order[k];
        if (k > 0 && ids[i] == ids[order[k - 1]])
          throw fail("the id " + std::to_string(ids[i]) + " is there twice");
        const bool by_order = element < 0 && type < 0;
        frame.numbers.push_back(by_order ? given[k] : numbers[i]);
        if (by_order) isotopes[i] = given_isotope[k];
        if (mass >= 0) frame.masses.push_back(masses[i]);
        if (mass >= 0 && isotopes[i] > 0.0 && std::abs(masses[i] - isotopes[i]) > 0.02)
          throw fail("the atom with id " + std::to_string(ids[i]) + " is D or T of " +
                     digits(isotopes[i]) + " g/mol, but its mass is " + digits(masses[i]));
        for (int a = 0; a < 3; a++) {
          frame.positions.push_back(positions[3 * i + a]);
          if (v >= 0) frame.velocities.push_back(velocities[3 * i + a]);
          if (f >= 0) frame.forces.push_back(forces[3 * i + a]);
        }
      }
      if (mass < 0 && std::any_of(isotopes.begin(), isotopes.end(), [](double one) {
            return one > 0.0;
          }))
        for (int k = 0; k < n; k++)
          frame.masses.push_back(isotopes[order[k]] > 0.0 ? isotopes[order[k]]
                                                          : atomic_mass(frame.numbers[k]));
      if (options.keep) frame.layout = layout_of(columns, rest, order, v >= 0, f >= 0);
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
        // what the dump means by such a name is not known
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
