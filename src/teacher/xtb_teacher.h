// xTB as a teacher of molecules.
#pragma once

#include "teacher/teacher.h"

namespace mlff {

/// Structures of any molecules in any order are calculated in a process of their own
/// (xtb_process.h), so that one that crashes libxtb is a structure that fails; conformations of one
/// molecule, after set_reference(), in this process.
const TeacherKind &xtb_teacher_kind();

}    // namespace mlff
