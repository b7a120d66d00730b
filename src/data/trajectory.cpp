// Opens frame files by their endings; reads rMD17 .npz; checks that values can be in the units.
#include "data/trajectory.h"

#include "core/elements.h"
#include "core/units.h"
#include "data/extended_xyz.h"
#include "data/lammps_dump.h"
#include "data/numpy/deepmd_folder.h"
#include "data/parse.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

namespace mlff {

namespace {

  class NpzTrajectory : public TrajectoryReader {
   public:
    NpzTrajectory(const std::string &path, const ReadOptions &options) :
        to_eV(options.units.empty() || options.units == "real" ? kcal_per_mol_in_eV : 1.0)
    {
      const NpzFile file(path);
      const auto name_of = [&](const char *quantity, const char *standard) {
        const auto given = options.keys.find(quantity);
        return given == options.keys.end() ? std::string(standard) : given->second;
      };
      const Array charges = file.read("nuclear_charges");
      coordinates = file.read("coords");
      const auto &shape = coordinates.shape;
      if (charges.shape.size() != 1 || shape.size() != 3 || shape[1] != charges.shape[0] ||
          shape[2] != 3)
        throw FileError(
            "data file '" + path +
            "': 'coords' is not [frames, atoms, 3] with the atoms of 'nuclear_charges'");
      for (const char *name : {"cell", "cells", "lattice", "pbc"})
        if (file.has(name))
          throw FileError(
              "data file '" + path + "' has an array '" + name +
              "'; of .npz only open molecules are accepted, use extended XYZ for cells");
      n_frames = shape[0];
      for (const double z : charges.values) {
        if (z != std::floor(z) || z < 1 || z > 118)
          throw FileError("data file '" + path + "': 'nuclear_charges' holds " + digits(z) +
                          "; expected atomic numbers, 1 to 118");
        numbers.push_back(int(z));
      }
      const std::string energy = name_of("energy", "energies"), force = name_of("forces", "forces");
      if (options.keys.contains("energy") || file.has(energy)) {
        energies = file.read(energy);
        if (std::int64_t(energies.values.size()) != n_frames)
          throw FileError("data file '" + path + "': '" + energy +
                          "' does not hold one value a frame");
      }
      if (options.keys.contains("forces") || file.has(force)) {
        forces = file.read(force);
        if (forces.shape != shape)
          throw FileError("data file '" + path + "': '" + force +
                          "' does not have the shape of 'coords'");
      }
      for (const auto &name : file.names()) {
        if (name.find("stress") != std::string::npos || name.find("virial") != std::string::npos)
          unread_stress.push_back(name + " (of open molecules, which have no stress)");
        const bool energies_perhaps = name == "E" || name.find("energ") != std::string::npos,
                   forces_perhaps = name == "F" || name.find("force") != std::string::npos;
        if ((energies.values.empty() && energies_perhaps) ||
            (forces.values.empty() && forces_perhaps))
          unread.push_back(name);
      }
      for (const auto &[name, array] :
           {std::pair{std::string("coords"), &coordinates}, {energy, &energies}, {force, &forces}})
        for (const double x : array->values)
          if (!std::isfinite(x))
            throw FileError("data file '" + path + "': '" + name +
                            "' holds a number that is not finite");
    }

    bool next(Structure &frame) override
    {
      if (index == n_frames) return false;
      const std::size_t width = 3 * numbers.size(), begin = std::size_t(index) * width;
      frame = Structure();
      frame.numbers = numbers;
      frame.unread = unread;
      frame.unread_stress = unread_stress;
      frame.positions.assign(coordinates.values.begin() + long(begin),
                             coordinates.values.begin() + long(begin + width));
      if (!energies.values.empty()) frame.energy = energies.values[std::size_t(index)] * to_eV;
      if (!forces.values.empty())
        for (std::size_t k = 0; k < width; k++)
          frame.forces.push_back(forces.values[begin + k] * to_eV);
      index++;
      return true;
    }

