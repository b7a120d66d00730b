// The loop of a distillation that measures a learning curve: a cheap teacher first, a budget of
// labels, a target.
#include "core/units.h"
#include "data/trajectory.h"
#include "distill/distillation.h"
#include "distill/round_report.h"
#include "distill/two_teachers/learning_curve.h"
#include "workflow/plot_script.h"

#include <spdlog/spdlog.h>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

void Distillation::run_curve()
{
  if (settings.first_teacher) teach_first();
  print_curve_head(of_structures());
  long spent = 0, r = 0;
  if (!settings.begins_by_sampling()) {
    label_start();
    train(0);
    spent = entry(0)["labelled"] = copies_labelled();
    r = 1;
  }
  for (;; r++) {
    const RoundPlan plan = plan_round(budget, spent, r > settings.rounds);
    measure_on_fresh_probes(r, plan);
    add_point(r, spent);
    const std::string why = end_of(r, plan);
    if (!why.empty()) {
      spdlog::info("the loop ended with {} labels, by '{}'",
                   spent + entry(r)["labelled"].get<long>(), why);
      folder.manifest["end"] = why;
      remove_trajectories(r);
      finish(r - 1);
      draw_curve();
      break;
    }
    label_selected(r, plan);
    train(r);
    spent += entry(r)["labelled"].get<long>();
  }
}

std::string Distillation::end_of(long r, const RoundPlan &plan)
{
  // students of the cheap teacher know nothing yet of the other's labels
  if (r > 0 && settings.target > 0.0 &&
      entry(r)["probe"]["force_rmse_meV_per_A"].get<double>() * meV <= settings.target)
    return "target";
  if (plan.closing) return r > settings.rounds ? "rounds" : "labels";
  const bool measured_before = r > 0 && entry(r - 1).contains("probe");
  return settings.ends_by_gain && measured_before &&
          errors_stay(entry(r - 1), entry(r), settings.gain)
      ? "gain"
      : "";
}

void Distillation::prepare_first()
{
  const auto teacher = make_teacher(*settings.first_teacher);
  provenance_of_first = teacher->provenance();
  if (provenance_of_first == provenance_of_teacher)
    settings.fail("first_teacher",
                  "is the same as 'teacher' (" + settings.teacher.name() +
                      "); accepted: another, cheaper one");
  check_systems(*teacher, "the first teacher");
  if (!settings.first.temperatures)
    settings.first.temperatures = standard_first_temperatures(settings, systems, *teacher);
  check_first_sampling(settings, systems, *teacher);
  check_given_frames(settings, systems);
}

void Distillation::prepare_budget()
{
  budget = {settings.labels, systems.size(), settings.probe, settings.select};
  const long n = long(systems.size()),
             copies = settings.labels_copies() ? n * settings.copies.copies : 0,
             least = budget.least(copies);
  if (settings.labels == 0 || settings.labels >= least) return;
  std::string parts = n > 1 ? std::to_string(n) + " times " : "";
  if (copies > 0) parts += std::to_string(settings.copies.copies) + " ('copies.frames') + ";
  settings.fail("labels",
                "is " + std::to_string(settings.labels) +
                    ", less than one batch and the probes that measure what it taught; "
                    "accepted: a whole number >= " +
                    std::to_string(least) + ": " + parts + std::to_string(settings.select) +
                    " ('select.frames') + 2 x " + std::to_string(settings.probe) +
                    " ('select.probe')");
}

void Distillation::teach_first()
{
  bool there = true;
  for (int k = 0; k < settings.students; k++) there = there && fs::exists(first.student(k));
  if (there) return;
  first.label(command, lammps, jobs, [this](ProcessPool &pool, const std::string &title) {
    run_all(pool, title);
  });
  ProcessPool pool;
  for (int k = 0; k < settings.students; k++)
    if (!fs::exists(first.student(k)))
      pool.add(training("first training, student " + std::to_string(k + 1), first.training(k)));
  run_all(pool, "first training");
}

long Distillation::copies_labelled() const
{
  long n = 0;
  for (std::size_t m = 0; m < systems.size() && settings.labels_copies(); m++) {
    const auto reader = open_trajectory(labelled(0, m));
    for (Structure frame; reader->next(frame);) n++;
  }
  return n;
}

void Distillation::measure_on_fresh_probes(long r, const RoundPlan &plan)
{
  if (entry(r).contains("probe")) return;
  sample(r);
  add_labels(entry(r), systems, label_part(r, RoundPart::probes, plan.probes, plan.selected));
  entry(r)["probes"] = entry(r)["labelled"];
  measure(r);
}

void Distillation::label_selected(long r, const RoundPlan &plan)
{
  Json &e = entry(r);
  if (!e.contains("selected")) {
    const auto summaries = label_part(r, RoundPart::selected, plan.probes, plan.selected);
    long n = 0, discarded = 0;
    for (std::size_t m = 0; m < systems.size(); m++) {
      const long labelled = summaries[m]["labelled"].get<long>(),
                 failed = summaries[m]["discarded"].get<long>();
      Json &own = e[systems[m].molecule ? "molecules" : "structures"][systems[m].name];
      own["labelled"] = own["labelled"].get<long>() + labelled;
      own["discarded"] = own["discarded"].get<long>() + failed;
      n += labelled;
      discarded += failed;
    }
    e["selected"] = n;
    e["discarded"] = e["discarded"].get<long>() + discarded;
    e["labelled"] = e["labelled"].get<long>() + n;
    folder.save();
  }
  remove_trajectories(r);
}

void Distillation::add_point(long r, long labels)
{
  Json &curve = folder.manifest["curve"];
  const Json point = curve_point(labels, entry(r));
  const std::size_t place = std::size_t(settings.begins_by_sampling() ? r : r - 1);
  if (curve.size() <= place) {
    curve.push_back(point);
    folder.save();
  }
  print_curve_row(point, of_structures());
}

void Distillation::draw_curve() const
{
  if (!plots) return;
  const std::string picture = (folder / "curve.png").string(),
                    numbers = folder.manifest_path().string();
  draw_picture("plot_distill.py", {numbers, picture}, numbers);
}

}    // namespace mlff
