// Libraries that make labels and molecules: each is tried on a small molecule.
#include "doctor/examinations.h"
#include "doctor/library_version.h"
#include "molecule/molecule.h"
#include "teacher/teacher.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace mlff {

namespace fs = std::filesystem;

namespace {

  Finding xtb()
  {
    Finding finding{"xTB", false, "not in this build",
                    "Install libxtb (Debian: libxtb-dev) and build the package anew to label with "
                    "xTB."};
    if (!has_teacher("xtb")) return finding;
    try {
      Structure hydrogen;
      hydrogen.numbers = {1, 1};
      hydrogen.positions = {0, 0, 0, 0, 0, 0.77};
      const double energy = make_teacher({.kind = "xtb"})->label(hydrogen).energy;
      finding.ok = std::isfinite(energy);
      finding.found = "libxtb " + version_of_library("xtb") + ", computes H2";
    } catch (const std::exception &error) {
      finding.found = "libxtb " + version_of_library("xtb") + ": " + error.what();
    }
    return std::move(finding).or_else("Install libxtb (Debian: libxtb-dev) anew.");
  }

  /// Files with which libxtb replaces the parameters that are compiled into it.
  Finding parameters()
  {
    std::string files;
    std::error_code code;
    for (const char *variable : {"XTBPATH", "XTBHOME"}) {
      const char *named = std::getenv(variable);
      std::istringstream list(named ? named : "");
      for (std::string folder; std::getline(list, folder, ':');)
        for (const auto &entry : fs::directory_iterator(folder, code))
          if (const auto name = entry.path().filename().string();
              name.starts_with("param_") || name.starts_with(".param_"))
            files += (files.empty() ? "" : ", ") + entry.path().string();
    }
    return {"xTB parameters", true,
            files.empty() ? "those in libxtb; XTBPATH and XTBHOME name no files of others"
                          : "files of XTBPATH and XTBHOME: " + files};
  }

  Finding rdkit()
  {
    Finding finding{"RDKit", false, {}, {}};
    try {
      finding.ok = make_molecule("C", 1, 1).n_atoms() == 5;
      finding.found = std::string(MLFF_RDKIT_VERSION) + (*MLFF_RDKIT_VERSION ? ", " : "") +
          "makes methane from its SMILES";
    } catch (const std::exception &error) {
      finding.found = error.what();
    }
    return std::move(finding).or_else(
        "Install RDKit (Debian: librdkit-dev) and build the package anew to make "
        "molecules from SMILES.");
  }

}    // namespace

FindingGroup examine_libraries()
{
  FindingGroup group{"Labels and molecules", {xtb()}};
  if (has_teacher("xtb")) group.findings.push_back(parameters());
  group.findings.push_back(rdkit());
  return group;
}

}    // namespace mlff
