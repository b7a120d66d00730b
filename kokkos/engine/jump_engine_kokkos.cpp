/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#include "kokkos/engine/jump_engine_kokkos.h"

#include "kokkos/common/kokkos_copies.h"
#include "kokkos/common/kokkos_device.h"
#include "kokkos/models/jump_kokkos.h"

#include "kokkos_type.h"

using namespace LAMMPS_NS;

namespace {

template <class DeviceType, typename T> class JumpEngineKokkos : public mlff::JumpEngine {
 public:
  JumpEngineKokkos(const mlff::Potential &potential, const mlff::EngineOptions &options) :
      variables(potential), own(kokkos_info<DeviceType, T>(options))
  {
    jump.set_weights(potential, own.filter == mlff::Filter::spline);
  }

  void evaluate(const mlff::Graph &graph, const mlff::JumpInput &given,
                mlff::JumpResult &result) override
  {
    variables.start(graph, given, rows, scaled);
    centres_of(graph, centre);
    jump.resize_atoms(graph.n_atoms());
    jump.resize_edges(graph.n_edges());
    copy_to_device(jump.species, rows);
    copy_to_device(jump.first_edge, graph.first_edge);
    copy_to_device(jump.centre, centre);
    copy_to_device(jump.neighbor, graph.neighbor);
    copy_to_device(jump.r, graph.r);
    copy_to_device(jump.input, scaled);
    jump.evaluate();
    u.resize(scaled.size());
    copy_to_host(u, jump.output);
    variables.finish(graph, given, u, result);
  }

  mlff::EngineInfo info() const override { return own; }

 private:
  JumpKokkos<DeviceType, T> jump;
  mlff::JumpVariables variables;
  mlff::EngineInfo own;
  std::vector<int> rows, centre;
  std::vector<double> scaled, u;
};

}    // namespace

/* ---------------------------------------------------------------------- */

std::unique_ptr<mlff::JumpEngine> LAMMPS_NS::make_kokkos_jump(const mlff::Potential &potential,
                                                              const mlff::EngineOptions &options)
{
  if (potential.model != "kstep-painn")
    throw mlff::EngineError("the Kokkos engine of jumps runs kstep-painn; this is a model '" +
                            potential.model + "'");
  if (!Kokkos::is_initialized())
    throw mlff::EngineError(
        "the Kokkos engine of jumps needs LAMMPS with Kokkos on: start it with -k on");
  if (options.precision == mlff::Precision::single_precision)
    return std::make_unique<JumpEngineKokkos<LMPDeviceType, float>>(potential, options);
  return std::make_unique<JumpEngineKokkos<LMPDeviceType, double>>(potential, options);
}
