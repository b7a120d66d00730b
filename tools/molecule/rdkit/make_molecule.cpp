// Molecules from SMILES, by RDKit.
#include "molecule/molecule.h"

#include "molecule/positions.h"
#include "structure/rotation.h"

#include <Geometry/Transform3D.h>
#include <GraphMol/DistGeomHelpers/Embedder.h>
#include <GraphMol/ForceFieldHelpers/MMFF/MMFF.h>
#include <GraphMol/ForceFieldHelpers/UFF/UFF.h>
#include <GraphMol/GraphMol.h>
#include <GraphMol/MolOps.h>
#include <GraphMol/MolTransforms/MolTransforms.h>
#include <GraphMol/PartialCharges/GasteigerCharges.h>
#include <GraphMol/PeriodicTable.h>
#include <GraphMol/SanitException.h>
#include <GraphMol/SmilesParse/SmilesParse.h>
#include <RDGeneral/RDLog.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numbers>
#include <random>
#include <set>

namespace mlff {

namespace {

  /// Distance between the surfaces of the parts of a SMILES before the force field pulls them
  /// together, Å.
  constexpr double part_distance = 1.5;

  [[noreturn]] void fail(const std::string &smiles, const std::string &why)
  {
    throw MoleculeError("SMILES '" + smiles + "': " + why);
  }

  std::unique_ptr<RDKit::RWMol> parse(const std::string &smiles)
  {
    if (smiles.empty()) fail(smiles, "it is empty; expected something like CCO");
    std::unique_ptr<RDKit::RWMol> molecule;
    try {
      molecule.reset(RDKit::SmilesToMol(smiles));
    } catch (const RDKit::MolSanitizeException &error) {
      // valences and rings that cannot be
      std::string text = error.what();
      while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
      fail(smiles, text);
    } catch (const std::exception &error) {
      fail(smiles, error.what());
    }
    if (!molecule) fail(smiles, "it cannot be parsed; expected a molecule such as CCO or c1ccccc1");
    if (molecule->getNumAtoms() == 0) fail(smiles, "it has no atoms");
    for (const auto atom : molecule->atoms())
      if (atom->getAtomicNum() == 0)
        fail(smiles,
             "atom " + std::to_string(atom->getIdx() + 1) + " is a wildcard; expected an element");
    return molecule;
  }

  int embed(RDKit::ROMol &molecule, int seed)
  {
    auto parameters = RDKit::DGeomHelpers::ETKDGv3;
    parameters.randomSeed = seed;
    int id = RDKit::DGeomHelpers::EmbedMolecule(molecule, parameters);
    if (id < 0) {
      parameters.useRandomCoords = true;
      id = RDKit::DGeomHelpers::EmbedMolecule(molecule, parameters);
    }
    return id;
  }

  /// Positions of one conformer: the connected parts embedded one by one, each put beside those
  /// before it.
  std::vector<double> place(const std::vector<boost::shared_ptr<RDKit::ROMol>> &parts,
                            const std::vector<std::vector<int>> &atoms_of_part, int n_atoms,
                            const std::string &smiles, int seed)
  {
    std::vector<double> positions(3 * n_atoms);
    std::mt19937 generator(seed);
    std::normal_distribution<double> normal;
    std::vector<std::pair<Vector3, double>> placed;    // centre, radius
    for (std::size_t p = 0; p < parts.size(); p++) {
      auto &part = *parts[p];
      if (embed(part, seed + int(p)) < 0)
        fail(smiles,
             "no three-dimensional structure was found for it (impossible stereochemistry or "
             "rings?)");
      const auto &conformer = part.getConformer();
      std::vector<double> x;
      std::vector<double> masses;
      for (unsigned i = 0; i < part.getNumAtoms(); i++) {
        const auto point = conformer.getAtomPos(i);
        x.insert(x.end(), {point.x, point.y, point.z});
        masses.push_back(part.getAtomWithIdx(i)->getMass());
      }
      centre(x, masses);
      const double part_radius = radius(x) + part_distance;
      // along a random ray until it touches nothing
      Vector3 direction = {normal(generator), normal(generator), normal(generator)}, at{};
      const double length = std::hypot(direction[0], direction[1], direction[2]);
      if (p > 0)
        for (double distance = 0.5;; distance += 0.25) {
          for (int a = 0; a < 3; a++) at[a] = distance * direction[a] / length;
          if (std::all_of(placed.begin(), placed.end(), [&](const auto &other) {
                return std::hypot(at[0] - other.first[0], at[1] - other.first[1],
                                  at[2] - other.first[2]) >
                    part_radius + other.second - part_distance;
              }))
            break;
        }
      placed.push_back({at, part_radius});
      for (std::size_t i = 0; i < masses.size(); i++)
        for (int a = 0; a < 3; a++) positions[3 * atoms_of_part[p][i] + a] = x[3 * i + a] + at[a];
    }
    return positions;
  }

