#include "trajectory.h"

#include "elements.h"
#include "lammps_dump.h"
#include "text_words.h"
#include "units.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>

namespace mlff {

namespace {

  class NpzTrajectory : public TrajectoryReader {
   public:
    explicit NpzTrajectory(const std::string &path)
    {
      const NpzFile file(path);
      const Array charges = file.read("nuclear_charges");
      coordinates = file.read("coords");
      const auto &shape = coordinates.shape;
      if (charges.shape.size() != 1 || shape.size() != 3 || shape[1] != charges.shape[0] || shape[2] != 3)
        throw FileError("data file '" + path + "': 'coords' is not [frames, atoms, 3] with the atoms of 'nuclear_charges'");
      n_frames = shape[0];
      for (const double z : charges.values) numbers.push_back(int(z));
      if (file.has("energies")) {
        energies = file.read("energies");
        if (std::int64_t(energies.values.size()) != n_frames) throw FileError("data file '" + path + "': 'energies' does not hold one value a frame");
      }
      if (file.has("forces")) {
        forces = file.read("forces");
        if (forces.shape != shape) throw FileError("data file '" + path + "': 'forces' has not the shape of 'coords'");
      }
    }

    bool next(Structure &frame) override
    {
      if (index == n_frames) return false;
      const std::size_t width = 3 * numbers.size(), begin = index * width;
      frame = Structure();
      frame.numbers = numbers;
      frame.positions.assign(coordinates.values.begin() + begin, coordinates.values.begin() + begin + width);
      if (!energies.values.empty()) frame.energy = energies.values[index] * kcal_per_mol_in_eV;
      if (!forces.values.empty())
        for (std::size_t k = 0; k < width; k++) frame.forces.push_back(forces.values[begin + k] * kcal_per_mol_in_eV);
      index++;
      return true;
    }

    double progress() const override { return n_frames ? double(index) / double(n_frames) : 1.0; }

   private:
    std::vector<int> numbers;
    Array coordinates, energies, forces;
    std::int64_t n_frames = 0, index = 0;
  };

  class XyzTrajectory : public TrajectoryReader {
   public:
    explicit XyzTrajectory(const std::string &path) : path(path), file(path, std::ios::binary)
    {
      if (!file) throw FileError("data file '" + path + "' cannot be opened: " + std::strerror(errno));
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
      if (!n || *n < 0 || *n > 100'000'000) throw fail("found '" + text + "'; expected the number of atoms");
      if (!read_line()) throw fail("the file ends before the comment line");
      frame = Structure();
      read_comment(frame);
      read_atoms(frame, int(*n));
      return true;
    }

    double progress() const override { return size > 0.0 ? std::min(1.0, position / size) : 1.0; }

   private:
    std::string path;
    std::ifstream file;
    std::string text;
    double size = 0.0, position = 0.0;
    long line = 0, n_frames = 0;

    struct Column {
      std::string name;
      char type;
      int width;
    };
    std::vector<Column> columns;

    FileError fail(const std::string &what) const
    {
      return FileError("data file '" + path + "', frame " + std::to_string(n_frames) + ", line " + std::to_string(line) + ": " + what);
    }

    bool read_line()
    {
      if (!std::getline(file, text)) return false;
      position += double(text.size() + 1);
      line++;
      if (!text.empty() && text.back() == '\r') text.pop_back();
      return true;
    }

    double number(std::string_view word, const std::string &what) const
    {
      const auto value = mlff::number(word);
      if (!value) throw fail("found '" + std::string(word) + "' for " + what + "; expected a number");
      return *value;
    }

