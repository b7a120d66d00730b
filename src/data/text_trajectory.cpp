// A trajectory in a text file: lines with their numbers, for messages that name the place.
#include "data/text_trajectory.h"

#include "data/parse.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mlff {

TextTrajectory::TextTrajectory(const std::string &path, const ReadOptions &options) :
    path(path), options(options), file(path, std::ios::binary)
{
  if (!file) throw FileError("data file '" + path + "' cannot be opened: " + std::strerror(errno));
  file.seekg(0, std::ios::end);
  size = double(file.tellg());
  file.seekg(0);
}

double TextTrajectory::progress() const
{
  return size > 0.0 ? std::min(1.0, position / size) : 1.0;
}

bool TextTrajectory::read_line()
{
  if (!std::getline(file, text)) return false;
  position += double(text.size() + 1);
  line++;
  if (text.find('\0') != std::string::npos)
    throw fail("the line holds a byte that is zero; expected text");
  if (!text.empty() && text.back() == '\r') text.pop_back();
  return true;
}

FileError TextTrajectory::fail(const std::string &what) const
{
  return FileError("data file '" + path + "', frame " + std::to_string(n_frames) + ", line " +
                   std::to_string(line) + ": " + what);
}

double TextTrajectory::number_of(std::string_view word, const std::string &quantity) const
{
  const auto value = number(word);
  if (!value)
    throw fail("found '" + std::string(word) + "'" + (quantity.empty() ? "" : " for " + quantity) +
               "; expected a number");
  return *value;
}

}    // namespace mlff
