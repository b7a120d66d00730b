// The host engine of molecule-mlp, its packed weights, and one with random weights.
#include "models/molecule_mlp/molecule_mlp.h"

#include "core/errors.h"
#include "models/molecule_mlp/molecule_mlp_kind.h"
#include "models/molecule_mlp/molecule_tensors.h"
#include "models/painn/host/painn_host.h"
#include "models/random_model.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace mlff {

namespace {

  template <typename T> class MoleculeEngine : public Engine {
   public:
    MoleculeEngine(const Potential &potential, const EngineOptions &options) :
        host(options, molecule_mlp_kernels), formula(molecule_record(potential).formula()),
        matcher(molecule_record(potential), potential.elements, potential.cutoff),
        layers(potential), reference_energy(potential.tensors.at("reference_energy").values)
    {
      layers.set(flat_weights(potential));
      const auto &weights = layers.weights;
      double products = double(weights.pairs) * weights.layer[0].width;
      for (int l = 1; l < weights.layers; l++)
        products += double(weights.layer[l - 1].width) * weights.layer[l].width;
      flops_per_molecule = weights.permutations * 4.0 * products;
    }

    void evaluate(const Graph &graph, Result &result, GhostExchange *) override
    {
      require_whole_systems(graph,
                            "model molecule-mlp takes whole molecules: it cannot exchange features "
                            "with other ranks");
      begin_result(graph, result);
      try {
        matcher.find(graph);
      } catch (const MoleculeMismatch &error) {
        throw WrongMoleculeError(error.what());
      }
      const auto &weights = layers.weights;
      const int molecules = matcher.n_molecules();
      const int used = int(
          std::clamp(molecules * flops_per_molecule / flops_per_thread, 1.0, double(host.threads)));
      MoleculeWork<T> work;
      work.molecules = molecules;
      work.edge = matcher.edges().data();
      work.r = graph.r.data();
      work.energy = energy.resize(molecules);
      work.gradient = result.gradient.data();
      work.scratch = scratch.resize(std::size_t(used) * molecule_scratch(weights));
      host.call.evaluate(weights, work, used);

      const auto &atoms = matcher.atoms();
      const std::size_t n = atoms.size() / std::max(molecules, 1);
      for (int m = 0; m < molecules; m++)
        for (std::size_t k = m * n; k < (m + 1) * n; k++)
          result.atom_energy[atoms[k]] =
              reference_energy[graph.species[atoms[k]]] + work.energy[m] / double(n);
      sum_energies(graph, result);
    }

    bool supports_domain_decomposition() const override { return false; }

    std::size_t bytes(int atoms, int edges) const override
    {
      return sizeof(int) * (3 * std::size_t(atoms) + 2 * std::size_t(edges)) +
          sizeof(T) * std::size_t(molecule_scratch(layers.weights)) * host.threads;
    }

    EngineInfo info() const override
    {
      EngineInfo info = host.info();
      const int permutations = layers.weights.permutations;
      info.model = formula + " with " + std::to_string(permutations) +
          (permutations == 1 ? " permutation" : " permutations");
      return info;
    }

   private:
    HostKernels<T, MoleculeFunctions> host;
    std::string formula;
    MoleculeMatcher matcher;
    MoleculeLayers<T> layers;
    std::vector<double> reference_energy;
    double flops_per_molecule;
    Buffer<double> energy;
    Buffer<T> scratch;

    // work that pays for one more thread; the value for PaiNN
    static constexpr double flops_per_thread = 2e7;
  };

  template <typename T>
  void pack(const double *W, int out, int in, bool back, int rows, int columns,
            std::vector<T> &values)
  {
    values.assign(std::size_t((columns + panel_width - 1) / panel_width) * panel_width * rows,
                  T(0));
    for (int o = 0; o < out; o++)
      for (int k = 0; k < in; k++) {
        const int row = back ? o : k, column = back ? k : o;
        values[(std::size_t(column / panel_width) * rows + row) * panel_width +
               column % panel_width] = T(W[std::size_t(o) * in + k]);
      }
  }

}    // namespace

