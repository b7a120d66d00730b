// Chemical elements: symbols and atomic numbers.
#pragma once

#include <string>
#include <string_view>

namespace mlff {

/// Symbol of an element, "X" outside 1..118.
std::string element_symbol(int atomic_number);

/// Atomic number of a symbol (case as in the periodic table), 0 where it is none.
int atomic_number(std::string_view symbol);

/// The same with D and T, hydrogen of 2.014 and 3.016 g/mol: their atomic number, and in `mass`
/// their mass in g/mol; 0 there for all others.
int atomic_number_of_isotope(std::string_view symbol, double &mass);

}    // namespace mlff
