// The networks of kstep-egnn and kstep-transformer.
#include "models/jump/torch/jump_variants_torch.h"

#include "models/jump/jump_kinds.h"
#include "models/jump/jump_tensors.h"

#include <torch/nn/functional/activation.h>

namespace mlff {

namespace {

  using Linear = torch::nn::Linear;

  // exp(20) is far from the largest number in single precision
  constexpr double largest_logit = 20.0;
  constexpr double floor_of_norms = 1e-8;    // under square roots

  /// Shared parts of the variants: start, geometry, head, and parameters under the names of the
  /// potential file.
  class Variant : public NamedModule, public JumpNetwork {
   public:
    explicit Variant(const Potential &potential) :
        F(painn_sizes(potential).features), L(painn_sizes(potential).layers),
        K(painn_sizes(potential).radial), cutoff(potential.cutoff),
        bound(jump_record(potential).bound), published(jump_record(potential).published)
    {
      // stays in double whatever the precision of the network
      centres = torch::linspace(0.0, cutoff, K, torch::kDouble);
    }

    NamedModule &module() override { return *this; }

    torch::Tensor forward(const JumpTensors &x) override
    {
      if (centres.device() != x.r.device()) centres = centres.to(x.r.device());
      return run(x, x.input.scalar_type(), x.input.size(0));
    }

   protected:
    struct Ends {
      torch::Tensor embedding, velocity, vectors;
      Linear readout0{nullptr}, readout1{nullptr};
    };
    int F, L, K;
    double cutoff, bound;
    bool published;
    torch::Tensor centres;
    Ends ends;

    /// Scalar features at the start, [N, F].
    torch::Tensor start(const torch::Tensor &rows, const torch::Tensor &input) const
    {
      const auto s = ends.embedding.index_select(0, rows);
      return published ? s + torch::matmul(input.select(1, 0), ends.velocity.t()) : s;
    }

    /// The head: a [N, 2, 3] within the bound.
    torch::Tensor bounded(const torch::Tensor &a) const
    {
      if (published) return bound * torch::tanh(a / bound);
      const auto norm = (a.square().sum(2, true) + floor_of_norms).sqrt();
      return a * (bound * torch::tanh(norm / bound) / norm);
    }

    torch::Tensor two_layers(Linear &first, Linear &second, const torch::Tensor &x) const
    {
      return second->forward(torch::silu(first->forward(x)));
    }

    /// forward() of N atoms with features of a type.
    virtual torch::Tensor run(const JumpTensors &x, at::ScalarType type, std::int64_t N) = 0;
  };

  class Egnn : public Variant {
   public:
    explicit Egnn(const Potential &potential) : Variant(potential), layers(std::size_t(L))
    {
      ModuleWalk walk(*this);
      walk_egnn(potential, walk, ends, layers);
    }

    torch::Tensor run(const JumpTensors &x, at::ScalarType type, std::int64_t N) override
    {
      const auto &[rows, input, centre, neighbor, r] = x;
      auto h = start(rows, input);
      auto w = torch::cat({input, torch::zeros({N, 1, 3}, input.options())},
                          1);    // [N, 3, 3]: vector, axis
      const auto inside =
          radial_functions((r * r).sum(1, true).sqrt(), centres, cutoff).second.to(type);
      for (auto &layer : layers) {
        const auto y = w.select(1, 2).to(torch::kDouble);
        const auto moved = r + y.index_select(0, neighbor) - y.index_select(0, centre);
        const auto d = (moved.square().sum(1, true) + floor_of_norms).sqrt();
        const auto phi = radial_functions(d, centres, cutoff).first.to(type);
        const auto u = (moved / d).to(type).unsqueeze(2),
                   push = (moved / (d + 1.0)).to(type).unsqueeze(1);    // [E, 3, 1] and [E, 1, 3]
        const auto two = w.narrow(1, 0, 2), wi = two.index_select(0, centre),
                   wj = two.index_select(0, neighbor);
        const auto m =
            torch::silu(two_layers(
                layer.edge0, layer.edge1,
                torch::cat({h.index_select(0, centre), h.index_select(0, neighbor), phi,
                            torch::matmul(wi, u).squeeze(2), torch::matmul(wj, u).squeeze(2),
                            torch::matmul(wi, wj.transpose(1, 2)).flatten(1)},
                           1))) *
            inside;
        const auto pushed =
            two_layers(layer.push0, layer.push1, m).unsqueeze(2) * push * inside.unsqueeze(2);
        const auto mixed =
            torch::matmul(two_layers(layer.mix0, layer.mix1, h).reshape({N, 3, 3}), w);
        w = (w + mixed).index_add(0, centre, pushed);
        const auto inner =
            torch::matmul(w.narrow(1, 0, 2), w.narrow(1, 0, 2).transpose(1, 2)).flatten(1);
        // w_0.w_0, w_0.w_1, w_1.w_1
        const auto products = torch::cat({inner.narrow(1, 0, 2), inner.narrow(1, 3, 1)}, 1);
        h = h +
            two_layers(layer.node0, layer.node1,
                       torch::cat({h, torch::zeros_like(h).index_add(0, centre, m), products}, 1));
      }
      return bounded(
          torch::matmul(two_layers(ends.readout0, ends.readout1, h).reshape({N, 2, 3}), w));
    }

