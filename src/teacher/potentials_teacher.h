// Potentials as a teacher: the mean of their labels, and how far they are apart.
#pragma once

#include "teacher/teacher.h"

namespace mlff {

const TeacherKind &potentials_teacher_kind();

}    // namespace mlff
