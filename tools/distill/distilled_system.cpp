// The systems that a student learns: molecules from SMILES, and given structures.
#include "distill/distilled_system.h"

#include "core/elements.h"
#include "core/errors.h"
#include "data/output_file.h"
#include "data/trajectory.h"
#include "distill/radial_fingerprint.h"
#include "label/smiles_file.h"
#include "structure/bonds.h"
#include "teacher/lammps/lammps_box.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

namespace mlff {

namespace fs = std::filesystem;

namespace {

  /// Atoms nearer than this share of the sum of their covalent radii are too close.
  constexpr double too_close = 0.6;

  double distance(const double *a, const double *b)
  {
    return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
  }

  /// Inverse distances of all pairs: tells conformations of one molecule apart.
  FrameShape inverse_distances(const Structure &frame)
  {
    FrameShape list;
    for (int i = 0; i < frame.n_atoms(); i++)
      for (int j = 0; j < i; j++)
        list.push_back(1.0 / distance(&frame.positions[3 * i], &frame.positions[3 * j]));
    return list;
  }

  bool is_sound_molecule(const Molecule &molecule, const Structure &frame)
  {
    for (int i = 0; i < frame.n_atoms(); i++)
      for (int j = 0; j < i; j++) {
        const double radii = covalent_radius(frame.numbers[i]) + covalent_radius(frame.numbers[j]);
        if (!(distance(&frame.positions[3 * i], &frame.positions[3 * j]) > too_close * radii))
          return false;
      }
    return bonds_hold(bonds_of(molecule.numbers, molecule.conformers.front()), frame.numbers,
                      frame.positions);
  }

  /// No two atoms too close, images included.
  bool is_sound_structure(const Structure &frame)
  {
    const auto elements = elements_of(frame.numbers);
    std::vector<double> radii;
    for (const int z : elements) radii.push_back(covalent_radius(z));
    GraphStorage graph;
    try {
      append_graph(frame, elements, 2 * too_close * *std::max_element(radii.begin(), radii.end()),
                   graph);
    } catch (const StructureError &) {
      return false;    // atoms at one place or nowhere, a cell without volume
    }
    for (int i = 0; i < frame.n_atoms(); i++)
      for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++) {
        const double *r = &graph.r[3 * std::size_t(e)];
        if (std::hypot(r[0], r[1], r[2]) <=
            too_close * (radii[graph.species[i]] + radii[graph.species[graph.neighbor[e]]]))
          return false;
      }
    return true;
  }

  /// A frame of a file as the start of trajectories: without labels, repeated.
  Structure start_of(const Structure &frame, const DistillSettings &settings)
  {
    Structure start = frame;
    start.energy.reset();
    start.energy_spread.reset();
    start.stress.reset();
    start.forces.clear();
    start.velocities.clear();
    start.spread.clear();
    start.step = -1;
    start.time.reset();
    start.layout = nullptr;
    return repeated(start, settings.copies.repeat);
  }

  void check(const DistilledSystem &system, const DistillSettings &settings)
  {
    const auto &periodic = system.start.periodic;
    const auto directions = std::count(periodic.begin(), periodic.end(), true);
    if (settings.npt && directions < 3)
      throw FileError(system.source + " is periodic in " + std::to_string(directions) +
                      " of 3 directions, so that it has no pressure, but 'sampling.ensemble' is "
                      "npt; accepted: structures that are periodic in all, or nvt");
    if (!is_sound_structure(system.start))
      throw FileError(system.source +
                      " has atoms that are too close to each other: nearer than 0.6 times the sum "
                      "of their covalent radii");
  }

  /// The frames of one file; their names are that of the file, with a number where it has several.
  void add_structures(const std::string &path, const DistillSettings &settings,
                      std::vector<DistilledSystem> &systems)
  {
    const std::string stem = fs::path(path).stem().string();
    const std::size_t first = systems.size();
    const auto reader = open_trajectory(path);
    for (Structure frame; reader->next(frame);) {
      const auto number = std::to_string(systems.size() - first + 1);
      DistilledSystem system;
      system.name = stem + "-" + number;
      system.source = "'" + path + "', frame " + number + ",";
      try {
        system.start = start_of(frame, settings);
      } catch (const StructureError &error) {
        throw FileError(system.source + " cannot be repeated as 'repeat' says: " + error.what());
      }
      check(system, settings);
      systems.push_back(std::move(system));
    }
    if (systems.size() == first) throw FileError("'" + path + "' holds no frames");
    if (systems.size() == first + 1) systems.back().name = stem;
  }

