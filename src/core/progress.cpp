// Draws the progress bar.
#include "core/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace mlff {

using Clock = std::chrono::steady_clock;

Progress::Progress(std::string title) :
    title(std::move(title)), terminal(isatty(STDERR_FILENO)), start(Clock::now()), last(start)
{
}

Progress::~Progress()
{
  if (terminal && drawn) std::fprintf(stderr, "\n");
}

void Progress::update(double share, const std::string &detail)
{
  share = std::clamp(share, 0.0, 1.0);
  const auto now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - start).count();
  if (terminal) {
    if (share < 1.0 && drawn && now - last < std::chrono::milliseconds(100)) return;
    last = now;
    drawn = true;
    const int filled = int(share * 30);
    const std::string bar = std::string(filled, '#') + std::string(30 - filled, '.');
    std::fprintf(stderr, "\r%s [%s] %3.0f %%  %.0f s left  %s\033[K", title.c_str(), bar.c_str(),
                 100 * share, share > 0.0 ? seconds / share - seconds : 0.0, detail.c_str());
    std::fflush(stderr);
  } else if (int(share * 10) > tenths && (share == 1.0 || now - last >= std::chrono::seconds(10))) {
    last = now;
    tenths = int(share * 10);
    std::fprintf(stderr, "%s %3.0f %%  %s\n", title.c_str(), 100 * share, detail.c_str());
  }
}

}    // namespace mlff
