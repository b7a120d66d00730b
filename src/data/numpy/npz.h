// NumPy .npz archives: named arrays of numbers.
#pragma once

#include "core/errors.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

struct zip;    // an archive, by libzip

namespace mlff {

/// Values in double, row-major.
struct Array {
  std::vector<std::int64_t> shape;
  std::vector<double> values;
};

/// An array of a .npy file, format versions 1 to 3, from its bytes: booleans, integers and floats,
/// little-endian, C or Fortran order. Throws FileError that begins with `where`.
Array parse_npy(std::string_view bytes, const std::string &where);

/// Reads .npz files (stored or deflated) of such arrays.
class NpzFile {
 public:
  explicit NpzFile(const std::string &path);
  ~NpzFile();
  NpzFile(const NpzFile &) = delete;
  NpzFile &operator=(const NpzFile &) = delete;

  const std::vector<std::string> &names() const { return list; }
  bool has(const std::string &name) const;

  /// Throws FileError if the array is missing or of another type.
  Array read(const std::string &name) const;

 private:
  std::string path;
  ::zip *archive = nullptr;
  std::vector<std::string> list;
};

}    // namespace mlff
