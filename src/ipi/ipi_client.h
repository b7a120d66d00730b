// A client of the i-PI protocol: its program, its connection, its time limit.
#pragma once

#include "ipi/client_address.h"
#include "ipi/client_process.h"
#include "ipi/ipi_connection.h"
#include "structure/structure.h"

#include <sys/types.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mlff {

struct IpiClientSettings {
  /// The command line that starts a client, with placeholders (client_files.h); empty: the user
  /// starts it.
  std::string command = {};
  /// Input files, which are copied to the folder in which the client runs, with placeholders
  /// replaced.
  std::vector<std::string> files = {};
  ClientAddress address = {};
  /// Seconds that a client may take to connect, and for each answer; 0: any.
  double timeout = 600.0;
  std::string here = {};    ///< folder that {here} stands for; empty: that of this process
};

/// Evaluates structures of one composition: a client reads the elements and their order when it
/// starts. Functions throw ClientError; ClientLost where another client may do better, with a
/// message that says of the client: "it closed the connection; ...".
class IpiClient {
 public:
  /// Waits for a client at the address, and starts it for a structure where there is a command.
  IpiClient(const IpiClientSettings &settings, const Structure &start);

  /// Gives the client some seconds to end, unless it computes.
  ~IpiClient();
  IpiClient(const IpiClient &) = delete;
  IpiClient &operator=(const IpiClient &) = delete;

  /// Begins an evaluation of positions [n][3] (Å) in a cell with rows a, b, c (Å; all 0: none); the
  /// client may still be on its way.
  void begin(std::span<const double> positions, const std::array<double, 9> &cell);

  /// Whether an evaluation has begun whose answer was not taken.
  bool is_busy() const { return is_computing; }

  bool is_connected() const { return greeted; }

  /// Waits until the client is there.
  void connect();

  /// Does what can be done without waiting. True: there is an answer to take.
  bool advance();

  /// Throws ClientNotFinite.
  IpiAnswer take();

  /// Tells a client that does not compute to end. It is of no more use then.
  void dismiss();

  /// Waits for the answer and takes it.
  IpiAnswer wait();

  /// Where clients connect, in words.
  const std::string &address() const { return address_text; }

  /// Process of the command, 0 where there is none.
  pid_t pid() const { return process ? process->pid() : 0; }

  /// Waits until something can be done for one of the clients, at most so many seconds.
  static void poll_all(std::span<IpiClient *const> clients, double seconds);

 private:
  using Clock = std::chrono::steady_clock;
  struct Request {
    std::vector<double> positions;
    std::array<double, 9> cell;
  };

  IpiClientSettings settings;
  std::string address_text;
  std::unique_ptr<ListeningSocket> listening;    // until a client has said something
  std::unique_ptr<TemporaryFolder> folder;
  std::unique_ptr<ClientProcess> process;
  std::unique_ptr<IpiConnection> connection;
  std::optional<Request> waiting;    // to be sent when the client is there
  Clock::time_point since;           // of the present wait
  bool greeted = false, is_computing = false, is_dismissed = false;
  pid_t owner;    // process that speaks to the client

  void start(const Structure &structure);
  void greet();
  void check_wait() const;
  [[noreturn]] void fail(const std::string &what) const;
};

}    // namespace mlff
