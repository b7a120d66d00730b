#include "fmm_torch.h"

#include <torch/nn/functional/activation.h>

#include <algorithm>
#include <cmath>

namespace mlff {

namespace {

  /// Spherical Bessel functions j0 and j1, with their series where the terms of j1 cancel.
  std::pair<torch::Tensor, torch::Tensor> spherical_bessel(const torch::Tensor &x)
  {
    const auto small = x < 1e-2;
    const auto safe = torch::where(small, torch::ones_like(x), x), square = x * x;
    const auto ratio = torch::sin(safe) / safe;
    const auto j0 = torch::where(small, 1.0 - square / 6.0 * (1.0 - square / 20.0), ratio);
    const auto j1 = torch::where(small, x / 3.0 * (1.0 - square / 10.0 * (1.0 - square / 28.0)), (ratio - torch::cos(safe)) / safe);
    return {j0, j1};
  }

  double diameter_of(const torch::Tensor &x)
  {
    return (x.amax(0) - x.amin(0)).norm().item<double>();
  }

}    // namespace

FmmLayers::FmmLayers(const PainnSizes &sizes, const FmmSizes &fmm) : sizes(sizes), fmm(fmm)
{
  const auto shapes = fmm_tensors(sizes, fmm);
  layers.resize(fmm.layers);
  for (int l = 0; l < fmm.layers; l++) {
    Layer &layer = layers[l];
    for (const auto &[name, place] : {std::pair{"query.weight", &layer.query},
                                      {"key.weight", &layer.key},
                                      {"value.weight", &layer.value},
                                      {"vector_value.weight", &layer.vector_value},
                                      {"radial.weight", &layer.radial},
                                      {"scalar_out.weight", &layer.scalar_out},
                                      {"vector_out.weight", &layer.vector_out},
                                      {"scalar_gate", &layer.scalar_gate},
                                      {"vector_gate", &layer.vector_gate}}) {
      std::string key = "fmm." + std::to_string(l) + "." + name;
      const auto &shape = shapes.at(key);
      std::replace(key.begin(), key.end(), '.', '_');
      *place = register_parameter(key, torch::zeros(shape));
    }
  }
}

std::vector<std::pair<std::string, torch::Tensor>> FmmLayers::named() const
{
  std::vector<std::pair<std::string, torch::Tensor>> list;
  for (std::size_t l = 0; l < layers.size(); l++) {
    const std::string name = "fmm." + std::to_string(l);
    const Layer &layer = layers[l];
    list.insert(list.end(),
                {{name + ".query.weight", layer.query},
                 {name + ".key.weight", layer.key},
                 {name + ".value.weight", layer.value},
                 {name + ".vector_value.weight", layer.vector_value},
                 {name + ".radial.weight", layer.radial},
                 {name + ".scalar_out.weight", layer.scalar_out},
                 {name + ".vector_out.weight", layer.vector_out},
                 {name + ".scalar_gate", layer.scalar_gate},
                 {name + ".vector_gate", layer.vector_gate}});
  }
  return list;
}

std::pair<torch::Tensor, torch::Tensor> FmmLayers::run(torch::Tensor s, torch::Tensor v, const FmmSystem &system) const
{
  const auto type = fmm.precision == "double" ? torch::kDouble : s.scalar_type();
  const std::int64_t N = s.size(0), H = fmm.heads, d = fmm.key_width, C = fmm.channels(sizes.features) / H, T = fmm.kappa_count;
  for (const Layer &layer : layers) {
    const auto weight = [&](const torch::Tensor &w) {
      return w.to(type);
    };
    const auto s_in = s.to(type), v_in = v.to(type);
    Heads heads;
    heads.q = (torch::elu(torch::matmul(s_in, weight(layer.query).t())) + 1.0).view({N, H, d});
    heads.k = (torch::elu(torch::matmul(s_in, weight(layer.key).t())) + 1.0).view({N, H, d});
    heads.V0 = torch::matmul(s_in, weight(layer.value).t()).view({N, H, C});
    heads.V1 = torch::matmul(v_in, weight(layer.vector_value).t()).view({N, 3, H, C});
    heads.a = weight(layer.radial).view({T, 4, H, C}).transpose(0, 1);
    // each structure in the form that is asked for, or expected to be faster
    std::vector<Sums> parts;
    for (std::size_t k = 0; k + 1 < system.first_atom.size();) {
      std::size_t last = k + 1;
      const auto atoms = [&](const torch::Tensor &x, std::size_t to) {
        return x.narrow(0, system.first_atom[k], system.first_atom[to] - system.first_atom[k]);
      };
      const auto is_direct = [&](std::size_t structure) {
        const int first = system.first_atom[structure], n = system.first_atom[structure + 1] - first;
        if (system.form != FmmForm::automatic || n == 0) return system.form == FmmForm::direct || n == 0;
        return direct_is_faster(fmm, sizes.features, n, diameter_of(system.position.detach().narrow(0, first, n)), type == torch::kFloat);
      };
      const bool pairs = is_direct(k);
      while (pairs && last + 1 < system.first_atom.size() && is_direct(last)) last++;
      std::vector<int> first(system.first_atom.begin() + long(k), system.first_atom.begin() + long(last) + 1);
      const int begin = first.front();
      for (int &i : first) i -= begin;
      const Heads own{atoms(heads.q, last), atoms(heads.k, last), atoms(heads.V0, last), atoms(heads.V1, last), heads.a};
      const FmmSystem part{atoms(system.position, last), first, system.form};
      parts.push_back(pairs ? direct(own, part) : linear(own, part));
      k = last;
    }
    const auto joined = [&](torch::Tensor Sums::*member) {
      std::vector<torch::Tensor> list;
      for (const auto &part : parts) list.push_back(part.*member);
      return list.size() == 1 ? list[0] : torch::cat(list, 0);
    };
    const auto scalars = torch::cat({joined(&Sums::s0).reshape({N, H * C}), joined(&Sums::s1).reshape({N, H * C})}, 1);
    s = s + (weight(layer.scalar_gate) * torch::matmul(scalars, weight(layer.scalar_out).t())).to(s.scalar_type());
    if (&layer == &layers.back()) break;
    const auto vectors = torch::cat({joined(&Sums::v0).reshape({N, 3, H * C}), joined(&Sums::v1).reshape({N, 3, H * C})}, 2);
    v = v + (weight(layer.vector_gate) * torch::matmul(vectors, weight(layer.vector_out).t())).to(v.scalar_type());
  }
  return {s, v};
}

FmmLayers::Sums FmmLayers::direct(const Heads &heads, const FmmSystem &system) const
{
  const auto type = heads.q.scalar_type();
  const auto device = system.position.device();
  std::vector<int> receivers, senders;
  for (std::size_t k = 0; k + 1 < system.first_atom.size(); k++)
    for (int i = system.first_atom[k]; i < system.first_atom[k + 1]; i++)
      for (int j = system.first_atom[k]; j < system.first_atom[k + 1]; j++)
        if (i != j) {
          receivers.push_back(i);
          senders.push_back(j);
        }
  const auto integers = [&](const std::vector<int> &list) {
    return torch::tensor(list, torch::kInt).to(device);
  };
  const auto i = integers(receivers), j = integers(senders);
  std::vector<double> frequencies;
  for (int t = 0; t < fmm.kappa_count; t++) frequencies.push_back(fmm.kappa(t));
  const auto kappa = torch::tensor(frequencies, torch::kDouble).to(device);

  const auto r = system.position.index_select(0, i) - system.position.index_select(0, j);
  const auto distance = r.square().sum(1, true).sqrt();                // [P, 1]
  const auto u = (r / distance).to(type).unsqueeze(2).unsqueeze(3);    // [P, 3, 1, 1]
  const auto [b0, b1] = spherical_bessel(distance * kappa);
  const auto j0 = b0.to(type), j1 = b1.to(type);
  const auto radial = [&](const torch::Tensor &bessel, int part) {
    const auto a = heads.a.select(0, part);    // [T, H, C]
    return torch::matmul(bessel, a.reshape({a.size(0), -1})).view({-1, a.size(1), a.size(2)});
  };
  const auto A = (heads.q.index_select(0, i) * heads.k.index_select(0, j)).sum(2, true);    // [P, H, 1]
  const auto V0 = heads.V0.index_select(0, j), V1 = heads.V1.index_select(0, j);
  // of the atom itself: j0 = 1, j1 = 0
  const auto own = (heads.q * heads.k).sum(2, true);    // [N, H, 1]
  const auto at_once = [&](int part) {
    return heads.a.select(0, part).sum(0);
  };
  Sums sums;
  sums.s0 = (own * at_once(scalar_from_scalar) * heads.V0).index_add(0, i, A * radial(j0, scalar_from_scalar) * V0);
  sums.s1 = torch::zeros_like(heads.V0).index_add(0, i, A * radial(j1, scalar_from_vector) * (u * V1).sum(1));
  sums.v0 = ((own * at_once(vector_from_vector)).unsqueeze(1) * heads.V1).index_add(0, i, (A * radial(j0, vector_from_vector)).unsqueeze(1) * V1);
  sums.v1 = torch::zeros_like(heads.V1).index_add(0, i, (A * radial(j1, vector_from_scalar) * V0).unsqueeze(1) * u);
  return sums;
}

FmmLayers::Sums FmmLayers::linear(const Heads &heads, const FmmSystem &system) const
{
  const auto type = heads.q.scalar_type();
  const auto device = system.position.device();
  const double tolerance = plane_wave_tolerance(type == torch::kFloat);
  std::vector<Sums> parts;
  for (std::size_t k = 0; k + 1 < system.first_atom.size(); k++) {
    const std::int64_t first = system.first_atom[k], n = system.first_atom[k + 1] - first;
    if (n == 0) continue;
    const auto x = system.position.narrow(0, first, n), at = x.detach();
    const auto waves = plane_waves(fmm, phase_of(fmm, diameter_of(at), tolerance), tolerance);
    const auto on_device = [&](const std::vector<double> &values) {
      return torch::tensor(values, torch::kDouble).to(device);
    };
    const auto u = on_device(waves.u).view({-1, 3});
    const auto t = torch::tensor(waves.frequency, torch::kInt).to(device);
    const auto theta = torch::matmul(x - 0.5 * (at.amax(0, true) + at.amin(0, true)), (u * on_device(waves.kappa).unsqueeze(1)).t());
    const auto c = torch::cos(theta).to(type), s = torch::sin(theta).to(type);    // [n, P]
    const auto q = heads.q.narrow(0, first, n), key = heads.k.narrow(0, first, n);
    const auto C = heads.V0.size(2);
    const auto V1 = heads.V1.narrow(0, first, n).transpose(1, 2).reshape({n, heads.V0.size(1), 3 * C});
    const auto V = torch::cat({heads.V0.narrow(0, first, n), V1}, 2);    // [n, H, 4C]
    const auto pairs = torch::einsum("nhd,nhe->nhde", {key, V});
    const auto Mc = torch::einsum("np,nhde->phde", {c, pairs}), Ms = torch::einsum("np,nhde->phde", {s, pairs});
    const auto Bc = torch::einsum("nhd,phde->nphe", {q, Mc}), Bs = torch::einsum("nhd,phde->nphe", {q, Ms});
    const auto cn = c.unsqueeze(2).unsqueeze(3), sn = s.unsqueeze(2).unsqueeze(3);
    const auto even = cn * Bc + sn * Bs, odd = sn * Bc - cn * Bs;    // [n, P, H, 4C]
    const auto weighted = [&](int part) {                            // [P, H, C]
      return heads.a.select(0, part).index_select(0, t) * on_device(waves.weight).to(type).view({-1, 1, 1});
    };
    const auto vectors = [&](const torch::Tensor &e) {    // [n, P, H, 3, C]
      return e.narrow(3, C, 3 * C).reshape({e.size(0), e.size(1), e.size(2), 3, C});
    };
    const auto direction = u.to(type);
    Sums sums;
    sums.s0 = torch::einsum("nphc,phc->nhc", {even.narrow(3, 0, C), weighted(scalar_from_scalar)});
    sums.v1 = torch::einsum("nphc,phc,pa->nahc", {odd.narrow(3, 0, C), weighted(vector_from_scalar), direction});
    sums.v0 = torch::einsum("nphac,phc->nahc", {vectors(even), weighted(vector_from_vector)});
    sums.s1 = torch::einsum("nphac,phc,pa->nhc", {vectors(odd), weighted(scalar_from_vector), direction});
    parts.push_back(sums);
  }
  if (parts.size() == 1) return parts[0];
  const auto joined = [&](torch::Tensor Sums::*member) {
    std::vector<torch::Tensor> list;
    for (const auto &part : parts) list.push_back(part.*member);
    return torch::cat(list, 0);
  };
  return {joined(&Sums::s0), joined(&Sums::s1), joined(&Sums::v0), joined(&Sums::v1)};
}

}    // namespace mlff
