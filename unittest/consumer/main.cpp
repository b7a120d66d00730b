// Evaluates a potential that ships with the package: consumer NAME prints the energy of ethanol in
// eV, and the largest component of a force in eV/Å.
#include "engine/make_engine.h"
#include "engine/version.h"
#include "potential/find_potential.h"
#include "structure/structure.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>

int main(int n_words, char **words)
try {
  if (n_words != 2) {
    std::fprintf(stderr, "consumer NAME: one word is expected, the name of a potential\n");
    return 1;
  }
  // the first frame of unittest/data/ethanol_rmd17.xyz
  mlff::Structure ethanol;
  ethanol.numbers = {6, 6, 8, 1, 1, 1, 1, 1, 1};
  ethanol.positions = {0.06783209,  0.46966327,  0.21332665,  -1.26611318, 0.03810736,  -0.30567321,
                       1.08731193,  -0.46663204, 0.14131699,  0.38190809,  1.45834623,  -0.25199645,
                       0.14230676,  0.75476245,  1.22497400,  -1.65106512, -0.81816289, 0.16759261,
                       -2.01688218, 0.83683063,  -0.16802527, -1.10897580, -0.13480368, -1.34583359,
                       1.27124024,  -0.74209074, -0.76947799};
  const auto potential = mlff::Potential::read(mlff::find_potential(words[1]));
  mlff::GraphStorage graph;
  mlff::append_graph(ethanol, potential.elements, potential.cutoff, graph);
  mlff::EngineOptions options;
  options.engine = "host";
  options.precision = mlff::Precision::double_precision;
  mlff::Result result;
  mlff::make_engine(potential, options)->evaluate(graph.view(), result);
  std::vector<double> forces;
  mlff::sum_forces(graph.view(), result, forces);
  double largest = 0.0;
  for (const double f : forces) largest = std::max(largest, std::abs(f));
  std::printf("mlff %s\nenergy %.9f\nforce %.6f\n", mlff::version().c_str(), result.energy.at(0),
              largest);
  return 0;
} catch (const std::exception &error) {
  std::fprintf(stderr, "consumer: %s\n", error.what());
  return 1;
}
