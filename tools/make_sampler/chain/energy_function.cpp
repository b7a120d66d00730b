// Potential energies of one molecule as functions of positions alone.
#include "make_sampler/chain/energy_function.h"

#include "core/elements.h"
#include "engine/make_engine.h"
#include "models/jump/jump.h"

#include <algorithm>
#include <memory>

namespace mlff {

namespace {

  /// What evaluations of a potential keep from one to the next.
  struct PotentialMemory {
    std::unique_ptr<Engine> engine;
    std::vector<int> species;
    double cutoff;
    GraphStorage graph;
    Result result;
  };

}    // namespace

EnergyFunction energy_of_potential(const Potential &potential, const std::vector<int> &numbers)
{
  auto memory = std::make_shared<PotentialMemory>();
  EngineOptions options;
  options.engine = "host";
  options.threads = 1;
  memory->engine = make_engine(potential, options);
  memory->cutoff = potential.cutoff;
  for (const int z : numbers) {
    const auto found = std::find(potential.elements.begin(), potential.elements.end(), z);
    if (found == potential.elements.end())
      throw EngineError("the potential knows " + potential.element_names() + ", and not " +
                        element_symbol(z));
    memory->species.push_back(int(found - potential.elements.begin()));
  }
  return [memory](std::span<const double> x, std::vector<double> &forces) {
    GraphStorage &graph = memory->graph;
    graph.clear();
    append_pairs(memory->species, x, memory->cutoff, graph);
    memory->engine->evaluate(graph.view(), memory->result);
    sum_forces(graph.view(), memory->result, forces);
    return memory->result.energy[0];
  };
}

EnergyFunction energy_of_teacher(Teacher &teacher, const Structure &molecule)
{
  return [&teacher, molecule](std::span<const double> x, std::vector<double> &forces) {
    Structure frame = molecule;
    frame.positions.assign(x.begin(), x.end());
    try {
      Labels labels = teacher.label(frame);
      forces = std::move(labels.forces);
      return labels.energy;
    } catch (const TeacherUnavailable &) {
      throw;
    } catch (const TeacherError &error) {
      throw StateError(error.what());
    }
  };
}

}    // namespace mlff
