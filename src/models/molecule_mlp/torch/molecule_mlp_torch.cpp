// Engine and gradient of molecule-mlp in LibTorch.
#include "models/molecule_mlp/torch/molecule_mlp_torch.h"

#include "core/errors.h"
#include "models/torch/torch_device.h"
#include "models/torch/torch_threads.h"
#include "models/torch/trained_parameters.h"
#include "potential/potential.h"
#include "structure/bonded_molecule.h"

#include <torch/autograd.h>
#include <torch/torch.h>

#include <algorithm>

namespace mlff {

namespace {

  /// Weights and the forward pass.
  class MoleculeModel {
   public:
    MoleculeModel(const Potential &potential, const EngineOptions &options) :
        place(options), trained(zero_parameters(potential, place)),
        molecule(molecule_record(potential)), layers(int(molecule_record(potential).widths.size())),
        scale(potential.tensors.at("scale").values.at(0)),
        reference_energy(potential.tensors.at("reference_energy").values),
        matcher(molecule_record(potential), potential.elements, potential.cutoff)
    {
      trained.set(flat_weights(potential));
      mean = values(potential.tensors.at("input_mean").values);
      width = values(potential.tensors.at("input_scale").values);
      const int n = molecule.n_atoms();
      std::vector<std::int64_t> source;
      const auto group = group_of(molecule.generators, n, max_permutations);
      for (const auto &p : group)
        for (int i = 0; i < n; i++)
          for (int j = 0; j < i; j++) source.push_back(BondedMolecule::pair(p[i], p[j]));
      permutations = torch::tensor(source, torch::kLong).to(place.device);
      n_permutations = std::int64_t(group.size());
    }

    /// Edge vectors [edges][3] in double -> [molecules] without reference energies, double.
    torch::Tensor energy(const Graph &graph, const torch::Tensor &r)
    {
      try {
        matcher.find(graph);
      } catch (const MoleculeMismatch &error) {
        throw WrongMoleculeError(error.what());
      }
      const std::int64_t M = matcher.n_molecules(), D = molecule.n_pairs();
      const auto edges =
          torch::from_blob(const_cast<int *>(matcher.edges().data()), {M * D}, torch::kInt)
              .clone()
              .to(place.device);
      const auto inverse = r.index_select(0, edges).square().sum(1).rsqrt().reshape({M, D});
      auto h = ((inverse - mean) / width)
                   .to(place.type)
                   .index_select(1, permutations)
                   .reshape({M * n_permutations, D});
      for (int l = 0; l < layers; l++) {
        const std::string name = "layer." + std::to_string(l);
        h = torch::silu(torch::addmm(trained(name + ".bias"), h, trained(name + ".weight").t()));
      }
      const auto y = torch::addmm(trained("readout.bias"), h, trained("readout.weight").t());
      return scale * y.to(torch::kDouble).reshape({M, n_permutations}).mean(1);
    }

    /// Energies of atoms from those of molecules.
    void share(const Graph &graph, const double *energies, double *atom_energy) const
    {
      const std::size_t n = molecule.numbers.size();
      const auto &atoms = matcher.atoms();
      for (std::size_t k = 0; k < atoms.size(); k++)
        atom_energy[atoms[k]] =
            reference_energy[graph.species[atoms[k]]] + energies[k / n] / double(n);
    }

    const MoleculeMatcher &molecules() const { return matcher; }
    std::int64_t n_atoms() const { return molecule.n_atoms(); }

    TorchPlace place;
    TrainedParameters trained;
    std::int64_t n_permutations = 1;

   private:
    BondedMolecule molecule;
    int layers;
    double scale;
    std::vector<double> reference_energy;
    MoleculeMatcher matcher;
    torch::Tensor mean, width, permutations;

    torch::Tensor values(const std::vector<double> &list) const
    {
      return torch::from_blob(const_cast<double *>(list.data()), {std::int64_t(list.size())},
                              torch::kDouble)
          .clone()
          .to(place.device);
    }

    static TrainedParameters zero_parameters(const Potential &potential, const TorchPlace &place)
    {
      auto slices = weight_slices(potential);
      std::vector<torch::Tensor> tensors;
      for (const auto &slice : slices)
        tensors.push_back(
            torch::zeros(slice.shape, torch::TensorOptions(place.type).device(place.device)));
      return {std::move(slices), std::move(tensors)};
    }
  };

  class MoleculeTorchEngine : public Engine {
   public:
    MoleculeTorchEngine(const Potential &potential, const EngineOptions &options) :
        model(potential, options)
    {
    }

