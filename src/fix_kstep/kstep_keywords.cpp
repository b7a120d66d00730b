// The table of keywords, and the values behind a keyword in a command.
#include "fix_kstep/kstep_keywords.h"

#include "error.h"
#include "update.h"

#include "fix_kstep/kstep_settings.h"
#include "lammps_common/engine_keywords.h"

#include <cmath>
#include <sstream>

using namespace LAMMPS_NS;

using Settings = KstepSettings;
using Words = KstepWords;

// shared by several keywords

static const KstepValue limit_value = {"x", "above 0, off"};
static const KstepValue yes_or_no = {"value", "yes, no"};
static const std::string of_the_limits = "that of limits";

template <auto member> static void read_logical(Settings &s, const Words &w)
{
  s.*member = w.logical(0);
}

template <auto member> static void read_limit(Settings &s, const Words &w)
{
  s.limits.*member = w.positive_or_off(0);
}

static void read_engine_option(Settings &s, const Words &w)
{
  w.set_engine_option(s.options);
}

static void read_replica_option(Settings &s, const Words &w)
{
  s.replicas->set(w.name(), w.text(0), w.place(0));
}

/* ----------------------------------------------------------------------
   jumps and the steps behind them
------------------------------------------------------------------------- */

static std::vector<KstepKeyword> cycle_keywords()
{
  return {
      {"jump",
       {{"who", "network, student"},
        {"k", "1 or more", "jump has {} steps"},
        {"dt", "above 0", "time step of a jump is {}"}},
       "network, its only stride, the time step of the input",
       "who proposes a jump, its steps, and their length, which is that of the input (time units)",
       [](Settings &s, const Words &w) {
         s.student = w.choice(0) == 1;
         s.k = w.integer(1, 1);
         s.dt = w.positive(2);
       }},
      {"corrector",
       {{"c", "0 or more steps"}},
       "1, with metropolis yes 0",
       "steps of velocity Verlet after each jump",
       [](Settings &s, const Words &w) {
         s.corrector = w.integer(0, 0);
         s.fraction = -1.0;
       }},
      {"fraction",
       {{"f", "0 to 10 of the steps of a jump"}},
       "none",
       "corrector as a share of k",
       [](Settings &s, const Words &w) {
         s.fraction = w.between(0, 0.0, 10.0);
         s.corrector = -1;
       }},
      {"langevin",
       {{"T", "above 0", "temperature is {}"},
        {"damp", "above 0", "damping time is {}"},
        {"seed", "above 0", "seed is {}"}},
       "none",
       "thermostat: temperature (temperature units), damping time (time units), seed of its random "
       "numbers",
       [](Settings &s, const Words &w) {
         s.temperature = w.positive(0);
         s.damp = w.positive(1);
         s.seed = w.integer(2, 1);
       }},
      {"metropolis",
       {yes_or_no},
       "yes for students, no for networks",
       "yes: accept the end of a jump of a student by its true energy",
       [](Settings &s, const Words &w) {
         s.metropolis = w.logical(0);
         s.metropolis_given = true;
       }},
      {"conserve",
       {yes_or_no},
       "yes",
       "yes: rescale internal velocities after a jump so that the total energy is kept",
       read_logical<&Settings::rescale_to_energy>},
  };
}

/* ----------------------------------------------------------------------
   jumps that are moves of a nested Markov chain
------------------------------------------------------------------------- */

static std::vector<KstepKeyword> sampling_keywords()
{
  return {
      {"segments",
       {{"n", "auto, or 1 or more"}},
       "none",
       "exact samples: segments of the student, each of k steps with new velocities, between two "
       "calls of the force",
       [](Settings &s, const Words &w) {
         s.segments = w.text(0) == "auto" ? -1 : w.integer(0, 1);
       }},
      {"proposals",
       {{"file", "name of a file that does not exist"}},
       "none",
       "with segments: each proposal, and the place it left, with weights, as extended XYZ",
       [](Settings &s, const Words &w) {
         s.proposals = w.text(0);
       }},
      {"ladder",
       {{"R", "2 or more", "ladder has {} copies"},
        {"T", "above that of langevin", "temperature of a ladder is {}"}},
       "none",
       "with segments: copies of the student, and the temperature of the hottest, which exchange "
       "their places",
       [](Settings &s, const Words &w) {
         s.copies = w.integer(0, 2);
         s.top = w.positive(1);
       }},
  };
}

