// Any client of the i-PI protocol as a teacher.
#include "teacher/ipi_teacher.h"

#include "core/elements.h"
#include "core/words.h"
#include "ipi/client_errors.h"
#include "ipi/client_files.h"
#include "ipi/ipi_pool.h"
#include "ipi/sent_structure.h"
#include "structure/lattice.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <map>
#include <sstream>

namespace mlff {

using Json = nlohmann::ordered_json;

namespace {

  constexpr double seconds_for_version = 120.0;

  /// Runs a piece of work and passes errors of clients on as those of a teacher.
  template <class Work> auto translated(const std::string &who, const Work &work)
  {
    try {
      return work();
    } catch (const ClientUnavailable &error) {
      throw TeacherUnavailable(who + error.what());
    } catch (const ClientError &error) {
      throw TeacherError(who + error.what());
    } catch (const StructureError &error) {
      throw TeacherError(who + error.what());
    }
  }

  /// "C2H6O, 9 atoms: "
  std::string name_of(const Structure &structure)
  {
    std::map<std::string, int> count;
    for (const int z : structure.numbers) count[element_symbol(z)]++;
    std::string text;
    for (const auto &[symbol, n] : count) text += symbol + (n > 1 ? std::to_string(n) : "");
    return text + ", " + std::to_string(structure.n_atoms()) + " atoms: ";
  }

  /// A word as an input of LAMMPS takes it.
  std::string quoted(const std::string &word)
  {
    for (const char *quote : {"\"", "'", "\"\"\""})
      if (word.find(quote) == std::string::npos) return quote + word + quote;
    throw TeacherError("the client's command holds three \" in a row, which LAMMPS cannot read");
  }

  class IpiTeacher : public Teacher {
   public:
    explicit IpiTeacher(const TeacherSettings &settings) :
        given(settings),
        stress(settings.value("stress")), form{settings.value("wrap") == "yes",
                                               settings.value("box").get<double>()},
        client(client_of(settings)), pool(client, settings.value("clients").get<int>())
    {
    }

    Labels label(const Structure &structure) override
    {
      if (announced.empty()) expect(structure);
      const std::exception_ptr refused = announced.front();
      announced.pop_front();
      if (refused) std::rethrow_exception(refused);
      return translated(name_of(structure), [&] {
        return labels_of(structure, pool.receive());
      });
    }

    void expect(const Structure &structure) override
    {
      std::exception_ptr refused;
      try {
        translated(name_of(structure), [&] {
          pool.send(as_sent(structure, form));
        });
      } catch (const TeacherError &) {
        refused = std::current_exception();
      }
      announced.push_back(refused);
    }

    void set_reference(const Structure &structure) override
    {
      if (announced.empty()) label(structure);
    }

    Json provenance() const override
    {
      Json settings = {{"client", client.command}};
      for (const char *key : {"stress", "wrap", "box", "files"})
        if (given.values.contains(key)) settings[key] = given.values[key];
      Json versions = Json::object();
      if (given.values.contains("version")) versions["client_version"] = version();
      return {{"settings", settings}, {"versions", versions}, {"files", client.files}};
    }

    std::string lammps_commands(const std::string &elements, int charge,
                                int unpaired_electrons) const override
    {
      // LAMMPS runs in another folder
      std::string text = "pair_style      ipi client " +
          quoted(filled(client.command, {{"here", client.here}})) + " socket " +
          given.value("socket").get<std::string>() + " timeout " + readable(client.timeout);
      if (form.wrap) text += " wrap yes";
      if (form.box > 0.0) text += " box " + readable(form.box);
      if (charge != 0 || unpaired_electrons != 0)
        text +=
            " charge " + std::to_string(charge) + " spin " + std::to_string(unpaired_electrons + 1);
      for (const auto &file : client.files)
        text += " file " + quoted(std::filesystem::absolute(file).string());
      return text + "\npair_coeff      * * " + elements + "\n";
    }