    double progress() const override { return n_frames ? double(index) / double(n_frames) : 1.0; }

   private:
    double to_eV;
    std::vector<int> numbers;
    std::vector<std::string> unread, unread_stress;
    Array coordinates, energies, forces;
    std::int64_t n_frames = 0, index = 0;
  };

  /// Frames of another reader that can be what they say.
  class CheckedTrajectory : public TrajectoryReader {
   public:
    CheckedTrajectory(std::unique_ptr<TrajectoryReader> reader, std::string path,
                      bool units_given) :
        reader(std::move(reader)),
        path(std::move(path)), units_given(units_given)
    {
    }

    bool next(Structure &frame) override
    {
      if (!reader->next(frame)) {
        if (cold == moving) refuse_temperature();
        return false;
      }
      n_frames++;
      if (frame.numbers.empty())
        throw fail("the frame holds no atoms; accepted: frames of one atom or more");
      check_finite(frame);
      compare_masses(frame);
      if (units_given) return true;
      check_energy(frame);
      check_time(frame);
      check_velocities(frame);
      return true;
    }

    double progress() const override { return reader->progress(); }

   private:
    static constexpr double coldest = 0.05;    // K
    static constexpr int enough = 16;          // frames that tell a temperature

    std::unique_ptr<TrajectoryReader> reader;
    std::string path;
    bool units_given;
    long n_frames = 0, moving = 0, cold = 0, step = -1;
    double temperature = 0.0;
    std::optional<double> time;

    FileError fail(const std::string &what) const
    {
      return FileError("data file '" + path + "', frame " + std::to_string(n_frames) + ": " + what);
    }

    static std::string ways()
    {
      return "; if the file is in other units, name them: --units real (LAMMPS: kcal/mol, Å/fs) or "
             "--units gpumd (Å/fs), in settings 'units: real'; --units "
             "metal "
             "takes the numbers as they are";
    }

    /// The numbers of a file are finite. In our units, or as sums, they might not be.
    void check_finite(const Structure &frame) const
    {
      const auto finite = [](const auto &values) {
        return std::all_of(values.begin(), values.end(), [](double x) {
          return std::isfinite(x);
        });
      };
      bool all = finite(frame.cell) && (!frame.stress || finite(*frame.stress));
      for (const auto *values :
           {&frame.positions, &frame.velocities, &frame.forces, &frame.masses, &frame.spread})
        all = all && finite(*values);
      for (const auto &value :
           {frame.energy, frame.energy_spread, frame.charge, frame.multiplicity, frame.time})
        all = all && std::isfinite(value.value_or(0.0));
      if (!all) throw fail("a number is beyond 1.8e308 in eV, Å and ps; expected less");
    }

    /// An element by its symbol and another one by its mass.
    void compare_masses(const Structure &frame) const
    {
      for (std::size_t i = 0; i < frame.masses.size(); i++) {
        const double mass = frame.masses[i], standard = atomic_mass(frame.numbers[i]);
        if (std::abs(mass - standard) < 0.2 * standard || (frame.numbers[i] == 1 && mass < 4.1))
          continue;
        for (int z = 1; z <= 92; z++)
          if (std::abs(mass - atomic_mass(z)) < 1e-3 * mass)
            throw fail("atom " + std::to_string(i + 1) + " is " + element_symbol(frame.numbers[i]) +
                       ", but its mass " + digits(mass) + " is that of " + element_symbol(z) +
                       "; expected " + digits(standard) + " or an isotope's");
      }
    }

    /// No energy in eV lies below that of the electrons of neutral atoms by Thomas and Fermi,
    /// -20.92 Z^(7/3) (E. Lieb, Rev. Mod. Phys. 53 (1981) 603), which is below the true one; a
    /// tenth more for heavy atoms' relativity.
    void check_energy(const Structure &frame) const
    {
      if (!frame.energy) return;
      double least = 0.0;
      for (const int z : frame.numbers) least -= 1.1 * 20.92 * std::pow(double(z), 7.0 / 3.0);
      if (*frame.energy < least)
        throw fail("an energy of " + readable(*frame.energy, 1) +
                   " eV is below that of all electrons of its " + std::to_string(frame.n_atoms()) +
                   " atoms (" + readable(least, 0) + " eV)" + ways());
    }

