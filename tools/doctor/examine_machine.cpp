// Cores, threads, memory, GPU, MPI and the cache folder.
#include "doctor/examinations.h"
#include "workflow/captured_program.h"

#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <thread>

namespace mlff {

namespace fs = std::filesystem;

namespace {

  constexpr double seconds_of_a_program = 15.0;
  constexpr double cache_GB = 5.0;    // LAMMPS, LibTorch and compiled objects of a full build
  constexpr double bytes_of_GB = 1e9;

  std::string rounded(double value)
  {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f", value);
    return text;
  }

  std::string first_line(const std::string &text)
  {
    return text.substr(0, text.find('\n'));
  }

  /// Cores that this process may use; 0: not known.
  int usable_cores()
  {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
  }

  Finding threads()
  {
    const char *named = std::getenv("OMP_NUM_THREADS");
    const int cores = usable_cores();
    Finding finding{"threads", true,
                    std::to_string(cores) + " of " +
                        std::to_string(std::thread::hardware_concurrency()) +
                        " cores may be used; OMP_NUM_THREADS is " +
                        (named ? "'" + std::string(named) + "'" : "not set")};
    if (!named) {
      finding.found += ": an engine takes as many threads as cores";
      if (cores > 1)
        finding.advice = "For several ranks or replicas set OMP_NUM_THREADS=1, so that they do not "
                         "take each other's cores.";
      return finding;
    }
    char *end = nullptr;
    const long wanted = std::strtol(named, &end, 10);
    if (end == named || (*end != '\0' && *end != ',') || wanted < 1) {
      finding.ok = false;
      finding.advice = "Set OMP_NUM_THREADS to a number of threads from 1 on.";
    } else if (cores > 0 && wanted > cores) {
      finding.ok = false;
      finding.advice = "Set OMP_NUM_THREADS to at most " + std::to_string(cores) + ".";
    }
    return finding;
  }

  Finding memory()
  {
    const double page = double(sysconf(_SC_PAGESIZE)) / bytes_of_GB;
    return {"memory", true,
            rounded(double(sysconf(_SC_PHYS_PAGES)) * page) + " GB, " +
                rounded(double(sysconf(_SC_AVPHYS_PAGES)) * page) + " GB of it unused"};
  }

  Finding gpu()
  {
    Finding finding{"NVIDIA GPU", false, "no nvidia-smi on PATH",
                    "Nothing to do on a machine without GPU: potentials run on the processor."};
    const auto program = program_on_path("nvidia-smi");
    if (!program) return finding;
    const auto captured =
        capture({program->string(), "--query-gpu=name,driver_version,memory.total",
                 "--format=csv,noheader"},
                seconds_of_a_program);
    finding.ok = captured && captured->good();
    finding.found = !captured || captured->timed_out ? "nvidia-smi does not answer"
                                                     : first_line(captured->output);
    return std::move(finding).or_else("Run nvidia-smi to see what it says of the driver.");
  }

  Finding mpi()
  {
    Finding finding{"MPI", false, "no mpirun on PATH",
                    "Install an MPI to run LAMMPS on several ranks, such as the Debian package "
                    "openmpi-bin."};
    const auto program = program_on_path("mpirun");
    if (!program) return finding;
    const auto captured = capture({program->string(), "--version"}, seconds_of_a_program);
    finding.ok = captured && captured->good();
    finding.found = program->string() +
        (captured && !captured->timed_out ? ": " + first_line(captured->output)
                                          : " does not answer");
    return std::move(finding).or_else("Run 'mpirun --version' to see why.");
  }

  fs::path cache_folder()
  {
    if (const char *named = std::getenv("MLFF_CACHE")) return named;
    if (const char *named = std::getenv("XDG_CACHE_HOME")) return fs::path(named) / "mlff";
    const char *home = std::getenv("HOME");
    return fs::path(home ? home : "/") / ".cache" / "mlff";
  }

  Finding cache()
  {
    const fs::path folder = cache_folder();
    fs::path existing = folder;
    std::error_code code;
    while (!fs::exists(existing, code) && existing.has_relative_path())
      existing = existing.parent_path();
    const auto space = fs::space(existing, code);
    if (code)
      return {"cache folder", false, folder.string() + ": " + code.message(),
              "Name a folder that can be written in the environment variable MLFF_CACHE."};
    const double free = double(space.available) / bytes_of_GB;
    Finding finding{"cache folder", free > cache_GB && access(existing.c_str(), W_OK) == 0,
                    folder.string() + (existing == folder ? "" : " (not made yet)") + ", " +
                        rounded(free) + " GB free"};
    return std::move(finding).or_else(
        "Before a build, name a folder that can be written, with 5 GB free, in the "
        "environment variable MLFF_CACHE.");
  }

}    // namespace

FindingGroup examine_machine()
{
  return {"Machine", {threads(), memory(), gpu(), mpi(), cache()}};
}

}    // namespace mlff
