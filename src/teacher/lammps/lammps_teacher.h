// LAMMPS as a teacher: any forces that it can make.
#pragma once

#include "teacher/teacher.h"

namespace mlff {

const TeacherKind &lammps_teacher_kind();

}    // namespace mlff
