// The long-range block's products on a Kokkos device, around its sums.
#include "kokkos/models/long_range_kokkos.h"

#include "kokkos/common/dense.h"
#include "kokkos/models/long_range_sums_kokkos.h"
#include "models/long_range/long_range_tensors.h"

#include <string>

namespace mlff {

namespace {

  /// The block in type B.
  template <class Device, typename T, typename B>
  class LongRangeBlockOf : public LongRangeBlockKokkos<Device, T> {
   public:
    LongRangeBlockOf(const Potential &potential, const DeviceOptions &options) :
        shape(options.teams), F(padded(painn_sizes(potential).features)),
        L(long_range_sizes(potential).layers), sums(potential, options)
    {
      for (const auto &tensors : long_range_tensors(potential))
        layers.push_back(layer_of(potential, tensors));
    }

    void prepare(const DeviceGraph<Device> &graph, GhostExchange *exchange) override
    {
      sums.prepare(graph, exchange);
    }

    void forward(T *s, T *v) override
    {
      const int n = sums.n_atoms, scalars = sums.scalar_columns, vectors = sums.vector_columns,
                out = sums.sum_columns;
      for (int l = 0; l < L; l++) {
        const Layer &layer = layers[l];
        set(n, s, F, layer.from_scalars, sums.scalars, scalars);
        set(3 * n, v, F, layer.from_vectors, sums.vectors, vectors);
        sums.forward(l);
        add(n, sums.scalar_sums, out, layer.scalar_out, s);
        if (l + 1 < L) add(3 * n, sums.vector_sums, out, layer.vector_out, v);
      }
    }

    void backward(T *s_bar, T *v_bar) override
    {
      const int n = sums.n_atoms, scalars = sums.scalar_columns, vectors = sums.vector_columns,
                out = sums.sum_columns;
      for (int l = L - 1; l >= 0; l--) {
        const Layer &layer = layers[l];
        set(n, s_bar, F, layer.scalar_out_back, sums.scalar_sums, out);
        if (l + 1 < L) set(3 * n, v_bar, F, layer.vector_out_back, sums.vector_sums, out);
        sums.backward(l);
        add(n, sums.scalars, scalars, layer.from_scalars_back, s_bar);
        add(3 * n, sums.vectors, vectors, layer.from_vectors_back, v_bar);
      }
    }

    const DeviceArray<Device, double> &x_bar() const override { return sums.x_bar; }
    const DeviceArray<Device, double> &strain() const override { return sums.strain; }
    double bytes() const override { return sums.bytes(); }
    std::size_t bytes(int atoms) const override
    {
      return sums.bytes(atoms) + 3 * sizeof(double) * atoms;    // sums and positions
    }

   private:
    using Array = DeviceArray<Device, B>;

    /// Weights as [in][out] and [out][in]; gates are multiplied into the weights of sums.
    struct Layer {
      Array from_scalars, from_vectors, scalar_out, vector_out;
      Array from_scalars_back, from_vectors_back, scalar_out_back, vector_out_back;
    };

    TeamShape shape;
    int F, L;
    LongRangeSumsKokkos<Device, B> sums;
    std::vector<Layer> layers;

    /// Computes to = from W.
    void set(int rows, const T *from, int width, const Array &W, const Array &to,
             int to_width) const
    {
      DenseRows<T, B, B>{rows, width, to_width, from, W.data(), nullptr, to.data()}
          .template run<Device>("mlff/long_range/project", shape);
    }

    /// Computes to [rows][F] += from W.
    void add(int rows, const Array &from, int width, const Array &W, T *to) const
    {
      DenseRows<B, B, T>{rows, width, F, from.data(), W.data(), nullptr, to, nullptr, true}
          .template run<Device>("mlff/long_range/combine", shape);
    }

    /// A matrix and its transpose, which grow out of parts.
    struct Pair {
      std::vector<double> ahead, back;    // [rows][columns], [columns][rows]
      int rows, columns;

      Pair(int rows, int columns) :
          ahead(std::size_t(rows) * columns, 0.0), back(ahead), rows(rows), columns(columns)
      {
      }

      /// W [n_out][..] from column `offset` on, n_in of them, transposed, to a row and column;
      /// `gate` [n_out] are factors of its rows, or null.
      void put(const Tensor &W, int row, int column, int offset, int n_in, const Tensor *gate)
      {
        const int n_out = int(W.shape[0]), stride = int(W.values.size()) / n_out;
        for (int o = 0; o < n_out; o++)
          for (int k = 0; k < n_in; k++) {
            const double value =
                W.values[std::size_t(o) * stride + offset + k] * (gate ? gate->values[o] : 1.0);
            ahead[std::size_t(row + k) * columns + column + o] = value;
            back[std::size_t(column + o) * rows + row + k] = value;
          }
      }

      void upload_to(Array &there, Array &back_again) const
      {
        there = upload<Device, B>(ahead, "long_range/weight");
        back_again = upload<Device, B>(back, "long_range/weight");
      }
    };

    Layer layer_of(const Potential &potential, const LongRangeTensors &tensors) const
    {
      const int features = painn_sizes(potential).features,
                HC = long_range_sizes(potential).channels(features);
      Layer layer;
      Pair scalars(F, sums.scalar_columns);
      scalars.put(*tensors.query, 0, 0, 0, features, nullptr);
      scalars.put(*tensors.key, 0, sums.first_key, 0, features, nullptr);
      scalars.put(*tensors.value, 0, sums.first_value, 0, features, nullptr);
      scalars.upload_to(layer.from_scalars, layer.from_scalars_back);

      Pair vectors(F, sums.vector_columns);
      vectors.put(*tensors.vector_value, 0, 0, 0, features, nullptr);
      vectors.upload_to(layer.from_vectors, layer.from_vectors_back);

      const auto out = [&](const Tensor &weight, const Tensor &gate, Array &there,
                           Array &back_again) {
        Pair both(sums.sum_columns, F);
        both.put(weight, 0, 0, 0, HC, &gate);
        both.put(weight, sums.first_odd, 0, HC, HC, &gate);
        both.upload_to(there, back_again);
      };
      out(*tensors.scalar_out, *tensors.scalar_gate, layer.scalar_out, layer.scalar_out_back);
      out(*tensors.vector_out, *tensors.vector_gate, layer.vector_out, layer.vector_out_back);
      return layer;
    }
  };

}    // namespace

template <class Device, typename T>
std::unique_ptr<LongRangeBlockKokkos<Device, T>>
LongRangeBlockKokkos<Device, T>::make(const Potential &potential, const DeviceOptions &options)
{
  if (!has_long_range(potential)) return nullptr;
  if (long_range_sizes(potential).precision == "double")
    return std::make_unique<LongRangeBlockOf<Device, T, double>>(potential, options);
  return std::make_unique<LongRangeBlockOf<Device, T, T>>(potential, options);
}

MLFF_INSTANTIATE(LongRangeBlockKokkos)

}    // namespace mlff
