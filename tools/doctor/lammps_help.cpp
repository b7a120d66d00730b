// Reads the help of LAMMPS.
#include "doctor/lammps_help.h"

#include <algorithm>
#include <set>
#include <sstream>

namespace mlff {

namespace {

  std::vector<std::string> words_of(const std::string &line)
  {
    std::istringstream in(line);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    return words;
  }

  /// What follows `mark` in a line; false where it does not begin with that.
  bool follows(const std::string &line, const std::string &mark, std::string &rest)
  {
    if (!line.starts_with(mark)) return false;
    const auto words = words_of(line.substr(mark.size()));
    rest.clear();
    for (const auto &word : words) rest += (rest.empty() ? "" : " ") + word;
    return true;
  }

}    // namespace

bool LammpsHelp::loads_plugins() const
{
  return std::find(packages.begin(), packages.end(), "PLUGIN") != packages.end();
}

LammpsHelp LammpsHelp::parse(const std::string &text)
{
  LammpsHelp help;
  std::istringstream lines(text);
  bool in_packages = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Installed packages:"))
      in_packages = true;
    else if (line.starts_with("List of individual style options"))
      break;
    else if (in_packages)
      for (const auto &word : words_of(line)) help.packages.push_back(word);
    else if (!follows(line, "Large-scale Atomic/Molecular Massively Parallel Simulator - ",
                      help.version) &&
             !follows(line, "KOKKOS package API:", help.kokkos) && line.starts_with("MPI v"))
      help.mpi = line;
  }
  return help;
}

std::vector<std::string> missing_styles(const std::string &text,
                                        const std::vector<std::string> &styles)
{
  const auto words = words_of(text);
  const std::set<std::string> listed(words.begin(), words.end());
  std::vector<std::string> missing;
  for (const auto &style : styles)
    if (!listed.contains(style)) missing.push_back(style);
  return missing;
}

}    // namespace mlff
