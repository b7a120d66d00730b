// The settings file of mlff study.
#include "study/study_settings.h"

#include "core/elements.h"
#include "data/settings_table.h"
#include "models/jump/jump_record.h"
#include "potential/model_kind.h"
#include "potential/potential.h"
#include "training/named_file.h"
#include "training/teacher_section.h"
#include "workflow/lammps_run.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

namespace mlff {

namespace fs = std::filesystem;

namespace {

  using S = StudySettings;

  const SettingsTable<S> run_table = {
      {"temperature", &S::temperature, between(1.0, 1e5), "K, of the Langevin thermostat"},
      {"friction", &S::friction, between(1e-3, 1e4), "1/ps, of the thermostat of every method"},
      {"ps", &S::length, at_least(0.01), "length of each run"},
      {"warmup", &S::warmup, at_least(0.0), "ps before it"},
      {"frame", &S::frame, at_least(0.01), "fs between frames at least; whole cycles of a method"},
      {"lag", &S::lag, at_least(0.01), "ps, of correlation functions"},
  };

  const SettingsTable<S> timing_table = {
      {"ps", &S::timing_length, at_least(0.001), "length of a timing"},
      {"warmup", &S::timing_warmup, at_least(0.0), "ps before it"},
      {"repeats", &S::repeats, at_least(0), "repetitions of the timings; 0: no timings"},
  };

  std::string find_file(const YamlSection &section, const std::string &key, const std::string &name,
                        const fs::path &beside)
  {
    return fs::weakly_canonical(fs::absolute(existing_file(section, key, name, beside))).string();
  }

  std::vector<double> list_of(YamlSection &section, const std::string &key,
                              std::vector<double> standard)
  {
    if (!section.has(key)) return standard;
    const auto list = section.numbers(key);
    if (list.empty()) section.fail(key, "is empty; accepted: a number or a list of numbers");
    return list;
  }

  double above_zero(const YamlSection &section, const std::string &key, double value)
  {
    if (!(value > 0.0)) section.fail(key, "is " + number(value) + "; accepted: numbers above 0");
    return value;
  }

  int whole_steps(const YamlSection &section, const std::string &key, double time, double step)
  {
    const double steps = time / step;
    if (std::abs(steps - std::round(steps)) > 1e-6 || steps < 0.5)
      section.fail(key,
                   "is " + number(time) + " fs; accepted: multiples of the time step of " +
                       number(step) + " fs");
    return int(std::lround(steps));
  }

  std::vector<StudyMethod> read_verlet(YamlSection &section, StudyMethod method,
                                       const std::string &name)
  {
    std::vector<StudyMethod> list;
    method.kind = StudyMethod::Kind::verlet;
    for (const double dt : section.numbers("verlet")) {
      method.timestep = method.stride = above_zero(section, "verlet", dt);
      method.name = (name.empty() ? "verlet" : name) + "-" + number(dt);
      list.push_back(method);
    }
    if (list.empty()) section.fail("verlet", "is empty; accepted: time steps in fs");
    return list;
  }

  std::vector<StudyMethod> read_respa(YamlSection &section, StudyMethod method,
                                      const std::string &name, const fs::path &beside)
  {
    std::vector<StudyMethod> list;
    method.kind = StudyMethod::Kind::respa;
    const std::string file = section.word("respa", "");
    if (file != "bonded") method.file = find_file(section, "respa", file, beside);
    method.timestep = above_zero(section, "inner", section.number("inner", 0.5));
    for (const double outer : list_of(section, "outer", {5.0})) {
      method.stride = outer;
      whole_steps(section, "outer", outer, method.timestep);
      method.name = (name.empty() ? "respa" : name) + "-" + number(outer);
      list.push_back(method);
    }
    return list;
  }

