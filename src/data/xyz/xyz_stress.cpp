// The numbers of a key that holds a stress or a virial.
#include "data/xyz/xyz_stress.h"

#include <algorithm>

namespace mlff {

bool is_stress_size(std::size_t n, bool virial)
{
  return n == 9 || (n == 6 && !virial);
}

std::array<double, 9> stress_of_numbers(std::span<const double> numbers, bool virial, double volume)
{
  constexpr int place[9] = {0, 5, 4, 5, 1, 3, 4, 3, 2};    // index into xx, yy, zz, yz, xz, xy
  std::array<double, 9> stress;
  for (std::size_t k = 0; k < 9; k++) stress[k] = numbers[numbers.size() == 6 ? place[k] : k];
  if (virial)
    for (double &x : stress) x /= -volume;
  return stress;
}

}    // namespace mlff
