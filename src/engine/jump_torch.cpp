#include "jump_torch.h"

#include "painn_torch.h"
#include "torch_threads.h"

#include <torch/autograd.h>
#include <torch/cuda.h>
#include <torch/nn/functional/activation.h>

#include <algorithm>

namespace mlff {

namespace {

  /// kstep-painn, see jump.h.
  class JumpModel : public PainnLayers {
   public:
    JumpModel(const Potential &potential) : PainnLayers(potential.sizes, potential.cutoff)
    {
      const int F = sizes.features;
      const auto shapes = tensors_of(potential);
      embedding = register_parameter("embedding", torch::zeros(shapes.at("embedding")));
      vectors = register_parameter("vectors", torch::zeros(shapes.at("vectors")));
      readout0 = register_module("readout_0", torch_linear(F, F));
      readout1 = register_module("readout_1", torch_linear(F, 2 * F));
    }

    /// rows [N] int, scaled inputs [N, 2, 3]. Returns u [N, 2, 3].
    torch::Tensor forward(const torch::Tensor &rows, const torch::Tensor &input, const torch::Tensor &centre, const torch::Tensor &neighbor,
                          const torch::Tensor &r)
    {
      const int F = sizes.features;
      const auto start = torch::matmul(input.transpose(1, 2), vectors.index_select(0, rows));    // [N, 3, F]
      const auto [s, v] = run_layers(embedding.index_select(0, rows), start, centre, neighbor, r, true);
      const auto gate = readout1->forward(torch::silu(readout0->forward(s))).reshape({-1, 2, F});
      return torch::matmul(gate, v.transpose(1, 2));
    }

   protected:
    std::vector<std::pair<std::string, torch::Tensor>> named() const override
    {
      auto list = PainnLayers::named();
      list.insert(list.end(), {{"embedding", embedding}, {"vectors", vectors}});
      add_named(list, "readout.0", readout0);
      add_named(list, "readout.1", readout1);
      return list;
    }

   private:
    torch::Tensor embedding, vectors;
    torch::nn::Linear readout0{nullptr}, readout1{nullptr};
  };

  /// What the engine and the gradient share: the model on its device, and arrays as tensors there.
  class TorchJumpBase {
   public:
    TorchJumpBase(const Potential &potential, const EngineOptions &options) :
        model(std::make_shared<JumpModel>(potential)), type(options.precision == Precision::single_precision ? torch::kFloat : torch::kDouble),
        threads(options.threads > 0 ? options.threads : omp_get_max_threads()), device(torch::kCPU)
    {
      if (options.device == "cuda" || options.device == "auto") {
        if (torch::cuda::is_available())
          device = torch::Device(torch::kCUDA, std::int8_t(std::max(options.device_index, 0)));
        else if (options.device == "cuda")
          throw EngineError("device 'cuda' was asked for, but LibTorch finds none; accepted here: auto, cpu");
      } else if (options.device != "cpu")
        throw EngineError("unknown device '" + options.device + "'; accepted: auto, cpu, cuda");
      // double first, so that no weight is rounded twice
      model->to(torch::kDouble);
      model->load(potential);
      model->to(device, type);
    }

   protected:
    std::shared_ptr<JumpModel> model;
    torch::ScalarType type;
    int threads;
    torch::Device device;
    std::vector<int> centre;

    torch::Tensor forward(const Graph &graph, std::span<const int> rows, std::span<const double> scaled)
    {
      centre.resize(graph.n_edges());
      for (int i = 0; i < graph.n_centres(); i++) std::fill(centre.begin() + graph.first_edge[i], centre.begin() + graph.first_edge[i + 1], i);
      const auto integers = [this](std::span<const int> values) {
        return torch::from_blob(const_cast<int *>(values.data()), {std::int64_t(values.size())}, torch::kInt).to(device);
      };
      const auto r = torch::from_blob(const_cast<double *>(graph.r.data()), {graph.n_edges(), 3}, torch::kDouble).to(device);
      const auto input = torch::from_blob(const_cast<double *>(scaled.data()), {graph.n_centres(), 2, 3}, torch::kDouble).to(device, type);
      return model->forward(integers(rows), input, integers(centre), integers(graph.neighbor), r);
    }

