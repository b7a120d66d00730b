// Reads frames one by one and unwraps their positions.
#include "analysis/trajectory_frames.h"

#include "core/elements.h"

#include <algorithm>

namespace mlff {

bool inverse(const std::array<double, 9> &m, std::array<double, 9> &result)
{
  const double det = m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) +
      m[2] * (m[3] * m[7] - m[4] * m[6]);
  if (!(std::abs(det) > 0.0)) return false;
  result = {m[4] * m[8] - m[5] * m[7], m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],
            m[5] * m[6] - m[3] * m[8], m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
            m[3] * m[7] - m[4] * m[6], m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3]};
  for (double &value : result) value /= det;
  return true;
}

TrajectoryFrames::TrajectoryFrames(const std::string &path, const FramesOptions &options) :
    name(path), options(options)
{
  reader = open_trajectory(path, options.read);
  // the first distance of two frames may be an odd one: that of a thermostat's run before, or of a
  // rejected jump
  std::vector<double> distances;
  std::size_t room = std::size_t(16) << 20;
  for (Structure frame; ahead.size() < 64 && room > 0 && read(frame);) {
    const std::size_t size =
        8 * (frame.positions.size() + frame.velocities.size() + frame.forces.size());
    room -= std::min(room, ahead.size() < 2 ? 0 : size);
    if (!ahead.empty()) distances.push_back(time_of(frame) - time_of(ahead.back()));
    ahead.push_back(std::move(frame));
  }
  if (options.interval > 0.0) {
    spacing = 1e-3 * options.interval;
    return;
  }
  std::erase_if(distances, [](double d) {
    return !(d > 0.0);
  });
  if (distances.empty()) return;
  std::nth_element(distances.begin(), distances.begin() + std::ptrdiff_t(distances.size() / 2),
                   distances.end());
  spacing = distances[distances.size() / 2];
}

double TrajectoryFrames::time_of(const Structure &frame) const
{
  if (options.interval > 0.0) return std::nan("");
  if (frame.time) return *frame.time;
  return options.timestep > 0.0 && frame.step >= 0 ? 1e-3 * options.timestep * double(frame.step)
                                                   : std::nan("");
}

bool TrajectoryFrames::read(Structure &frame)
{
  while (read_any(frame)) {
    const double time = time_of(frame);
    // times are printed with six digits after the point
    if (options.every > 0.0 && time < last_read + 1e-3 * options.every - 2.1e-6) continue;
    last_read = time;
    return true;
  }
  return false;
}

bool TrajectoryFrames::read_any(Structure &frame)
{
  if (!reader->next(frame)) return false;
  n_read++;
  if (numbers.empty()) numbers = frame.numbers;
  const auto where = [&] {
    return "data file '" + name + "', frame " + std::to_string(n_read) + ": ";
  };
  if (frame.numbers.empty()) throw FileError(where() + "it has no atoms");
  if (frame.numbers.size() != numbers.size())
    throw FileError(where() + "it has " + std::to_string(frame.numbers.size()) +
                    " atoms, the first frame has " + std::to_string(numbers.size()) +
                    "; atoms are followed from frame to frame");
  for (std::size_t i = 0; i < numbers.size(); i++)
    if (frame.numbers[i] != numbers[i])
      throw FileError(where() + "atom " + std::to_string(i + 1) + " is " +
                      element_symbol(frame.numbers[i]) + ", in the first frame " +
                      element_symbol(numbers[i]) +
                      "; atoms must keep their order (dump_modify sort id)");
  if (frame.masses.empty())
    for (const int z : frame.numbers) frame.masses.push_back(atomic_mass(z));
  return true;
}

std::vector<double> unwrapped(const Structure &frame, const std::vector<double> &last)
{
  auto x = frame.positions;
  std::array<double, 9> to_fraction;
  if (last.empty() || (!frame.periodic[0] && !frame.periodic[1] && !frame.periodic[2])) return x;
  auto cell = frame.cell;
  // a direction without a cell vector gets one, so that the others have an inverse
  for (int a = 0; a < 3; a++)
    if (!frame.periodic[a] && cell[3 * a] == 0.0 && cell[3 * a + 1] == 0.0 &&
        cell[3 * a + 2] == 0.0)
      cell[4 * a] = 1.0;
  if (!inverse(cell, to_fraction)) return x;
  for (std::size_t i = 0; i < x.size(); i += 3) {
    const double d[3] = {x[i] - last[i], x[i + 1] - last[i + 1], x[i + 2] - last[i + 2]};
    for (int a = 0; a < 3; a++) {
      if (!frame.periodic[a]) continue;
      const double whole =
          std::round(d[0] * to_fraction[a] + d[1] * to_fraction[3 + a] + d[2] * to_fraction[6 + a]);
      if (whole != 0.0)
        for (int k = 0; k < 3; k++) x[i + k] -= whole * cell[3 * a + k];
    }
  }
  return x;
}

bool TrajectoryFrames::next(Frame &frame)
{
  while (true) {
    if (ahead.empty()) {
      if (!read(frame.structure)) return false;
    } else {
      frame.structure = std::move(ahead.front());
      ahead.pop_front();
    }
    const double time = options.interval > 0.0 ? spacing * double(n_given)
                                               : time_of(frame.structure);
    if (n_given == 0) first_time = time;
    frame.time = time - first_time;
    // times are printed with six digits after the point
    frame.follows = n_given > 0 &&
        (std::abs(frame.time - last_time - spacing) < std::max(1e-3 * spacing, 2.1e-6) ||
         std::isnan(spacing));
    frame.x = unwrapped(frame.structure, last);
    last = frame.x;
    last_time = frame.time;
    n_given++;
    if (options.skip <= 0.0) return true;
    if (!(frame.time < options.skip - 1e-9)) return true;
  }
}

}    // namespace mlff
