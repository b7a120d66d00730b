// Gradient of a loss with respect to the weights of PaiNN, by LibTorch's autograd.
#include "models/painn/torch/painn_gradient_torch.h"

#include "models/painn/torch/painn_torch.h"
#include "models/torch/torch_device.h"
#include "models/torch/torch_threads.h"

#include <ATen/autocast_mode.h>
#include <torch/autograd.h>

#include <algorithm>
#include <optional>

namespace mlff {

namespace {

  /// Products of the enclosed forward pass in bfloat16.
  class AutocastScope {
   public:
    AutocastScope(torch::DeviceType device, bool on) : device(device), on(on)
    {
      if (!on) return;
      at::autocast::set_autocast_enabled(device, true);
      at::autocast::set_autocast_dtype(device, torch::kBFloat16);
      at::autocast::increment_nesting();
    }
    ~AutocastScope()
    {
      if (!on) return;
      if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
      at::autocast::set_autocast_enabled(device, false);
    }
    AutocastScope(const AutocastScope &) = delete;
    AutocastScope &operator=(const AutocastScope &) = delete;

   private:
    torch::DeviceType device;
    bool on;
  };

  class TorchGradient : public WeightGradient {
   public:
    TorchGradient(const Potential &potential, const EngineOptions &options, bool mixed) :
        model(potential), long_range(long_range_form(potential, options)), mixed(mixed),
        place(options), trained(model.load_trained(potential, place))
    {
    }

    void set_weights(std::span<const double> weights) override { trained.set(weights); }

    void add_gradient(const Graph &graph, const LossDerivative &loss,
                      std::span<double> gradient) override
    {
      Batch batch = prepare(graph);
      const ThreadScope scope(place.threads);
      torch::Tensor energy;
      {
        const AutocastScope autocast(place.device.type(), mixed);
        energy = model.forward(batch.species, batch.centre, batch.neighbor, batch.r, batch.system);
      }
      std::vector<torch::Tensor> inputs = {batch.displacement};
      if (batch.strain.defined()) inputs.push_back(batch.strain);
      const auto slopes = torch::autograd::grad({energy.sum()}, inputs, {}, true, true, true);
      const auto on_host = [](const torch::Tensor &x) {
        return x.detach().to(torch::kCPU).contiguous();
      };
      const auto force = (slopes[0].defined() ? slopes[0] : torch::zeros_like(inputs[0])).neg();
      const auto E = on_host(energy), F = on_host(force);
      auto energy_bar = torch::zeros_like(E), force_bar = torch::zeros_like(F);
      LossArrays arrays = {E.data_ptr<double>(),          F.data_ptr<double>(),         nullptr,
                           energy_bar.data_ptr<double>(), force_bar.data_ptr<double>(), nullptr};
      torch::Tensor strain, S, strain_bar;    // dE/dstrain, the same on the host, derivatives by it
      if (batch.strain.defined()) {
        strain = slopes[1].defined() ? slopes[1] : torch::zeros_like(inputs[1]);
        S = on_host(strain);
        strain_bar = torch::zeros_like(S);
        arrays.strain_gradient = S.data_ptr<double>();
        arrays.strain_bar = strain_bar.data_ptr<double>();
      }
      loss(0, graph.n_structures(), arrays);
      auto total =
          (energy * energy_bar.to(place.device)).sum() + (force * force_bar.to(place.device)).sum();
      if (strain.defined()) total = total + (strain * strain_bar.to(place.device)).sum();
      trained.add_derivative(total, gradient);
    }

    void add_jacobian_gradient(const Graph &graph, std::span<const int> component,
                               const JacobianDerivative &loss, std::span<double> gradient) override
    {
      Batch batch = prepare(graph);
      const ThreadScope scope(place.threads);
      const auto energy =
          model.forward(batch.species, batch.centre, batch.neighbor, batch.r, batch.system);
      const auto force =
          torch::autograd::grad({energy.sum()}, {batch.displacement}, {}, true, true)[0].neg();
      // structures do not see each other, so one product gives a row of each
      const auto chosen = force.reshape(-1).index_select(0, integers(component)).sum();
      const auto row = torch::autograd::grad({chosen}, {batch.displacement}, {}, true, true)[0];
      const auto on_host = row.detach().to(torch::kCPU).contiguous();
      auto bar = torch::zeros_like(on_host);
      loss(on_host.data_ptr<double>(), bar.data_ptr<double>());
      trained.add_derivative((row * bar.to(place.device)).sum(), gradient);
    }