  /// Multiple time steps with a student inside: r-RESPA of the whole force.
  std::vector<StudyMethod> read_mts(YamlSection &section, StudyMethod method,
                                    const std::string &name, const fs::path &beside)
  {
    std::vector<StudyMethod> list;
    method.kind = StudyMethod::Kind::mts;
    method.file = find_file(section, "mts", section.word("mts", ""), beside);
    const Potential potential = Potential::read(method.file);
    if (potential.kind().gives_jumps)
      section.fail("mts",
                   "names '" + method.file + "', a model '" + potential.model() +
                       "'; accepted: potentials of energies and forces");
    method.timestep = above_zero(section, "inner", section.number("inner", 0.5));
    for (const double outer : list_of(section, "outer", {2.0, 4.0, 6.0, 8.0, 10.0})) {
      method.stride = outer;
      if (whole_steps(section, "outer", outer, method.timestep) < 2)
        section.fail("outer",
                     "is " + number(outer) +
                         " fs, as long as the inner step; accepted: two inner "
                         "steps of " +
                         number(method.timestep) + " fs or more");
      method.name = (name.empty() ? "mts" : name) + "-" + number(outer);
      list.push_back(method);
    }
    return list;
  }

  /// Corrector steps after a jump: their number, or the share of the steps of a stride.
  struct Correctors {
    std::vector<double> values;
    bool are_fractions = false;

    static Correctors read(YamlSection &section, bool metropolis)
    {
      if (section.has("corrector") && section.has("fraction"))
        section.fail("fraction", "stands beside 'corrector'; accepted: one of the two");
      Correctors correctors;
      correctors.values = list_of(section, "corrector", {metropolis ? 0.0 : 1.0});
      correctors.are_fractions = section.has("fraction");
      if (correctors.are_fractions) correctors.values = section.numbers("fraction");
      return correctors;
    }

    void apply(const YamlSection &section, double value, StudyMethod &method) const
    {
      if (value < 0.0 || (!are_fractions && value != std::round(value)) || value > 1000.0)
        section.fail(
            are_fractions ? "fraction" : "corrector",
            "is " + number(value) + "; accepted: " +
                (are_fractions ? "shares of the steps of a stride" : "whole numbers of steps"));
      method.fraction = are_fractions ? value : -1.0;
      method.corrector = are_fractions ? 0 : int(value);
    }
  };

  /// Throws where a network has not learned a stride.
  void check_stride(const YamlSection &section, double stride, const std::vector<double> &learned)
  {
    if (std::find(learned.begin(), learned.end(), stride) != learned.end()) return;
    std::string accepted;
    for (const double one : learned) accepted += (accepted.empty() ? "" : ", ") + number(one);
    section.fail("stride",
                 "is " + number(stride) +
                     " fs, which the network of 'jump' does not have; accepted: " + accepted);
  }

  /// The potential of a method `jump` or `student`, and its words but for times.
  Potential read_model(YamlSection &section, const std::string &kind, const fs::path &beside,
                       StudyMethod &method)
  {
    const bool student = kind == "student";
    method.kind = student ? StudyMethod::Kind::student : StudyMethod::Kind::jump;
    method.file = find_file(section, kind, section.word(kind, ""), beside);
    method.options = section.word("options", "");
    Potential potential = Potential::read(method.file);
    if (potential.kind().gives_jumps == student)
      section.fail(kind,
                   "names '" + method.file + "', a model '" + potential.model() + "'; accepted: " +
                       (student ? "potentials of energies and forces" : "jump networks"));
    if (student)
      method.metropolis = section.yes("metropolis", true);
    else {
      if (section.has("segments"))
        section.fail("segments", "stands beside 'jump'; it belongs to 'student'");
      method.control = section.word("control", "none",
                                    {"none", "zero", "ballistic", "linear", "verlet", "corrector"});
      if (method.control == "none") method.control.clear();
    }
    return potential;
  }

  /// Numbers of segments of nested moves; an empty word where moves are not nested.
  std::vector<std::string> read_segments(YamlSection &section, bool metropolis)
  {
    if (!section.has("segments")) return {""};
    const auto list = section.words("segments");
    for (const auto &word : list)
      if (word != "auto" &&
          (word.empty() || word.size() > 6 || word[0] == '0' ||
           word.find_first_not_of("0123456789") != std::string::npos))
        section.fail("segments",
                     "is '" + word + "'; accepted: auto, and whole numbers from 1 to 999999");
    if (list.empty()) section.fail("segments", "is empty; accepted: auto, and whole numbers");
    if (!metropolis)
      section.fail("segments", "needs 'metropolis: yes': only the end of all of them is judged");
    return list;
  }

