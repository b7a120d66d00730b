// Gradient of a loss with respect to the weights of molecule-mlp: as for PaiNN, dL/dw is the
// derivative of c E + dE/dx . t by the weights, where c = dL/dE and t is the change of the inputs
// as the atoms move by -dL/dF.
#include "models/molecule_mlp/molecule_mlp.h"

#include "core/errors.h"
#include "models/painn/host/painn_host.h"

#include <omp.h>

#include <algorithm>
#include <cmath>

namespace mlff {

namespace {

  template <typename T> class MoleculeGradient : public WeightGradient {
   public:
    MoleculeGradient(const Potential &potential, const EngineOptions &options) :
        host(options, molecule_mlp_kernels), molecule(molecule_record(potential)),
        matcher(molecule_record(potential), potential.elements, potential.cutoff),
        layers(potential), reference_energy(potential.tensors.at("reference_energy").values),
        threads(host.threads)
    {
      set_weights(flat_weights(potential));
      together = std::max(1, rows_per_group / layers.weights.permutations);
    }

    void set_weights(std::span<const double> flat) override { layers.set(flat); }

    void add_gradient(const Graph &graph, const LossDerivative &loss,
                      std::span<double> gradient) override
    {
      require_whole_systems(graph, "training takes whole systems: the graph has ghosts");
      try {
        matcher.find(graph);
      } catch (const MoleculeMismatch &error) {
        throw EngineError(error.what());
      }
      const int structures = graph.n_structures();
      if (matcher.n_molecules() != structures)
        throw EngineError("training of molecule-mlp takes one molecule " + molecule.formula() +
                          " a structure");
      atom_energy.resize(graph.n_centres());
      energy_bar.resize(graph.n_centres());
      force.resize(3 * std::size_t(graph.n_centres()));
      force_bar.resize(3 * std::size_t(graph.n_centres()));
      std::fill(force.begin(), force.end(), 0.0);

      const int n_groups = (structures + together - 1) / together,
                used = std::clamp(n_groups, 1, host.threads);
      ThreadError errors;
#pragma omp parallel num_threads(used)
      {
        ThreadMemory &memory = threads[omp_get_thread_num()];
        errors.run([&] {
          lay_out_sums(memory);
        });
#pragma omp barrier
#pragma omp for schedule(static)
        for (int g = 0; g < n_groups; g++)
          errors.run([&] {
            run(graph, g * together, std::min((g + 1) * together, structures), loss, memory);
          });
      }
      errors.rethrow();
      for (int t = 0; t < used; t++) layers.add_sums(threads[t].sums, gradient);
    }

    EngineInfo info() const override
    {
      return host.info();
    }

   private:
    static constexpr int rows_per_group = 48;

    HostKernels<T, MoleculeFunctions> host;
    int together;
    BondedMolecule molecule;
    MoleculeMatcher matcher;
    MoleculeLayers<T> layers;
    std::vector<double> reference_energy;

    struct ThreadMemory {    // memory of one thread
      Buffer<T> sum_values, values;
      Buffer<double> slopes;
      MoleculeSums<T> sums{};
      double readout_bias = 0.0;
    };
    std::vector<ThreadMemory> threads;
    std::vector<double> atom_energy, energy_bar, force, force_bar;

    /// Zero sums of a thread.
    void lay_out_sums(ThreadMemory &memory) const
    {
      const auto &weights = layers.weights;
      T *at = nullptr;
      const auto take = [&at](std::size_t n) {
        T *here = at;
        at += n;
        return here;
      };
      const auto walk = [&] {
        int in = weights.pairs;
        for (int l = 0; l < weights.layers; l++) {
          const int width = weights.layer[l].width;
          memory.sums.weight[l] = take(std::size_t(in) * width);
          memory.sums.bias[l] = take(width);
          in = width;
        }
        memory.sums.readout = take(in);
      };
      walk();
      const std::size_t size = std::size_t(at - static_cast<T *>(nullptr));
      at = memory.sum_values.resize(size);
      std::fill_n(at, size, T(0));
      walk();
      memory.readout_bias = 0.0;
      memory.sums.readout_bias = &memory.readout_bias;
    }

    /// Work space of a group of molecules, and what links its inputs to the atoms.
    struct Group {
      MoleculeGradientWork<T> work;
      T *x, *tangent, *c;
      double *slope;               // [molecules][pairs] dx/dd / d
      const int *edges, *atoms;    // [molecules][pairs], [molecules][atoms]
      std::size_t stride;          // numbers between the inputs of two molecules
    };

    Group lay_out(int first, int count, ThreadMemory &memory) const
    {
      const auto &weights = layers.weights;
      const std::size_t stride = weights.pairs_padded + 1, pairs = weights.pairs,
                        rows = std::size_t(count) * weights.permutations;
      std::size_t size = 0, widest = 0;
      for (int l = 0; l < weights.layers; l++) {
        size += 6 * rows * weights.layer[l].width;
        widest = std::max(widest, rows * weights.layer[l].width);
      }
      T *at = memory.values.resize(size + 2 * widest + 2 * rows * weights.pairs_padded +
                                   3 * count * stride + 2 * feature_block + count);
      const auto take = [&at](std::size_t k) {
        T *here = at;
        at += k;
        return here;
      };
      Group group;
      MoleculeGradientWork<T> &work = group.work;
      work.molecules = count;
      work.X = take(rows * weights.pairs_padded);
      work.X_dot = take(rows * weights.pairs_padded);
      for (int l = 0; l < weights.layers; l++)
        for (auto *list : {work.h, work.slope, work.bend, work.bar, work.a_dot, work.h_dot})
          list[l] = take(rows * weights.layer[l].width);
      work.work_bar = take(widest);
      work.next_bar = take(widest);
      work.x = group.x = take(count * stride);
      work.tangent = group.tangent = take(count * stride);
      work.c = group.c = take(count);
      work.x_bar = take(count * stride);
      group.slope = memory.slopes.resize(std::size_t(count) * pairs + count);
      work.energy = group.slope + std::size_t(count) * pairs;
      group.edges = matcher.edges().data() + std::size_t(first) * pairs;
      group.atoms = matcher.atoms().data() + std::size_t(first) * molecule.n_atoms();
      group.stride = stride;
      std::fill_n(group.x, count * stride, T(0));
      std::fill_n(group.tangent, count * stride, T(0));
      return group;
    }

    /// Inputs of a group, and their derivatives by the distances.
    void set_inputs(const Graph &graph, const Group &group) const
    {
      const auto &weights = layers.weights;
      const int pairs = weights.pairs;
      for (int m = 0; m < group.work.molecules; m++)
        for (int p = 0; p < pairs; p++) {
          const double *r = &graph.r[3 * std::size_t(group.edges[m * pairs + p])];
          const double inverse = 1.0 / std::sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]),
                       width = 1.0 / weights.input_scale[p];
          group.x[m * group.stride + p] = T((inverse - weights.input_mean[p]) * width);
          group.slope[std::size_t(m) * pairs + p] = -width * inverse * inverse * inverse;
        }
    }