    void check_time(const Structure &frame)
    {
      if (time && frame.time && step >= 0 && frame.step > step &&
          (*frame.time - *time) / double(frame.step - step) > 0.1)
        throw fail("a time step is " + digits((*frame.time - *time) / double(frame.step - step)) +
                   " ps long" + ways());
      time = frame.time;
      step = frame.step;
    }

    void check_velocities(const Structure &frame)
    {
      if (moving >= enough || frame.velocities.empty()) return;
      double kinetic = 0.0;
      for (std::size_t k = 0; k < frame.velocities.size(); k++)
        kinetic += 0.5 *
            (frame.masses.empty() ? atomic_mass(frame.numbers[k / 3]) : frame.masses[k / 3]) *
            frame.velocities[k] * frame.velocities[k];
      temperature = 2.0 * kinetic / eV_in_amu_square_angstrom_per_square_ps /
          (boltzmann * double(frame.velocities.size()));
      if (temperature == 0.0) return;
      moving++;
      if (temperature < coldest) cold++;
      if (moving == enough && cold == moving) refuse_temperature();
    }

    void refuse_temperature() const
    {
      if (moving == 0) return;
      throw fail("the velocities of all frames so far are those of less than " + digits(coldest) +
                 " K, here " + readable(temperature, 6) + " K" + ways());
    }
  };

}    // namespace

const std::vector<std::string> &named_quantities()
{
  static const std::vector<std::string> names = {"energy", "forces", "velocities", "mass",
                                                 "charge", "spin",   "stress"};
  return names;
}

void add_key(ReadOptions &options, const std::string &word)
{
  const auto at = word.find('=');
  const std::string quantity = word.substr(0, at);
  const auto &accepted = named_quantities();
  if (at == std::string::npos || at + 1 == word.size() ||
      std::find(accepted.begin(), accepted.end(), quantity) == accepted.end()) {
    std::string names;
    for (const auto &name : accepted) names += (names.empty() ? "" : ", ") + name;
    throw FileError("--key '" + word +
                    "' is not of the form quantity=name; accepted quantities: " + names);
  }
  options.keys[quantity] = word.substr(at + 1);
}

std::unique_ptr<TrajectoryReader> open_trajectory(const std::string &path,
                                                  const ReadOptions &options)
{
  for (const auto &symbol : options.elements) {
    double isotope;
    if (atomic_number_of_isotope(symbol, isotope) == 0)
      throw FileError("data file '" + path + "': '" + symbol + "' is not an element");
  }
  std::unique_ptr<TrajectoryReader> reader;
  // the standard of .npz is kcal/mol, and nothing in the file could tell
  if (path.ends_with(".npz"))
    reader = std::make_unique<NpzTrajectory>(path, options);
  else if (path.ends_with(".xyz") || path.ends_with(".extxyz"))
    reader = open_extended_xyz(path, options);
  else if (path.ends_with(".dump") || path.ends_with(".lammpstrj"))
    reader = open_lammps_dump(path, options);
  else if (is_deepmd_folder(path))
    reader = open_deepmd_folder(path, options);
  else if (std::filesystem::is_directory(path))
    throw FileError("data folder '" + path +
                    "' is not in DeePMD-kit's format, which has a file type.raw in it");
  else
    throw FileError("data file '" + path +
                    "' has an unknown ending; accepted: .npz, .xyz, .extxyz, .dump, .lammpstrj, "
                    "and folders in DeePMD-kit's format");
  return std::make_unique<CheckedTrajectory>(std::move(reader), path, !options.units.empty());
}

}    // namespace mlff