  std::vector<StudyMethod> read_jumps(YamlSection &section, StudyMethod method,
                                      const std::string &name, const std::string &kind,
                                      const fs::path &beside)
  {
    std::vector<StudyMethod> list;
    const bool student = kind == "student";
    const Potential potential = read_model(section, kind, beside, method);
    const auto correctors = Correctors::read(section, method.metropolis);
    const auto segments = read_segments(section, method.metropolis);
    const std::string standard = !method.control.empty() ? method.control
        : section.has("segments")                        ? "nested"
        : student ? (method.metropolis ? "metropolis" : "student")
                  : "jump";
    const auto strides = list_of(
        section, "stride", student ? std::vector<double>{40.0} : jump_record(potential).strides);
    const auto timesteps = list_of(section, "timestep", {0.5});
    for (const double dt : timesteps)
      for (const double stride : strides)
        for (const double corrector : correctors.values) {
          method.timestep = above_zero(section, "timestep", dt);
          method.stride = stride;
          whole_steps(section, "stride", stride, dt);
          if (!student) check_stride(section, stride, jump_record(potential).strides);
          correctors.apply(section, corrector, method);
          method.name = name.empty() ? standard : name;
          if (method.control == "corrector") {
            method.name += timesteps.size() > 1 ? "-" + number(dt) : "";
            method.stride = dt;
            if (!list.empty() && list.back().name == method.name) continue;
          } else
            method.name += "-" + number(stride) + (correctors.are_fractions ? "-f" : "-c") +
                number(corrector) + (timesteps.size() > 1 ? "-dt" + number(dt) : "");
          for (const auto &n : segments) {
            list.push_back(method);
            list.back().segments = n;
            if (!n.empty()) list.back().name += "-s" + n;
          }
        }
    return list;
  }

  /// The methods of an entry of `methods`: one for each combination of its numbers.
  std::vector<StudyMethod> read_methods(YamlSection &section, const fs::path &beside)
  {
    std::string kind;
    const std::string accepted = "; accepted: one of verlet, respa, mts, jump, student";
    for (const char *key : {"verlet", "respa", "mts", "jump", "student"})
      if (section.has(key)) {
        if (!kind.empty()) section.fail(key, "stands beside '" + kind + "'" + accepted);
        kind = key;
      }
    if (kind.empty()) {
      section.finish();
      section.fail("", "says no method" + accepted);
    }
    StudyMethod method;
    const std::string name = section.word("name", "");
    method.molecules = section.words("molecules");
    const auto list = kind == "verlet" ? read_verlet(section, method, name)
        : kind == "respa"              ? read_respa(section, method, name, beside)
        : kind == "mts"                ? read_mts(section, method, name, beside)
                                       : read_jumps(section, method, name, kind, beside);
    section.finish();
    return list;
  }

