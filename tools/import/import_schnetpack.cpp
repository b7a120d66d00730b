#include "import/import_schnetpack.h"

#include "core/elements.h"
#include "models/painn/painn_kind.h"
#include "models/painn/painn_tensors.h"

#include <cmath>
#include <set>

namespace mlff {

namespace {

  /// What SchNetPack calls a tensor of PaiNN's layers, filters and readout.
  std::string schnetpack_name(const std::string &name)
  {
    const auto begins = [&](const std::string &words) {
      return name.starts_with(words);
    };
    if (begins("filter.")) return "representation.filter_net." + name.substr(7);
    if (begins("readout.")) return "output_modules.0.outnet." + name.substr(8);
    // message.<layer>.<rest> and update.<layer>.<rest>
    const auto first = name.find('.') + 1, second = name.find('.', first) + 1;
    const std::string layer = name.substr(first, second - first), rest = name.substr(second);
    if (begins("message."))
      return "representation.interactions." + layer + "interatomic_context_net." + rest;
    return "representation.mixing." + layer +
        (rest.starts_with("mix.") ? "mu_channel_" + rest : "intraatomic_context_net." + rest);
  }

}    // namespace

Potential import_schnetpack(const std::string &path, const std::vector<int> &elements,
                            double energy_unit)
{
  const NpzFile file(path);
  const auto fail = [&](const std::string &what) {
    return FileError("weights file '" + path + "': " + what);
  };
  std::set<std::string> used;
  const auto read = [&](const std::string &name) {
    used.insert(name);
    return file.read(name);
  };

  Potential potential;
  potential.set_kind(painn_kind);
  potential.elements = elements;

  // sizes
  const Array embedding = read("representation.embedding.weight");
  const Array filter = read("representation.filter_net.weight");
  const Array cutoff = read("representation.cutoff_fn.cutoff");
  if (embedding.shape.size() != 2 || filter.shape.size() != 2 || cutoff.values.size() != 1)
    throw fail("embedding, filter_net or cutoff has an unexpected shape");
  for (const auto extent : {embedding.shape[1], filter.shape[1]})
    if (extent < 2 || extent > 65536)
      throw fail("embedding or filter_net has " + std::to_string(extent) +
                 " columns; expected 2 to 65536");
  const int F = int(embedding.shape[1]);
  int layers = 0;
  while (file.has("representation.interactions." + std::to_string(layers) +
                  ".interatomic_context_net.0.weight"))
    layers++;
  const PainnSizes sizes{F, layers, int(filter.shape[1])};
  painn_sizes(potential) = sizes;
  potential.cutoff = cutoff.values[0];
  const std::int64_t rows_of_filters = std::int64_t(3) * F * layers;
  if (layers == 0 || filter.shape[0] != rows_of_filters)
    throw fail("filter_net has " + std::to_string(filter.shape[0]) +
               " rows; expected 3 * features * layers = " + std::to_string(rows_of_filters) +
               " (filters shared between layers are not read)");

  // the radial functions must be those of this package: K Gaussians at equal distances from 0 to
  // the cutoff
  const Array offsets = read("representation.radial_basis.offsets"),
              widths = read("representation.radial_basis.widths");
  const int K = sizes.radial;
  const double spacing = potential.cutoff / (K - 1);
  for (int k = 0; k < K; k++)
    if (int(offsets.values.size()) != K || int(widths.values.size()) != K ||
        std::abs(offsets.values[k] - k * spacing) > 1e-5 ||
        std::abs(widths.values[k] - spacing) > 1e-5)
      throw fail("its radial basis is not " + std::to_string(K) +
                 " Gaussians at equal distances from 0 to the cutoff");

  // embedding, energies and scale follow below
  for (const auto &[name, entry] : painn_table(sizes, potential.n_species())) {
    if (!entry.trained() || name == "embedding") continue;
    const Array array = read(schnetpack_name(name));
    potential.tensors[name] = {"F32", array.shape, array.values};
  }

  // rows of the chosen elements only: the others were never trained
  double mean = 0.0;
  if (file.has("postprocessors.1.mean")) {
    const Array found = read("postprocessors.1.mean");
    if (found.values.size() != 1)
      throw fail("'postprocessors.1.mean' has " + std::to_string(found.values.size()) +
                 " numbers; expected one");
    mean = found.values[0];
  }
  const Array atomref = file.has("postprocessors.1.atomref") ? read("postprocessors.1.atomref")
                                                             : Array{{0}, {}};
  Tensor rows{"F32", {potential.n_species(), F}, {}}, reference{"F64", {potential.n_species()}, {}};
  for (const int z : elements) {
    if (z >= embedding.shape[0])
      throw fail("its embedding has " + std::to_string(embedding.shape[0]) + " rows and no " +
                 element_symbol(z));
    rows.values.insert(rows.values.end(), embedding.values.begin() + std::size_t(z) * F,
                       embedding.values.begin() + std::size_t(z + 1) * F);
    reference.values.push_back(
        (mean + (std::size_t(z) < atomref.values.size() ? atomref.values[z] : 0.0)) * energy_unit);
  }
  potential.tensors["embedding"] = rows;
  potential.tensors["reference_energy"] = reference;
  potential.tensors["scale"] = {"F64", {}, {energy_unit}};

  for (const auto &name : file.names())
    if (!used.contains(name))
      throw fail("it has the array '" + name +
                 "', which a PaiNN energy model of this kind does not have");
  potential.check(path);
  return potential;
}

}    // namespace mlff
