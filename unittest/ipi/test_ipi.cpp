// The i-PI protocol: addresses, messages byte by byte, clients that fail in every way, and several
// clients at a time.
#include "core/units.h"
#include "ipi/client_errors.h"
#include "ipi/client_files.h"
#include "ipi/ipi_pool.h"
#include "ipi/sent_structure.h"
#include "support/folder_fixture.h"
#include "support/lennard_jones.h"

#include <gtest/gtest.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

using namespace mlff;
using mlff_test::LennardJones;

namespace {

namespace fs = std::filesystem;

template <class Error, class Work> std::string message_of(const Work &work)
{
  try {
    work();
  } catch (const Error &error) {
    return error.what();
  } catch (const std::exception &error) {
    return std::string("another error: ") + error.what();
  }
  return "no error";
}

void expect_words(const std::string &text, const std::vector<std::string> &words)
{
  for (const auto &word : words) EXPECT_NE(text.find(word), std::string::npos) << text;
}

const std::array<double, 9> sheared = {9.0, 0.4, -0.3, 2.1, 8.5, 0.6, -1.7, 2.3, 9.4};

/// Some atoms in a sheared cell, none near another.
Structure crystal()
{
  Structure s;
  s.numbers = {18, 18, 10, 18};
  s.positions = {0.1, 0.2, -0.1, 4.1, 0.3, 0.5, 0.7, 4.4, 0.4, -1.2, 1.9, 4.6};
  s.cell = sheared;
  s.periodic = {true, true, true};
  return s;
}

Structure cluster()
{
  Structure s = crystal();
  s.cell = {};
  s.periodic = {false, false, false};
  return s;
}

// --- addresses ---

TEST(ClientAddress, IsReadFromText)
{
  const auto name = ClientAddress::of("unix:abc");
  EXPECT_EQ(name.kind, ClientAddress::Kind::unix_socket);
  EXPECT_EQ(name.name, "abc");
  EXPECT_TRUE(name.is_fixed());
  EXPECT_FALSE(ClientAddress::of("unix").is_fixed());
  EXPECT_FALSE(ClientAddress::of("tcp").is_fixed());
  const auto port = ClientAddress::of("tcp:31415");
  EXPECT_EQ(port.host, "127.0.0.1");
  EXPECT_EQ(port.port, 31415);
  const auto host = ClientAddress::of("tcp:some.host:1");
  EXPECT_EQ(host.host, "some.host");
  EXPECT_EQ(host.port, 1);
  for (const char *wrong : {"", "udp", "unix:", "tcp:", "tcp:x", "tcp::5", "tcp:host:", "tcp:-5"})
    expect_words(message_of<ClientError>([&] {
                   ClientAddress::of(wrong);
                 }),
                 {std::string("the address '") + wrong + "' is not known",
                  "accepted: unix, unix:NAME, tcp, tcp:PORT, tcp:HOST:PORT"});
  for (const char *wrong : {"tcp:0", "tcp:65536", "tcp:99999"})
    expect_words(message_of<ClientError>([&] {
                   ClientAddress::of(wrong);
                 }),
                 {"has port ", "accepted: 1 to 65535"});
  expect_words(message_of<ClientError>([&] {
                 ClientAddress::of("unix:a/b");
               }),
               {"'a/b', holds a '/'"});
  // 108 characters with the zero at the end
  EXPECT_NO_THROW(ClientAddress::of("unix:" + std::string(98, 'x')));
  expect_words(message_of<ClientError>([&] {
                 ClientAddress::of("unix:" + std::string(99, 'x'));
               }),
               {"has 99 characters; accepted: at most 98"});
}

class Address : public mlff_test::FolderTest {
 protected:
  const std::string name = "mlff_test_" + std::to_string(getpid());
  const std::string path = "/tmp/ipi_" + name;

  void TearDown() override
  {
    fs::remove(path);
    FolderTest::TearDown();
  }

