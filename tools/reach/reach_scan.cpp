// Scans of torsions and bonds.
#include "reach/reach_scan.h"

#include "core/elements.h"
#include "core/errors.h"
#include "molecule/bond_sides.h"
#include "structure/bonds.h"
#include "structure/vector3.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numbers>
#include <tuple>
#include <utility>

namespace mlff {

namespace {

  using Bond = std::pair<int, int>;

  constexpr double degree = std::numbers::pi / 180.0;
  /// Sine of the angle of three atoms below which they count as a line, which has no torsion.
  constexpr double line = 0.17;
  /// Bonds shorter than this share of the sum of the radii of single bonds are double or triple.
  /// Single bonds between sp2 carbon atoms have 0.96, aromatic ones 0.92, double ones 0.88.
  constexpr double double_bond = 0.9;

  Vector3 between(const std::vector<double> &x, int i, int j)
  {
    Vector3 r;
    for (int c = 0; c < 3; c++) r[c] = x[3 * std::size_t(j) + c] - x[3 * std::size_t(i) + c];
    return r;
  }

  /// Finds the bonds of a molecule and makes its scans.
  class Scanner {
   public:
    Scanner(const Structure &given, const ReachScanOptions &options) :
        molecule(bare(given)), options(options),
        bonds(bonds_of(molecule.numbers, molecule.positions)),
        neighbors(neighbors_of(molecule.n_atoms(), bonds)),
        environment(bond_environments(molecule.numbers, bonds))
    {
    }

    ReachScans scans()
    {
      std::map<std::pair<std::string, std::string>, std::size_t> torsions;
      std::map<std::tuple<int, std::size_t, int, std::size_t, bool>, std::size_t> stretches;
      std::vector<ReachScan> stretched;
      int in_rings = 0;
      for (const auto &[i, j] : bonds) {
        const auto behind = moved_side(i, j);
        if (behind.atoms.empty()) {
          in_rings++;
          continue;
        }
        const auto [fresh_bond, is_fresh] = stretches.try_emplace(kind_of(i, j), stretched.size());
        if (is_fresh)
          stretched.push_back(stretch(behind));
        else
          stretched[fresh_bond->second].alike++;
        const int before = outer_atom(i, j), after = outer_atom(j, i);
        if (before < 0 || after < 0) continue;
        const auto kind = std::minmax(environment[i], environment[j]);
        const auto [known, is_new] = torsions.try_emplace(kind, result.scans.size());
        if (is_new)
          result.scans.push_back(torsion({before, i, j, after}, behind));
        else
          result.scans[known->second].alike++;
      }
      if (result.scans.empty())
        result.notes.push_back("there is no rotatable bond: no bond outside of rings has, at both "
                               "ends, other atoms that are not in line with it");
      if (in_rings > 0)
        result.notes.push_back(std::to_string(in_rings) +
                               (in_rings == 1 ? " bond in a ring is" : " bonds in rings are") +
                               " neither turned about nor stretched");
      result.scans.insert(result.scans.end(), stretched.begin(), stretched.end());
      if (result.scans.empty())
        throw StructureError("the structure has no bond that could be turned about or stretched (" +
                             std::to_string(molecule.n_atoms()) + " atoms, " +
                             std::to_string(bonds.size()) +
                             " bonds, all in rings); accepted: a molecule with a bond outside of "
                             "rings");
      return std::move(result);
    }

   private:
    /// The side of a bond that moves, and its axis: from the atom that stays to the one that moves.
    struct Side {
      int stays, moves;
      std::vector<int> atoms;
    };

    Structure molecule;
    ReachScanOptions options;
    std::vector<Bond> bonds;
    BondNeighbors neighbors;
    std::vector<std::string> environment;
    ReachScans result;

    /// Elements, positions and state alone.
    static Structure bare(const Structure &given)
    {
      if (given.periodic[0] || given.periodic[1] || given.periodic[2])
        throw StructureError("the structure is periodic, but torsions and bonds are scanned of "
                             "isolated molecules; accepted: a structure without periodic "
                             "directions");
      if (given.numbers.empty()) throw StructureError("the structure has no atoms");
      Structure molecule;
      molecule.numbers = given.numbers;
      molecule.positions = given.positions;
      molecule.charge = given.charge;
      molecule.multiplicity = given.multiplicity;
      return molecule;
    }

