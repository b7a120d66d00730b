// Jump networks in LibTorch: kstep-painn, the engine, and the gradient through one and many jumps.
#include "models/jump/torch/jump_torch.h"

#include "core/units.h"
#include "models/jump/jump_tensors.h"
#include "models/jump/torch/jump_variants_torch.h"
#include "models/torch/torch_device.h"
#include "models/torch/torch_threads.h"

#include <torch/autograd.h>
#include <torch/nn/functional/activation.h>

#include <algorithm>

namespace mlff {

namespace {

  /// kstep-painn, see jump.h.
  class JumpModel : public PainnLayers, public JumpNetwork {
   public:
    JumpModel(const Potential &potential) :
        PainnLayers(painn_sizes(potential), potential.cutoff),
        predictions(jump_record(potential).predictions())
    {
      ModuleWalk walk(*this);
      walk_jump(potential, walk, PainnPlaces{shared, shared, layers, ends});
    }

    torch::Tensor forward(const JumpTensors &x) override
    {
      const int F = sizes.features;
      const auto start = torch::matmul(x.input.transpose(1, 2),
                                       ends.vectors.index_select(0, x.rows));    // [N, 3, F]
      const auto [s, v] = run_layers(shared.embedding.index_select(0, x.rows), start, x.centre,
                                     x.neighbor, x.r, true);
      const auto gate = ends.readout1->forward(torch::silu(ends.readout0->forward(s)))
                            .reshape({-1, predictions, F});
      return torch::matmul(gate, v.transpose(1, 2));
    }

    NamedModule &module() override { return *this; }

   private:
    struct Ends {
      torch::Tensor vectors;
      torch::nn::Linear readout0{nullptr}, readout1{nullptr};
    };
    int predictions;
    Ends ends;
  };

  /// The network of a potential, without its weights.
  std::shared_ptr<JumpNetwork> make_network(const Potential &potential)
  {
    if (auto variant = make_jump_variant(potential)) return variant;
    return std::make_shared<JumpModel>(potential);
  }

  /// Base of engine and gradient: the model on its device, and arrays as tensors there.
  class TorchJumpBase {
   public:
    TorchJumpBase(const Potential &potential, const EngineOptions &options) :
        model(make_network(potential)), place(options),
        trained(model->module().load_trained(potential, place))
    {
    }

   protected:
    std::shared_ptr<JumpNetwork> model;
    TorchPlace place;
    TrainedParameters trained;
    std::vector<int> centre;

    torch::Tensor integers(std::span<const int> values) const
    {
      return torch::from_blob(const_cast<int *>(values.data()), {std::int64_t(values.size())},
                              torch::kInt)
          .to(place.device);
    }

    torch::Tensor numbers(std::span<const double> values, std::vector<std::int64_t> shape) const
    {
      return torch::from_blob(const_cast<double *>(values.data()), shape, torch::kDouble)
          .to(place.device);
    }

    void find_centres(const Graph &graph)
    {
      centre.resize(graph.n_edges());
      for (int i = 0; i < graph.n_centres(); i++)
        std::fill(centre.begin() + graph.first_edge[i], centre.begin() + graph.first_edge[i + 1],
                  i);
    }

    torch::Tensor forward(const Graph &graph, std::span<const int> rows,
                          std::span<const double> scaled)
    {
      find_centres(graph);
      return model->forward(
          {integers(rows), numbers(scaled, {graph.n_centres(), 2, 3}).to(place.type),
           integers(centre), integers(graph.neighbor), numbers(graph.r, {graph.n_edges(), 3})});
    }
  };

  class TorchJump : public JumpEngine, TorchJumpBase {
   public:
    TorchJump(const Potential &potential, const EngineOptions &options) :
        TorchJumpBase(potential, options), variables(potential)
    {
      model->module().eval();
      for (auto &parameter : model->module().parameters()) parameter.requires_grad_(false);
    }

