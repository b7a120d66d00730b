// Frames, types and data files of molecules.
#include "molecule/molecule.h"

#include "core/elements.h"
#include "molecule/positions.h"
#include "structure/rotation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <set>

namespace mlff {

Structure Molecule::frame(const std::vector<double> &positions) const
{
  Structure frame;
  frame.numbers = numbers;
  frame.positions = positions;
  if (charge != 0 || unpaired_electrons != 0) {
    frame.charge = charge;
    frame.multiplicity = unpaired_electrons + 1;
  }
  for (int i = 0; i < n_atoms(); i++)
    if (masses[i] != atomic_mass(numbers[i])) frame.masses = masses;
  return frame;
}

std::vector<AtomType> atom_types(const Molecule &molecule)
{
  std::set<std::pair<int, double>> found;
  for (int i = 0; i < molecule.n_atoms(); i++)
    found.insert({molecule.numbers[i], molecule.masses[i]});
  std::vector<AtomType> types;
  for (const auto &[z, mass] : found) {
    std::string label = element_symbol(z);
    if (const long nucleons = std::lround(mass); mass != atomic_mass(z))
      label = z == 1 && nucleons == 2 ? "D"
          : z == 1 && nucleons == 3   ? "T"
                                      : label + std::to_string(nucleons);
    types.push_back({z, mass, label});
  }
  return types;
}

std::string elements_of_types(const Molecule &molecule)
{
  std::string text;
  for (const auto &type : atom_types(molecule))
    text += (text.empty() ? "" : " ") + element_symbol(type.number);
  return text;
}

void write_data(std::FILE *file, const Molecule &molecule, int copies, double distance,
                bool type_labels, int seed)
{
  const auto types = atom_types(molecule);
  const auto &x = molecule.conformers.front();
  const double size = 2 * radius(x);
  const int along = int(std::ceil(std::cbrt(double(copies)) - 1e-9));
  const double spacing = std::max(size + distance, 2 * size + 1.0);
  const double half = 0.5 * along * spacing;

  std::fprintf(file,
               "%d x %s (%s conformer), charge %d, %d unpaired electrons, atom_style full\n\n",
               copies, molecule.smiles.c_str(), molecule.force_field.c_str(), molecule.charge,
               molecule.unpaired_electrons);
  std::fprintf(file, "%d atoms\n%zu atom types\n\n", copies * molecule.n_atoms(), types.size());
  for (const char axis : {'x', 'y', 'z'})
    std::fprintf(file, "%.6f %.6f %clo %chi\n", -half, half, axis, axis);
  if (type_labels) {
    std::fprintf(file, "\nAtom Type Labels\n\n");
    for (std::size_t t = 0; t < types.size(); t++)
      std::fprintf(file, "%zu %s\n", t + 1, types[t].label.c_str());
  }
  std::fprintf(file, "\nMasses\n\n");
  for (std::size_t t = 0; t < types.size(); t++)
    std::fprintf(file, "%zu %.10g    # %s\n", t + 1, types[t].mass, types[t].label.c_str());
  std::fprintf(file, "\nAtoms # full\n\n");
  std::mt19937 generator(seed);
  for (int c = 0; c < copies; c++) {
    const Vector3 origin = {(c % along + 0.5) * spacing - half,
                            (c / along % along + 0.5) * spacing - half,
                            (c / along / along + 0.5) * spacing - half};
    const auto rotation = c == 0 ? std::array<double, 9>{1, 0, 0, 0, 1, 0, 0, 0, 1}
                                 : random_rotation(generator);
    for (int i = 0; i < molecule.n_atoms(); i++) {
      const auto at = rotate(rotation, &x[3 * i]);
      const auto found = std::find_if(types.begin(), types.end(), [&](const AtomType &type) {
        return type.number == molecule.numbers[i] && type.mass == molecule.masses[i];
      });
      const auto type = found - types.begin() + 1;
      std::fprintf(file, "%d %d %d %.8f %.10f %.10f %.10f\n", c * molecule.n_atoms() + i + 1, c + 1,
                   int(type), molecule.partial_charges[i], at[0] + origin[0], at[1] + origin[1],
                   at[2] + origin[2]);
    }
  }
}

}    // namespace mlff
