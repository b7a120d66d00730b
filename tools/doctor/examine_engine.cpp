// The engine of this build: kernels, LibTorch, potentials, and one evaluation.
#include "core/engine.h"
#include "core/graph.h"
#include "core/result.h"
#include "doctor/examinations.h"
#include "doctor/library_version.h"
#include "engine/make_engine.h"
#include "engine/version.h"
#include "kernels/instruction_set.h"
#include "models/random_model.h"
#include "potential/find_potential.h"
#include "structure/structure.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

namespace mlff {

namespace fs = std::filesystem;

namespace {

  Finding instruction_sets()
  {
    std::string list;
    for (const auto set : available_instruction_sets())
      list += (list.empty() ? "" : ", ") + std::string(word_of(instruction_set_words, set));
    Finding finding{"instruction set", false, "this processor has " + list, {}, true};
    try {
      const auto chosen = choose_instruction_set(InstructionSet::automatic);
      finding.ok = true;
      finding.found = std::string(word_of(instruction_set_words, chosen)) + "; " + finding.found;
      if (const char *named = std::getenv("MLFF_ISA"); named && *named)
        finding.found += "; MLFF_ISA=" + std::string(named);
    } catch (const std::exception &error) {
      finding.found = error.what();
      finding.advice = "Unset MLFF_ISA, or set it to one of: " + list + ".";
    }
    return finding;
  }

  /// A model of known weights gives a finite energy for a molecule.
  Finding evaluation()
  {
    Finding finding{"evaluation", false, {}, {}, true};
    try {
      const Potential potential = random_potential();
      const auto engine = make_engine(potential, {.engine = "host", .threads = 1});
      Structure water;
      water.numbers = {8, 1, 1};
      water.positions = {0, 0, 0, 0.96, 0, 0, -0.24, 0.93, 0};
      GraphStorage graph;
      append_graph(water, potential.elements, potential.cutoff, graph);
      Result result;
      engine->evaluate(graph.view(), result);
      finding.ok = std::isfinite(result.energy.at(0));
      finding.found = engine->description();
    } catch (const std::exception &error) {
      finding.found = error.what();
    }
    return std::move(finding).or_else("Build the package anew on this machine.");
  }

  Finding potentials()
  {
    std::string folders;
    std::error_code code;
    for (const auto &folder : potential_folders())
      if (fs::is_directory(folder, code))
        folders += (folders.empty() ? "" : ", ") + folder.lexically_normal().string();
    const std::size_t n = potential_names().size();
    Finding finding{"potentials", n > 0, std::to_string(n) + " in " + folders, {}, true};
    if (n == 0) {
      finding.found = "none in " + potential_folders().back().string();
      finding.advice = "Name a folder with potentials in the environment variable MLFF_POTENTIALS.";
    }
    return finding;
  }

  Finding libtorch()
  {
    const auto engines = available_engines();
    const bool there = std::find(engines.begin(), engines.end(), "torch") != engines.end();
    Finding finding{
        "LibTorch", there, there ? version_of_library("LibTorch") : "not in this build", {}};
    if (!there)
      finding.advice = "Nothing to do for the host engine; for the torch engine configure with "
                       "-D MLFF_TORCH=ON in an environment that has torch.";
    return finding;
  }

}    // namespace

FindingGroup examine_engine()
{
  FindingGroup group{"Engine", {{"mlff", true, version_with_commit()}}};
  group.findings.push_back(instruction_sets());
  group.findings.push_back(evaluation());
  group.findings.push_back(potentials());
  group.findings.push_back(libtorch());
  return group;
}

}    // namespace mlff
