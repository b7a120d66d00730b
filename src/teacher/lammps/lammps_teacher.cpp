// LAMMPS as a teacher: a queue of structures, and processes that work on it.
#include "teacher/lammps/lammps_teacher.h"

#include "core/elements.h"
#include "core/errors.h"
#include "core/words.h"
#include "teacher/lammps/find_lammps.h"
#include "teacher/lammps/force_commands.h"
#include "teacher/lammps/lammps_process.h"
#include "teacher/lammps/lammps_task.h"

#include <poll.h>

#include <algorithm>
#include <deque>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace mlff {

using Json = nlohmann::ordered_json;

namespace {

  /// A structure on its way to labels.
  struct Job {
    enum class State { waiting, begun, done };

    State state = State::waiting;
    std::optional<LammpsTask> task;    // none where the structure was refused
    bool anew = false;                 // must have a system of LAMMPS of its own
    Labels labels = {};
    std::exception_ptr failure = nullptr;
  };

  /// A process, the structure that it is at, and the system that its LAMMPS has set up.
  struct Worker {
    Worker(const std::string &program, int threads) : process(program, threads) {}

    LammpsProcess process;
    Job *job = nullptr;
    std::string system;
    bool follows = false;    // whether the structure took the place of the one before
  };

  class LammpsTeacher : public Teacher {
   public:
    explicit LammpsTeacher(const TeacherSettings &settings) :
        given(settings), commands(settings.value("lammps").get<std::string>()),
        units(lammps_units_of(settings.value("lammps_units").get<std::string>())),
        processes(settings.value("lammps_processes").get<std::size_t>())
    {
      const Json named = settings.value("lammps_types");
      if (!named.is_null()) types = named.get<std::vector<std::string>>();
      for (const auto &type : types) {
        if (atomic_number(type) == 0)
          throw TeacherError("lammps_types holds '" + type +
                             "'; accepted: symbols of elements, one for each atom type");
        if (std::count(types.begin(), types.end(), type) > 1)
          throw TeacherError("lammps_types holds '" + type +
                             "' twice; accepted: each element once");
      }
    }

    Labels label(const Structure &structure) override
    {
      if (jobs.empty()) expect(structure);
      while (jobs.front().state != Job::State::done) {
        begin_work();
        wait();
      }
      const Job job = std::move(jobs.front());
      jobs.pop_front();
      begin_work_ahead();
      if (job.failure) std::rethrow_exception(job.failure);
      return job.labels;
    }

    void expect(const Structure &structure) override
    {
      Job &job = jobs.emplace_back();
      try {
        job.task.emplace(structure, types_for(structure), commands, units);
      } catch (const TeacherError &) {
        // the structure fails when its turn comes
        job.state = Job::State::done;
        job.failure = std::current_exception();
      }
      begin_work_ahead();
    }

    void set_reference(const Structure &structure) override { label(structure); }

    Json provenance() const override
    {
      Json settings = {{"lammps", given.value("lammps")}, {"lammps_units", units.name}};
      if (!types.empty()) settings["lammps_types"] = types;
      return {{"settings", settings},
              {"versions", {{"lammps_version", version()}}},
              {"files", commands.files()}};
    }

    std::string lammps_commands(const std::string &elements, int, int) const override
    {
      if (units.name != std::string("metal"))
        throw TeacherError("the inputs of LAMMPS that sample are in units metal, but the commands "
                           "of '" +
                           commands.files().front() + "' are in units " + units.name);
      if (!types.empty() && !commands.name_elements() && elements != joined(types, " "))
        throw TeacherError("the atom types of the system are " + elements +
                           ", but those of the commands (lammps_types) are " + joined(types, " ") +
                           "; write ${elements} in their place in '" + commands.files().front() +
                           "'");
      // data files of molecules have charges, those of labels have none
      return commands.before_system() + "set             group all charge 0.0\n" +
          commands.behind_system(elements);
    }

   private:
    TeacherSettings given;
    ForceCommands commands;
    const LammpsUnits &units;
    std::size_t processes;
    std::vector<std::string> types;    // empty: those of each structure
    std::deque<Job> jobs;
    mutable std::deque<Worker> workers;

    std::vector<std::string> types_for(const Structure &structure) const
    {
      if (!types.empty()) return types;
      std::vector<std::string> list;
      for (const int z : elements_of(structure.numbers)) list.push_back(element_symbol(z));
      return list;
    }

