// The extension module mlff._mlff: the engine without arguments that please, which the package
// around it has.
#include "core/engine_options.h"
#include "engine/version.h"
#include "errors.h"
#include "evaluator.h"
#include "kernels/instruction_set.h"
#include "potential/find_potential.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

namespace nb = nanobind;

NB_MODULE(_mlff, module)
{
  module.doc() = "The engine of mlff. The package mlff is what to use.";
  mlff::register_errors();
  mlff::bind_evaluator(module);
  module.def("version", &mlff::version, "Version of the package.");
  module.def("library_versions", &mlff::library_versions,
             "What the package was built with, a line each.");
  module.def("available_engines", &mlff::available_engines,
             "Engines of this build, the best first.");
  module.def(
      "available_instruction_sets",
      [] {
        std::vector<std::string> words;
        for (const auto set : mlff::available_instruction_sets())
          words.emplace_back(word_of(mlff::instruction_set_words, set));
        return words;
      },
      "Instruction sets of this build that the processor has, the best last.");
  module.def(
      "find_potential",
      [](const std::string &name) {
        return mlff::find_potential(name);
      },
      nb::arg("name"),
      "Path of a potential by its name; the name itself where there is no such file.");
  module.def(
      "potential_folders",
      [] {
        std::vector<std::string> folders;
        for (const auto &folder : mlff::potential_folders()) folders.push_back(folder.string());
        return folders;
      },
      "Folders in which potentials are looked for by name.");
}
