#include "teacher/teacher_ensemble.h"

#include "engine/make_engine.h"

#include <cmath>

namespace mlff {

TeacherEnsemble::TeacherEnsemble(const std::vector<std::string> &files, int threads)
{
  for (const auto &path : files) {
    potentials.push_back(Potential::read(path));
    EngineOptions options;
    options.precision = Precision::double_precision;
    options.threads = threads;
    engines.push_back(make_engine(potentials.back(), options));
  }
}

void TeacherEnsemble::label(Structure &frame, std::vector<double> *atom_energy)
{
  const std::size_t n = frame.numbers.size(), m = engines.size();
  std::vector<std::vector<double>> forces(m);
  std::vector<double> energies;
  if (atom_energy) atom_energy->assign(n, 0.0);
  for (std::size_t k = 0; k < m; k++) {
    graph.clear();
    append_graph(frame, potentials[k].elements, potentials[k].cutoff, graph);
    engines[k]->evaluate(graph.view(), result);
    sum_forces(graph.view(), result, forces[k]);
    energies.push_back(result.energy[0]);
    if (atom_energy)
      for (std::size_t i = 0; i < n; i++) (*atom_energy)[i] += result.atom_energy[i] / double(m);
  }
  double mean = 0.0, spread = 0.0;
  for (const double e : energies) mean += e / double(m);
  for (const double e : energies) spread += (e - mean) * (e - mean) / double(m);
  frame.energy = mean;
  frame.forces.assign(3 * n, 0.0);
  for (const auto &f : forces)
    for (std::size_t k = 0; k < 3 * n; k++) frame.forces[k] += f[k] / double(m);
  if (m < 2) return;
  frame.energy_spread = std::sqrt(spread);
  frame.spread.assign(n, 0.0);
  for (const auto &f : forces)
    for (std::size_t k = 0; k < 3 * n; k++)
      frame.spread[k / 3] += (f[k] - frame.forces[k]) * (f[k] - frame.forces[k]) / double(m);
  for (double &s : frame.spread) s = std::sqrt(s);
}

}    // namespace mlff
