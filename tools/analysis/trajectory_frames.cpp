// Reads frames one by one and unwraps their positions.
#include "analysis/trajectory_frames.h"

#include "core/elements.h"
#include "data/extended_xyz.h"
#include "data/parse.h"
#include "data/xyz_comment.h"

#include <algorithm>
#include <filesystem>

namespace mlff {

namespace {

  /// The number that a key of the comment line has.
  double weight_of_key(const XyzLayout &layout, const std::string &key, const std::string &where)
  {
    std::string names;
    for (const auto &one : layout.keys) {
      if (one.name == key) {
        const auto words = elements_of_value(one.text);
        const auto value = words.size() == 1 ? number(words[0]) : std::nullopt;
        if (!value)
          throw FileError(where + "found '" + one.text + "' for " + key + "; expected a number");
        return *value;
      }
      names += (names.empty() ? "" : ", ") + one.name;
    }
    throw FileError(where + "there is no key '" + key +
                    "' for the weight, and no file of this name; the frame has the keys: " + names);
  }

}    // namespace

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
  ReadOptions how = options.read;
  if (!options.weights.empty()) {
    if (std::filesystem::is_regular_file(options.weights)) {
      weights.open(options.weights);
      if (!weights) throw FileError("file of weights '" + options.weights + "' cannot be opened");
    } else
      how.keep = true;
  }
  reader = open_trajectory(path, how);
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
    ahead_weights.push_back(weight_read);
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
  if (!reader->next(frame)) {
    if (double more = 0.0; weights.is_open() && weight_of_file(more))
      throw FileError("file of weights '" + options.weights + "', line " +
                      std::to_string(weight_line) + ": data file '" + name + "' has " +
                      std::to_string(n_read) + " frames; expected one number for each");
    return false;
  }
  n_read++;
  if (!options.weights.empty()) {
    weight_read = weight_of(frame);
    frame.layout.reset();
  }
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

/// The next number in the file of weights; false at its end.
bool TrajectoryFrames::weight_of_file(double &weight)
{
  for (std::string line; std::getline(weights, line);) {
    weight_line++;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const auto words = split(line);
    if (words.empty() || words[0].starts_with('#')) continue;
    const auto value = words.size() == 1 ? number(words[0]) : std::nullopt;
    if (!value)
      throw FileError("file of weights '" + options.weights + "', line " +
                      std::to_string(weight_line) + ": found '" + line + "'; expected a number");
    weight = *value;
    return true;
  }
  return false;
}

double TrajectoryFrames::weight_of(const Structure &frame)
{
  const std::string where = "data file '" + name + "', frame " + std::to_string(n_read) + ": ";
  double weight = 0.0;
  if (weights.is_open()) {
    if (!weight_of_file(weight))
      throw FileError("file of weights '" + options.weights + "' holds " +
                      std::to_string(n_read - 1) + " numbers, and data file '" + name +
                      "' more frames; expected one number for each");
  } else {
    if (!frame.layout || frame.layout->keys.empty())
      throw FileError(where + "there is no weight '" + options.weights +
                      "', for the frame has no keys, and no file of this name; accepted: a key of "
                      "extended XYZ, or a file with one number a frame");
    weight = weight_of_key(*frame.layout, options.weights, where);
  }
  if (weight < 0.0)
    throw FileError(where + "the weight is " + digits(weight) +
                    "; accepted: 0 or a number above 0");
  return weight;
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
      frame.weight = weight_read;
    } else {
      frame.structure = std::move(ahead.front());
      frame.weight = ahead_weights.front();
      ahead.pop_front();
      ahead_weights.pop_front();
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
