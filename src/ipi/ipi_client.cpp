// A client of the i-PI protocol: its program, its connection, its time limit.
#include "ipi/ipi_client.h"

#include "ipi/client_errors.h"
#include "ipi/client_files.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <sstream>

namespace mlff {

namespace {

  // the end of a process is no event of a socket, and is looked for so often
  constexpr double seconds_between_looks = 0.05;
  constexpr double seconds_to_end = 3.0;
  // a process whose connection is closed is about to end
  constexpr double seconds_to_die = 1.0;

  std::string readable(double seconds)
  {
    std::ostringstream text;
    text << seconds << " s";
    return text.str();
  }

}    // namespace

IpiClient::IpiClient(const IpiClientSettings &settings, const Structure &structure) :
    settings(settings), listening(std::make_unique<ListeningSocket>(settings.address)),
    since(Clock::now()), owner(getpid())
{
  address_text = listening->text();
  if (!settings.command.empty()) start(structure);
}

void IpiClient::start(const Structure &structure)
{
  folder = std::make_unique<TemporaryFolder>();
  const auto file = folder->path() / "start.xyz";
  write_start_structure(file, structure);
  const ClientAddress &address = listening->address();
  const bool tcp = address.kind == ClientAddress::Kind::tcp;
  const std::string name = tcp ? address.host : address.name;
  Placeholders values = placeholders_of(structure, file);
  values["address"] = name;
  values["port"] = std::to_string(address.port);
  values["here"] = settings.here.empty() ? std::filesystem::current_path().string() : settings.here;
  copy_filled(settings.files, folder->path(), values);
  // for clients that know us, and need no words for it
  ClientProcess::Variables variables = {{"MLFF_CLIENT_STRUCTURE", file.string()},
                                        {tcp ? "MLFF_CLIENT_HOST" : "MLFF_CLIENT_SOCKET", name}};
  if (tcp) variables.emplace_back("MLFF_CLIENT_PORT", values["port"]);
  process =
      std::make_unique<ClientProcess>(filled(settings.command, values), folder->path(), variables);
}

IpiClient::~IpiClient()
{
  dismiss();
  if (is_dismissed && process) process->wait(seconds_to_end);
}

void IpiClient::dismiss()
{
  if (is_dismissed || !greeted || is_computing || owner != getpid()) return;
  connection->send_exit();
  connection.reset();
  is_dismissed = true;
}

void IpiClient::fail(const std::string &what) const
{
  std::string text = what;
  if (process) {
    process->wait(seconds_to_die);
    text += "; " + process->state();
    const std::string lines = process->last_lines();
    text += lines.empty() ? "; it printed nothing" : "; the last lines that it printed:" + lines;
  }
  throw ClientLost(text);
}

void IpiClient::begin(std::span<const double> positions, const std::array<double, 9> &cell)
{
  is_computing = true;
  if (greeted) {
    since = Clock::now();
    connection->begin(positions, cell);
  } else
    waiting = {{positions.begin(), positions.end()}, cell};
}

/// Takes connections until a client answers at one of them. One that is closed at once was no
/// client, but somebody who wanted to know whether the address is in use.
void IpiClient::greet()
{
  if (!connection) {
    const int channel = listening->accept();
    if (channel < 0) return;
    connection = std::make_unique<IpiConnection>(channel);
  }
  try {
    connection->advance();
  } catch (const ClientLost &) {
    if (connection->has_heard()) throw;
    connection.reset();
    return;
  }
  if (!connection->is_client()) return;
  greeted = true;
  listening.reset();
  since = Clock::now();
  if (waiting) connection->begin(waiting->positions, waiting->cell);
  waiting.reset();
}

bool IpiClient::advance()
{
  try {
    if (!greeted) greet();
    if (greeted && connection->advance()) return true;
  } catch (const ClientLost &error) {
    fail(error.what());
  }
  check_wait();
  return false;
}

/// Ends a wait that is too long or in vain.
void IpiClient::check_wait() const
{
  // a command that ends well may have handed the client to somebody else, such as a queue
  if (!greeted && process && process->has_failed())
    fail("it ended before it connected to " + address_text);
  if ((greeted && !is_computing) || settings.timeout <= 0.0) return;
  if (std::chrono::duration<double>(Clock::now() - since).count() < settings.timeout) return;
  const std::string within = " within " + readable(settings.timeout);
  if (!greeted) fail("it did not connect to " + address_text + within);
  fail("it gave no answer" + within);
}

IpiAnswer IpiClient::take()
{
  is_computing = false;
  return connection->take();
}

void IpiClient::connect()
{
  IpiClient *const self[] = {this};
  for (advance(); !greeted; advance()) poll_all(self, 1.0);
}

IpiAnswer IpiClient::wait()
{
  IpiClient *const self[] = {this};
  while (!advance()) poll_all(self, 1.0);
  return take();
}

void IpiClient::poll_all(std::span<IpiClient *const> clients, double seconds)
{
  std::vector<pollfd> channels;
  for (const auto *client : clients) {
    if (client->connection)
      channels.push_back({client->connection->descriptor(), client->connection->events(), 0});
    else
      channels.push_back({client->listening->descriptor(), POLLIN, 0});
    if (client->process && !client->greeted)
      seconds = std::min(seconds, seconds_between_looks);
    else if (client->settings.timeout > 0.0)
      seconds = std::min(seconds, 0.1 * client->settings.timeout);
  }
  poll(channels.data(), channels.size(), int(std::ceil(1000.0 * seconds)));
}

}    // namespace mlff
