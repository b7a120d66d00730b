// mlff eval: errors of a potential against labelled frames.
#include "commands/eval/reach_options.h"
#include "commands/sub_command.h"
#include "core/elements.h"
#include "core/progress.h"
#include "core/units.h"
#include "data/extended_xyz.h"
#include "data/parse.h"
#include "data/trajectory.h"
#include "engine/make_engine.h"
#include "engine/split_engine.h"
#include "models/jump/jump_record.h"
#include "potential/model_kind.h"
#include "program/json_output.h"
#include "structure/bonds.h"
#include "structure/lattice.h"
#include "structure/stress.h"
#include "training/jump/jump_report.h"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <sstream>

namespace mlff {

namespace {

  struct EvalOptions {
    std::vector<std::string> models;    // of the first the errors are, others for --reach
    std::string data, output;
    EngineOptions engine;
    int batch = 64, rollout = 0;
    std::size_t memory = 0;
    bool json = false, force = false, apart = false;
    std::vector<std::string> groups;
    ReadOptions read;
    ReachRequest reach;

    const std::string &model() const { return models.front(); }
  };

  ReadOptions reading(const EvalOptions &options)
  {
    ReadOptions read = options.read;
    read.keep = !options.output.empty();
    return read;
  }

  /// Mean absolute and root-mean-square error of a stream of differences.
  struct Errors {
    double absolute = 0.0, square = 0.0;
    long n = 0;

    void add(double difference)
    {
      absolute += std::abs(difference);
      square += difference * difference;
      n++;
    }
    double mae() const { return absolute / double(n); }
    double rmse() const { return std::sqrt(square / double(n)); }
  };

  /// Atoms of a list such as 1-13,20: numbers from 0 on, ascending.
  std::vector<int> atoms_of(const std::string &list)
  {
    std::set<int> atoms;
    std::istringstream parts(list);
    for (std::string part; std::getline(parts, part, ',');) {
      int first = 0, last = 0, read = 0;
      const int found = std::sscanf(part.c_str(), "%d%n-%d%n", &first, &read, &last, &read);
      if (found == 1) last = first;
      if (found < 1 || read != int(part.size()) || first < 1 || last < first || last > 1000000)
        throw FileError("--groups '" + list + "': '" + part +
                        "' is neither an atom nor a range of atoms; accepted: numbers from 1 on, "
                        "such as 1-13,20");
      for (int k = first; k <= last; k++) atoms.insert(k - 1);
    }
    if (atoms.empty())
      throw FileError("--groups '" + list +
                      "' names no atom; accepted: numbers from 1 on, such as 1-13,20");
    return {atoms.begin(), atoms.end()};
  }

  /// Errors against the distance between the nearest atoms of two molecules, or of two groups of
  /// atoms, in each frame. The net force on a molecule comes from the other one.
  class ErrorsByDistance {
   public:
    /// Two lists of atoms instead of the two molecules of each frame.
    void set_groups(const std::vector<std::string> &lists)
    {
      for (int m = 0; m < 2; m++)
        for (const int i : atoms_of(lists[m])) {
          if (i >= int(group.size())) group.resize(i + 1, -1);
          if (group[i] >= 0)
            throw FileError("--groups '" + lists[0] + "' and '" + lists[1] + "' both have atom " +
                            std::to_string(i + 1));
          group[i] = m;
        }
    }

    void add(const Structure &frame, const double *predicted, const std::string &where)
    {
      const auto molecule = group.empty() ? molecules_of(frame, where) : groups_of(frame, where);
      const int n = frame.n_atoms();
      double nearest = 1e300, net[2][3] = {}, label[2][3] = {};
      for (int i = 0; i < n; i++) {
        if (molecule[i] < 0) continue;
        for (int j = 0; j < i; j++)
          if (molecule[j] >= 0 && molecule[i] != molecule[j]) {
            double square = 0.0;
            for (int a = 0; a < 3; a++)
              square += std::pow(frame.positions[3 * i + a] - frame.positions[3 * j + a], 2);
            nearest = std::min(nearest, std::sqrt(square));
          }
        for (int a = 0; a < 3; a++) {
          net[molecule[i]][a] += predicted[3 * i + a];
          label[molecule[i]][a] += frame.forces[3 * i + a];
        }
      }
      Row &row = rows[int(nearest)];
      row.add(frame, predicted, net, label);
      all.push_back({nearest, {}});
      all.back().second.add(frame, predicted, net, label);
    }

