// The long-range block in LibTorch, in both forms.
#include "models/long_range/torch/long_range_torch.h"

#include <torch/nn/functional/activation.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mlff {

namespace {

  /// Spherical Bessel functions j0 and j1, with their series where the terms of j1 cancel.
  std::pair<torch::Tensor, torch::Tensor> spherical_bessel(const torch::Tensor &x)
  {
    const auto small = x < 1e-2;
    const auto safe = torch::where(small, torch::ones_like(x), x), square = x * x;
    const auto ratio = torch::sin(safe) / safe;
    const auto j0 = torch::where(small, 1.0 - square / 6.0 * (1.0 - square / 20.0), ratio);
    const auto j1 = torch::where(small, x / 3.0 * (1.0 - square / 10.0 * (1.0 - square / 28.0)),
                                 (ratio - torch::cos(safe)) / safe);
    return {j0, j1};
  }

  bool is_periodic(const LongRangeSystem &system, std::size_t structure)
  {
    Graph cells;
    cells.cell = system.cell;
    return cells.cell_of(int(structure)) != nullptr;
  }

  /// Frequency weights and directions of the waves of a structure, for each receiver or (m = 1) for
  /// all.
  struct Receivers {
    torch::Tensor weight, u;    // [m, P, T]; [m, P, 3]
  };

  /// Vectors G [P, 3] of a reciprocal lattice as receivers under a small strain [n, 6] of the cell
  /// see them.
  Receivers strained(const LongRangeSizes &block, const torch::Tensor &G, double volume,
                     const torch::Tensor &strain)
  {
    auto vectors = G.unsqueeze(0), size = torch::full({1, 1}, volume, G.options());
    if (strain.defined()) {
      const auto e = [&](int k, double factor) {
        return factor * strain.select(1, k);
      };
      const auto matrix = torch::stack({e(0, 1), e(3, 0.5), e(4, 0.5), e(3, 0.5), e(1, 1),
                                        e(5, 0.5), e(4, 0.5), e(5, 0.5), e(2, 1)},
                                       1)
                              .view({-1, 3, 3});
      vectors = vectors - torch::einsum("nab,pb->npa", {matrix, G});
      size = size * (1.0 + strain.narrow(1, 0, 3).sum(1, true));
    }
    const auto k = vectors.square().sum(2, true).sqrt();    // [m, P, 1]
    std::vector<double> frequencies, integrals;
    for (int t = 0; t < block.kappa_count; t++) {
      frequencies.push_back(block.kappa(t));
      integrals.push_back(window_integral(block, t));
    }
    const auto y = (k - torch::tensor(frequencies, G.options())) / window_width(block);
    const auto window = torch::where(y.abs() < 1.0, torch::cos(0.5 * std::numbers::pi * y).square(),
                                     torch::zeros_like(y)) /
        torch::tensor(integrals, G.options());
    return {4.0 * std::numbers::pi * std::numbers::pi * window / (k.square() * size.unsqueeze(2)),
            vectors / k};
  }

  double volume_of(const double *cell)
  {
    double volume = 0.0;
    for (int a = 0; a < 3; a++)
      volume += cell[a] *
          (cell[3 + (a + 1) % 3] * cell[6 + (a + 2) % 3] -
           cell[3 + (a + 2) % 3] * cell[6 + (a + 1) % 3]);
    return std::abs(volume);
  }

  double diameter_of(const torch::Tensor &x)
  {
    return (x.amax(0) - x.amin(0)).norm().item<double>();
  }

}    // namespace

LongRangeLayers::LongRangeLayers(const PainnSizes &sizes, const LongRangeSizes &block) :
    sizes(sizes), block(block), layers(std::size_t(block.layers))
{
  ModuleWalk walk(*this);
  walk_long_range(sizes, block, walk, layers);
}