  /// Rotation that puts the plane of a conformer [n][3] across x, one side or the other to the
  /// front, turned in its plane by `angle`.
  std::array<double, 9> flat_on_x(const std::vector<double> &positions, bool back, double angle)
  {
    const unsigned n = unsigned(positions.size() / 3);
    RDKit::RWMol atoms;
    for (unsigned i = 0; i < n; i++) atoms.addAtom(false);
    auto *conformer = new RDKit::Conformer(n);
    for (unsigned i = 0; i < n; i++)
      conformer->setAtomPos(i, {positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]});
    atoms.addConformer(conformer);
    // The rows of this matrix are the principal axes, the axis normal to the plane last.
    const std::unique_ptr<RDGeom::Transform3D> axes(
        MolTransforms::computeCanonicalTransform(atoms.getConformer(), nullptr, false, false));
    const auto axis = [&](int k, int a) {
      return axes->getVal(k, a);
    };
    const double c = std::cos(angle), s = std::sin(angle);
    Vector3 normal, first, second;
    for (int a = 0; a < 3; a++) {
      normal[a] = back ? -axis(2, a) : axis(2, a);
      first[a] = c * axis(0, a) + s * axis(1, a);
    }
    for (int a = 0; a < 3; a++)
      second[a] =
          normal[(a + 1) % 3] * first[(a + 2) % 3] - normal[(a + 2) % 3] * first[(a + 1) % 3];
    return {normal[0], normal[1], normal[2], first[0], first[1],
            first[2],  second[0], second[1], second[2]};
  }

}    // namespace

std::vector<Structure> apart(const Molecule &first, const Molecule &second, int n, double least,
                             double most, double rattle, bool stacked, int seed)
{
  std::mt19937 generator{unsigned(seed)};
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  std::normal_distribution<double> noise(0.0, 1.0);
  const auto placed = [&](const Molecule &molecule) {
    const auto &conformers = molecule.conformers;
    const auto &conformer = conformers[std::min(
        conformers.size() - 1, std::size_t(uniform(generator) * double(conformers.size())))];
    const auto rotation = stacked ? flat_on_x(conformer, uniform(generator) < 0.5,
                                              2.0 * std::numbers::pi * uniform(generator))
                                  : random_rotation(generator);
    std::vector<double> x;
    for (int i = 0; i < molecule.n_atoms(); i++)
      for (const double c : rotate(rotation, &conformer[3 * i]))
        x.push_back(c + rattle * noise(generator));
    return x;
  };
  std::vector<Structure> frames;
  for (int k = 0; k < n; k++) {
    Structure frame;
    const auto x = placed(first);
    auto y = placed(second);
    if (stacked) {
      const double shift = largest_shift * std::sqrt(uniform(generator)),
                   angle = 2.0 * std::numbers::pi * uniform(generator);
      for (std::size_t j = 0; j < y.size(); j += 3) {
        y[j + 1] += shift * std::cos(angle);
        y[j + 2] += shift * std::sin(angle);
      }
    }
    const double wanted = least + uniform(generator) * (most - least);
    // along x: both are turned already. Nearest distance at a shift of y, which falls as y comes
    // nearer
    const auto nearest = [&](double shift) {
      double square = 1e300;
      for (std::size_t i = 0; i < x.size(); i += 3)
        for (std::size_t j = 0; j < y.size(); j += 3)
          square = std::min(square,
                            std::pow(y[j] + shift - x[i], 2) + std::pow(y[j + 1] - x[i + 1], 2) +
                                std::pow(y[j + 2] - x[i + 2], 2));
      return std::sqrt(square);
    };
    // bounds of the shift: at the upper one nothing is near
    double largest = wanted;
    for (const auto *positions : {&x, &std::as_const(y)})
      for (std::size_t i = 0; i < positions->size(); i += 3)
        largest = std::max(largest, wanted + 2.0 * std::abs((*positions)[i]) + 2.0);
    largest *= 2.0;
    double near = largest;
    while (near > -largest && nearest(near) > wanted) near -= 0.05;
    double beyond = near + 0.05;
    for (int turn = 0; turn < 60; turn++) {
      const double middle = 0.5 * (near + beyond);
      (nearest(middle) > wanted ? beyond : near) = middle;
    }
    Molecule both = first;
    both.numbers.insert(both.numbers.end(), second.numbers.begin(), second.numbers.end());
    both.masses.insert(both.masses.end(), second.masses.begin(), second.masses.end());
    both.charge += second.charge;
    both.unpaired_electrons += second.unpaired_electrons;
    frame = both.frame(x);
    for (std::size_t j = 0; j < y.size(); j++)
      frame.positions.push_back(y[j] + (j % 3 == 0 ? beyond : 0.0));
    frames.push_back(std::move(frame));
  }
  return frames;
}

