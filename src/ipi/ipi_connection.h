// The i-PI protocol on one connection, on the side that sends positions.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

namespace mlff {

/// What a client computes for n atoms.
struct IpiAnswer {
  double energy = 0.0;           ///< eV
  std::vector<double> forces;    ///< [n][3] eV/Å
  /// [3][3] eV, symmetric: minus stress times volume, positive under pressure. All 0 where the
  /// client has none.
  std::array<double, 9> virial{};
  std::string extra;    ///< text that the client sends besides

  bool has_virial() const;
};

/// A client at the other end of a connection that does not block. begin() sends it positions;
/// advance() is called whenever poll() says that something can be read or written. Numbers go over
/// the connection as those of this machine, in bohr and hartree, and vectors of the cell as columns
/// of a matrix that is sent row by row.
class IpiConnection {
 public:
  /// Takes the connection over, and asks the client how it is.
  explicit IpiConnection(int channel);
  ~IpiConnection();
  IpiConnection(const IpiConnection &) = delete;
  IpiConnection &operator=(const IpiConnection &) = delete;

  int descriptor() const { return channel; }

  /// What poll() is to wait for.
  short events() const;

  /// Whether the client has said how it is.
  bool is_client() const { return state != State::greeting; }

  /// Whether anything at all has come.
  bool has_heard() const { return something_came; }

  /// Sends positions [n][3] (Å) and a cell with rows a, b, c (Å; all 0: none). The answer before
  /// must have been taken.
  void begin(std::span<const double> positions, const std::array<double, 9> &cell);

  /// Sends and reads what there is. True: the answer is complete, and stays so until take(). Throws
  /// ClientLost where the client closes the connection or says what it should not.
  bool advance();

  /// Throws ClientNotFinite.
  IpiAnswer take();

  /// Tells the client to end.
  void send_exit();

 private:
  enum class State {
    greeting,      // asked how it is; nothing heard yet
    idle,          // nothing is asked
    asked,         // asked how it is, before positions
    discarding,    // reads an answer that nobody has asked for
    computing,     // has got positions
    answering,     // sends forces
    complete       // the answer waits to be taken
  };

  int channel;
  State state = State::greeting;
  std::string to_send, received, request;    // request: a whole message with positions
  bool is_closed = false, something_came = false;
  int atoms = 0;          // of the request
  int initialised = 0;    // how often the client wanted to be
  IpiAnswer answer;

  void send_some();
  void receive_some();
  bool step();
  void heard(const std::string &word);
  bool read_forces();
  void say(const std::string &word);
};

}    // namespace mlff
