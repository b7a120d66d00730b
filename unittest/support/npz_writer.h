// Writes NumPy archives for tests.
#pragma once

#include "data/numpy/npz.h"

#include <cstring>
#include <filesystem>
#include <map>

#include <zip.h>

namespace mlff_test {

template <typename T>
std::string npy(const std::string &descr, const std::vector<std::int64_t> &shape,
                const std::vector<T> &values, bool fortran = false)
{
  std::string extents;
  for (const auto n : shape) extents += std::to_string(n) + ", ";
  std::string header = "{'descr': '" + descr +
      "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': (" + extents + "), }";
  header.resize((10 + header.size() + 64) / 64 * 64 - 10, ' ');
  header.back() = '\n';
  const std::uint16_t length = std::uint16_t(header.size());
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes.append(reinterpret_cast<const char *>(&length), 2);
  bytes += header;
  bytes.append(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T));
  return bytes;
}

inline void write_npz(const std::string &path, const std::map<std::string, std::string> &arrays)
{
  std::filesystem::remove(path);
  zip_t *archive = zip_open(path.c_str(), ZIP_CREATE, nullptr);
  for (const auto &[name, bytes] : arrays)
    zip_file_add(archive, (name + ".npy").c_str(),
                 zip_source_buffer(archive, bytes.data(), bytes.size(), 0), 0);
  zip_close(archive);
}

}    // namespace mlff_test
