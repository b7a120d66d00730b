// Levels of messages.
#include "program/verbosity.h"

#include "core/progress.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

namespace mlff {

void add_verbosity_options(CLI::App &app)
{
  auto *quiet = app.add_flag_callback(
                       "-q,--quiet",
                       [] {
                         spdlog::set_level(spdlog::level::warn);
                         Progress::set_quiet(true);
                       },
                       "beside results, show warnings and errors alone")
                    ->trigger_on_parse();
  app.add_flag_callback(
         "-v,--verbose",
         [] {
           spdlog::set_level(spdlog::level::debug);
         },
         "also tell which files are read and how long the work takes")
      ->trigger_on_parse()
      ->excludes(quiet);
}

void start_messages()
{
  const char *no_color = std::getenv("NO_COLOR");
  const auto log = spdlog::stderr_color_mt(
      "mlff", no_color && *no_color ? spdlog::color_mode::never : spdlog::color_mode::automatic);
  log->set_pattern("mlff: %^%l%$: %v");
  spdlog::set_default_logger(log);
}

}    // namespace mlff
