// The only file that is compiled again when the commit changes.
#include "engine/version.h"

#include <mlff_build.h>

namespace mlff {

std::string version()
{
  return MLFF_BUILD_VERSION;
}

std::string version_with_commit()
{
  const std::string commit = MLFF_BUILD_COMMIT;
  return version() + (commit.empty() ? "" : " (" + commit + ")");
}

std::string library_versions()
{
  const std::string torch = MLFF_BUILD_TORCH, xtb = MLFF_BUILD_XTB;
  return "LAMMPS " MLFF_BUILD_LAMMPS "\nLibTorch " + (torch.empty() ? "none" : torch) + "\nxtb " +
      (xtb.empty() ? "none" : xtb);
}

}    // namespace mlff
