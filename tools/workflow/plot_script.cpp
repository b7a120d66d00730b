// Pictures, which Python scripts draw.
#include "workflow/plot_script.h"

#include <spdlog/spdlog.h>

#include <cstdlib>

namespace mlff {

bool run_plot_script(const std::string &script, const std::vector<std::string> &files)
{
  std::string line = std::string("'") + MLFF_PYTHON + "' '" + MLFF_TOOLS + "/" + script + "'";
  for (const auto &file : files) line += " '" + file + "'";
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
