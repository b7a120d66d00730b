// Sizes and records of a model, of types that only the model knows.
#pragma once

#include <any>
#include <map>
#include <typeindex>

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

}    // namespace mlff