    void evaluate(const Graph &graph, const JumpInput &input, JumpResult &result) override
    {
      variables.start(graph, input, rows, scaled);
      u.assign(scaled.size(), 0.0);
      if (graph.n_centres() > 0) {
        const ThreadScope scope(place.threads);
        const torch::NoGradGuard guard;
        try {
          const auto found =
              forward(graph, rows, scaled).to(torch::kCPU, torch::kDouble).contiguous();
          std::copy_n(found.data_ptr<double>(), u.size(), u.begin());
        } catch (const c10::Error &error) {
          throw EngineError(std::string("LibTorch: ") + error.what_without_backtrace());
        }
      }
      variables.finish(graph, input, u, result);
    }

    EngineInfo info() const override { return place.info(); }

   private:
    JumpVariables variables;
    std::vector<int> rows;
    std::vector<double> scaled, u;
  };

  class TorchJumpGradient : public JumpGradient, TorchJumpBase {
   public:
    TorchJumpGradient(const Potential &potential, const EngineOptions &options) :
        TorchJumpBase(potential, options), variables(potential),
        predictions(jump_record(potential).predictions()), strides(jump_record(potential).strides),
        cutoff(potential.cutoff)
    {
      const auto constant = [&](const char *name) {
        const Tensor &tensor = potential.tensors.at(name);
        return numbers(tensor.values, tensor.shape).clone();
      };
      linear = constant("linear");
      input_scale = constant("input_scale");
      target_scale = constant("target_scale");
    }

    void set_weights(std::span<const double> weights) override { trained.set(weights); }

    void add_gradient(const Graph &graph, std::span<const int> rows, std::span<const double> scaled,
                      const JumpLossDerivative &loss, std::span<double> gradient) override
    {
      require_whole_systems(graph, "training takes whole systems: the graph has ghosts");
      const ThreadScope scope(place.threads);
      const auto u = forward(graph, rows, scaled);
      const auto on_host = u.detach().to(torch::kCPU, torch::kDouble).contiguous();
      auto bar = torch::zeros_like(on_host);
      loss(0, graph.n_structures(), on_host.data_ptr<double>(), bar.data_ptr<double>());
      trained.add_derivative((u * bar.to(place.device, place.type)).sum(), gradient);
    }

    std::array<double, 4> add_chain_gradient(const JumpChain &chain, const JumpChainLoss &loss,
                                             std::span<double> gradient) override
    {
      if (chain.after.size() < 2)
        throw EngineError("a loss of roll-outs takes two jumps or more; found " +
                          std::to_string(chain.after.size()));
      if (predictions != 2) throw EngineError("a loss of roll-outs goes without a force head");
      const ThreadScope scope(place.threads);
      try {
        return chain_gradient(chain, loss, gradient);
      } catch (const c10::Error &error) {
        throw EngineError(std::string("LibTorch: ") + error.what_without_backtrace());
      }
    }

    EngineInfo info() const override { return place.info(); }

   private:
    JumpVariables variables;
    int predictions;
    std::vector<double> strides;    // fs
    double cutoff;
    torch::Tensor linear, input_scale, target_scale;
    GraphStorage graph;
    std::vector<int> rows;
    std::vector<double> scaled;

    /// Constants of a chain of jumps, per atom (N) or structure (S).
    struct ChainAtoms {
      // [N], [N], [N, 1], [N, 1], [S, 1], [N, 1], [N, 2, 2], [N, 2, 1], [N, 1, 1]
      torch::Tensor rows, structure, mass, root, total, stride_ps, A, scale, share;

      torch::Tensor sum(const torch::Tensor &x) const    // over the atoms of each structure
      {
        auto shape = x.sizes().vec();
        shape[0] = total.size(0);
        return torch::zeros(shape, x.options()).index_add(0, structure, x);
      }
      // relative to the mean, weighted with the mass
      torch::Tensor relative(const torch::Tensor &x) const
      {
        return x - (sum(mass * x) / total).index_select(0, structure);
      }
      torch::Tensor angular_momentum(const torch::Tensor &x, const torch::Tensor &v) const
      {
        return sum(mass * torch::linalg_cross(relative(x), relative(v), 1));
      }
      torch::Tensor kinetic(const torch::Tensor &v) const
      {
        return 0.5 * sum(mass * relative(v).square()).sum(1);
      }
    };