    /// Whole Å, then everything within and beyond the cutoff.
    nlohmann::ordered_json json(double cutoff) const
    {
      nlohmann::ordered_json list;
      for (const auto &[distance, row] : rows)
        list.push_back(row.json(std::to_string(distance) + " - " + std::to_string(distance + 1)));
      Row within, beyond;
      for (const auto &[distance, row] : all) (distance < cutoff ? within : beyond).join(row);
      char text[40];
      std::snprintf(text, sizeof text, "%g", cutoff);
      if (within.force.n) list.push_back(within.json(std::string("< ") + text));
      if (beyond.force.n) list.push_back(beyond.json(std::string(">= ") + text));
      return list;
    }

   private:
    struct Row {
      Errors force, net;
      double strength = 0.0;    // sum of |net force| of the labels
      long n = 0;

      void add(const Structure &frame, const double *predicted, const double (&own)[2][3],
               const double (&label)[2][3])
      {
        n++;
        for (std::size_t k = 0; k < frame.forces.size(); k++)
          force.add(predicted[k] - frame.forces[k]);
        for (int m = 0; m < 2; m++) {
          for (int a = 0; a < 3; a++) net.add(own[m][a] - label[m][a]);
          strength += 0.5 * std::hypot(label[m][0], label[m][1], label[m][2]);
        }
      }
      void join(const Row &other)
      {
        for (auto [from, to] : {std::pair{&other.force, &force}, {&other.net, &net}}) {
          to->absolute += from->absolute;
          to->square += from->square;
          to->n += from->n;
        }
        strength += other.strength;
        n += other.n;
      }
      nlohmann::ordered_json json(const std::string &distance) const
      {
        return {{"distance_A", distance},
                {"n_frames", n},
                {"force_mae_meV_per_A", force.mae() / meV},
                {"force_rmse_meV_per_A", force.rmse() / meV},
                {"net_force_mae_meV_per_A", net.mae() / meV},
                {"net_force_rmse_meV_per_A", net.rmse() / meV},
                {"net_force_meV_per_A", strength / double(n) / meV}};
      }
    };
    std::map<int, Row> rows;
    std::vector<std::pair<double, Row>> all;
    std::vector<int> group;    // 0, 1 or -1 of each atom; empty: molecules

    std::vector<int> groups_of(const Structure &frame, const std::string &where) const
    {
      if (int(group.size()) > frame.n_atoms() || frame.forces.empty() || frame.periodic[0] ||
          frame.periodic[1] || frame.periodic[2])
        throw FileError(
            where + " has " + std::to_string(frame.n_atoms()) + " atoms" +
            (frame.forces.empty() ? " and no forces" : "") +
            "; --groups takes open frames with forces that have all of its atoms, up to " +
            std::to_string(group.size()));
      std::vector<int> list = group;
      list.resize(frame.n_atoms(), -1);
      return list;
    }

    /// 0 or 1 of each atom.
    static std::vector<int> molecules_of(const Structure &frame, const std::string &where)
    {
      const int n = frame.n_atoms();
      std::vector<int> molecule(n, -1);
      const auto bonds = bonds_of(frame.numbers, frame.positions);
      int count = 0;
      for (int start = 0; start < n; start++) {
        if (molecule[start] >= 0) continue;
        molecule[start] = count++;
        for (bool grew = true; grew;) {
          grew = false;
          for (const auto &[i, j] : bonds)
            if (molecule[i] != molecule[j]) {
              molecule[i] = molecule[j] = std::max(molecule[i], molecule[j]);
              grew = true;
            }
        }
      }
      if (count != 2 || frame.forces.empty() || frame.periodic[0] || frame.periodic[1] ||
          frame.periodic[2])
        throw FileError(where + " has " + std::to_string(count) + " molecules" +
                        (frame.forces.empty() ? " and no forces" : "") +
                        "; --apart takes open frames of two molecules with forces");
      return molecule;
    }
  };