/* ----------------------------------------------------------------------
   checks of jumps
------------------------------------------------------------------------- */

static std::vector<KstepKeyword> limit_keywords()
{
  return {
      {"limits",
       {{"which", "thermal, published"}},
       "thermal",
       "a set of limits, see below",
       [](Settings &s, const Words &w) {
         // the word of earlier versions
         const bool thermal = w.text(0) == "ours" || w.choice(0) == 0;
         s.limits = thermal ? mlff::KstepLimits::thermal() : mlff::KstepLimits::published();
         s.limits_given = true;
       }},
      {"range",
       {limit_value},
       of_the_limits,
       "largest norms of velocity, force, displacement and velocity change, in those of the "
       "training data",
       read_limit<&mlff::KstepLimits::range>},
      {"strain",
       {limit_value},
       of_the_limits,
       "largest relative change of the length of a bond",
       [](Settings &s, const Words &w) {
         s.limits.stretch = s.limits.squeeze = 1.0 + w.positive_or_off(0);
       }},
      {"rise",
       {limit_value},
       of_the_limits,
       "largest rise of the potential energy of a molecule in a jump (energy units)",
       [](Settings &s, const Words &w) {
         s.limits.rise = w.energy_or_off(0);
         s.limits.surge = mlff::KstepLimits::off;
       }},
      {"kinetic",
       {limit_value},
       of_the_limits,
       "largest kinetic energy of a molecule, in 3N/2 kT",
       read_limit<&mlff::KstepLimits::kinetic>},
      {"drift",
       {limit_value},
       of_the_limits,
       "largest change of the total energy of a molecule in a jump, in kT",
       read_limit<&mlff::KstepLimits::drift>},
      {"temp",
       {{"T", "above 0", "temperature is {}"}},
       "that of the thermostat, or of the velocities at the start",
       "temperature that the limits mean (temperature units); with metropolis yes that of the "
       "thermostat",
       [](Settings &s, const Words &w) {
         s.limit_temperature = w.positive(0);
       }},
  };
}

/* ----------------------------------------------------------------------
   rejected jumps
------------------------------------------------------------------------- */

static std::vector<KstepKeyword> rejection_keywords()
{
  return {
      {"fallback",
       {{"how", "full, off"}},
       "full",
       "full: k steps of velocity Verlet in the place of a rejected jump",
       [](Settings &s, const Words &w) {
         s.fallback = w.choice(0) == 0;
       }},
      {"attempts",
       {{"N", "1 or more"}},
       "1",
       "how often a jump is tried, each time shorter",
       [](Settings &s, const Words &w) {
         s.attempts = w.integer(0, 1);
       }},
      {"scale",
       {{"x", "above 0, at most 1"}},
       "0.8",
       "factor of the displacement from one attempt to the next",
       [](Settings &s, const Words &w) {
         s.scale = w.positive(0, 1.0);
       }},
  };
}

/* ----------------------------------------------------------------------
   how it runs
------------------------------------------------------------------------- */

static std::vector<KstepKeyword> run_keywords()
{
  return {
      {"tune",
       {yes_or_no},
       "no",
       "yes: choose the corrector, and whether to jump at all, by measured times",
       read_logical<&Settings::tune>},
      {"timing",
       {yes_or_no},
       "yes",
       "no: measure no times, so that output is the same in every run",
       read_logical<&Settings::timing>},
      {"control",
       {{"which", "none, corrector, zero, ballistic, verlet, linear"}},
       "none",
       "what takes the place of the network, to compare with",
       [](Settings &s, const Words &w) {
         const int which = w.choice(0);
         s.control.reset();
         s.only_corrector = which == 1;
         if (which > 1)
           s.control = std::vector{mlff::JumpControl::zero, mlff::JumpControl::ballistic,
                                   mlff::JumpControl::verlet, mlff::JumpControl::linear}[which - 2];
       }},
      {"batch",
       {{"when", "auto, on, off"}},
       "auto",
       "jumps of several partitions in one evaluation, as of pair style mlff",
       read_replica_option},
      {"wait",
       {{"ms", "auto, or a number of milliseconds above 0"}},
       "auto",
       "how long a partition waits for the others, as of pair style mlff",
       read_replica_option},
      {"memory",
       {{"MB", "auto, or a number of megabytes above 0"}},
       "auto",
       "memory of one evaluation, as of pair style mlff",
       read_replica_option},
  };
}

