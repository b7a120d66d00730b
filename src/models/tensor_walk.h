// One list of tensors for each part of a model, which everything visits that needs them: the table
// of names and shapes, weights packed for kernels, sums of gradients, LibTorch modules, arrays on a
// device.
//
// A list is a function template walk_...(sizes, walk, places). It calls for each tensor or layer
//   walk.linear(to, name, out, in, place)      name.weight [out][in] and name.bias [out]
//   walk.matrix(to, name, out, in, place)      name.weight [out][in] alone
//   walk.filter(to, name, out, in, place)      the same of a filter of edges, whose inputs are
//                                              radial functions and, for the bias, 1
//   walk.rows(to, name, shape, width, place, start)    name [shape], rows of `width` numbers
//   walk.constant(to, name, shape, place)      name [shape], from the data and not trained
// `to` is the structure that the tensor goes into, `place` its members there: structures of all
// users name the same thing alike.
#pragma once

#include "models/painn/host/painn_kernels.h"
#include "potential/flat_weights.h"
#include "potential/tensor_table.h"

#include <string>
#include <type_traits>
#include <vector>

namespace mlff {

/// Extent of a dimension: blocks of `width` features side by side, each of which kernels pad to
/// whole vectors; or numbers that are not padded.
struct Extent {
  int width, blocks = 1;
  bool is_padded = true;

  std::int64_t count() const { return std::int64_t(width) * blocks; }
  Blocks places() const { return {width, is_padded ? padded(width) : width}; }
};

/// Members of a structure that a tensor or linear layer goes into.
template <typename Weight, typename Back, typename Bias> struct TensorPlace {
  Weight weight;    ///< the tensor, or the weight of a layer
  Back back;        ///< the weight of a layer once more, for the product the other way
  Bias bias;        ///< the bias of a layer
};
template <typename Weight, typename Back, typename Bias>
TensorPlace(Weight, Back, Bias) -> TensorPlace<Weight, Back, Bias>;

/// Members `name`, `name`_back and `name`_bias, of which a structure may lack the last two.
#define MLFF_PLACE(name)                             \
  mlff::TensorPlace                                  \
  {                                                  \
    [](auto &to) -> decltype((to.name)) {            \
      return to.name;                                \
    },                                               \
        [](auto &to) -> decltype((to.name##_back)) { \
          return to.name##_back;                     \
        },                                           \
        [](auto &to) -> decltype((to.name##_bias)) { \
          return to.name##_bias;                     \
        }                                            \
  }

/// Puts a constant where a structure has a place for it: its first number into a number, or what
/// `keep` makes of all of them. Other structures do without.
template <typename To, typename Place, typename Keep>
void place_constant(To &to, const Place &place, const std::vector<double> &values, const Keep &keep)
{
  if constexpr (requires { place.weight(to); }) {
    auto &value = place.weight(to);
    if constexpr (std::is_same_v<decltype(value), double &>)
      value = values[0];
    else
      value = keep(values);
  }
}

/// A place for users that look at names and shapes alone.
struct Nowhere {
  Nowhere &operator[](std::size_t) { return *this; }
};

/// Calls list(layer, name, l) for each of n layers, where names begin with "prefix.l.".
template <typename Layers, typename List>
void walk_layers(int n, const std::string &prefix, Layers &layers, const List &list)
{
  for (int l = 0; l < n; l++)
    list(layers[std::size_t(l)], prefix + "." + std::to_string(l) + ".", l);
}

/// The walk that makes the table of tensors.
class TableWalk {
 public:
  TensorTable table;

  template <typename To, typename Place>
  void linear(To &to, const std::string &name, Extent out, Extent in, const Place &place)
  {
    matrix(to, name, out, in, place);
    table[name + ".bias"] = {{out.count()}, TensorStart::zero};
  }

  template <typename To, typename Place>
  void matrix(To &, const std::string &name, Extent out, Extent in, const Place &)
  {
    table[name + ".weight"] = {{out.count(), in.count()}, TensorStart::glorot};
  }

  template <typename To, typename Place>
  void filter(To &to, const std::string &name, Extent out, int in, const Place &place)
  {
    linear(to, name, out, {in}, place);
  }

  template <typename To, typename Place>
  void rows(To &, const std::string &name, std::vector<std::int64_t> shape, Extent, const Place &,
            TensorStart start)
  {
    table[name] = {std::move(shape), start};
  }

  template <typename To, typename Place>
  void constant(To &, const std::string &name, std::vector<std::int64_t> shape, const Place &)
  {
    table[name] = {std::move(shape), TensorStart::data};
  }
};

/// The table of the tensors that list(walk, nowhere) walks over.
template <typename List> TensorTable table_of(const List &list)
{
  TableWalk walk;
  Nowhere nowhere;
  list(walk, nowhere);
  return walk.table;
}

/// The walk that finds the places of trained tensors among flat weights.
class OffsetWalk {
 public:
  explicit OffsetWalk(std::vector<WeightSlice> slices) : slice(std::move(slices)) {}

  template <typename To, typename Place>
  void linear(To &to, const std::string &name, Extent, Extent, const Place &place)
  {
    place.weight(to) = slice(name + ".weight").offset;
    place.bias(to) = slice(name + ".bias").offset;
  }

  template <typename To, typename Place>
  void constant(To &, const std::string &, const std::vector<std::int64_t> &, const Place &)
  {
  }

 private:
  WeightNames slice;
};

}    // namespace mlff
