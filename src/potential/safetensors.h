// The container of potential files: a .safetensors file is eight bytes with the size of its header,
// the header as JSON, and the bytes of all tensors. What the metadata mean is for potential.cpp and
// the models to say.
#pragma once

#include "potential/tensor.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <fstream>
#include <map>
#include <string>

namespace mlff {

/// Reads one file: first its header, then its tensors.
class SafetensorsReader {
 public:
  /// Reads the header. Throws PotentialError for a file that cannot be opened, is truncated, or has
  /// a bad header.
  explicit SafetensorsReader(const std::string &path);

  /// One entry a tensor, and `__metadata__`.
  const nlohmann::json &header() const { return parsed; }

  /// Reads all tensors and the hash of their bytes. Throws PotentialError for an entry without
  /// dtype, shape and data_offsets, a dtype other than F32 and F64, and for tensors that do not
  /// cover the data of the file exactly once.
  std::map<std::string, Tensor> read_tensors(std::string &sha256);

 private:
  std::string path;
  std::ifstream file;
  std::uint64_t data_size = 0;
  nlohmann::json parsed;
};

/// Writes the tensors of a file.
class SafetensorsWriter {
 public:
  /// Lays out the bytes of all tensors, those of eight-byte values first, so that every tensor is
  /// aligned.
  explicit SafetensorsWriter(const std::map<std::string, Tensor> &tensors);

  const std::string &sha256() const { return hash; }    ///< SHA-256 of the bytes of all tensors

  /// Writes a file, completely or not at all: the file appears under its name when it is complete.
  /// Throws PotentialError where it cannot be written, and for text that is not valid UTF-8.
  void write(const std::string &path, const nlohmann::json &metadata) const;

 private:
  nlohmann::json header;
  std::string data, hash;
};

/// Parses JSON of a file. The result is discarded if the text is not JSON, or has more than 64
/// nested arrays and objects, which would be too much for the stack.
nlohmann::json parse_json(const std::string &text);

/// "[3, 8]"
std::string shape_text(const std::vector<std::int64_t> &shape);

}    // namespace mlff