    /// body(molecule, its atoms i and j, vector between them, number of the pair in the group)
    template <typename Body>
    void for_each_pair(const Graph &graph, const Group &group, const Body &body) const
    {
      const int n = molecule.n_atoms(), pairs = layers.weights.pairs;
      for (int m = 0; m < group.work.molecules; m++) {
        const int *atom = group.atoms + std::size_t(m) * n;
        for (int i = 0, p = 0; i < n; i++)
          for (int j = 0; j < i; j++, p++)
            body(m, std::size_t(atom[i]), std::size_t(atom[j]),
                 &graph.r[3 * std::size_t(group.edges[m * pairs + p])], p);
      }
    }

    /// Energies of atoms and forces of a group.
    void set_predictions(const Graph &graph, const Group &group)
    {
      const int n = molecule.n_atoms(), pairs = layers.weights.pairs;
      for (int m = 0; m < group.work.molecules; m++)
        for (int k = m * n; k < (m + 1) * n; k++)
          atom_energy[group.atoms[k]] =
              reference_energy[graph.species[group.atoms[k]]] + group.work.energy[m] / n;
      for_each_pair(graph, group, [&](int m, std::size_t i, std::size_t j, const double *r, int p) {
        const double g = group.slope[std::size_t(m) * pairs + p] *
            double(group.work.x_bar[m * group.stride + p]);
        for (int a = 0; a < 3; a++) {
          force[3 * i + a] += g * r[a];
          force[3 * j + a] -= g * r[a];
        }
      });
    }

    /// Weights of the energies, and the change of the inputs as the atoms move by -dL/dF.
    void set_direction(const Graph &graph, const Group &group) const
    {
      const int n = molecule.n_atoms(), pairs = layers.weights.pairs;
      for (int m = 0; m < group.work.molecules; m++) {
        double sum = 0.0;
        for (int k = m * n; k < (m + 1) * n; k++) sum += energy_bar[group.atoms[k]];
        group.c[m] = T(sum / n);
      }
      for_each_pair(graph, group, [&](int m, std::size_t i, std::size_t j, const double *r, int p) {
        double change = 0.0;
        for (int a = 0; a < 3; a++) change += r[a] * (force_bar[3 * i + a] - force_bar[3 * j + a]);
        group.tangent[m * group.stride + p] = T(group.slope[std::size_t(m) * pairs + p] * change);
      });
    }

    /// Structures first .. last-1.
    void run(const Graph &graph, int first, int last, const LossDerivative &loss,
             ThreadMemory &memory)
    {
      const auto &weights = layers.weights;
      const Group group = lay_out(first, last - first, memory);
      set_inputs(graph, group);
      host.call.gradient.forward(weights, group.work);
      set_predictions(graph, group);
      loss(first, last,
           {atom_energy.data(), force.data(), nullptr, energy_bar.data(), force_bar.data(),
            nullptr});
      set_direction(graph, group);
      host.call.gradient.backward(weights, group.work, memory.sums);
    }
  };

}    // namespace

std::unique_ptr<WeightGradient> make_molecule_gradient(const Potential &potential,
                                                       const EngineOptions &options, bool)
{
  return make_in_precision<WeightGradient, MoleculeGradient>(potential, options);
}

}    // namespace mlff
