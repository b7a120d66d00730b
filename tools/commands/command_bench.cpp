// mlff bench: the engines of this build side by side, in turn, in one run.
#include "commands/sub_command.h"
#include "core/progress.h"
#include "data/trajectory.h"
#include "engine/make_engine.h"
#include "engine/split_engine.h"
#include "models/jump/jump_record.h"
#include "models/random_model.h"
#include "potential/find_potential.h"
#include "potential/model_kind.h"
#include "program/completion.h"
#include "program/json_output.h"
#include "training/jump/jump_windows.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>

namespace mlff {

namespace {

  struct BenchOptions {
    std::string model;
    EngineOptions engine = {.threads = 1, .device = "cpu"};
    std::vector<std::string> data;
    int repeats = 7;
    std::vector<int> batches = {1, 16, 64};
    std::vector<int> atoms, random, block;
    double kappa_max = 1.0;
    int directions = 0;
    bool periodic = false, json = false;
  };

  using Clock = std::chrono::steady_clock;

  std::string processor()
  {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);)
      if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
    return "unknown processor";
  }

  /// Atoms of the model's elements on a disturbed cubic lattice, 0.1 per Å^3.
  Structure condensed(const Potential &potential, int n, bool periodic)
  {
    Structure structure;
    const int side = int(std::ceil(std::cbrt(double(n))));
    const double spacing = std::cbrt(10.0);
    structure.cell = {side * spacing, 0, 0, 0, side * spacing, 0, 0, 0, side * spacing};
    structure.periodic = {periodic, periodic, periodic};
    std::mt19937 generator(1);
    for (int k = 0; k < side * side * side && structure.n_atoms() < n; k++) {
      for (const int place : {k / side / side, k / side % side, k % side})
        structure.positions.push_back(spacing *
                                      (place + 0.2 * (double(generator()) / 4294967296.0 - 0.5)));
      structure.numbers.push_back(
          potential.elements[structure.numbers.size() % potential.elements.size()]);
    }
    return structure;
  }

  double median(std::vector<double> values)
  {
    std::nth_element(values.begin(), values.begin() + long(values.size() / 2), values.end());
    return values[values.size() / 2];
  }

  struct System {
    std::string name;
    GraphStorage graph;

    // input of jumps
    std::vector<double> mass, velocity, force;
  };

  /// Frames of a file side by side, one system for each size of batch. For jumps with velocities
  /// and forces, made up where the file has none: times do not depend on them.
  std::vector<System> batches(const BenchOptions &options, const std::string &data,
                              const Potential &potential)
  {
    std::vector<System> systems;
    const auto reader = open_trajectory(data, {.units = "metal"});
    std::vector<Structure> frames;
    const int largest = *std::max_element(options.batches.begin(), options.batches.end());
    for (Structure frame; int(frames.size()) < largest && reader->next(frame);)
      frames.push_back(frame);
    if (frames.empty()) throw FileError("data file '" + data + "' holds no frame");
    for (const int batch : options.batches) {
      System system{std::filesystem::path(data).stem().string() + " x " + std::to_string(batch),
                    {},
                    {},
                    {},
                    {}};
      for (int k = 0; k < batch; k++) {
        const Structure &frame = frames[k % frames.size()];
        if (!potential.kind().gives_jumps) {
          append_graph(frame, potential.elements, potential.cutoff, system.graph);
          continue;
        }
        const auto species =
            jump_species(potential, frame.numbers, bonds_of(frame.numbers, frame.positions));
        append_pairs(species, frame.positions, potential.cutoff, system.graph);
        for (const int s : species) system.mass.push_back(jump_record(potential).species[s].mass);
        for (std::size_t c = 0; c < frame.positions.size(); c++) {
          system.velocity.push_back(frame.velocities.empty() ? double(c % 7) - 3.0
                                                             : frame.velocities[c]);
          system.force.push_back(frame.forces.empty() ? double(c % 5) - 2.0 : frame.forces[c]);
        }
      }
      systems.push_back(std::move(system));
    }
    return systems;
  }

  /// An engine as something that can be timed.
  struct Timed {
    std::function<void(const System &)> call;
    std::function<std::size_t(int atoms, int edges)> bytes;    // memory of an evaluation
    std::string description;
  };

  Timed timed(const Potential &potential, const EngineOptions &options)
  {
    if (potential.kind().gives_jumps) {
      std::shared_ptr<JumpEngine> engine = make_jump_engine(potential, options);
      return {[engine, result = std::make_shared<JumpResult>()](const System &system) {
                engine->evaluate(system.graph.view(),
                                 {system.mass, system.velocity, system.force, {}}, *result);
              },
              nullptr, engine->description()};
    }
    const auto engine = std::make_shared<SplitEngine>(make_engine(potential, options));
    return {[engine, result = std::make_shared<Result>()](const System &system) {
              engine->evaluate(system.graph.view(), *result);
            },
            [engine](int atoms, int edges) {
              return engine->bytes(atoms, edges);
            },
            engine->description()};
  }

  /// Calls of an engine that last some milliseconds together, after it has warmed up.
  int calls_in_a_sample(const Timed &engine, const System &system)
  {
    auto start = Clock::now();
    for (int warm = 0; warm < 3 && Clock::now() - start < std::chrono::seconds(2); warm++)
      engine.call(system);
    start = Clock::now();
    engine.call(system);
    return std::clamp(int(0.02 / std::chrono::duration<double>(Clock::now() - start).count()), 1,
                      1000);
  }

  /// Times of all engines for one system, which take turns; `report` is told the share done.
  nlohmann::ordered_json time_system(const System &system, const std::vector<std::string> &names,
                                     const std::vector<Timed> &engines, int repeats,
                                     const std::function<void(double share)> &report)
  {
    const Graph graph = system.graph.view();
    std::vector<std::vector<double>> seconds(engines.size());
    std::vector<int> calls;
    for (const auto &engine : engines) calls.push_back(calls_in_a_sample(engine, system));
    for (int repeat = 0; repeat < repeats; repeat++) {
      report(double(repeat) / repeats);
      for (std::size_t k = 0; k < engines.size(); k++) {
        const auto start = Clock::now();
        for (int call = 0; call < calls[k]; call++) engines[k].call(system);
        seconds[k].push_back(std::chrono::duration<double>(Clock::now() - start).count() /
                             calls[k]);
      }
    }
    nlohmann::ordered_json row = {
        {"system", system.name}, {"atoms", graph.n_centres()}, {"edges", graph.n_edges()}};
    for (std::size_t k = 0; k < engines.size(); k++) {
      row[names[k]] = {
          {"us_per_atom", 1e6 * median(seconds[k]) / graph.n_centres()},
          {"us_per_atom_min",
           1e6 * *std::min_element(seconds[k].begin(), seconds[k].end()) / graph.n_centres()},
          {"us_per_atom_max",
           1e6 * *std::max_element(seconds[k].begin(), seconds[k].end()) / graph.n_centres()}};
      row[names[k]]["MB"] = engines[k].bytes
          ? nlohmann::json(1e-6 * double(engines[k].bytes(graph.n_atoms(), graph.n_edges())))
          : nlohmann::json();
      row[names[k]]["ratio_to_" + names.back()] = median(seconds.back()) / median(seconds[k]);
    }
    return row;
  }

  void print(const nlohmann::ordered_json &report, const std::vector<std::string> &names,
             const Potential &potential)
  {
    std::printf("%s: %s %s, cutoff %g A; %s; medians of %d\n",
                report["model"].get<std::string>().c_str(), potential.model().c_str(),
                potential.size_text().c_str(), potential.cutoff, processor().c_str(),
                report["repeats"].get<int>());
    for (const auto &[engine, description] : report["engines"].items())
      std::printf("  %s\n", description.get<std::string>().c_str());
    std::printf("\n%-32s %8s %9s", potential.kind().gives_jumps ? "jump" : "energy and forces",
                "atoms", "edges");
    for (const auto &name : names) std::printf(" %18s %9s", (name + " us/atom").c_str(), "MB");
    std::printf(names.size() > 1 ? "   %s\n" : "\n", ("faster than " + names.back()).c_str());
    for (const auto &row : report["systems"]) {
      std::printf("%-32s %8d %9d", row["system"].get<std::string>().c_str(),
                  row["atoms"].get<int>(), row["edges"].get<int>());
      for (const auto &name : names) {
        std::printf(" %18.1f", row[name]["us_per_atom"].get<double>());
        if (row[name]["MB"].is_null())
          std::printf(" %9s", "-");
        else
          std::printf(" %9.1f", row[name]["MB"].get<double>());
      }
      for (std::size_t k = 0; k + 1 < names.size(); k++)
        std::printf("   %s %.1fx", names[k].c_str(),
                    row[names[k]]["ratio_to_" + names.back()].get<double>());
      std::printf("\n");
    }
  }

  /// Everything that is timed. Throws FileError where the model has no use for it.
  std::vector<System> systems_of(const BenchOptions &options, const Potential &potential)
  {
    const ModelKind &kind = potential.kind();
    std::vector<System> systems;
    if (kind.one_molecule && (options.data.empty() || !options.atoms.empty()))
      throw FileError("'" + options.model +
                      "' is a model of one molecule: it is timed on frames of that, named by "
                      "--data, without --atoms");
    if (kind.gives_jumps && options.data.empty())
      throw FileError("jumps are timed on molecules: name a file of frames with --data");
    for (const auto &data : options.data)
      for (auto &system : batches(options, data, potential)) systems.push_back(std::move(system));
    for (const int n :
         options.atoms.empty() && options.data.empty() ? std::vector<int>{1000} : options.atoms) {
      if (kind.gives_jumps) break;
      const bool periodic = options.periodic || !kind.needs_positions;
      System system{
          std::to_string(n) + (periodic ? " atoms, periodic" : " atoms, open"), {}, {}, {}, {}};
      append_graph(condensed(potential, n, periodic), potential.elements, potential.cutoff,
                   system.graph);
      systems.push_back(std::move(system));
    }
    return systems;
  }

  void run(const BenchOptions &options)
  {
    const bool random = !options.random.empty();
    LongRangeSizes block_sizes;
    if (!options.block.empty()) {
      block_sizes.layers = 1;
      block_sizes.heads = options.block[0];
      block_sizes.value_width = options.block[1];
      block_sizes.kappa_count = options.block[2];
      block_sizes.kappa_max = options.kappa_max;
      block_sizes.directions = options.directions;
    }
    const Potential potential = random
        ? random_potential({options.random[0], options.random[1], options.random[2]}, {1, 6, 8},
                           5.0, 1, options.block.empty() ? nullptr : &block_sizes)
        : Potential::read(options.model);
    if (random) potential.check("random weights");
    const ModelKind &kind = potential.kind();
    const std::string name = random ? "random weights" : options.model;
    const auto systems = systems_of(options, potential);

    // reference of the ratios last: LibTorch autograd where this build has it
    auto names = available_engines();
    if (kind.gives_jumps)
      std::erase_if(names, [&](const std::string &name) {
        return !has_back_end(kind.jump_engines, name);
      });
    if (names.empty()) names = {"auto"};    // its error message says what is missing
    std::vector<Timed> engines;
    if (kind.needs_positions && !options.atoms.empty()) {
      // the forms of the block that serve the systems, and the model without it
      names = {"direct", "linear", "local"};
      if (options.periodic) names.erase(names.begin());
      for (const auto &name : names) {
        EngineOptions own = options.engine;
        own.engine = "host";
        if (name != "local") own.long_range = long_range_form_of(name);
        engines.push_back(timed(name == "local" ? local_part(potential) : potential, own));
      }
    } else
      for (const auto &name : names) {
        EngineOptions own = options.engine;
        own.engine = name;
        engines.push_back(timed(potential, own));
      }

    nlohmann::ordered_json report = {{"model", name},
                                     {"kind", potential.model()},
                                     {"size", potential.size_text()},
                                     {"processor", processor()},
                                     {"repeats", options.repeats}};
    for (std::size_t k = 0; k < engines.size(); k++)
      report["engines"][names[k]] = engines[k].description;
    Progress progress("mlff bench");
    for (std::size_t s = 0; s < systems.size(); s++)
      report["systems"].push_back(
          time_system(systems[s], names, engines, options.repeats, [&](double share) {
            progress.update((double(s) + share) / double(systems.size()), systems[s].name);
          }));
    progress.update(1.0);
    if (options.json)
      std::printf("%s\n", report.dump(2).c_str());
    else
      print(report, names, potential);
  }

}    // namespace

