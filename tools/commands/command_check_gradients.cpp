// mlff check-gradients: every derivative that forces are made of, against differences and against
// autograd.
#include "commands/sub_command.h"
#include "core/elements.h"
#include "core/progress.h"
#include "data/trajectory.h"
#include "engine/make_engine.h"
#include "models/painn/host/painn_engine_host.h"
#include "models/painn/painn_sizes.h"
#include "program/exit_code.h"
#include "program/json_output.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>

namespace mlff {

namespace {

  struct CheckGradientsOptions {
    std::string model, data;
    int frames = 5;
    double tolerance = 1e-7, autograd_tolerance = 1e-10;
    bool json = false;
  };

  /// Largest difference seen, relative to the larger of the reference's size and 1.
  struct Worst {
    double difference = 0.0, size = 0.0;
    long n = 0;

    void add(double value, double reference)
    {
      // a difference that is not a number must win
      const double d = std::abs(value - reference);
      if (!(d <= difference)) difference = d;
      size = std::max(size, std::abs(reference));
      n++;
    }
    double relative() const { return difference / std::max(1.0, size); }
  };

  /// Fourth-order central difference.
  double slope_of(const std::function<double(double)> &f, double x, double h)
  {
    return (8.0 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12.0 * h);
  }

  class Check {
   public:
    explicit Check(const CheckGradientsOptions &options) :
        options(options), potential(Potential::read(options.model))
    {
      const auto make = [&](const std::string &name) {
        return make_engine(potential, {name, Precision::double_precision, 1, "cpu", Filter::exact});
      };
      host = make("host");
      const auto available = available_engines();
      if (std::find(available.begin(), available.end(), "torch") != available.end())
        autograd = make("torch");
    }

    void run()
    {
      if (painn_sizes(potential).features > 0) radial_parts();
      const auto reader = open_trajectory(options.data, {.units = "metal"});
      Progress progress("mlff check-gradients");
      Structure frame;
      int n = 0;
      for (; n < options.frames && reader->next(frame); n++) {
        progress.update(double(n) / options.frames, "frame " + std::to_string(n + 1));
        check_frame(frame, n + 1);
      }
      if (n == 0) throw FileError("data file '" + options.data + "' holds no frame");
      progress.update(1.0, std::to_string(n) + " frames");
    }

    /// Prints the table; true where everything is within tolerance.
    bool report() const
    {
      bool good = true;
      nlohmann::ordered_json list = nlohmann::json::array();
      if (!options.json)
        std::printf("%-34s %-12s %8s %12s %12s %10s\n", "derivative", "against", "values",
                    "largest", "difference", "");
      const auto row = [&](const std::string &what, const std::string &against, const Worst &worst,
                           double tolerance) {
        const bool fits = worst.relative() <= tolerance;
        good = good && fits;
        list.push_back({{"derivative", what},
                        {"against", against},
                        {"values", worst.n},
                        {"largest", worst.size},
                        {"difference", worst.relative()},
                        {"tolerance", tolerance},
                        {"within", fits}});
        if (!options.json)
          std::printf("%-34s %-12s %8ld %12.4g %12.2e %10s\n", what.c_str(), against.c_str(),
                      worst.n, worst.size, worst.relative(), fits ? "ok" : "TOO LARGE");
      };
      row("radial functions", "differences", radial, options.tolerance);
      row("cutoff function", "differences", cutoff, options.tolerance);
      row("edge filters", "differences", filter, options.tolerance);
      for (const auto &[z, worst] : difference_of_element)
        row("forces on " + element_symbol(z), "differences", worst, options.tolerance);
      if (autograd) {
        for (const auto &[z, worst] : autograd_of_element)
          row("forces on " + element_symbol(z), "autograd", worst, options.autograd_tolerance);
        for (const auto &[key, worst] : autograd_of_edge) {
          const auto &[pair, bin] = key;
          char name[64];
          std::snprintf(name, sizeof name, "edge %s-%s, %.1f to %.1f A",
                        element_symbol(pair.first).c_str(), element_symbol(pair.second).c_str(),
                        bin * bin_width, (bin + 1) * bin_width);
          row(name, "autograd", worst, options.autograd_tolerance);
        }
      }
      row("accumulation: net force", "zero", net_force, options.autograd_tolerance);
      row("accumulation: net torque", "zero", net_torque, options.autograd_tolerance);
      if (options.json)
        std::printf("%s\n",
                    nlohmann::ordered_json{{"model", options.model},
                                           {"data", options.data},
                                           {"within_tolerance", good},
                                           {"checks", list}}
                        .dump(2)
                        .c_str());
      else
        std::printf("\ndifferences are relative to the largest value where that is above 1; "
                    "tolerance %.0e (differences), %.0e (autograd, accumulation)%s\n",
                    options.tolerance, options.autograd_tolerance,
                    autograd ? "" : "; this build has no LibTorch: autograd is not compared");
      return good;
    }

   private:
    static constexpr double bin_width = 0.5;    // Å

    CheckGradientsOptions options;
    Potential potential;
    std::unique_ptr<Engine> host, autograd;
    Worst radial, cutoff, filter, net_force, net_torque;
    std::map<int, Worst> difference_of_element, autograd_of_element;
    std::map<std::pair<std::pair<int, int>, int>, Worst> autograd_of_edge;

