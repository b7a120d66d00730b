// Pictures, which Python scripts draw.
#include "workflow/plot_script.h"

#include "potential/shipped_files.h"

#include <spdlog/spdlog.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace mlff {

namespace {

  /// A word that a shell takes as it is.
  std::string quoted(const std::string &word)
  {
    std::string text = "'";
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
  }

}    // namespace

std::string python_program()
{
  if (const char *named = std::getenv("MLFF_PYTHON")) return named;
  std::ifstream file(shipped_files() / "python");
  std::string program;
  if (std::getline(file, program) && std::filesystem::exists(program)) return program;
  return "python3";
}

bool run_plot_script(const std::string &script, const std::vector<std::string> &files)
{
  std::string line = quoted(python_program());
  line += " " + quoted((shipped_files() / "scripts" / script).string());
  for (const auto &file : files) line += " " + quoted(file);
  return std::system(line.c_str()) == 0;
}

void draw_picture(const std::string &script, const std::vector<std::string> &files,
                  const std::string &numbers)
{
  if (run_plot_script(script, files))
    spdlog::info("wrote {}", files.back());
  else
    spdlog::warn("the picture could not be drawn; the numbers are in {}", numbers);
}

}    // namespace mlff
