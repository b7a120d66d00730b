// Addresses of clients: how they are written, and the sockets that wait there.
#include "ipi/client_address.h"

#include "ipi/client_errors.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>

namespace mlff {

namespace {

  // clients of i-PI know no other place
  const std::string folder_of_names = "/tmp/ipi_";
  constexpr int waiting_clients = 8;

  [[noreturn]] void refuse(const std::string &text)
  {
    throw ClientError("the address '" + text +
                      "' is not known; accepted: unix, unix:NAME, tcp, tcp:PORT, tcp:HOST:PORT");
  }

  /// The file of a name, as the system takes it.
  sockaddr_un file_of(const std::string &name)
  {
    sockaddr_un file{};
    file.sun_family = AF_UNIX;
    const std::string path = folder_of_names + name;
    std::copy(path.begin(), path.end(), file.sun_path);
    return file;
  }

  void check_name(const std::string &name)
  {
    const std::size_t most = sizeof sockaddr_un::sun_path - 1 - folder_of_names.size();
    if (name.size() > most)
      throw ClientError("the name of a UNIX socket, '" + name + "', has " +
                        std::to_string(name.size()) + " characters; accepted: at most " +
                        std::to_string(most));
    if (name.find('/') != std::string::npos)
      throw ClientError("the name of a UNIX socket, '" + name +
                        "', holds a '/'; accepted: NAME of the file " + folder_of_names + "NAME");
  }

  std::string unused_name()
  {
    static const unsigned chance = std::random_device()();
    static int count = 0;
    return "mlff_" + std::to_string(getpid()) + "_" + std::to_string(chance % 100000) + "_" +
        std::to_string(++count);
  }

}    // namespace

ClientAddress ClientAddress::of(const std::string &text)
{
  ClientAddress address;
  const std::size_t colon = text.find(':');
  const std::string kind = text.substr(0, colon),
                    rest = colon == std::string::npos ? "" : text.substr(colon + 1);
  if ((kind != "unix" && kind != "tcp") || (colon != std::string::npos && rest.empty()))
    refuse(text);
  if (kind == "unix") {
    address.name = rest;
    check_name(rest);
    return address;
  }
  address.kind = Kind::tcp;
  if (rest.empty()) return address;
  const std::size_t last = rest.rfind(':');
  const std::string port = last == std::string::npos ? rest : rest.substr(last + 1);
  if (last != std::string::npos) address.host = rest.substr(0, last);
  const bool digits = !port.empty() && port.size() < 6 &&
      std::all_of(port.begin(), port.end(), [](unsigned char c) {
        return std::isdigit(c);
      });
  if (address.host.empty() || !digits) refuse(text);
  address.port = std::atoi(port.c_str());
  if (address.port < 1 || address.port > 65535)
    throw ClientError("the address '" + text + "' has port " + port + "; accepted: 1 to 65535");
  return address;
}

ListeningSocket::ListeningSocket(const ClientAddress &wanted) : in_use(wanted), owner(getpid())
{
  if (in_use.kind == ClientAddress::Kind::unix_socket)
    listen_at_name();
  else
    listen_at_port();
}

ListeningSocket::~ListeningSocket()
{
  close(channel);
  remove_file();
}

/// Removes the file of this socket, unless another process has put its own one there.
void ListeningSocket::remove_file() const
{
  if (file == 0 || owner != getpid()) return;
  const auto place = file_of(in_use.name);
  struct stat found;
  if (lstat(place.sun_path, &found) == 0 && found.st_ino == file) unlink(place.sun_path);
}

std::string ListeningSocket::text() const
{
  if (in_use.kind == ClientAddress::Kind::unix_socket)
    return "the UNIX socket " + folder_of_names + in_use.name;
  return "port " + std::to_string(in_use.port) + " of " + in_use.host;
}

void ListeningSocket::fail(const std::string &why)
{
  if (channel >= 0) close(channel);
  remove_file();
  throw ClientError(text() + " cannot be used: " + why);
}

/// False: the file is there already.
bool ListeningSocket::bind_name() const
{
  const auto place = file_of(in_use.name);
  return bind(channel, reinterpret_cast<const sockaddr *>(&place), sizeof place) == 0;
}

/// Removes the file of a socket at which nobody listens.
void ListeningSocket::remove_stale_file() const
{
  const auto place = file_of(in_use.name);
  struct stat found;
  if (lstat(place.sun_path, &found) != 0) return;
  if (!S_ISSOCK(found.st_mode))
    throw ClientError("a file that is no socket lies there; remove it, or use another name");
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int status = connect(probe, reinterpret_cast<const sockaddr *>(&place), sizeof place);
  const int error = errno;
  close(probe);
  if (status == 0 || error == EAGAIN)
    throw ClientError("another process listens there; end it, or use another name");
  if (error != ECONNREFUSED) throw ClientError(std::strerror(error));
  if (unlink(place.sun_path) != 0 && errno != ENOENT)
    throw ClientError(std::string("what an earlier run has left there cannot be removed: ") +
                      std::strerror(errno));
}

void ListeningSocket::listen_at_name()
{
  const bool any = in_use.name.empty();
  if (any) in_use.name = unused_name();
  check_name(in_use.name);
  channel = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (channel < 0) fail(std::strerror(errno));
  if (!bind_name()) {
    if (errno != EADDRINUSE) fail(std::strerror(errno));
    try {
      remove_stale_file();
    } catch (const ClientError &error) {
      fail(error.what());
    }
    if (!bind_name()) fail(std::strerror(errno));
  }
  struct stat found;
  if (lstat(file_of(in_use.name).sun_path, &found) == 0) file = found.st_ino;
  if (listen(channel, waiting_clients) != 0) fail(std::strerror(errno));
}

void ListeningSocket::listen_at_port()
{
  addrinfo hints{}, *list = nullptr;
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  const std::string port = std::to_string(in_use.port);
  const int status = getaddrinfo(in_use.host.c_str(), port.c_str(), &hints, &list);
  if (status != 0) fail(gai_strerror(status));
  const std::unique_ptr<addrinfo, void (*)(addrinfo *)> places(list, freeaddrinfo);
  channel = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (channel < 0) fail(std::strerror(errno));
  // a run that has just ended still holds its port otherwise
  const int yes = 1;
  setsockopt(channel, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(channel, list->ai_addr, list->ai_addrlen) != 0 || listen(channel, waiting_clients) != 0)
    fail(std::strerror(errno));
  sockaddr_storage chosen{};
  socklen_t size = sizeof chosen;
  if (getsockname(channel, reinterpret_cast<sockaddr *>(&chosen), &size) != 0)
    fail(std::strerror(errno));
  in_use.port =
      ntohs(chosen.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6 &>(chosen).sin6_port
                                         : reinterpret_cast<const sockaddr_in &>(chosen).sin_port);
}

int ListeningSocket::accept() const
{
  const int connection = accept4(channel, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (connection >= 0 && in_use.kind == ClientAddress::Kind::tcp) {
    // small messages go back and forth
    const int yes = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  return connection;
}

}    // namespace mlff