    void radial_parts()
    {
      const double h = 1e-3, spacing = potential.cutoff / (painn_sizes(potential).radial - 1);
      for (int point = 1; point < 50; point++) {
        const double d = 0.3 + (potential.cutoff - 0.3 - 3 * h) * point / 50.0;
        for (int k = 0; k < painn_sizes(potential).radial; k++)
          radial.add(radial_function(k, d, spacing).slope,
                     slope_of(
                         [&](double x) {
                           return radial_function(k, x, spacing).value;
                         },
                         d, h));
        cutoff.add(cutoff_function(d, potential.cutoff).slope,
                   slope_of(
                       [&](double x) {
                         return cutoff_function(x, potential.cutoff).value;
                       },
                       d, h));
        for (int l = 0; l < painn_sizes(potential).layers; l++) {
          const auto W = painn_filter(potential, l, d), p1 = painn_filter(potential, l, d + h),
                     m1 = painn_filter(potential, l, d - h),
                     p2 = painn_filter(potential, l, d + 2 * h),
                     m2 = painn_filter(potential, l, d - 2 * h);
          for (std::size_t f = 0; f < W.size(); f++)
            filter.add(W[f].slope,
                       (8.0 * (p1[f].value - m1[f].value) - (p2[f].value - m2[f].value)) /
                           (12.0 * h));
        }
      }
    }

    void check_frame(Structure frame, int number)
    {
      GraphStorage graph;
      Result result;
      std::vector<double> forces;
      const auto evaluate = [&](Engine &engine) {
        graph.clear();
        try {
          append_graph(frame, potential.elements, potential.cutoff, graph);
        } catch (const StructureError &error) {
          throw FileError("data file '" + options.data + "', frame " + std::to_string(number) +
                          ": " + error.what());
        }
        engine.evaluate(graph.view(), result);
        // without the reference energies, whose size would drown the differences
        double energy = 0.0;
        for (std::size_t i = 0; i < result.atom_energy.size(); i++)
          energy += result.atom_energy[i] -
              potential.tensors.at("reference_energy").values[graph.species[i]];
        return energy;
      };
      evaluate(*host);
      sum_forces(graph.view(), result, forces);
      const auto analytic = forces;
      const auto edges = result.gradient;
      const int n = frame.n_atoms();
      // torques from edges, r x g, also hold in periodic cells
      double force[3] = {0, 0, 0}, torque[3] = {0, 0, 0};
      for (int k = 0; k < 3 * n; k++) force[k % 3] += analytic[k];
      for (std::size_t e = 0; e < graph.neighbor.size(); e++)
        for (int a = 0; a < 3; a++)
          torque[a] += graph.r[3 * e + (a + 1) % 3] * edges[3 * e + (a + 2) % 3] -
              graph.r[3 * e + (a + 2) % 3] * edges[3 * e + (a + 1) % 3];
      // A long-range block adds torques from positions, x x g.
      const auto &x = graph.position;
      const auto &g = result.position_gradient;
      for (std::size_t k = 0; k < g.size(); k += 3)
        for (int a = 0; a < 3; a++)
          torque[a] +=
              x[k + (a + 1) % 3] * g[k + (a + 2) % 3] - x[k + (a + 2) % 3] * g[k + (a + 1) % 3];
      for (int a = 0; a < 3; a++) {
        net_force.add(force[a], 0.0);
        net_torque.add(torque[a], 0.0);
      }
      if (autograd) {
        evaluate(*autograd);
        sum_forces(graph.view(), result, forces);
        for (int k = 0; k < 3 * n; k++)
          autograd_of_element[frame.numbers[k / 3]].add(analytic[k], forces[k]);
        for (int i = 0; i < n; i++)
          for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++) {
            const double d = std::hypot(graph.r[3 * e], graph.r[3 * e + 1], graph.r[3 * e + 2]);
            const std::pair key{std::pair{frame.numbers[i], frame.numbers[graph.neighbor[e]]},
                                int(d / bin_width)};
            for (int a = 0; a < 3; a++)
              autograd_of_edge[key].add(edges[3 * e + a], result.gradient[3 * e + a]);
          }
      }
      for (int k = 0; k < 3 * n; k++) {
        const double x = frame.positions[k];
        const double slope = slope_of(
            [&](double moved) {
              frame.positions[k] = moved;
              return evaluate(*host);
            },
            x, 5e-4);
        frame.positions[k] = x;
        difference_of_element[frame.numbers[k / 3]].add(analytic[k], -slope);
      }
    }
  };

}    // namespace

void add_command_check_gradients(CLI::App &program)
{
  CommandOptions<CheckGradientsOptions> options(
      program, "check-gradients",
      "Compare hand-written derivatives with autograd and "
      "differences; exit code 3 beyond tolerance");
  add_model_option(options.app, options->model);
  options.app.add_option("--data", options->data, "frames: rMD17 .npz or extended XYZ")->required();
  OptionGroup group(options.app);
  group.add_above_zero("--frames", options->frames, "how many frames");
  group.add_above_zero("--tolerance", options->tolerance, "against differences");
  group.add_above_zero("--autograd-tolerance", options->autograd_tolerance, "against autograd");
  add_json_option(options.app, options->json);
  options.app.footer("Example:\n  mlff check-gradients --model ethanol.safetensors --data "
                     "rmd17_ethanol_test_01.npz");
  options.app.callback([options] {
    Check check(*options);
    check.run();
    if (!check.report()) throw CLI::RuntimeError(exit_judged);
  });
}

}    // namespace mlff
