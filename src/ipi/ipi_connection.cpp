// The i-PI protocol on one connection, on the side that sends positions.
#include "ipi/ipi_connection.h"

#include "core/units.h"
#include "ipi/client_errors.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

namespace mlff {

namespace {

  constexpr std::size_t header_size = 12;
  constexpr std::int32_t most_extra = 64 << 20;    // bytes
  constexpr int most_initialisations = 3;          // before one calculation
  constexpr double force_unit = hartree_in_eV / bohr_in_angstrom;

  template <class T> void append(std::string &bytes, const T *values, std::size_t count)
  {
    bytes.append(reinterpret_cast<const char *>(values), count * sizeof(T));
  }

  template <class T> T number_at(const std::string &bytes, std::size_t place)
  {
    T value;
    std::memcpy(&value, bytes.data() + place, sizeof value);
    return value;
  }

  /// A word of a client as a message can show it.
  std::string readable(const std::string &word)
  {
    std::string text;
    for (const unsigned char c : word) text += std::isprint(c) ? char(c) : '?';
    return "'" + text + "'";
  }

  using Matrix = std::array<double, 9>;

  Matrix transposed(const Matrix &m)
  {
    return {m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]};
  }

  /// The inverse; of a flat matrix 0.
  Matrix inverse(const Matrix &m)
  {
    const Matrix cofactors = {
        m[4] * m[8] - m[5] * m[7], m[5] * m[6] - m[3] * m[8], m[3] * m[7] - m[4] * m[6],
        m[2] * m[7] - m[1] * m[8], m[0] * m[8] - m[2] * m[6], m[1] * m[6] - m[0] * m[7],
        m[1] * m[5] - m[2] * m[4], m[2] * m[3] - m[0] * m[5], m[0] * m[4] - m[1] * m[3]};
    const double determinant = m[0] * cofactors[0] + m[1] * cofactors[1] + m[2] * cofactors[2];
    if (determinant == 0.0) return {};
    Matrix result = transposed(cofactors);
    for (double &x : result) x /= determinant;
    return result;
  }

  bool all_finite(std::span<const double> values)
  {
    return std::all_of(values.begin(), values.end(), [](double x) {
      return std::isfinite(x);
    });
  }

}    // namespace

bool IpiAnswer::has_virial() const
{
  return std::any_of(virial.begin(), virial.end(), [](double x) {
    return x != 0.0;
  });
}

IpiConnection::IpiConnection(int channel) : channel(channel)
{
  say("STATUS");
}

IpiConnection::~IpiConnection()
{
  close(channel);
}

short IpiConnection::events() const
{
  return short(POLLIN | (to_send.empty() ? 0 : POLLOUT));
}

/// A word of the protocol has 12 characters.
void IpiConnection::say(const std::string &word)
{
  to_send += word + std::string(header_size - word.size(), ' ');
}

void IpiConnection::begin(std::span<const double> positions, const std::array<double, 9> &cell)
{
  Matrix columns = transposed(cell);
  for (double &x : columns) x /= bohr_in_angstrom;
  const Matrix inverse_columns = inverse(columns);
  std::vector<double> bohr(positions.begin(), positions.end());
  for (double &x : bohr) x /= bohr_in_angstrom;
  const auto n = std::int32_t(positions.size() / 3);
  request = "POSDATA     ";
  append(request, columns.data(), columns.size());
  append(request, inverse_columns.data(), inverse_columns.size());
  append(request, &n, 1);
  append(request, bohr.data(), bohr.size());
  atoms = n;
  initialised = 0;
  state = State::asked;
  say("STATUS");
}

void IpiConnection::send_exit()
{
  say("EXIT");
  send_some();
}

void IpiConnection::send_some()
{
  while (!to_send.empty() && !is_closed) {
    const ssize_t n = ::send(channel, to_send.data(), to_send.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n <= 0) {
      is_closed = true;
      return;
    }
    to_send.erase(0, std::size_t(n));
  }
}

void IpiConnection::receive_some()
{
  char buffer[1 << 16];
  for (;;) {
    const ssize_t n = read(channel, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n <= 0) {
      is_closed = true;
      return;
    }
    something_came = true;
    received.append(buffer, std::size_t(n));
    return;
  }
}

bool IpiConnection::advance()
{
  send_some();
  receive_some();
  while (state != State::complete && step()) {}
  if (state != State::complete && is_closed) throw ClientLost("it closed the connection");
  send_some();
  return state == State::complete;
}

