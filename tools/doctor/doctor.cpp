// Collects and shows findings.
#include "doctor/doctor.h"

#include "doctor/examinations.h"

#include <cstdio>

namespace mlff {

std::vector<FindingGroup> examine(const std::string &lammps)
{
  return {examine_engine(), examine_lammps(lammps), examine_machine(), examine_libraries(),
          examine_python()};
}

bool ready(const std::vector<FindingGroup> &groups)
{
  for (const auto &group : groups)
    for (const auto &finding : group.findings)
      if (finding.needed && !finding.ok) return false;
  return true;
}

nlohmann::ordered_json json_of(const std::vector<FindingGroup> &groups)
{
  nlohmann::ordered_json json = {{"ready", ready(groups)},
                                 {"findings", nlohmann::ordered_json::array()}};
  for (const auto &group : groups)
    for (const auto &finding : group.findings)
      json["findings"].push_back({{"group", group.heading},
                                  {"name", finding.name},
                                  {"ok", finding.ok},
                                  {"needed", finding.needed},
                                  {"found", finding.found},
                                  {"advice", finding.advice}});
  return json;
}

void print(const std::vector<FindingGroup> &groups)
{
  for (const auto &group : groups) {
    std::printf("%s\n", group.heading.c_str());
    for (const auto &[name, ok, found, advice, needed] : group.findings) {
      const char *state = ok ? "ok" : needed ? "NEEDED" : "missing";
      std::printf("  %-8s %-22s %s\n", state, name.c_str(), found.c_str());
      if (!advice.empty()) std::printf("  %-8s %-22s -> %s\n", "", "", advice.c_str());
    }
  }
  std::printf(ready(groups) ? "\nPotentials can be run with LAMMPS here.\n"
                            : "\nWhat is marked NEEDED keeps potentials from running here.\n");
}

}    // namespace mlff
