// Addresses at which clients connect: UNIX sockets of the i-PI protocol, and TCP.
#pragma once

#include <string>

namespace mlff {

/// An address as a user gives it.
struct ClientAddress {
  enum class Kind { unix_socket, tcp };

  Kind kind = Kind::unix_socket;
  /// Name of a UNIX socket, whose file is /tmp/ipi_NAME; empty: one that is not in use.
  std::string name = {};
  std::string host = "127.0.0.1";    ///< of TCP
  int port = 0;                      ///< of TCP; 0: one that is not in use

  /// Whether every client gets this very address.
  bool is_fixed() const { return kind == Kind::unix_socket ? !name.empty() : port != 0; }

  /// Reads `unix`, `unix:NAME`, `tcp`, `tcp:PORT` or `tcp:HOST:PORT`. Throws ClientError.
  static ClientAddress of(const std::string &text);
};

/// A socket to which clients connect. Its file, where it has one, goes with it.
class ListeningSocket {
 public:
  /// Throws ClientError naming the address where it cannot be had. A file that a process that is
  /// gone has left there is replaced.
  explicit ListeningSocket(const ClientAddress &wanted);
  ~ListeningSocket();
  ListeningSocket(const ListeningSocket &) = delete;
  ListeningSocket &operator=(const ListeningSocket &) = delete;

  int descriptor() const { return channel; }

  /// The address in use, with the name or port chosen.
  const ClientAddress &address() const { return in_use; }

  /// "the UNIX socket /tmp/ipi_x", "port 31415 of 127.0.0.1"
  std::string text() const;

  /// The connection of the next client, which does not block, or -1 where none waits.
  int accept() const;

 private:
  ClientAddress in_use;
  int channel = -1;
  long owner = 0;            // process that removes the file
  unsigned long file = 0;    // its number

  void listen_at_name();
  void listen_at_port();
  bool bind_name() const;
  void remove_stale_file() const;
  void remove_file() const;
  [[noreturn]] void fail(const std::string &why);
};

}    // namespace mlff
