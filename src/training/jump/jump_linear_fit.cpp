// The linear fit of jumps, which networks correct, and the scales of inputs and targets.
#include "training/jump/jump_linear_fit.h"

#include "core/units.h"
#include "models/jump/jump_record.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace mlff {

namespace {

  /// Sums of the normal equations of one species and stride.
  struct Normal {
    double vv = 0, vf = 0, ff = 0, xv = 0, xf = 0, wv = 0, wf = 0;

    /// The fit of a change, a v + b f, from its products with v and f.
    std::array<double, 2> solve(double with_v, double with_f) const
    {
      const double determinant = vv * ff - vf * vf;
      return {(with_v * ff - with_f * vf) / determinant, (with_f * vv - with_v * vf) / determinant};
    }
  };

  double length(const double *p)
  {
    return std::sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]);
  }

  class LinearFit {
   public:
    LinearFit(const WindowSource &source, Potential &potential) :
        source(source), potential(potential), record(jump_record(potential)),
        n_strides(int(record.strides.size())), n_species(potential.n_species()),
        normal(std::size_t(n_strides) * n_species)
    {
    }

    /// Sums of the normal equations, ranges of the species, mean squares of the inputs.
    void sum_up()
    {
      for (auto &species : record.species)
        species.velocity = species.force = species.displacement = species.velocity_change = 0.0;
      visit([&](int k, const NveTrajectory &trajectory) {
        for (int i = 0; i < trajectory.n_atoms(); i++) {
          widen_range(i, record.species[trajectory.species[i]]);
          add_atom(i, trajectory.mass[i], 1e-3 * record.strides[k],
                   normal[std::size_t(k) * n_species + trajectory.species[i]]);
        }
      });
    }

    /// Fills linear but for the rows to keep; rows without windows become velocity Verlet.
    void solve(const std::vector<bool> &keep)
    {
      Tensor &linear = potential.tensors["linear"];
      linear = {"F64", {n_strides * n_species, 2, 2}, linear.values};
      linear.values.resize(std::size_t(n_strides) * n_species * 4);
      for (std::size_t row = 0; row < normal.size(); row++) {
        if (row < keep.size() && keep[row]) continue;
        double *A = &linear.values[4 * row];
        if (normal[row].vv * normal[row].ff - normal[row].vf * normal[row].vf >
            1e-12 * normal[row].vv * normal[row].ff) {
          const auto x = normal[row].solve(normal[row].xv, normal[row].xf),
                     w = normal[row].solve(normal[row].wv, normal[row].wf);
          std::copy(x.begin(), x.end(), A);
          std::copy(w.begin(), w.end(), A + 2);
        } else {
          const double verlet[] = {1.0, 0.5, 0.0, 1.0};
          std::copy(verlet, verlet + 4, A);
        }
      }
    }

    void set_scales()
    {
      potential.tensors["input_scale"] = {
          "F64", {2}, {std::sqrt(sums[0] / double(count)), std::sqrt(sums[1] / double(count))}};
      Tensor &target_scale = potential.tensors["target_scale"];
      target_scale = {"F64", {n_strides, 2}, std::vector<double>(2 * std::size_t(n_strides), 1.0)};
      const JumpVariables variables(potential);
      std::vector<double> square(2 * std::size_t(n_strides), 0.0), number(n_strides, 0.0), u;
      visit([&](int k, const NveTrajectory &) {
        variables.targets(batch.graph.view(), batch.input(), batch.reference, u);
        for (std::size_t c = 0; c < u.size(); c++) square[2 * k + (c / 3) % 2] += u[c] * u[c];
        number[k] += double(u.size()) / 2;
      });
      // data that the linear fit explains wholly leave nothing to divide by
      for (std::size_t c = 0; c < square.size(); c++)
        target_scale.values[c] = std::max(std::sqrt(square[c] / number[c / 2]), 1e-9);
    }

   private:
    const WindowSource &source;
    Potential &potential;
    JumpRecord &record;
    int n_strides, n_species;
    std::vector<Normal> normal;    // [strides][species]
    double sums[2] = {0, 0};       // squares of the inputs, of velocities and of accelerations
    long count = 0;
    JumpBatch batch;

    /// Calls `use` with stride and trajectory of some windows, one after another in `batch`.
    template <typename Use> void visit(const Use &use)
    {
      constexpr int every = 4;
      for (int k = 0; k < n_strides; k++)
        for (Window window : source.all(k, every))
          for (const bool backward : {false, true}) {
            if (backward && !source.reverses()) continue;
            window.reversed = backward;
            batch.clear();
            append_window(window, 0.0, batch);
            use(k, *window.trajectory);
          }
    }

    void widen_range(int i, JumpRecord::Species &range) const
    {
      range.velocity = std::max(range.velocity, length(&batch.velocity[3 * i]));
      range.force = std::max(range.force, length(&batch.force[3 * i]));
      range.displacement =
          std::max(range.displacement, length(&batch.reference.displacement[3 * i]));
      range.velocity_change =
          std::max(range.velocity_change, length(&batch.reference.velocity_change[3 * i]));
    }

    /// Adds an atom of mass m over a stride of T ps. All terms are velocities.
    void add_atom(int i, double m, double stride_ps, Normal &sum)
    {
      for (int c = 3 * i; c < 3 * i + 3; c++) {
        const double v = batch.velocity[c],
                     f = stride_ps * eV_in_amu_square_angstrom_per_square_ps * batch.force[c] / m;
        const double x = batch.reference.displacement[c] / stride_ps,
                     w = batch.reference.velocity_change[c];
        sum.vv += v * v;
        sum.vf += v * f;
        sum.ff += f * f;
        sum.xv += x * v;
        sum.xf += x * f;
        sum.wv += w * v;
        sum.wf += w * f;
        sums[0] += m * v * v;
        sums[1] += f * f * m / (stride_ps * stride_ps);
        count++;
      }
    }
  };

}    // namespace

void fit_linear(const WindowSource &source, const std::vector<NveTrajectory> &trajectories,
                Potential &potential, const std::vector<bool> &keep, bool keep_scales)
{
  LinearFit fit(source, potential);
  fit.sum_up();
  fit.solve(keep);
  if (!keep_scales) fit.set_scales();
  for (const auto &trajectory : trajectories)
    for (int i = 0; i < trajectory.n_atoms(); i++)
      jump_record(potential).species[trajectory.species[i]].mass = trajectory.mass[i];
}

}    // namespace mlff
