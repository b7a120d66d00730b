// LAMMPS in a process of its own.
#include "workflow/lammps_run.h"

#include "data/numpy/npz.h"
#include "data/output_file.h"
#include "teacher/lammps/force_commands.h"
#include "workflow/run_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>

namespace mlff {

namespace fs = std::filesystem;

long FrameCounter::count()
{
  std::ifstream in(path, std::ios::binary);
  if (!in) return frames;
  in.seekg(offset);
  for (std::string line; std::getline(in, line) && !in.eof(); offset = in.tellg())
    if (line.find("Properties=") != std::string::npos) frames++;
  return frames;
}

void output_to(const fs::path &path)
{
  const int log = open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0644);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  close(log);
}

std::string last_error(const fs::path &log, int status)
{
  std::string why = "it ended with status " + std::to_string(status);
  std::istringstream text(text_of(log));
  for (std::string line; std::getline(text, line);)
    if (line.find("ERROR") != std::string::npos) why = line;
  return why;
}

void one_thread_each()
{
  setenv("OMP_NUM_THREADS", "1", 1);
  setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
  setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
}

std::string number(double value)
{
  std::ostringstream text;
  text.precision(12);
  text << value;
  return text.str();
}

std::string with_force(const std::string &recipe, const std::string &force)
{
  std::istringstream lines(recipe);
  std::string text;
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("pair_style"))
      text += force;
    else if (!line.starts_with("pair_coeff"))
      text += line + "\n";
  return with_early_commands_first(text);
}

void replace_by_lammps(const std::string &lammps, const fs::path &folder, const std::string &input,
                       const std::vector<std::pair<std::string, std::string>> &variables)
{
  {
    OutputFile file((folder / "in.run").string(), true);
    std::fputs(input.c_str(), file);
    file.finish();
  }
  if (chdir(folder.c_str()) != 0) throw FileError("cannot change to '" + folder.string() + "'");
  std::vector<std::string> words = {lammps, "-in", "in.run", "-log", "none", "-nocite"};
  for (const auto &[name, value] : variables) words.insert(words.end(), {"-var", name, value});
  std::vector<char *> argv;
  for (auto &word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv(lammps.c_str(), argv.data());
  throw FileError("'" + lammps + "' cannot be run: " + std::strerror(errno));
}

}    // namespace mlff
