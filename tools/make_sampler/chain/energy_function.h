// Potential energies of one molecule as functions of positions alone.
#pragma once

#include "potential/potential.h"
#include "teacher/teacher.h"

#include <functional>
#include <span>
#include <vector>

namespace mlff {

/// Energy (eV) of positions x [n][3] (Å); fills forces [n][3] (eV/Å). Throws StateError where these
/// positions have no energy: a broken bond, numbers that are not finite, a calculation that fails.
using EnergyFunction =
    std::function<double(std::span<const double> x, std::vector<double> &forces)>;

/// The energy of a potential for atoms of these atomic numbers, by one thread in single precision.
/// Throws EngineError for an element that it does not know.
EnergyFunction energy_of_potential(const Potential &potential, const std::vector<int> &numbers);

/// The energy of a teacher for a molecule: elements, masses and state of `molecule`. The teacher
/// must live as long. TeacherUnavailable is passed on.
EnergyFunction energy_of_teacher(Teacher &teacher, const Structure &molecule);

}    // namespace mlff
