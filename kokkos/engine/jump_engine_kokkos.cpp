/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#include "kokkos/engine/jump_engine_kokkos.h"

#include "kokkos/common/kokkos_copies.h"
#include "kokkos/models/jump_kokkos.h"

#include "kokkos_type.h"

using namespace LAMMPS_NS;

namespace {

template <class DeviceType, typename T> class JumpEngineKokkos : public mlff::JumpEngine {
 public:
  JumpEngineKokkos(const mlff::Potential &potential, bool spline) :
      variables(potential), filter(spline ? "spline" : "exact")
  {
    jump.set_weights(potential, spline);
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

  std::string description() const override
  {
    return std::string("Kokkos ") + DeviceType::name() + ", " +
        (sizeof(T) == sizeof(float) ? "single" : "double") + " precision, " + filter + " filter";
  }

 private:
  JumpKokkos<DeviceType, T> jump;
  mlff::JumpVariables variables;
  std::string filter;
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
  const bool single = options.precision == mlff::Precision::single_precision;
  const bool spline = options.filter == mlff::Filter::spline ||
      (options.filter == mlff::Filter::automatic && single);
  if (single) return std::make_unique<JumpEngineKokkos<LMPDeviceType, float>>(potential, spline);
  return std::make_unique<JumpEngineKokkos<LMPDeviceType, double>>(potential, spline);
}
