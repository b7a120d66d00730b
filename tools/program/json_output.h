// Results as JSON on standard output, for programs that read them.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <functional>

namespace mlff {

/// Option --json of a command.
CLI::Option *add_json_option(CLI::App &command, bool &json);

/// While one of these exists and JSON is wanted, what is printed to standard output goes to
/// standard error: standard output holds the result alone.
class JsonOutput {
 public:
  explicit JsonOutput(bool wanted);
  ~JsonOutput();
  JsonOutput(const JsonOutput &) = delete;
  JsonOutput &operator=(const JsonOutput &) = delete;

  bool wanted() const { return saved >= 0; }

  /// Prints the result to standard output; nothing where JSON is not wanted.
  void print(const nlohmann::ordered_json &result);

 private:
  int saved = -1;    ///< descriptor of standard output meanwhile

  void restore();
};

/// Adds --json to a command. Runs `work` when the command is chosen. `json` must live as long as
/// the command; what `work` owns does.
void run_with_json(CLI::App &command, bool &json, std::function<void(JsonOutput &)> work);

}    // namespace mlff