  std::vector<DistilledSystem> molecules_of(const DistillSettings &settings)
  {
    const auto list = fs::is_regular_file(settings.molecules)
        ? read_smiles(settings.molecules)
        : std::vector<NamedSmiles>{{settings.molecules, "molecule"}};
    std::vector<DistilledSystem> systems;
    for (const auto &[smiles, name] : list) {
      DistilledSystem system;
      system.name = name;
      system.molecule = make_molecule(smiles, 1, int(settings.seed));
      system.start = system.molecule->frame(system.molecule->conformers.front());
      system.source = "molecule '" + name + "' (" + smiles + ")";
      systems.push_back(std::move(system));
    }
    return systems;
  }

}    // namespace

std::vector<DistilledSystem> systems_of(const DistillSettings &settings)
{
  if (settings.structures.empty()) return molecules_of(settings);
  std::vector<DistilledSystem> systems;
  for (const auto &path : settings.structures) add_structures(path, settings, systems);
  std::map<std::string, std::string> source;
  for (const auto &system : systems)
    if (const auto [known, added] = source.emplace(system.name, system.source); !added)
      throw FileError(known->second + " and " + system.source + " would both be named '" +
                      system.name + "'; accepted: files with different names");
  return systems;
}

bool is_sound(const DistilledSystem &system, const Structure &frame)
{
  return system.molecule ? is_sound_molecule(*system.molecule, frame) : is_sound_structure(frame);
}

FrameShape shape_of(const DistilledSystem &system, const Structure &frame, double cutoff)
{
  return system.molecule ? inverse_distances(frame)
                         : radial_fingerprint(frame, elements_of(system.start.numbers), cutoff);
}

LammpsStart write_start(const std::string &path, const Structure &structure)
{
  const LammpsBox box(structure);
  const auto type_of_atom = [&](std::size_t i) {
    const int z = structure.numbers[i];
    return std::pair{z, structure.masses.empty() ? atomic_mass(z) : structure.masses[i]};
  };
  std::set<std::pair<int, double>> found;
  for (std::size_t i = 0; i < structure.numbers.size(); i++) found.insert(type_of_atom(i));
  const std::vector<std::pair<int, double>> types(found.begin(), found.end());

  LammpsStart start;
  OutputFile file(path, true);
  std::fprintf(file, "start of a trajectory, atom_style atomic\n\n%d atoms\n%zu atom types\n",
               structure.n_atoms(), types.size());
  for (int a = 0; a < 3; a++) {
    const char axis = "xyz"[a];
    std::fprintf(file, "%.15g %.15g %clo %chi\n", box.low[a], box.high[a], axis, axis);
    start.edges += std::string(a > 0 ? " " : "") + (box.periodic[a] ? "p" : "s");
  }
  if (box.is_tilted()) std::fprintf(file, "%.15g %.15g %.15g xy xz yz\n", box.xy, box.xz, box.yz);
  std::fprintf(file, "\nMasses\n\n");
  for (std::size_t t = 0; t < types.size(); t++) {
    const std::string symbol = element_symbol(types[t].first);
    std::fprintf(file, "%zu %.10g    # %s\n", t + 1, types[t].second, symbol.c_str());
    start.elements += (t > 0 ? " " : "") + symbol;
  }
  std::fprintf(file, "\nAtoms # atomic\n\n");
  for (std::size_t i = 0; i < structure.numbers.size(); i++) {
    const auto type = std::lower_bound(types.begin(), types.end(), type_of_atom(i)) - types.begin();
    const double *x = &box.positions[3 * i];
    std::fprintf(file, "%zu %zu %.15g %.15g %.15g\n", i + 1, std::size_t(type) + 1, x[0], x[1],
                 x[2]);
  }
  file.finish();
  return start;
}

}    // namespace mlff