  class Evaluation {
   public:
    explicit Evaluation(const EvalOptions &options) :
        options(options), potential(Potential::read(options.model())),
        engine(make_engine(potential, options.engine), options.memory << 20),
        reader(open_trajectory(options.data, reading(options)))
    {
      if (!options.groups.empty()) apart.set_groups(options.groups);
      if (options.output.empty()) return;
      if (!options.output.ends_with(".xyz"))
        throw FileError("--output '" + options.output + "' has an unknown ending; accepted: .xyz");
      std::error_code code;
      if (std::filesystem::equivalent(options.output, options.data, code))
        throw FileError("--output is the file given by --data");
      if (!options.force && std::filesystem::exists(options.output))
        throw FileError("'" + options.output +
                        "' exists already and is not overwritten (--force does)");
      output = std::fopen(options.output.c_str(), "w");
      if (!output) throw FileError("'" + options.output + "' cannot be written");
    }
    Evaluation(const Evaluation &) = delete;
    Evaluation &operator=(const Evaluation &) = delete;
    ~Evaluation()
    {
      if (output) std::fclose(output);
    }

    void run()
    {
      Progress progress("mlff eval");
      Structure frame;
      const auto start = std::chrono::steady_clock::now();
      while (reader->next(frame)) {
        n_frames++;
        n_atoms += frame.n_atoms();
        if (n_frames == 1)
          for (const auto &name : frame.unread)
            unread += (unread.empty() ? " ('" : ", '") + name + "'";
        if (n_frames == 1 && !unread.empty())
          unread += " may be some: --key energy=NAME, --key forces=NAME)";
        add_to_graph(frame);
        batch.push_back(std::move(frame));
        if (int(batch.size()) >= options.batch ||
            engine.bytes(graph.view().n_atoms(), graph.view().n_edges()) >= engine.memory()) {
          evaluate_batch();
          progress.update(reader->progress(), std::to_string(n_frames) + " frames");
        }
      }
      if (!batch.empty()) evaluate_batch();
      seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      if (n_frames == 0) throw FileError("data file '" + options.data + "' holds no frame");
      if (energy.n == 0 && force.n == 0 && stress.n == 0 && options.output.empty())
        throw FileError("data file '" + options.data +
                        "' holds neither energies nor forces to compare with" + unread +
                        "; --output writes predictions");
      progress.update(1.0, std::to_string(n_frames) + " frames");
    }

    nlohmann::ordered_json json() const
    {
      nlohmann::ordered_json report;
      report["model"] = options.model();
      report["data"] = options.data;
      report["engine"] = engine.description();
      report["n_frames"] = n_frames;
      report["n_atoms"] = n_atoms;
      report["energy_mae_meV"] = energy.n ? nlohmann::json(energy.mae() / meV) : nlohmann::json();
      report["energy_rmse_meV"] = energy.n ? nlohmann::json(energy.rmse() / meV) : nlohmann::json();
      report["force_mae_meV_per_A"] = force.n ? nlohmann::json(force.mae() / meV)
                                              : nlohmann::json();
      report["force_rmse_meV_per_A"] = force.n ? nlohmann::json(force.rmse() / meV)
                                               : nlohmann::json();
      for (const auto &[name, errors, unit] :
           {std::tuple{"GPa", &stress, 1.0 / eV_per_cubic_angstrom_in_GPa},
            {"meV_per_atom", &strain_gradient, meV}}) {
        report[std::string("stress_mae_") + name] = errors->n ? nlohmann::json(errors->mae() / unit)
                                                              : nlohmann::json();
        report[std::string("stress_rmse_") + name] =
            errors->n ? nlohmann::json(errors->rmse() / unit) : nlohmann::json();
      }
      for (const auto &[z, errors] : force_of_element)
        report["elements"][element_symbol(z)] = {{"n_atoms", errors.n / 3},
                                                 {"force_mae_meV_per_A", errors.mae() / meV},
                                                 {"force_rmse_meV_per_A", errors.rmse() / meV}};
      if (by_distance()) report["apart"] = apart.json(potential.cutoff);
      report["seconds"] = seconds;
      return report;
    }

