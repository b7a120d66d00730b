// LAMMPS programs: their versions, packages, styles of this package, plugins.
#include "core/words.h"
#include "doctor/examinations.h"
#include "doctor/lammps_help.h"
#include "workflow/captured_program.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <set>
#include <sstream>

namespace mlff {

namespace fs = std::filesystem;

namespace {

  constexpr double seconds_of_lammps = 30.0;    // the first start of MPI on a busy machine is slow
  constexpr const char *plugin_name = "mlffplugin.so";

  // pair_style xtb is a choice of the build
  const std::vector<std::string> styles = {"mlff", "kstep/hybrid"};

  /// The LAMMPS asked for, those of PATH, and the one beside this program, each once.
  std::vector<fs::path> programs(const std::string &lammps)
  {
    std::error_code code;
    const fs::path here = fs::read_symlink("/proc/self/exe", code).parent_path();
    std::vector<fs::path> list;
    if (!lammps.empty()) {
      list.push_back(fs::absolute(lammps));
    } else {
      if (const char *named = std::getenv("MLFF_LAMMPS")) list.emplace_back(named);
      list.push_back(here / "lmp");
      for (const char *name : {"lmp", "lmp_mpi", "lmp_serial"})
        if (const auto found = program_on_path(name)) list.push_back(*found);
    }
    std::set<fs::path> seen;
    std::erase_if(list, [&](const fs::path &file) {
      return !fs::is_regular_file(file, code) || !seen.insert(fs::canonical(file, code)).second;
    });
    return list;
  }

  /// The first plugin of ours in the folders of LAMMPS_PLUGIN_PATH.
  std::optional<fs::path> plugin_on_path()
  {
    const char *folders = std::getenv("LAMMPS_PLUGIN_PATH");
    std::istringstream list(folders ? folders : "");
    std::error_code code;
    for (std::string folder; std::getline(list, folder, ':');)
      if (fs::is_regular_file(fs::path(folder) / plugin_name, code))
        return fs::path(folder) / plugin_name;
    return std::nullopt;
  }

  /// A file that is removed at the end.
  class TemporaryFile {
   public:
    explicit TemporaryFile(const std::string &content)
    {
      name = (fs::temp_directory_path() / "mlff-doctor-XXXXXX").string();
      const int file = mkstemp(name.data());
      if (file < 0 || write(file, content.data(), content.size()) != ssize_t(content.size()))
        name.clear();
      if (file >= 0) close(file);
    }
    ~TemporaryFile()
    {
      std::error_code code;
      if (!name.empty()) fs::remove(name, code);
    }
    TemporaryFile(const TemporaryFile &) = delete;
    TemporaryFile &operator=(const TemporaryFile &) = delete;

    std::string name;    ///< empty where it cannot be written
  };

  /// What a LAMMPS lists after it has loaded plugins, which it does for an input, but not for -h.
  std::string output_with_plugins(const fs::path &program)
  {
    const TemporaryFile input("info styles pair\ninfo styles fix\n");
    const auto captured = capture({program.string(), "-in", input.name, "-log", "none", "-nocite"},
                                  seconds_of_lammps);
    return captured ? captured->output : "";
  }

  /// The line in which LAMMPS says what it thinks of a plugin.
  std::string line_about_plugins(const std::string &output)
  {
    std::istringstream lines(output);
    std::string found;
    for (std::string line; std::getline(lines, line);)
      if (line.find("ERROR") != std::string::npos || line.find("plugin") != std::string::npos)
        found = line;
    return found;
  }

  std::string advice_on_plugin(const LammpsHelp &help, const std::string &output)
  {
    if (!help.loads_plugins())
      return "Use the lmp of this package, or build LAMMPS with the package PLUGIN.";
    if (!plugin_on_path())
      return "Name the folder of mlffplugin.so in the environment variable LAMMPS_PLUGIN_PATH.";
    return "Build the plugin for this LAMMPS, which says: '" + line_about_plugins(output) + "'.";
  }

  Finding examine_program(const fs::path &program)
  {
    Finding finding{program.string(), false, {}, {}, false};
    const auto captured = capture({program.string(), "-h"}, seconds_of_lammps);
    LammpsHelp help;
    if (captured && !captured->timed_out) help = LammpsHelp::parse(captured->output);
    if (help.version.empty()) {
      finding.found = !captured ? "cannot be started"
          : captured->timed_out
          ? "does not answer"
          : "no LAMMPS: " + captured->output.substr(0, captured->output.find('\n'));
      finding.advice = "Run '" + program.string() + " -h' to see why.";
      return finding;
    }
    auto missing = missing_styles(captured->output, styles);
    std::string source, output;
    if (!missing.empty() && help.loads_plugins() && plugin_on_path()) {
      output = output_with_plugins(program);
      missing = missing_styles(output, styles);
      source = " by its plugin";
    }
    finding.ok = missing.empty();
    finding.found = help.version + "; " +
        (finding.ok ? "has the styles of mlff" + source : "lacks " + joined(missing, ", ")) +
        "; Kokkos: " + (help.kokkos.empty() ? "none" : help.kokkos) + "; " +
        (help.mpi.empty() ? "no MPI" : help.mpi.substr(0, help.mpi.find(", package"))) +
        "; packages " + joined(help.packages, " ");
    return std::move(finding).or_else(advice_on_plugin(help, output));
  }

  Finding examine_plugin()
  {
    const auto plugin = plugin_on_path();
    const char *folders = std::getenv("LAMMPS_PLUGIN_PATH");
    if (plugin) return {"plugin", true, plugin->string()};
    return {"plugin", false,
            folders ? std::string("no ") + plugin_name + " in LAMMPS_PLUGIN_PATH=" + folders
                    : "LAMMPS_PLUGIN_PATH is not set",
            "Nothing to do for an lmp that has the styles; otherwise name the folder of "
            "mlffplugin.so there."};
  }

}    // namespace

FindingGroup examine_lammps(const std::string &lammps)
{
  FindingGroup group{"LAMMPS", {}};
  std::string usable;
  std::vector<Finding> list;
  for (const auto &program : programs(lammps)) {
    list.push_back(examine_program(program));
    if (list.back().ok && usable.empty()) usable = program.string();
  }
  Finding whole{"LAMMPS with mlff", !usable.empty(), usable, {}, true};
  if (usable.empty()) {
    whole.found = list.empty() ? "no lmp beside mlff or on PATH" : "none of those below";
    whole.advice = "Build the package with its LAMMPS, name one with --lmp, or load mlffplugin.so "
                   "into one.";
  }
  group.findings.push_back(whole);
  group.findings.insert(group.findings.end(), list.begin(), list.end());
  group.findings.push_back(examine_plugin());
  return group;
}

}    // namespace mlff
