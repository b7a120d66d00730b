// Looks for potential files where they may lie.
#include "potential/find_potential.h"

#include "potential/shipped_files.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <numeric>
#include <set>
#include <sstream>
#include <utility>

namespace mlff {

namespace fs = std::filesystem;

namespace {

  constexpr const char *ending = ".safetensors";

  /// The file of a path, which may lack its ending; empty where there is none.
  fs::path file_at(const fs::path &path)
  {
    std::error_code code;
    if (fs::exists(path, code) && !fs::is_directory(path, code)) return path;
    fs::path whole = path;
    whole += ending;
    return path.has_filename() && fs::is_regular_file(whole, code) ? whole : fs::path();
  }

  /// Lower-case name of a file, without folders and ending.
  std::string bare_name(const std::string &name)
  {
    std::string text = fs::path(name).filename().string();
    if (text.ends_with(ending)) text.resize(text.size() - std::string(ending).size());
    for (char &c : text) c = char(std::tolower(static_cast<unsigned char>(c)));
    return text;
  }

  /// Levenshtein distance: the fewest insertions, deletions and replacements of characters.
  std::size_t edit_distance(const std::string &a, const std::string &b)
  {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t(0));
    for (std::size_t i = 0; i < a.size(); i++) {
      std::size_t diagonal = row[0];
      row[0] = i + 1;
      for (std::size_t j = 0; j < b.size(); j++) {
        const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
        diagonal = row[j + 1];
        row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
      }
    }
    return row.back();
  }

}    // namespace

std::vector<fs::path> potential_folders()
{
  std::vector<fs::path> folders;
  for (const char *variable : {"MLFF_POTENTIALS", "LAMMPS_POTENTIALS"})
    if (const char *named = std::getenv(variable)) {
      std::istringstream list(named);
      for (std::string folder; std::getline(list, folder, ':');) folders.emplace_back(folder);
    }
  folders.push_back(shipped_files() / "potentials");
  return folders;
}

std::string find_potential(const std::string &name)
{
  return find_potential(name, fs::path());
}

std::string find_potential(const std::string &name, const fs::path &first)
{
  const std::string here = (first / name).lexically_normal().string();
  std::string given = first.empty() ? name : here;
  if (const fs::path file = file_at(given); !file.empty()) return file.string();
  if (fs::path(name).is_absolute()) return given;
  for (const auto &folder : potential_folders())
    if (const fs::path file = file_at(folder / name); !file.empty()) return file.string();
  return given;
}

std::vector<std::string> potential_names()
{
  std::set<std::string> names;
  std::error_code code;
  for (const auto &folder : potential_folders())
    for (const auto &entry : fs::directory_iterator(folder, code))
      if (entry.path().extension() == ending) names.insert(entry.path().stem().string());
  return {names.begin(), names.end()};
}

std::string similar_potentials(const std::string &name)
{
  constexpr std::size_t most = 3;
  const std::string wanted = bare_name(name);
  std::vector<std::pair<std::size_t, std::string>> similar;
  for (const auto &other : potential_names()) {
    const std::string bare = bare_name(other);
    const std::size_t distance = edit_distance(wanted, bare);
    const bool part = wanted.size() > 2 && bare.find(wanted) != std::string::npos;
    // a third of the letters: more of them makes any two names of molecules similar
    if (part || distance <= wanted.size() / 3) similar.emplace_back(distance, other);
  }
  std::sort(similar.begin(), similar.end());
  std::string text;
  for (std::size_t k = 0; k < std::min(most, similar.size()); k++)
    text += (k == 0 ? "; potentials with a similar name: " : ", ") + similar[k].second;
  return text;
}

}    // namespace mlff
