// NumPy .npz archives: named arrays of numbers.
#pragma once

#include "core/errors.h"

#include <cstdint>
#include <string>
#include <vector>

struct zip;    // of libzip

namespace mlff {

/// Values in double, row-major.
struct Array {
  std::vector<std::int64_t> shape;
  std::vector<double> values;
};

/// Reads .npz files (stored or deflated) of booleans, integers and floats, little-endian, C or
/// Fortran order.
class NpzFile {
 public:
  explicit NpzFile(const std::string &path);
  ~NpzFile();
  NpzFile(const NpzFile &) = delete;
  NpzFile &operator=(const NpzFile &) = delete;

  const std::vector<std::string> &names() const { return list; }
  bool has(const std::string &name) const;

  /// Throws FileError where the array is missing or is none of the types above.
  Array read(const std::string &name) const;

 private:
  std::string path;
  ::zip *archive = nullptr;
  std::vector<std::string> list;
};

}    // namespace mlff