void add_command_bench(CLI::App &program)
{
  CommandOptions<BenchOptions> options(program, "bench",
                                       "Time the engines of this build side by side");
  options.app.add_option("--model", options->model, "potential, .safetensors")
      ->type_name(potential_type);
  options.app
      .add_option("--random", options->random,
                  "instead: random weights of F L K for H C O, cutoff 5 Å")
      ->expected(3)
      ->check(above_zero)
      ->excludes("--model");
  options.app
      .add_option("--fmm,--long-range", options->block,
                  "with --random: a long-range block of so many heads, value width and "
                  "frequencies; --atoms are open then")
      ->expected(3)
      ->check(not_negative)
      ->needs("--random");
  OptionGroup group(options.app);
  group.add_above_zero("--kappa-max", options->kappa_max, "of that block, 1/Å");
  group.add_not_negative("--directions", options->directions,
                         "of that block, 0: by the size of the system");
  options.app.add_option("--data", options->data,
                         "frames for batches, one or more files: rMD17 .npz or extended XYZ");
  group.add_above_zero("--batch", options->batches, "frames evaluated together");
  options.app
      .add_option("--atoms", options->atoms,
                  "sizes of random systems, periodic or, with a long-range block and without "
                  "--periodic, open: then its two forms and the local model "
                  "beside them; 1000 if neither this nor --data is given")
      ->check(above_zero);
  options.app
      .add_flag("--periodic", options->periodic,
                "systems of --atoms are periodic also with a long-range block, which has its "
                "linear form then")
      ->needs("--atoms");
  add_engine_options(options.app, options->engine);
  group.add_above_zero("--threads", options->engine.threads, "at most this many");
  group.add_above_zero("--repeats", options->repeats, "samples of each engine");
  add_json_option(options.app, options->json);
  options.app.footer(
      "Example:\n  mlff bench --model ethanol.safetensors --data rmd17_ethanol_test_01.npz "
      "--threads 1\n  mlff bench --random 32 2 20 --atoms 100 1000 10000");
  options.app.callback([options] {
    if (options->model.empty() && options->random.empty())
      throw CLI::RequiredError("--model or --random");
    if (!options->model.empty()) options->model = find_potential(options->model);
    run(*options);
  });
}

}    // namespace mlff
