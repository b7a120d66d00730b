#include "core/elements.h"

#include <algorithm>
#include <array>

namespace mlff {

namespace {
  constexpr std::array<std::string_view, 119> symbols = {
      "X",  "H",  "He", "Li", "Be", "B",  "C",  "N",  "O",  "F",  "Ne", "Na", "Mg", "Al", "Si",
      "P",  "S",  "Cl", "Ar", "K",  "Ca", "Sc", "Ti", "V",  "Cr", "Mn", "Fe", "Co", "Ni", "Cu",
      "Zn", "Ga", "Ge", "As", "Se", "Br", "Kr", "Rb", "Sr", "Y",  "Zr", "Nb", "Mo", "Tc", "Ru",
      "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Te", "I",  "Xe", "Cs", "Ba", "La", "Ce", "Pr",
      "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu", "Hf", "Ta", "W",
      "Re", "Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi", "Po", "At", "Rn", "Fr", "Ra", "Ac",
      "Th", "Pa", "U",  "Np", "Pu", "Am", "Cm", "Bk", "Cf", "Es", "Fm", "Md", "No", "Lr", "Rf",
      "Db", "Sg", "Bh", "Hs", "Mt", "Ds", "Rg", "Cn", "Nh", "Fl", "Mc", "Lv", "Ts", "Og"};
}

std::string element_symbol(int atomic_number)
{
  if (atomic_number < 1 || atomic_number >= int(symbols.size())) return "X";
  return std::string(symbols[atomic_number]);
}

int atomic_number(std::string_view symbol)
{
  const auto found = std::find(symbols.begin() + 1, symbols.end(), symbol);
  return found == symbols.end() ? 0 : int(found - symbols.begin());
}

int atomic_number_of_isotope(std::string_view symbol, double &mass)
{
  // AME2020
  mass = symbol == "D" ? 2.014101778 : symbol == "T" ? 3.016049281 : 0.0;
  return mass > 0.0 ? 1 : atomic_number(symbol);
}

}    // namespace mlff
