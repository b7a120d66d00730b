// Reads the weights of a SchNetPack model and gives them our names.
#include "import/import_schnetpack.h"

#include "core/elements.h"
#include "models/painn/painn_kind.h"
#include "models/painn/painn_tensors.h"

#include <cmath>
#include <set>

namespace mlff {

namespace {

  /// Name in SchNetPack of a tensor of PaiNN's layers, filters and readout.
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

  /// Arrays of a SchNetPack model, and which of them were asked for.
  class WeightsFile {
   public:
    explicit WeightsFile(const std::string &path) : path(path), file(path) {}

    FileError error(const std::string &what) const
    {
      return FileError("weights file '" + path + "': " + what);
    }
    bool has(const std::string &name) const { return file.has(name); }
    Array read(const std::string &name)
    {
      used.insert(name);
      return file.read(name);
    }

    /// Throws FileError for an array that nothing asked for.
    void finish() const
    {
      for (const auto &name : file.names())
        if (!used.contains(name))
          throw error("it has the array '" + name +
                      "', which a PaiNN energy model of this kind does not have");
    }

   private:
    std::string path;
    NpzFile file;
    std::set<std::string> used;
  };

  /// Features, layers and radial functions, from the shapes of embedding and filters.
  PainnSizes sizes_of(WeightsFile &file, const Array &embedding)
  {
    const Array filter = file.read("representation.filter_net.weight");
    if (embedding.shape.size() != 2 || filter.shape.size() != 2)
      throw file.error("embedding, filter_net or cutoff has an unexpected shape");
    for (const auto extent : {embedding.shape[1], filter.shape[1]})
      if (extent < 2 || extent > 65536)
        throw file.error("embedding or filter_net has " + std::to_string(extent) +
                         " columns; expected 2 to 65536");
    int layers = 0;
    while (file.has("representation.interactions." + std::to_string(layers) +
                    ".interatomic_context_net.0.weight"))
      layers++;
    const PainnSizes sizes{int(embedding.shape[1]), layers, int(filter.shape[1])};
    const std::int64_t rows_of_filters = std::int64_t(3) * sizes.features * layers;
    if (layers == 0 || filter.shape[0] != rows_of_filters)
      throw file.error(
          "filter_net has " + std::to_string(filter.shape[0]) +
          " rows; expected 3 * features * layers = " + std::to_string(rows_of_filters) +
          " (filters shared between layers are not read)");
    return sizes;
  }

  /// Throws FileError unless the radial functions are those of this package: K Gaussians at equal
  /// distances from 0 to the cutoff (Å).
  void check_radial_basis(WeightsFile &file, int K, double cutoff)
  {
    const Array offsets = file.read("representation.radial_basis.offsets"),
                widths = file.read("representation.radial_basis.widths");
    const double spacing = cutoff / (K - 1);
    for (int k = 0; k < K; k++)
      if (int(offsets.values.size()) != K || int(widths.values.size()) != K ||
          std::abs(offsets.values[k] - k * spacing) > 1e-5 ||
          std::abs(widths.values[k] - spacing) > 1e-5)
        throw file.error("its radial basis is not " + std::to_string(K) +
                         " Gaussians at equal distances from 0 to the cutoff");
  }

  /// Embeddings and reference energies of the elements of a potential alone: rows of others were
  /// never trained.
  void read_species(WeightsFile &file, const Array &embedding, double energy_unit,
                    Potential &potential)
  {
    double mean = 0.0;
    if (file.has("postprocessors.1.mean")) {
      const Array found = file.read("postprocessors.1.mean");
      if (found.values.size() != 1)
        throw file.error("'postprocessors.1.mean' has " + std::to_string(found.values.size()) +
                         " numbers; expected one");
      mean = found.values[0];
    }
    const Array atomref = file.has("postprocessors.1.atomref")
        ? file.read("postprocessors.1.atomref")
        : Array{{0}, {}};
    const auto F = std::size_t(embedding.shape[1]);
    Tensor rows{"F32", {potential.n_species(), embedding.shape[1]}, {}},
        reference{"F64", {potential.n_species()}, {}};
    for (const int z : potential.elements) {
      if (z >= embedding.shape[0])
        throw file.error("its embedding has " + std::to_string(embedding.shape[0]) +
                         " rows and no " + element_symbol(z));
      rows.values.insert(rows.values.end(), embedding.values.begin() + std::size_t(z) * F,
                         embedding.values.begin() + std::size_t(z + 1) * F);
      reference.values.push_back(
          (mean + (std::size_t(z) < atomref.values.size() ? atomref.values[z] : 0.0)) *
          energy_unit);
    }
    potential.tensors["embedding"] = rows;
    potential.tensors["reference_energy"] = reference;
    potential.tensors["scale"] = {"F64", {}, {energy_unit}};
  }

}    // namespace

Potential import_schnetpack(const std::string &path, const std::vector<int> &elements,
                            double energy_unit)
{
  WeightsFile file(path);
  Potential potential;
  potential.set_kind(painn_kind);
  potential.elements = elements;

  const Array embedding = file.read("representation.embedding.weight"),
              cutoff = file.read("representation.cutoff_fn.cutoff");
  if (cutoff.values.size() != 1)
    throw file.error("embedding, filter_net or cutoff has an unexpected shape");
  const PainnSizes sizes = sizes_of(file, embedding);
  painn_sizes(potential) = sizes;
  potential.cutoff = cutoff.values[0];
  check_radial_basis(file, sizes.radial, potential.cutoff);

  // the embedding has rows of its own
  for (const auto &[name, entry] : painn_table(sizes, potential.n_species())) {
    if (!entry.trained() || name == "embedding") continue;
    const Array array = file.read(schnetpack_name(name));
    potential.tensors[name] = {"F32", array.shape, array.values};
  }
  read_species(file, embedding, energy_unit, potential);
  file.finish();
  potential.check(path);
  return potential;
}

}    // namespace mlff