    /// key=value and key="several words"; keys alone are ignored.
    std::map<std::string, std::string> key_values() const
    {
      std::map<std::string, std::string> pairs;
      std::size_t i = 0;
      while ((i = text.find_first_not_of(" \t", i)) != std::string::npos) {
        const auto key_end = std::min(text.find_first_of("= \t", i), text.size());
        const std::string key = text.substr(i, key_end - i);
        i = key_end;
        if (i >= text.size() || text[i] != '=') continue;
        i++;
        std::size_t end;
        if (i < text.size() && (text[i] == '"' || text[i] == '\'')) {
          end = text.find(text[i], i + 1);
          if (end == std::string::npos) throw fail("the value of '" + key + "' has no closing quote");
          pairs[key] = text.substr(i + 1, end - i - 1);
          i = end + 1;
        } else {
          end = std::min(text.find_first_of(" \t", i), text.size());
          pairs[key] = text.substr(i, end - i);
          i = end;
        }
      }
      return pairs;
    }

    void read_comment(Structure &frame)
    {
      const auto pairs = key_values();
      columns = {{"species", 'S', 1}, {"pos", 'R', 3}};
      if (const auto found = pairs.find("Properties"); found != pairs.end()) read_properties(found->second);
      if (const auto found = pairs.find("Lattice"); found != pairs.end()) {
        const auto words = split(found->second);
        if (words.size() != 9) throw fail("Lattice has " + std::to_string(words.size()) + " numbers; expected 9");
        for (int k = 0; k < 9; k++) frame.cell[k] = number(words[k], "Lattice");
        frame.periodic = {true, true, true};
      }
      if (const auto found = pairs.find("pbc"); found != pairs.end()) {
        const auto words = split(found->second);
        if (words.size() != 3) throw fail("pbc is '" + found->second + "'; expected three of T and F");
        for (int k = 0; k < 3; k++) {
          if (words[k] != "T" && words[k] != "F" && words[k] != "1" && words[k] != "0" && words[k] != "True" && words[k] != "False")
            throw fail("pbc is '" + found->second + "'; expected three of T and F");
          frame.periodic[k] = words[k][0] == 'T' || words[k][0] == '1';
        }
        if (!pairs.contains("Lattice") && (frame.periodic[0] || frame.periodic[1] || frame.periodic[2]))
          throw fail("pbc is '" + found->second + "', but there is no Lattice");
      }
      if (const auto found = pairs.find("Timestep"); found != pairs.end()) frame.step = whole(found->second).value_or(-1);
      if (const auto found = pairs.find("Time"); found != pairs.end()) frame.time = mlff::number(found->second);
      if (const auto found = pairs.find("energy_spread"); found != pairs.end()) frame.energy_spread = number(found->second, "energy_spread");
      for (const char *key : {"Potential_energy", "energy"})
        if (const auto found = pairs.find(key); found != pairs.end()) frame.energy = number(found->second, key);
    }

    void read_properties(const std::string &value)
    {
      columns.clear();
      std::vector<std::string> parts(1);
      for (const char c : value)
        if (c == ':')
          parts.emplace_back();
        else
          parts.back() += c;
      bool pos = false, species = false;
      for (std::size_t k = 0; k + 2 < parts.size(); k += 3) {
        const auto width = whole(parts[k + 2]);
        if (!width || *width < 1 || *width > 1000 || parts[k + 1].size() != 1 || !std::strchr("SRIL", parts[k + 1][0]))
          throw fail("Properties is '" + value + "'; expected name:type:count with type S, R, I or L");
        columns.push_back({parts[k], parts[k + 1][0], int(*width)});
        if (parts[k] == "pos" && parts[k + 1] == "R" && *width == 3) pos = true;
        if (parts[k] == "species" && parts[k + 1] == "S" && *width == 1) species = true;
      }
      if (parts.size() % 3 != 0 || !pos || !species) throw fail("Properties is '" + value + "'; expected at least species:S:1:pos:R:3");
    }