template <typename T>
MoleculeLayers<T>::MoleculeLayers(const Potential &potential) :
    input_mean(potential.tensors.at("input_mean").values),
    input_scale(potential.tensors.at("input_scale").values)
{
  const MoleculeRecord &molecule = molecule_record(potential);
  const int n = molecule.n_atoms(), D = padded(molecule.n_pairs());
  const auto group = group_of(molecule.generators, n, max_permutations);
  weights.pairs = molecule.n_pairs();
  weights.pairs_padded = D;
  weights.permutations = int(group.size());
  weights.layers = int(molecule.widths.size());
  weights.scale = potential.tensors.at("scale").values.at(0);
  weights.input_mean = input_mean.data();
  weights.input_scale = input_scale.data();
  source.assign(group.size() * D, weights.pairs);
  target.resize(group.size() * weights.pairs);
  for (std::size_t p = 0; p < group.size(); p++)
    for (int i = 0; i < n; i++)
      for (int j = 0; j < i; j++) {
        const int here = BondedMolecule::pair(i, j),
                  there = BondedMolecule::pair(group[p][i], group[p][j]);
        source[p * D + here] = there;
        target[p * weights.pairs + there] = here;
      }
  weights.source = source.data();
  weights.target = target.data();

  int in = weights.pairs;
  for (const int out : molecule.widths) {
    layers.push_back({in, padded(in), out, padded(out), 0, 0, {}, {}, {}});
    in = out;
  }
  OffsetWalk walk(weight_slices(potential));
  walk_molecule(molecule, potential.n_species(), walk, ends, layers);
}

template <typename T> void MoleculeLayers<T>::set(std::span<const double> flat)
{
  for (std::size_t l = 0; l < layers.size(); l++) {
    Layer &layer = layers[l];
    const int depth = l == 0 ? layer.in : layer.in_padded;
    pack(&flat[layer.hidden], layer.out, layer.in, false, depth, layer.out_padded, layer.forward);
    pack(&flat[layer.hidden], layer.out, layer.in, true, layer.out_padded, layer.in_padded,
         layer.back);
    layer.bias_values.assign(layer.out_padded, T(0));
    for (int o = 0; o < layer.out; o++) layer.bias_values[o] = T(flat[layer.hidden_bias + o]);
    weights.layer[l] = {{layer.forward.data(), depth, layer.out_padded},
                        {layer.back.data(), layer.out_padded, layer.in_padded},
                        layer.bias_values.data(),
                        layer.out_padded};
  }
  readout_values.assign(layers.back().out_padded, T(0));
  for (int o = 0; o < layers.back().out; o++) readout_values[o] = T(flat[ends.readout + o]);
  weights.readout = readout_values.data();
  weights.readout_bias = flat[ends.readout_bias];
}

template <typename T>
void MoleculeLayers<T>::add_sums(const MoleculeSums<T> &sums, std::span<double> gradient) const
{
  for (std::size_t l = 0; l < layers.size(); l++) {
    const Layer &layer = layers[l];
    for (int o = 0; o < layer.out; o++) {
      for (int k = 0; k < layer.in; k++)
        gradient[layer.hidden + std::size_t(o) * layer.in + k] +=
            double(sums.weight[l][std::size_t(k) * layer.out_padded + o]);
      gradient[layer.hidden_bias + o] += double(sums.bias[l][o]);
    }
  }
  for (int o = 0; o < layers.back().out; o++) gradient[ends.readout + o] += double(sums.readout[o]);
  gradient[ends.readout_bias] += *sums.readout_bias;
}

template class MoleculeLayers<float>;
template class MoleculeLayers<double>;

std::unique_ptr<Engine> make_molecule_engine(const Potential &potential,
                                             const EngineOptions &options)
{
  return make_in_precision<Engine, MoleculeEngine>(potential, options);
}

Potential random_molecule(const std::vector<int> &numbers, const std::vector<double> &positions,
                          const std::vector<int> &widths, int permutations, unsigned seed)
{
  Potential potential;
  potential.set_kind(molecule_mlp_kind);
  potential.date = "2026-01-01";
  MoleculeRecord &molecule = molecule_record(potential);
  static_cast<BondedMolecule &>(molecule) = bonded_molecule(numbers, positions);
  molecule.widths = widths;
  const int n = molecule.n_atoms();
  if (permutations != 1) {
    const auto all = equivalent_permutations(molecule, max_permutations);
    molecule.generators =
        generators_within(all, n, permutations > 0 ? permutations : max_permutations);
  }
  const std::set<int> elements(numbers.begin(), numbers.end());
  potential.elements.assign(elements.begin(), elements.end());
  std::vector<double> mean(molecule.n_pairs());
  double largest = 0.0;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < i; j++) {
      const double *a = &positions[3 * std::size_t(i)], *b = &positions[3 * std::size_t(j)];
      const double d = std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
      largest = std::max(largest, d);
      mean[BondedMolecule::pair(i, j)] = 1.0 / d;
    }
  potential.cutoff = std::ceil(2.0 * largest);
  set_random_weights(potential, seed);
  const auto group = group_of(molecule.generators, n, max_permutations);
  potential.tensors["input_mean"] = {
      "F64", {molecule.n_pairs()}, symmetric_means(molecule, group, mean)};
  potential.tensors["input_scale"] = {
      "F64", {molecule.n_pairs()}, std::vector<double>(mean.size(), 0.05)};
  return potential;
}

}    // namespace mlff
