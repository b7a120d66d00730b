// Potentials with measured errors: the shipped one on frames of the repository, and the published
// ensemble where its weights lie beside the checkout.
#include "core/units.h"
#include "data/trajectory.h"
#include "engine/make_engine.h"
#include "import/import_schnetpack.h"
#include "models/jump/jump_record.h"
#include "support/painn_reference.h"
#include "training/jump/jump_report.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <filesystem>

using namespace mlff;

namespace {

/// Mean absolute force error in meV/Å.
double force_error(const Potential &potential, const std::string &data,
                   const EngineOptions &options)
{
  const auto engine = make_engine(potential, options);
  const auto reader = open_trajectory(data);
  GraphStorage graph;
  std::vector<double> labels, forces;
  for (Structure frame; reader->next(frame);) {
    append_graph(frame, potential.elements, potential.cutoff, graph);
    labels.insert(labels.end(), frame.forces.begin(), frame.forces.end());
  }
  Result result;
  engine->evaluate(graph.view(), result);
  sum_forces(graph.view(), result, forces);
  double sum = 0.0;
  for (std::size_t k = 0; k < labels.size(); k++) sum += std::abs(forces[k] - labels[k]);
  return sum / double(labels.size()) / meV;
}

TEST(ShippedPotential, ErrorOnLabelledFrames)
{
  const Potential potential = Potential::read(SHIPPED_POTENTIAL);
  for (const auto &engine : available_engines())
    for (const auto precision : {Precision::single_precision, Precision::double_precision})
      EXPECT_NEAR(
          force_error(potential, TEST_DATA "/ethanol_rmd17.xyz", {engine, precision, 1, "cpu"}),
          5.904, 0.001)
          << engine;
}

TEST(ShippedPotential, Jumps)
{
  // one held-out window of 500 K dynamics, cut into jumps that overlap: errors in percent of the
  // change
  const struct {
    const char *potential;
    std::vector<double> strides;
    std::vector<std::array<double, 2>> errors;
  } jumps[] = {{"/ethanol-gfn2-jump8.safetensors", {8.0}, {{1.799, 2.206}}},
               {"/ethanol-gfn2-jump16.safetensors", {16.0}, {{4.050, 2.975}}},
               {"/ethanol-gfn2-jumps.safetensors",
                {4.0, 8.0, 10.0, 16.0},
                {{0.834, 1.736}, {2.368, 2.852}, {3.025, 3.514}, {6.188, 4.811}}}};
  for (const auto &jump : jumps) {
    const Potential potential = Potential::read(
        std::filesystem::path(SHIPPED_POTENTIAL).parent_path().string() + jump.potential);
    EXPECT_EQ(jump_record(potential).strides, jump.strides);
    EXPECT_EQ(jump_record(potential).temperatures, (std::vector<double>{300.0, 400.0, 500.0}));
    EXPECT_FALSE(potential.citation.empty());
    std::vector<NveTrajectory> trajectory = {
        read_nve(TEST_DATA "/ethanol_nve_500K.xyz", jump_record(potential).timestep)};
    trajectory[0].species = jump_species(potential, trajectory[0].numbers, trajectory[0].bonds);
    JumpReportOptions options;
    options.every = 1;
    options.engine.precision = Precision::double_precision;
    const auto report = jump_report(potential, trajectory, options);
    ASSERT_EQ(report.size(), jump.strides.size());
    for (std::size_t k = 0; k < report.size(); k++)
      for (const auto &row : report[k].rows)
        if (row.method == "network") {
          for (int q = 0; q < 2; q++)
            EXPECT_NEAR(100 * row.change[q], jump.errors[k][q], 0.001)
                << jump.potential << " " << jump.strides[k];
        }
  }
}

TEST(ShippedPotential, Students)
{
  const struct {
    const char *potential, *data;
    double error;
  } students[] = {{"/ethanol-rmd17-painn32.safetensors", "/ethanol_rmd17.xyz", 6.922},
                  {"/ethanol-rmd17-painn64.safetensors", "/ethanol_rmd17.xyz", 5.042},
                  {"/ethanol-gfn2-painn32.safetensors", "/ethanol_gfn2.xyz", 2.537},
                  {"/ethanol-gfn2-mlp.safetensors", "/ethanol_gfn2.xyz", 2.427},
                  {"/druglike-gfn2-painn64.safetensors", "/druglike_gfn2.xyz", 12.8333}};
  for (const auto &student : students) {
    const Potential potential = Potential::read(
        std::filesystem::path(SHIPPED_POTENTIAL).parent_path().string() + student.potential);
    EXPECT_EQ(potential.range.size(), potential.elements.size());
    EXPECT_FALSE(potential.citation.empty());
    for (const auto &engine : available_engines())
      EXPECT_NEAR(force_error(potential, std::string(TEST_DATA) + student.data,
                              {engine, Precision::double_precision, 1, "cpu"}),
                  student.error, 0.001)
          << student.potential << " " << engine;
  }
}

TEST(ShippedPotential, EnergiesEqualIndependentEvaluation)
{
  const Potential potential = Potential::read(SHIPPED_POTENTIAL);
  const auto reader = open_trajectory(TEST_DATA "/ethanol_rmd17.xyz");
  GraphStorage graph;
  Structure frame;
  for (int k = 0; k < 3 && reader->next(frame); k++)
    append_graph(frame, potential.elements, potential.cutoff, graph);
  const auto expected = mlff_test::reference_energies(potential, graph.view());
  Result result;
  for (const auto &engine : available_engines()) {
    make_engine(potential, {engine, Precision::double_precision, 1, "cpu"})
        ->evaluate(graph.view(), result);
    for (std::size_t i = 0; i < expected.size(); i++)
      EXPECT_NEAR(result.atom_energy[i], expected[i], 1e-9) << engine;
  }
}

TEST(PublishedEnsemble, ErrorsOnTheTestSplit)
{
  const std::string data = SHARED_DATA "/rmd17/rmd17_ethanol_test_01.npz";
  if (!std::filesystem::exists(data))
    GTEST_SKIP() << "the rMD17 split and the SchNetPack weights are not beside the checkout";
  const double published[5] = {7.35, 7.24, 7.20, 7.33, 8.08};
  for (int k = 0; k < 5; k++) {
    const Potential potential = import_schnetpack(SHARED_DATA "/painn_teachers/painn_ethanol_" +
                                                      std::to_string(k + 1) + ".npz",
                                                  {1, 6, 8}, kcal_per_mol_in_eV);
    EXPECT_NEAR(force_error(potential, data, {"auto", Precision::single_precision, 1, "cpu"}),
                published[k], 0.01)
        << "model " << k + 1;
  }
}

}    // namespace