    std::string text() const
    {
      return std::string("torch engine, ") + (type == torch::kFloat ? "single" : "double") + " precision, " +
          (device.is_cuda() ? "cuda" : "cpu, at most " + std::to_string(threads) + (threads == 1 ? " thread" : " threads"));
    }
  };

  class TorchJump : public JumpEngine, TorchJumpBase {
   public:
    TorchJump(const Potential &potential, const EngineOptions &options) : TorchJumpBase(potential, options), variables(potential)
    {
      model->eval();
      for (auto &parameter : model->parameters()) parameter.requires_grad_(false);
    }

    void evaluate(const Graph &graph, const JumpInput &input, JumpResult &result) override
    {
      variables.start(graph, input, rows, scaled);
      u.assign(scaled.size(), 0.0);
      if (graph.n_centres() > 0) {
        const ThreadScope scope(threads);
        const torch::NoGradGuard guard;
        try {
          const auto found = forward(graph, rows, scaled).to(torch::kCPU, torch::kDouble).contiguous();
          std::copy_n(found.data_ptr<double>(), u.size(), u.begin());
        } catch (const c10::Error &error) {
          throw EngineError(std::string("LibTorch: ") + error.what_without_backtrace());
        }
      }
      variables.finish(graph, input, u, result);
    }

    std::string description() const override { return text(); }

   private:
    JumpVariables variables;
    std::vector<int> rows;
    std::vector<double> scaled, u;
  };

  class TorchJumpGradient : public JumpGradient, TorchJumpBase {
   public:
    TorchJumpGradient(const Potential &potential, const EngineOptions &options) : TorchJumpBase(potential, options), slices(weight_slices(potential))
    {
      const auto weights = model->weights();
      for (const auto &slice : slices)
        for (const auto &[name, parameter] : weights)
          if (name == slice.name) parameters.push_back(parameter);
    }

    void set_weights(std::span<const double> weights) override
    {
      const torch::NoGradGuard guard;
      for (std::size_t k = 0; k < slices.size(); k++)
        parameters[k].copy_(torch::from_blob(const_cast<double *>(weights.data()) + slices[k].offset, slices[k].shape, torch::kDouble));
    }

    void add_gradient(const Graph &graph, std::span<const int> rows, std::span<const double> scaled, const JumpLossDerivative &loss,
                      std::span<double> gradient) override
    {
      if (graph.n_atoms() != graph.n_centres()) throw EngineError("training takes whole systems: the graph has ghosts");
      const ThreadScope scope(threads);
      const auto u = forward(graph, rows, scaled);
      const auto on_host = u.detach().to(torch::kCPU, torch::kDouble).contiguous();
      auto bar = torch::zeros_like(on_host);
      loss(0, graph.n_structures(), on_host.data_ptr<double>(), bar.data_ptr<double>());
      const auto derivative = torch::autograd::grad({(u * bar.to(device, type)).sum()}, parameters, {}, false, false, true);
      for (std::size_t k = 0; k < slices.size(); k++) {
        if (!derivative[k].defined()) continue;
        const auto values = derivative[k].to(torch::kCPU, torch::kDouble).contiguous();
        const double *p = values.data_ptr<double>();
        for (std::size_t i = 0; i < slices[k].size; i++) gradient[slices[k].offset + i] += p[i];
      }
    }

    std::string description() const override { return text(); }

   private:
    std::vector<WeightSlice> slices;
    std::vector<torch::Tensor> parameters;    // in the order of slices
  };

}    // namespace

std::unique_ptr<JumpEngine> make_torch_jump(const Potential &potential, const EngineOptions &options)
{
  return std::make_unique<TorchJump>(potential, options);
}

std::unique_ptr<JumpGradient> make_torch_jump_gradient(const Potential &potential, const EngineOptions &options)
{
  return std::make_unique<TorchJumpGradient>(potential, options);
}

}    // namespace mlff