    Side moved_side(int i, int j) const
    {
      const auto second = atoms_behind(i, j, neighbors), first = atoms_behind(j, i, neighbors);
      return second.size() <= first.size() ? Side{i, j, second} : Side{j, i, first};
    }

    std::tuple<int, std::size_t, int, std::size_t, bool> kind_of(int i, int j) const
    {
      std::pair<int, std::size_t> a = {molecule.numbers[i], neighbors[i].size()},
                                  b = {molecule.numbers[j], neighbors[j].size()};
      if (b < a) std::swap(a, b);
      const double radii =
          covalent_radius(molecule.numbers[i]) + covalent_radius(molecule.numbers[j]);
      return {a.first, a.second, b.first, b.second,
              norm(between(molecule.positions, i, j)) < double_bond * radii};
    }

    /// The heaviest neighbor of an atom beside `other` that is not in line with the two, the first
    /// of several; -1 where there is none.
    int outer_atom(int atom, int other) const
    {
      int best = -1;
      const auto axis = between(molecule.positions, atom, other);
      for (const int next : neighbors[atom]) {
        const auto arm = between(molecule.positions, atom, next);
        if (next == other || norm(cross(axis, arm)) < line * norm(axis) * norm(arm)) continue;
        if (best < 0 || molecule.numbers[next] > molecule.numbers[best]) best = next;
      }
      return best;
    }

    std::string name_of(const char *kind, const std::vector<int> &atoms) const
    {
      std::string name = kind;
      for (std::size_t k = 0; k < atoms.size(); k++)
        name += (k == 0 ? " " : "-") + element_symbol(molecule.numbers[atoms[k]]) +
            std::to_string(atoms[k] + 1);
      return name;
    }

    ReachScan torsion(const std::vector<int> &atoms, const Side &side) const
    {
      ReachScan scan;
      scan.kind = ReachScan::Kind::torsion;
      scan.atoms = atoms;
      scan.name = name_of("torsion", atoms);
      scan.at_start = dihedral_angle(molecule.positions, atoms[0], atoms[1], atoms[2], atoms[3]);
      const int half = int(std::lround(180.0 / options.turn));
      for (int k = 1 - half; k <= half; k++) {
        Structure turned = molecule;
        if (k != 0)
          turn_about(turned.positions, side.atoms, side.stays, side.moves,
                     k * options.turn * degree);
        scan.coordinates.push_back(k * options.turn);
        scan.structures.push_back(std::move(turned));
      }
      scan.start = std::size_t(half - 1);
      return scan;
    }

    ReachScan stretch(const Side &side) const
    {
      ReachScan scan;
      scan.kind = ReachScan::Kind::stretch;
      scan.atoms = {std::min(side.stays, side.moves), std::max(side.stays, side.moves)};
      scan.name = name_of("bond", scan.atoms);
      const auto bond = between(molecule.positions, side.stays, side.moves);
      scan.at_start = norm(bond);
      const int below = int(std::floor((1.0 - options.shortest) / options.step + 1e-9)),
                above = int(std::floor((options.longest - 1.0) / options.step + 1e-9));
      for (int k = -below; k <= above; k++) {
        Structure moved = molecule;
        if (k != 0)
          for (const int atom : side.atoms)
            for (int c = 0; c < 3; c++)
              moved.positions[3 * std::size_t(atom) + c] += k * options.step * bond[c];
        scan.coordinates.push_back(1.0 + k * options.step);
        scan.structures.push_back(std::move(moved));
      }
      scan.start = std::size_t(below);
      return scan;
    }
  };

}    // namespace

double dihedral_angle(const std::vector<double> &positions, int i, int j, int k, int l)
{
  const auto a = between(positions, i, j), b = between(positions, j, k),
             c = between(positions, k, l);
  const auto n = cross(a, b), m = cross(b, c);
  const double angle = std::atan2(dot(cross(n, m), b) / norm(b), dot(n, m)) / degree;
  return angle <= -180.0 ? 180.0 : angle;
}

ReachScans reach_scans(const Structure &molecule, const ReachScanOptions &options)
{
  return Scanner(molecule, options).scans();
}

}    // namespace mlff
