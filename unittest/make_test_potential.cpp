// Writes the random potential that the force-style tests use: make_test_potential FILE
#include "random_potential.h"

int main(int argc, char **argv)
{
  if (argc != 2) return 1;
  mlff_test::random_potential({16, 2, 10}, {1, 6, 8}, 4.5, 2026).write(argv[1], true);
  return 0;
}
