// The report of a sampler, in words and tables.
#include "make_sampler/chain/acceptance.h"
#include "make_sampler/sampler_maker.h"
#include "potential/model_kind.h"
#include "workflow/lammps_run.h"

#include <spdlog/spdlog.h>

#include <cmath>
#include <cstdarg>
#include <cstdio>

namespace mlff {

using Json = nlohmann::ordered_json;

namespace {

  [[gnu::format(printf, 1, 2)]] std::string text_of_words(const char *format, ...)
  {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return text;
  }

  /// Standard errors between the mean of exp(-D) and 1 that are still chance.
  constexpr double most_errors = 2.0;

}    // namespace

std::string SamplerMaker::report_of_rounds() const
{
  std::string text = "| round | labels | by | student before: energy error, meV | in kT, s | "
                     "acceptance, erfc(s/2) | acceptance, over pairs | training steps |\n"
                     "|---|---|---|---|---|---|---|---|\n";
  const Json &rounds = folder.manifest["rounds"];
  for (std::size_t r = 0; r < rounds.size(); r++) {
    const Json &round = rounds[r];
    text += text_of_words("| %zu | %ld | %s | ", r, round["labels"].get<long>(),
                          round["teacher"].get<std::string>().c_str());
    if (round.contains("measure")) {
      const Json &measure = round["measure"];
      text += text_of_words(
          "%.1f | %.2f | %.2f | %.2f | ", measure["energy_deviation_meV"].get<double>(),
          measure["deviation_kT"].get<double>(), measure["acceptance"].get<double>(),
          measure["acceptance_of_pairs"].get<double>());
    } else
      text += "- | - | - | - | ";
    text += round.contains("steps") ? text_of_words("%ld |\n", round["steps"].get<long>())
                                    : std::string("- |\n");
  }
  return text;
}

std::string SamplerMaker::report_of_check() const
{
  const Json &check = folder.manifest["check"], &lengths = folder.manifest["lengths"];
  std::string text =
      text_of_words("| check of %ld proposals | measured | expected |\n|---|---|---|\n",
                    check["proposals"].get<long>());
  text += text_of_words("| accepted proposals | %.3f | %.3f |\n", check["acceptance"].get<double>(),
                        best_acceptance());
  text += text_of_words("| mean of exp(-D) | %.3f ± %.3f | 1 |\n", check["boltzmann"].get<double>(),
                        check["boltzmann_error"].get<double>());
  text += text_of_words("| accepted segments of the student | %.3f | %.3f |\n",
                        check["inner_acceptance"].get<double>(),
                        lengths["inner_acceptance"].get<double>());
  text += text_of_words("| mean of exp(-dH/kT) of segments | %.3f ± %.3f | 1 |\n",
                        lengths["inner_boltzmann"].get<double>(),
                        lengths["inner_boltzmann_error"].get<double>());
  return text;
}

std::string SamplerMaker::report_of_samples() const
{
  const Json &check = folder.manifest["check"], &lengths = folder.manifest["lengths"];
  std::string text = "| independent samples | of | force calls for one | a second |\n"
                     "|---|---|---|---|\n";
  const auto row = [&](const std::string &name, const Json &entry) {
    text += text_of_words("| %s | %s | %.3g | %.3g |\n", name.c_str(),
                          entry["slowest"].get<std::string>().c_str(), entry["calls"].get<double>(),
                          entry["per_second"].get<double>());
  };
  row("sampler, measured in the check", check);
  row("sampler, estimate from the student's chain", lengths["estimate"]);
  row("velocity Verlet of 0.5 fs, friction 10/ps, estimate from the student's dynamics",
      lengths["verlet"]);
  return text;
}

std::string SamplerMaker::report() const
{
  const Json &lengths = folder.manifest["lengths"];
  long labels = 0;
  for (const auto &round : folder.manifest["rounds"]) labels += round["labels"].get<long>();
  std::string text = "# Sampler of " + options.smiles + " at " + number(options.temperature) +
      " K\n\n`" + options.command + "`\n\n";
  text += text_of_words(
      "%d atoms; student %s; %ld labels, %.2g ms each of %s when they were planned; %.0f s in "
      "all. A proposal is %d segments of %d steps of %.3g fs, then one force call.\n\n",
      molecule.n_atoms(), kind->name, labels, 1e3 * folder.manifest["label_seconds"].get<double>(),
      options.teacher.name().c_str(), folder.seconds_of_stages(), lengths["segments"].get<int>(),
      lengths["steps"].get<int>(), lengths["timestep_fs"].get<double>());
  text += "Errors are standard deviations over frames of the student at the temperature of the "
          "sampler, before\nit learned from them.\n\n";
  return text + report_of_rounds() + "\n" + report_of_check() + "\n" + report_of_samples();
}

void SamplerMaker::tell() const
{
  std::printf("%s\n", text_of(folder / "report.md").c_str());
  const Json &check = folder.manifest["check"];
  const double mean = check["boltzmann"], error = check["boltzmann_error"];
  if (std::abs(mean - 1.0) > most_errors * error)
    spdlog::warn("the mean of exp(-D) is {:.1f} standard errors from 1; one check in twenty is by "
                 "chance: run {}/in.sample for longer and look at item 18 of its fix",
                 std::abs(mean - 1.0) / error, folder.name());
  if (!moves(best_round()))
    spdlog::warn("the student rejects most of its own segments: it is no use as a sampler; more "
                 "--minutes make it better");
  else if (best_acceptance() < options.acceptance)
    spdlog::warn("expected acceptance {:.2f}, below {}: samples are exact, but cost more calls; "
                 "more --minutes make it better",
                 best_acceptance(), options.acceptance);
  spdlog::info("wrote {0}/student.safetensors and {0}/in.sample (cd {0}; lmp -in in.sample)",
               folder.name());
}

}    // namespace mlff
