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

torch::nn::Linear torch_linear(int in_features, int out_features, bool bias)
{
  return torch::nn::Linear(torch::nn::LinearOptions(in_features, out_features).bias(bias));
}

void add_named(std::vector<std::pair<std::string, torch::Tensor>> &list, const std::string &name,
               const torch::nn::Linear &module)
{
  list.emplace_back(name + ".weight", module->weight);
  if (module->bias.defined()) list.emplace_back(name + ".bias", module->bias);
}

std::pair<torch::Tensor, torch::Tensor>
radial_functions(const torch::Tensor &d, const torch::Tensor &centres, double cutoff)
{
  const double spacing = cutoff / double(centres.size(0) - 1);
  return {torch::exp(-0.5 / (spacing * spacing) * (d - centres).square()),
          0.5 * (torch::cos(std::numbers::pi / cutoff * d) + 1.0) * (d < cutoff)};
}

PainnLayers::PainnLayers(const PainnSizes &sizes, double cutoff) : sizes(sizes), cutoff(cutoff)
{
  const int F = sizes.features;
  filter = register_module("filter", torch_linear(sizes.radial, 3 * F * sizes.layers));
  for (int l = 0; l < sizes.layers; l++) {
    const std::string number = std::to_string(l);
    Layer layer;
    layer.message0 = register_module("message" + number + "_0", torch_linear(F, F));
    layer.message1 = register_module("message" + number + "_1", torch_linear(F, 3 * F));
    layer.mix = register_module("update" + number + "_mix", torch_linear(F, 2 * F, false));
    layer.update0 = register_module("update" + number + "_0", torch_linear(2 * F, F));
    layer.update1 = register_module("update" + number + "_1", torch_linear(F, 3 * F));
    layers.push_back(layer);
  }
  // stays in double whatever the precision of the network
  centres = torch::linspace(0.0, cutoff, sizes.radial, torch::kDouble);
}

std::vector<std::pair<std::string, torch::Tensor>> PainnLayers::named() const
{
  std::vector<std::pair<std::string, torch::Tensor>> list;
  add_named(list, "filter", filter);
  for (std::size_t l = 0; l < layers.size(); l++) {
    const std::string message = "message." + std::to_string(l),
                      update = "update." + std::to_string(l);
    add_named(list, message + ".0", layers[l].message0);
    add_named(list, message + ".1", layers[l].message1);
    add_named(list, update + ".mix", layers[l].mix);
    add_named(list, update + ".0", layers[l].update0);
    add_named(list, update + ".1", layers[l].update1);
  }
  return list;
}

std::vector<std::pair<std::string, torch::Tensor>> NamedModule::weights() const
{
  auto list = named();
  std::erase_if(list, [](const auto &entry) {
    return !is_trained(entry.first);
  });
  return list;
}

void NamedModule::load(const Potential &potential)
{
  torch::NoGradGuard guard;
  for (auto &[name, parameter] : named()) {
    const Tensor &tensor = potential.tensors.at(name);
    parameter.copy_(torch::tensor(tensor.values, torch::kDouble).reshape(tensor.shape));
  }
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
  const auto W = product(filter, phi.to(type)) * inside.to(type);    // [E, 3FL]

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

PainnModel::PainnModel(const Potential &potential) : PainnLayers(potential.sizes, potential.cutoff)
{
  const int F = sizes.features, n_species = potential.n_species();
  if (potential.is_global())
    long_range =
        register_module("fmm", std::make_shared<FmmLayers>(potential.sizes, potential.fmm));
  embedding = register_parameter("embedding", torch::randn({n_species, F}));
  readout0 = register_module("readout_0", torch_linear(F, F / 2));
  readout1 = register_module("readout_1", torch_linear(F / 2, 1));
  // these stay in double whatever the precision of the network
  reference_energy = torch::zeros({n_species}, torch::kDouble);
  scale = torch::ones({}, torch::kDouble);
}

std::vector<std::pair<std::string, torch::Tensor>> PainnModel::named() const
{
  auto list = PainnLayers::named();
  list.insert(list.end(),
              {{"embedding", embedding}, {"reference_energy", reference_energy}, {"scale", scale}});
  if (long_range) {
    const auto more = long_range->named();
    list.insert(list.end(), more.begin(), more.end());
  }
  add_named(list, "readout.0", readout0);
  add_named(list, "readout.1", readout1);
  return list;
}

void PainnModel::store(Potential &potential) const
{
  for (const auto &[name, parameter] : named()) {
    const auto values = parameter.detach().to(torch::kCPU, torch::kDouble).contiguous();
    Tensor tensor;
    tensor.dtype = name == "reference_energy" || name == "scale" ? "F64" : "F32";
    tensor.shape = values.sizes().vec();
    tensor.values.assign(values.data_ptr<double>(), values.data_ptr<double>() + values.numel());
    potential.tensors[name] = std::move(tensor);
  }
}

torch::Tensor PainnModel::forward(const torch::Tensor &species, const torch::Tensor &centre,
                                  const torch::Tensor &neighbor, const torch::Tensor &r,
                                  const FmmSystem &system)
{
  if (scale.device() != r.device()) {
    reference_energy = reference_energy.to(r.device());
    scale = scale.to(r.device());
  }
  auto [s, v] = run_layers(embedding.index_select(0, species), {}, centre, neighbor, r,
                           long_range != nullptr);
  if (long_range) s = long_range->run(s, v, system).first;
  const auto network = product(readout1, torch::silu(product(readout0, s))).squeeze(1);
  return network.to(torch::kDouble) * scale + reference_energy.index_select(0, species);
}

}    // namespace mlff
