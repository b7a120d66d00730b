// Report of mlff make-jump about a network.
#include "make_jump/jump_table.h"

#include "data/output_file.h"

#include <cmath>
#include <cstdio>

namespace mlff {

using Json = nlohmann::ordered_json;

namespace {

  /// A number of a report; not a number where it is missing.
  double number_of(const Json &entry, const char *key)
  {
    return entry.is_object() && entry.contains(key) && entry[key].is_number()
        ? entry[key].get<double>()
        : std::nan("");
  }

}    // namespace

bool is_good(const Json &report)
{
  const Json energy = report["jumps"]["network"].value("energy_kT", Json());
  // none: the jumps led to where the method does not converge
  if (!energy.is_object() || !energy["mean"].is_number() || !energy["deviation"].is_number())
    return false;
  return std::abs(energy["mean"].get<double>()) < mean_limit &&
      energy["deviation"].get<double>() < deviation_limit;
}

std::string in_words(const Json &report)
{
  const Json &network = report["jumps"]["network"];
  const Json energy = network.value("energy_kT", Json());
  char text[160];
  std::snprintf(text, sizeof text, "skill %.3f in x, %.3f in v; energy of a jump %+.3f ± %.3f kT",
                number_of(network["skill"], "x"), number_of(network["skill"], "v"),
                number_of(energy, "mean"), number_of(energy, "deviation"));
  return text;
}

void write_jump_table(const std::string &path, const std::string &text,
                      const std::vector<JumpRow> &rows)
{
  OutputFile file(path, true);
  std::fputs(text.c_str(), file);
  std::fputs("| jump | dx, of the change | dv | skill against the linear fit | energy, kT: "
             "mean ± deviation |\n|---|---|---|---|---|\n",
             file);
  for (const auto &[name, jump] : rows) {
    std::fprintf(file, "| %s | %.2f %% | %.2f %% | %.3f / %.3f | ", name.c_str(),
                 100 * number_of(jump["error_of_change"], "x"),
                 100 * number_of(jump["error_of_change"], "v"), number_of(jump["skill"], "x"),
                 number_of(jump["skill"], "v"));
    if (jump.contains("energy_kT"))
      std::fprintf(file, "%+.3f ± %.3f |\n", number_of(jump["energy_kT"], "mean"),
                   number_of(jump["energy_kT"], "deviation"));
    else
      std::fputs("- |\n", file);
  }
  file.finish();
}

}    // namespace mlff
