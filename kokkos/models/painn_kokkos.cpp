/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#include "kokkos/models/painn_kokkos.h"

#include "kokkos_type.h"

using namespace LAMMPS_NS;
using mlff::Blocks;

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   four sums over the features of an edge
------------------------------------------------------------------------- */

struct FourSums {
  double v[4];
  KOKKOS_INLINE_FUNCTION FourSums() : v{0.0, 0.0, 0.0, 0.0} {}
  KOKKOS_INLINE_FUNCTION FourSums &operator+=(const FourSums &other)
  {
    for (int k = 0; k < 4; k++) v[k] += other.v[k];
    return *this;
  }
};

}    // namespace LAMMPS_NS

template <> struct Kokkos::reduction_identity<LAMMPS_NS::FourSums> {
  KOKKOS_FORCEINLINE_FUNCTION static LAMMPS_NS::FourSums sum() { return {}; }
};

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T>
template <typename U>
typename PainnKokkos<DeviceType, T>::template Array<U>
PainnKokkos<DeviceType, T>::upload(const std::vector<double> &values, const char *name)
{
  Array<U> array(std::string("mlff:") + name, values.size());
  auto host = Kokkos::create_mirror_view(array);
  for (std::size_t k = 0; k < values.size(); k++) host(k) = U(values[k]);
  Kokkos::deep_copy(array, host);
  return array;
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T>
typename PainnKokkos<DeviceType, T>::template Array<T>
PainnKokkos<DeviceType, T>::vector(const mlff::Potential &potential, const std::string &name,
                                   Blocks blocks) const
{
  const auto &values = potential.tensors.at(name).values;
  std::vector<double> out(blocks.total((int) values.size()), 0.0);
  for (std::size_t i = 0; i < values.size(); i++) out[blocks.place((int) i)] = values[i];
  return upload<T>(out, name.c_str());
}

/* ----------------------------------------------------------------------
   W [out][in] as [in][out], or as it is for the backward
------------------------------------------------------------------------- */

template <class DeviceType, typename T>
typename PainnKokkos<DeviceType, T>::template Array<T>
PainnKokkos<DeviceType, T>::matrix(const mlff::Potential &potential, const std::string &name,
                                   Blocks out, Blocks in, bool back) const
{
  const auto &W = potential.tensors.at(name);
  const int n_out = (int) W.shape[0], n_in = (int) W.shape[1];
  const int rows = back ? out.total(n_out) : in.total(n_in);
  const int columns = back ? in.total(n_in) : out.total(n_out);
  std::vector<double> values((std::size_t) rows * columns, 0.0);
  for (int o = 0; o < n_out; o++)
    for (int k = 0; k < n_in; k++)
      values[(std::size_t)(back ? out.place(o) : in.place(k)) * columns +
             (back ? in.place(k) : out.place(o))] = W.values[(std::size_t) o * n_in + k];
  return upload<T>(values, name.c_str());
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T>
void PainnKokkos<DeviceType, T>::set_weights(const mlff::Potential &potential, bool use_spline)
{
  const int features = potential.sizes.features;
  const Blocks one{features, mlff::padded(features)},
      half{features / 2, mlff::padded(features / 2)};
  H = half.padded_width;
  reference_energy =
      upload<double>(potential.tensors.at("reference_energy").values, "reference_energy");
  scale = potential.tensors.at("scale").values[0];
  readout0 = matrix(potential, "readout.0.weight", half, one, false);
  readout0_back = matrix(potential, "readout.0.weight", half, one, true);
  readout0_bias = vector(potential, "readout.0.bias", half);
  readout1 = vector(potential, "readout.1.weight", half);
  readout1_bias = potential.tensors.at("readout.1.bias").values[0];
  set_layers(potential, use_spline);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T>
void PainnKokkos<DeviceType, T>::set_layers(const mlff::Potential &potential, bool use_spline)
{
  const int features = potential.sizes.features;
  const Blocks one{features, mlff::padded(features)};
  F = one.padded_width;
  L = potential.sizes.layers;
  K = potential.sizes.radial;
  norm_floor = potential.sizes.norm_floor;
  knots = use_spline ? mlff::spline_knots(K) : 0;
  cutoff = potential.cutoff;
  embedding = vector(potential, "embedding", one);

  layers.clear();
  for (int l = 0; l < L; l++) {
    Layer layer;
    const std::string message = "message." + std::to_string(l),
                      update = "update." + std::to_string(l);
    const auto both = [&](const std::string &name, Array<T> &ahead, Array<T> &back) {
      ahead = matrix(potential, name + ".weight", one, one, false);
      if (!forward_only) back = matrix(potential, name + ".weight", one, one, true);
    };
    both(message + ".0", layer.message0, layer.message0_back);
    both(message + ".1", layer.message1, layer.message1_back);
    both(update + ".mix", layer.mix, layer.mix_back);
    both(update + ".0", layer.update0, layer.update0_back);
    both(update + ".1", layer.update1, layer.update1_back);
    layer.message0_bias = vector(potential, message + ".0.bias", one);
    layer.message1_bias = vector(potential, message + ".1.bias", one);
    layer.update0_bias = vector(potential, update + ".0.bias", one);
    layer.update1_bias = vector(potential, update + ".1.bias", one);

    const int n = 3 * F;
    if (knots) {
      const double spacing = cutoff / knots;
      std::vector<double> table((std::size_t)(knots + 1) * 2 * n, 0.0);
      for (int knot = 0; knot <= knots; knot++) {
        const auto W = mlff::painn_filter(potential, l, knot * spacing);
        for (int f = 0; f < 3 * features; f++) {
          table[(std::size_t) knot * 2 * n + one.place(f)] = W[f].value;
          table[((std::size_t) knot * 2 + 1) * n + one.place(f)] = W[f].slope * spacing;
        }
      }
      layer.spline = upload<T>(table, "spline");
    } else {
      const double *A =
          potential.tensors.at("filter.weight").values.data() + (std::size_t) l * 3 * features * K;
      const double *a =
          potential.tensors.at("filter.bias").values.data() + (std::size_t) l * 3 * features;
      std::vector<double> weight((std::size_t) K * n, 0.0), bias(n, 0.0);
      for (int f = 0; f < 3 * features; f++) {
        bias[one.place(f)] = a[f];
        for (int k = 0; k < K; k++)
          weight[(std::size_t) k * n + one.place(f)] = A[(std::size_t) f * K + k];
      }
      layer.filter = upload<T>(weight, "filter");
      layer.filter_bias = upload<T>(bias, "filter_bias");
    }
    layers.push_back(layer);
  }
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T>
void PainnKokkos<DeviceType, T>::resize_atoms(int n_atoms_, int n_centres_)
{
  n_atoms = n_atoms_;
  n_centres = n_centres_;
  const std::size_t n = n_atoms, all = n * (forward_only ? 1 : L) * F;
  grow(species, n, "species");
  grow(first_edge, n + 1, "first_edge");
  grow(s, n * F, "s");
  grow(v, 3 * (all + n * F), "v");
  grow(m0, all, "m0");
  grow(h, 3 * all, "h");
  grow(pq, 6 * all, "pq");
  grow(norm, all, "norm");
  grow(t, all, "t");
  grow(y, 3 * all, "y");
  grow(hidden, n * F, "hidden");
  grow(wide, 6 * n * F, "wide");
  if (forward_only) return;
  grow(first_incoming, n + 1, "first_incoming");
  grow(atom_energy, n, "atom_energy");
  grow(z, n * H, "z");
  grow(s_bar, n * F, "s_bar");
  grow(v_bar, 3 * n * F, "v_bar");
  grow(s_bar_next, n * F, "s_bar_next");
  grow(v_bar_next, 3 * n * F, "v_bar_next");
  grow(h_bar, 3 * n * F, "h_bar");
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T> void PainnKokkos<DeviceType, T>::resize_edges(int n_edges_)
{
  n_edges = n_edges_;
  const std::size_t n = n_edges;
  grow(centre, n, "centre");
  grow(neighbor, n, "neighbor");
  grow(r, 3 * n, "r");
  grow(d, n, "d");
  grow(u, 3 * n, "u");
  if (forward_only) return;
  grow(incoming, n, "incoming");
  grow(gradient, 3 * n, "gradient");
  grow(edge_bar, 4 * n, "edge_bar");
}

/* ----------------------------------------------------------------------
   edges sorted by the row they point to; within a row in their own order
------------------------------------------------------------------------- */

template <class DeviceType, typename T> void PainnKokkos<DeviceType, T>::set_edges()
{
  const auto first = first_incoming;
  const auto to = neighbor;
  const auto sorted = incoming;
  const int n = n_atoms, edges = n_edges;
  Array<int> filled("mlff:filled", n + 1);

  Kokkos::parallel_for(
      Range(0, edges), KOKKOS_LAMBDA(const int e) { Kokkos::atomic_inc(&filled(to(e))); });
  Kokkos::parallel_scan(
      Range(0, n + 1), KOKKOS_LAMBDA(const int i, int &sum, const bool last) {
        if (last) first(i) = sum;
        sum += i < n ? filled(i) : 0;
      });
  Kokkos::deep_copy(filled, 0);
  Kokkos::parallel_for(
      Range(0, edges), KOKKOS_LAMBDA(const int e) {
        sorted(first(to(e)) + Kokkos::atomic_fetch_add(&filled(to(e)), 1)) = e;
      });
  Kokkos::parallel_for(
      Range(0, n), KOKKOS_LAMBDA(const int i) {
        for (int k = first(i) + 1; k < first(i + 1); k++) {
          const int e = sorted(k);
          int place = k;
          for (; place > first(i) && sorted(place - 1) > e; place--)
            sorted(place) = sorted(place - 1);
          sorted(place) = e;
        }
      });
}

/* ----------------------------------------------------------------------
   out = in W (+ bias), or out += in W; activated = silu(out)
------------------------------------------------------------------------- */

template <class DeviceType, typename T>
void PainnKokkos<DeviceType, T>::dense(int rows, const T *in, int in_width, const Array<T> &weight,
                                       const Array<T> &bias_view, T *out, int out_width,
                                       T *activated, bool add) const
{
  dense_rows<DeviceType>(rows, in, in_width, weight.data(), bias_view.data(), out, out_width,
                         activated, add);
}

/* ----------------------------------------------------------------------
   bar *= silu'(x)
------------------------------------------------------------------------- */

template <class DeviceType, typename T>
void PainnKokkos<DeviceType, T>::activation_backward(long n, const T *x, T *bar) const
{
  Kokkos::parallel_for(
      Kokkos::RangePolicy<DeviceType, Kokkos::IndexType<long>>(0, n), KOKKOS_LAMBDA(const long i) {
        const T g = T(1) / (T(1) + Kokkos::exp(-x[i]));
        bar[i] *= g * (T(1) + x[i] * (T(1) - g));
      });
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T> void PainnKokkos<DeviceType, T>::geometry()
{
  const auto r_ = r;
  const auto d_ = d;
  const auto u_ = u;
  const auto bar = edge_bar;
  const bool backward = !forward_only;
  Kokkos::parallel_for(
      Range(0, n_edges), KOKKOS_LAMBDA(const int e) {
        const double x = r_(3 * e), y = r_(3 * e + 1), z = r_(3 * e + 2);
        const double length = Kokkos::sqrt(x * x + y * y + z * z);
        d_(e) = length;
        u_(3 * e) = T(x / length);
        u_(3 * e + 1) = T(y / length);
        u_(3 * e + 2) = T(z / length);
        for (int k = 0; k < 4 && backward; k++) bar(4 * e + k) = 0.0;
      });
  const auto species_ = species;
  const auto embedding_ = embedding;
  const auto s_ = s;
  const int width = F;
  Kokkos::parallel_for(
      Kokkos::RangePolicy<DeviceType, Kokkos::IndexType<long>>(0, (long) n_atoms * F),
      KOKKOS_LAMBDA(const long k) { s_(k) = embedding_(species_(k / width) * width + k % width); });
}

/* ----------------------------------------------------------------------
   s += sum a, v_out = v_in + sum (u c + v_j b) over the edges of each centre
------------------------------------------------------------------------- */

template <class DeviceType, typename T> void PainnKokkos<DeviceType, T>::message_forward(int l)
{
  if (n_centres == 0) return;
  const Filter filter = filter_of(l);
  const int width = F;
  const double rc = cutoff;
  const bool no_vectors = l == 0 && !starts_with_vectors;
  const T *v_in = v_of(l), *h_ = h.data() + 3 * kept(l), *u_ = u.data();
  T *v_out = v_of(l + 1), *s_ = s.data();
  const auto first = first_edge;
  const auto to = neighbor;
  Kokkos::parallel_for(
      Policy(n_centres, Kokkos::AUTO), KOKKOS_LAMBDA(const Member &team) {
        const int i = team.league_rank();
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, width / tile), [&](const int block) {
          const int f = block * tile;
          T a_sum[tile], x_sum[tile], y_sum[tile], z_sum[tile], a[tile], c[tile], b[tile];
          for (int t = 0; t < tile; t++) a_sum[t] = x_sum[t] = y_sum[t] = z_sum[t] = T(0);
          for (int e = first(i); e < first(i + 1); e++) {
            if (filter.d[e] >= rc) continue;
            const T *hj = h_ + 3L * to(e) * width + f, *vj = v_in + 3L * to(e) * width + f;
            const T ux = u_[3 * e], uy = u_[3 * e + 1], uz = u_[3 * e + 2];
            filter.template operator()<false>(e, 0, f, a, nullptr);
            filter.template operator()<false>(e, 1, f, c, nullptr);
            for (int t = 0; t < tile; t++) {
              const T product = c[t] * hj[width + t];
              a_sum[t] += a[t] * hj[t];
              x_sum[t] += ux * product;
              y_sum[t] += uy * product;
              z_sum[t] += uz * product;
            }
            if (no_vectors) continue;
            filter.template operator()<false>(e, 2, f, b, nullptr);
            for (int t = 0; t < tile; t++) {
              const T product = b[t] * hj[2 * width + t];
              x_sum[t] += product * vj[t];
              y_sum[t] += product * vj[width + t];
              z_sum[t] += product * vj[2 * width + t];
            }
          }
          const long at = 3L * i * width + f;
          for (int t = 0; t < tile; t++) {
            s_[(long) i * width + f + t] += a_sum[t];
            v_out[at + t] = x_sum[t] + (no_vectors ? T(0) : v_in[at + t]);
            v_out[at + width + t] = y_sum[t] + (no_vectors ? T(0) : v_in[at + width + t]);
            v_out[at + 2 * width + t] = z_sum[t] + (no_vectors ? T(0) : v_in[at + 2 * width + t]);
          }
        });
      });
}

/* ----------------------------------------------------------------------
   s += y_ss + y_sv p.q, v += y_vv q
------------------------------------------------------------------------- */

template <class DeviceType, typename T> void PainnKokkos<DeviceType, T>::update_forward(int l)
{
  const Layer &layer = layers[l];
  const int width = F, n = n_centres;
  const T floor = norm_floor;
  const long at = kept(l);
  T *v_ = v_of(l + 1), *pq_ = pq.data() + 6 * at, *norm_ = norm.data() + at;
  T *y_ = y.data() + 3 * at, *s_ = s.data(), *in = wide.data();
  const Kokkos::RangePolicy<DeviceType, Kokkos::IndexType<long>> every(0, (long) n * F);

  dense(3 * n, v_, F, layer.mix, {}, pq_, 2 * F);
  Kokkos::parallel_for(
      every, KOKKOS_LAMBDA(const long k) {
        const long i = k / width, f = k % width;
        const T *p = pq_ + 6 * i * width + f;
        const T length = Kokkos::sqrt(p[0] * p[0] + p[2 * width] * p[2 * width] +
                                      p[4 * width] * p[4 * width] + floor);
        norm_[k] = length;
        in[2 * i * width + f] = s_[k];
        in[(2 * i + 1) * width + f] = length;
      });
  dense(n, in, 2 * F, layer.update0, layer.update0_bias, t.data() + at, F, hidden.data());
  dense(n, hidden.data(), F, layer.update1, layer.update1_bias, y_, 3 * F);
  Kokkos::parallel_for(
      every, KOKKOS_LAMBDA(const long k) {
        const long i = k / width, f = k % width;
        const T *p = pq_ + 6 * i * width + f, *q = p + width, *yi = y_ + 3 * i * width + f;
        T *vi = v_ + 3 * i * width + f;
        s_[k] += yi[0] +
            yi[2 * width] *
                (p[0] * q[0] + p[2 * width] * q[2 * width] + p[4 * width] * q[4 * width]);
        for (int x = 0; x < 3; x++) vi[x * width] += yi[width] * q[2 * x * width];
      });
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T> void PainnKokkos<DeviceType, T>::readout()
{
  const int width = H;
  const double factor = scale, bias = readout1_bias;
  const auto energy = atom_energy;
  const auto reference = reference_energy;
  const auto species_ = species;
  const auto weight = readout1;
  T *z_ = z.data();

  dense(n_centres, s.data(), F, readout0, readout0_bias, z_, H);
  // the derivative takes the place of z
  Kokkos::parallel_for(
      Range(0, n_centres), KOKKOS_LAMBDA(const int i) {
        double sum = bias;
        for (int f = 0; f < width; f++) {
          T &x = z_[(long) i * width + f];
          const T g = T(1) / (T(1) + Kokkos::exp(-x));
          sum += (double) weight(f) * (double) (x * g);
          x = T(factor) * weight(f) * g * (T(1) + x * (T(1) - g));
        }
        energy(i) = factor * sum + reference(species_(i));
      });
  dense(n_centres, z_, H, readout0_back, {}, s_bar.data(), F);
  Kokkos::deep_copy(v_bar, T(0));
}

/* ----------------------------------------------------------------------
   backward of the update, in place on s_bar and v_bar
------------------------------------------------------------------------- */

template <class DeviceType, typename T> void PainnKokkos<DeviceType, T>::update_backward(int l)
{
  const Layer &layer = layers[l];
  const int width = F, n = n_centres;
  const long at = (long) l * n_atoms * F;
  const T *pq_ = pq.data() + 6 * at, *norm_ = norm.data() + at, *y_ = y.data() + 3 * at;
  T *s_bar_ = s_bar.data(), *v_bar_ = v_bar.data(), *wide_ = wide.data();
  T *in_bar = h_bar.data();    // free until the messages
  const Kokkos::RangePolicy<DeviceType, Kokkos::IndexType<long>> every(0, (long) n * F);

  Kokkos::parallel_for(
      every, KOKKOS_LAMBDA(const long k) {
        const long i = k / width, f = k % width;
        const T *p = pq_ + 6 * i * width + f, *q = p + width, *vb = v_bar_ + 3 * i * width + f;
        T *y_bar = wide_ + 3 * i * width + f;
        y_bar[0] = s_bar_[k];
        y_bar[width] = vb[0] * q[0] + vb[width] * q[2 * width] + vb[2 * width] * q[4 * width];
        y_bar[2 * width] =
            s_bar_[k] * (p[0] * q[0] + p[2 * width] * q[2 * width] + p[4 * width] * q[4 * width]);
      });
  dense(n, wide_, 3 * F, layer.update1_back, {}, hidden.data(), F);
  activation_backward((long) n * F, t.data() + at, hidden.data());
  dense(n, hidden.data(), F, layer.update0_back, {}, in_bar, 2 * F);
  Kokkos::parallel_for(
      every, KOKKOS_LAMBDA(const long k) {
        const long i = k / width, f = k % width;
        const T *p = pq_ + 6 * i * width + f, *q = p + width, *yi = y_ + 3 * i * width + f,
                *vb = v_bar_ + 3 * i * width + f;
        const T dot_bar = s_bar_[k] * yi[2 * width],
                stretch = in_bar[(2 * i + 1) * width + f] / norm_[k];
        T *out = wide_ + 6 * i * width + f;
        for (int x = 0; x < 3; x++) {
          out[2 * x * width] = dot_bar * q[2 * x * width] + stretch * p[2 * x * width];
          out[(2 * x + 1) * width] = dot_bar * p[2 * x * width] + vb[x * width] * yi[width];
        }
      });
  dense(3 * n, wide_, 2 * F, layer.mix_back, {}, v_bar_, F, nullptr, true);
  Kokkos::parallel_for(
      every,
      KOKKOS_LAMBDA(const long k) { s_bar_[k] += in_bar[2 * (k / width) * width + k % width]; });
}

/* ----------------------------------------------------------------------
   d_bar and u_bar of each edge
------------------------------------------------------------------------- */

template <class DeviceType, typename T> void PainnKokkos<DeviceType, T>::edge_backward(int l)
{
  if (n_edges == 0) return;
  const Filter filter = filter_of(l);
  const int width = F;
  const double rc = cutoff;
  const bool first_layer = l == 0;
  const long layer_v = 3L * n_atoms * F;
  const T *v_in = v.data() + l * layer_v, *h_ = h.data() + l * layer_v, *u_ = u.data();
  const T *s_bar_ = s_bar.data(), *v_bar_ = v_bar.data();
  const auto to = neighbor;
  const auto from = centre;
  const auto bar = edge_bar;
  Kokkos::parallel_for(
      Policy(n_edges, Kokkos::AUTO), KOKKOS_LAMBDA(const Member &team) {
        const int e = team.league_rank();
        if (filter.d[e] >= rc) return;
        const T ux = u_[3 * e], uy = u_[3 * e + 1], uz = u_[3 * e + 2];
        FourSums sums;
        Kokkos::parallel_reduce(
            Kokkos::TeamThreadRange(team, width / tile),
            [&](const int block, FourSums &sum) {
              const int f = block * tile;
              const T *hj = h_ + 3L * to(e) * width + f, *vj = v_in + 3L * to(e) * width + f;
              const T *sb = s_bar_ + (long) from(e) * width + f,
                      *vb = v_bar_ + 3L * from(e) * width + f;
              T W[tile], slope[tile], d_bar[tile], x_bar[tile], y_bar[tile], z_bar[tile];
              filter.template operator()<true>(e, 0, f, W, slope);
              for (int t = 0; t < tile; t++) d_bar[t] = slope[t] * hj[t] * sb[t];
              filter.template operator()<true>(e, 1, f, W, slope);
              for (int t = 0; t < tile; t++) {
                const T x = vb[t], y = vb[width + t], z = vb[2 * width + t],
                        c = W[t] * hj[width + t];
                d_bar[t] += slope[t] * hj[width + t] * (ux * x + uy * y + uz * z);
                x_bar[t] = c * x;
                y_bar[t] = c * y;
                z_bar[t] = c * z;
              }
              if (!first_layer) {
                filter.template operator()<true>(e, 2, f, W, slope);
                for (int t = 0; t < tile; t++)
                  d_bar[t] += slope[t] * hj[2 * width + t] *
                      (vj[t] * vb[t] + vj[width + t] * vb[width + t] +
                       vj[2 * width + t] * vb[2 * width + t]);
              }
              for (int t = 0; t < tile; t++) {
                sum.v[0] += d_bar[t];
                sum.v[1] += x_bar[t];
                sum.v[2] += y_bar[t];
                sum.v[3] += z_bar[t];
              }
            },
            Kokkos::Sum<FourSums>(sums));
        Kokkos::single(Kokkos::PerTeam(team), [&]() {
          for (int k = 0; k < 4; k++) bar(4 * e + k) += sums.v[k];
        });
      });
}

/* ----------------------------------------------------------------------
   bars of the atoms that sent the messages: into s_bar_next, v_bar_next
------------------------------------------------------------------------- */

template <class DeviceType, typename T> void PainnKokkos<DeviceType, T>::message_backward(int l)
{
  if (n_atoms == 0) return;
  const Layer &layer = layers[l];
  const Filter filter = filter_of(l);
  const int width = F, n_owned = n_centres;
  const double rc = cutoff;
  const long layer_v = 3L * n_atoms * F;
  const T *v_in = v.data() + l * layer_v, *h_ = h.data() + l * layer_v, *u_ = u.data();
  const T *s_bar_ = s_bar.data(), *v_bar_ = v_bar.data();
  T *h_bar_ = h_bar.data(), *s_next = s_bar_next.data(), *v_next = v_bar_next.data();
  const auto from = centre;
  const auto first = first_incoming;
  const auto sorted = incoming;
  Kokkos::parallel_for(
      Policy(n_atoms, Kokkos::AUTO), KOKKOS_LAMBDA(const Member &team) {
        const int j = team.league_rank();
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, width / tile), [&](const int block) {
          const int f = block * tile;
          const long at = 3L * j * width + f;
          T a_bar[tile], c_bar[tile], b_bar[tile], x_bar[tile], y_bar[tile], z_bar[tile], a[tile],
              c[tile], b[tile];
          for (int t = 0; t < tile; t++)
            a_bar[t] = c_bar[t] = b_bar[t] = x_bar[t] = y_bar[t] = z_bar[t] = T(0);
          for (int k = first(j); k < first(j + 1); k++) {
            const int e = sorted(k);
            if (filter.d[e] >= rc) continue;
            const T *sb = s_bar_ + (long) from(e) * width + f,
                    *vb = v_bar_ + 3L * from(e) * width + f;
            const T ux = u_[3 * e], uy = u_[3 * e + 1], uz = u_[3 * e + 2];
            filter.template operator()<false>(e, 0, f, a, nullptr);
            filter.template operator()<false>(e, 1, f, c, nullptr);
            filter.template operator()<false>(e, 2, f, b, nullptr);
            for (int t = 0; t < tile; t++) {
              const T x = vb[t], y = vb[width + t], z = vb[2 * width + t];
              a_bar[t] += a[t] * sb[t];
              c_bar[t] += c[t] * (ux * x + uy * y + uz * z);
              b_bar[t] += b[t] *
                  (v_in[at + t] * x + v_in[at + width + t] * y + v_in[at + 2 * width + t] * z);
              const T product = b[t] * h_[at + 2 * width + t];
              x_bar[t] += product * x;
              y_bar[t] += product * y;
              z_bar[t] += product * z;
            }
          }
          const bool owned = j < n_owned;
          for (int t = 0; t < tile; t++) {
            h_bar_[at + t] = a_bar[t];
            h_bar_[at + width + t] = c_bar[t];
            h_bar_[at + 2 * width + t] = b_bar[t];
            s_next[(long) j * width + f + t] = owned ? s_bar_[(long) j * width + f + t] : T(0);
            v_next[at + t] = x_bar[t] + (owned ? v_bar_[at + t] : T(0));
            v_next[at + width + t] = y_bar[t] + (owned ? v_bar_[at + width + t] : T(0));
            v_next[at + 2 * width + t] = z_bar[t] + (owned ? v_bar_[at + 2 * width + t] : T(0));
          }
        });
      });
  dense(n_atoms, h_bar_, 3 * F, layer.message1_back, {}, hidden.data(), F);
  activation_backward((long) n_atoms * F, m0.data() + (long) l * n_atoms * F, hidden.data());
  dense(n_atoms, hidden.data(), F, layer.message0_back, {}, s_next, F, nullptr, true);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T> void PainnKokkos<DeviceType, T>::finish_gradient()
{
  const auto r_ = r;
  const auto d_ = d;
  const auto bar = edge_bar;
  const auto out = gradient;
  const double rc = cutoff;
  Kokkos::parallel_for(
      Range(0, n_edges), KOKKOS_LAMBDA(const int e) {
        const double length = d_(e);
        const double u_[3] = {r_(3 * e) / length, r_(3 * e + 1) / length, r_(3 * e + 2) / length};
        const double along =
            bar(4 * e + 1) * u_[0] + bar(4 * e + 2) * u_[1] + bar(4 * e + 3) * u_[2];
        for (int a = 0; a < 3; a++)
          out(3 * e + a) = length >= rc
              ? 0.0
              : bar(4 * e) * u_[a] + (bar(4 * e + 1 + a) - along * u_[a]) / length;
      });
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T> void PainnKokkos<DeviceType, T>::forward()
{
  for (int l = 0; l < L; l++) {
    const long at = kept(l);
    if (l > 0 && exchange_forward) {
      exchange_forward(s, F);
      // v of this layer only
      const long first = v_of(l) - v.data();
      exchange_forward(Array<T>(v, std::make_pair(first, first + 3L * n_atoms * F)), 3 * F);
    }
    dense(n_atoms, s.data(), F, layers[l].message0, layers[l].message0_bias, m0.data() + at, F,
          hidden.data());
    dense(n_atoms, hidden.data(), F, layers[l].message1, layers[l].message1_bias, h.data() + 3 * at,
          3 * F);
    message_forward(l);
    update_forward(l);
  }
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T> void PainnKokkos<DeviceType, T>::evaluate()
{
  geometry();
  forward();
  if (block) block->forward(s.data(), v_of(L));
  readout();
  if (block) block->backward(s_bar.data(), v_bar.data());
  for (int l = L - 1; l >= 0; l--) {
    update_backward(l);
    edge_backward(l);
    if (l == 0) break;    // nothing before the first layer depends on a position
    message_backward(l);
    if (exchange_reverse) {
      exchange_reverse(s_bar_next, F);
      exchange_reverse(v_bar_next, 3 * F);
    }
    std::swap(s_bar, s_bar_next);
    std::swap(v_bar, v_bar_next);
  }
  finish_gradient();
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T> double PainnKokkos<DeviceType, T>::bytes() const
{
  double sum = 0.0;
  for (const auto *array : {&u, &s, &v, &m0, &h, &pq, &norm, &t, &y, &z, &hidden, &wide, &s_bar,
                            &v_bar, &s_bar_next, &v_bar_next, &h_bar})
    sum += (double) array->extent(0) * sizeof(T);
  for (const auto *array : {&r, &gradient, &d, &edge_bar, &atom_energy})
    sum += (double) array->extent(0) * sizeof(double);
  if (block) sum += block->bytes();
  return sum;
}

/* ---------------------------------------------------------------------- */

namespace LAMMPS_NS {
template class PainnKokkos<LMPDeviceType, float>;
template class PainnKokkos<LMPDeviceType, double>;
#ifdef LMP_KOKKOS_GPU
template class PainnKokkos<LMPHostType, float>;
template class PainnKokkos<LMPHostType, double>;
#endif
}    // namespace LAMMPS_NS
