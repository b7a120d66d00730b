// Looks for potential files where they may lie.
#include "potential/find_potential.h"

#include "potential/shipped_files.h"

#include <cstdlib>
#include <sstream>

namespace mlff {

namespace fs = std::filesystem;

std::vector<fs::path> potential_folders()
{
  std::vector<fs::path> folders;
  for (const char *variable : {"MLFF_POTENTIALS", "LAMMPS_POTENTIALS"})
    if (const char *named = std::getenv(variable)) {
      std::istringstream list(named);
      for (std::string folder; std::getline(list, folder, ':');) folders.emplace_back(folder);
    }
  folders.push_back(shipped_files() / "potentials");
  return folders;
}

std::string find_potential(const std::string &name)
{
  return find_potential(name, fs::path());
}

std::string find_potential(const std::string &name, const fs::path &first)
{
  const std::string here = (first / name).lexically_normal().string();
  if (fs::exists(here) || fs::path(name).is_absolute()) return first.empty() ? name : here;
  for (const auto &folder : potential_folders())
    if (fs::is_regular_file(folder / name)) return (folder / name).string();
  return first.empty() ? name : here;
}

}    // namespace mlff
