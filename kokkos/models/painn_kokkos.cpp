// Readout and backward of PaiNN on a Kokkos device.
#include "kokkos/models/painn_kokkos.h"
#include "models/painn/painn_sizes.h"

#include <utility>

namespace mlff {

namespace {

  /// Bars of the distance and the direction of one edge.
  template <typename T, int LANES, bool VECTORS> struct EdgeBackward {
    PainnFilterKokkos<T, LANES> filter;
    const int *centre, *neighbor;
    const T *v_in, *h, *u, *s_bar, *v_bar;

    /// Adds what LANES features, from f on, give.
    KOKKOS_INLINE_FUNCTION void operator()(int e, int f, FewSums<double, 4> &sum) const
    {
      const int F = filter.F;
      const T *hj = h + 3L * neighbor[e] * F + f, *vj = v_in + 3L * neighbor[e] * F + f,
              *sb = s_bar + long(centre[e]) * F + f, *vb = v_bar + 3L * centre[e] * F + f;
      const T ux = u[3L * e], uy = u[3L * e + 1], uz = u[3L * e + 2];
      T W[3 * LANES], slope[3 * LANES], d_bar[LANES], u_bar[3 * LANES];
      filter.template operator()<true, VECTORS ? 3 : 2>(e, f, W, slope);
      for (int t = 0; t < LANES; t++) {
        const T x = vb[t], y = vb[F + t], z = vb[2 * F + t], c = W[LANES + t] * hj[F + t];
        d_bar[t] =
            distance_bar<VECTORS>(slope + t, LANES, hj + t, F, sb[t], dot(ux, uy, uz, x, y, z),
                                  VECTORS ? dot(vj + t, F, x, y, z) : T(0));
        u_bar[t] = c * x;
        u_bar[LANES + t] = c * y;
        u_bar[2 * LANES + t] = c * z;
      }
      for (int t = 0; t < LANES; t++) {
        sum.v[0] += d_bar[t];
        for (int x = 0; x < 3; x++) sum.v[1 + x] += u_bar[x * LANES + t];
      }
    }
  };

