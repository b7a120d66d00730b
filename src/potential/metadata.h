// The metadata of a potential file, for the models that read and write their part of them.
#pragma once

#include "potential/potential_error.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace mlff {

struct Potential;

/// Metadata of one file while it is read. Every access throws PotentialError naming the key, what
/// was found and what is expected.
class MetadataReader {
 public:
  MetadataReader(const std::string &path, const nlohmann::json &header);

  const std::string path;         ///< path of the file, for messages
  const std::size_t n_tensors;    ///< number of tensors in the file

  bool has(const std::string &key) const { return object.contains(key); }
  std::string text(const std::string &key) const;
  double number(const std::string &key) const;
  nlohmann::json parsed(const std::string &key) const;    ///< the text of a key as JSON

  /// The object `hyperparameters`, which holds the sizes of a model.
  nlohmann::json hyperparameters() const;

  [[noreturn]] void fail(const std::string &what) const { reject_potential(path, what); }

 private:
  nlohmann::json object;
};

/// Model's part of the metadata of a file that is written.
struct MetadataWriter {
  nlohmann::json hyperparameters = nlohmann::json::object();
  nlohmann::json more = nlohmann::json::object();    ///< further keys; texts
};

/// Lines of `mlff info` about a model: its sizes, and further properties behind cutoff and number
/// of parameters.
struct ModelDescription {
  nlohmann::ordered_json sizes = nlohmann::ordered_json::object(),
                         more = nlohmann::ordered_json::object();
};

/// Adds the tensor `reference_energy` of a potential, by elements.
void describe_reference_energies(const Potential &potential, ModelDescription &description);

/// Entry `key` of the hyperparameters, a whole number from `least` to 65536.
int whole_hyperparameter(const std::string &path, const nlohmann::json &hyperparameters,
                         const char *key, int least);

/// Entry `key` of an object, an array of whole numbers from -65536 to 65536; `where` names the
/// object in messages.
std::vector<int> whole_numbers(const std::string &path, const nlohmann::json &object,
                               const std::string &where, const char *key);

/// Shortest text of a number that reads back as the same number.
std::string number_text(double value);

}    // namespace mlff
