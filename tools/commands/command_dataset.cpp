// mlff dataset: what is in labelled frames, whether it can be trusted, and how to split it.
#include "analysis/trajectory_frames.h"
#include "commands/sub_command.h"
#include "core/elements.h"
#include "core/progress.h"
#include "core/units.h"
#include "data/output_file.h"
#include "data/parse.h"
#include "data/trajectory.h"
#include "program/exit_code.h"
#include "program/json_output.h"
#include "structure/bonds.h"
#include "structure/lattice.h"
#include "structure/stress.h"
#include "workflow/plot_script.h"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <set>

namespace mlff {

namespace {

  struct DatasetOptions {
    std::vector<std::string> data;
    std::string output, by = "frame", plots;
    std::vector<double> split;
    double max_force = 0.0, net_force_tolerance = 1e-2, work_tolerance = 0.1;
    bool centre = false, json = false, force = false;
    int seed = 1;
    ReadOptions read;
  };

  /// Mean, standard deviation and extremes of a stream of numbers (Welford).
  struct Moments {
    long n = 0;
    double mean = 0.0, squares = 0.0, least = HUGE_VAL, largest = -HUGE_VAL;
    void add(double x)
    {
      n++;
      const double d = x - mean;
      mean += d / double(n);
      squares += d * (x - mean);
      least = std::min(least, x);
      largest = std::max(largest, x);
    }
    double deviation() const { return n > 0 ? std::sqrt(squares / double(n)) : 0.0; }
    nlohmann::ordered_json json() const
    {
      return {{"n", n},
              {"mean", mean},
              {"deviation", deviation()},
              {"least", least},
              {"largest", largest}};
    }
  };

  /// Elements with their counts in the order of first use: C2H6O is C C O H ... as well as O C C H
  /// ...
  std::string formula(const Structure &frame)
  {
    std::map<int, int> count;
    for (const int z : frame.numbers) count[z]++;
    std::string text;
    for (const auto &[z, n] : count) text += element_symbol(z) + (n > 1 ? std::to_string(n) : "");
    return text;
  }

  void to_centre_of_mass(Structure &frame)
  {
    for (auto *values : {&frame.positions, &frame.velocities}) {
      if (values->empty()) continue;
      double sum[3] = {0, 0, 0}, mass = 0.0;
      for (int i = 0; i < frame.n_atoms(); i++) {
        const double m = frame.masses.empty() ? atomic_mass(frame.numbers[i]) : frame.masses[i];
        mass += m;
        for (int a = 0; a < 3; a++) sum[a] += m * (*values)[3 * i + a];
      }
      for (std::size_t k = 0; k < values->size(); k++) (*values)[k] -= sum[k % 3] / mass;
    }
  }

  /// Cell vectors that count: those of periodic directions.
  bool same_cell(const Structure &a, const Structure &b)
  {
    if (a.periodic != b.periodic) return false;
    for (int k = 0; k < 9; k++)
      if (a.periodic[k / 3] &&
          std::abs(a.cell[k] - b.cell[k]) > 1e-9 * std::max(1.0, std::abs(a.cell[k])))
        return false;
    return true;
  }

  /// Numbers of a system, one after the other, as one of 64 bits (FNV-1a over whole numbers).
  class Fingerprint {
   public:
    void add(std::int64_t value)
    {
      for (int byte = 0; byte < 8; byte++)
        hash = (hash ^ ((std::uint64_t(value) >> (8 * byte)) & 255)) * 1099511628211ULL;
    }
    void add_length(double x) { add(std::llround(std::clamp(x, -1e12, 1e12) * 1e6)); }
    std::uint64_t value() const { return hash; }

   private:
    std::uint64_t hash = 14695981039346656037ULL;
  };

  class Dataset {
   public:
    explicit Dataset(const DatasetOptions &options) : options(options) {}

    void read()
    {
      Progress progress("reading");
      for (std::size_t f = 0; f < options.data.size(); f++) {
        const auto reader = open_trajectory(options.data[f], options.read);
        std::optional<Structure> before;
        std::vector<std::pair<int, int>> bonds;
        std::vector<int> bonded;    // numbers of the molecule that the bonds are of
        long n = 0;
        for (Structure frame; reader->next(frame); n++) {
          look(frame, f, n, before);
          for (const auto &name : frame.unread) unread.insert(name);
          unread_stress.insert(frame.unread_stress.begin(), frame.unread_stress.end());
          if (frame.periodic == std::array{false, false, false}) {
            if (bonded != frame.numbers) {
              bonded = frame.numbers;
              bonds = bonds_of(frame.numbers, frame.positions);
            }
            if (!bonds_hold(bonds, frame.numbers, frame.positions)) broken++;
          }
          before = frame;
          progress.update((double(f) + reader->progress()) / double(options.data.size()),
                          std::to_string(n_frames) + " frames");
        }
        if (n == 0) throw FileError("data file '" + options.data[f] + "' holds no frames");
      }
    }