  /// Bars of what one atom sent in LANES features, from f on: of h, and of s and v before the
  /// layer, but for what goes through h.
  template <typename T, int LANES> struct SentBackward {
    PainnFilterKokkos<T, LANES> filter;
    const int *centre, *first_incoming, *incoming;
    int n_centres;
    const T *v_in, *h, *u, *s_bar, *v_bar;
    T *h_bar, *s_next, *v_next;

    KOKKOS_INLINE_FUNCTION void operator()(int j, int f) const
    {
      const int F = filter.F;
      const long at = 3L * j * F + f;
      T h_sum[3 * LANES], v_sum[3 * LANES], W[3 * LANES];
      for (int t = 0; t < 3 * LANES; t++) h_sum[t] = v_sum[t] = T(0);
      for (int k = first_incoming[j]; k < first_incoming[j + 1]; k++) {
        const int e = incoming[k];
        if (!filter.reaches(e)) continue;
        const T *sb = s_bar + long(centre[e]) * F + f, *vb = v_bar + 3L * centre[e] * F + f;
        const T ux = u[3L * e], uy = u[3L * e + 1], uz = u[3L * e + 2];
        filter.template operator()<false, 3>(e, f, W, static_cast<T *>(nullptr));
        for (int t = 0; t < LANES; t++) {
          const T x = vb[t], y = vb[F + t], z = vb[2 * F + t];
          add_feature_bars(W + t, LANES, sb[t], dot(ux, uy, uz, x, y, z),
                           dot(v_in + at + t, F, x, y, z), h_sum + t, LANES);
          add_vector(W[2 * LANES + t] * h[at + 2 * F + t], x, y, z, v_sum + t, LANES);
        }
      }
      const bool owned = j < n_centres;
      for (int t = 0; t < LANES; t++) {
        s_next[long(j) * F + f + t] = owned ? s_bar[long(j) * F + f + t] : T(0);
        for (int x = 0; x < 3; x++) {
          h_bar[at + x * F + t] = h_sum[x * LANES + t];
          v_next[at + x * F + t] = v_sum[x * LANES + t] + (owned ? v_bar[at + x * F + t] : T(0));
        }
      }
    }
  };

}    // namespace

template <class Device, typename T>
PainnKokkos<Device, T>::PainnKokkos(const Potential &potential, const DeviceOptions &options) :
    options(options), layers(potential, options, true, false),
    block(LongRangeBlockKokkos<Device, T>::make(potential, options)), F(layers.F), L(layers.L),
    H(padded(painn_sizes(potential).features / 2))
{
  DeviceWalk<Device, T> walk(potential, true);
  walk_painn_ends(painn_sizes(potential), potential.n_species(), walk, ends);
}

template <class Device, typename T> void PainnKokkos<Device, T>::start(const Graph &graph)
{
  const std::size_t n = graph.n_atoms, edges = graph.n_edges;
  grow(result.atom_energy, std::size_t(graph.n_centres), "painn/atom_energy");
  grow(result.gradient, 3 * edges, "painn/gradient");
  grow(z, std::size_t(graph.n_centres) * H, "painn/z");
  grow(s_bar, n * F, "painn/s_bar");
  grow(v_bar, 3 * n * F, "painn/v_bar");
  grow(s_bar_next, n * F, "painn/s_bar_next");
  grow(v_bar_next, 3 * n * F, "painn/v_bar_next");
  grow(h_bar, 3 * n * F, "painn/h_bar");
  grow(edge_bar, 4 * edges, "painn/edge_bar");
  Kokkos::deep_copy(edge_bar, 0.0);
}

/// bar *= silu'(x)
template <class Device, typename T>
void PainnKokkos<Device, T>::activation_backward(long n, const T *x, T *bar) const
{
  Kokkos::parallel_for(
      "mlff/painn/activation_backward", LongRange<Device>(0, n),
      KOKKOS_LAMBDA(const long i) { bar[i] *= silu_slope(x[i]); });
}

template <class Device, typename T> void PainnKokkos<Device, T>::readout(const Graph &graph)
{
  const int width = H, n = graph.n_centres;
  const double factor = ends.scale, bias = ends.readout1_bias;
  const auto energy = result.atom_energy;
  const auto reference = ends.reference_energy;
  const auto species = graph.species;
  const auto weight = ends.readout1;
  T *z_ = z.data();

  layers.dense("mlff/painn/readout_0", n, layers.s.data(), F, ends.readout0, ends.readout0_bias, z_,
               H);
  // the derivative takes the place of z
  Kokkos::parallel_for(
      "mlff/painn/readout", IndexRange<Device>(0, n), KOKKOS_LAMBDA(const int i) {
        double sum = bias;
        for (int f = 0; f < width; f++) {
          T &x = z_[long(i) * width + f];
          const T g = sigmoid(x);
          sum += double(weight(f)) * double(x * g);
          x = T(factor) * weight(f) * silu_slope(x, g);
        }
        energy(i) = factor * sum + reference(species(i));
      });
  layers.dense("mlff/painn/readout_backward", n, z_, H, ends.readout0_back, {}, s_bar.data(), F);
  Kokkos::deep_copy(v_bar, T(0));
}

/// Backward pass of the update of layer l, in place on s_bar and v_bar.
template <class Device, typename T> void PainnKokkos<Device, T>::update_backward(int n, int l)
{
  const auto &layer = layers.weights.layers[l];
  const int width = F;
  const long at = layers.kept(l);
  const T *pq_ = layers.pq.data() + 6 * at, *norm_ = layers.norm.data() + at,
          *y_ = layers.y.data() + 3 * at;
  T *s_bar_ = s_bar.data(), *v_bar_ = v_bar.data(), *wide_work_ = layers.wide_work.data(),
    *hidden_ = layers.hidden.data();
  T *in_bar = h_bar.data();    // free until the messages
  const LongRange<Device> every(0, long(n) * F);

  Kokkos::parallel_for(
      "mlff/painn/update_backward", every, KOKKOS_LAMBDA(const long k) {
        const long row = k / width * width, f = k % width;
        const T *p = pq_ + 6 * row + f, *q = p + width;
        update_bars(s_bar_[k], v_bar_ + 3 * row + f, width, q, 2 * width, dot(p, q, 2 * width),
                    wide_work_ + 3 * row + f);
      });
  layers.dense("mlff/painn/update_1_backward", n, wide_work_, 3 * F, layer.update1_back, {},
               hidden_, F);
  activation_backward(long(n) * F, layers.t.data() + at, hidden_);
  layers.dense("mlff/painn/update_0_backward", n, hidden_, F, layer.update0_back, {}, in_bar,
               2 * F);
  Kokkos::parallel_for(
      "mlff/painn/norm_backward", every, KOKKOS_LAMBDA(const long k) {
        const long row = k / width * width, f = k % width;
        const T *p = pq_ + 6 * row + f;
        T *out = wide_work_ + 6 * row + f;
        mix_bars(y_ + 3 * row + f, norm_[k], in_bar[2 * row + width + f], s_bar_[k],
                 v_bar_ + 3 * row + f, width, p, p + width, 2 * width, out, out + width);
      });
  layers.dense("mlff/painn/mix_backward", 3 * n, wide_work_, 2 * F, layer.mix_back, {}, v_bar_, F,
               nullptr, true);
  Kokkos::parallel_for(
      "mlff/painn/add_backward", every,
      KOKKOS_LAMBDA(const long k) { s_bar_[k] += in_bar[2 * (k / width) * width + k % width]; });
}

template <class Device, typename T>
template <bool VECTORS>
void PainnKokkos<Device, T>::edge_backward(const Graph &graph, int l)
{
  using Member = typename Kokkos::TeamPolicy<Device>::member_type;
  if (graph.n_edges == 0) return;
  constexpr int lanes = device_lanes<Device>;
  const EdgeBackward<T, lanes, VECTORS> body{layers.filter_of(l),
                                             graph.centre.data(),
                                             graph.neighbor.data(),
                                             layers.v_of(l),
                                             layers.h.data() + 3 * layers.kept(l),
                                             layers.u.data(),
                                             s_bar.data(),
                                             v_bar.data()};
  const int width = F;
  const auto bar = edge_bar;
  Kokkos::parallel_for(
      "mlff/painn/edge_backward", teams<Device>(graph.n_edges, layers.teams()),
      KOKKOS_LAMBDA(const Member &team) {
        const int e = team.league_rank();
        if (!body.filter.reaches(e)) return;
        FewSums<double, 4> sums;
        Kokkos::parallel_reduce(
            Kokkos::TeamThreadRange(team, width / device_lanes<Device>),
            [&](const int block, FewSums<double, 4> &sum) {
              body(e, block * device_lanes<Device>, sum);
            },
            Kokkos::Sum<FewSums<double, 4>>(sums));
        Kokkos::single(Kokkos::PerTeam(team), [&]() {
          for (int k = 0; k < 4; k++) bar(4 * e + k) += sums.v[k];
        });
      });
}

/// Into s_bar_next, v_bar_next.
template <class Device, typename T>
void PainnKokkos<Device, T>::message_backward(const Graph &graph, int l)
{
  const auto &layer = layers.weights.layers[l];
  const int n = graph.n_atoms;
  const long at = layers.kept(l);
  T *hidden = layers.hidden.data();
  const SentBackward<T, device_lanes<Device>> body{layers.filter_of(l),
                                                   graph.centre.data(),
                                                   graph.first_incoming.data(),
                                                   graph.incoming.data(),
                                                   graph.n_centres,
                                                   layers.v_of(l),
                                                   layers.h.data() + 3 * at,
                                                   layers.u.data(),
                                                   s_bar.data(),
                                                   v_bar.data(),
                                                   h_bar.data(),
                                                   s_bar_next.data(),
                                                   v_bar_next.data()};
  for_each_feature<Device>("mlff/painn/message_backward", n, F, layers.teams(), body);
  layers.dense("mlff/painn/message_1_backward", n, h_bar.data(), 3 * F, layer.message1_back, {},
               hidden, F);
  activation_backward(long(n) * F, layers.m0.data() + at, hidden);
  layers.dense("mlff/painn/message_0_backward", n, hidden, F, layer.message0_back, {},
               s_bar_next.data(), F, nullptr, true);
}

template <class Device, typename T> void PainnKokkos<Device, T>::finish(const Graph &graph)
{
  const auto r = graph.r;
  const auto d = layers.d;
  const auto bar = edge_bar;
  const auto out = result.gradient;
  const double rc = layers.weights.cutoff;
  Kokkos::parallel_for(
      "mlff/painn/gradient", IndexRange<Device>(0, graph.n_edges), KOKKOS_LAMBDA(const int e) {
        const bool inside = d(e) < rc;
        edge_gradient(&r(3 * e), d(e), &bar(4 * e), [&](int a, double x) {
          out(3 * e + a) = inside ? x : 0.0;
        });
      });
}

template <class Device, typename T>
const DeviceResult<Device> &PainnKokkos<Device, T>::evaluate(const Graph &graph,
                                                             GhostExchange *exchange)
{
  if (block) block->prepare(graph, exchange);
  start(graph);
  layers.start(graph);
  layers.forward(graph, exchange);
  if (block) block->forward(layers.s.data(), layers.v_of(L));
  readout(graph);
  if (block) block->backward(s_bar.data(), v_bar.data());
  for (int l = L - 1; l >= 0; l--) {
    update_backward(graph.n_centres, l);
    if (l == 0) {
      edge_backward<false>(graph, l);
      break;    // nothing before the first layer depends on a position
    }
    edge_backward<true>(graph, l);
    message_backward(graph, l);
    const long n = long(graph.n_atoms) * F;
    if (exchange) {
      exchange_rows(*exchange, Kokkos::subview(s_bar_next, std::make_pair(0L, n)), F, false);
      exchange_rows(*exchange, Kokkos::subview(v_bar_next, std::make_pair(0L, 3 * n)), 3 * F,
                    false);
    }
    std::swap(s_bar, s_bar_next);
    std::swap(v_bar, v_bar_next);
  }
  finish(graph);
  if (block) {
    result.position_gradient = block->x_bar();
    result.strain_gradient = block->strain();
  }
  return result;
}

template <class Device, typename T> double PainnKokkos<Device, T>::bytes() const
{
  return layers.bytes() + (block ? block->bytes() : 0.0) +
      bytes_of(result.atom_energy, result.gradient, z, s_bar, v_bar, s_bar_next, v_bar_next, h_bar,
               edge_bar);
}

template <class Device, typename T>
std::size_t PainnKokkos<Device, T>::bytes(int atoms, int edges) const
{
  const std::size_t width = F, all = L;
  return atoms *
      (sizeof(T) * width * (19 + 3 * (all + 1) + 15 * all) + sizeof(double) + 3 * sizeof(int)) +
      edges * (14 * sizeof(double) + 3 * sizeof(int)) + (block ? block->bytes(atoms) : 0);
}

template <class Device, typename T> EngineInfo PainnKokkos<Device, T>::info() const
{
  EngineInfo info = kokkos_info<Device, T>(options.engine);
  if (block) info.long_range = options.engine.long_range;
  return info;
}

MLFF_INSTANTIATE(PainnKokkos)

}    // namespace mlff
