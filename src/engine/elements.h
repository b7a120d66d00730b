// Chemical elements: symbols and atomic numbers.
#pragma once

#include <string>
#include <string_view>

namespace mlff {

/// Symbol of an element, "X" outside 1..118.
std::string element_symbol(int atomic_number);

/// Atomic number of a symbol (case as in the periodic table), 0 where it is none.
int atomic_number(std::string_view symbol);

}    // namespace mlff
