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
      const auto force =
          torch::autograd::grad({energy.sum()}, {batch.displacement}, {}, true, true)[0].neg();
      const auto E = energy.detach().to(torch::kCPU).contiguous(),
                 F = force.detach().to(torch::kCPU).contiguous();
      auto energy_bar = torch::zeros_like(E), force_bar = torch::zeros_like(F);
      loss(0, graph.n_structures(), E.data_ptr<double>(), F.data_ptr<double>(),
           energy_bar.data_ptr<double>(), force_bar.data_ptr<double>());
      trained.add_derivative((energy * energy_bar.to(place.device)).sum() +
                                 (force * force_bar.to(place.device)).sum(),
                             gradient);
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
      LongRangeSystem system;
    };

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
      Batch batch{integers(graph.species), integers(centre), integers(graph.neighbor), {}, {}, {}};
      const auto r = torch::from_blob(const_cast<double *>(graph.r.data()), {graph.n_edges(), 3},
                                      torch::kDouble)
                         .clone()
                         .to(place.device);
      batch.displacement = torch::zeros({graph.n_centres(), 3}, r.options()).requires_grad_(true);
      batch.r = r + batch.displacement.index_select(0, batch.neighbor) -
          batch.displacement.index_select(0, batch.centre);
      if (long_range) {
        check_positions(graph);
        const auto x = torch::from_blob(const_cast<double *>(graph.position.data()),
                                        {graph.n_centres(), 3}, torch::kDouble)
                           .clone()
                           .to(place.device);
        batch.system = {x + batch.displacement, graph.first_atom, *long_range, graph.cell};
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