    void print() const
    {
      std::printf("%s on %s: %ld frames, %ld atoms, %.1f s (%s)\n\n", options.model().c_str(),
                  options.data.c_str(), n_frames, n_atoms, seconds, engine.description().c_str());
      std::printf("%-24s %12s %12s\n", "", "MAE", "RMSE");
      const auto line = [](const std::string &name, const Errors &errors, double unit = meV,
                           int decimals = 3) {
        std::printf("%-24s %12s %12s\n", name.c_str(),
                    readable(errors.mae() / unit, decimals).c_str(),
                    readable(errors.rmse() / unit, decimals).c_str());
      };
      if (energy.n) line("energy (meV)", energy);
      if (force.n) line("force (meV/A)", force);
      for (const auto &[z, errors] : force_of_element) line("  on " + element_symbol(z), errors);
      if (stress.n) {
        line("stress (GPa)", stress, 1.0 / eV_per_cubic_angstrom_in_GPa, 5);
        line("stress (meV/atom)", strain_gradient);
      }
      if (!by_distance()) return;
      std::printf("\nby the distance of the nearest atoms of the two %s (last: within and beyond "
                  "the cutoff), meV/A\n%-10s %8s %12s %12s %14s %14s\n",
                  options.apart ? "molecules" : "groups", "A", "frames", "force MAE", "force RMSE",
                  "net force MAE", "net force is");
      for (const auto &row : apart.json(potential.cutoff))
        std::printf(
            "%-10s %8ld %12.3f %12.3f %14.3f %14.1f\n",
            row["distance_A"].get<std::string>().c_str(), row["n_frames"].get<long>(),
            row["force_mae_meV_per_A"].get<double>(), row["force_rmse_meV_per_A"].get<double>(),
            row["net_force_mae_meV_per_A"].get<double>(), row["net_force_meV_per_A"].get<double>());
    }

   private:
    EvalOptions options;
    Potential potential;
    SplitEngine engine;
    std::unique_ptr<TrajectoryReader> reader;
    std::FILE *output = nullptr;

    std::vector<Structure> batch;
    GraphStorage graph;
    Result result;
    std::vector<double> forces;

    Errors energy, force;
    std::map<int, Errors> force_of_element;
    /// Of six components a frame: eV/Å^3, and stress times volume per atom, eV.
    Errors stress, strain_gradient;
    ErrorsByDistance apart;
    long n_frames = 0, n_atoms = 0;
    double seconds = 0.0;
    std::string unread;    // properties of the first frame that might be labels under other names

    bool by_distance() const { return options.apart || !options.groups.empty(); }

    std::string place(long frame) const
    {
      return "data file '" + options.data + "', frame " + std::to_string(frame);
    }

    void add_to_graph(const Structure &frame)
    {
      if (const auto fault = stress_fault(frame); !fault.empty())
        throw FileError(place(n_frames) + ": " + fault + "; --key stress=NAME chooses another key");
      try {
        append_graph(frame, potential.elements, potential.cutoff, graph);
      } catch (const StructureError &error) {
        throw FileError(place(n_frames) + ": " + error.what());
      }
    }

    /// The stress of structure s of the graph, eV/Å^3.
    std::array<double, 9> predicted_stress(const Graph &view, std::size_t s) const
    {
      std::array<double, 9> sum{};
      add_strain_gradient(view, result, int(s), 1.0 / cell_volume(batch[s].cell), sum);
      return sum;
    }

