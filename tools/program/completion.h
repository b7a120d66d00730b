// Completion of command lines: what can follow, taken from the commands and options themselves.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace mlff {

/// Type of options and arguments that take a potential, as help shows it.
inline constexpr const char *potential_type = "POTENTIAL";

struct Completions {
  struct Word {
    std::string word;
    std::string help;    ///< one line, may be empty
  };
  std::vector<Word> words;
  bool files = false;    ///< whether names of files are accepted as well
};

/// What can stand in the place of the last of these words, which may be empty: the words behind the
/// name of the program. Words begin with what is typed already.
Completions complete(const CLI::App &program, std::vector<std::string> words);

/// The script for a shell: bash, zsh or fish. It asks the program at each completion, so that it
/// fits later versions.
std::string completion_script(const std::string &shell);

}    // namespace mlff