    /// The worker of a number, which is made where there are fewer.
    Worker &worker(std::size_t k) const
    {
      while (workers.size() <= k)
        workers.emplace_back(lammps_program(given.lammps),
                             given.threads > 0   ? given.threads
                                 : processes > 1 ? 1
                                                 : 0);
      return workers[k];
    }

    /// Gives structures that wait to processes that do not work.
    void begin_work()
    {
      std::size_t next = 0;
      for (auto &job : jobs) {
        if (job.state != Job::State::waiting) continue;
        while (next < processes && worker(next).job) next++;
        if (next == processes) return;
        begin(worker(next), job);
      }
    }

    /// The same, for structures whose turn has not come: what prevents it is told when it has.
    void begin_work_ahead()
    {
      try {
        begin_work();
      } catch (const std::runtime_error &) {
        return;
      }
    }

    static void begin(Worker &worker, Job &job)
    {
      if (worker.process.runs() && !worker.process.receive()) worker.process.end();
      if (!worker.process.runs()) {
        worker.process.start();
        worker.system.clear();
      }
      const std::string &system = job.task->system();
      worker.follows = !job.anew && !system.empty() && system == worker.system;
      worker.process.send(job.task->commands(worker.process, worker.follows), job.task->data());
      worker.system = system;
      worker.job = &job;
      job.state = Job::State::begun;
    }

    /// Waits until a process has answered or ended, and takes in what it says.
    void wait()
    {
      std::vector<pollfd> files;
      for (const auto &worker : workers)
        if (worker.job)
          for (const int file : {worker.process.answers(), worker.process.life()})
            files.push_back({file, POLLIN, 0});
      poll(files.data(), files.size(), -1);
      for (auto &worker : workers)
        if (worker.job) take_in(worker);
    }

    void take_in(Worker &worker)
    {
      const bool alive = worker.process.receive();
      std::string &answer = worker.process.answer;
      if (LammpsTask::is_complete(answer)) {
        Job &job = *std::exchange(worker.job, nullptr);
        job.state = Job::State::done;
        try {
          job.labels = job.task->labels(answer);
        } catch (const TeacherError &) {
          job.failure = std::current_exception();
        }
        answer.clear();
      } else if (!alive)
        fail(worker);
      if (!alive && worker.process.runs()) worker.process.end();
    }

    /// The process of a worker has ended before its answer.
    void fail(Worker &worker)
    {
      Job &job = *std::exchange(worker.job, nullptr);
      const bool set_up = LammpsTask::is_set_up(worker.process.answer),
                 works = worker.process.answered();
      const std::string why = worker.process.end();
      if (worker.follows) {
        // perhaps only because of the structure before
        job.state = Job::State::waiting;
        job.anew = true;
        return;
      }
      job.state = Job::State::done;
      // commands that fail whatever the structure is
      const bool always = !works || (!set_up && !types.empty());
      job.failure = always ? std::make_exception_ptr(TeacherUnavailable(why))
                           : std::make_exception_ptr(TeacherError(why));
    }

    long version() const
    {
      LammpsProcess &process = worker(0).process;
      if (process.version() != 0) return process.version();
      if (!process.runs()) process.start();
      while (process.version() == 0) {
        pollfd files[] = {{process.answers(), POLLIN, 0}, {process.life(), POLLIN, 0}};
        poll(files, 2, -1);
        if (!process.receive() && process.version() == 0) throw TeacherUnavailable(process.end());
      }
      return process.version();
    }
  };

}    // namespace

const TeacherKind &lammps_teacher_kind()
{
  using Type = TeacherSetting::Type;
  static const TeacherKind kind = {
      "lammps",
      {{.key = "lammps",
        .option = "--lammps",
        .type = Type::file,
        .help = "file of LAMMPS commands that make the forces, from pair_style on"},
       {.key = "lammps_types",
        .option = "--lammps-types",
        .type = Type::words,
        .help = "element of each atom type of the commands (default: elements of each structure by "
                "atomic number)"},
       {.key = "lammps_units",
        .option = "--lammps-units",
        .type = Type::word,
        .standard = lammps_units_words().front(),
        .accepted = lammps_units_words(),
        .help = "units of the commands"},
       {.key = "lammps_processes",
        .option = "--lammps-processes",
        .type = Type::whole,
        .standard = 1,
        .least = 1.0,
        .most = 1024.0,
        .help = "LAMMPS at a time that label given structures"}},
      [](const TeacherSettings &settings) -> std::unique_ptr<Teacher> {
        return std::make_unique<LammpsTeacher>(settings);
      }};
  return kind;
}

}    // namespace mlff