    /// Whether nothing was found that spoils training.
    bool good() const { return problems.empty(); }

    bool has_duplicates() const { return duplicates > 0; }

    nlohmann::ordered_json report() const
    {
      nlohmann::ordered_json out;
      out["files"] = options.data;
      out["frames"] = n_frames;
      out["atoms"] = n_atoms;
      out["with_energy"] = with_energy;
      out["with_forces"] = with_forces;
      out["with_stress"] = with_stress;
      out["with_velocities"] = with_velocities;
      out["duplicates"] = duplicates;
      out["above_max_force"] = above_max_force;
      out["broken_bonds"] = broken;
      for (const auto &[z, moments] : force_of_element)
        out["elements"][element_symbol(z)] = {{"atoms", count_of_element.at(z)},
                                              {"force_eV_per_A", moments.json()}};
      for (const auto &[name, moments] : energy_of_molecule)
        out["molecules"][name] = {{"frames", frames_of_molecule.at(name)},
                                  {"energy_eV", moments.json()}};
      if (with_forces) out["net_force_largest_eV_per_A"] = net_force.largest;
      if (with_stress)
        out["stress"] = {{"pressure_GPa", pressure.json()},
                         {"component_GPa", stress_component.json()},
                         {"volume_A3_per_atom", volume_of_atom.json()},
                         {"largest_asymmetry_eV_per_A3", stress_asymmetry.largest}};
      out["unread_stress"] = unread_stress;
      if (work_pairs) {
        out["work_against_energy"] = {
            {"pairs", work_pairs},
            {"relative_deviation", work_deviation()},
            {"rms_energy_change_eV", std::sqrt(energy_squares / double(work_pairs))}};
      }
      out["problems"] = problems;
      return out;
    }

    /// Judges once all is read.
    void judge()
    {
      if (duplicates)
        problems.push_back(std::to_string(duplicates) +
                           " frames have the atoms, positions and cell of another one");
      for (const auto &[name, states] : states_of_molecule)
        for (const auto &[what, values] :
             {std::pair{"charges", &states.charges}, {"multiplicities", &states.multiplicities}}) {
          if (values->size() < 2) continue;
          std::string text;
          for (const double value : *values) text += (text.empty() ? "" : ", ") + digits(value);
          problems.push_back("frames of " + name + " have the " + what + " " + text +
                             ", which a potential of this package does not see");
        }
      if (with_energy && with_energy < n_frames)
        problems.push_back(std::to_string(n_frames - with_energy) + " frames have no energy");
      if (with_forces && with_forces < n_frames)
        problems.push_back(std::to_string(n_frames - with_forces) + " frames have no forces");
      if (asymmetric)
        problems.push_back(std::to_string(asymmetric) +
                           " frames have a stress that is not symmetric: components that should be "
                           "equal differ by up to " +
                           readable(stress_asymmetry.largest, 6) + " eV/A^3 (" + worst_stress +
                           ")");
      if (!with_energy && !with_forces) problems.push_back("there are neither energies nor forces");
      if (!unread.empty() && (with_energy < n_frames || with_forces < n_frames)) {
        std::string names;
        for (const auto &name : unread) names += (names.empty() ? "'" : ", '") + name + "'";
        problems.push_back(names +
                           " may be labels, but were not read: choose with --key energy=NAME or "
                           "--key forces=NAME");
      }
      if (with_forces && net_force.largest > options.net_force_tolerance)
        problems.push_back("forces do not sum to zero: up to " + readable(net_force.largest, 6) +
                           " eV/A (" + worst_net_force + ")");
      if (work_pairs && work_deviation() > options.work_tolerance)
        problems.push_back("forces are not the gradient of the energy: between successive frames "
                           "their work differs by " +
                           readable(100 * work_deviation(), 6) + " % of the energy change");
    }