    ChainAtoms atoms_of(const JumpChain &chain)
    {
      const int n = int(chain.species.size()), n_structures = int(chain.first_atom.size()) - 1;
      std::vector<int> structure(n), stride(n);
      std::vector<double> stride_ps(n), share(n);
      for (int s = 0; s < n_structures; s++)
        for (int i = chain.first_atom[s]; i < chain.first_atom[s + 1]; i++) {
          structure[i] = s;
          stride[i] = chain.start.stride.empty() ? 0 : chain.start.stride[s];
          stride_ps[i] = 1e-3 * strides[stride[i]];
          share[i] = 1.0 / (3.0 * (chain.first_atom[s + 1] - chain.first_atom[s]) * n_structures);
        }
      ChainAtoms atoms;
      atoms.rows = integers(rows).clone();
      atoms.structure = integers(structure).clone();
      atoms.mass = numbers(chain.start.mass, {n, 1}).clone();
      atoms.root = atoms.mass.sqrt();
      atoms.total = torch::zeros({n_structures, 1}, atoms.mass.options())
                        .index_add(0, atoms.structure, atoms.mass);
      atoms.stride_ps = numbers(stride_ps, {n, 1}).clone();
      atoms.A = linear.index_select(0, atoms.rows);
      atoms.scale = target_scale.index_select(0, integers(stride).clone()).unsqueeze(2);
      atoms.share = numbers(share, {n, 1, 1}).clone();
      return atoms;
    }

    /// Positions, velocities and forces [n][3] in a chain, with their derivatives.
    struct State {
      torch::Tensor x, v, force;
    };

    /// The end of a jump before conservation, and what the loss compares, [n][2][3].
    struct Jumped {
      torch::Tensor x, v, predicted;
    };

    /// The graph of all structures at positions [n][3].
    void set_graph(const JumpChain &chain, const double *x)
    {
      const int n_structures = int(chain.first_atom.size()) - 1;
      graph.clear();
      for (int s = 0; s < n_structures; s++) {
        const std::size_t begin = std::size_t(chain.first_atom[s]),
                          atoms = std::size_t(chain.first_atom[s + 1]) - begin;
        append_pairs(chain.species.subspan(begin, atoms), {x + 3 * begin, 3 * atoms}, cutoff,
                     graph);
      }
    }

    Jumped jump(const ChainAtoms &atoms, const State &start, bool first)
    {
      find_centres(graph.view());
      const auto i = integers(centre).clone(), j = integers(graph.neighbor).clone();
      const auto drift = start.v - atoms.relative(start.v), inner = start.v - drift,
                 f = eV_in_amu_square_angstrom_per_square_ps * start.force / atoms.mass;
      const auto input =
          torch::stack({atoms.root * inner / input_scale[0], atoms.root * f / input_scale[1]}, 1)
              .to(place.type);
      const auto u = model
                         ->forward({atoms.rows, input, i, j,
                                    start.x.index_select(0, j) - start.x.index_select(0, i)})
                         .to(torch::kDouble);
      // the linear fit and what the network adds
      const auto basis = torch::stack({inner, atoms.stride_ps * f}, 1);    // [N, 2, 3], velocities
      const auto change = torch::matmul(atoms.A, basis) *
              torch::stack({atoms.stride_ps, torch::ones_like(atoms.stride_ps)}, 1) +
          atoms.scale * u / atoms.root.unsqueeze(2);
      Jumped end;
      end.x = start.x + atoms.relative(change.select(1, 0)) + drift * atoms.stride_ps;
      end.v = start.v + atoms.relative(change.select(1, 1));
      // the loss of the first jump is that without roll-outs: net displacement and momentum of the
      // prediction count
      end.predicted = !first
          ? torch::stack({end.x, end.v}, 1)
          : torch::stack({start.x + change.select(1, 0) + drift * atoms.stride_ps,
                          start.v + change.select(1, 1)},
                         1);
      return end;
    }

