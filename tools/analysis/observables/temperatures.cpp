// Distribution of kinetic energy over elements, bonds and molecules.
#include "analysis/observables/temperatures.h"

#include "core/elements.h"
#include "core/units.h"

#include <algorithm>
#include <numeric>

namespace mlff {

namespace {

  /// Eigenvalues and eigenvectors (columns) of a symmetric matrix, by Jacobi's rotations.
  void eigen(std::array<double, 9> m, double values[3], double vectors[3][3])
  {
    for (int a = 0; a < 3; a++)
      for (int b = 0; b < 3; b++) vectors[a][b] = a == b;
    for (int sweep = 0; sweep < 50; sweep++) {
      const double off = m[1] * m[1] + m[2] * m[2] + m[5] * m[5];
      if (off <= 1e-30 * (m[0] * m[0] + m[4] * m[4] + m[8] * m[8])) break;
      for (int p = 0; p < 2; p++)
        for (int q = p + 1; q < 3; q++) {
          if (m[3 * p + q] == 0.0) continue;
          const double theta = 0.5 * (m[4 * q] - m[4 * p]) / m[3 * p + q];
          const double t =
              (theta >= 0.0 ? 1.0 : -1.0) / (std::abs(theta) + std::sqrt(theta * theta + 1.0));
          const double c = 1.0 / std::sqrt(t * t + 1.0), s = t * c;
          for (int k = 0; k < 3; k++) {
            const double kp = m[3 * k + p], kq = m[3 * k + q];
            m[3 * k + p] = c * kp - s * kq;
            m[3 * k + q] = s * kp + c * kq;
          }
          for (int k = 0; k < 3; k++) {
            const double pk = m[3 * p + k], qk = m[3 * q + k];
            m[3 * p + k] = c * pk - s * qk;
            m[3 * q + k] = s * pk + c * qk;
            const double vp = vectors[k][p], vq = vectors[k][q];
            vectors[k][p] = c * vp - s * vq;
            vectors[k][q] = s * vp + c * vq;
          }
        }
    }
    for (int a = 0; a < 3; a++) values[a] = m[4 * a];
  }

  constexpr double amu_to_eV = 1.0 / eV_in_amu_square_angstrom_per_square_ps;

  /// K, of an energy (eV) in some degrees of freedom.
  double temperature(double energy, double freedom)
  {
    return freedom > 1e-9 ? 2.0 * energy / (freedom * boltzmann) : 0.0;
  }

}    // namespace

Momenta momenta_of(const std::vector<int> &atoms, const std::vector<double> &masses,
                   const std::vector<double> &x, const std::vector<double> &v)
{
  Momenta p{};
  for (const int i : atoms) {
    p.mass += masses[i];
    for (int a = 0; a < 3; a++) {
      p.centre[a] += masses[i] * x[3 * i + a];
      p.linear[a] += masses[i] * v[3 * i + a];
    }
  }
  for (double &c : p.centre) c /= p.mass;
  p.linear_energy = 0.5 *
      (p.linear[0] * p.linear[0] + p.linear[1] * p.linear[1] + p.linear[2] * p.linear[2]) / p.mass *
      amu_to_eV;
  for (const int i : atoms) {
    const double r[3] = {x[3 * i] - p.centre[0], x[3 * i + 1] - p.centre[1],
                         x[3 * i + 2] - p.centre[2]};
    double u[3];
    for (int a = 0; a < 3; a++) u[a] = v[3 * i + a] - p.linear[a] / p.mass;
    const double square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
    for (int a = 0; a < 3; a++) {
      p.angular[a] +=
          masses[i] * (r[(a + 1) % 3] * u[(a + 2) % 3] - r[(a + 2) % 3] * u[(a + 1) % 3]);
      for (int b = 0; b < 3; b++)
        p.inertia[3 * a + b] += masses[i] * ((a == b) * square - r[a] * r[b]);
    }
  }
  double values[3], vectors[3][3];
  eigen(p.inertia, values, vectors);
  const double largest = std::max({values[0], values[1], values[2]});
  for (int k = 0; k < 3; k++) {
    if (!(values[k] > 1e-4 * largest) || largest < 1e-8) continue;
    p.rotations++;
    double along = 0.0;
    for (int a = 0; a < 3; a++) along += vectors[a][k] * p.angular[a];
    p.angular_energy += 0.5 * along * along / values[k] * amu_to_eV;
    for (int a = 0; a < 3; a++)
      for (int b = 0; b < 3; b++)
        p.inverse_inertia[3 * a + b] += vectors[a][k] * vectors[b][k] / values[k];
  }
  return p;
}

Temperatures::Temperatures(const Topology &topology, const std::vector<int> &numbers, bool momentum,
                           bool angular) :
    topology(topology),
    momentum(momentum), angular(angular)
{
  std::map<int, std::vector<int>> elements;
  std::map<std::string, std::vector<int>> hydrogens;
  for (int i = 0; i < int(numbers.size()); i++) {
    elements[numbers[i]].push_back(i);
    if (!topology.hydrogen[i].empty()) hydrogens[topology.hydrogen[i]].push_back(i);
  }
  for (const auto &[z, atoms] : elements) {
    names.push_back(element_symbol(z));
    groups.push_back(atoms);
  }
  if (hydrogens.size() > 1)
    for (const auto &[name, atoms] : hydrogens) {
      names.push_back(name);
      groups.push_back(atoms);
    }
  of_group.resize(groups.size());
  of_bonds.resize(topology.bonds.names.size());
}

void Temperatures::add(const Frame &frame)
{
  const auto &v = frame.structure.velocities;
  const auto &m = frame.structure.masses;
  const int n = int(m.size());
  std::vector<double> energy(n), freedom(n, 3.0);
  for (int i = 0; i < n; i++)
    energy[i] = 0.5 * m[i] *
        (v[3 * i] * v[3 * i] + v[3 * i + 1] * v[3 * i + 1] + v[3 * i + 2] * v[3 * i + 2]) *
        amu_to_eV;
  std::vector<int> atoms(n);
  std::iota(atoms.begin(), atoms.end(), 0);
  const Momenta whole = momenta_of(atoms, m, frame.x, v);
  for (int i = 0; i < n; i++) {
    if (momentum) freedom[i] -= 3.0 * m[i] / whole.mass;
    if (angular) {
      const double r[3] = {frame.x[3 * i] - whole.centre[0], frame.x[3 * i + 1] - whole.centre[1],
                           frame.x[3 * i + 2] - whole.centre[2]};
      const double square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
      for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++)
          freedom[i] -= m[i] * ((a == b) * square - r[a] * r[b]) * whole.inverse_inertia[3 * b + a];
    }
  }
  for (std::size_t g = 0; g < groups.size(); g++) {
    double sum = 0.0, sum_of_freedom = 0.0;
    for (const int i : groups[g]) {
      sum += energy[i];
      sum_of_freedom += freedom[i];
    }
    of_group[g].add(temperature(sum, sum_of_freedom));
  }
  last = std::accumulate(energy.begin(), energy.end(), 0.0);
  kinetic.add(last);
  all.add(temperature(last, std::accumulate(freedom.begin(), freedom.end(), 0.0)));
  add_molecules(frame, whole);
  add_bonds(frame);
}

