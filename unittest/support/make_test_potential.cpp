// Writes the random potentials that the force-style tests use, or one of other sizes for timings:
// make_test_potential FILE [F L K CUTOFF [HEADS VALUE_WIDTH FREQUENCIES KAPPA_MAX]], the last four
// of a long-range block
#include "models/random_model.h"

#include <cstdlib>

int main(int argc, char **argv)
{
  if (argc != 2 && argc != 6 && argc != 10) return 1;
  mlff::PainnSizes sizes = {16, 2, 10};
  double cutoff = 4.5;
  if (argc >= 6) {
    sizes = {std::atoi(argv[2]), std::atoi(argv[3]), std::atoi(argv[4])};
    cutoff = std::atof(argv[5]);
  }
  mlff::LongRangeSizes block_sizes;
  if (argc == 10) {
    block_sizes.layers = 1;
    block_sizes.heads = std::atoi(argv[6]);
    block_sizes.value_width = std::atoi(argv[7]);
    block_sizes.kappa_count = std::atoi(argv[8]);
    block_sizes.kappa_max = std::atof(argv[9]);
  }
  mlff::random_potential(sizes, {1, 6, 8}, cutoff, 2026, argc == 10 ? &block_sizes : nullptr)
      .write(argv[1], true);
  return 0;
}
