// Variables and control methods of jumps, and a jump network with random weights.
#include "models/jump/jump.h"

#include "core/elements.h"
#include "core/errors.h"
#include "core/units.h"
#include "models/random_model.h"
#include "potential/model_kind.h"
#include "structure/vector3.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace mlff {

namespace {

  constexpr double c = eV_in_amu_square_angstrom_per_square_ps;

  using Matrix = std::array<Vector3, 3>;

  /// Sum of m x over the atoms of a structure, divided by their mass; x [n][3].
  Vector3 mean_of(const double *mass, const double *x, int n)
  {
    Vector3 sum = {0, 0, 0};
    double total = 0.0;
    for (int i = 0; i < n; i++) {
      total += mass[i];
      for (int a = 0; a < 3; a++) sum[a] += mass[i] * x[3 * i + a];
    }
    for (double &s : sum) s /= total;
    return sum;
  }

  /// Eigenvalues of a symmetric matrix and, as columns of `axes`, its eigenvectors: Jacobi
  /// rotations.
  Vector3 eigenvalues(Matrix A, Matrix &axes)
  {
    axes = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
    for (int sweep = 0; sweep < 30; sweep++) {
      const double off = A[0][1] * A[0][1] + A[0][2] * A[0][2] + A[1][2] * A[1][2];
      if (off <= 1e-30 * (A[0][0] * A[0][0] + A[1][1] * A[1][1] + A[2][2] * A[2][2])) break;
      for (int p = 0; p < 2; p++)
        for (int q = p + 1; q < 3; q++) {
          if (A[p][q] == 0.0) continue;
          const double theta = (A[q][q] - A[p][p]) / (2.0 * A[p][q]);
          const double t = std::copysign(1.0, theta) /
              (std::abs(theta) + std::sqrt(theta * theta + 1.0)),
                       cosine = 1.0 / std::sqrt(t * t + 1.0), sine = t * cosine;
          for (int k = 0; k < 3; k++) {
            const double x = A[k][p], y = A[k][q];
            A[k][p] = cosine * x - sine * y;
            A[k][q] = sine * x + cosine * y;
          }
          for (int k = 0; k < 3; k++) {
            const double x = A[p][k], y = A[q][k];
            A[p][k] = cosine * x - sine * y;
            A[q][k] = sine * x + cosine * y;
          }
          for (int k = 0; k < 3; k++) {
            const double x = axes[k][p], y = axes[k][q];
            axes[k][p] = cosine * x - sine * y;
            axes[k][q] = sine * x + cosine * y;
          }
        }
    }
    return {A[0][0], A[1][1], A[2][2]};
  }

  void require_size(const char *what, std::size_t found, std::size_t expected)
  {
    if (found != expected)
      throw EngineError(std::string("a jump got ") + std::to_string(found) + " " + what +
                        "; expected " + std::to_string(expected));
  }

}    // namespace

JumpVariables::JumpVariables(const Potential &potential) :
    n_species(potential.n_species()), linear(potential.tensors.at("linear").values),
    input_scale(potential.tensors.at("input_scale").values),
    target_scale(potential.tensors.at("target_scale").values)
{
  for (const double fs : jump_record(potential).strides) stride.push_back(1e-3 * fs);
  for (const auto &species : jump_record(potential).species) mass.push_back(species.mass);
}

void JumpVariables::start(const Graph &graph, const JumpInput &input, std::vector<int> &rows,
                          std::vector<double> &scaled) const
{
  const std::size_t n = graph.n_centres();
  require_whole_systems(graph, "a jump takes whole systems: the graph has ghosts");
  require_size("masses", input.mass.size(), n);
  require_size("velocity components", input.velocity.size(), 3 * n);
  require_size("force components", input.force.size(), 3 * n);
  if (!input.stride.empty()) require_size("strides", input.stride.size(), graph.n_structures());
  rows.resize(n);
  scaled.resize(6 * n);
  for (int s = 0; s < graph.n_structures(); s++) {
    const int begin = graph.first_atom[s], end = graph.first_atom[s + 1],
              which = stride_of(input, s);
    if (which < 0 || which >= int(stride.size()))
      throw EngineError("structure " + std::to_string(s + 1) + " asks for stride " +
                        std::to_string(which) + "; this jump network has " +
                        std::to_string(stride.size()));
    const Vector3 drift = mean_of(&input.mass[begin], &input.velocity[3 * begin], end - begin);
    for (int i = begin; i < end; i++) {
      const int species = graph.species[i];
      if (!(std::abs(input.mass[i] - mass[species]) <= 0.01 * mass[species]))
        throw EngineError(
            "atom " + std::to_string(i + 1) + " has mass " + std::to_string(input.mass[i]) +
            " g/mol; this jump network learned with " + std::to_string(mass[species]));
      const double root = std::sqrt(input.mass[i]);
      rows[i] = row(species, which);
      for (int a = 0; a < 3; a++) {
        scaled[6 * i + a] = root * (input.velocity[3 * i + a] - drift[a]) / input_scale[0];
        scaled[6 * i + 3 + a] = c * input.force[3 * i + a] / root / input_scale[1];
      }
    }
  }
}