    EngineInfo info() const override
    {
      EngineInfo info = place.info();
      info.mixed = mixed;
      info.long_range = long_range;
      return info;
    }

   private:
    PainnModel model;
    std::optional<LongRangeForm> long_range;
    bool mixed;
    TorchPlace place;
    TrainedParameters trained;

    struct Batch {
      torch::Tensor species, centre, neighbor, displacement, r;
      /// [structures, 6] xx, yy, zz, xy, xz, yz, zeros to derive by; undefined without cells
      torch::Tensor strain;
      LongRangeSystem system;
    };

    /// Strains the edges of periodic structures. Returns the strain that each atom sees, [N, 6].
    torch::Tensor add_strain(const Graph &graph, Batch &batch) const
    {
      std::vector<int> structure(graph.n_centres());
      std::vector<double> periodic(graph.n_structures());
      for (int s = 0; s < graph.n_structures(); s++) {
        periodic[s] = graph.cell_of(s) ? 1.0 : 0.0;
        std::fill(structure.begin() + graph.first_atom[s],
                  structure.begin() + graph.first_atom[s + 1], s);
      }
      const auto options = batch.r.options();
      batch.strain = torch::zeros({graph.n_structures(), 6}, options).requires_grad_(true);
      const auto mask = torch::tensor(periodic, torch::kDouble).to(place.device).unsqueeze(1);
      const auto of_atom = (batch.strain * mask).index_select(0, integers(structure));
      // each pair of off-diagonals shares a component
      const auto matrix =
          torch::stack(
              {of_atom.select(1, 0), 0.5 * of_atom.select(1, 3), 0.5 * of_atom.select(1, 4),
               0.5 * of_atom.select(1, 3), of_atom.select(1, 1), 0.5 * of_atom.select(1, 5),
               0.5 * of_atom.select(1, 4), 0.5 * of_atom.select(1, 5), of_atom.select(1, 2)},
              1)
              .view({-1, 3, 3})
              .index_select(0, batch.centre);
      batch.r = batch.r + torch::matmul(matrix, batch.r.unsqueeze(2)).squeeze(2);
      return of_atom;
    }

    torch::Tensor integers(std::span<const int> values) const
    {
      return torch::from_blob(const_cast<int *>(values.data()), {std::int64_t(values.size())},
                              torch::kInt)
          .clone()
          .to(place.device);
    }

    Batch prepare(const Graph &graph) const
    {
      require_whole_systems(graph, "training takes whole systems: the graph has ghosts");
      std::vector<int> centre(graph.n_edges());
      for (int i = 0; i < graph.n_centres(); i++)
        std::fill(centre.begin() + graph.first_edge[i], centre.begin() + graph.first_edge[i + 1],
                  i);
      Batch batch{
          integers(graph.species), integers(centre), integers(graph.neighbor), {}, {}, {}, {}};
      const auto r = torch::from_blob(const_cast<double *>(graph.r.data()), {graph.n_edges(), 3},
                                      torch::kDouble)
                         .clone()
                         .to(place.device);
      batch.displacement = torch::zeros({graph.n_centres(), 3}, r.options()).requires_grad_(true);
      batch.r = r + batch.displacement.index_select(0, batch.neighbor) -
          batch.displacement.index_select(0, batch.centre);
      torch::Tensor strain;
      if (!graph.cell.empty()) strain = add_strain(graph, batch);
      if (long_range) {
        check_positions(graph);
        const auto x = torch::from_blob(const_cast<double *>(graph.position.data()),
                                        {graph.n_centres(), 3}, torch::kDouble)
                           .clone()
                           .to(place.device);
        batch.system = {x + batch.displacement, graph.first_atom, *long_range, graph.cell, strain};
      }
      return batch;
    }
  };

}    // namespace

std::unique_ptr<WeightGradient> make_torch_gradient(const Potential &potential,
                                                    const EngineOptions &options, bool mixed)
{
  return std::make_unique<TorchGradient>(potential, options, mixed);
}

}    // namespace mlff
