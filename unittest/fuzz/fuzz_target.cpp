// What the fuzz targets share.
#include "fuzz/fuzz_target.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace mlff_fuzz {

namespace fs = std::filesystem;
using mlff::ReadOptions;
using mlff::Structure;

InputFile::InputFile(const std::string &name) :
    folder(fs::temp_directory_path() / ("mlff-fuzz-" + std::to_string(getpid()))),
    file((folder / name).string())
{
  fs::create_directories(folder);
}

InputFile::~InputFile()
{
  std::error_code ignored;
  fs::remove(file, ignored);
  fs::remove(folder, ignored);
}

void InputFile::write(const std::uint8_t *data, std::size_t size) const
{
  std::FILE *out = std::fopen(file.c_str(), "wb");
  if (!out || std::fwrite(data, 1, size, out) != size || std::fclose(out) != 0) {
    std::perror(file.c_str());
    std::_Exit(1);    // no fault of the reader
  }
}

void fault(const std::string &message)
{
  std::fprintf(stderr, "fault: %s\n", message.c_str());
  std::abort();
}

void check_message(const std::exception &error, const std::string &path)
{
  if (std::string(error.what()).find(path) == std::string::npos)
    fault(std::string("the file is not named: ") + error.what());
}

namespace {

  bool finite(const std::vector<double> &values)
  {
    for (const double x : values)
      if (!std::isfinite(x)) return false;
    return true;
  }

  void check_frame(const Structure &frame)
  {
    const std::size_t n = frame.numbers.size();
    const auto fits = [&](const std::vector<double> &values, std::size_t width, bool must) {
      return values.size() == width * n || (values.empty() && !must);
    };
    if (n == 0) fault("a frame without atoms");
    if (!fits(frame.positions, 3, true) || !fits(frame.forces, 3, false) ||
        !fits(frame.velocities, 3, false) || !fits(frame.masses, 1, false) ||
        !fits(frame.spread, 1, false))
      fault("sizes of a frame differ");
    if (frame.stress && frame.periodic != std::array{true, true, true})
      fault("a stress of an open structure");
    if (frame.stress && !finite({frame.stress->begin(), frame.stress->end()}))
      fault("a stress that is not finite");
    for (const int z : frame.numbers)
      if (z < 1 || z > 118) fault("an atomic number of " + std::to_string(z));
    for (const auto *values :
         {&frame.positions, &frame.forces, &frame.velocities, &frame.masses, &frame.spread})
      if (!finite(*values)) fault("a number that is not finite");
    if (!finite({frame.cell.begin(), frame.cell.end()})) fault("a cell that is not finite");
    for (const auto &value :
         {frame.energy, frame.energy_spread, frame.charge, frame.multiplicity, frame.time})
      if (value && !std::isfinite(*value)) fault("a number that is not finite");
  }

  std::vector<Structure> frames_of(const std::string &path, const ReadOptions &options)
  {
    const auto reader = mlff::open_trajectory(path, options);
    std::vector<Structure> list;
    for (Structure frame; reader->next(frame);) {
      check_frame(frame);
      list.push_back(frame);
    }
    return list;
  }

  void compare(const Structure &frame, const Structure &again)
  {
    if (frame.numbers != again.numbers) fault("other elements after writing and reading");
    if (frame.positions != again.positions) fault("other positions after writing and reading");
    if (frame.forces != again.forces) fault("other forces after writing and reading");
    if (frame.stress != again.stress) fault("another stress after writing and reading");
    if (frame.energy != again.energy) fault("another energy after writing and reading");
    if (frame.cell != again.cell || frame.periodic != again.periodic)
      fault("another cell after writing and reading");
  }

}    // namespace

void check_trajectory(const std::string &path, const ReadOptions &options)
{
  std::vector<Structure> frames;
  try {
    frames = frames_of(path, options);
  } catch (const mlff::FileError &error) {
    return check_message(error, path);
  }
  const std::string copy = path + ".again.xyz";
  std::FILE *file = std::fopen(copy.c_str(), "wb");
  if (!file) std::_Exit(1);
  for (const auto &frame : frames) mlff::write_xyz(file, frame);
  std::fclose(file);
  ReadOptions metal;
  metal.units = "metal";
  std::vector<Structure> again;
  try {
    again = frames_of(copy, metal);
  } catch (const mlff::FileError &error) {
    fault(std::string("what was written cannot be read: ") + error.what());
  }
  fs::remove(copy);
  if (again.size() != frames.size()) fault("another number of frames after writing and reading");
  for (std::size_t k = 0; k < frames.size(); k++) compare(frames[k], again[k]);
}

}    // namespace mlff_fuzz