/// Deals with one message, where a whole one has come.
bool IpiConnection::step()
{
  if (received.size() < header_size) return false;
  std::string word = received.substr(0, header_size);
  while (!word.empty() && (word.back() == ' ' || word.back() == '\0')) word.pop_back();
  const bool forces = state == State::answering || state == State::discarding;
  if (forces && word == "FORCEREADY") return read_forces();
  received.erase(0, header_size);
  heard(word);
  return true;
}

void IpiConnection::heard(const std::string &word)
{
  const char *expected = "READY, NEEDINIT or HAVEDATA";
  if (state == State::greeting && (word == "READY" || word == "NEEDINIT" || word == "HAVEDATA")) {
    state = State::idle;
    return;
  }
  if (state == State::asked && word == "READY") {
    to_send += request;
    say("STATUS");
    state = State::computing;
    return;
  }
  if (state == State::asked && word == "NEEDINIT" && initialised++ < most_initialisations) {
    // number of the bead, and a text, which some clients want to have at least one character
    const std::int32_t numbers[2] = {0, 1};
    say("INIT");
    append(to_send, numbers, 2);
    to_send += ' ';
    say("STATUS");
    return;
  }
  if (state == State::asked && word == "HAVEDATA") {
    // of positions that somebody else has sent
    say("GETFORCE");
    state = State::discarding;
    return;
  }
  if (state == State::computing) {
    expected = "HAVEDATA";
    if (word == "HAVEDATA") {
      say("GETFORCE");
      state = State::answering;
      return;
    }
  }
  if (state == State::answering || state == State::discarding) expected = "FORCEREADY";
  if (state == State::idle) expected = "nothing";
  throw ClientLost("it said " + readable(word) + " where " + expected + " was expected");
}

/// Reads energy, forces, virial and text. False: they have not come as a whole.
bool IpiConnection::read_forces()
{
  const std::size_t number_place = header_size + sizeof(double),
                    forces_place = number_place + sizeof(std::int32_t);
  if (received.size() < forces_place) return false;
  const auto n = number_at<std::int32_t>(received, number_place);
  if (n < 0 || (state == State::answering && n != atoms))
    throw ClientLost("it sent forces of " + std::to_string(n) +
                     " atoms; expected: " + std::to_string(atoms));
  const std::size_t virial_place = forces_place + 3 * std::size_t(n) * sizeof(double),
                    size_place = virial_place + 9 * sizeof(double),
                    extra_place = size_place + sizeof(std::int32_t);
  if (received.size() < extra_place) return false;
  const auto extra_size = number_at<std::int32_t>(received, size_place);
  if (extra_size < 0 || extra_size > most_extra)
    throw ClientLost("it announced a text of " + std::to_string(extra_size) +
                     " bytes; accepted: 0 to " + std::to_string(most_extra));
  if (received.size() < extra_place + std::size_t(extra_size)) return false;

  IpiAnswer found;
  found.energy = hartree_in_eV * number_at<double>(received, header_size);
  found.forces.resize(3 * std::size_t(n));
  std::memcpy(found.forces.data(), received.data() + forces_place,
              found.forces.size() * sizeof(double));
  for (double &f : found.forces) f *= force_unit;
  Matrix columns;
  std::memcpy(columns.data(), received.data() + virial_place, sizeof columns);
  for (double &x : columns) x *= hartree_in_eV;
  // some clients fill the upper triangle alone, which is the one that i-PI reads
  found.virial = {columns[0], columns[1], columns[2], columns[1], columns[4],
                  columns[5], columns[2], columns[5], columns[8]};
  found.extra = received.substr(extra_place, std::size_t(extra_size));
  // clients that cannot send an empty text send a zero
  while (!found.extra.empty() && found.extra.back() == '\0') found.extra.pop_back();
  received.erase(0, extra_place + std::size_t(extra_size));
  if (state == State::discarding) {
    state = State::asked;
    say("STATUS");
    return true;
  }
  answer = std::move(found);
  state = State::complete;
  return true;
}

IpiAnswer IpiConnection::take()
{
  state = State::idle;
  const char *what = !std::isfinite(answer.energy) ? "energy is"
      : !all_finite(answer.forces)                 ? "forces are"
      : !all_finite(answer.virial)                 ? "virial is"
                                                   : nullptr;
  if (what) throw ClientNotFinite(std::string("its ") + what + " not finite");
  return std::move(answer);
}

}    // namespace mlff
