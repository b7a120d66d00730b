// PaiNN in potential files: sizes in the metadata, tensors, description.
#include "models/painn/painn_sizes.h"

#include "models/painn/painn_tensors.h"
#include "potential/metadata.h"
#include "potential/potential.h"

#include <cmath>

namespace mlff {

void describe_painn_sizes(const Potential &potential, ModelDescription &description)
{
  const PainnSizes &sizes = painn_sizes(potential);
  description.sizes["features"] = sizes.features;
  description.sizes["layers"] = sizes.layers;
  description.sizes["radial"] = sizes.radial;
  description.sizes["norm_floor"] = sizes.norm_floor;
}

TensorTable painn_table(const PainnSizes &sizes, int n_species)
{
  return table_of([&](auto &walk, auto &nowhere) {
    walk_painn(sizes, n_species, walk, PainnPlaces{nowhere, nowhere, nowhere, nowhere});
  });
}

namespace {

  void read(const MetadataReader &metadata, Potential &potential)
  {
    const auto hyperparameters = metadata.hyperparameters();
    const auto size = [&](const char *key) {
      return whole_hyperparameter(metadata.path, hyperparameters, key, 1);
    };
    PainnSizes &sizes = painn_sizes(potential);
    sizes = {size("features"), size("layers"), size("radial")};
    // every layer has tensors of its own: a number that no file can have must not ask for their
    // names
    if (std::size_t(sizes.layers) > metadata.n_tensors)
      metadata.fail("hyperparameter 'layers' is " + std::to_string(sizes.layers) +
                    "; the file has " + std::to_string(metadata.n_tensors) + " tensors, too few");
    if (const auto floor = hyperparameters.find("norm_floor"); floor != hyperparameters.end()) {
      if (!floor->is_number())
        metadata.fail("hyperparameter 'norm_floor' is " + floor->dump() + "; expected a number");
      sizes.norm_floor = floor->get<double>();
    }
  }

  void write(const Potential &potential, MetadataWriter &metadata)
  {
    const PainnSizes &sizes = painn_sizes(potential);
    metadata.hyperparameters["features"] = sizes.features;
    metadata.hyperparameters["layers"] = sizes.layers;
    metadata.hyperparameters["radial"] = sizes.radial;
    if (sizes.norm_floor != PainnSizes().norm_floor)
      metadata.hyperparameters["norm_floor"] = sizes.norm_floor;
  }

  void check(const Potential &potential, const std::string &path)
  {
    const PainnSizes &sizes = painn_sizes(potential);
    if (!std::isfinite(sizes.norm_floor) || sizes.norm_floor <= 0.0)
      reject_potential(path,
                       "hyperparameter 'norm_floor' is " + number_text(sizes.norm_floor) +
                           "; expected a number above 0");
    if (sizes.radial < 2)
      reject_potential(path,
                       "hyperparameter 'radial' is " + std::to_string(sizes.radial) +
                           "; expected 2 or more");
  }

  std::string size_text(const Potential &potential)
  {
    const PainnSizes &sizes = painn_sizes(potential);
    return "F" + std::to_string(sizes.features) + " L" + std::to_string(sizes.layers) + " K" +
        std::to_string(sizes.radial);
  }

  TensorTable tensors(const Potential &potential)
  {
    return painn_table(painn_sizes(potential), potential.n_species());
  }

  void describe(const Potential &potential, ModelDescription &description)
  {
    describe_painn_sizes(potential, description);
    describe_reference_energies(potential, description);
  }

}    // namespace

const ModelFile painn_file = {read, write, check, tensors, size_text, describe};

}    // namespace mlff
