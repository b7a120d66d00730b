// Reads versions from the text that the engine has of them.
#include "doctor/library_version.h"

#include "engine/version.h"

#include <sstream>

namespace mlff {

std::string version_of_library(const std::string &name)
{
  std::istringstream lines(library_versions());
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name + " ")) return line.substr(name.size() + 1);
  return "none";
}

}    // namespace mlff
