// Lines of fix kstep/hybrid about a run.
#include "core/units.h"
#include "fix_kstep/kstep_impl.h"
#include "fmt/format.h"

#include <cmath>

using namespace LAMMPS_NS;
using mlff::KstepCounters;

/* ----------------------------------------------------------------------
   lines for the log
------------------------------------------------------------------------- */

std::string KstepImpl::report(const std::string &id) const
{
  using C = KstepCounters;
  const auto run = cycle.counters.since(at_start);
  const auto &s = cycle.settings;
  const auto &temperatures = cycle.temperatures;
  const auto lengths = [](const std::vector<mlff::KstepTemperatures::Mean> &bonds) {
    if (bonds.empty()) return std::string();
    std::string line = "  length of bonds, mean and deviation:";
    for (const auto &bond : bonds)
      line += fmt::format(" {} {:.4f} {:.4f}", bond.name, bond.length, bond.width);
    return line + " Angstrom\n";
  };
  if (cycle.sampling.on())
    return cycle.sampling.report(id, run, cycle.k, cycle.dt_ps) + lengths(temperatures.bonds());
  const double kT = mlff::boltzmann * cycle.limit_temperature;
  const auto per_jump = [&](C::Entry work) {
    return run[C::rescaled] > 0.0 ? run[work] / run[C::rescaled] / kT : 0.0;
  };

  std::string text = fmt::format(
      "Fix kstep/hybrid {}: {:.6g} ps simulated in {:.0f} steps, one force call each, {:.4g} per "
      "ps\n",
      id, run[C::time], run[C::calls], run[C::time] > 0.0 ? run[C::calls] / run[C::time] : 0.0);
  text += fmt::format("  {:.0f} jumps of {:.4g} fs ({}), {:.0f} accepted, acceptance {:.4f}\n",
                      run[C::jumps], 1000.0 * cycle.stride_ps,
                      s.control       ? "control"
                          : s.student ? "student"
                                      : "network",
                      run[C::accepted], run.acceptance());
  text += fmt::format("  rejected: {:.0f} not finite, {:.0f} range, {:.0f} bond, {:.0f} energy, "
                      "{:.0f} drift, {:.0f} Metropolis; {:.0f} steps of velocity Verlet instead\n",
                      run[C::not_finite], run[C::range], run[C::bond], run[C::energy],
                      run[C::drift], run[C::metropolis], run[C::fallback]);
  if (s.tune)
    text +=
        fmt::format("  tuned: corrector of {} steps, {:.0f} steps without jumps because these did "
                    "not pay\n",
                    cycle.corrector, run[C::paused]);
  text += fmt::format("  energy of a jump in kT: mean {:.4f}, rms {:.4f}, <exp(-dE/kT)> {:.4f}; "
                      "rescaling {:.3g} kT net, {:.3g} kT in size\n",
                      run.mean_change(), run.rms_change(), run.mean_boltzmann(), per_jump(C::work),
                      per_jump(C::work_size));
  text += fmt::format(
      "  model {:.4g} ms a call, force {:.4g} ms, fix {:.2f} % of the time; against "
      "velocity Verlet at {:.4g} fs: {:.2f} times as fast, {:.0f} force calls saved\n",
      1000.0 * run.jump_seconds(), 1000.0 * run.force_seconds(), 100.0 * run.fix_share(),
      1000.0 * cycle.dt_ps, run.speedup(cycle.dt_ps), run.calls_saved(cycle.dt_ps));
  const auto list = [](const char *what, const std::vector<mlff::KstepTemperatures::Mean> &means) {
    std::string line = fmt::format("  temperature of {}:", what);
    for (const auto &mean : means) {
      line += fmt::format(" {} {:.1f}", mean.name, mean.temperature);
      if (std::isfinite(mean.error)) line += fmt::format(" +- {:.1f}", mean.error);
    }
    return line + " K\n";
  };
  text += list("elements", temperatures.elements());
  auto parts = temperatures.hydrogens();
  if (!parts.empty()) text += list("hydrogens", parts);
  parts = temperatures.bonds();
  if (!parts.empty()) text += list("bonds", parts);
  text += list("everything", {temperatures.all()});
  text += lengths(parts);
  return text;
}
