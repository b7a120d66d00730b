// Writes the inputs of a study and reads its logs.
#include "study/study_inputs.h"

#include "data/numpy/npz.h"
#include "teacher/lammps/force_commands.h"
#include "workflow/lammps_run.h"
#include "workflow/run_folder.h"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace mlff {

namespace {

  std::string replaced(std::string text, const std::string &word, const std::string &by)
  {
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += by.size())
      text.replace(at, word.size(), by);
    return text;
  }

  /// Steps of LAMMPS that make a time, in whole cycles.
  long steps_of(const StudyMethod &method, double ps)
  {
    return std::max(1L, std::lround(1e3 * ps / method.cycle())) * method.cycle_steps();
  }

  /// `segments auto` chooses in its first ten steps, and makes no move before.
  long warm_up_steps(const StudyMethod &method, double ps)
  {
    return std::max(steps_of(method, ps), method.segments.empty() ? 1L : 20L);
  }

  std::string force_of(const StudyMolecule &molecule, const std::string &elements,
                       const StudyMethod &method)
  {
    std::string force = replaced(molecule.force, "<ELEMENTS>", elements);
    if (!method.has_outer_steps() || method.file.empty()) return force;
    // the expensive force minus that of the inner steps, in the outer ones
    std::istringstream lines(force);
    std::string pair, name, coefficients, others;
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string first, rest;
      words >> first;
      std::getline(words, rest);
      if (first == "pair_style") {
        pair = rest;
        std::istringstream(rest) >> name;
      } else if (first == "pair_coeff") {
        std::string i, j, more;
        std::istringstream arguments(rest);
        arguments >> i >> j;
        std::getline(arguments, more);
        // of several sub-styles with one name each has a number
        coefficients += "pair_coeff      " + i + " " + j + " " + name +
            (name == "mlff" ? " 2" : "") + more + "\n";
      } else
        others += line + "\n";
    }
    const std::string student = " " + method.file + " " + elements + "\n";
    return others + "pair_style      hybrid/scaled 1.0 mlff 1.0" + pair +
        " -1.0 mlff\npair_coeff      * * mlff 1" + student + coefficients +
        "pair_coeff      * * mlff " + (name == "mlff" ? "3" : "2") + student;
  }

  std::string integrator(const StudySettings &s, const std::string &elements,
                         const StudyMethod &method, int seed)
  {
    const std::string temperature = number(s.temperature), damp = number(1.0 / s.friction),
                      langevin =
                          " langevin " + temperature + " " + damp + " " + std::to_string(seed);
    if (method.kind == StudyMethod::Kind::verlet || method.has_outer_steps()) {
      std::string text;
      if (method.has_outer_steps())
        text = "run_style       respa 2 " + std::to_string(method.steps()) +
            (method.file.empty() ? " bond 1 angle 1 dihedral 1 improper 1 pair 2\n"
                                 : " hybrid 1 2 2\n");
      return text + "fix             move all nve\nfix             bath all langevin " +
          temperature + " " + temperature + " " + damp + " " + std::to_string(seed) + "\n";
    }
    std::string text = "fix             jump all kstep/hybrid " + method.file + " " + elements;
    const std::string dt = number(1e-3 * method.timestep);
    if (method.control == "corrector")
      return text + " control corrector" + langevin +
          (method.options.empty() ? "" : " " + method.options) + "\n";
    text += " &\n                jump " +
        std::string(method.kind == StudyMethod::Kind::student ? "student " : "network ") +
        std::to_string(method.steps()) + " " + dt;
    text += method.fraction >= 0.0 ? " fraction " + number(method.fraction)
                                   : " corrector " + std::to_string(method.corrector);
    if (method.kind == StudyMethod::Kind::student)
      text += std::string(" metropolis ") + (method.metropolis ? "yes" : "no");
    if (!method.segments.empty()) text += " segments " + method.segments;
    if (!method.control.empty()) text += " control " + method.control;
    return text + langevin + (method.options.empty() ? "" : " " + method.options) + "\n";
  }

}    // namespace

