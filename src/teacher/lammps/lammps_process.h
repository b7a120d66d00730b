// LAMMPS in a process of its own, which gets commands and gives answers.
#pragma once

#include <sys/types.h>

#include <string>

namespace mlff {

/// The program lmp, which reads its input from this process as it comes. Files that the commands
/// name for data and answers exist in memory alone. Any LAMMPS will do: nothing of it is linked.
class LammpsProcess {
 public:
  /// `threads`: of OpenMP in the process; 0: as the environment says.
  LammpsProcess(std::string program, int threads);
  ~LammpsProcess();
  LammpsProcess(const LammpsProcess &) = delete;
  LammpsProcess &operator=(const LammpsProcess &) = delete;

  /// In a process that was forked since the start, nothing runs: LAMMPS belongs to the other one.
  bool runs() const;

  /// 0 where none was started.
  pid_t pid() const { return child; }

  /// Starts the program. Throws TeacherUnavailable where the system has no room for it.
  void start();

  /// Gives commands, a line each, and the contents of the data file that they may name.
  void send(const std::string &commands, const std::string &data);

  /// Names by which commands read the data, and append to the answer.
  std::string data_file() const;
  std::string answer_file() const;

  /// File descriptors that tell, when they can be read, that receive() has something to do.
  int answers() const { return answer_end; }
  int life() const { return channel; }

  /// Reads what has been answered. False: the process has ended.
  bool receive();

  std::string answer;    ///< what was answered and not yet taken away

  /// Numeric version, as 20260704; 0 where it has not been told yet.
  long version() const { return version_told; }

  /// Whether the process ever answered, in which case LAMMPS itself works.
  bool answered() const { return version_told != 0; }

  /// After the process has ended: what LAMMPS said last, or how the process ended.
  std::string end();

 private:
  std::string program, given;    // the commands given last
  int threads;
  pid_t child = 0, owner = 0;
  int channel = -1, messages = -1, data = -1, answer_begin = -1, answer_end = -1;
  long version_told = 0;
  bool heard = false;    // whether this process has answered anything

  void close_files();
  [[noreturn]] void become_lammps(int input, char *const *environment) const;
};

/// The last error in what LAMMPS wrote, with the command that it came from: the one that it names,
/// else the last of the commands `given` that it has printed. Empty where there is no error.
std::string error_of_lammps(const std::string &output, const std::string &given);

}    // namespace mlff
