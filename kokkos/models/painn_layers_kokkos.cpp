// Messages and updates of PaiNN on a Kokkos device.
#include "kokkos/models/painn_layers_kokkos.h"

namespace mlff {

namespace {

  /// Messages that one atom receives in LANES features, from f on.
  template <typename T, int LANES, bool VECTORS> struct ReceiveMessages {
    PainnFilterKokkos<T, LANES> filter;
    const int *first_edge, *neighbor;
    const T *v_in, *h, *u;
    T *v_out, *s;

    KOKKOS_INLINE_FUNCTION void operator()(int i, int f) const
    {
      const int F = filter.F;
      T W[3 * LANES], s_sum[LANES], v_sum[3 * LANES];
      for (int t = 0; t < LANES; t++) s_sum[t] = T(0);
      for (int t = 0; t < 3 * LANES; t++) v_sum[t] = T(0);
      for (int e = first_edge[i]; e < first_edge[i + 1]; e++) {
        if (!filter.reaches(e)) continue;
        const T *hj = h + 3L * neighbor[e] * F + f, *vj = v_in + 3L * neighbor[e] * F + f;
        const T ux = u[3L * e], uy = u[3L * e + 1], uz = u[3L * e + 2];
        filter.template operator()<false, VECTORS ? 3 : 2>(e, f, W, static_cast<T *>(nullptr));
        for (int t = 0; t < LANES; t++)
          add_message<VECTORS>(W + t, LANES, hj + t, vj + t, F, ux, uy, uz, s_sum + t, v_sum + t,
                               LANES);
      }
      const long at = 3L * i * F + f;
      for (int t = 0; t < LANES; t++) {
        s[long(i) * F + f + t] += s_sum[t];
        for (int x = 0; x < 3; x++)
          v_out[at + x * F + t] = v_sum[x * LANES + t] + (VECTORS ? v_in[at + x * F + t] : T(0));
      }
    }
  };

}    // namespace

template <class Device, typename T>
PainnLayersKokkos<Device, T>::PainnLayersKokkos(const Potential &potential,
                                                const DeviceOptions &options, bool backward,
                                                bool vectors) :
    weights(potential, options.spline(), backward),
    F(weights.F), L(weights.L), shape(options.teams), keeps_all(backward),
    starts_with_vectors(vectors)
{
}

template <class Device, typename T>
typename PainnLayersKokkos<Device, T>::Filter PainnLayersKokkos<Device, T>::filter_of(int l) const
{
  const Layer &layer = weights.layers[l];
  return {
      layer.spline.data(), layer.filter.data(), layer.filter_bias.data(), d.data(), F, weights.K,
      weights.knots,       weights.cutoff};
}

template <class Device, typename T>
void PainnLayersKokkos<Device, T>::dense(const char *label, int rows, const T *in, int in_width,
                                         const Array &weight, const Array &bias, T *out,
                                         int out_width, T *activated, bool add) const
{
  DenseRows<T, T, T>{rows, in_width, out_width, in, weight.data(), bias.data(), out, activated, add}
      .template run<Device>(label, shape);
}

template <class Device, typename T>
void PainnLayersKokkos<Device, T>::start(const DeviceGraph<Device> &graph)
{
  n_atoms = graph.n_atoms;
  const std::size_t n = n_atoms, all = n * (keeps_all ? L : 1) * F, edges = graph.n_edges;
  grow(s, n * F, "painn/s");
  grow(v, 3 * (all + n * F), "painn/v");
  grow(m0, all, "painn/m0");
  grow(h, 3 * all, "painn/h");
  grow(pq, 6 * all, "painn/pq");
  grow(norm, all, "painn/norm");
  grow(t, all, "painn/t");
  grow(y, 3 * all, "painn/y");
  grow(hidden, n * F, "painn/hidden");
  grow(wide_work, 6 * n * F, "painn/wide");
  grow(d, edges, "painn/d");
  grow(u, 3 * edges, "painn/u");

  const auto r_ = graph.r;
  const auto d_ = d;
  const auto u_ = u;
  Kokkos::parallel_for(
      "mlff/painn/geometry", IndexRange<Device>(0, graph.n_edges), KOKKOS_LAMBDA(const int e) {
        const double x = r_(3 * e), y = r_(3 * e + 1), z = r_(3 * e + 2);
        const double length = Kokkos::sqrt(x * x + y * y + z * z);
        d_(e) = length;
        u_(3 * e) = T(x / length);
        u_(3 * e + 1) = T(y / length);
        u_(3 * e + 2) = T(z / length);
      });
  const auto species = graph.species;
  const auto embedding = weights.embedding;
  const auto s_ = s;
  const int width = F;
  Kokkos::parallel_for(
      "mlff/painn/embedding", LongRange<Device>(0, long(n_atoms) * F),
      KOKKOS_LAMBDA(const long k) { s_(k) = embedding(species(k / width) * width + k % width); });
}

template <class Device, typename T>
template <bool VECTORS>
void PainnLayersKokkos<Device, T>::message_forward(const DeviceGraph<Device> &graph, int l)
{
  const ReceiveMessages<T, device_lanes<Device>, VECTORS> body{filter_of(l),
                                                               graph.first_edge.data(),
                                                               graph.neighbor.data(),
                                                               v_of(l),
                                                               h.data() + 3 * kept(l),
                                                               u.data(),
                                                               v_of(l + 1),
                                                               s.data()};
  for_each_feature<Device>("mlff/painn/message", graph.n_centres, F, shape, body);
}

template <class Device, typename T> void PainnLayersKokkos<Device, T>::update_forward(int n, int l)
{
  const Layer &layer = weights.layers[l];
  const int width = F;
  const T floor = weights.norm_floor;
  const long at = kept(l);
  T *v_ = v_of(l + 1), *pq_ = pq.data() + 6 * at, *norm_ = norm.data() + at;
  T *y_ = y.data() + 3 * at, *s_ = s.data(), *in = wide_work.data();
  const LongRange<Device> every(0, long(n) * F);

  dense("mlff/painn/mix", 3 * n, v_, F, layer.mix, {}, pq_, 2 * F);
  Kokkos::parallel_for(
      "mlff/painn/norm", every, KOKKOS_LAMBDA(const long k) {
        const long i = k / width, f = k % width;
        const T length = norm_of(pq_ + 6 * i * width + f, 2 * width, floor);
        norm_[k] = length;
        in[2 * i * width + f] = s_[k];
        in[(2 * i + 1) * width + f] = length;
      });
  dense("mlff/painn/update_0", n, in, 2 * F, layer.update0, layer.update0_bias, t.data() + at, F,
        hidden.data());
  dense("mlff/painn/update_1", n, hidden.data(), F, layer.update1, layer.update1_bias, y_, 3 * F);
  Kokkos::parallel_for(
      "mlff/painn/update", every, KOKKOS_LAMBDA(const long k) {
        const long i = k / width, f = k % width;
        const T *p = pq_ + 6 * i * width + f, *q = p + width;
        add_update(y_ + 3 * i * width + f, width, dot(p, q, 2 * width), q, 2 * width, s_ + k,
                   v_ + 3 * i * width + f, width);
      });
}

template <class Device, typename T>
void PainnLayersKokkos<Device, T>::forward(const DeviceGraph<Device> &graph,
                                           GhostExchange *exchange)
{
  for (int l = 0; l < L; l++) {
    const Layer &layer = weights.layers[l];
    const long at = kept(l), n = long(n_atoms) * F, first = v_of(l) - v.data();
    if (l > 0 && exchange) {
      exchange_rows(*exchange, Kokkos::subview(s, std::make_pair(0L, n)), F, true);
      exchange_rows(*exchange, Kokkos::subview(v, std::make_pair(first, first + 3 * n)), 3 * F,
                    true);
    }
    dense("mlff/painn/message_0", n_atoms, s.data(), F, layer.message0, layer.message0_bias,
          m0.data() + at, F, hidden.data());
    dense("mlff/painn/message_1", n_atoms, hidden.data(), F, layer.message1, layer.message1_bias,
          h.data() + 3 * at, 3 * F);
    if (has_vectors(l))
      message_forward<true>(graph, l);
    else
      message_forward<false>(graph, l);
    update_forward(graph.n_centres, l);
  }
}

MLFF_INSTANTIATE(PainnLayersKokkos)

}    // namespace mlff
