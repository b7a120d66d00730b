// How far the students of a distillation reach: scans of each molecule, beside a teacher.
#include "distill/distillation.h"
#include "reach/reach.h"
#include "workflow/lammps_run.h"

#include <spdlog/spdlog.h>

#include <cstdio>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

  std::string result_name(int k)
  {
    return "student-" + std::to_string(k + 1) + ".safetensors";
  }

}    // namespace

const TeacherSettings *Distillation::teacher_of_reach() const
{
  if (of_structures() || !settings.reach) return nullptr;
  if (settings.first_teacher) return &*settings.first_teacher;
  return settings.labels > 0 ? nullptr : &settings.teacher;
}

void Distillation::judge_reach()
{
  const TeacherSettings *teacher = teacher_of_reach();
  if (!teacher) {
    if (!of_structures() && settings.reach)
      spdlog::info("the budget of 'labels' has none for torsions and bonds of the last students; "
                   "mlff eval --reach compares them with any force");
    return;
  }
  Json &reach = folder.manifest["reach"];
  if (reach.is_null()) reach = Json::object();
  ProcessPool pool;
  for (std::size_t m = 0; m < systems.size(); m++)
    if (!reach.contains(systems[m].name)) pool.add(scanning(m, *teacher));
  run_all(pool, "reach");
  for (const auto &system : systems) {
    if (!reach.contains(system.name)) continue;
    std::printf("\n%s: ", system.name.c_str());
    print_reach(reach[system.name]);
  }
}

ProcessPool::Work Distillation::scanning(std::size_t m, const TeacherSettings &asked)
{
  ProcessPool::Work work;
  const std::string &name = systems[m].name;
  const fs::path log = folder / (".reach-" + name + ".log"),
                 curves = folder / ("reach-" + name + ".json");
  work.run = [this, m, &asked, log, curves] {
    output_to(log);
    std::vector<std::string> files;
    for (int k = 0; k < settings.students; k++) files.push_back((folder / result_name(k)).string());
    EngineOptions engine;
    engine.threads = 1;
    const auto teacher = make_teacher(asked);
    Reach reach = evaluate_reach(systems[m].start, files, engine, asked, *teacher);
    if (&asked != &settings.teacher)
      reach.notes.push_back("the students learned from " + name_of_teacher(settings.teacher) +
                            " last, which differs from " + reach.teacher + " as the methods do");
    for (int k = 0; k < settings.students; k++) reach.students[std::size_t(k)] = result_name(k);
    write_json(curves, reach.json());
    return 0;
  };
  work.finished = [this, name, log, curves](int status) {
    if (status != 0)
      spdlog::warn("reach of {}: {}", name, last_error(log, status));
    else
      folder.manifest["reach"][name] = without_curves(Json::parse(text_of(curves)));
    fs::remove(log);
  };
  return work;
}

}    // namespace mlff
