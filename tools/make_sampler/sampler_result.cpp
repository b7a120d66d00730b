// From a student to a sampler: lengths of its proposals, a check of the chain, the input.
#include "core/elements.h"
#include "core/errors.h"
#include "data/output_file.h"
#include "data/trajectory.h"
#include "kstep/nested/chain_length.h"
#include "make_sampler/chain/exact_chain.h"
#include "make_sampler/sampler_maker.h"
#include "make_sampler/stopwatch.h"
#include "recipes.h"
#include "teacher/lammps/force_commands.h"
#include "workflow/lammps_run.h"
#include "workflow/work_process.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

  constexpr double segment_length = 40.0;                         // fs
  constexpr std::array<double, 3> timesteps = {0.5, 0.8, 1.0};    // fs, that a segment may have
  constexpr double verlet_timestep = 0.5;    // fs, of velocity Verlet to compare with
  constexpr double damping = 0.1;            // ps, of its thermostat

  // frames of the student, one a segment, that tell how fast it forgets; their share of the time
  constexpr std::size_t least_frames = 200, most_frames = 20000;
  constexpr double share_of_lengths = 0.015;

  int steps_of(double timestep)
  {
    return int(std::lround(segment_length / timestep));
  }

  /// What is slowest, in words.
  std::string name_of(const SlowCoordinates::Slowest &slowest, const std::vector<int> &numbers)
  {
    if (slowest.i < 0) return slowest.name;
    const auto atom = [&](int k) {
      return element_symbol(numbers[k]) + std::to_string(k + 1);
    };
    return "torsion about " + atom(slowest.i) + "-" + atom(slowest.j);
  }

  /// Moves for one independent sample, where a move of `segments` segments is accepted with this
  /// share and g segments of the student make one (chain_length.h).
  double moves_for_one(double g, int segments, double acceptance)
  {
    const double rho = std::max(0.0, (g - 1.0) / (g + 1.0)),
                 r = 1.0 - acceptance * (1.0 - std::pow(rho, segments));
    return (1.0 + r) / (1.0 - r);
  }

}    // namespace

ChainConditions SamplerMaker::conditions(double temperature, double timestep_fs) const
{
  return {molecule.numbers, molecule.masses, molecule.conformers.front(), temperature,
          1e-3 * timestep_fs};
}

int SamplerMaker::best_round() const
{
  const Json &rounds = folder.manifest["rounds"];
  const int first = rounds.back()["plan"]["first"];
  // the last one where no student moves
  int best = int(rounds.size()) - 1;
  for (int r = best - 1; r >= first; r--)
    if (rounds[r].contains("measure") && moves(r) &&
        (!moves(best) ||
         rounds[r]["measure"]["deviation_kT"] < rounds[best]["measure"]["deviation_kT"]))
      best = r;
  return best;
}

double SamplerMaker::best_acceptance() const
{
  return entry(best_round())["measure"]["acceptance"];
}

/// Of the labelled frames of the student at the temperature of the sampler that of lowest energy:
/// chains that stay in the basin of a conformer must not stay in that of a high one.
Structure SamplerMaker::lowest_frame() const
{
  const auto reader = open_trajectory((place(best_round()) / "labels.xyz").string());
  Structure frame, lowest;
  while (reader->next(frame))
    if (!lowest.energy || *frame.energy < *lowest.energy) lowest = frame;
  return lowest;
}

/// The time step of the student with the most accepted segments for its evaluations.
double SamplerMaker::choose_timestep(const Potential &potential)
{
  constexpr int segments = 100;
  const auto positions = lowest_frame().positions;
  double best = timesteps.front(), most = 0.0;
  Json &tried = folder.manifest["lengths"]["timesteps"];
  tried = Json::array();
  for (const double timestep : timesteps) {
    StudentChain chain(potential, conditions(options.temperature, timestep), steps_of(timestep),
                       unsigned(options.seed));
    chain.start(positions);
    chain.move(segments);
    const double acceptance = chain.tally().acceptance();
    tried.push_back({{"fs", timestep}, {"acceptance", acceptance}});
    if (const double worth = acceptance / steps_of(timestep); worth > most) {
      most = worth;
      best = timestep;
    }
  }
  return best;
}