    void print() const
    {
      const auto line = [](const std::string &name, const Moments &m, double unit) {
        std::printf("  %-22s %9ld", name.c_str(), m.n);
        for (const double x : {m.mean, m.deviation(), m.least, m.largest})
          std::printf(" %12s", readable(x / unit, 4).c_str());
        std::printf("\n");
      };
      std::printf(
          "%ld frames, %ld atoms, %zu files; with energy %ld, forces %ld, stress %ld, velocities "
          "%ld\n\n",
          n_frames, n_atoms, options.data.size(), with_energy, with_forces, with_stress,
          with_velocities);
      std::printf("  %-22s %9s %12s %12s %12s %12s\n", "energy (eV)", "frames", "mean", "deviation",
                  "least", "largest");
      for (const auto &[name, moments] : energy_of_molecule) line(name, moments, 1.0);
      std::printf("\n  %-22s %9s %12s %12s %12s %12s\n", "force norm (eV/A)", "atoms", "mean",
                  "deviation", "least", "largest");
      for (const auto &[z, moments] : force_of_element) line(element_symbol(z), moments, 1.0);
      if (with_stress) {
        std::printf("\n  %-22s %9s %12s %12s %12s %12s\n", "stress", "", "mean", "deviation",
                    "least", "largest");
        line("pressure (GPa)", pressure, 1.0);
        line("components (GPa)", stress_component, 1.0);
        line("volume (A^3/atom)", volume_of_atom, 1.0);
      }
      std::printf("\n  duplicates %ld, frames with a bond of their file's first frame broken %ld",
                  duplicates, broken);
      if (with_forces) std::printf(", largest net force %.2g eV/A", net_force.largest);
      if (work_pairs)
        std::printf(", work of the forces against the energy change %.2g %% (%ld pairs)",
                    100 * work_deviation(), work_pairs);
      if (options.max_force > 0.0)
        std::printf(", frames above %g eV/A %ld", options.max_force, above_max_force);
      std::printf("\n");
      if (!unread_stress.empty()) {
        std::string names;
        for (const auto &name : unread_stress) names += (names.empty() ? "" : ", ") + name;
        std::printf("  not read as a stress: %s; --key stress=NAME chooses a key\n", names.c_str());
      }
      for (const auto &problem : problems) std::printf("  PROBLEM: %s\n", problem.c_str());
    }

    /// Writes train, valid and test files: whole frames, windows, files or molecules go to one of
    /// them.
    void write_split() const
    {
      const std::vector<std::string> names = {"train.xyz", "valid.xyz", "test.xyz"};
      std::filesystem::create_directories(options.output);
      std::vector<std::unique_ptr<OutputFile>> files;
      for (std::size_t k = 0; k < options.split.size(); k++)
        files.push_back(std::make_unique<OutputFile>(
            (std::filesystem::path(options.output) / names[k]).string(), options.force));

      // groups in random order fill the parts by their number of frames
      std::map<std::string, long> size;
      for (const auto &group : group_of_frame)
        if (!group.empty()) size[group]++;
      std::vector<std::string> order;
      long kept = 0;
      for (const auto &[group, n] : size) {
        order.push_back(group);
        kept += n;
      }
      std::shuffle(order.begin(), order.end(), std::mt19937(options.seed));
      const double whole = std::accumulate(options.split.begin(), options.split.end(), 0.0);
      std::map<std::string, int> part;
      std::vector<long> written(options.split.size(), 0);
      for (const auto &group : order) {
        // the part that lacks most of its share
        int best = 0;
        double lack = -HUGE_VAL;
        for (std::size_t k = 0; k < options.split.size(); k++)
          if (const double l = options.split[k] / whole * double(kept) - double(written[k]);
              l > lack)
            lack = l, best = int(k);
        part[group] = best;
        written[best] += size[group];
      }
      for (std::size_t k = 0; k < written.size(); k++)
        if (written[k] == 0)
          throw FileError("the split by " + options.by + " leaves nothing for " + names[k] +
                          ": there are only " + std::to_string(order.size()) + " groups");

      std::size_t n = 0;
      ReadOptions read = options.read;
      read.keep = true;
      for (const auto &path : options.data) {
        const auto reader = open_trajectory(path, read);
        for (Structure frame; reader->next(frame); n++) {
          if (group_of_frame[n].empty()) continue;
          if (options.centre) to_centre_of_mass(frame);
          write_xyz(*files[part.at(group_of_frame[n])], frame);
        }
      }
      for (auto &file : files) file->finish();
      for (std::size_t k = 0; k < written.size(); k++)
        spdlog::info("wrote {}: {} frames",
                     (std::filesystem::path(options.output) / names[k]).string(), written[k]);
    }

