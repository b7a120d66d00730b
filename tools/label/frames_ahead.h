// Frames that are read before they are labelled.
#pragma once

#include "data/trajectory.h"
#include "teacher/teacher.h"

#include <deque>

namespace mlff {

/// Reads some frames before they are asked for, so that their teacher is not idle while others
/// are read and written.
class FramesAhead {
 public:
  FramesAhead(TrajectoryReader &reader, Teacher &teacher) : reader(reader), teacher(teacher) {}

  bool next(Structure &frame)
  {
    constexpr std::size_t ahead = 32;
    for (Structure one; frames.size() < ahead && reader.next(one);) {
      teacher.expect(one);
      frames.push_back(std::move(one));
    }
    if (frames.empty()) return false;
    frame = std::move(frames.front());
    frames.pop_front();
    return true;
  }

 private:
  TrajectoryReader &reader;
  Teacher &teacher;
  std::deque<Structure> frames;
};

}    // namespace mlff
