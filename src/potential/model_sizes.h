// ModelSizes: the values in a potential that only its model knows (sizes and records of its own
// types), and its part of potential files.
#pragma once

#include "potential/tensor_table.h"

#include <any>
#include <map>
#include <string>
#include <typeindex>
#include <vector>

namespace mlff {

/// Values of any types, at most one of each. A copy is a copy of all values.
class ModelSizes {
 public:
  /// T{} where there is none of this type.
  template <typename T> const T &get() const
  {
    static const T none{};
    const auto found = values.find(typeid(T));
    return found == values.end() ? none : *std::any_cast<T>(&found->second);
  }

  /// The value to change; it begins as T{}.
  template <typename T> T &get()
  {
    std::any &value = values[typeid(T)];
    if (!value.has_value()) value = T{};
    return *std::any_cast<T>(&value);
  }

 private:
  std::map<std::type_index, std::any> values;
};

/// Access to the value of type T among the sizes of a potential.
template <typename T> struct SizesOf {
  template <typename Potential> T &operator()(Potential &potential) const
  {
    return potential.sizes.template get<T>();
  }
  template <typename Potential> const T &operator()(const Potential &potential) const
  {
    return potential.sizes.template get<T>();
  }
};

class MetadataReader;
struct MetadataWriter;
struct ModelDescription;
struct Potential;

/// A model's part of potential files: its metadata, its tensors, and what is told of them.
struct ModelFile {
  /// Reads what the model adds to the metadata into a potential whose elements and cutoff are
  /// known. Throws PotentialError.
  void (*read)(const MetadataReader &metadata, Potential &potential);

  /// Adds the same to the metadata of a file.
  void (*write)(const Potential &potential, MetadataWriter &metadata);

  /// Throws PotentialError, with `path` in its message, where sizes are wrong or do not fit
  /// elements or tensors.
  void (*check)(const Potential &potential, const std::string &path);

  TensorTable (*tensors)(const Potential &potential);

  std::string (*size_text)(const Potential &potential);    ///< "F32 L2 K20"

  /// Writes what mlff info prints of the model.
  void (*describe)(const Potential &potential, ModelDescription &description);

  /// Names of the species of a model with finer classes of atoms than elements, of which several
  /// may be of one element; null: species are elements.
  std::vector<std::string> (*species_names)(const Potential &potential) = nullptr;
};

}    // namespace mlff