    void evaluate(const Graph &graph, Result &result, GhostExchange *) override
    {
      require_whole_systems(graph,
                            "model molecule-mlp takes whole molecules: it cannot exchange features "
                            "with other ranks");
      begin_result(graph, result);
      if (graph.n_centres() > 0) {
        try {
          const ThreadScope scope(model.place.threads);
          auto r = torch::from_blob(const_cast<double *>(graph.r.data()), {graph.n_edges(), 3},
                                    torch::kDouble)
                       .clone()
                       .to(model.place.device);
          r.requires_grad_(true);
          const auto energy = model.energy(graph, r);
          const auto gradient =
              torch::autograd::grad({energy.sum()}, {r})[0].to(torch::kCPU).contiguous();
          const auto on_host = energy.detach().to(torch::kCPU).contiguous();
          model.share(graph, on_host.data_ptr<double>(), result.atom_energy.data());
          std::copy_n(gradient.data_ptr<double>(), result.gradient.size(), result.gradient.begin());
        } catch (const c10::OutOfMemoryError &) {
          throw std::bad_alloc();
        } catch (const c10::Error &error) {
          throw EngineError(std::string("LibTorch: ") + error.what_without_backtrace());
        }
      }
      sum_energies(graph, result);
    }

    bool supports_domain_decomposition() const override { return false; }

    std::size_t bytes(int atoms, int edges) const override
    {
      return std::size_t((atoms * 100.0 + edges * 200.0) * double(model.n_permutations));
    }

    EngineInfo info() const override { return model.place.info(); }

   private:
    MoleculeModel model;
  };

  class MoleculeTorchGradient : public WeightGradient {
   public:
    MoleculeTorchGradient(const Potential &potential, const EngineOptions &options) :
        model(potential, options)
    {
      for (auto &parameter : model.trained.tensors) parameter.requires_grad_(true);
    }

    void set_weights(std::span<const double> weights) override { model.trained.set(weights); }

    void add_gradient(const Graph &graph, const LossDerivative &loss,
                      std::span<double> gradient) override
    {
      require_whole_systems(graph, "training takes whole systems: the graph has ghosts");
      const ThreadScope scope(model.place.threads);
      const auto integers = [&](const std::vector<int> &list) {
        return torch::tensor(list, torch::kInt).to(model.place.device);
      };
      std::vector<int> centre(graph.n_edges()),
          neighbor(graph.neighbor.begin(), graph.neighbor.end());
      for (int i = 0; i < graph.n_centres(); i++)
        std::fill(centre.begin() + graph.first_edge[i], centre.begin() + graph.first_edge[i + 1],
                  i);
      const auto r0 = torch::from_blob(const_cast<double *>(graph.r.data()), {graph.n_edges(), 3},
                                       torch::kDouble)
                          .clone()
                          .to(model.place.device);
      auto displacement = torch::zeros({graph.n_centres(), 3}, r0.options()).requires_grad_(true);
      const auto energy = model.energy(graph,
                                       r0 + displacement.index_select(0, integers(neighbor)) -
                                           displacement.index_select(0, integers(centre)));
      if (model.molecules().n_molecules() != graph.n_structures())
        throw EngineError("training of molecule-mlp takes one molecule a structure");
      const auto force =
          torch::autograd::grad({energy.sum()}, {displacement}, {}, true, true)[0].neg();
      const auto E = energy.detach().to(torch::kCPU).contiguous(),
                 F = force.detach().to(torch::kCPU).contiguous();
      std::vector<double> atom_energy(graph.n_centres()), energy_bar(graph.n_centres(), 0.0);
      model.share(graph, E.data_ptr<double>(), atom_energy.data());
      auto force_bar = torch::zeros_like(F);
      loss(0, graph.n_structures(),
           {atom_energy.data(), F.data_ptr<double>(), nullptr, energy_bar.data(),
            force_bar.data_ptr<double>(), nullptr});
      auto c = torch::zeros_like(E);
      for (int s = 0; s < graph.n_structures(); s++)
        for (int i = graph.first_atom[s]; i < graph.first_atom[s + 1]; i++)
          c.data_ptr<double>()[s] += energy_bar[i] / double(model.n_atoms());
      model.trained.add_derivative((energy * c.to(model.place.device)).sum() +
                                       (force * force_bar.to(model.place.device)).sum(),
                                   gradient);
    }

    EngineInfo info() const override { return model.place.info(); }

   private:
    MoleculeModel model;
  };

}    // namespace

std::unique_ptr<Engine> make_molecule_torch_engine(const Potential &potential,
                                                   const EngineOptions &options)
{
  return std::make_unique<MoleculeTorchEngine>(potential, options);
}

std::unique_ptr<WeightGradient> make_molecule_torch_gradient(const Potential &potential,
                                                             const EngineOptions &options, bool)
{
  return std::make_unique<MoleculeTorchGradient>(potential, options);
}

}    // namespace mlff