    void plot() const
    {
      std::filesystem::create_directories(options.plots);
      const auto path = (std::filesystem::path(options.plots) / "dataset.json").string();
      {
        OutputFile file(path, true);
        nlohmann::ordered_json histograms = report();
        histograms["force_samples_eV_per_A"] = force_samples;
        histograms["energy_samples_eV"] = energy_samples;
        std::fputs(histograms.dump().c_str(), file);
        file.finish();
      }
      const auto picture = (std::filesystem::path(options.plots) / "dataset.png").string();
      if (!run_plot_script("plot_dataset.py", {path, picture}))
        throw FileError("the picture could not be drawn; the numbers are in '" + path + "'");
      spdlog::info("wrote {}", picture);
    }

   private:
    DatasetOptions options;
    long n_frames = 0, n_atoms = 0, with_energy = 0, with_forces = 0, with_stress = 0,
         with_velocities = 0, asymmetric = 0, duplicates = 0, above_max_force = 0, broken = 0,
         window = 0;
    std::map<int, Moments> force_of_element;
    std::map<int, long> count_of_element;
    std::map<std::string, Moments> energy_of_molecule;
    std::map<std::string, long> frames_of_molecule;
    std::map<std::string, double> first_energy;
    Moments net_force;
    std::string worst_net_force;
    Moments pressure, stress_component, volume_of_atom, stress_asymmetry;
    std::string worst_stress;    ///< place of the one that is least symmetric
    long work_pairs = 0;
    double work_squares = 0.0, energy_squares = 0.0;
    std::set<std::uint64_t> seen;
    std::set<std::string> unread, unread_stress;    ///< columns and keys that may be labels
    struct States {
      std::set<double> charges, multiplicities;
    };
    std::map<std::string, States> states_of_molecule;
    std::vector<std::string> group_of_frame;    ///< empty: left out
    std::vector<std::string> problems;
    std::map<std::string, std::vector<double>> force_samples, energy_samples;

    double work_deviation() const
    {
      return energy_squares > 0.0 ? std::sqrt(work_squares / energy_squares) : 0.0;
    }

    std::string place(std::size_t file, long n) const
    {
      return "'" + options.data[file] + "', frame " + std::to_string(n + 1);
    }

    /// Of a frame that has a stress.
    void look_at_stress(const Structure &frame, std::size_t file, long n)
    {
      with_stress++;
      const auto components = six_components(*frame.stress);
      for (const double x : components) stress_component.add(x * eV_per_cubic_angstrom_in_GPa);
      pressure.add(-(components[0] + components[1] + components[2]) / 3.0 *
                   eV_per_cubic_angstrom_in_GPa);
      volume_of_atom.add(cell_volume(frame.cell) / double(frame.n_atoms()));
      if (!is_symmetric(*frame.stress)) asymmetric++;
      const double difference = asymmetry(*frame.stress);
      if (stress_asymmetry.n == 0 || difference > stress_asymmetry.largest)
        worst_stress = place(file, n);
      stress_asymmetry.add(difference);
    }