   private:
    struct Layer {
      Linear edge0{nullptr}, edge1{nullptr}, push0{nullptr}, push1{nullptr}, mix0{nullptr},
          mix1{nullptr}, node0{nullptr}, node1{nullptr};
    };
    std::vector<Layer> layers;
  };

  class Transformer : public Variant {
   public:
    explicit Transformer(const Potential &potential) :
        Variant(potential), heads(jump_record(potential).heads),
        norm_floor(painn_sizes(potential).norm_floor), layers(std::size_t(L))
    {
      ModuleWalk walk(*this);
      walk_transformer(potential, walk, ends, layers);
    }

    torch::Tensor run(const JumpTensors &x, at::ScalarType type, std::int64_t N) override
    {
      const auto &[rows, input, centre, neighbor, r] = x;
      const std::int64_t n = F / heads;
      auto s = start(rows, input);
      // [N, 3, F]
      auto V = torch::matmul(input.transpose(1, 2), ends.vectors.index_select(0, rows));

      // every atom also attends to itself, at distance 0 and without a direction
      const auto self = torch::arange(N, centre.options());
      const auto i = torch::cat({centre, self}), j = torch::cat({neighbor, self});
      const auto d = torch::cat({(r * r).sum(1, true).sqrt(), torch::zeros({N, 1}, r.options())});
      const auto u = (torch::cat({r, torch::zeros({N, 3}, r.options())}) / d.clamp_min(1e-6))
                         .to(type)
                         .unsqueeze(2);
      const auto functions = radial_functions(d, centres, cutoff);
      const auto phi = functions.first.to(type), inside = functions.second.to(type);

      for (auto &layer : layers) {
        const auto normal = torch::layer_norm(s, {F});
        const auto query = layer.query->forward(normal).reshape({N, heads, n}),
                   key = layer.key->forward(normal).reshape({N, heads, n});
        const auto logit =
            (query.index_select(0, i) * key.index_select(0, j)).sum(2) / std::sqrt(double(n)) +
            layer.distance->forward(phi);    // [E, heads]
        const auto weight = torch::exp(largest_logit * torch::tanh(logit / largest_logit)) * inside;
        const auto total =
            torch::zeros({N, heads}, logit.options()).index_add(0, i, weight) + 1e-12;
        const auto alpha = (weight / total.index_select(0, i)).repeat_interleave(n, 1);    // [E, F]

        const auto value = layer.value->forward(normal).index_select(0, j);
        const auto a = alpha * value.narrow(1, 0, F), b = alpha * value.narrow(1, F, F),
                   c = alpha * value.narrow(1, 2 * F, F);
        s = s + layer.out->forward(torch::zeros_like(s).index_add(0, i, a));
        V = V.index_add(0, i, u * b.unsqueeze(1) + V.index_select(0, j) * c.unsqueeze(1));

        const auto pq = layer.mix->forward(V);
        const auto p = pq.narrow(2, 0, F), q = pq.narrow(2, F, F);
        const auto norm = (p.square().sum(1) + norm_floor).sqrt();
        const auto y = two_layers(layer.update0, layer.update1,
                                  torch::cat({torch::layer_norm(s, {F}), norm}, 1));
        s = s + y.narrow(1, 0, F) + y.narrow(1, 2 * F, F) * (p * q).sum(1);
        V = V + y.narrow(1, F, F).unsqueeze(1) * q;
      }
      const auto gate = two_layers(ends.readout0, ends.readout1, s).reshape({N, 2, F});
      return bounded(torch::matmul(gate, V.transpose(1, 2)));
    }

   private:
    struct Layer {
      Linear query{nullptr}, key{nullptr}, distance{nullptr}, value{nullptr}, out{nullptr},
          mix{nullptr}, update0{nullptr}, update1{nullptr};
    };
    int heads;
    double norm_floor;
    std::vector<Layer> layers;
  };

}    // namespace

std::shared_ptr<JumpNetwork> make_jump_variant(const Potential &potential)
{
  if (&potential.kind() == &kstep_egnn_kind) return std::make_shared<Egnn>(potential);
  if (&potential.kind() == &kstep_transformer_kind) return std::make_shared<Transformer>(potential);
  return nullptr;
}

}    // namespace mlff
