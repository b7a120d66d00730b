// Feeds the frames of a trajectory to every observable and collects the report.
#include "analysis/analysis.h"

#include "core/elements.h"
#include "core/units.h"

#include <algorithm>
#include <map>
#include <numbers>
#include <numeric>

namespace mlff {

namespace {

  std::string formula(const std::vector<int> &numbers)
  {
    std::map<int, int> count;
    for (const int z : numbers) count[z]++;
    std::string text;
    for (const auto &[z, n] : count) text += element_symbol(z) + (n > 1 ? std::to_string(n) : "");
    return text;
  }

  bool any(const std::array<bool, 3> &flags)
  {
    return flags[0] || flags[1] || flags[2];
  }

}    // namespace

std::vector<double> made_whole(const Structure &frame, const Topology &topology)
{
  std::vector<double> x = frame.positions;
  std::array<double, 9> to_fraction;
  auto cell = frame.cell;
  for (int a = 0; a < 3; a++)
    if (!frame.periodic[a] && cell[3 * a] == 0.0 && cell[3 * a + 1] == 0.0 &&
        cell[3 * a + 2] == 0.0)
      cell[4 * a] = 1.0;
  if (!any(frame.periodic) || !inverse(cell, to_fraction)) return x;
  std::vector<bool> placed(frame.numbers.size(), false);
  for (const auto &members : topology.members) {
    // members come in the order in which bonds reach them
    placed[members.front()] = true;
    for (const int i : members)
      for (const int j : topology.neighbors[i]) {
        if (placed[j]) continue;
        placed[j] = true;
        const double d[3] = {x[3 * j] - x[3 * i], x[3 * j + 1] - x[3 * i + 1],
                             x[3 * j + 2] - x[3 * i + 2]};
        for (int a = 0; a < 3; a++) {
          if (!frame.periodic[a]) continue;
          const double whole = std::round(d[0] * to_fraction[a] + d[1] * to_fraction[3 + a] +
                                          d[2] * to_fraction[6 + a]);
          for (int k = 0; k < 3; k++) x[3 * j + k] -= whole * cell[3 * a + k];
        }
      }
  }
  return x;
}

TrajectoryAnalysis::TrajectoryAnalysis(const std::string &path, const AnalysisOptions &options,
                                       const std::function<void(double, long)> &report) :
    name(path)
{
  TrajectoryFrames frames(path, options.frames);
  interval = frames.interval();
  int rdf_every = options.rdf_every;
  try {
    for (Frame frame; frames.next(frame);) {
      if (n_frames == 0) {
        start(frames, frame, options);
        // frames of different weight may alternate
        if (rdf_every == 0) rdf_every = weighted ? 1 : std::max(1, atoms() / 500);
      }
      add(frame, rdf_every);
      if (report) report(frames.progress(), n_frames);
    }
  } catch (const StructureError &error) {
    throw FileError("data file '" + path + "', frame " + std::to_string(n_frames) + ": " +
                    error.what());
  }
  if (n_frames == 0)
    throw FileError("data file '" + path + "' holds no frame" +
                    (options.frames.skip > 0.0
                         ? " after the " + std::to_string(options.frames.skip) + " ps to skip"
                         : ""));
  if (!(total_weight > 0.0))
    throw FileError("data file '" + path + "': the weights of all frames are 0 ('" +
                    options.frames.weights + "')");
  finish();
}

void TrajectoryAnalysis::start(TrajectoryFrames &frames, Frame &frame,
                               const AnalysisOptions &options)
{
  const Structure &s = frame.structure;
  numbers = s.numbers;
  all.resize(numbers.size());
  std::iota(all.begin(), all.end(), 0);
  open = !any(s.periodic);
  topology = find_topology(s, options.bonds);
  if (!topology.left_out.empty()) remarks.push_back(topology.left_out);
  frame.x = made_whole(s, topology);
  frames.go_on_from(frame.x);

  const bool timed = std::isfinite(interval) && interval > 0.0;
  if (options.frames.skip > 0.0 && !timed)
    throw FileError("data file '" + name +
                    "' does not say how far apart its frames are, and a time is to be skipped; "
                    "--interval does");
  if (!timed && options.frames.weights.empty())
    remarks.push_back("no times in the file: no correlation functions, flips or drift (--interval "
                      "gives the time between frames)");
  weighted = !options.frames.weights.empty();
  if (weighted)
    remarks.push_back("frames with weights: no correlation functions, velocities, flips or drift");
  else if (timed)
    start_correlations(s, options);
  effective = std::make_unique<EffectiveSamples>(topology, s, options.memory << 20);
  if (effective->torsions() < topology.torsions.atoms.size())
    remarks.push_back("series of " + std::to_string(topology.torsions.atoms.size()) +
                      " torsions do not fit into the memory allowed (--memory): no effective "
                      "samples of torsions");
  coordinates = std::make_unique<CoordinateDistributions>(topology);

  distances = std::make_unique<PairDistances>(numbers, pair_distance_limit(s, options.r_max));

  if (!s.velocities.empty() && !weighted) start_velocities(frames, frame, timed);
}

void TrajectoryAnalysis::start_correlations(const Structure &s, const AnalysisOptions &options)
{
  const int width = 3 * atoms();
  const std::size_t signals = s.velocities.empty() ? 1 : 2;
  const auto fitting =
      (options.memory << 20) / signals / std::max<std::size_t>(1, Correlation::bytes(width, 1));
  const auto wanted = std::size_t(std::ceil(options.lag / interval - 1e-6)) + 1;
  lags = int(std::clamp<std::size_t>(std::min(wanted, fitting), 2, 1'000'000));
  if (std::size_t(lags) < wanted) {
    char text[160];
    std::snprintf(
        text, sizeof text,
        "correlation functions end at %.4g ps, for which the memory allowed lasts (--memory)",
        longest_lag());
    remarks.push_back(text);
  }
  displacements = std::make_unique<Displacements>(numbers, lags);
  if (!topology.torsions.atoms.empty())
    torsions = std::make_unique<TorsionMotion>(topology, lags, options.core);
}

double TrajectoryAnalysis::pair_distance_limit(const Structure &s, double r_max)
{
  if (std::all_of(s.periodic.begin(), s.periodic.end(), [](bool p) {
        return p;
      })) {
    const auto &h = s.cell;
    const double volume =
        std::abs(h[0] * (h[4] * h[8] - h[5] * h[7]) - h[1] * (h[3] * h[8] - h[5] * h[6]) +
                 h[2] * (h[3] * h[7] - h[4] * h[6]));
    // neighbor lists of a million pairs at most
    const double most =
        std::cbrt(1e6 / atoms() * volume / atoms() * 3.0 / (4.0 * std::numbers::pi));
    if (most < r_max) {
      r_max = std::max(2.0, std::floor(most));
      remarks.push_back("pair distances end at " + std::to_string(int(r_max)) +
                        " Angstrom in a system of this size");
    }
  }
  return r_max;
}

void TrajectoryAnalysis::start_velocities(TrajectoryFrames &frames, const Frame &frame, bool timed)
{
  const Structure &s = frame.structure;
  // Momenta count as conserved only if they are zero in this frame and in those read ahead: a
  // thermostat would have moved them by then.
  bool momentum = atoms() > 1, angular_too = open;
  std::vector<const Structure *> first = {&s};
  for (const auto &one : frames.read_ahead()) first.push_back(&one);
  for (const auto *one : first) {
    if (one->velocities.empty()) continue;
    const Momenta p =
        momenta_of(all, one->masses, one == &s ? frame.x : one->positions, one->velocities);
    double kinetic = 0.0;
    for (std::size_t k = 0; k < one->velocities.size(); k++)
      kinetic += 0.5 * one->masses[k / 3] * one->velocities[k] * one->velocities[k];
    kinetic /= eV_in_amu_square_angstrom_per_square_ps;
    momentum = momentum && p.linear_energy <= 1e-7 * kinetic;
    angular_too = angular_too && momentum && p.angular_energy <= 1e-7 * kinetic;
  }
  temperatures = std::make_unique<Temperatures>(topology, numbers, momentum, angular_too);
  if (momentum)
    remarks.push_back(angular_too
                          ? "total momentum and angular momentum are zero: their degrees of "
                            "freedom do not count"
                          : "total momentum is zero: its degrees of freedom do not count");
  if (timed) spectrum = std::make_unique<VelocitySpectrum>(numbers, lags);
  if (timed && s.energy) drift = std::make_unique<EnergyDrift>(atoms());
}

void TrajectoryAnalysis::add(const Frame &frame, int rdf_every)
{
  const Structure &s = frame.structure;
  if (!frame.follows) n_windows++;
  const bool moving = temperatures && !s.velocities.empty();
  if (temperatures && s.velocities.empty())
    throw FileError("data file '" + name + "', frame " + std::to_string(n_frames + 1) +
                    ": it has no velocities, the first frame has some");
  if (s.energy) {
    with_energy++;
    potential.add(*s.energy);
    weight_of_potential.add(frame.weight);
  }
  total_weight += frame.weight;
  if (moving) {
    with_velocities++;
    temperatures->add(frame);
    if (spectrum) spectrum->add(frame);
    const Momenta p = momenta_of(all, s.masses, frame.x, s.velocities);
    linear.add(std::hypot(p.linear[0], p.linear[1], p.linear[2]));
    if (open) angular.add(std::hypot(p.angular[0], p.angular[1], p.angular[2]));
    if (drift && s.energy)
      drift->add(frame.time, *s.energy, temperatures->last_kinetic_energy(), frame.follows);
  }
  coordinates->add(frame);
  effective->add(frame);
  if (torsions) torsions->add(frame);
  if (displacements) displacements->add(frame);
  if (n_frames % rdf_every == 0) distances->add(s, frame.weight);
  n_frames++;
}

void TrajectoryAnalysis::finish()
{
  const auto take = [&](const std::vector<Quantity> &list) {
    found.insert(found.end(), list.begin(), list.end());
  };
  effective->finish();
  const auto *energy = effective->energy();
  if (energy && weighted && std::isfinite(energy->of.mean)) {
    found.push_back({"potential_energy_eV", "mean", energy->of.mean, energy->of.error});
    found.push_back({"potential_energy_eV", "deviation", energy->of.deviation});
  } else if (energy && !weighted) {
    found.push_back({"potential_energy_eV", "mean", potential.mean(), potential.error()});
    found.push_back({"potential_energy_eV", "deviation", potential.deviation()});
    found.push_back(
        {"potential_energy_eV", "autocorrelation time, frames", potential.correlation_time()});
  } else
    remarks.push_back("no energies in the file: no distribution of the potential energy, no drift");
  if (drift) {
    drift->finish();
    take(drift->quantities());
  }
  if (temperatures) {
    take(temperatures->quantities());
    found.push_back({"momentum_amu_A_per_ps", "mean length", linear.mean(), linear.error()});
    if (angular.n() > 0)
      found.push_back(
          {"angular_momentum_amu_A2_per_ps", "mean length", angular.mean(), angular.error()});
  } else if (!weighted)
    remarks.push_back("no velocities in the file: no temperatures, momenta or spectra");
  take(coordinates->quantities());
  if (torsions) {
    torsions->finish(interval);
    take(torsions->quantities());
  }
  if (displacements) {
    displacements->finish(interval);
    take(displacements->quantities());
  }
  if (spectrum) spectrum->finish(interval);
}

std::vector<Curve> TrajectoryAnalysis::curves() const
{
  std::vector<Curve> list = coordinates->curves();
  const auto take = [&](std::vector<Curve> more) {
    for (auto &curve : more) list.push_back(std::move(curve));
  };
  take(distances->curves());
  if (spectrum) take(spectrum->curves());
  if (displacements) take(displacements->curves());
  if (torsions) take(torsions->curves());
  if (potential.n() > 0) {
    Curve curve{"potential_energy", "samples", {}, potential.kept()};
    for (std::size_t k = 0; k < curve.y.size(); k++)
      curve.x.push_back(double(k) * double(potential.stride()));
    if (weighted)
      list.push_back({"potential_energy", "weights", curve.x, weight_of_potential.kept()});
    list.push_back(std::move(curve));
  }
  return list;
}

/// Numbers with weights are all taken, and count for the effective number.
WeightedSamples TrajectoryAnalysis::samples_of_potential(bool independent) const
{
  WeightedSamples samples;
  if (weighted) {
    samples.x = potential.kept();
    samples.weights = weight_of_potential.kept();
    const auto &of = effective->energy()->of;
    samples.effective = of.undefined.empty() ? of.effective : 1.0;
  } else {
    samples.x = independent ? potential.independent() : potential.kept();
    samples.effective = double(samples.x.size());
  }
  return samples;
}

std::vector<Quantity> TrajectoryAnalysis::compare_potential(const TrajectoryAnalysis &other) const
{
  const auto mean_of = [](const TrajectoryAnalysis &a) {
    for (const auto &q : a.found)
      if (q.section == "potential_energy_eV" && q.name == "mean") return q;
    return Quantity();
  };
  const Quantity mean = mean_of(*this), reference = mean_of(other);
  if (!std::isfinite(mean.value) || !std::isfinite(reference.value)) return {};
  const auto here = samples_of_potential(true), there = other.samples_of_potential(true);
  const auto ks = weighted_kolmogorov_smirnov(here, there);
  return {{"potential_energy", "difference of means, meV", 1000.0 * (mean.value - reference.value),
           1000.0 * std::hypot(mean.error, reference.error)},
          {"potential_energy", "Jensen-Shannon distance",
           weighted_jensen_shannon(samples_of_potential(false), other.samples_of_potential(false))},
          {"potential_energy", "Kolmogorov-Smirnov statistic", ks.statistic},
          {"potential_energy", "Kolmogorov-Smirnov p", ks.p},
          {"potential_energy", "independent samples",
           std::floor(std::min(here.effective, there.effective))}};
}

std::vector<VelocitySpectrum::Peak> TrajectoryAnalysis::peaks() const
{
  return spectrum ? spectrum->peaks() : std::vector<VelocitySpectrum::Peak>();
}

std::vector<Quantity> TrajectoryAnalysis::compare(const TrajectoryAnalysis &other) const
{
  if (numbers != other.numbers)
    throw FileError(
        "'" + name + "' holds " + formula(numbers) + " and '" + other.name + "' " +
        formula(other.numbers) +
        (formula(numbers) == formula(other.numbers) ? " with atoms in another order" : "") +
        "; expected the same atoms in the same order");
  std::vector<Quantity> list;
  const auto take = [&](const std::vector<Quantity> &more) {
    list.insert(list.end(), more.begin(), more.end());
  };
  const auto difference = [&](const std::string &section, const std::string &as) {
    for (const auto &here : found) {
      if (here.section != section) continue;
      for (const auto &there : other.found)
        if (there.section == section && there.name == here.name)
          list.push_back(
              {as, here.name, here.value - there.value, std::hypot(here.error, there.error)});
    }
  };
  difference("temperature_K", "temperature_difference_K");
  take(coordinates->compare(*other.coordinates));
  take(distances->compare(*other.distances));
  take(compare_potential(other));
  difference("torsion_msd_at_0.5_ps_rad2", "torsion_msd_difference_rad2");
  if (spectrum && other.spectrum) {
    // each peak of the other one, where this sampling shows it, against the nearest one here
    const auto peaks_here = peaks();
    double square = 0.0, worst = 0.0, n = 0.0;
    for (const auto &peak : other.peaks()) {
      if (peaks_here.empty() || peak.height < 0.1) continue;
      const double place = folded(peak.wavenumber, nyquist());
      double nearest = HUGE_VAL;
      for (const auto &candidate : peaks_here)
        nearest = std::min(nearest, std::abs(candidate.wavenumber - place));
      square += nearest * nearest;
      worst = std::max(worst, nearest);
      n++;
    }
    if (n > 0.0) {
      list.push_back({"vdos_peaks_per_cm", "root mean square", std::sqrt(square / n)});
      list.push_back({"vdos_peaks_per_cm", "largest", worst});
      list.push_back({"vdos_peaks_per_cm", "peaks compared", n});
    }
  }
  return list;
}

}    // namespace mlff
