// PaiNN written as plain loops in double: an oracle that shares no code with any engine.
#pragma once

#include "core/graph.h"
#include "models/painn/painn_sizes.h"
#include "potential/potential.h"

#include <array>
#include <cmath>
#include <numbers>

namespace mlff_test {

/// Energy of every atom, eV. Equations of Schütt, Unke, Gastegger (ICML 2021), one scalar at a
/// time.
inline std::vector<double> reference_energies(const mlff::Potential &potential,
                                              const mlff::Graph &graph)
{
  const int F = mlff::painn_sizes(potential).features, L = mlff::painn_sizes(potential).layers,
            K = mlff::painn_sizes(potential).radial, n = graph.n_centres();
  const auto weight = [&](const std::string &name) -> const std::vector<double> & {
    return potential.tensors.at(name).values;
  };
  const auto silu = [](double x) {
    return x / (1.0 + std::exp(-x));
  };
  using Vector = std::vector<double>;
  const auto affine = [&](const std::string &name, const Vector &in, bool bias = true) {
    const auto &W = weight(name + ".weight");
    Vector out(W.size() / in.size());
    for (std::size_t o = 0; o < out.size(); o++) {
      out[o] = bias ? weight(name + ".bias")[o] : 0.0;
      for (std::size_t k = 0; k < in.size(); k++) out[o] += W[o * in.size() + k] * in[k];
    }
    return out;
  };

  std::vector<Vector> s(n, Vector(F));
  std::vector<std::array<Vector, 3>> v(n, {Vector(F, 0.0), Vector(F, 0.0), Vector(F, 0.0)});
  for (int i = 0; i < n; i++)
    for (int f = 0; f < F; f++) s[i][f] = weight("embedding")[graph.species[i] * F + f];

  for (int l = 0; l < L; l++) {
    const std::string message = "message." + std::to_string(l),
                      update = "update." + std::to_string(l);
    const auto s_old = s;
    const auto v_old = v;
    for (int i = 0; i < n; i++)
      for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++) {
        const int j = graph.neighbor[e];
        const double *r = &graph.r[3 * e];
        const double d = std::sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
        if (d >= potential.cutoff) continue;
        const double spacing = potential.cutoff / (K - 1);
        Vector phi(K);
        for (int k = 0; k < K; k++)
          phi[k] = std::exp(-0.5 * std::pow((d - k * spacing) / spacing, 2));
        const Vector W = affine("filter", phi);
        const double inside = 0.5 * (std::cos(std::numbers::pi * d / potential.cutoff) + 1.0);
        Vector hidden = affine(message + ".0", s_old[j]);
        for (double &x : hidden) x = silu(x);
        const Vector h = affine(message + ".1", hidden);
        for (int f = 0; f < F; f++) {
          const double a = W[3 * F * l + f] * inside * h[f];
          const double c = W[3 * F * l + F + f] * inside * h[F + f];
          const double b = W[3 * F * l + 2 * F + f] * inside * h[2 * F + f];
          s[i][f] += a;
          for (int x = 0; x < 3; x++) v[i][x][f] += r[x] / d * c + v_old[j][x][f] * b;
        }
      }
    for (int i = 0; i < n; i++) {
      std::array<Vector, 3> pq;
      for (int x = 0; x < 3; x++) pq[x] = affine(update + ".mix", v[i][x], false);
      Vector in = s[i];
      for (int f = 0; f < F; f++) {
        double square = mlff::painn_sizes(potential).norm_floor;
        for (int x = 0; x < 3; x++) square += pq[x][f] * pq[x][f];
        in.push_back(std::sqrt(square));
      }
      Vector hidden = affine(update + ".0", in);
      for (double &x : hidden) x = silu(x);
      const Vector y = affine(update + ".1", hidden);
      for (int f = 0; f < F; f++) {
        double product = 0.0;
        for (int x = 0; x < 3; x++) product += pq[x][f] * pq[x][F + f];
        s[i][f] += y[f] + y[2 * F + f] * product;
        for (int x = 0; x < 3; x++) v[i][x][f] += y[F + f] * pq[x][F + f];
      }
    }
  }

  Vector energy(n);
  for (int i = 0; i < n; i++) {
    Vector hidden = affine("readout.0", s[i]);
    for (double &x : hidden) x = silu(x);
    energy[i] = affine("readout.1", hidden)[0] * weight("scale")[0] +
        weight("reference_energy")[graph.species[i]];
  }
  return energy;
}

}    // namespace mlff_test
