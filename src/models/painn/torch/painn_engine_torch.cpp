// The torch engine of PaiNN, with or without a long-range block.
#include "models/painn/torch/painn_engine_torch.h"

#include "models/painn/torch/painn_torch.h"
#include "models/torch/torch_device.h"
#include "models/torch/torch_threads.h"

#include <torch/autograd.h>
// a file that only a LibTorch built with CUDA has
#if __has_include(<c10/cuda/impl/cuda_cmake_macros.h>)
#define MLFF_TORCH_CUDA
#include <c10/cuda/CUDAGuard.h>
#endif

#include <algorithm>
#include <optional>

namespace mlff {

namespace {

  /// Runs one evaluation on the stream of the program around us: its kernels and ours then need no
  /// synchronisation.
  class StreamScope {
   public:
    StreamScope(const torch::Device &device, void *stream)
    {
#ifdef MLFF_TORCH_CUDA
      if (device.is_cuda() && stream)
        guard.emplace(
            c10::cuda::getStreamFromExternal(static_cast<cudaStream_t>(stream), device.index()));
#endif
    }

   private:
#ifdef MLFF_TORCH_CUDA
    std::optional<c10::cuda::CUDAStreamGuard> guard;
#endif
  };

  class TorchEngine : public Engine {
   public:
    TorchEngine(const Potential &potential, const EngineOptions &options) :
        sizes(painn_sizes(potential)), long_range(long_range_form(potential, options)),
        model(std::make_shared<PainnModel>(potential)), place(options), stream(options.stream)
    {
      model->load(potential, place);
      model->eval();
      for (auto &parameter : model->parameters()) parameter.requires_grad_(false);
    }

    void evaluate(const Graph &graph, Result &result, GhostExchange *) override
    {
      require_whole_systems(graph,
                            "the torch engine evaluates whole systems: it cannot exchange features "
                            "with other ranks");
      begin_result(graph, result);
      if (long_range) {
        check_positions(graph);
        result.position_gradient.assign(3 * std::size_t(graph.n_centres()), 0.0);
        if (!graph.cell.empty())
          result.strain_gradient.assign(6 * std::size_t(graph.n_centres()), 0.0);
      }
      if (graph.n_centres() > 0) {
        try {
          run(graph, result);
        } catch (const c10::OutOfMemoryError &) {
          throw std::bad_alloc();
        } catch (const c10::Error &error) {
          // LibTorch's allocator of host memory has no error class of its own.
          if (std::string(error.what_without_backtrace()).find("not enough memory") !=
              std::string::npos)
            throw std::bad_alloc();
          throw EngineError(std::string("LibTorch: ") + error.what_without_backtrace());
        }
      }
      sum_energies(graph, result);
    }

    bool supports_domain_decomposition() const override { return false; }

    std::size_t bytes(int atoms, int edges) const override
    {
      // arrays that autograd keeps, in units of one feature: filters and messages per edge,
      // features per atom
      const std::size_t L = sizes.layers, F = sizes.features;
      const std::size_t width = c10::elementSize(place.type);
      return width *
          (std::size_t(edges) * (4 * std::size_t(sizes.radial) + L * F * 30) +
           std::size_t(atoms) * L * F * 48);
    }

    EngineInfo info() const override
    {
      EngineInfo info = place.info();
      info.long_range = long_range;
      return info;
    }

   private:
    PainnSizes sizes;
    std::optional<LongRangeForm> long_range;
    std::shared_ptr<PainnModel> model;
    TorchPlace place;
    void *stream;
    std::vector<int> centre;

    /// Below this many feature values a second thread costs more than it saves
    /// (doc/studies/benchmarks.md has the measurement).
    static constexpr std::size_t values_per_thread = 64 * 1024;

    int useful_threads(const Graph &graph) const
    {
      const std::size_t values = std::size_t(graph.n_edges()) * sizes.features;
      return int(
          std::clamp<std::size_t>(values / values_per_thread, 1, std::size_t(place.threads)));
    }

    void run(const Graph &graph, Result &result)
    {
      const ThreadScope scope(useful_threads(graph));
      const StreamScope on_stream(place.device, stream);
      centre.resize(graph.n_edges());
      for (int i = 0; i < graph.n_centres(); i++)
        for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++) centre[e] = i;

      const auto integers = [this](std::span<const int> values) {
        return torch::from_blob(const_cast<int *>(values.data()), {std::int64_t(values.size())},
                                torch::kInt)
            .to(place.device);
      };
      auto r = torch::from_blob(const_cast<double *>(graph.r.data()), {graph.n_edges(), 3},
                                torch::kDouble);
      r = place.device.is_cpu() ? r : r.to(place.device);
      r.requires_grad_(true);
      LongRangeSystem system;
      if (long_range) {
        system = {torch::from_blob(const_cast<double *>(graph.position.data()),
                                   {graph.n_centres(), 3}, torch::kDouble)
                      .to(place.device),
                  graph.first_atom, *long_range, graph.cell};
        system.position.requires_grad_(true);
        if (!graph.cell.empty())
          system.strain =
              torch::zeros({graph.n_centres(), 6}, system.position.options().requires_grad(true));
      }
      const auto energy = model->forward(integers(graph.species), integers(centre),
                                         integers(graph.neighbor), r, system);
      const auto on_host = energy.detach().to(torch::kCPU).contiguous();
      std::copy_n(on_host.data_ptr<double>(), graph.n_centres(), result.atom_energy.begin());
      std::vector<torch::Tensor> inputs;
      std::vector<std::vector<double> *> outputs;
      if (graph.n_edges() > 0) {
        inputs.push_back(r);
        outputs.push_back(&result.gradient);
      }
      if (long_range) {
        inputs.push_back(system.position);
        outputs.push_back(&result.position_gradient);
        if (system.strain.defined()) {
          inputs.push_back(system.strain);
          outputs.push_back(&result.strain_gradient);
        }
      }
      if (inputs.empty()) return;
      const auto gradients = torch::autograd::grad({energy.sum()}, inputs, {}, false, false, true);
      for (std::size_t k = 0; k < outputs.size(); k++) {
        if (!gradients[k].defined()) continue;    // atoms on their own
        const auto gradient = gradients[k].to(torch::kCPU).contiguous();
        std::copy_n(gradient.data_ptr<double>(), outputs[k]->size(), outputs[k]->begin());
      }
    }
  };

}    // namespace

std::unique_ptr<Engine> make_torch_engine(const Potential &potential, const EngineOptions &options)
{
  return std::make_unique<TorchEngine>(potential, options);
}

}    // namespace mlff