    void read_atoms(Structure &frame, int n)
    {
      std::size_t n_words = 0;
      bool plain = true;
      for (const auto &column : columns) n_words += column.width;
      plain = columns.size() == 2;
      for (int i = 0; i < n; i++) {
        if (!read_line()) throw fail("the file ends after " + std::to_string(i) + " of " + std::to_string(n) + " atoms");
        const auto words = split(text);
        // plain XYZ may carry further columns without a name
        if (words.size() < n_words || (words.size() > n_words && !plain))
          throw fail("found " + std::to_string(words.size()) + " columns; Properties names " + std::to_string(n_words));
        std::size_t w = 0;
        for (const auto &column : columns) {
          std::vector<double> *target = nullptr;
          if (column.width == 3 && column.type == 'R') {
            if (column.name == "pos") target = &frame.positions;
            if (column.name == "forces" || column.name == "force") target = &frame.forces;
            if (column.name == "vel" || column.name == "velo" || column.name == "velocities") target = &frame.velocities;
          }
          if (column.name == "mass" && column.width == 1 && column.type == 'R') {
            frame.masses.push_back(number(words[w], column.name));
            if (frame.masses.back() <= 0.0) throw fail("found '" + std::string(words[w]) + "' for mass; expected a number above 0");
          }
          if (column.name == "spread" && column.width == 1 && column.type == 'R') frame.spread.push_back(number(words[w], column.name));
          if (target)
            for (int k = 0; k < 3; k++) target->push_back(number(words[w + k], column.name));
          else if (column.name == "species" && column.type == 'S') {
            const auto z = whole(words[w]);
            const int known = z ? int(*z) : atomic_number(words[w]);
            if (element_symbol(known) == "X") throw fail("found '" + std::string(words[w]) + "'; expected the symbol of an element");
            frame.numbers.push_back(known);
          }
          w += column.width;
        }
      }
    }
  };

}    // namespace

std::unique_ptr<TrajectoryReader> open_trajectory(const std::string &path)
{
  if (path.ends_with(".npz")) return std::make_unique<NpzTrajectory>(path);
  if (path.ends_with(".xyz") || path.ends_with(".extxyz")) return std::make_unique<XyzTrajectory>(path);
  if (path.ends_with(".dump") || path.ends_with(".lammpstrj")) return open_lammps_dump(path, {});
  throw FileError("data file '" + path + "' has an unknown ending; accepted: .npz, .xyz, .extxyz, .dump, .lammpstrj");
}

void write_xyz(std::FILE *file, const Structure &frame)
{
  const bool cell = frame.periodic[0] || frame.periodic[1] || frame.periodic[2];
  std::fprintf(file, "%d\nProperties=species:S:1:pos:R:3%s%s", frame.n_atoms(), frame.velocities.empty() ? "" : ":vel:R:3",
               frame.forces.empty() ? "" : ":forces:R:3");
  if (!frame.spread.empty()) std::fprintf(file, ":spread:R:1");
  if (cell) {
    std::fprintf(file, " Lattice=\"");
    for (int k = 0; k < 9; k++) std::fprintf(file, k ? " %.17g" : "%.17g", frame.cell[k]);
    std::fprintf(file, "\"");
  }
  std::fprintf(file, " pbc=\"%c %c %c\"", frame.periodic[0] ? 'T' : 'F', frame.periodic[1] ? 'T' : 'F', frame.periodic[2] ? 'T' : 'F');
  if (frame.step >= 0) std::fprintf(file, " Timestep=%ld", frame.step);
  if (frame.energy) std::fprintf(file, " energy=%.17g", *frame.energy);
  if (frame.energy_spread) std::fprintf(file, " energy_spread=%.17g", *frame.energy_spread);
  std::fprintf(file, "\n");
  for (int i = 0; i < frame.n_atoms(); i++) {
    std::fprintf(file, "%s", element_symbol(frame.numbers[i]).c_str());
    for (const auto *values : {&frame.positions, &frame.velocities, &frame.forces})
      if (!values->empty()) std::fprintf(file, " %.17g %.17g %.17g", (*values)[3 * i], (*values)[3 * i + 1], (*values)[3 * i + 2]);
    if (!frame.spread.empty()) std::fprintf(file, " %.17g", frame.spread[i]);
    std::fprintf(file, "\n");
  }
}

}    // namespace mlff
