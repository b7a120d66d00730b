// Several potentials as one teacher.
#pragma once

#include "core/engine.h"
#include "potential/potential.h"
#include "structure/structure.h"

namespace mlff {

class TeacherEnsemble {
 public:
  /// Reads the potentials; they are evaluated in double precision on `threads` threads (0:
  /// automatic).
  explicit TeacherEnsemble(const std::vector<std::string> &files, int threads = 0);

  /// Sets energy and forces of a frame to the means of the models and, of two models and more,
  /// energy_spread and spread to the root mean square deviations from them. Throws StructureError,
  /// also where a model does not know an element.
  void label(Structure &frame, std::vector<double> *atom_energy = nullptr);

 private:
  std::vector<Potential> potentials;
  std::vector<std::unique_ptr<Engine>> engines;
  GraphStorage graph;
  Result result;
};

}    // namespace mlff