    void compare_stress(const Structure &frame, const std::array<double, 9> &predicted)
    {
      const auto found = six_components(predicted), label = six_components(*frame.stress);
      const double volume_of_atom = cell_volume(frame.cell) / double(frame.n_atoms());
      for (int c = 0; c < 6; c++) {
        stress.add(found[c] - label[c]);
        strain_gradient.add((found[c] - label[c]) * volume_of_atom);
      }
    }

    void evaluate_batch()
    {
      const Graph view = graph.view();
      engine.evaluate(view, result);
      sum_forces(view, result, forces);
      for (std::size_t s = 0; s < batch.size(); s++) {
        Structure &frame = batch[s];
        const double *predicted = forces.data() + 3 * std::size_t(view.first_atom[s]);
        if (frame.energy) energy.add(result.energy[s] - *frame.energy);
        for (std::size_t k = 0; k < frame.forces.size(); k++) {
          const double difference = predicted[k] - frame.forces[k];
          force.add(difference);
          force_of_element[frame.numbers[k / 3]].add(difference);
        }
        if (by_distance())
          apart.add(frame, predicted, place(n_frames - long(batch.size()) + long(s) + 1));
        if (frame.stress) compare_stress(frame, predicted_stress(view, s));
        if (!output) continue;
        forget_results(frame);
        if (can_have_stress(frame)) frame.stress = predicted_stress(view, s);
        frame.energy = result.energy[s];
        frame.forces.assign(predicted, predicted + 3 * frame.n_atoms());
        write_xyz(output, frame);
        if (std::ferror(output))
          throw FileError("'" + options.output + "' cannot be written: is the disk full?");
      }
      batch.clear();
      graph.clear();
    }
  };

  /// Errors of a jump network on windows of a trajectory, beside the controls, as mlff train
  /// reports them.
  void evaluate_jump(const EvalOptions &options, const Potential &potential)
  {
    if (options.data.empty()) throw CLI::RequiredError("--data");
    if (options.reach.wanted)
      throw FileError("'" + options.model() +
                      "' is a jump network, which has no energies along "
                      "torsions and bonds; --reach takes potentials");
    if (!options.output.empty()) throw FileError("a jump network is evaluated without --output");
    std::vector<NveTrajectory> trajectories = {
        read_nve(options.data, jump_record(potential).timestep)};
    trajectories[0].species =
        jump_species(potential, trajectories[0].numbers, trajectories[0].bonds);
    JumpReportOptions report;
    report.engine = options.engine;
    report.energy = teacher_energies(trajectories[0].teacher);
    const auto reports = jump_report(potential, trajectories, report);
    std::vector<RolloutErrors> rollouts;
    const ForceOf force = teacher_forces(trajectories[0].teacher);
    if (options.rollout > 0) {
      const auto engine = make_jump_engine(potential, options.engine);
      for (std::size_t k = 0; k < jump_record(potential).strides.size(); k++) {
        const int steps =
            int(std::lround(jump_record(potential).strides[k] / jump_record(potential).timestep));
        const auto chains = chains_of(trajectories[0], steps, int(k), options.rollout, 150);
        if (chains.empty())
          throw FileError("data file '" + options.data + "' holds no chain of " +
                          std::to_string(options.rollout) + " jumps of " + std::to_string(steps) +
                          " steps; its NVE windows are shorter");
        rollouts.push_back(rollout_errors(*engine, potential, chains, options.rollout, force));
      }
    }
    if (!options.json) {
      print(reports);
      for (std::size_t k = 0; k < rollouts.size(); k++)
        print(rollouts[k], jump_record(potential).strides[k], bool(force));
      return;
    }
    nlohmann::ordered_json json;
    for (std::size_t k = 0; k < reports.size(); k++) {
      json.push_back(reports[k].json());
      if (!rollouts.empty()) json.back()["rollout"] = json_of(rollouts[k]);
    }
    std::printf("%s\n", json.dump(2).c_str());
  }