std::pair<torch::Tensor, torch::Tensor> LongRangeLayers::run(torch::Tensor s, torch::Tensor v,
                                                             const LongRangeSystem &system) const
{
  const auto type = block.precision == "double" ? torch::kDouble : s.scalar_type();
  const std::int64_t N = s.size(0), H = block.heads, d = block.key_width,
                     C = block.channels(sizes.features) / H, T = block.kappa_count;
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
        const int first = system.first_atom[structure],
                  n = system.first_atom[structure + 1] - first;
        if (is_periodic(system, structure)) {
          if (system.form == LongRangeForm::direct)
            throw EngineError("the direct form of the long-range block is for open systems, this "
                              "one is periodic; use the linear form");
          return false;
        }
        if (system.form != LongRangeForm::automatic || n == 0)
          return system.form == LongRangeForm::direct || n == 0;
        return direct_is_faster(block, sizes.features, n,
                                diameter_of(system.position.detach().narrow(0, first, n)),
                                type == torch::kFloat);
      };
      const bool pairs = is_direct(k);
      while (pairs && last + 1 < system.first_atom.size() && is_direct(last)) last++;
      std::vector<int> first(system.first_atom.begin() + long(k),
                             system.first_atom.begin() + long(last) + 1);
      const int begin = first.front();
      for (int &i : first) i -= begin;
      const Heads structure_heads{atoms(heads.q, last), atoms(heads.k, last), atoms(heads.V0, last),
                                  atoms(heads.V1, last), heads.a};
      LongRangeSystem part{atoms(system.position, last), first, system.form};
      if (is_periodic(system, k)) {
        part.cell = system.cell.subspan(9 * k, 9);
        if (system.strain.defined()) part.strain = atoms(system.strain, last);
      }
      parts.push_back(pairs ? direct(structure_heads, part) : linear(structure_heads, part));
      k = last;
    }
    const auto joined = [&](torch::Tensor Sums::*member) {
      std::vector<torch::Tensor> list;
      for (const auto &part : parts) list.push_back(part.*member);
      return list.size() == 1 ? list[0] : torch::cat(list, 0);
    };
    const auto scalars = torch::cat(
        {joined(&Sums::s0).reshape({N, H * C}), joined(&Sums::s1).reshape({N, H * C})}, 1);
    s = s +
        (weight(layer.scalar_gate) * torch::matmul(scalars, weight(layer.scalar_out).t()))
            .to(s.scalar_type());
    if (&layer == &layers.back()) break;
    const auto vectors = torch::cat(
        {joined(&Sums::v0).reshape({N, 3, H * C}), joined(&Sums::v1).reshape({N, 3, H * C})}, 2);
    v = v +
        (weight(layer.vector_gate) * torch::matmul(vectors, weight(layer.vector_out).t()))
            .to(v.scalar_type());
  }
  return {s, v};
}

LongRangeLayers::Sums LongRangeLayers::direct(const Heads &heads,
                                              const LongRangeSystem &system) const
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
  for (int t = 0; t < block.kappa_count; t++) frequencies.push_back(block.kappa(t));
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
  // [P, H, 1]
  const auto A = (heads.q.index_select(0, i) * heads.k.index_select(0, j)).sum(2, true);
  const auto V0 = heads.V0.index_select(0, j), V1 = heads.V1.index_select(0, j);
  // Contribution of the atom to itself: j0 = 1, j1 = 0.
  const auto self_weight = (heads.q * heads.k).sum(2, true);    // [N, H, 1]
  const auto at_once = [&](int part) {
    return heads.a.select(0, part).sum(0);
  };
  Sums sums;
  sums.s0 = (self_weight * at_once(scalar_from_scalar) * heads.V0)
                .index_add(0, i, A * radial(j0, scalar_from_scalar) * V0);
  sums.s1 = torch::zeros_like(heads.V0).index_add(
      0, i, A * radial(j1, scalar_from_vector) * (u * V1).sum(1));
  sums.v0 = ((self_weight * at_once(vector_from_vector)).unsqueeze(1) * heads.V1)
                .index_add(0, i, (A * radial(j0, vector_from_vector)).unsqueeze(1) * V1);
  sums.v1 = torch::zeros_like(heads.V1).index_add(
      0, i, (A * radial(j1, vector_from_scalar) * V0).unsqueeze(1) * u);
  return sums;
}

