// A system in DeePMD-kit's format: type.raw, type_map.raw, and arrays in folders set.*.
#include "data/numpy/deepmd_folder.h"

#include "core/elements.h"
#include "core/units.h"
#include "data/parse.h"
#include "data/xyz/xyz_quantities.h"
#include "data/xyz/xyz_stress.h"
#include "structure/lattice.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <sstream>

namespace mlff {

namespace fs = std::filesystem;

namespace {

  std::string read_text(const std::string &file)
  {
    std::ifstream in(file, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    if (!in) throw FileError("data file '" + file + "' cannot be read");
    return text.str();
  }

  /// Words of a file, which blanks and ends of lines part.
  std::vector<std::string> words_of_file(const std::string &file)
  {
    std::istringstream text(read_text(file));
    std::vector<std::string> words;
    for (std::string word; text >> word;) words.push_back(word);
    return words;
  }

  /// Names of the folders set.*, in the order of DeePMD-kit.
  std::vector<std::string> sets_of(const std::string &path)
  {
    std::vector<std::string> sets;
    std::error_code code;
    for (const auto &entry : fs::directory_iterator(path, code))
      if (entry.is_directory(code) && entry.path().filename().string().starts_with("set."))
        sets.push_back(entry.path().filename().string());
    std::sort(sets.begin(), sets.end());
    return sets;
  }

  class DeepmdFolder : public TrajectoryReader {
   public:
    DeepmdFolder(std::string folder, const ReadOptions &options) :
        path(std::move(folder)), sets(sets_of(path)), open(fs::exists(path + "/nopbc"))
    {
      if (options.units == "real") to_eV = kcal_per_mol_in_eV;
      for (const auto &[quantity, name] : options.keys) {
        std::string *array = quantity == "energy" ? &energy_name
            : quantity == "forces"                ? &force_name
            : quantity == "stress"                ? &stress_name
                                                  : nullptr;
        if (!array)
          throw FileError("data folder '" + path + "': DeePMD-kit's format has no '" + quantity +
                          "'; accepted quantities: energy, forces, stress");
        *array = name;
        wanted.push_back(name);
      }
      read_types(options);
      if (sets.empty())
        throw FileError("data folder '" + path +
                        "' has no folder set.* with arrays; DeePMD-kit makes them of .raw files");
    }

    bool next(Structure &frame) override
    {
      while (index == n_frames) {
        if (set == sets.size()) return false;
        read_set(path + "/" + sets[set++]);
        index = 0;
      }
      frame = Structure();
      frame.unread = unread;
      frame.unread_stress = unread_stress;
      std::vector<std::size_t> atoms;    // places in the arrays
      for (std::size_t i = 0; i < n_places; i++) {
        const double type = real_types.values.empty() ? double(types[i])
                                                      : real_types.values[index * n_places + i];
        if (type == -1.0 && !real_types.values.empty()) continue;
        atoms.push_back(i);
        frame.numbers.push_back(number_of(type));
      }
      frame.positions = vectors(coordinates, atoms, 1.0);
      if (!forces.values.empty()) frame.forces = vectors(forces, atoms, to_eV);
      if (!energies.values.empty()) frame.energy = energies.values[index] * to_eV;
      if (!open) {
        std::copy_n(box.values.begin() + long(9 * index), 9, frame.cell.begin());
        frame.periodic = {true, true, true};
        if (!stresses.values.empty()) {
          frame.stress =
              stress_of_numbers(std::span(stresses.values).subspan(9 * index, 9),
                                is_virial(stress_name), std::abs(cell_volume(frame.cell)));
          for (double &x : *frame.stress) x *= to_eV;
        }
      }
      index++;
      return true;
    }

    double progress() const override
    {
      const double part = n_frames ? double(index) / double(n_frames) : 1.0;
      return set == 0 ? 0.0 : (double(set - 1) + part) / double(sets.size());
    }

   private:
    std::string path;
    std::vector<std::string> sets;
    bool open;
    double to_eV = 1.0;
    std::string energy_name = "energy", force_name = "force", stress_name = "virial";
    std::vector<std::string> wanted;    // arrays that the options name
    std::size_t n_places = 0;           // atoms, and in mixed sets places without one
    std::vector<int> types, elements;
    std::string folder;    // of the present set
    std::vector<std::string> unread, unread_stress;
    Array coordinates, box, energies, forces, stresses, real_types;
    std::size_t set = 0, n_frames = 0, index = 0;

    void read_types(const ReadOptions &options)
    {
      const std::string file = path + "/type.raw", map = path + "/type_map.raw";
      for (const auto &word : words_of_file(file)) {
        const auto type = whole(word);
        if (!type || *type < 0 || *type > 117)
          throw FileError("data file '" + file + "' holds '" + word +
                          "'; expected types of atoms, whole numbers from 0");
        types.push_back(int(*type));
      }
      n_places = types.size();
      if (n_places == 0) throw FileError("data file '" + file + "' holds no types of atoms");
      std::string from = "--elements";
      std::vector<std::string> symbols = options.elements;
      if (symbols.empty() && fs::exists(map)) {
        symbols = words_of_file(map);
        from = "'" + map + "'";
      }
      if (symbols.empty())
        throw FileError("data folder '" + path +
                        "' has no type_map.raw with the elements of its types; name them: "
                        "--elements O H, in settings 'elements: [O, H]'");
      for (const auto &symbol : symbols) {
        double isotope;
        elements.push_back(atomic_number_of_isotope(symbol, isotope));
        if (elements.back() == 0 && from != "--elements")
          throw FileError("data file '" + map + "' holds '" + symbol +
                          "'; expected symbols of elements");
      }
    }

    int number_of(double type) const
    {
      if (type >= 0.0 && type < double(elements.size()) && type == std::floor(type))
        return elements[std::size_t(type)];
      throw FileError("data folder '" + path + "' has an atom of type " + digits(type) +
                      "; expected 0 to " + std::to_string(elements.size() - 1) +
                      ", for which there are elements");
    }

    /// Reads [frames][width] of the present set; an empty array if the file is missing and nobody
    /// asked for it.
    Array read(const std::string &name, std::size_t width, bool needed)
    {
      const std::string file = folder + "/" + name + ".npy";
      if (!fs::exists(file)) {
        if (needed || std::find(wanted.begin(), wanted.end(), name) != wanted.end())
          throw FileError("data folder '" + folder + "' has no '" + name + ".npy'");
        return {};
      }
      const std::string where = "data file '" + file + "'";
      Array array = parse_npy(read_text(file), where);
      const std::size_t frames = array.shape.empty() ? 0 : std::size_t(array.shape[0]);
      if (array.values.size() != frames * width || (n_frames > 0 && frames != n_frames))
        throw FileError(where + ": it has " + std::to_string(array.values.size()) +
                        " numbers; expected " + std::to_string(width) + " for each of " +
                        std::to_string(n_frames > 0 ? n_frames : frames) + " frames");
      const auto bad = std::find_if(array.values.begin(), array.values.end(), [](double x) {
        return !std::isfinite(x);
      });
      if (bad != array.values.end())
        throw FileError(where + ", frame " +
                        std::to_string(std::size_t(bad - array.values.begin()) / width + 1) +
                        ": it holds a number that is not finite");
      n_frames = frames;
      return array;
    }

    void read_set(const std::string &name)
    {
      folder = name;
      n_frames = 0;
      coordinates = read("coord", 3 * n_places, true);
      if (!open) box = read("box", 9, true);
      energies = read(energy_name, 1, false);
      forces = read(force_name, 3 * n_places, false);
      stresses = read(stress_name, 9, false);
      real_types = read("real_atom_types", n_places, false);
      note_unread();
    }

    /// Arrays that may be labels, but have other names; and stresses that nothing can have.
    void note_unread()
    {
      unread.clear();
      unread_stress.clear();
      std::error_code code;
      for (const auto &entry : fs::directory_iterator(folder, code)) {
        const std::string file = entry.path().filename().string(), name = entry.path().stem();
        if (entry.path().extension() != ".npy") continue;
        if ((energies.values.empty() && name.find("ener") != std::string::npos) ||
            (forces.values.empty() && name.find("force") != std::string::npos))
          unread.push_back(file);
        const bool stress = name.find("virial") != std::string::npos ||
            name.find("stress") != std::string::npos;
        if (stress && open)
          unread_stress.push_back(file + " (of open molecules, which have no stress)");
        else if (stress && stresses.values.empty())
          unread_stress.push_back(file);
      }
      std::sort(unread.begin(), unread.end());
      std::sort(unread_stress.begin(), unread_stress.end());
    }

    std::vector<double> vectors(const Array &array, const std::vector<std::size_t> &atoms,
                                double factor) const
    {
      std::vector<double> values;
      values.reserve(3 * atoms.size());
      for (const std::size_t i : atoms)
        for (std::size_t a = 0; a < 3; a++)
          values.push_back(factor * array.values[3 * (index * n_places + i) + a]);
      return values;
    }
  };

}    // namespace

bool is_deepmd_folder(const std::string &path)
{
  std::error_code code;
  return fs::is_regular_file(fs::path(path) / "type.raw", code);
}

std::vector<std::string> deepmd_files(const std::string &path)
{
  std::vector<std::string> files = {"type.raw"};
  for (const char *name : {"type_map.raw", "nopbc"})
    if (fs::exists(fs::path(path) / name)) files.emplace_back(name);
  for (const auto &set : sets_of(path)) {
    std::vector<std::string> arrays;
    for (const auto &entry : fs::directory_iterator(fs::path(path) / set))
      if (entry.path().extension() == ".npy")
        arrays.push_back(set + "/" + entry.path().filename().string());
    std::sort(arrays.begin(), arrays.end());
    files.insert(files.end(), arrays.begin(), arrays.end());
  }
  return files;
}

std::unique_ptr<TrajectoryReader> open_deepmd_folder(const std::string &path,
                                                     const ReadOptions &options)
{
  return std::make_unique<DeepmdFolder>(path, options);
}

}    // namespace mlff
