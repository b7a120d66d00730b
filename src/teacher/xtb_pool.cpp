// XtbPool: chooses the calculator for each of many structures, and keeps the number of calculators
// within bounds.
#include "teacher/xtb_pool.h"

#include <algorithm>

namespace mlff {

namespace {

  /// Bytes of molecules remembered, and of calculators kept, and the number of these.
  constexpr std::size_t most_bytes_of_molecules = 64u << 20;
  constexpr double most_bytes_of_calculators = 256.0 * (1 << 20);
  constexpr std::size_t most_calculators = 64;

  std::size_t size_of(const XtbMolecule &molecule)
  {
    return sizeof molecule + 2 * molecule.numbers.size() * sizeof(int) +
        molecule.bonds.size() * sizeof molecule.bonds[0] +
        molecule.reference.size() * sizeof(double) + 128;
  }

}    // namespace

const XtbMolecule &XtbMolecules::find(std::span<const int> numbers, int charge, int uhf,
                                      std::span<const double> positions)
{
  std::vector<int> key(numbers.begin(), numbers.end());
  key.push_back(charge);
  key.push_back(uhf);
  const XtbBonds bonds = by_bonds ? xtb_bonds(numbers, positions) : XtbBonds();
  const auto met = of_numbers.find(key);
  if (met != of_numbers.end())
    for (const auto molecule : met->second)
      if (!by_bonds || bonds_fit(molecule->bonds, bonds, numbers, positions)) {
        molecules.splice(molecules.begin(), molecules, molecule);
        return molecules.front();
      }

  XtbMolecule made;
  made.id = next_id++;
  made.numbers.assign(numbers.begin(), numbers.end());
  made.charge = charge;
  made.uhf = uhf;
  made.bonds = bonds;
  made.reference.assign(positions.begin(), positions.end());
  bytes += size_of(made);
  molecules.push_front(std::move(made));
  of_numbers[key].push_back(molecules.begin());
  while (bytes > most_bytes_of_molecules && molecules.size() > 1)
    remove(std::prev(molecules.end()));
  return molecules.front();
}

void XtbMolecules::drop(long id)
{
  const auto found = std::find_if(molecules.begin(), molecules.end(), [&](const auto &molecule) {
    return molecule.id == id;
  });
  if (found != molecules.end()) remove(found);
}

void XtbMolecules::remove(std::list<XtbMolecule>::iterator molecule)
{
  std::vector<int> key = molecule->numbers;
  key.push_back(molecule->charge);
  key.push_back(molecule->uhf);
  const auto entry = of_numbers.find(key);
  std::erase(entry->second, molecule);
  if (entry->second.empty()) of_numbers.erase(entry);
  bytes -= size_of(*molecule);
  molecules.erase(molecule);
}

XtbPool::XtbPool(const XtbOptions &options) : options(options), molecules(options.method) {}

double XtbPool::bytes_of(const XtbMolecule &molecule) const
{
  // matrices of the wavefunction, of some four orbitals an atom, or of GFN-FF's distances; and
  // GFN2-xTB's tables
  const auto n = double(molecule.numbers.size());
  return options.method == XtbMethod::gfnff ? 2e5 + 40.0 * n * n : 6e6 + 32.0 * 16.0 * n * n;
}

XtbPool::Kept &XtbPool::calculator_of(const XtbMolecule &molecule)
{
  const auto found = std::find_if(kept.begin(), kept.end(), [&](const Kept &one) {
    return one.id == molecule.id;
  });
  if (found != kept.end()) {
    kept.splice(kept.begin(), kept, found);
    return kept.front();
  }
  const double more = bytes_of(molecule);
  while (!kept.empty() &&
         (kept.size() >= most_calculators || bytes + more > most_bytes_of_calculators)) {
    bytes -= kept.back().bytes;
    kept.pop_back();
  }
  XtbOptions options_of_it = options;
  options_of_it.charge = molecule.charge;
  options_of_it.uhf = molecule.uhf;
  kept.push_front(
      {molecule.id,
       more,
       std::make_unique<XtbCalculator>(options_of_it, molecule.numbers, molecule.reference),
       {}});
  bytes += more;
  return kept.front();
}

double XtbPool::evaluate(std::span<const int> numbers, int charge, int uhf,
                         std::span<const double> positions, std::span<double> forces)
{
  const long first_new = molecules.next();
  const XtbMolecule &molecule = molecules.find(numbers, charge, uhf, positions);
  const long number = molecule.id;
  try {
    auto &[id, size, calculator, bonds] = calculator_of(molecule);
    auto start = XtbStart::last;
    if (options.method != XtbMethod::gfnff) {
      XtbBonds now = xtb_bonds(numbers, positions);
      if (!bonds_fit(bonds, now, numbers, positions)) {
        start = XtbStart::anew;
        bonds = std::move(now);
      }
    }
    return calculator->evaluate(positions, forces, start);
  } catch (const XtbError &) {
    drop(number);
    // Positions that failed are no reference for other structures.
    if (number >= first_new) molecules.drop(number);
    throw;
  }
}

void XtbPool::meet(std::span<const int> numbers, int charge, int uhf,
                   std::span<const double> positions)
{
  molecules.find(numbers, charge, uhf, positions);
}

void XtbPool::drop(long id)
{
  for (auto one = kept.begin(); one != kept.end(); ++one)
    if (one->id == id) {
      bytes -= one->bytes;
      kept.erase(one);
      return;
    }
}

}    // namespace mlff
