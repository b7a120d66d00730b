// Potentials as a teacher.
#include "teacher/potentials_teacher.h"

#include "core/engine.h"
#include "core/errors.h"
#include "core/words.h"
#include "engine/make_engine.h"
#include "potential/potential.h"
#include "structure/lattice.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace mlff {

using Json = nlohmann::ordered_json;

namespace {

  class PotentialsTeacher : public Teacher {
   public:
    explicit PotentialsTeacher(const TeacherSettings &settings) :
        files(settings.value("models").get<std::vector<std::string>>()), threads(settings.threads)
    {
      for (const auto &path : files) potentials.push_back(Potential::read(path));
      make_engines();
    }

    Labels label(const Structure &structure) override
    {
      try {
        return labels_of(structure);
      } catch (const std::runtime_error &error) {
        // nothing of a failed evaluation stays
        make_engines();
        throw TeacherError(error.what());
      }
    }

    void set_reference(const Structure &structure) override { label(structure); }

    Json provenance() const override
    {
      return {{"settings", {{"models", files}}}, {"versions", Json::object()}, {"files", files}};
    }

    std::string citation() const override
    {
      std::vector<std::string> all;
      for (const auto &potential : potentials)
        if (!potential.citation.empty() &&
            std::find(all.begin(), all.end(), potential.citation) == all.end())
          all.push_back(potential.citation);
      return joined(all, "; ");
    }

    std::string lammps_commands(const std::string &elements, int, int) const override
    {
      std::string names;
      for (const auto &path : files) {
        const std::string name = std::filesystem::absolute(path).string();
        names += (name.find(' ') == std::string::npos ? name : "\"" + name + "\"") + " ";
      }
      return "pair_style      mlff\npair_coeff      * * " + names + elements + "\n";
    }

   private:
    std::vector<std::string> files;
    int threads;
    std::vector<Potential> potentials;
    std::vector<std::unique_ptr<Engine>> engines;
    GraphStorage graph;
    Result result;

    void make_engines()
    {
      engines.clear();
      for (const auto &potential : potentials) {
        EngineOptions options;
        options.precision = Precision::double_precision;
        options.threads = threads;
        engines.push_back(make_engine(potential, options));
      }
    }

    Labels labels_of(const Structure &structure)
    {
      const std::size_t n = structure.numbers.size(), m = engines.size();
      std::vector<std::vector<double>> forces(m);
      std::vector<double> energies;
      Labels labels;
      labels.atom_energy.assign(n, 0.0);
      std::array<double, 9> strain_gradient{};
      for (std::size_t k = 0; k < m; k++) {
        graph.clear();
        append_graph(structure, potentials[k].elements, potentials[k].cutoff, graph);
        engines[k]->evaluate(graph.view(), result);
        sum_forces(graph.view(), result, forces[k]);
        energies.push_back(result.energy[0]);
        for (std::size_t i = 0; i < n; i++)
          labels.atom_energy[i] += result.atom_energy[i] / double(m);
        add_strain_gradient(graph.view(), result, 0, 1.0 / double(m), strain_gradient);
      }
      set_mean_and_spread(energies, forces, labels);
      if (structure.periodic == std::array{true, true, true}) {
        const double volume = cell_volume(structure.cell);
        for (double &value : strain_gradient) value /= volume;
        labels.stress = strain_gradient;
      }
      return labels;
    }

    static void set_mean_and_spread(const std::vector<double> &energies,
                                    const std::vector<std::vector<double>> &forces, Labels &labels)
    {
      const std::size_t m = energies.size(), n = labels.atom_energy.size();
      double mean = 0.0, spread = 0.0;
      for (const double e : energies) mean += e / double(m);
      for (const double e : energies) spread += (e - mean) * (e - mean) / double(m);
      labels.energy = mean;
      labels.forces.assign(3 * n, 0.0);
      for (const auto &f : forces)
        for (std::size_t k = 0; k < 3 * n; k++) labels.forces[k] += f[k] / double(m);
      if (m < 2) return;
      labels.energy_spread = std::sqrt(spread);
      labels.force_spread.assign(n, 0.0);
      for (const auto &f : forces)
        for (std::size_t k = 0; k < 3 * n; k++)
          labels.force_spread[k / 3] +=
              (f[k] - labels.forces[k]) * (f[k] - labels.forces[k]) / double(m);
      for (double &s : labels.force_spread) s = std::sqrt(s);
    }
  };

}    // namespace

const TeacherKind &potentials_teacher_kind()
{
  static const TeacherKind kind = {"potentials",
                                   {{.key = "models",
                                     .option = "--model",
                                     .type = TeacherSetting::Type::files,
                                     .help = "potentials; of several the mean, and their spread"}},
                                   [](const TeacherSettings &settings) -> std::unique_ptr<Teacher> {
                                     return std::make_unique<PotentialsTeacher>(settings);
                                   }};
  return kind;
}

}    // namespace mlff