  StudyMolecule read_molecule(YamlSection &section, const fs::path &beside)
  {
    StudyMolecule molecule;
    molecule.smiles = section.word("smiles", "");
    const std::string data = section.word("data", "");
    if (molecule.smiles.empty() == data.empty())
      section.fail("smiles", "and 'data': one of the two is needed");
    if (!data.empty()) molecule.data = find_file(section, "data", data, beside);
    molecule.name = section.word(
        "name", molecule.smiles.empty() ? fs::path(data).stem().string() : molecule.smiles);
    molecule.elements = section.words("elements");
    if (!data.empty() && molecule.elements.empty())
      section.fail("elements", "is missing; accepted: the element of each atom type of 'data'");
    if (data.empty() && !molecule.elements.empty())
      section.fail("elements", "belongs to 'data'; a SMILES needs none");
    for (const auto &symbol : molecule.elements)
      if (atomic_number(symbol) == 0)
        section.fail("elements", "holds '" + symbol + "'; accepted: symbols of elements");
    YamlSection force = section.section("force");
    molecule.start = force.word("start", "");
    if (force.has("commands")) {
      molecule.force = force.word("commands", "");
      if (force.has("method"))
        force.fail("method", "stands beside 'commands'; accepted: one of the two");
    } else {
      const TeacherSettings teacher =
          read_teacher(force, beside / "settings", {"lammps_processes"});
      const auto whole = [&](const char *key) {
        const auto value = teacher.value(key);
        return value.is_null() ? 0 : value.get<int>();
      };
      // types of a data file are known here, those of a SMILES are not
      std::string elements;
      for (const auto &symbol : molecule.elements)
        elements += (elements.empty() ? "" : " ") + symbol;
      molecule.force = make_teacher(teacher)->lammps_commands(
          elements.empty() ? "<ELEMENTS>" : elements, whole("charge"), whole("uhf"));
    }
    if (molecule.force.empty())
      force.fail("commands", "is empty; accepted: commands of LAMMPS from pair_style on");
    force.finish();
    section.finish();
    return molecule;
  }

}    // namespace

std::string file_name_of(const std::string &text)
{
  std::string name;
  for (const char c : text)
    name += std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_' ? c
                                                                                            : '-';
  return name;
}

int StudyMethod::steps() const
{
  return std::max(1, int(std::lround(stride / timestep)));
}

int StudyMethod::corrector_steps() const
{
  if (kind == Kind::verlet || has_outer_steps() || control == "corrector") return 0;
  return fraction >= 0.0 ? int(std::lround(fraction * steps())) : corrector;
}

double StudyMethod::cycle() const
{
  return control == "corrector" ? timestep : stride + corrector_steps() * timestep;
}

int StudyMethod::cycle_steps() const
{
  return 1 + corrector_steps();
}

std::vector<const StudyMethod *> StudySettings::methods_of(const StudyMolecule &molecule) const
{
  std::vector<const StudyMethod *> list;
  for (const auto &method : methods) {
    if (!method.molecules.empty() &&
        std::find(method.molecules.begin(), method.molecules.end(), molecule.name) ==
            method.molecules.end())
      continue;
    list.insert(method.name == reference ? list.begin() : list.end(), &method);
  }
  return list;
}

StudySettings StudySettings::read(const std::string &path, const std::string &output)
{
  YamlSection file = YamlSection::file(path);
  StudySettings s;
  s.path = path;
  const fs::path beside = fs::absolute(path).parent_path();
  s.output = output.empty() ? fs::path(path).stem().string() : output;
  s.title = file.word("title", fs::path(path).stem().string());
  run_table.read(file, s);
  for (const double seed : list_of(file, "seeds", {1, 2})) {
    if (seed < 1 || seed != std::round(seed) || seed > 1e6)
      file.fail("seeds", "holds " + number(seed) + "; accepted: whole numbers from 1 to 1000000");
    if (std::find(s.seeds.begin(), s.seeds.end(), int(seed)) != s.seeds.end())
      file.fail("seeds", "holds " + number(seed) + " twice");
    s.seeds.push_back(int(seed));
  }
  YamlSection timing = file.section("timing");
  timing_table.read(timing, s);
  timing.finish();

  auto molecules = file.sections("molecules");
  if (molecules.empty())
    file.fail("molecules", "is missing; accepted: a list of maps with smiles or data");
  std::set<std::string> names;
  for (auto &section : molecules) {
    s.molecules.push_back(read_molecule(section, beside));
    if (!names.insert(file_name_of(s.molecules.back().name)).second)
      section.fail("name", "'" + s.molecules.back().name + "' appears twice");
  }
  auto methods = file.sections("methods");
  if (methods.empty())
    file.fail("methods",
              "is missing; accepted: a list of maps with one of verlet, respa, mts, jump, student");
  for (auto &section : methods)
    for (auto &method : read_methods(section, beside)) {
      method.name = file_name_of(method.name);
      for (const auto &name : method.molecules)
        if (std::none_of(s.molecules.begin(), s.molecules.end(), [&](const auto &m) {
              return m.name == name;
            }))
          section.fail("molecules",
                       "holds '" + name + "', which 'molecules' of the study does not have");
      for (const auto &other : s.methods)
        if (other.name == method.name &&
            (other.molecules.empty() || method.molecules.empty() ||
             std::find_first_of(other.molecules.begin(), other.molecules.end(),
                                method.molecules.begin(),
                                method.molecules.end()) != other.molecules.end()))
          section.fail("name",
                       "would be '" + method.name +
                           "', which another method has; accepted: another name");
      s.methods.push_back(method);
    }
  s.reference = file.word("reference", s.methods.front().name);
  for (const auto &molecule : s.molecules) {
    const auto methods_of_it = s.methods_of(molecule);
    if (methods_of_it.empty() || methods_of_it.front()->name != s.reference) {
      std::string accepted;
      for (const auto *method : methods_of_it)
        accepted += (accepted.empty() ? "" : ", ") + method->name;
      file.fail("reference",
                "is '" + s.reference + "', which molecule '" + molecule.name +
                    "' does not have; accepted: " + accepted);
    }
  }
  file.finish();
  return s;
}

std::string StudySettings::page()
{
  const char *const numbers = "a number or a list of numbers";
  const char *const words = "a word or a list of words";
  const std::vector<SettingText> top = {
      {"title", "the name of the file", "a word", "of the report"},
      {"seeds", "1, 2", "whole numbers from 1 to 1000000",
       "the first run of the reference is what all are compared with, its others are the noise"},
      {"reference", "the first method", "a name", "method that the others are compared with"},
      {"molecules", "needed", "a list of maps", "see below"},
      {"methods", "needed", "a list of maps", "see below"}};
  const std::vector<SettingText> molecule = {
      {"name", "that of the SMILES or file", "a word", "name in the report"},
      {"smiles", "none", "a SMILES", "a molecule; or `data`"},
      {"data", "none", "a file of LAMMPS", "units metal, atom_style full; or `smiles`"},
      {"elements", "needed with `data`", words, "elements of the atom types"}};
  const std::vector<SettingText> force = {
      {"commands", "none", "commands of LAMMPS",
       "from pair_style on, `<ELEMENTS>` stands for the elements; or a teacher"},
      {"start", "none", "commands of LAMMPS", "before the molecule is read"}};
  const std::vector<SettingText> method = {
      {"name", "that of the method", "a word", "first word of the name in the report"},
      {"molecules", "all", words, "molecules that the method is for"}};
  const std::vector<SettingText> respa = {
      {"respa", "needed", "a potential, or bonded",
       "inner force; bonded: the bonded terms of the force"},
      {"inner", "0.5", "a number above 0", "inner time step, fs"},
      {"outer", "5.0", numbers, "outer time steps, fs"}};
  const std::vector<SettingText> mts = {
      {"mts", "needed", "a potential",
       "student of the inner steps; the outer ones have what the force differs from it"},
      {"inner", "0.5", "a number above 0", "inner time step, fs"},
      {"outer", "2, 4, 6, 8, 10", numbers, "outer time steps, fs: two inner steps or more"}};
  const std::vector<SettingText> jump = {
      {"jump", "needed, or `student`", "a jump network", "network that jumps"},
      {"student", "needed, or `jump`", "a potential", "potential that moves the atoms"},
      {"stride", "those of the network, or 40.0", numbers, "fs"},
      {"timestep", "0.5", numbers, "fs"},
      {"corrector", "1, or 0 with metropolis", "whole numbers",
       "steps of velocity Verlet after a jump; or `fraction`"},
      {"fraction", "none", numbers, "corrector as a share of the steps of a stride"},
      {"control", "none", "none, zero, ballistic, linear, verlet, corrector",
       "with `jump`: a jump without the network, to compare with"},
      {"metropolis", "yes", accepted_yes_or_no, "with `student`: exact Monte Carlo moves"},
      {"segments", "none", "whole numbers, auto",
       "with `student`: nested moves, so many strides of the student to one call of the force"},
      {"options", "none", "a word", "further words of fix kstep/hybrid"}};
  const StudySettings standard;
  return settings_markdown("## keys without a section", {top, run_table.text(standard)}) +
      settings_markdown("## timing", {timing_table.text(standard)}) +
      settings_markdown("## a map of molecules", {molecule}) +
      settings_markdown("## force of a molecule", {force, teacher_text({"lammps_processes"})}) +
      settings_markdown("## a map of methods", {method}) +
      settings_markdown("## a method verlet", {{{"verlet", "needed", numbers, "time steps, fs"}}}) +
      settings_markdown("## a method respa", {respa}) +
      settings_markdown("## a method mts", {mts}) +
      settings_markdown("## a method jump or student", {jump});
}

}    // namespace mlff