    void look(const Structure &frame, std::size_t file, long n,
              const std::optional<Structure> &before)
    {
      const auto name = formula(frame);
      n_frames++;
      n_atoms += frame.n_atoms();
      frames_of_molecule[name]++;
      for (const int z : frame.numbers) count_of_element[z]++;
      if (!frame.velocities.empty()) with_velocities++;
      bool keep = true;

      // lengths in units of 1e-6 Å; cell vectors of open directions mean nothing
      Fingerprint print;
      for (const int z : frame.numbers) print.add(z);
      for (const double x : frame.positions) print.add_length(x);
      for (int k = 0; k < 9; k++) print.add_length(frame.periodic[k / 3] ? frame.cell[k] : 0.0);
      for (const bool periodic : frame.periodic) print.add(periodic);
      print.add_length(frame.charge.value_or(0.0));
      print.add_length(frame.multiplicity.value_or(1.0));
      if (frame.charge) states_of_molecule[name].charges.insert(*frame.charge);
      if (frame.multiplicity) states_of_molecule[name].multiplicities.insert(*frame.multiplicity);
      if (!seen.insert(print.value()).second) {
        duplicates++;
        keep = false;
      }

      if (frame.energy) {
        with_energy++;
        energy_of_molecule[name].add(*frame.energy);
        auto &samples = energy_samples[name];
        if (samples.size() < 20000) samples.push_back(*frame.energy);
      }
      if (!frame.forces.empty()) {
        with_forces++;
        double sum[3] = {0, 0, 0}, largest = 0.0;
        for (int i = 0; i < frame.n_atoms(); i++) {
          const double *f = &frame.forces[3 * i];
          const double norm = std::hypot(f[0], f[1], f[2]);
          largest = std::max(largest, norm);
          force_of_element[frame.numbers[i]].add(norm);
          auto &samples = force_samples[element_symbol(frame.numbers[i])];
          if (samples.size() < 20000) samples.push_back(norm);
          for (int a = 0; a < 3; a++) sum[a] += f[a];
        }
        const double net = std::hypot(sum[0], sum[1], sum[2]);
        if (net_force.n == 0 || net > net_force.largest) worst_net_force = place(file, n);
        net_force.add(net);
        if (options.max_force > 0.0 && largest > options.max_force) {
          above_max_force++;
          keep = false;
        }
      }
      if (frame.stress) look_at_stress(frame, file, n);

      const bool successive = before && before->numbers == frame.numbers && frame.step >= 0 &&
          frame.step == before->step + 1;
      if (!successive) window++;
      // E(2) - E(1) = -(F(1) + F(2)) / 2 . (x(2) - x(1)), to third order in the time step
      if (successive && frame.energy && before->energy && !frame.forces.empty() &&
          !before->forces.empty() && same_cell(*before, frame)) {
        double work = 0.0;
        // an atom that left a periodic cell came back on the other side
        const auto x = unwrapped(frame, before->positions);
        for (std::size_t k = 0; k < x.size(); k++)
          work -= 0.5 * (frame.forces[k] + before->forces[k]) * (x[k] - before->positions[k]);
        const double change = *frame.energy - *before->energy;
        work_pairs++;
        work_squares += (work - change) * (work - change);
        energy_squares += change * change;
      }
      const std::string group = options.by == "molecule" ? name
          : options.by == "trajectory"                   ? std::to_string(file)
          : options.by == "window"                       ? std::to_string(window)
                                                         : std::to_string(n_frames);
      group_of_frame.push_back(keep ? group : "");
    }
  };

  void run(const DatasetOptions &options)
  {
    Dataset dataset(options);
    dataset.read();
    dataset.judge();
    if (options.json)
      std::printf("%s\n", dataset.report().dump(2).c_str());
    else
      dataset.print();
    if (!options.plots.empty()) dataset.plot();
    if (!options.output.empty()) dataset.write_split();
    if (!dataset.good() && options.output.empty()) {
      spdlog::error("the data set has problems{}",
                    dataset.has_duplicates() ? "; a split (-o) leaves the duplicates out" : "");
      throw CLI::RuntimeError(exit_judged);
    }
  }

}    // namespace

void add_command_dataset(CLI::App &program)
{
  CommandOptions<DatasetOptions> o(
      program, "dataset",
      "Statistics and checks of labelled frames; splits into train, valid and test");
  OptionGroup options(o.app);
  o.app.add_option("data", o->data, "frames: .xyz, .npz (rMD17), .dump")->required();
  auto *output =
      o.app.add_option("-o,--output", o->output, "folder for train.xyz, valid.xyz, test.xyz");
  o.app.add_option("--split", o->split, "shares of train, valid and test, e.g. 0.8 0.1 0.1")
      ->expected(1, 3)
      ->check(above_zero)
      ->needs(output);
  options.add_word("--by", o->by, {"frame", "window", "trajectory", "molecule"},
                   "what stays together in a split; windows are runs of successive steps, "
                   "trajectories are files");
  o.app.add_option("--max-force", o->max_force, "leave frames with a larger force out, eV/Å")
      ->check(above_zero);
  options.add_above_zero("--net-force", o->net_force_tolerance,
                         "accepted sum of the forces of a frame, eV/Å");
  o.app.add_flag("--centre", o->centre,
                 "move frames to the centre-of-mass frame (positions and velocities)");
  options.add_above_zero("--seed", o->seed, "of the split");
  o.app.add_option("--plots", o->plots,
                   "folder for a picture of the force and energy distributions");
  add_read_options(o.app, o->read);
  add_json_option(o.app, o->json);
  o.app.add_flag("--force", o->force, "overwrite existing files");
  o.app.footer("Example:\n  mlff dataset frames.xyz\n  mlff dataset data/*.xyz --split 0.8 0.1 "
               "0.1 --by trajectory -o split");
  o.app.callback([o, output] {
    if (output->count() && o->split.empty()) o->split = {0.8, 0.1, 0.1};
    run(*o);
  });
}

}    // namespace mlff
