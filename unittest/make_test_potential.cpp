// Writes the random potential that the force-style tests use, or one of other sizes for timings: make_test_potential FILE [F L K CUTOFF]
#include "random_model.h"

#include <cstdlib>

int main(int argc, char **argv)
{
  if (argc != 2 && argc != 6) return 1;
  mlff::PainnSizes sizes = {16, 2, 10};
  double cutoff = 4.5;
  if (argc == 6) {
    sizes = {std::atoi(argv[2]), std::atoi(argv[3]), std::atoi(argv[4])};
    cutoff = std::atof(argv[5]);
  }
  mlff::random_potential(sizes, {1, 6, 8}, cutoff, 2026).write(argv[1], true);
  return 0;
}
