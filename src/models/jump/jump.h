// Jump networks: positions, velocities and forces in, the state one stride later out.
//
// Notation: atom i has mass m, velocity v, force F; T is the stride, dx and dv are the changes of
// its position and velocity over it. Inputs are p = √m v and g = c F / √m (c turns eV/Å into
// (g/mol) Å/ps²), each divided by its root mean square in training. The linear fit of a species is
// dx = A_00 T v + A_01 T² cF/m, dv = A_10 v + A_11 T cF/m (velocity Verlet with one step: 1, 1/2,
// 1, 1 and the force of the start). The network predicts what is left, u_x = √m (dx - linear) and
// u_v = √m (dv - linear), each divided by its root mean square.
//
// Network (model kstep-painn): the messages and updates of K. Schütt, O. Unke, M. Gastegger, ICML
// 2021, started with
//   s_i = embedding[row],  v_i = vectors[row][0] p_i + vectors[row][1] g_i
// where a row is a species and a stride, and read out as  u_c = sum over f of G_cf v_if,  G = D2
// silu(D1 s_i + d1) + d2.  Every step is a sum of vectors times functions of scalars: rotations and
// reflections of the input do the same to the output.
//
// Frame: v is taken relative to the centre of mass; of dx and dv the net displacement and momentum
// are removed, then the centre of mass moves as it did.
#pragma once

#include "core/jump_engine.h"
#include "models/jump/jump_record.h"
#include "models/painn/painn_sizes.h"
#include "potential/potential.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace mlff {

/// Known defects of a jump network, one word each: "rotation" where rotations of the input do not
/// rotate the output (the published form of kstep-egnn and kstep-transformer). Empty for
/// kstep-painn and corrected forms.
std::vector<std::string> jump_defects(const Potential &potential);

/// The control methods of a jump, and the linear fit of a potential.
enum class JumpControl {
  zero,         ///< nothing moves
  ballistic,    ///< dx = v T, dv = 0
  verlet,       ///< dx = v T + F T²/2m, dv = F T/m
  linear        ///< the linear fit of the potential
};
void control_jump(const Potential &potential, JumpControl control, const Graph &graph,
                  const JumpInput &input, JumpResult &result);

/// Inputs of a network and its predictions for all atoms: the change of variables of the comment
/// above.
class JumpVariables {
 public:
  explicit JumpVariables(const Potential &potential);

  /// Row of an atom in embedding, vectors and linear.
  int row(int species, int stride) const { return stride * n_species + species; }

  /// Checks sizes, strides and masses; fills the rows [n] and the scaled inputs [n][2][3], relative
  /// to the centre of mass. Throws EngineError.
  void start(const Graph &graph, const JumpInput &input, std::vector<int> &rows,
             std::vector<double> &scaled) const;

  /// The inverse for targets: scaled u_x and u_v [n][2][3] of a known result.
  void targets(const Graph &graph, const JumpInput &input, const JumpResult &reference,
               std::vector<double> &u) const;

  /// Turns scaled u_x and u_v [n][2][3] into the result, with net displacement and momentum
  /// removed. Throws EngineError where a number is not finite.
  void finish(const Graph &graph, const JumpInput &input, std::span<const double> u,
              JumpResult &result) const;

 private:
  int n_species;
  std::vector<double> stride, mass, linear, input_scale, target_scale;    // strides in ps

  int stride_of(const JumpInput &input, int structure) const
  {
    return input.stride.empty() ? 0 : input.stride[structure];
  }
};

/// Takes the change of the angular momentum over a jump out of the velocities at its end: v' -= w ×
/// (x' - centre), with w = I⁻¹ (L' - L) of the new positions. For isolated molecules, whose angular
/// momentum is conserved; along axes about which there is (almost) no moment of inertia, as in
/// linear molecules, nothing is done. mass [n] g/mol; positions [n][3] Å and velocities [n][3] Å/ps
/// at start and end.
void restore_angular_momentum(std::span<const double> mass, std::span<const double> x_start,
                              std::span<const double> v_start, std::span<const double> x_end,
                              std::span<double> v_end);

/// Appends the graph of an isolated structure: every ordered pair within the cutoff (Å), positions
/// [n][3] Å. Throws EngineError where two atoms are on one place. Faster than append_graph for
/// molecules.
void append_pairs(std::span<const int> species, std::span<const double> positions, double cutoff,
                  GraphStorage &graph);

/// Jump network with random weights of about the size that trained ones have; strides in fs.
Potential random_jump(const PainnSizes &sizes, const std::vector<int> &elements,
                      const std::vector<double> &strides, double cutoff = 6.0, unsigned seed = 1,
                      const std::string &model = "kstep-painn", bool published = false);

}    // namespace mlff