  /// A file of a socket whose process is gone.
  void leave_stale_file() const
  {
    const int channel = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un place{};
    place.sun_family = AF_UNIX;
    std::strcpy(place.sun_path, path.c_str());
    ASSERT_EQ(bind(channel, reinterpret_cast<sockaddr *>(&place), sizeof place), 0);
    close(channel);
    ASSERT_TRUE(fs::exists(path));
  }
};

TEST_F(Address, FileGoesWithTheSocket)
{
  {
    const ListeningSocket listening(ClientAddress::of("unix:" + name));
    EXPECT_TRUE(fs::is_socket(path));
    EXPECT_EQ(listening.text(), "the UNIX socket " + path);
    EXPECT_EQ(listening.accept(), -1);
  }
  EXPECT_FALSE(fs::exists(path));
  // the longest name that there is
  const std::string longest(98, 'y');
  {
    const ListeningSocket listening(ClientAddress::of("unix:" + longest));
    EXPECT_TRUE(fs::is_socket("/tmp/ipi_" + longest));
  }
  const ListeningSocket one(ClientAddress::of("unix")), two(ClientAddress::of("unix"));
  EXPECT_NE(one.address().name, two.address().name);
}

TEST_F(Address, StaleFileIsReplaced)
{
  leave_stale_file();
  {
    const ListeningSocket listening(ClientAddress::of("unix:" + name));
    EXPECT_TRUE(fs::is_socket(path));
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(Address, OfAnotherProcessIsNotTaken)
{
  const ListeningSocket first(ClientAddress::of("unix:" + name));
  expect_words(message_of<ClientError>([&] {
                 ListeningSocket(ClientAddress::of("unix:" + name));
               }),
               {"the UNIX socket " + path + " cannot be used: another process listens there",
                "use another name"});
  EXPECT_TRUE(fs::is_socket(path));
}

TEST_F(Address, FileThatIsNoSocketStays)
{
  std::ofstream(path) << "precious\n";
  expect_words(message_of<ClientError>([&] {
                 ListeningSocket(ClientAddress::of("unix:" + name));
               }),
               {path + " cannot be used: a file that is no socket lies there; remove it"});
  std::string word;
  std::ifstream(path) >> word;
  EXPECT_EQ(word, "precious");
}

TEST_F(Address, PortsAreChosenAndGiven)
{
  const ListeningSocket any(ClientAddress::of("tcp"));
  const int port = any.address().port;
  EXPECT_GT(port, 0);
  EXPECT_EQ(any.text(), "port " + std::to_string(port) + " of 127.0.0.1");
  expect_words(message_of<ClientError>([&] {
                 ListeningSocket(ClientAddress::of("tcp:" + std::to_string(port)));
               }),
               {"port " + std::to_string(port) + " of 127.0.0.1 cannot be used: "});
  expect_words(message_of<ClientError>([&] {
                 ListeningSocket(ClientAddress::of("tcp:no.such.host.invalid:31415"));
               }),
               {"port 31415 of no.such.host.invalid cannot be used: "});
}

// --- messages ---

/// The other end of a connection, played word by word.
class Wire : public testing::Test {
 protected:
  int ends[2] = {-1, -1};
  std::unique_ptr<IpiConnection> connection;

  void SetUp() override
  {
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    connection = std::make_unique<IpiConnection>(ends[0]);
  }
  void TearDown() override { close(ends[1]); }

  std::string read_all() const
  {
    std::string text;
    char buffer[1 << 16];
    for (ssize_t n; (n = read(ends[1], buffer, sizeof buffer)) > 0;) text.append(buffer, n);
    return text;
  }
  void write_all(const std::string &text) const
  {
    ASSERT_EQ(write(ends[1], text.data(), text.size()), ssize_t(text.size()));
  }
  static std::string padded(std::string word)
  {
    word.resize(12, ' ');
    return word;
  }
  void say(const std::string &word) const { write_all(padded(word)); }

  template <class T> static std::string bytes(const std::vector<T> &values)
  {
    return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T)};
  }
  template <class T> static std::vector<T> numbers(const std::string &text, std::size_t at, int n)
  {
    std::vector<T> values(n);
    std::memcpy(values.data(), text.data() + at, n * sizeof(T));
    return values;
  }

  /// As far as the positions.
  std::string greet_and_begin()
  {
    connection->advance();
    EXPECT_EQ(read_all(), padded("STATUS"));
    say("READY");
    connection->advance();
    connection->begin(crystal().positions, sheared);
    connection->advance();
    EXPECT_EQ(read_all(), padded("STATUS"));
    say("READY");
    connection->advance();
    return read_all();
  }

  static std::string forces(const std::vector<double> &values, const std::string &extra = "x")
  {
    return padded("FORCEREADY") + bytes<double>({-0.5}) +
        bytes<std::int32_t>({std::int32_t(values.size() / 3)}) + bytes(values) +
        bytes<double>({1, 2, 3, 2, 4, 5, 3, 5, 6}) +
        bytes<std::int32_t>({std::int32_t(extra.size())}) + extra;
  }
};

TEST_F(Wire, PositionsAndCellAreInBohrAndVectorsAreColumns)
{
  const std::string sent = greet_and_begin();
  const std::size_t n = 4;
  ASSERT_EQ(sent.size(), 12 + 72 + 72 + 4 + 24 * n + 12);
  EXPECT_EQ(sent.substr(0, 12), padded("POSDATA"));
  EXPECT_EQ(sent.substr(sent.size() - 12), padded("STATUS"));
  const auto h = numbers<double>(sent, 12, 9), inverse = numbers<double>(sent, 84, 9);
  // the x, y, z of the vector a are in the first column
  for (int a = 0; a < 3; a++)
    for (int b = 0; b < 3; b++)
      EXPECT_DOUBLE_EQ(h[3 * a + b], sheared[3 * b + a] / bohr_in_angstrom);
  for (int a = 0; a < 3; a++)
    for (int b = 0; b < 3; b++) {
      double sum = 0.0;
      for (int c = 0; c < 3; c++) sum += h[3 * a + c] * inverse[3 * c + b];
      EXPECT_NEAR(sum, a == b, 1e-12);
    }
  EXPECT_EQ(numbers<std::int32_t>(sent, 156, 1)[0], 4);
  const auto x = numbers<double>(sent, 160, 12);
  for (int k = 0; k < 12; k++) EXPECT_DOUBLE_EQ(x[k], crystal().positions[k] / bohr_in_angstrom);
}

TEST_F(Wire, WithoutACellZerosAreSent)
{
  connection->advance();
  say("READY");
  connection->advance();
  connection->begin(crystal().positions, {});
  say("READY");
  connection->advance();
  const std::string sent = read_all();
  for (const double value : numbers<double>(sent, 36, 18)) EXPECT_EQ(value, 0.0);
}

TEST_F(Wire, AnswersComeInAnyPieces)
{
  greet_and_begin();
  say("HAVEDATA");
  EXPECT_FALSE(connection->advance());
  EXPECT_EQ(read_all(), padded("GETFORCE"));
  std::vector<double> f(12);
  for (int k = 0; k < 12; k++) f[k] = 0.01 * k;
  const std::string message = forces(f, "{\"dipole\": 1}");
  for (const char c : message.substr(0, message.size() - 1)) {
    write_all(std::string(1, c));
    EXPECT_FALSE(connection->advance());
  }
  write_all(message.substr(message.size() - 1));
  EXPECT_TRUE(connection->advance());
  EXPECT_TRUE(connection->advance());
  const IpiAnswer answer = connection->take();
  EXPECT_DOUBLE_EQ(answer.energy, -0.5 * hartree_in_eV);
  for (int k = 0; k < 12; k++)
    EXPECT_DOUBLE_EQ(answer.forces[k], f[k] * (hartree_in_eV / bohr_in_angstrom));
  const double virial[9] = {1, 2, 3, 2, 4, 5, 3, 5, 6};
  for (int k = 0; k < 9; k++) EXPECT_DOUBLE_EQ(answer.virial[k], virial[k] * hartree_in_eV);
  EXPECT_EQ(answer.extra, "{\"dipole\": 1}");
  // the next evaluation
  connection->begin(crystal().positions, sheared);
  connection->advance();
  EXPECT_EQ(read_all(), padded("STATUS"));
}

TEST_F(Wire, ClientThatWantsToBeInitialisedIs)
{
  connection->advance();
  read_all();
  say("NEEDINIT");
  EXPECT_FALSE(connection->is_client());
  connection->advance();
  EXPECT_TRUE(connection->is_client());
  connection->begin(crystal().positions, sheared);
  connection->advance();
  EXPECT_EQ(read_all(), padded("STATUS"));
  say("NEEDINIT");
  connection->advance();
  EXPECT_EQ(read_all(), padded("INIT") + bytes<std::int32_t>({0, 1}) + " " + padded("STATUS"));
  say("READY");
  connection->advance();
  EXPECT_EQ(read_all().substr(0, 12), padded("POSDATA"));
}

TEST_F(Wire, ClientThatAlwaysWantsToBeInitialisedIsLost)
{
  connection->advance();
  say("NEEDINIT");
  connection->advance();
  connection->begin(crystal().positions, sheared);
  expect_words(message_of<ClientLost>([&] {
                 for (int k = 0; k < 10; k++) {
                   say("NEEDINIT");
                   connection->advance();
                 }
               }),
               {"it said 'NEEDINIT' where READY, NEEDINIT or HAVEDATA was expected"});
}

TEST_F(Wire, AnswerThatNobodyAskedForIsDiscarded)
{
  connection->advance();
  say("HAVEDATA");
  connection->advance();
  connection->begin(crystal().positions, sheared);
  connection->advance();
  read_all();
  say("HAVEDATA");
  connection->advance();
  EXPECT_EQ(read_all(), padded("GETFORCE"));
  // of another number of atoms
  write_all(forces({9, 9, 9}));
  EXPECT_FALSE(connection->advance());
  EXPECT_EQ(read_all(), padded("STATUS"));
  say("READY");
  connection->advance();
  EXPECT_EQ(read_all().substr(0, 12), padded("POSDATA"));
}

TEST_F(Wire, UpperTriangleOfTheVirialCounts)
{
  greet_and_begin();
  say("HAVEDATA");
  connection->advance();
  std::string message = forces(std::vector<double>(12, 0.0));
  const std::string triangle = bytes<double>({1, 2, 3, 0, 4, 5, 0, 0, 6});
  message.replace(12 + 8 + 4 + 96, 72, triangle);
  write_all(message);
  ASSERT_TRUE(connection->advance());
  const auto virial = connection->take().virial;
  EXPECT_DOUBLE_EQ(virial[3], 2 * hartree_in_eV);
  EXPECT_DOUBLE_EQ(virial[6], 3 * hartree_in_eV);
  EXPECT_DOUBLE_EQ(virial[7], 5 * hartree_in_eV);
}

TEST_F(Wire, NonsenseIsNamed)
{
  connection->advance();
  write_all("GET / HTTP/1");
  expect_words(message_of<ClientLost>([&] {
                 connection->advance();
               }),
               {"it said 'GET / HTTP/1' where READY, NEEDINIT or HAVEDATA was expected"});
}

TEST_F(Wire, WordOutOfTurnIsNamed)
{
  greet_and_begin();
  say("READY");
  expect_words(message_of<ClientLost>([&] {
                 connection->advance();
               }),
               {"it said 'READY' where HAVEDATA was expected"});
}

TEST_F(Wire, UnreadableWordIsShownAsFarAsItCanBe)
{
  greet_and_begin();
  say("HAVEDATA");
  connection->advance();
  write_all(std::string("FORCE\x01\x02\xff    ", 12));
  expect_words(message_of<ClientLost>([&] {
                 connection->advance();
               }),
               {"it said 'FORCE???' where FORCEREADY was expected"});
}

TEST_F(Wire, ForcesOfAnotherNumberOfAtomsAreRefused)
{
  greet_and_begin();
  say("HAVEDATA");
  connection->advance();
  write_all(forces({1, 2, 3}));
  expect_words(message_of<ClientLost>([&] {
                 connection->advance();
               }),
               {"it sent forces of 1 atoms; expected: 4"});
}

TEST_F(Wire, TextWithoutASensibleLengthIsRefused)
{
  greet_and_begin();
  say("HAVEDATA");
  connection->advance();
  std::string message = forces(std::vector<double>(12, 0.0), "");
  message.replace(message.size() - 4, 4, bytes<std::int32_t>({-1}));
  write_all(message);
  expect_words(message_of<ClientLost>([&] {
                 connection->advance();
               }),
               {"it announced a text of -1 bytes; accepted: 0 to 67108864"});
}

// --- what a client reads at its start ---

class Start : public mlff_test::FolderTest {};

TEST_F(Start, StructureHasItsStateInTheCommentLine)
{
  Structure s = crystal();
  s.charge = -1.0;
  s.multiplicity = 2.0;
  s.periodic[2] = false;
  write_start_structure(folder / "a.xyz", s);
  const std::string text = content("a.xyz");
  EXPECT_EQ(text.substr(0, text.find("Properties")),
            "4\nLattice=\"9 0.40000000000000002 -0.29999999999999999 2.1000000000000001 8.5 "
            "0.59999999999999998 -1.7 2.2999999999999998 9.4000000000000004\" ");
  expect_words(text,
               {"Properties=species:S:1:pos:R:3 charge=-1 spin=2 pbc=\"T T F\"\nAr 0.1",
                "\nNe 0.69999999999999996 4.4000000000000004 0.40000000000000002\n"});
  write_start_structure(folder / "b.xyz", cluster());
  expect_words(content("b.xyz"), {"4\nProperties=species:S:1:pos:R:3 pbc=\"F F F\"\n"});
  expect_words(message_of<ClientError>([&] {
                 write_start_structure(folder / "none" / "a.xyz", s);
               }),
               {"a.xyz' cannot be written"});
}

TEST_F(Start, PlaceholdersAreFilled)
{
  Structure s = cluster();
  s.charge = 1.0;
  s.multiplicity = 3.0;
  auto values = placeholders_of(s, "/x/start.xyz");
  values["address"] = "name";
  EXPECT_EQ(filled("run {address} '{\"charge\": {charge}}' {structure} {multiplicity} {unpaired} "
                   "{atoms} {other} ${HOME} {",
                   values),
            "run name '{\"charge\": 1}' /x/start.xyz 3 2 4 {other} ${HOME} {");
  EXPECT_EQ(filled("{cell}", values), "0 0 0\n0 0 0\n0 0 0\n");
  EXPECT_EQ(filled("{coordinates}", values).substr(0, 3), "Ar ");
  // programs that want a word before each vector
  s.cell = {9.0, 0.5, 0.0, 2.0, 8.5, 0.0, -1.75, 2.25, 9.5};
  EXPECT_EQ(filled("A {cell_a}\nB {cell_b}\nC {cell_c}\n", placeholders_of(s, "")),
            "A 9 0.5 0\nB 2 8.5 0\nC -1.75 2.25 9.5\n");
  EXPECT_EQ(filled("{cell}", placeholders_of(s, "")), "9 0.5 0\n2 8.5 0\n-1.75 2.25 9.5\n");
  // what is filled in is not looked at again
  EXPECT_EQ(filled("{address}{port}", {{"address", "{port}"}, {"port", "5"}}), "{port}5");
  std::ofstream(folder / "template.inp") << "Socket { File = \"{address}\" }\n{here}\n";
  fs::create_directory(folder / "there");
  copy_filled({file("template.inp")}, folder / "there", values);
  EXPECT_EQ(content("there/template.inp"), "Socket { File = \"name\" }\n{here}\n");
  expect_words(message_of<ClientError>([&] {
                 copy_filled({file("none.inp")}, folder, values);
               }),
               {"none.inp' cannot be opened: No such file"});
}

TEST(Placeholders, AreCheckedInCommands)
{
  for (const char *good : {"a {address} {port} {here}/b", "a {cell_a} {cell_b} {cell_c}",
                           "x --kwargs '{\"a\": 1}'", "${HOME}/x", "awk '{print $1}' {structure}"})
    EXPECT_NO_THROW(check_placeholders(good)) << good;
  expect_words(message_of<ClientError>([] {
                 check_placeholders("client {adress}");
               }),
               {"the command of a client holds {adress}; accepted: {address}, {port}, "
                "{structure}, {here}"});
}

TEST(SentStructure, HasACellAndPositionsInIt)
{
  Structure s = crystal();
  s.energy = 5.0;
  s.forces.assign(12, 1.0);
  // an atom outside, and where it is inside
  std::array<double, 3> inside;
  for (int a = 0; a < 3; a++) {
    inside[a] = 0.3 * sheared[a] + 0.4 * sheared[3 + a] + 0.5 * sheared[6 + a];
    s.positions[6 + a] = inside[a] + 2 * sheared[a] - sheared[3 + a];
  }
  EXPECT_EQ(as_sent(s, {}).positions, s.positions);
  EXPECT_FALSE(as_sent(s, {}).energy);
  EXPECT_TRUE(as_sent(s, {}).forces.empty());
  const auto wrapped = as_sent(s, {.wrap = true}).positions;
  for (int a = 0; a < 3; a++) EXPECT_NEAR(wrapped[6 + a], inside[a], 1e-12);
  // only along periodic directions
  s.periodic = {false, true, true};
  const auto slab = as_sent(s, {.wrap = true}).positions;
  for (int a = 0; a < 3; a++) EXPECT_NEAR(slab[6 + a], inside[a] + 2 * sheared[a], 1e-12);
  const std::array<double, 9> box = {30, 0, 0, 0, 30, 0, 0, 0, 30};
  EXPECT_EQ(as_sent(cluster(), {.wrap = true, .box = 30.0}).cell, box);
  EXPECT_EQ(as_sent(cluster(), {.wrap = true, .box = 30.0}).positions, cluster().positions);
  EXPECT_EQ(as_sent(crystal(), {.box = 30.0}).cell, sheared);
  s.cell = {};
  expect_words(message_of<StructureError>([&] {
                 as_sent(s, {.wrap = true});
               }),
               {"cannot be wrapped into a flat cell"});
}

// --- programs ---

class Program : public mlff_test::FolderTest {};

TEST_F(Program, SaysHowItEnded)
{
  const auto state = [&](const std::string &command) {
    const ClientProcess process(command, folder);
    EXPECT_TRUE(process.wait(60.0));
    return process.state() + process.last_lines() + (process.has_failed() ? " failed" : "");
  };
  EXPECT_EQ(state("echo one; echo two >&2; exit 3"), "it ended with status 3\n  one\n  two failed");
  EXPECT_EQ(state("true"), "it ended with status 0");
  EXPECT_EQ(state("kill -9 $$"), "it was ended by signal 9 (Killed) failed");
  expect_words(state("no-such-program-at-all"), {"it ended with status 127\n  ", "not found"});
  EXPECT_EQ(state("seq 20"), "it ended with status 0\n  15\n  16\n  17\n  18\n  19\n  20");
  EXPECT_EQ(state("pwd"), "it ended with status 0\n  " + fs::canonical(folder).string());
}

TEST_F(Program, SeesVariablesButNotThoseOfMPI)
{
  setenv("OMPI_COMM_WORLD_RANK", "3", 1);
  setenv("PMI_RANK", "3", 1);
  const ClientProcess process("env", folder, {{"MLFF_CLIENT_SOCKET", "name"}});
  unsetenv("OMPI_COMM_WORLD_RANK");
  unsetenv("PMI_RANK");
  ASSERT_TRUE(process.wait(60.0));
  const std::string text = process.output();
  EXPECT_EQ(text.find("OMPI_COMM_WORLD_RANK"), std::string::npos);
  EXPECT_EQ(text.find("PMI_RANK"), std::string::npos);
  expect_words(text,
               {"MLFF_CLIENT_SOCKET=name\n",
                ":" + fs::read_symlink("/proc/self/exe").parent_path().string() + "\n"});
}

TEST_F(Program, EndsWithAllThatItHasStarted)
{
  pid_t child = 0;
  {
    const ClientProcess process("sleep 1000 & echo $! > child; wait", folder);
    while (child == 0) {
      std::ifstream(folder / "child") >> child;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    EXPECT_EQ(kill(child, 0), 0);
    EXPECT_FALSE(process.has_ended());
  }
  // a process that has ended may wait for whoever takes it over
  for (std::string state; fs::exists("/proc/" + std::to_string(child)) && state != "Z";) {
    std::ifstream in("/proc/" + std::to_string(child) + "/stat");
    std::string word;
    in >> word >> word >> state;
  }
}

// --- clients ---

class Client : public mlff_test::FolderTest {
 protected:
  const std::string command = IPI_TEST_CLIENT " --structure {structure} ";

  IpiClientSettings settings(const std::string &words = "",
                             const std::string &address = "unix") const
  {
    IpiClientSettings s;
    s.address = ClientAddress::of(address);
    s.command = command +
        (address.starts_with("tcp") ? "--host {address} --port {port} " : "--socket {address} ") +
        words;
    return s;
  }

  static void expect_right(const IpiAnswer &answer, const Structure &s)
  {
    const auto expected = LennardJones()(s.positions, s.cell, s.periodic);
    EXPECT_NEAR(answer.energy, expected.energy, 1e-12);
    for (std::size_t k = 0; k < s.positions.size(); k++)
      EXPECT_NEAR(answer.forces[k], expected.forces[k], 1e-12);
    for (int k = 0; k < 9; k++) EXPECT_NEAR(answer.virial[k], expected.virial[k], 1e-11);
  }

  /// The message when an evaluation fails.
  std::string failure(const IpiClientSettings &asked) const
  {
    return message_of<ClientLost>([&] {
      IpiClient client(asked, crystal());
      client.begin(crystal().positions, sheared);
      client.wait();
    });
  }

  std::vector<std::string> lines(const std::string &name) const
  {
    std::vector<std::string> list;
    std::istringstream in(content(name));
    for (std::string line; std::getline(in, line);) list.push_back(line);
    return list;
  }
  int count(const std::string &name, const std::string &begin) const
  {
    int n = 0;
    for (const auto &line : lines(name)) n += line.starts_with(begin);
    return n;
  }
};

TEST_F(Client, EvaluatesAShearedCellOverAllKindsOfSockets)
{
  for (const char *address : {"unix", "tcp"}) {
    IpiClient client(settings("", address), crystal());
    Structure moved = crystal();
    for (int step = 0; step < 3; step++) {
      moved.positions[4] += 0.1;
      moved.cell[3] += 0.05;
      client.begin(moved.positions, moved.cell);
      expect_right(client.wait(), moved);
    }
  }
  // the orientation matters: columns in the place of rows are another crystal
  Structure turned = crystal();
  turned.cell = {9.0, 2.1, -1.7, 0.4, 8.5, 2.3, -0.3, 0.6, 9.4};
  const auto of = [](const Structure &s) {
    return LennardJones()(s.positions, s.cell, s.periodic).energy;
  };
  EXPECT_GT(std::abs(of(turned) - of(crystal())), 1e-4);
  IpiClient open(settings(), cluster());
  open.begin(cluster().positions, {});
  expect_right(open.wait(), cluster());
}

TEST_F(Client, VirialIsTheDerivativeByStrain)
{
  IpiClient client(settings(), crystal());
  const auto energy = [&](int a, int b, double strain) {
    Structure s = crystal();
    const auto stretch = [&](std::span<double> vectors) {
      for (std::size_t k = 0; k < vectors.size(); k += 3) vectors[k + a] += strain * vectors[k + b];
    };
    stretch(s.positions);
    stretch(s.cell);
    client.begin(s.positions, s.cell);
    return client.wait().energy;
  };
  client.begin(crystal().positions, sheared);
  const auto virial = client.wait().virial;
  constexpr double step = 1e-5;
  for (int a = 0; a < 3; a++)
    for (int b = 0; b < 3; b++)
      EXPECT_NEAR(virial[3 * a + b], -(energy(a, b, step) - energy(a, b, -step)) / (2 * step),
                  1e-7);
}

TEST_F(Client, MayHaveHabitsOfItsOwn)
{
  for (const char *words : {"--need-init", "--old-data", "--upper"}) {
    IpiClient client(settings(words), crystal());
    client.begin(crystal().positions, sheared);
    expect_right(client.wait(), crystal());
  }
  IpiClient talks(settings("--extra '{\"dipole\": [1, 2, 3]}' --no-virial"), crystal());
  talks.begin(crystal().positions, sheared);
  const IpiAnswer answer = talks.wait();
  EXPECT_EQ(answer.extra, "{\"dipole\": [1, 2, 3]}");
  EXPECT_FALSE(answer.has_virial());
}

TEST_F(Client, KnowsItsStartByPlaceholdersFilesAndVariables)
{
  std::ofstream(folder / "words") << "{address}\n";
  IpiClientSettings asked;
  asked.files = {file("words")};
  asked.here = folder.string();
  asked.command = IPI_TEST_CLIENT
      " --socket $(cat words) --structure $MLFF_CLIENT_STRUCTURE --log {here}/log";
  Structure s = crystal();
  s.charge = 2.0;
  {
    IpiClient client(asked, s);
    client.begin(s.positions, s.cell);
    expect_right(client.wait(), s);
  }
  const auto log = lines("log");
  ASSERT_EQ(log.size(), 3U);
  expect_words(log[0], {"start ", " 4 Lattice=", " charge=2 pbc=\"T T T\""});
  EXPECT_TRUE(log[2].starts_with("exit ")) << log[2];
}

TEST_F(Client, ThatFailsIsNamedWithItsLastLines)
{
  expect_words(failure(settings("--fault exit")),
               {"it closed the connection; it ended with status 3; the last lines that it "
                "printed:\n  a first line\n  the field did not converge"});
  expect_words(failure(settings("--fault die")),
               {"it closed the connection; it was ended by signal 9 (Killed); "});
  expect_words(failure(settings("--fault close")),
               {"it closed the connection; it ended with status 0"});
  expect_words(failure(settings("--fault nonsense")),
               {"it said 'BANANA' where HAVEDATA was expected"});
  expect_words(failure(settings("--fault not-ready")),
               {"it said 'READY' where HAVEDATA was expected"});
  expect_words(failure(settings("--fault wrong-atoms")),
               {"it sent forces of 3 atoms; expected: 4"});
  expect_words(failure(settings("--fault long-text")), {"it announced a text of -7 bytes"});
  expect_words(failure(settings("--fail-at-start")),
               {"it ended before it connected to the UNIX socket /tmp/ipi_mlff_",
                "it ended with status 6", "\n  ipi_test_client: no licence"});
  IpiClientSettings wrong = settings();
  wrong.command = "no-such-program-at-all";
  expect_words(failure(wrong), {"it ended before it connected", "status 127", "not found"});
}

TEST_F(Client, ThatIsNotFiniteIsRefused)
{
  for (const auto &[fault, what] :
       {std::pair{"nan", "energy is"}, std::pair{"nan-force", "forces are"},
        std::pair{"nan-virial", "virial is"}})
    EXPECT_EQ(message_of<ClientNotFinite>([&] {
                IpiClient client(settings(std::string("--fault ") + fault), crystal());
                client.begin(crystal().positions, sheared);
                client.wait();
              }),
              std::string("its ") + what + " not finite");
}

TEST_F(Client, ThatHangsOrNeverComesIsGivenUp)
{
  auto hangs = settings("--fault hang");
  hangs.timeout = 0.5;
  expect_words(failure(hangs), {"it gave no answer within 0.5 s; it runs"});
  auto never = settings();
  never.timeout = 0.5;
  never.command = "sleep 1000";
  expect_words(failure(never),
               {"it did not connect to the UNIX socket /tmp/ipi_mlff_",
                " within 0.5 s; it runs; it printed nothing"});
  // one that hands the client over to somebody else ends well
  never.command = "true";
  expect_words(failure(never), {"it did not connect to ", "it ended with status 0"});
  never.command = "";
  const std::string text = failure(never);
  expect_words(text, {"it did not connect to the UNIX socket "});
  EXPECT_TRUE(text.ends_with(" within 0.5 s")) << text;
}

TEST_F(Client, ThatIsKilledIsNoticed)
{
  auto asked = settings();
  asked.timeout = 0.0;    // else the wait would end by itself
  IpiClient client(asked, crystal());
  client.begin(crystal().positions, sheared);
  client.wait();
  kill(-client.pid(), SIGKILL);
  expect_words(message_of<ClientLost>([&] {
                 client.begin(crystal().positions, sheared);
                 client.wait();
               }),
               {"it closed the connection; it was ended by signal 9 (Killed)"});
}

TEST_F(Client, WhoeverOnlyKnocksIsNoClient)
{
  const std::string name = "mlff_test_knock_" + std::to_string(getpid());
  auto asked = settings("", "unix:" + name);
  asked.command = "sleep 0.3; " + asked.command;
  IpiClient client(asked, crystal());
  client.begin(crystal().positions, sheared);
  for (int k = 0; k < 3; k++) {
    const int knock = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un place{};
    place.sun_family = AF_UNIX;
    std::strcpy(place.sun_path, ("/tmp/ipi_" + name).c_str());
    EXPECT_EQ(connect(knock, reinterpret_cast<sockaddr *>(&place), sizeof place), 0);
    if (k == 1) client.advance();
    close(knock);
    client.advance();
  }
  expect_right(client.wait(), crystal());
}

TEST_F(Client, LeavesNothingBehind)
{
  const auto left = [&] {
    std::size_t n = 0;
    for (const auto &entry : fs::directory_iterator(fs::temp_directory_path()))
      n += entry.path().filename().string().starts_with("mlff-client-");
    for (const auto &entry : fs::directory_iterator("/tmp"))
      n += entry.path().filename().string().starts_with("ipi_mlff_" + std::to_string(getpid()));
    return n;
  };
  setenv("TMPDIR", folder.c_str(), 1);
  {
    IpiClient client(settings(), crystal());
    client.begin(crystal().positions, sheared);
    client.wait();
    EXPECT_EQ(left(), 1U);    // the folder alone: the socket is not needed any more
  }
  EXPECT_EQ(left(), 0U);
  failure(settings("--fault exit"));
  EXPECT_EQ(left(), 0U);
  setenv("TMPDIR", (folder / "none").c_str(), 1);
  expect_words(message_of<ClientError>([&] {
                 IpiClient(settings(), crystal());
               }),
               {"there is no folder for temporary files (TMPDIR): "});
  unsetenv("TMPDIR");
}

// --- several clients ---

class Pool : public Client {
 protected:
  std::string logged() const { return "--log " + file("log") + " "; }

  /// Structures of one composition, each a little different.
  static std::vector<Structure> frames(int n)
  {
    std::vector<Structure> list;
    for (int k = 0; k < n; k++) {
      list.push_back(crystal());
      list.back().positions[0] += 0.01 * k;
    }
    return list;
  }
};

TEST_F(Pool, AnswersComeInOrder)
{
  for (const int clients : {1, 3}) {
    fs::remove(folder / "log");
    {
      IpiPool pool(settings(logged() + "--sleep 0.01"), clients);
      const auto list = frames(12);
      for (const auto &frame : list) pool.send(frame);
      for (const auto &frame : list) expect_right(pool.receive(), frame);
      EXPECT_TRUE(pool.is_empty());
      EXPECT_EQ(pool.started(), clients);
    }
    EXPECT_EQ(count("log", "start"), clients);
    EXPECT_EQ(count("log", "evaluate"), 12);
    EXPECT_EQ(count("log", "exit"), clients);
  }
}

TEST_F(Pool, EachCompositionHasAClient)
{
  // charge, order of elements, periodic directions: each is another composition
  Structure charged = crystal(), other = crystal(), slab = crystal();
  charged.charge = 1.0;
  std::swap(other.numbers[1], other.numbers[2]);
  slab.periodic[2] = false;
  const std::vector<Structure> kinds = {crystal(), charged, other, slab, cluster()};
  for (const int clients : {1, 2}) {
    fs::remove(folder / "log");
    IpiPool pool(settings(logged()), clients);
    std::vector<Structure> list;
    for (int k = 0; k < 10; k++) list.push_back(kinds[k % 5]);
    for (const auto &frame : list) pool.send(frame);
    for (const auto &frame : list) expect_right(pool.receive(), frame);
    if (clients > 1) continue;
    // a client does all of its composition before it makes room for another one
    EXPECT_EQ(pool.started(), 5);
    EXPECT_EQ(count("log", "start"), 5);
    int charges = 0;
    for (const auto &line : lines("log")) charges += line.find(" charge=1 ") != std::string::npos;
    EXPECT_EQ(charges, 1);
  }
}

TEST_F(Pool, ClientThatIsLostOnceIsStartedAgain)
{
  for (const char *fault : {"die", "exit", "nonsense", "wrong-atoms"}) {
    fs::remove(folder / "once");
    IpiPool pool(settings("--fault " + std::string(fault) + " --at 3 --once " + file("once")), 1);
    const auto list = frames(6);
    for (const auto &frame : list) pool.send(frame);
    for (const auto &frame : list) expect_right(pool.receive(), frame);
    EXPECT_EQ(pool.started(), 2);
  }
  fs::remove(folder / "once");
  auto hangs = settings("--fault hang --at 3 --once " + file("once"));
  hangs.timeout = 2.0;
  IpiPool pool(hangs, 1);
  const auto list = frames(4);
  for (const auto &frame : list) pool.send(frame);
  for (const auto &frame : list) expect_right(pool.receive(), frame);
  EXPECT_EQ(pool.started(), 2);
}

TEST_F(Pool, StructureThatEndsItsClientFailsAlone)
{
  for (const int clients : {1, 2}) {
    IpiPool pool(settings("--fault exit --below 1.0"), clients);
    auto list = frames(5);
    for (int a = 0; a < 3; a++) list[2].positions[3 + a] = list[2].positions[a] + 0.2;
    for (const auto &frame : list) pool.send(frame);
    for (int k = 0; k < 5; k++) {
      if (k != 2) {
        expect_right(pool.receive(), list[k]);
        continue;
      }
      expect_words(message_of<ClientLost>([&] {
                     pool.receive();
                   }),
                   {"the client was started again, and failed twice: it closed the connection; it "
                    "ended with status 3",
                    "\n  the field did not converge"});
    }
  }
}

TEST_F(Pool, NumbersThatAreNotFiniteFailOneStructure)
{
  IpiPool pool(settings("--fault nan-force --below 1.0"), 1);
  auto list = frames(3);
  for (int a = 0; a < 3; a++) list[1].positions[3 + a] = list[1].positions[a] + 0.2;
  for (const auto &frame : list) pool.send(frame);
  expect_right(pool.receive(), list[0]);
  EXPECT_EQ(message_of<ClientNotFinite>([&] {
              pool.receive();
            }),
            "the client failed: its forces are not finite");
  expect_right(pool.receive(), list[2]);
}

TEST_F(Pool, WithoutAnyClientNothingCanBeEvaluated)
{
  IpiPool pool(settings("--fail-at-start"), 2);
  for (const auto &frame : frames(3)) pool.send(frame);
  for (int k = 0; k < 3; k++)
    expect_words(message_of<ClientUnavailable>([&] {
                   pool.receive();
                 }),
                 {"failed twice: it ended before it connected", "no licence"});
  EXPECT_LE(pool.started(), 4);
  auto missing = settings();
  missing.files = {file("none.inp")};
  IpiPool without_file(missing, 1);
  without_file.send(crystal());
  expect_words(message_of<ClientUnavailable>([&] {
                 without_file.receive();
               }),
               {"none.inp' cannot be opened"});
}

TEST_F(Pool, ClientsShareOneAddress)
{
  for (const std::string address :
       {"unix:mlff_test_pool_" + std::to_string(getpid()), std::string("tcp:47119")}) {
    IpiPool pool(settings("--sleep 0.02", address), 3);
    const auto list = frames(9);
    for (const auto &frame : list) pool.send(frame);
    for (const auto &frame : list) expect_right(pool.receive(), frame);
  }
}

/// How much faster two slow clients are; printed alone, because other work may share the machine.
TEST_F(Pool, TwoClientsShareTheWork)
{
  double seconds[2];
  for (const int clients : {1, 2}) {
    IpiPool pool(settings("--sleep 0.05"), clients);
    const auto list = frames(40);
    // the start is not timed
    for (int k = 0; k < clients; k++) pool.send(list[k]);
    for (int k = 0; k < clients; k++) pool.receive();
    const auto begin = std::chrono::steady_clock::now();
    for (const auto &frame : list) pool.send(frame);
    for (const auto &frame : list) expect_right(pool.receive(), frame);
    seconds[clients - 1] =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    EXPECT_EQ(pool.started(), clients);
  }
  std::printf("40 structures of 50 ms: one client %.2f s, two clients %.2f s, ratio %.2f\n",
              seconds[0], seconds[1], seconds[0] / seconds[1]);
}

}    // namespace