LongRangeLayers::Sums LongRangeLayers::linear(const Heads &heads,
                                              const LongRangeSystem &system) const
{
  const auto type = heads.q.scalar_type();
  const auto device = system.position.device();
  const double tolerance = plane_wave_tolerance(type == torch::kFloat);
  std::vector<Sums> parts;
  for (std::size_t k = 0; k + 1 < system.first_atom.size(); k++) {
    const std::int64_t first = system.first_atom[k], n = system.first_atom[k + 1] - first;
    if (n == 0) continue;
    const auto x = system.position.narrow(0, first, n), at = x.detach();
    const double *cell = system.cell.empty() ? nullptr : &system.cell[9 * k];
    const auto waves = cell
        ? lattice_waves(block, cell)
        : plane_waves(block, phase_of(block, diameter_of(at), tolerance), tolerance);
    const auto on_device = [&](const std::vector<double> &values) {
      return torch::tensor(values, torch::kDouble).to(device);
    };
    const auto u = on_device(waves.u).view({-1, 3}), G = u * on_device(waves.kappa).unsqueeze(1);
    Receivers receivers;
    if (cell)
      receivers =
          strained(block, G, volume_of(cell),
                   system.strain.defined() ? system.strain.narrow(0, first, n) : torch::Tensor());
    else {
      const auto t = torch::tensor(waves.frequency, torch::kLong).to(device);
      receivers = {(torch::one_hot(t, block.kappa_count) * on_device(waves.weight).unsqueeze(1))
                       .unsqueeze(0),
                   u.unsqueeze(0)};
    }
    const auto origin = cell ? torch::zeros_like(at.narrow(0, 0, 1))
                             : 0.5 * (at.amax(0, true) + at.amin(0, true));
    const auto theta = torch::matmul(x - origin, G.t());
    const auto c = torch::cos(theta).to(type), s = torch::sin(theta).to(type);    // [n, P]
    const auto q = heads.q.narrow(0, first, n), key = heads.k.narrow(0, first, n);
    const auto C = heads.V0.size(2);
    const auto V1 =
        heads.V1.narrow(0, first, n).transpose(1, 2).reshape({n, heads.V0.size(1), 3 * C});
    const auto V = torch::cat({heads.V0.narrow(0, first, n), V1}, 2);    // [n, H, 4C]
    const auto pairs = torch::einsum("nhd,nhe->nhde", {key, V});
    const auto Mc = torch::einsum("np,nhde->phde", {c, pairs}),
               Ms = torch::einsum("np,nhde->phde", {s, pairs});
    const auto Bc = torch::einsum("nhd,phde->nphe", {q, Mc}),
               Bs = torch::einsum("nhd,phde->nphe", {q, Ms});
    const auto cn = c.unsqueeze(2).unsqueeze(3), sn = s.unsqueeze(2).unsqueeze(3);
    const auto even = cn * Bc + sn * Bs, odd = sn * Bc - cn * Bs;    // [n, P, H, 4C]
    const auto weight = receivers.weight.to(type), direction = receivers.u.to(type);
    const auto weighted = [&](int part) {    // [m, P, H, C]
      return torch::einsum("mpt,thc->mphc", {weight, heads.a.select(0, part)});
    };
    const auto along = [&](const torch::Tensor &e, int axis) {
      return e * direction.select(2, axis).unsqueeze(2).unsqueeze(3);
    };
    const auto vectors = [&](const torch::Tensor &e, int axis) {    // [n, P, H, C]
      return e.narrow(3, (1 + axis) * C, C);
    };
    Sums sums;
    sums.s0 = (even.narrow(3, 0, C) * weighted(scalar_from_scalar)).sum(1);
    const auto from_scalar = odd.narrow(3, 0, C) * weighted(vector_from_scalar),
               from_vector = weighted(vector_from_vector);
    const auto inner =
        along(vectors(odd, 0), 0) + along(vectors(odd, 1), 1) + along(vectors(odd, 2), 2);
    sums.s1 = (inner * weighted(scalar_from_vector)).sum(1);
    std::vector<torch::Tensor> v0, v1;
    for (int axis = 0; axis < 3; axis++) {
      v0.push_back((vectors(even, axis) * from_vector).sum(1));
      v1.push_back(along(from_scalar, axis).sum(1));
    }
    sums.v0 = torch::stack(v0, 1);
    sums.v1 = torch::stack(v1, 1);
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
