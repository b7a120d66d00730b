// Inputs of LAMMPS that a study runs, and what their logs say.
#pragma once

#include "study/study_settings.h"

#include <nlohmann/json.hpp>

namespace mlff {

/// Dynamics with frames, or without (timing); positions come from start.data. `elements`: of the
/// atom types.
std::string study_input(const StudySettings &settings, const StudyMolecule &molecule,
                        const std::vector<std::string> &elements, const StudyMethod &method,
                        int seed, bool timing);

/// fs between the frames of a method that count: whole cycles. After rejected jumps steps are
/// shorter, and there are more frames than that.
double study_spacing(const StudySettings &settings, const StudyMethod &method);

/// The last run in a log: force calls, wall and CPU seconds of one, and what fix kstep/hybrid
/// tells; but for nested moves also ps, and these of a ps. Throws FileError where it is not
/// complete.
nlohmann::ordered_json study_log(const std::string &path, const StudySettings &settings,
                                 const StudyMethod &method, bool timing);

}    // namespace mlff
