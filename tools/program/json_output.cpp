// Keeps standard output for JSON.
#include "program/json_output.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

namespace mlff {

CLI::Option *add_json_option(CLI::App &command, bool &json)
{
  return command.add_flag("--json", json, "print the result as JSON");
}

JsonOutput::JsonOutput(bool wanted)
{
  if (!wanted) return;
  std::fflush(stdout);
  saved = dup(STDOUT_FILENO);
  if (saved >= 0) dup2(STDERR_FILENO, STDOUT_FILENO);
}

JsonOutput::~JsonOutput()
{
  restore();
}

void JsonOutput::restore()
{
  if (saved < 0) return;
  std::fflush(stdout);
  dup2(saved, STDOUT_FILENO);
  close(saved);
  saved = -1;
}

void JsonOutput::print(const nlohmann::ordered_json &result)
{
  if (!wanted()) return;
  restore();
  std::printf("%s\n", result.dump(2).c_str());
}

void run_with_json(CLI::App &command, bool &json, std::function<void(JsonOutput &)> work)
{
  add_json_option(command, json);
  command.callback([&json, work = std::move(work)] {
    JsonOutput output(json);
    work(output);
  });
}

}    // namespace mlff