  /// Errors on frames, the reach, or both.
  void evaluate_potential(const EvalOptions &options)
  {
    nlohmann::ordered_json report = {{"model", options.model()}};
    if (!options.data.empty()) {
      Evaluation evaluation(options);
      evaluation.run();
      if (options.json)
        report = evaluation.json();
      else
        evaluation.print();
    }
    if (options.reach.wanted) {
      report["reach"] =
          evaluate_reach(options.reach, options.models, options.data, options.read, options.engine)
              .json();
      if (!options.json) {
        if (!options.data.empty()) std::printf("\n");
        print_reach(report["reach"]);
      }
    }
    if (options.json) std::printf("%s\n", report.dump(2).c_str());
  }

  /// What is missing, or stands beside what it does not go with.
  void check_words(const EvalOptions &options)
  {
    const ReachRequest &reach = options.reach;
    if (options.data.empty() && !reach.wanted) throw CLI::RequiredError("--data");
    if (options.data.empty() && !reach.names_molecule())
      throw CLI::ValidationError("--reach needs a molecule; accepted: --molecule, --structure, or "
                                 "--data, of which it takes the first frame");
    if (options.data.empty() &&
        (!options.output.empty() || options.apart || !options.groups.empty()))
      throw CLI::ValidationError("--output, --apart and --groups are of frames; accepted beside "
                                 "--data");
    if (options.models.size() > 1 && !reach.wanted)
      throw CLI::ValidationError("--model: found " + std::to_string(options.models.size()) +
                                 " potentials; accepted: one, or several with --reach, which "
                                 "tells their spread");
  }

}    // namespace

void add_command_eval(CLI::App &program)
{
  CommandOptions<EvalOptions> options(
      program, "eval",
      "Compare a potential with labelled frames: errors of energies, forces and stresses; a "
      "jump network with windows of NVE dynamics");
  add_models_option(options.app, options->models,
                    "potential, .safetensors; a path, or the name of one that ships; with --reach "
                    "one or more");
  options.app.add_option("--data", options->data,
                         "frames: rMD17 .npz (kcal/mol) or extended XYZ (eV, Å); with --reach of a "
                         "molecule not needed");
  OptionGroup group(options.app);
  group.add("--engine", options->engine.engine, "auto or an engine of this build");
  add_engine_options(options.app, options->engine);
  group.add_not_negative("--threads", options->engine.threads, "at most this many, 0: automatic");
  group.add_above_zero("--batch", options->batch, "frames evaluated together");
  group.add("--memory", options->memory,
            "MiB of an evaluation, larger batches are split; 0: a quarter of the machine's");
  options.app.add_option("-o,--output", options->output,
                         "write the frames with predicted energies, forces and stresses, .xyz");
  options.app
      .add_option("--rollout", options->rollout,
                  "of a jump network: also the errors of this many jumps in a row")
      ->check(above_zero);
  options.app.add_flag(
      "--apart", options->apart,
      "of frames of two molecules: also errors by their distance, and of the net force on each");
  options.app
      .add_option("--groups", options->groups,
                  "the same of two groups of atoms, such as 1-13 35-37: the net force is that on "
                  "each group")
      ->expected(2)
      ->excludes("--apart");
  add_read_options(options.app, options->read);
  add_reach_options(options.app, options->reach);
  add_json_option(options.app, options->json);
  options.app.add_flag("--force", options->force, "overwrite an existing output file");
  options.app.footer(
      "Examples:\n"
      "  mlff eval --model ethanol.safetensors --data rmd17_ethanol_test_01.npz --json\n"
      "  mlff eval --model ethanol-rmd17-painn64 --reach --molecule CCO --plots pictures");
  options.app.callback([options] {
    check_words(*options);
    if (const Potential potential = Potential::read(options->model()); potential.kind().gives_jumps)
      return evaluate_jump(*options, potential);
    evaluate_potential(*options);
  });
}

}    // namespace mlff
