// xTB in a process of its own, which may crash without harm to this one.
#pragma once

#include "structure/structure.h"
#include "teacher/xtb_pool.h"

#include <sys/types.h>

#include <cstddef>
#include <deque>
#include <string>

namespace mlff {

/// Structures are sent, and their energies and forces received in the same order; several may be
/// under way. Where the process ends, by a crash or because libxtb ends it, the structure that it
/// was at fails, and the others go to a new process.
class XtbProcess {
 public:
  explicit XtbProcess(const XtbOptions &options);
  ~XtbProcess();
  XtbProcess(const XtbProcess &) = delete;
  XtbProcess &operator=(const XtbProcess &) = delete;

  void send(const Structure &structure, int charge, int uhf);

  /// Energy (eV) and forces (eV/Å) of the structure that was sent first of those under way; these
  /// numbers must be its own. Throws XtbError where its calculation fails or ends the process,
  /// XtbUnavailable where no calculation can succeed.
  void receive(Structure &structure);

  /// A structure of an earlier run: the reference positions of molecules must be the same in this
  /// one (xtb_pool.h).
  void meet(const Structure &structure, int charge, int uhf);

  /// 0 where none runs.
  pid_t pid() const { return child; }

 private:
  struct Request {
    int charge, uhf;
    std::vector<int> numbers;
    std::vector<double> positions;
    std::string crash;    // how this request ended an earlier process; empty: it did not
  };
  XtbPool pool;    // the process has a copy with calculators
  std::deque<Request> under_way;
  pid_t child = 0;
  int channel = -1, messages = -1;
  std::string to_send, received;
  int unsent = 0;
  long answered = 0;        // requests answered by the present process
  long *begun = nullptr;    // shared with it: requests that it has begun

  void start();
  void restart();
  void stop();
  bool exchange();
  void queue(const Request &request);
  std::string end_of_child();
};

}    // namespace mlff