    /// Conservation of angular momentum, then of energy, as a simulation does it; the state that
    /// the next jump starts from.
    void rescale_to_energy(const JumpChain &chain, const ChainAtoms &atoms, int k,
                           const torch::Tensor &place, Jumped &end, State &start)
    {
      const int n = int(chain.species.size()), n_structures = int(chain.first_atom.size()) - 1;
      const JumpChain::Place &after = chain.after[k];
      std::vector<double> reached_force(3 * std::size_t(n)), kinetic(n_structures);
      const auto arm = atoms.relative(end.x);
      const auto outer = torch::matmul(arm.unsqueeze(2), arm.unsqueeze(1));
      const auto one = torch::eye(3, arm.options());
      const auto inertia = atoms.sum(atoms.mass.unsqueeze(2) *
                                     (arm.square().sum(1).reshape({n, 1, 1}) * one - outer));
      // no moment about an axis: the floor leaves the velocities about it as they are
      const auto floor = 1e-9 * inertia.diagonal(0, 1, 2).sum(1).reshape({-1, 1, 1}) + 1e-9;
      const auto turn = torch::linalg_solve(inertia + floor * one,
                                            atoms.angular_momentum(end.x, end.v) -
                                                atoms.angular_momentum(start.x, start.v));
      end.v = end.v - torch::linalg_cross(turn.index_select(0, atoms.structure), arm, 1);
      if (chain.force_at) {
        const auto on_host = end.x.detach().to(torch::kCPU).contiguous();
        chain.force_at(k + 1, {on_host.data_ptr<double>(), 3 * std::size_t(n)}, reached_force,
                       kinetic);
        start.force = numbers(reached_force, {n, 3}).clone();
      } else
        start.force = numbers(after.force, {n, 3});
      const auto wanted = chain.force_at ? numbers(kinetic, {n_structures}).clone()
                                         : atoms.kinetic(place.select(1, 1));
      const auto factor = (wanted.clamp_min(0.0) / (atoms.kinetic(end.v) + 1e-12))
                              .clamp(0.81, 1.21)
                              .sqrt()
                              .unsqueeze(1);
      const auto internal = atoms.relative(end.v);
      start.v = end.v - internal + factor.index_select(0, atoms.structure) * internal;
      start.x = end.x;
    }

    std::array<double, 4> chain_gradient(const JumpChain &chain, const JumpChainLoss &loss,
                                         std::span<double> gradient)
    {
      const int n = int(chain.species.size()), jumps = int(chain.after.size());
      set_graph(chain, chain.x.data());
      variables.start(graph.view(), chain.start, rows, scaled);    // checks, and rows
      const ChainAtoms atoms = atoms_of(chain);

      State state = {numbers(chain.x, {n, 3}), numbers(chain.start.velocity, {n, 3}),
                     numbers(chain.start.force, {n, 3})};
      std::vector<torch::Tensor> terms;    // [2] for each jump
      for (int k = 0; k < jumps; k++) {
        if (k > 0) {
          const auto on_host = state.x.detach().to(torch::kCPU).contiguous();
          set_graph(chain, on_host.data_ptr<double>());
        }
        Jumped end = jump(atoms, state, k == 0);
        const JumpChain::Place &after = chain.after[k];
        const auto place =
            torch::stack({numbers(after.x, {n, 3}), numbers(after.velocity, {n, 3})}, 1);
        terms.push_back((atoms.share *
                         (atoms.root.unsqueeze(2) * (end.predicted - place) / atoms.scale).square())
                            .sum({0, 2}));
        if (k + 1 < jumps) rescale_to_energy(chain, atoms, k, place, end, state);
      }
      const auto weight =
          torch::tensor({loss.weight[0], loss.weight[1]}, torch::kDouble).to(place.device);
      torch::Tensor later = torch::zeros_like(terms[0]);
      for (int k = 1; k < jumps; k++) later = later + terms[k] / double(jumps - 1);
      trained.add_derivative((weight * (terms[0] + loss.later * later)).sum(), gradient);
      const auto first = terms[0].detach().to(torch::kCPU), rest = later.detach().to(torch::kCPU);
      return {first[0].item<double>(), first[1].item<double>(), rest[0].item<double>(),
              rest[1].item<double>()};
    }
  };

}    // namespace

std::unique_ptr<JumpEngine> make_torch_jump(const Potential &potential,
                                            const EngineOptions &options)
{
  return std::make_unique<TorchJump>(potential, options);
}

std::unique_ptr<JumpGradient> make_torch_jump_gradient(const Potential &potential,
                                                       const EngineOptions &options)
{
  return std::make_unique<TorchJumpGradient>(potential, options);
}

}    // namespace mlff