Molecule make_molecule(const std::string &smiles, int n_conformers, int seed)
{
  boost::logging::disable_logs("rdApp.*");
  const auto molecule = parse(smiles);
  RDKit::MolOps::addHs(*molecule);

  Molecule out;
  out.smiles = smiles;
  for (const auto atom : molecule->atoms()) {
    out.numbers.push_back(atom->getAtomicNum());
    out.masses.push_back(atom->getMass());
    if (const unsigned isotope = atom->getIsotope(); isotope != 0 &&
        !(RDKit::PeriodicTable::getTable()->getMassForIsotope(unsigned(out.numbers.back()),
                                                              isotope) > 0.0))
      fail(smiles,
           "the isotope " + std::to_string(isotope) + " of " + atom->getSymbol() + " is not known");
    out.charge += atom->getFormalCharge();
    out.unpaired_electrons += int(atom->getNumRadicalElectrons());
  }
  RDKit::computeGasteigerCharges(*molecule);
  for (const auto atom : molecule->atoms()) {
    const double q = atom->getProp<double>("_GasteigerCharge");
    // elements without parameters: the formal charge
    out.partial_charges.push_back(std::isfinite(q) ? q : atom->getFormalCharge());
  }
  // rounding and elements without parameters must not charge the molecule
  double excess = -out.charge;
  for (const double q : out.partial_charges) excess += q;
  for (double &q : out.partial_charges) q -= excess / out.n_atoms();

  std::vector<std::vector<int>> atoms_of_part;
  const auto parts = RDKit::MolOps::getMolFrags(*molecule, true, nullptr, &atoms_of_part);
  std::unique_ptr<RDKit::MMFF::MMFFMolProperties> mmff;
  if (RDKit::MMFF::MMFFMolProperties test(*molecule, "MMFF94s"); test.isValid())
    mmff = std::make_unique<RDKit::MMFF::MMFFMolProperties>(*molecule, "MMFF94s");
  out.force_field = mmff ? "MMFF94s" : "UFF";

  std::vector<std::pair<double, std::vector<double>>> found;
  for (int c = 0; c < n_conformers; c++) {
    auto positions = place(parts, atoms_of_part, out.n_atoms(), smiles, seed + 1000 * c);
    auto *conformer = new RDKit::Conformer(out.n_atoms());
    for (int i = 0; i < out.n_atoms(); i++)
      conformer->setAtomPos(i, {positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]});
    molecule->clearConformers();
    molecule->addConformer(conformer, true);
    std::unique_ptr<ForceFields::ForceField> field(
        mmff ? RDKit::MMFF::constructForceField(*molecule, mmff.get(), 100.0, -1, false)
             : RDKit::UFF::constructForceField(*molecule, 100.0, -1, false));
    if (!field) fail(smiles, "neither MMFF94s nor UFF has parameters for all of its atoms");
    field->initialize();
    // not converged after this is good enough to start from, a broken geometry is not
    field->minimize(2000);
    const double energy = field->calcEnergy();
    for (int i = 0; i < out.n_atoms(); i++) {
      const auto &point = molecule->getConformer().getAtomPos(i);
      positions[3 * i] = point.x, positions[3 * i + 1] = point.y, positions[3 * i + 2] = point.z;
    }
    if (!std::isfinite(energy))
      fail(smiles, "the " + out.force_field + " clean-up of its structure failed");
    centre(positions, out.masses);
    found.emplace_back(energy, std::move(positions));
  }
  std::stable_sort(found.begin(), found.end(), [](const auto &a, const auto &b) {
    return a.first < b.first;
  });
  for (auto &[energy, positions] : found) out.conformers.push_back(std::move(positions));
  return out;
}

}    // namespace mlff
