// The plugin that LAMMPS opens. It has no symbol of LAMMPS in it, so that it loads everywhere: it
// compares versions first, and only opens the library of styles beside it where they agree.
#include "lammps_plugin/plugin_interface.h"

#include "lmptype.h"

#include <dlfcn.h>
#include <mpi.h>

#include <array>
#include <filesystem>
#include <string>

namespace {

#ifdef OPEN_MPI
constexpr const char *mpi_of_build = "Open MPI";
#else
constexpr const char *mpi_of_build = "MPICH";
#endif

/// A function of the process that has opened us; null where it has none.
template <typename Function> Function *function_of_process(const char *name)
{
  return reinterpret_cast<Function *>(dlsym(RTLD_DEFAULT, name));
}

/// 20260704 becomes "4 Jul 2026".
std::string date_of(int version)
{
  static constexpr std::array months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const int month = version / 100 % 100;
  if (month < 1 || month > 12) return std::to_string(version);
  return std::to_string(version % 100) + " " + months[month - 1] + " " +
      std::to_string(version / 10000);
}

/// Families of MPI with one binary interface.
std::string mpi_of_process()
{
  const auto library_version = function_of_process<int(char *, int *)>("MPI_Get_library_version");
  if (!library_version) return "no MPI";
  std::array<char, 8192> text{};
  int length = 0;
  library_version(text.data(), &length);
  const std::string version = text.data();
  if (version.find("Open MPI") != std::string::npos) return "Open MPI";
  for (const char *name : {"MPICH", "Intel(R) MPI", "MVAPICH"})
    if (version.find(name) != std::string::npos) return "MPICH";
  return "no MPI";
}

int setting(void *lammps, const char *name)
{
  const auto extract = function_of_process<int(void *, const char *)>("lammps_extract_setting");
  return extract ? extract(lammps, name) : -1;
}

/// Why the styles cannot work in this LAMMPS; empty where they can.
std::string reason_against(void *lammps)
{
  const auto version = function_of_process<int(void *)>("lammps_version");
  const int found = version ? version(lammps) : 0;
  if (found != MLFF_PLUGIN_LAMMPS_NUMBER)
    return "they were built for LAMMPS of " + date_of(MLFF_PLUGIN_LAMMPS_NUMBER) +
        ", and this is LAMMPS of " + (found ? date_of(found) : "an unknown date");
  if (const std::string mpi = mpi_of_process(); mpi != mpi_of_build)
    return std::string("they were built for LAMMPS with ") + mpi_of_build +
        ", and this LAMMPS has " + mpi;
  if (setting(lammps, "tagint") != sizeof(LAMMPS_NS::tagint) ||
      setting(lammps, "bigint") != sizeof(LAMMPS_NS::bigint))
    return "they were built for LAMMPS with other sizes of integers (smallbig, bigbig)";
  return "";
}

void refuse(void *lammps, const std::string &why)
{
  if (setting(lammps, "world_rank") != 0) return;
  const auto error = function_of_process<void(void *, int, const char *)>("lammps_error");
  if (error) error(lammps, 0, ("The styles of mlff are not loaded: " + why).c_str());
}

/// The library of styles, which stays open: LAMMPS closes plugins, but threads of ours may live on.
void *open_styles()
{
  Dl_info self;
  if (dladdr(reinterpret_cast<const void *>(&open_styles), &self) == 0) return nullptr;
  const auto folder = std::filesystem::absolute(self.dli_fname).parent_path();
  return dlopen((folder / MLFF_PLUGIN_STYLES).lexically_normal().c_str(),
                RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
}

}    // namespace

extern "C" __attribute__((visibility("default"))) void lammpsplugin_init(void *lammps, void *handle,
                                                                         void *take)
{
  if (const std::string why = reason_against(lammps); !why.empty()) return refuse(lammps, why);
  void *styles = open_styles();
  void *offer = styles ? dlsym(styles, mlff::offer_styles_name) : nullptr;
  if (!offer) return refuse(lammps, dlerror());
  reinterpret_cast<mlff::OfferStyles>(offer)(lammps, handle,
                                             reinterpret_cast<mlff::RegisterStyle>(take));
}
