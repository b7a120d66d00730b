// Binds structure evaluation: flat arrays in, flat arrays out, without the lock of the interpreter.
#include "evaluator.h"

#include "core/elements.h"
#include "engine/structure_evaluator.h"
#include "potential/metadata.h"
#include "potential/model_kind.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace nb = nanobind;

namespace mlff {

namespace {

  using Json = nlohmann::ordered_json;
  using Doubles = nb::ndarray<const double, nb::c_contig, nb::device::cpu>;
  using Integers = nb::ndarray<const int, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
  using Flags = nb::ndarray<const std::uint8_t, nb::c_contig, nb::device::cpu>;

  /// A vector as an array that owns it.
  nb::object to_numpy(std::vector<double> &&from, std::vector<std::size_t> shape)
  {
    auto *values = new std::vector<double>(std::move(from));
    nb::capsule owner(values, [](void *pointer) noexcept {
      delete static_cast<std::vector<double> *>(pointer);
    });
    return nb::cast(
        nb::ndarray<nb::numpy, double>(values->data(), shape.size(), shape.data(), owner));
  }

  std::shared_ptr<StructureEvaluator> make(const std::vector<std::string> &paths,
                                           const std::map<std::string, std::string> &words)
  {
    EngineOptions options;
    for (const auto &[word, value] : words) options.set(word, value);
    const nb::gil_scoped_release release;
    std::vector<Potential> potentials;
    for (const auto &path : paths) {
      potentials.push_back(Potential::read(path));
      if (potentials.back().kind().gives_jumps)
        throw EngineError("potential file '" + path + "' holds a network of model '" +
                          potentials.back().model() +
                          "', which gives jumps, not energies and forces");
    }
    if (potentials.empty()) throw EngineError("no potential is given");
    return std::make_shared<StructureEvaluator>(std::move(potentials), options, paths);
  }

  std::string description(const StructureEvaluator &evaluator, std::size_t member)
  {
    const Potential &potential = evaluator.potentials().at(member);
    ModelDescription parts;
    potential.kind().file.describe(potential, parts);
    Json all = {{"model", potential.kind().name},
                {"sizes", parts.sizes},
                {"more", parts.more},
                {"elements", potential.elements},
                {"cutoff", potential.cutoff},
                {"parameters", potential.n_parameters()},
                {"date", potential.date},
                {"citation", potential.citation},
                {"sha256", potential.sha256}};
    all["training"] = Json::parse(potential.training, nullptr, false);
    for (std::size_t s = 0; s < potential.range.size(); s++)
      all["range"][element_symbol(potential.elements[s])] = {potential.range[s].force,
                                                             potential.range[s].nearest};
    return all.dump();
  }

  std::string engine_text(const StructureEvaluator &evaluator)
  {
    const EngineInfo info = evaluator.info();
    Json all = {{"backend", word_of(backend_words, info.backend)},
                {"precision", word_of(precision_words, info.precision)},
                {"device", word_of(device_words, info.device)},
                {"threads", info.threads},
                {"description", to_text(info)}};
    all["instruction_set"] = info.backend == Backend::host
        ? Json(word_of(instruction_set_words, info.instruction_set))
        : Json();
    return all.dump();
  }

  /// Structures from arrays of one behind the other. Throws StructureError where their lengths do
  /// not fit each other.
  std::vector<Structure> structures_of(const Integers &counts, const Integers &numbers,
                                       const Doubles &positions, const Doubles &cells,
                                       const Flags &periodic)
  {
    const std::size_t n = counts.shape(0);
    std::size_t n_atoms = 0;
    for (std::size_t s = 0; s < n; s++) {
      if (counts.data()[s] < 0) throw StructureError("a number of atoms is below zero");
      n_atoms += std::size_t(counts.data()[s]);
    }
    if (numbers.size() != n_atoms || positions.size() != 3 * n_atoms || cells.size() != 9 * n ||
        periodic.size() != 3 * n)
      throw StructureError(
          "arrays of " + std::to_string(numbers.size()) + " atomic numbers, " +
          std::to_string(positions.size()) + " coordinates, " + std::to_string(cells.size()) +
          " numbers of cells and " + std::to_string(periodic.size()) + " directions do not fit " +
          std::to_string(n) + " structures of " + std::to_string(n_atoms) + " atoms");
    std::vector<Structure> structures(n);
    std::size_t atom = 0;
    for (std::size_t s = 0; s < n; s++) {
      const std::size_t last = atom + std::size_t(counts.data()[s]);
      Structure &structure = structures[s];
      structure.numbers.assign(numbers.data() + atom, numbers.data() + last);
      structure.positions.assign(positions.data() + 3 * atom, positions.data() + 3 * last);
      std::copy_n(cells.data() + 9 * s, 9, structure.cell.begin());
      std::copy_n(periodic.data() + 3 * s, 3, structure.periodic.begin());
      atom = last;
    }
    return structures;
  }

  nb::tuple evaluate(StructureEvaluator &evaluator, const Integers &counts, const Integers &numbers,
                     const Doubles &positions, const Doubles &cells, const Flags &periodic)
  {
    Evaluation result;
    {
      const nb::gil_scoped_release release;
      result = evaluator.evaluate(structures_of(counts, numbers, positions, cells, periodic));
    }
    const std::size_t n = result.energy.size(), n_atoms = result.atom_energy.size();
    nb::object spread = nb::none(), energy_spread = nb::none();
    if (evaluator.is_committee()) {
      spread = to_numpy(std::move(result.spread), {n_atoms});
      energy_spread = to_numpy(std::move(result.energy_spread), {n});
    }
    return nb::make_tuple(
        to_numpy(std::move(result.energy), {n}), to_numpy(std::move(result.forces), {n_atoms, 3}),
        to_numpy(std::move(result.stress), {n, 3, 3}),
        to_numpy(std::move(result.atom_energy), {n_atoms}), spread, energy_spread);
  }

}    // namespace

void bind_evaluator(nb::module_ &module)
{
  nb::class_<StructureEvaluator>(module, "Evaluator",
                                 "Potentials of one or several files and their engine.")
      .def(nb::new_(&make), nb::arg("paths"), nb::arg("options"))
      .def("evaluate", &evaluate, nb::arg("counts"), nb::arg("numbers"), nb::arg("positions"),
           nb::arg("cells"), nb::arg("periodic"),
           "Energies, forces, stresses, energies of atoms, spread and energy spread of structures "
           "one behind the other.")
      .def("description", &description, nb::arg("member"), "What a file holds, as JSON.")
      .def("engine", &engine_text, "What the engine is, as JSON.")
      .def_prop_ro("cutoff", &StructureEvaluator::cutoff, "Largest cutoff of the potentials, Å.");
}

}    // namespace mlff