void SamplerMaker::choose_lengths()
{
  const Potential potential = Potential::read(best_student());
  const double timestep = choose_timestep(potential),
               force_seconds = folder.manifest["label_seconds"];
  StudentChain chain(potential, conditions(options.temperature, timestep), steps_of(timestep),
                     unsigned(options.seed + 1));
  chain.start(lowest_frame().positions);
  SlowCoordinates coordinates(chain.molecules());
  const double limit = share_of_lengths * 60.0 * options.minutes;    // s
  const Stopwatch watch;
  while (coordinates.length() < least_frames ||
         (coordinates.length() < most_frames && watch.seconds() < limit)) {
    chain.move(1);
    coordinates.add(chain.molecules(), chain.place().x, std::array{chain.place().energy});
  }
  const double segment_seconds = watch.seconds() / double(coordinates.length()),
               acceptance = best_acceptance();
  const auto slowest = coordinates.slowest();
  const int segments =
      best_segments(slowest.inefficiency, acceptance, segment_seconds, force_seconds);
  const double moves = moves_for_one(slowest.inefficiency, segments, acceptance);

  Json &lengths = folder.manifest["lengths"];
  lengths["timestep_fs"] = timestep;
  lengths["steps"] = steps_of(timestep);
  lengths["segments"] = segments;
  lengths["chain_segments"] = coordinates.length();
  lengths["inner_acceptance"] = chain.tally().acceptance();
  lengths["inner_boltzmann"] = chain.tally().boltzmann.mean();
  lengths["inner_boltzmann_error"] = chain.tally().boltzmann.error();
  lengths["segment_seconds"] = segment_seconds;
  lengths["estimate"] = {
      {"inefficiency", slowest.inefficiency},
      {"slowest", name_of(slowest, molecule.numbers)},
      {"calls", moves},
      {"per_second", 1.0 / (moves * (force_seconds + segments * segment_seconds))}};
  compare_with_verlet(potential);
  lengths["proposals"] = proposals_of_check();
}

/// Velocity Verlet with the true force is about as slow to forget as with the student's.
void SamplerMaker::compare_with_verlet(const Potential &potential)
{
  ChainConditions at_place = conditions(options.temperature, verlet_timestep);
  at_place.positions = lowest_frame().positions;
  StudentDynamics dynamics(potential, at_place, damping, unsigned(options.seed + 2));
  SlowCoordinates coordinates(dynamics.molecules());
  const double limit = share_of_lengths * 60.0 * options.minutes;    // s
  const Stopwatch watch;
  try {
    while (coordinates.length() < least_frames ||
           (coordinates.length() < most_frames && watch.seconds() < limit)) {
      dynamics.run(steps_of(verlet_timestep));
      coordinates.add(dynamics.molecules(), dynamics.x(), std::array{dynamics.energy()});
    }
  } catch (const StateError &) {
    spdlog::warn("dynamics of the student ended after {} frames of {} fs: a bond broke",
                 coordinates.length(), segment_length);
  }
  const auto slowest = coordinates.slowest();
  const double calls = slowest.inefficiency * steps_of(verlet_timestep);
  folder.manifest["lengths"]["verlet"] = {
      {"inefficiency", slowest.inefficiency},
      {"slowest", name_of(slowest, molecule.numbers)},
      {"calls", calls},
      {"per_second", 1.0 / (calls * folder.manifest["label_seconds"].get<double>())}};
}

/// Number of proposals of the check, by the time that is left.
long SamplerMaker::proposals_of_check() const
{
  constexpr long least = 60, most = 2000;
  const Json &lengths = folder.manifest["lengths"];
  // a budget of labels means that they are dear
  if (options.labels > 0) return least;
  const double left = 60.0 * options.minutes - folder.seconds_of_stages(),
               each = folder.manifest["label_seconds"].get<double>() +
      lengths["segments"].get<int>() * lengths["segment_seconds"].get<double>();
  return std::clamp(std::lround(0.8 * left / each), least, most);
}