/* ----------------------------------------------------------------------
   options of engines, as all commands take them
------------------------------------------------------------------------- */

static std::vector<KstepKeyword> engine_keywords()
{
  std::vector<KstepKeyword> table;
  for (const auto &word : mlff::EngineOptions::words()) {
    std::string accepted;
    for (const auto &value : mlff::EngineOptions::values(word))
      accepted += (accepted.empty() ? "" : ", ") + value;
    const bool number = accepted.empty();
    table.push_back({word,
                     {{number ? "N" : "which", number ? "0 (automatic) or more" : accepted}},
                     number                    ? "0"
                         : word == "precision" ? "single"
                                               : "auto",
                     "option of the engine of the model, as of pair style mlff",
                     read_engine_option});
  }
  return table;
}

/* ---------------------------------------------------------------------- */

const std::vector<KstepKeyword> &LAMMPS_NS::kstep_keywords()
{
  static const auto table = [] {
    auto all = cycle_keywords();
    for (const auto &some : {sampling_keywords(), limit_keywords(), rejection_keywords(),
                             run_keywords(), engine_keywords()})
      all.insert(all.end(), some.begin(), some.end());
    return all;
  }();
  return table;
}

/* ---------------------------------------------------------------------- */

void KstepWords::refuse(int n, const std::string &found) const
{
  error->all(FLERR, place(n), "Fix kstep/hybrid {}; accepted: {}", found,
             keyword.values[n].accepted);
}

/* ----------------------------------------------------------------------
   a value out of range
------------------------------------------------------------------------- */

void KstepWords::refuse_range(int n) const
{
  const auto &value = keyword.values[n];
  std::string found = value.found.empty() ? keyword.name + " is {}" : value.found;
  refuse(n, found.replace(found.find("{}"), 2, text(n)));
}

/* ---------------------------------------------------------------------- */

int KstepWords::choice(int n) const
{
  std::istringstream words(keyword.values[n].accepted);
  int k = 0;
  for (std::string word; std::getline(words >> std::ws, word, ','); k++)
    if (word == text(n)) return k;
  error->all(FLERR, place(n), "Unknown fix kstep/hybrid {} '{}'; accepted: {}", keyword.name,
             text(n), keyword.values[n].accepted);
}

/* ---------------------------------------------------------------------- */

int KstepWords::integer(int n, int least) const
{
  const int value = utils::inumeric(FLERR, text(n), false, lmp);
  if (value < least) refuse_range(n);
  return value;
}

/* ---------------------------------------------------------------------- */

double KstepWords::positive(int n, double most) const
{
  const double value = utils::numeric(FLERR, text(n), false, lmp);
  if (!(value > 0.0 && value <= most)) refuse_range(n);
  return value;
}

/* ---------------------------------------------------------------------- */

double KstepWords::between(int n, double least, double most) const
{
  const double value = utils::numeric(FLERR, text(n), false, lmp);
  if (!(value >= least && value <= most)) refuse_range(n);
  return value;
}

/* ---------------------------------------------------------------------- */

double KstepWords::positive_or_off(int n) const
{
  if (text(n) == "off") return mlff::KstepLimits::off;
  const double value = utils::numeric(FLERR, text(n), false, lmp);
  if (!(value > 0.0)) refuse(n, fmt::format("limit {} is {}", keyword.name, text(n)));
  return value;
}

/* ---------------------------------------------------------------------- */

double KstepWords::energy_or_off(int n) const
{
  const double value = positive_or_off(n);
  return utils::strmatch(update->unit_style, "^real") && std::isfinite(value)
      ? value / utils::get_conversion_factor(utils::ENERGY, utils::METAL2REAL)
      : value;
}

/* ---------------------------------------------------------------------- */

bool KstepWords::logical(int n) const
{
  return utils::logical(FLERR, text(n), false, lmp) == 1;
}

/* ---------------------------------------------------------------------- */

void KstepWords::set_engine_option(mlff::EngineOptions &options) const
{
  set_engine_keyword(lmp, options, "Fix kstep/hybrid", "fix kstep/hybrid", name(), text(0),
                     place(0));
}