void Temperatures::add_molecules(const Frame &frame, const Momenta &whole)
{
  const auto &v = frame.structure.velocities;
  const auto &m = frame.structure.masses;
  double move = 0.0, turn = 0.0;
  double lost_moving = momentum ? 3.0 : 0.0, lost_turning = 0.0;
  long rotations = 0;
  for (const auto &members : topology.members) {
    const Momenta p = topology.members.size() == 1 ? whole : momenta_of(members, m, frame.x, v);
    move += p.linear_energy;
    turn += p.angular_energy;
    rotations += p.rotations;
    if (!angular) continue;
    const double r[3] = {p.centre[0] - whole.centre[0], p.centre[1] - whole.centre[1],
                         p.centre[2] - whole.centre[2]};
    const double square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
    for (int a = 0; a < 3; a++)
      for (int b = 0; b < 3; b++) {
        lost_moving +=
            p.mass * ((a == b) * square - r[a] * r[b]) * whole.inverse_inertia[3 * b + a];
        lost_turning += p.inertia[3 * a + b] * whole.inverse_inertia[3 * b + a];
      }
  }
  const double moving = 3.0 * double(topology.members.size()) - lost_moving,
               turning = double(rotations) - lost_turning;
  const double rest =
      3.0 * double(m.size()) - 3.0 * double(topology.members.size()) - double(rotations);
  if (moving > 0.01) translation.add(temperature(move, moving));
  if (turning > 0.01) rotation.add(temperature(turn, turning));
  if (rest > 0.01) vibration.add(temperature(last - move - turn, rest));
}

void Temperatures::add_bonds(const Frame &frame)
{
  const auto &v = frame.structure.velocities;
  const auto &m = frame.structure.masses;
  std::vector<double> sum(of_bonds.size(), 0.0);
  std::vector<int> count(of_bonds.size(), 0);
  for (std::size_t b = 0; b < topology.bonds.atoms.size(); b++) {
    const auto [i, j] = topology.bonds.atoms[b];
    double r = 0.0, along = 0.0;
    for (int a = 0; a < 3; a++) {
      const double d = frame.x[3 * j + a] - frame.x[3 * i + a];
      r += d * d;
      along += d * (v[3 * j + a] - v[3 * i + a]);
    }
    if (r == 0.0) continue;
    sum[topology.bonds.kind[b]] +=
        m[i] * m[j] / (m[i] + m[j]) * along * along / r * amu_to_eV / boltzmann;
    count[topology.bonds.kind[b]]++;
  }
  for (std::size_t k = 0; k < sum.size(); k++) of_bonds[k].add(count[k] ? sum[k] / count[k] : 0.0);
}

std::vector<Quantity> Temperatures::quantities() const
{
  std::vector<Quantity> list;
  const auto add = [&](const std::string &name, const ScalarSeries &series) {
    if (series.n() > 0) list.push_back({"temperature_K", name, series.mean(), series.error()});
  };
  add("all", all);
  for (std::size_t g = 0; g < groups.size(); g++) add(names[g], of_group[g]);
  add("translation", translation);
  add("rotation", rotation);
  add("vibration", vibration);
  for (std::size_t k = 0; k < of_bonds.size(); k++) add(topology.bonds.names[k], of_bonds[k]);
  return list;
}

}    // namespace mlff