void SamplerMaker::check()
{
  const Json &lengths = folder.manifest["lengths"];
  const int segments = lengths["segments"];
  const long proposals = lengths["proposals"];
  folder.manifest["check"] = in_a_process(folder, "check", [&] {
    const double timestep = lengths["timestep_fs"];
    StudentChain chain(Potential::read(best_student()), conditions(options.temperature, timestep),
                       lengths["steps"].get<int>(), unsigned(options.seed + 3));
    chain.start(lowest_frame().positions);
    const auto teacher = make_teacher(options.teacher);
    ExactChain exact(chain, energy_of_teacher(*teacher, start), options.temperature, segments,
                     unsigned(options.seed + 4));
    // from a sample of the student to one of the true force
    for (long k = 0; k < proposals / 10; k++) exact.propose();
    BlockMean factors;
    SlowCoordinates coordinates(chain.molecules());
    Json differences = Json::array();
    long accepted = 0;
    const Stopwatch watch;
    for (long k = 0; k < proposals; k++) {
      const auto proposal = exact.propose();
      accepted += proposal.accepted;
      factors.add(boltzmann_factor(proposal.difference));
      differences.push_back(std::round(1e4 * proposal.difference) / 1e4);
      coordinates.add(chain.molecules(), chain.place().x, std::array{exact.energy_of_place()});
    }
    const double seconds = watch.seconds() / double(proposals);
    const auto slowest = coordinates.slowest();
    return Json{{"proposals", proposals},
                {"acceptance", double(accepted) / double(proposals)},
                {"boltzmann", factors.mean()},
                {"boltzmann_error", factors.error()},
                {"inner_acceptance", chain.tally().acceptance()},
                {"seconds_of_a_proposal", seconds},
                {"slowest", name_of(slowest, molecule.numbers)},
                {"calls", slowest.inefficiency},
                {"per_second", 1.0 / (slowest.inefficiency * seconds)},
                {"differences_kT", differences}};
  });
}

void SamplerMaker::write_input() const
{
  const Json &lengths = folder.manifest["lengths"];
  const std::string elements = elements_of_types(molecule);
  const auto teacher = make_teacher(options.teacher);
  std::string input = recipe_sampler;
  const std::pair<const char *, std::string> words[] = {
      {"FORCE", teacher->lammps_commands(elements, molecule.charge, molecule.unpaired_electrons)},
      {"SMILES", options.smiles},
      {"METHOD", options.teacher.name()},
      {"TEMPERATURE", number(options.temperature)},
      {"SEGMENTS", std::to_string(lengths["segments"].get<int>())},
      {"LENGTH", number(segment_length)},
      {"TIMESTEP", number(1e-3 * lengths["timestep_fs"].get<double>())},
      {"STEPS", std::to_string(lengths["steps"].get<int>())},
      {"ELEMENTS", elements}};
  for (const auto &[word, value] : words) {
    const std::string mark = "<" + std::string(word) + ">";
    for (auto at = input.find(mark); at != std::string::npos;
         at = input.find(mark, at + value.size()))
      input.replace(at, mark.size(), value);
  }
  OutputFile file((folder / "in.sample").string(), true);
  std::fputs(with_early_commands_first(input).c_str(), file);
  file.finish();
}

void SamplerMaker::write_result()
{
  Potential result = Potential::read(best_student());
  Json training = Json::parse(result.training);
  training["teacher"] = options.teacher.name();
  training["make_sampler"] = {{"settings", settings()},
                              {"measure", entry(best_round())["measure"]},
                              {"lengths", folder.manifest["lengths"]}};
  training["make_sampler"]["measure"].erase("differences_kT");
  result.training = training.dump();
  result.write((folder / "student.safetensors").string(), true);
  Molecule placed = molecule;
  placed.conformers = {lowest_frame().positions};
  OutputFile data((folder / "molecule.data").string(), true);
  write_data(data, placed, 1, 8.0, true, options.seed);
  data.finish();
  write_input();
  OutputFile file((folder / "report.md").string(), true);
  std::fputs(report().c_str(), file);
  file.finish();
}

}    // namespace mlff
