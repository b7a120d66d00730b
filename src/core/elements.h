// Chemical elements: symbols, atomic numbers, standard atomic weights.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mlff {

/// Symbol of an element, "X" outside 1..118.
std::string element_symbol(int atomic_number);

/// Atomic number of a symbol (case as in the periodic table), 0 where it is none.
int atomic_number(std::string_view symbol);

/// Standard atomic weight in g/mol, of elements without stable isotopes the mass of one of them; 0
/// outside 1..118.
double atomic_mass(int atomic_number);

/// Atomic numbers of the elements among `numbers`, ascending, each once.
std::vector<int> elements_of(const std::vector<int> &numbers);

/// Atomic number of a symbol, where D and T also count, as hydrogen of 2.014 and 3.016 g/mol.
/// `mass` becomes that mass in g/mol, and 0 for all other symbols.
int atomic_number_of_isotope(std::string_view symbol, double &mass);

}    // namespace mlff