void JumpVariables::targets(const Graph &graph, const JumpInput &input, const JumpResult &reference,
                            std::vector<double> &u) const
{
  u.resize(6 * std::size_t(graph.n_centres()));
  for (int s = 0; s < graph.n_structures(); s++) {
    const int begin = graph.first_atom[s], end = graph.first_atom[s + 1],
              which = stride_of(input, s);
    const double stride_ps = stride[which];
    const Vector3 drift = mean_of(&input.mass[begin], &input.velocity[3 * begin], end - begin);
    for (int i = begin; i < end; i++) {
      const double root = std::sqrt(input.mass[i]), *A = &linear[4 * row(graph.species[i], which)];
      for (int a = 0; a < 3; a++) {
        const double v = input.velocity[3 * i + a] - drift[a],
                     f = c * input.force[3 * i + a] / input.mass[i];
        u[6 * i + a] = root *
            (reference.displacement[3 * i + a] - drift[a] * stride_ps - A[0] * stride_ps * v -
             A[1] * stride_ps * stride_ps * f) /
            target_scale[2 * which];
        u[6 * i + 3 + a] = root *
            (reference.velocity_change[3 * i + a] - A[2] * v - A[3] * stride_ps * f) /
            target_scale[2 * which + 1];
      }
    }
  }
}

void JumpVariables::finish(const Graph &graph, const JumpInput &input, std::span<const double> u,
                           JumpResult &result) const
{
  result.displacement.resize(3 * std::size_t(graph.n_centres()));
  result.velocity_change.resize(3 * std::size_t(graph.n_centres()));
  for (int s = 0; s < graph.n_structures(); s++) {
    const int begin = graph.first_atom[s], n = graph.first_atom[s + 1] - begin,
              which = stride_of(input, s);
    const double stride_ps = stride[which], *mass = &input.mass[begin];
    const Vector3 drift = mean_of(mass, &input.velocity[3 * begin], n);
    double *dx = &result.displacement[3 * begin], *dv = &result.velocity_change[3 * begin];
    for (int i = 0; i < n; i++) {
      const double root = std::sqrt(mass[i]),
                   *A = &linear[4 * row(graph.species[begin + i], which)],
                   *u_x = &u[6 * (begin + i)], *u_v = u_x + 3;
      for (int a = 0; a < 3; a++) {
        const double v = input.velocity[3 * (begin + i) + a] - drift[a],
                     f = c * input.force[3 * (begin + i) + a] / mass[i];
        dx[3 * i + a] = A[0] * stride_ps * v + A[1] * stride_ps * stride_ps * f +
            target_scale[2 * which] * u_x[a] / root;
        dv[3 * i + a] =
            A[2] * v + A[3] * stride_ps * f + target_scale[2 * which + 1] * u_v[a] / root;
      }
    }
    const Vector3 net_x = mean_of(mass, dx, n), net_v = mean_of(mass, dv, n);
    for (int i = 0; i < n; i++)
      for (int a = 0; a < 3; a++) {
        dx[3 * i + a] += drift[a] * stride_ps - net_x[a];
        dv[3 * i + a] -= net_v[a];
        if (!std::isfinite(dx[3 * i + a]) || !std::isfinite(dv[3 * i + a]))
          throw StateError("the jump of atom " + std::to_string(begin + i + 1) +
                           " is not finite: atoms at the same position, or far outside what the "
                           "model was trained on");
      }
  }
}

void control_jump(const Potential &potential, JumpControl control, const Graph &graph,
                  const JumpInput &input, JumpResult &result)
{
  if (control == JumpControl::linear) {
    const std::vector<double> nothing(6 * std::size_t(graph.n_centres()), 0.0);
    JumpVariables(potential).finish(graph, input, nothing, result);
    return;
  }
  result.displacement.assign(3 * std::size_t(graph.n_centres()), 0.0);
  result.velocity_change.assign(3 * std::size_t(graph.n_centres()), 0.0);
  if (control == JumpControl::zero) return;
  for (int s = 0; s < graph.n_structures(); s++) {
    const double stride_ps =
        1e-3 * jump_record(potential).strides[input.stride.empty() ? 0 : input.stride[s]];
    for (int i = graph.first_atom[s]; i < graph.first_atom[s + 1]; i++)
      for (int k = 3 * i; k < 3 * i + 3; k++) {
        const double f = control == JumpControl::verlet ? c * input.force[k] / input.mass[i] : 0.0;
        result.displacement[k] = stride_ps * input.velocity[k] + 0.5 * stride_ps * stride_ps * f;
        result.velocity_change[k] = stride_ps * f;
      }
  }
}

