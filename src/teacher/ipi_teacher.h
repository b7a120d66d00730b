// Any client of the i-PI protocol as a teacher.
#pragma once

#include "teacher/teacher.h"

namespace mlff {

/// Structures are evaluated by programs that this one starts, each composition by clients of its
/// own (src/ipi/ipi_pool.h).
const TeacherKind &ipi_teacher_kind();

}    // namespace mlff