   private:
    TeacherSettings given;
    std::string stress;
    SentForm form;
    IpiClientSettings client;
    IpiPool pool;
    std::deque<std::exception_ptr>
        announced;    // null for a structure under way, else why it was not sent
    mutable std::string found_version;

    static IpiClientSettings client_of(const TeacherSettings &settings)
    {
      IpiClientSettings client;
      const Json command = settings.value("client");
      if (command.is_string()) client.command = command;
      // a settings file may break it into lines
      std::replace(client.command.begin(), client.command.end(), '\n', ' ');
      if (client.command.find_first_not_of(' ') == std::string::npos)
        throw TeacherError("the teacher 'ipi' has no client; accepted: a command line");
      const Json files = settings.value("files");
      if (!files.is_null()) client.files = files.get<std::vector<std::string>>();
      client.timeout = settings.value("timeout");
      client.here = std::filesystem::current_path().string();
      translated("", [&] {
        check_placeholders(client.command);
        client.address = ClientAddress::of(settings.value("socket").get<std::string>());
      });
      return client;
    }

    /// What the command `version` prints, in one line.
    const std::string &version() const
    {
      if (found_version.empty())
        translated("", [&] {
          const std::string command = given.value("version");
          const TemporaryFolder folder;
          const ClientProcess process(filled(command, {{"here", client.here}}), folder.path());
          if (!process.wait(seconds_for_version) || process.has_failed())
            throw ClientError("the command of 'version', " + command +
                              ", failed: " + process.state() + process.last_lines());
          std::istringstream words(process.output());
          for (std::string word; words >> word;)
            found_version += (found_version.empty() ? "" : " ") + word;
        });
      return found_version;
    }

    Labels labels_of(const Structure &structure, IpiAnswer answer) const
    {
      Labels labels;
      labels.energy = answer.energy;
      labels.forces = std::move(answer.forces);
      const bool wanted = stress == "yes" || (stress == "auto" && answer.has_virial());
      if (wanted && structure.periodic == std::array{true, true, true}) {
        labels.stress = answer.virial;
        for (double &value : *labels.stress) value /= -cell_volume(structure.cell);
      }
      return labels;
    }
  };

}    // namespace

const TeacherKind &ipi_teacher_kind()
{
  using Type = TeacherSetting::Type;
  static const TeacherKind kind = {
      "ipi",
      {{.key = "client",
        .option = "--client",
        .help = "command that starts a client of the i-PI protocol (doc/guide/teachers_ipi.md)"},
       {.key = "clients",
        .option = "--clients",
        .type = Type::whole,
        .standard = 1,
        .least = 1.0,
        .most = 1000.0,
        .help = "clients at a time"},
       {.key = "socket",
        .option = "--client-socket",
        .standard = "unix",
        .help = "address for clients: unix, unix:NAME, tcp, tcp:PORT or tcp:HOST:PORT"},
       {.key = "timeout",
        .option = "--client-timeout",
        .type = Type::number,
        .standard = IpiClientSettings().timeout,
        .least = 0.0,
        .help = "seconds that a client may take to start, and for a structure; 0: any"},
       {.key = "files",
        .option = "--client-file",
        .type = Type::files,
        .help = "input files of the client, with placeholders"},
       {.key = "stress",
        .option = "--client-stress",
        .standard = "auto",
        .accepted = {"auto", "yes", "no"},
        .help = "stress from the client's virial; auto: unless this is 0"},
       {.key = "wrap",
        .option = "--client-wrap",
        .standard = "no",
        .accepted = {"yes", "no"},
        .help = "put positions into the periodic cell for the client"},
       {.key = "box",
        .option = "--client-box",
        .type = Type::number,
        .standard = 0.0,
        .least = 0.0,
        .help = "edge of the cell that the client gets for a structure without one, Å; 0: none"},
       {.key = "version",
        .option = "--client-version",
        .help = "command that prints the version of the client's program, for manifests"}},
      [](const TeacherSettings &settings) -> std::unique_ptr<Teacher> {
        return std::make_unique<IpiTeacher>(settings);
      }};
  return kind;
}

}    // namespace mlff
