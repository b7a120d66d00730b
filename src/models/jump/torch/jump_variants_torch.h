// Variants of the jump network for comparisons, in LibTorch only: kstep-egnn and kstep-transformer.
// Inputs, targets and frame are those of jump.h (p_i, g_i: scaled velocity and force; u_x, u_v:
// scaled predictions); between them stand other networks, and a head with a bound.
//
// kstep-egnn: an E(n)-equivariant graph network after V. G. Satorras, E. Hoogeboom, M. Welling,
// ICML 2021. Three vectors an atom:
// w_0 = p_i, w_1 = g_i and a displacement y_i that starts at 0 and moves the atom within the
// network, r_ij -> r_ij + y_j - y_i. A layer:
//   m_ij = silu(e1(silu(e0([h_i, h_j, phi(d), w_i.r/d, w_j.r/d, w_i.w_j])))) fc(d_0)           phi,
//   fc: radial and cutoff functions of PaiNN w_i += sum over j of r_ij/(d + 1) X(m_ij) + M(h_i)
//   w_i,   h_i += n1(silu(n0([h_i, sum over j of m_ij, w_i.w_i])))
// with X, M: features -> 3 and 3 x 3. Readout a_c = sum over k of G_ck(h_i) w_k.
//
// kstep-transformer: attention over the atoms within the cutoff, the atom itself included, with
// `heads` heads and a bias of the logits that is linear in the radial functions: alpha_ij = fc e^l
// / sum, l = q_i.k_j/√n + b(d) softly capped at 20. Scalars s and vectors V (F of each) start as in
// kstep-painn;
//   s_i += out(sum over j of alpha_ij a_j),   V_i += sum over j of alpha_ij (r_ij/d b_j + c_j V_j),
//   (a | b | c) = value(norm(s_j))
// followed by the update of PaiNN (norm: layer normalisation without weights). Readout as in
// kstep-painn.
//
// Corrected form: sums of vectors times functions of scalars; the head bounds the norm, u_c = a_c B
// tanh(|a_c|/B)/|a_c|. Equivariant. Published form: Cartesian velocities are scalar features at the
// start, s_i += velocity p_i, and the head bounds each component,
// u_c = B tanh(a_c/B). Both break rotations: known defect "rotation" (jump_defects).
#pragma once

#include "models/painn/torch/painn_torch.h"

#include <memory>

namespace mlff {

/// Input of a jump network: a system as tensors.
struct JumpTensors {
  torch::Tensor rows;                ///< [N] int
  torch::Tensor input;               ///< [N, 2, 3] scaled
  torch::Tensor centre, neighbor;    ///< [E] int
  torch::Tensor r;                   ///< [E, 3] double
};

/// A jump network between its scaled inputs and outputs.
class JumpNetwork {
 public:
  virtual ~JumpNetwork() = default;

  /// Returns u [N, 2, 3].
  virtual torch::Tensor forward(const JumpTensors &x) = 0;

  virtual NamedModule &module() = 0;
};

/// Network of a potential kstep-egnn or kstep-transformer, without its weights; null for other
/// models.
std::shared_ptr<JumpNetwork> make_jump_variant(const Potential &potential);

}    // namespace mlff