std::string study_input(const StudySettings &s, const StudyMolecule &molecule,
                        const std::vector<std::string> &symbols, const StudyMethod &method,
                        int seed, bool timing)
{
  std::string elements;
  for (const auto &symbol : symbols) elements += (elements.empty() ? "" : " ") + symbol;
  std::ostringstream in;
  in.precision(12);
  const double dt = method.has_outer_steps() ? method.stride : method.timestep;
  in << "# " << molecule.name << ", " << method.name << ", seed " << seed
     << (timing ? ", timing" : "") << ": made by mlff study from "
     << s.path.substr(s.path.find_last_of('/') + 1) << "\n\n"
     << "units           metal\nboundary        s s s\natom_style      full\natom_modify     map "
        "array\n"
     << replaced(molecule.start, "<DATA>", "start.data")
     << (molecule.start.find("<DATA>") == std::string::npos ? "read_data       start.data\n" : "")
     << "\n"
     << force_of(molecule, elements, method)
     << "\nneighbor        2.0 nsq\nneigh_modify    every 1 delay 0 check yes\ncomm_modify     "
        "cutoff 12.0\nthermo_modify   norm no\n\n"
     << "min_style       fire\nminimize        0.0 0.02 200 400\nreset_timestep  0\n\n"
     << "timestep        " << 1e-3 * dt << "\nvelocity        all create " << s.temperature << " "
     << seed << " loop geom mom no rot no dist gaussian\n"
     << "compute_modify  thermo_temp extra/dof 0\n"
     << integrator(s, elements, method, seed)
     << "\nthermo_style    custom step time temp pe etotal\nthermo          1000\n"
     << "run             " << warm_up_steps(method, timing ? s.timing_warmup : s.warmup) << "\n";
  if (!timing) {
    // steps of jumps are of different length: all are written, and mlff analyze takes frames by
    // their times. Metropolis' repeated states count.
    const bool uneven = (method.kind == StudyMethod::Kind::jump && method.control != "corrector") ||
        (method.kind == StudyMethod::Kind::student && !method.metropolis);
    const long every =
        uneven ? 1 : std::lround(study_spacing(s, method) / method.cycle()) * method.cycle_steps();
    // the dump knows the energy at steps at which somebody asked for it
    in << "\nfix             energy all ave/time " << every << " 1 " << every << " c_thermo_pe\n"
       << "dump            frames all extxyz " << every << " frames.xyz\n"
       << "dump_modify     frames element " << elements
       << " sort id vel yes forces no mass yes time yes first no format line \"%s %.8g %.8g %.8g "
          "%.8g %.8g %.8g %.10g\"\n";
  }
  in << "run             " << steps_of(method, timing ? s.timing_length : s.length) << "\n";
  return with_early_commands_first(in.str());
}

double study_spacing(const StudySettings &s, const StudyMethod &method)
{
  return std::max(1.0, std::ceil(s.frame / method.cycle() - 1e-9)) * method.cycle();
}

nlohmann::ordered_json study_log(const std::string &path, const StudySettings &s,
                                 const StudyMethod &method, bool timing)
{
  nlohmann::ordered_json result = nlohmann::ordered_json::object();
  std::istringstream text(text_of(path));
  double wall = 0.0, share = 0.0,
         ps = double(steps_of(method, timing ? s.timing_length : s.length)) / method.cycle_steps() *
      method.cycle() * 1e-3;
  double calls = 1e3 / method.cycle() * method.cycle_steps();
  bool ended = false;
  for (std::string line; std::getline(text, line);) {
    const auto has = [&](const char *words) {
      return line.find(words) != std::string::npos;
    };
    const auto number_before = [&](const std::string &words) {
      const auto at = line.find(words);
      auto begin = line.find_last_of(' ', at - 2);
      begin = begin == std::string::npos ? 0 : begin;
      return std::atof(line.c_str() + begin);
    };
    if (line.rfind("Loop time of", 0) == 0) wall = std::atof(line.c_str() + 12);
    if (has("% CPU use with")) share = 0.01 * std::atof(line.c_str());
    if (has("Total wall time:")) ended = true;
    if (has("ps simulated in")) {
      ps = number_before(" ps simulated in");
      calls = number_before(" per ps");
    }
    if (has("accepted, acceptance "))
      result["acceptance"] = std::atof(line.c_str() + line.find("acceptance ") + 11);
    if (has("energy of a jump in kT: mean "))
      result["energy_of_jump_kT"] = {{"mean", std::atof(line.c_str() + line.find("mean ") + 5)},
                                     {"rms", std::atof(line.c_str() + line.find("rms ") + 4)}};
    if (has(" ms a call, force ")) {
      result["model_ms"] = number_before(" ms a call");
      result["force_ms"] = number_before(" ms, fix ");
    }
  }
  if (!ended || wall <= 0.0) throw FileError("'" + path + "' is the log of a run that did not end");
  if (method.control == "corrector" || method.kind == StudyMethod::Kind::verlet ||
      method.has_outer_steps())
    for (const char *key : {"acceptance", "energy_of_jump_kT", "model_ms"}) result.erase(key);
  // each step of LAMMPS is one call; time does not pass in nested moves
  const double all_calls = double(steps_of(method, timing ? s.timing_length : s.length));
  const bool timed = method.segments.empty();
  if (timed) {
    result["ps"] = ps;
    result["wall_s_per_ps"] = wall / ps;
    result["force_calls_per_ps"] = calls;
  }
  result["force_calls"] = all_calls;
  result["wall_s_per_call"] = wall / all_calls;
  // a run shorter than the ticks of LAMMPS' clock of CPU time says nothing of it
  if (share > 0.0) {
    if (timed) result["cpu_s_per_ps"] = wall * share / ps;
    result["cpu_s_per_call"] = wall * share / all_calls;
  }
  return result;
}

}    // namespace mlff
