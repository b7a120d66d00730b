// A piece of work in a process of its own.
#include "workflow/work_process.h"

#include "core/progress.h"
#include "data/numpy/npz.h"
#include "workflow/lammps_run.h"
#include "workflow/process_pool.h"

#include <unistd.h>

#include <cstdlib>
#include <vector>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

Json in_a_process(const RunFolder &folder, const std::string &title,
                  const std::function<Json()> &work, const std::function<double()> &progress)
{
  const fs::path log = folder / (title + ".log"), result = folder / (title + ".json");
  fs::remove(result);
  std::string why;
  ProcessPool pool;
  pool.add({[&] {
              output_to(log);
              const Json json = work();
              if (json.is_null()) return 1;
              write_json(result, json);
              return 0;
            },
            progress,
            [&](int status) {
              if (status != 0) why = last_error(log, status);
            }});
  {
    Progress bar(title);
    pool.run(1, [&](double share) {
      if (progress) bar.update(share);
    });
  }
  if (!why.empty()) throw FileError("'" + folder.name() + "', " + title + ": " + why);
  const Json json = Json::parse(text_of(result));
  fs::remove(result);
  fs::remove(log);
  return json;
}

void restart_with_one_thread()
{
  const char *now = std::getenv("OMP_NUM_THREADS");
  if (now && std::string(now) == "1") return;
  setenv("OMP_NUM_THREADS", "1", 1);
  std::string line = text_of("/proc/self/cmdline");
  std::vector<char *> words;
  for (std::size_t at = 0; at < line.size(); at = line.find('\0', at) + 1)
    words.push_back(&line[at]);
  words.push_back(nullptr);
  // where that is not possible, the work goes on with more threads
  execv("/proc/self/exe", words.data());
}

double step_of_log(const fs::path &log)
{
  const std::string text = text_of(log);
  const auto at = text.rfind("{\"step\":");
  return at == std::string::npos ? 0.0 : std::atof(text.c_str() + at + 8);
}

}    // namespace mlff
