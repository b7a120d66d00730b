// The layers and the model of PaiNN in LibTorch.
#include "models/painn/torch/painn_torch.h"

#include <torch/nn/functional/activation.h>

#include <numbers>

namespace mlff {

namespace {

  /// A no-op after the product unless autocast computes products in a shorter type.
  torch::Tensor product(torch::nn::Linear &module, const torch::Tensor &x)
  {
    return module->forward(x).to(x.scalar_type());
  }

}    // namespace

std::pair<torch::Tensor, torch::Tensor>
radial_functions(const torch::Tensor &d, const torch::Tensor &centres, double cutoff)
{
  const double spacing = cutoff / double(centres.size(0) - 1);
  return {torch::exp(-0.5 / (spacing * spacing) * (d - centres).square()),
          0.5 * (torch::cos(std::numbers::pi / cutoff * d) + 1.0) * (d < cutoff)};
}

PainnLayers::PainnLayers(const PainnSizes &sizes, double cutoff) :
    sizes(sizes), layers(std::size_t(sizes.layers)), cutoff(cutoff)
{
  // stays in double whatever the precision of the network
  centres = torch::linspace(0.0, cutoff, sizes.radial, torch::kDouble);
}

std::pair<torch::Tensor, torch::Tensor>
PainnLayers::run_layers(torch::Tensor s, torch::Tensor v, const torch::Tensor &centre,
                        const torch::Tensor &neighbor, const torch::Tensor &r, bool vectors)
{
  const int F = sizes.features;
  const auto type = s.scalar_type();
  if (centres.device() != r.device()) centres = centres.to(r.device());

  // geometry, in double
  const auto d = (r * r).sum(1, true).sqrt();
  const auto u = (r / d).to(type).unsqueeze(2);    // [E, 3, 1]
  const auto [phi, inside] = radial_functions(d, centres, cutoff);
  const auto W = product(shared.filter, phi.to(type)) * inside.to(type);    // [E, 3FL]

  for (int l = 0; l < sizes.layers; l++) {
    Layer &layer = layers[l];
    // message
    const auto h = product(layer.message1, torch::silu(product(layer.message0, s)));
    const auto x = W.narrow(1, 3 * F * l, 3 * F) * h.index_select(0, neighbor);
    auto dv = u * x.narrow(1, F, F).unsqueeze(1);
    if (v.defined()) dv = dv + v.index_select(0, neighbor) * x.narrow(1, 2 * F, F).unsqueeze(1);
    s = s.index_add(0, centre, x.narrow(1, 0, F));
    v = (v.defined() ? v : torch::zeros({s.size(0), 3, F}, s.options())).index_add(0, centre, dv);
    // update
    const auto pq = product(layer.mix, v);
    const auto p = pq.narrow(2, 0, F), q = pq.narrow(2, F, F);
    const auto norm = (p.square().sum(1) + sizes.norm_floor).sqrt();
    const auto y =
        product(layer.update1, torch::silu(product(layer.update0, torch::cat({s, norm}, 1))));
    s = s + y.narrow(1, 0, F) + y.narrow(1, 2 * F, F) * (p * q).sum(1);
    if (l + 1 < sizes.layers || vectors) v = v + y.narrow(1, F, F).unsqueeze(1) * q;
  }
  return {s, v};
}

std::optional<LongRangeForm> long_range_form(const Potential &potential,
                                             const EngineOptions &options)
{
  if (!has_long_range(potential)) return std::nullopt;
  return options.long_range;
}

PainnModel::PainnModel(const Potential &potential) :
    PainnLayers(painn_sizes(potential), potential.cutoff)
{
  ModuleWalk walk(*this);
  walk_painn(sizes, potential.n_species(), walk, PainnPlaces{shared, shared, layers, ends});
  if (!has_long_range(potential)) return;
  long_range =
      register_module("fmm", std::make_shared<LongRangeLayers>(sizes, long_range_sizes(potential)));
  list.insert(list.end(), long_range->named().begin(), long_range->named().end());
}

torch::Tensor PainnModel::forward(const torch::Tensor &species, const torch::Tensor &centre,
                                  const torch::Tensor &neighbor, const torch::Tensor &r,
                                  const LongRangeSystem &system)
{
  if (ends.scale.device() != r.device()) {
    ends.reference_energy = ends.reference_energy.to(r.device());
    ends.scale = ends.scale.to(r.device());
  }
  auto [s, v] = run_layers(shared.embedding.index_select(0, species), {}, centre, neighbor, r,
                           long_range != nullptr);
  if (long_range) s = long_range->run(s, v, system).first;
  const auto network = product(ends.readout1, torch::silu(product(ends.readout0, s))).squeeze(1);
  return network.to(torch::kDouble) * ends.scale + ends.reference_energy.index_select(0, species);
}

}    // namespace mlff
