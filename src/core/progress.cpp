// Draws the progress bar.
#include "core/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace mlff {

using Clock = std::chrono::steady_clock;

namespace {

  bool quiet_progress = false;

  /// Whether standard error can redraw a line: a terminal that is not the simplest one.
  bool redraws_lines()
  {
    const char *kind = std::getenv("TERM");
    return isatty(STDERR_FILENO) && kind && std::string_view(kind) != "dumb";
  }

  /// Columns of the terminal; a line that is longer would leave its remains above.
  std::size_t columns()
  {
    winsize size{};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  }

}    // namespace

void Progress::set_quiet(bool quiet)
{
  quiet_progress = quiet;
}

Progress::Progress(std::string title) :
    title(std::move(title)), terminal(redraws_lines()), start(Clock::now()), last(start)
{
}

Progress::~Progress()
{
  if (terminal && drawn) std::fprintf(stderr, "\n");
}

void Progress::update(double share, const std::string &detail)
{
  if (quiet_progress) return;
  share = std::clamp(share, 0.0, 1.0);
  const auto now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - start).count();
  if (terminal) {
    if (share < 1.0 && drawn && now - last < std::chrono::milliseconds(100)) return;
    last = now;
    drawn = true;
    const int filled = int(share * 30);
    const std::string bar = std::string(filled, '#') + std::string(30 - filled, '.');
    char words[64];
    std::snprintf(words, sizeof words, "] %3.0f %%  %.0f s left  ", 100 * share,
                  share > 0.0 ? seconds / share - seconds : 0.0);
    const std::string line = title + " [" + bar + words + detail;
    std::fprintf(stderr, "\r%s\033[K", line.substr(0, columns() - 1).c_str());
    std::fflush(stderr);
  } else if (int(share * 10) > tenths && (share == 1.0 || now - last >= std::chrono::seconds(10))) {
    last = now;
    tenths = int(share * 10);
    std::fprintf(stderr, "%s %3.0f %%  %s\n", title.c_str(), 100 * share, detail.c_str());
  }
}

}    // namespace mlff
