// Components of vectors of atoms in groups, one for each element.
#pragma once

#include <algorithm>
#include <vector>

namespace mlff {

inline std::vector<int> elements_in(std::vector<int> numbers)
{
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

/// [3n] index, for each component, of its atom's element in the ascending list of elements.
inline std::vector<int> groups_of_elements(const std::vector<int> &numbers)
{
  const auto elements = elements_in(numbers);
  std::vector<int> groups;
  for (const int z : numbers)
    groups.insert(groups.end(), 3,
                  int(std::lower_bound(elements.begin(), elements.end(), z) - elements.begin()));
  return groups;
}

}    // namespace mlff
