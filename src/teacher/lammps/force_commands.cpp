// Reads a file of LAMMPS commands that make forces.
#include "teacher/lammps/force_commands.h"

#include "core/elements.h"
#include "core/errors.h"
#include "core/words.h"
#include "potential/find_potential.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

namespace mlff {

namespace fs = std::filesystem;

namespace {

  constexpr const char *elements_word = "${elements}";

  /// Commands that LAMMPS accepts only, or in effect only, before there is a system.
  const std::set<std::string> early = {"atom_modify", "newton",     "package",
                                       "plugin",      "processors", "suffix"};

  /// Commands that set up a potential, and nothing that depends on a structure.
  const std::set<std::string> of_potential = {
      "comm_modify", "comm_style", "dielectric",   "echo",          "info",         "mass",
      "neighbor",    "pair_coeff", "pair_style",   "pair_write",    "neigh_modify", "pair_modify",
      "print",       "variable",   "kspace_style", "kspace_modify", "special_bonds"};

  /// Commands that make, change or run a system, or that need a file of their own to go on in.
  const std::set<std::string> refused = {"angle_style",
                                         "atom_style",
                                         "bond_style",
                                         "boundary",
                                         "box",
                                         "change_box",
                                         "clear",
                                         "create_atoms",
                                         "create_box",
                                         "delete_atoms",
                                         "dihedral_style",
                                         "dimension",
                                         "displace_atoms",
                                         "hyper",
                                         "improper_style",
                                         "include",
                                         "jump",
                                         "label",
                                         "log",
                                         "minimize",
                                         "neb",
                                         "neb/spin",
                                         "next",
                                         "partition",
                                         "prd",
                                         "quit",
                                         "read_data",
                                         "read_dump",
                                         "read_restart",
                                         "replicate",
                                         "rerun",
                                         "run",
                                         "run_style",
                                         "tad",
                                         "temper",
                                         "units"};

  bool is_number(const std::string &word)
  {
    double value = 0.0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    return error == std::errc() && end == word.data() + word.size();
  }

  /// Words of a line without its comment; words in quotes keep them.
  std::vector<std::string> words_of(const std::string &line)
  {
    std::vector<std::string> words;
    std::string word;
    char quote = 0;
    for (const char c : line) {
      if (quote == 0 && c == '#') break;
      if (quote == 0 && (c == ' ' || c == '\t' || c == '\r')) {
        if (!word.empty()) words.push_back(word);
        word.clear();
        continue;
      }
      if (quote == c)
        quote = 0;
      else if (quote == 0 && (c == '"' || c == '\''))
        quote = c;
      word += c;
    }
    if (!word.empty()) words.push_back(word);
    return words;
  }

  std::string lines_of(const std::vector<std::string> &commands)
  {
    std::string text;
    for (const auto &command : commands) text += command + "\n";
    return text;
  }

}    // namespace

ForceCommands::ForceCommands(std::string path) : path(std::move(path)), list({this->path})
{
  std::ifstream in(this->path);
  if (!in || fs::is_directory(this->path))
    throw FileError("file of LAMMPS commands '" + this->path +
                    "' cannot be opened: " + (in ? "it is a folder" : std::strerror(errno)));
  std::vector<std::string> words;
  long number = 0, first = 0;
  for (std::string line; std::getline(in, line);) {
    number++;
    if (words.empty()) first = number;
    for (auto &word : words_of(line)) words.push_back(word);
    if (!words.empty() && words.back().back() == '&') {
      words.back().pop_back();
      if (words.back().empty()) words.pop_back();
      continue;
    }
    if (!words.empty()) add(words, first);
    words.clear();
  }
  if (!words.empty()) add(words, first);
  if (behind.empty())
    throw FileError("'" + this->path +
                    "' holds no commands of LAMMPS that make forces; accepted: pair_style and "
                    "what follows it");
}

/// Takes in a command.
void ForceCommands::add(const std::vector<std::string> &words, long line)
{
  const std::string &command = words.front();
  const auto where = [&] {
    return "'" + path + "', line " + std::to_string(line) + ": ";
  };
  if (command == "units")
    throw FileError(where() + "'" + joined(words, " ") +
                    "' is not accepted; the units of the commands are the setting lammps_units");
  if (refused.contains(command))
    throw FileError(where() + "'" + command +
                    "' is not accepted: systems are made and run elsewhere, this file makes their "
                    "forces; accepted: pair_style, pair_coeff, fix and the like");
  if (joined(words, " ").find("\"\"\"") != std::string::npos)
    throw FileError(where() + "triple quotes are not accepted; use single or double ones");
  std::vector<std::string> whole = words;
  for (std::size_t k = 2; k < whole.size(); k++)
    whole[k] = found(words[k], command != "pair_style" && command != "pair_coeff");
  (early.contains(command) ? before : behind).push_back(joined(whole, " "));
  once = once && (early.contains(command) || of_potential.contains(command));
}

/// The whole path of a file that a word names; the word itself where there is no such file.
/// `with_ending`: words without a point or a folder are no files.
std::string ForceCommands::found(const std::string &word, bool with_ending)
{
  const bool in_quotes = word.size() > 1 && (word.front() == '"' || word.front() == '\'') &&
      word.back() == word.front();
  const std::string name = in_quotes ? word.substr(1, word.size() - 2) : word;
  if (name.empty() || is_number(name) || atomic_number(name) != 0 ||
      (with_ending && name.find_first_of("./") == std::string::npos))
    return word;
  std::vector<fs::path> places = {fs::path(path).parent_path() / name, name};
  for (const auto &folder : potential_folders()) places.push_back(folder / name);
  std::error_code code;
  const auto place = std::find_if(places.begin(), places.end(), [&](const fs::path &file) {
    return fs::is_regular_file(file, code);
  });
  if (place == places.end()) return word;
  const std::string file = fs::absolute(*place).lexically_normal().string();
  if (std::find(list.begin(), list.end(), file) == list.end()) list.push_back(file);
  return file.find_first_of(" \t#$\"'") == std::string::npos ? file : "\"" + file + "\"";
}

bool ForceCommands::name_elements() const
{
  const auto does = [](const std::string &command) {
    return command.find(elements_word) != std::string::npos;
  };
  return std::any_of(behind.begin(), behind.end(), does) ||
      std::any_of(before.begin(), before.end(), does);
}

std::string ForceCommands::before_system() const
{
  return lines_of(before);
}

std::string ForceCommands::behind_system(const std::string &elements) const
{
  std::string text = lines_of(behind);
  const std::string word = elements_word;
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += elements.size())
    text.replace(at, word.size(), elements);
  return text;
}

std::string with_early_commands_first(const std::string &input)
{
  std::istringstream lines(input);
  std::string start, moved, rest;
  bool made = false;
  for (std::string line; std::getline(lines, line);) {
    const auto words = words_of(line);
    made = made || line.substr(0, line.find('#')).find("read_data") != std::string::npos;
    const bool moves = made && !words.empty() && early.contains(words.front());
    (moves ? moved : made ? rest : start) += line + "\n";
  }
  return start + moved + rest;
}

}    // namespace mlff
