// The host engine of kstep-painn.
#include "models/jump/host/jump_host.h"

#include "models/jump/host/jump_kernels.h"
#include "models/jump/jump_tensors.h"
#include "models/painn/host/painn_host.h"

namespace mlff {

namespace {

  template <typename T> class HostJump : public JumpEngine {
   public:
    HostJump(const Potential &potential, const EngineOptions &options) :
        host(options, jump_kernels), variables(potential)
    {
      const bool spline = filter_for(options.filter, precision_of_type<T>) == Filter::spline;
      auto &layers = packing.begin_layers(potential, spline, weights.painn);
      weights.painn.H = weights.painn.F;
      PackingWalk<T> walk(potential, packing, false);
      walk_jump(potential, walk, PainnPlaces{weights.painn, weights, layers, weights});
    }

    void evaluate(const Graph &graph, const JumpInput &given, JumpResult &result) override
    {
      variables.start(graph, given, rows, input);
      output.resize(input.size());
      space.prepare(graph, weights.painn, host.threads, false);
      space.work.species = rows.data();
      const JumpWork<T> work{space.work, input.data(), output.data()};
      host.call.evaluate(weights, work, useful_threads(graph));
      variables.finish(graph, given, output, result);
    }

    EngineInfo info() const override
    {
      EngineInfo info = host.info();
      info.filter = weights.painn.knots ? Filter::spline : Filter::exact;
      return info;
    }

   private:
    HostKernels<T, JumpFunctions> host;
    JumpVariables variables;
    PainnPacking<T> packing;
    JumpWeights<T> weights;
    PainnWorkspace<T> space;
    std::vector<int> rows;
    std::vector<double> input, output;

    int useful_threads(const Graph &graph) const
    {
      // Half a millisecond of work a thread, like the engine of energies.
      const double F = weights.painn.F, L = weights.painn.L;
      const double flops = graph.n_atoms() * 20.0 * F * F * L + graph.n_edges() * 60.0 * F * L;
      return int(std::clamp(flops / 2e7, 1.0, double(host.threads)));
    }
  };

}    // namespace

std::unique_ptr<JumpEngine> make_host_jump(const Potential &potential, const EngineOptions &options)
{
  return make_in_precision<JumpEngine, HostJump>(potential, options);
}

}    // namespace mlff