void restore_angular_momentum(std::span<const double> mass, std::span<const double> x_start,
                              std::span<const double> v_start, std::span<const double> x_end,
                              std::span<double> v_end)
{
  const int n = int(mass.size());
  Vector3 change = {0, 0, 0};
  Matrix inertia = {};
  const Vector3 centre = mean_of(mass.data(), x_end.data(), n);
  for (const bool end : {false, true}) {
    const double *x = end ? x_end.data() : x_start.data(), *v = end ? v_end.data() : v_start.data();
    const Vector3 middle = mean_of(mass.data(), x, n), drift = mean_of(mass.data(), v, n);
    for (int i = 0; i < n; i++) {
      Vector3 place, speed;
      for (int a = 0; a < 3; a++) {
        place[a] = x[3 * i + a] - middle[a];
        speed[a] = mass[i] * (v[3 * i + a] - drift[a]);
      }
      const Vector3 L = cross(place, speed);
      for (int a = 0; a < 3; a++) change[a] += end ? L[a] : -L[a];
      if (!end) continue;
      const double square = place[0] * place[0] + place[1] * place[1] + place[2] * place[2];
      for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++)
          inertia[a][b] += mass[i] * ((a == b ? square : 0.0) - place[a] * place[b]);
    }
  }
  // axes with less than a thousandth of the largest moment are those of linear molecules (and of
  // single atoms)
  Matrix axes;
  const Vector3 moment = eigenvalues(inertia, axes);
  const double smallest = 1e-3 * std::max({moment[0], moment[1], moment[2]});
  Vector3 w = {0, 0, 0};
  for (int k = 0; k < 3; k++) {
    if (!(moment[k] > smallest)) continue;
    const double along = axes[0][k] * change[0] + axes[1][k] * change[1] + axes[2][k] * change[2];
    for (int a = 0; a < 3; a++) w[a] += axes[a][k] * along / moment[k];
  }
  for (int i = 0; i < n; i++) {
    const Vector3 turn = cross(
        w, {x_end[3 * i] - centre[0], x_end[3 * i + 1] - centre[1], x_end[3 * i + 2] - centre[2]});
    for (int a = 0; a < 3; a++) v_end[3 * i + a] -= turn[a];
  }
}

void append_pairs(std::span<const int> species, std::span<const double> positions, double cutoff,
                  GraphStorage &graph)
{
  const int n = int(species.size()), first = int(graph.species.size());
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) {
      if (i == j) continue;
      const double r[3] = {positions[3 * j] - positions[3 * i],
                           positions[3 * j + 1] - positions[3 * i + 1],
                           positions[3 * j + 2] - positions[3 * i + 2]};
      const double square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
      if (!(square < cutoff * cutoff)) continue;
      if (square < 1e-12)
        throw StateError("atoms " + std::to_string(i + 1) + " and " + std::to_string(j + 1) +
                         " are at the same position");
      graph.neighbor.push_back(first + j);
      graph.r.insert(graph.r.end(), r, r + 3);
    }
    graph.first_edge.push_back(int(graph.neighbor.size()));
  }
  graph.species.insert(graph.species.end(), species.begin(), species.end());
  graph.first_atom.push_back(first + n);
}

std::vector<std::string> jump_defects(const Potential &potential)
{
  if (jump_record(potential).published) return {"rotation"};
  return {};
}

Potential random_jump(const PainnSizes &sizes, const std::vector<int> &elements,
                      const std::vector<double> &strides, double cutoff, unsigned seed,
                      const std::string &model, bool published)
{
  Potential potential;
  potential.set_kind(model_kind(model));
  painn_sizes(potential) = sizes;
  JumpRecord &jump = jump_record(potential);
  jump.published = published;
  jump.timestep = 0.5;
  jump.strides = strides;
  potential.elements = elements;
  potential.cutoff = cutoff;
  potential.date = "2026-01-01";
  for (const int z : elements)
    jump.species.push_back(
        {element_symbol(z), "", z == 1 ? 1.008 : 2.0 * z, 40.0, 10.0, 0.5, 60.0});
  Uniform uniform(seed);
  for (const auto &[name, entry] : tensors_of(potential)) {
    const auto &shape = entry.shape;
    Tensor tensor;
    tensor.shape = shape;
    const double width = name == "embedding" ? 1.5
        : name == "vectors"                  ? 0.5
        : shape.size() == 2                  ? 1.0 / std::sqrt(double(shape[1]))
                                             : 0.1;
    // single precision from the start: reading back what was written then changes nothing
    for (std::size_t i = 0; i < entry.size(); i++)
      tensor.values.push_back(float(width * uniform()));
    potential.tensors[name] = tensor;
  }
  const double rows = double(strides.size() * elements.size());
  Tensor &linear = potential.tensors["linear"];
  linear.dtype = "F64";
  for (int k = 0; k < int(rows); k++)
    for (int entry = 0; entry < 4; entry++)
      linear.values[4 * k + entry] = (entry == 2       ? -0.1
                                          : entry == 1 ? 0.4
                                                       : 0.9) +
          0.05 * uniform();
  potential.tensors["input_scale"] = {"F64", {2}, {15.0, 3000.0}};
  Tensor &scale = potential.tensors["target_scale"];
  scale.dtype = "F64";
  for (double &x : scale.values) x = 0.1 + 0.05 * uniform();
  return potential;
}

}    // namespace mlff
