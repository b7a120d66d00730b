#include "study/study_settings.h"

#include "core/elements.h"
#include "data/yaml_section.h"
#include "potential/find_potential.h"
#include "potential/potential.h"
#include "workflow/run_folder.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

namespace mlff {

namespace fs = std::filesystem;

namespace {

  /// A file named in the settings: beside them, in the folders of LAMMPS_POTENTIALS, or one that
  /// ships.
  std::string find_file(const YamlSection &section, const std::string &key, const std::string &name,
                        const fs::path &beside)
  {
    std::vector<fs::path> places = potential_folders();
    places.insert(places.begin(), beside);
    for (const auto &place : places)
      if (fs::is_regular_file(place / name))
        return fs::weakly_canonical(fs::absolute(place / name)).string();
    section.fail(key,
                 "names '" + name +
                     "', which is not there: looked beside the settings, in the folders of "
                     "LAMMPS_POTENTIALS and among the potentials that ship");
  }

  std::string plain(const std::string &text)
  {
    std::string name;
    for (const char c : text)
      name += std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_' ? c
                                                                                              : '-';
    return name;
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

  std::vector<StudyMethod> read_methods(YamlSection &section, const fs::path &beside)
  {
    std::vector<StudyMethod> list;
    StudyMethod method;
    std::string kind;
    for (const char *key : {"verlet", "respa", "jump", "student"})
      if (section.has(key)) {
        if (!kind.empty())
          section.fail(
              key, "stands beside '" + kind + "'; accepted: one of verlet, respa, jump, student");
        kind = key;
      }
    if (kind.empty()) {
      section.finish();
      section.fail("", "says no method; accepted: one of verlet, respa, jump, student");
    }
    const std::string name = section.word("name", "");
    method.molecules = section.words("molecules");
    if (kind == "verlet") {
      method.kind = StudyMethod::Kind::verlet;
      for (const double dt : section.numbers("verlet")) {
        method.timestep = method.stride = above_zero(section, "verlet", dt);
        method.name = (name.empty() ? "verlet" : name) + "-" + number(dt);
        list.push_back(method);
      }
      if (list.empty()) section.fail("verlet", "is empty; accepted: time steps in fs");
      section.finish();
      return list;
    }
    const std::string file = section.word(kind, "");
    if (kind == "respa") {
      method.kind = StudyMethod::Kind::respa;
      if (file != "bonded") method.file = find_file(section, kind, file, beside);
      method.timestep = above_zero(section, "inner", section.number("inner", 0.5));
      for (const double outer : list_of(section, "outer", {5.0})) {
        method.stride = outer;
        whole_steps(section, "outer", outer, method.timestep);
        method.name = (name.empty() ? "respa" : name) + "-" + number(outer);
        list.push_back(method);
      }
      section.finish();
      return list;
    }

    method.kind = kind == "jump" ? StudyMethod::Kind::jump : StudyMethod::Kind::student;
    method.file = find_file(section, kind, file, beside);
    method.options = section.word("options", "");
    const Potential potential = Potential::read(method.file);
    if (potential.is_jump() != (kind == "jump"))
      section.fail(kind,
                   "names '" + method.file + "', a model '" + potential.model + "'; accepted: " +
                       (kind == "jump" ? "jump networks" : "potentials of energies and forces"));
    const bool student = kind == "student";
    if (!student) {
      method.control = section.word("control", "none",
                                    {"none", "zero", "ballistic", "linear", "verlet", "corrector"});
      if (method.control == "none") method.control.clear();
    } else
      method.metropolis = section.yes("metropolis", true);
    if (section.has("corrector") && section.has("fraction"))
      section.fail("fraction", "stands beside 'corrector'; accepted: one of the two");
    std::vector<double> correctors = list_of(section, "corrector", {method.metropolis ? 0.0 : 1.0});
    const bool fractions = section.has("fraction");
    if (fractions) correctors = section.numbers("fraction");
    const std::string standard = !method.control.empty() ? method.control
        : student ? (method.metropolis ? "metropolis" : "student")
                  : "jump";
    const auto strides =
        list_of(section, "stride", student ? std::vector<double>{40.0} : potential.jump.strides);
    const auto timesteps = list_of(section, "timestep", {0.5});
    for (const double dt : timesteps)
      for (const double stride : strides)
        for (const double c : correctors) {
          method.timestep = above_zero(section, "timestep", dt);
          method.stride = stride;
          whole_steps(section, "stride", stride, dt);
          if (!student &&
              std::find(potential.jump.strides.begin(), potential.jump.strides.end(), stride) ==
                  potential.jump.strides.end()) {
            std::string has;
            for (const double s : potential.jump.strides)
              has += (has.empty() ? "" : ", ") + number(s);
            section.fail("stride",
                         "is " + number(stride) +
                             " fs, which the network of 'jump' has not; accepted: " + has);
          }
          if (c < 0.0 || (!fractions && c != std::round(c)) || c > 1000.0)
            section.fail(
                fractions ? "fraction" : "corrector",
                "is " + number(c) + "; accepted: " +
                    (fractions ? "shares of the steps of a stride" : "whole numbers of steps"));
          method.fraction = fractions ? c : -1.0;
          method.corrector = fractions ? 0 : int(c);
          method.name = name.empty() ? standard : name;
          if (method.control == "corrector") {
            method.name += timesteps.size() > 1 ? "-" + number(dt) : "";
            method.stride = dt;
          } else
            method.name += "-" + number(stride) + (fractions ? "-f" : "-c") + number(c) +
                (timesteps.size() > 1 ? "-dt" + number(dt) : "");
          if (method.control == "corrector" && !list.empty() && list.back().name == method.name)
            continue;
          list.push_back(method);
        }
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
      const auto method = force.word("method", "gfn2", {"gfn2", "gfn1", "gfnff"});
      molecule.force = "pair_style      xtb method " + method + " charge " +
          std::to_string(force.whole("charge", 0, -100)) + " uhf " +
          std::to_string(force.whole("uhf", 0)) + " accuracy " +
          number(force.number("accuracy", 0.1, 1e-4, 1e3)) + "\npair_coeff      * * <ELEMENTS>\n";
    }
    if (molecule.force.empty())
      force.fail("commands", "is empty; accepted: commands of LAMMPS from pair_style on");
    force.finish();
    section.finish();
    return molecule;
  }

}    // namespace

int StudyMethod::steps() const
{
  return std::max(1, int(std::lround(stride / timestep)));
}

int StudyMethod::corrector_steps() const
{
  if (kind == Kind::verlet || kind == Kind::respa || control == "corrector") return 0;
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
  s.temperature = file.number("temperature", 300.0, 1.0, 1e5);
  s.friction = file.number("friction", 10.0, 1e-3, 1e4);
  s.length = file.number("ps", 20.0, 0.01);
  s.warmup = file.number("warmup", 1.0, 0.0);
  s.frame = file.number("frame", 4.0, 0.01);
  s.lag = file.number("lag", 2.0, 0.01);
  for (const double seed : list_of(file, "seeds", {1, 2})) {
    if (seed < 1 || seed != std::round(seed) || seed > 1e6)
      file.fail("seeds", "holds " + number(seed) + "; accepted: whole numbers from 1 to 1000000");
    if (std::find(s.seeds.begin(), s.seeds.end(), int(seed)) != s.seeds.end())
      file.fail("seeds", "holds " + number(seed) + " twice");
    s.seeds.push_back(int(seed));
  }
  YamlSection timing = file.section("timing");
  s.timing_length = timing.number("ps", 2.0, 0.001);
  s.timing_warmup = timing.number("warmup", 0.2, 0.0);
  s.repeats = int(timing.whole("repeats", 3));
  timing.finish();

  auto molecules = file.sections("molecules");
  if (molecules.empty())
    file.fail("molecules", "is missing; accepted: a list of maps with smiles or data");
  std::set<std::string> names;
  for (auto &section : molecules) {
    s.molecules.push_back(read_molecule(section, beside));
    if (!names.insert(plain(s.molecules.back().name)).second)
      section.fail("name", "'" + s.molecules.back().name + "' is there twice");
  }
  auto methods = file.sections("methods");
  if (methods.empty())
    file.fail("methods",
              "is missing; accepted: a list of maps with one of verlet, respa, jump, student");
  for (auto &section : methods)
    for (auto &method : read_methods(section, beside)) {
      method.name = plain(method.name);
      for (const auto &name : method.molecules)
        if (std::none_of(s.molecules.begin(), s.molecules.end(), [&](const auto &m) {
              return m.name == name;
            }))
          section.fail("molecules", "holds '" + name + "', which 'molecules' of the study has not");
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
    const auto of = s.methods_of(molecule);
    if (of.empty() || of.front()->name != s.reference) {
      std::string accepted;
      for (const auto *method : of) accepted += (accepted.empty() ? "" : ", ") + method->name;
      file.fail("reference",
                "is '" + s.reference + "', which molecule '" + molecule.name +
                    "' has not; accepted: " + accepted);
    }
  }
  file.finish();
  return s;
}

}    // namespace mlff
