// Finds the files of the package from the place of the library.
#include "potential/shipped_files.h"

#include <dlfcn.h>

namespace mlff {

namespace fs = std::filesystem;

fs::path shipped_files()
{
  Dl_info library;
  const bool found = dladdr(reinterpret_cast<const void *>(&shipped_files), &library) != 0 &&
      library.dli_fname != nullptr;
  std::error_code code;
  const fs::path file = fs::canonical(found ? library.dli_fname : "/proc/self/exe", code);
  // prefix/lib/libmlff_engine.so and prefix/share/mlff, as cmake/MlffInstall.cmake puts them
  return file.parent_path().parent_path() / "share" / "mlff";
}

}    // namespace mlff
