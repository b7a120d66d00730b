// The long-range block of the Kokkos engine against the host engine.
#include "kokkos/engine/engine_kokkos.h"

#include "engine/make_engine.h"
#include "models/long_range/long_range_sizes.h"
#include "potential/model_kind.h"
#include "support/lammps_fixture.h"
#include "support/long_range_cases.h"

#include <functional>

using namespace mlff;
using namespace mlff_test;

namespace {

EngineOptions options(LongRangeForm form, Precision precision = Precision::double_precision)
{
  EngineOptions options{"host", precision, 1, "cpu", Filter::exact};
  options.long_range = form;
  return options;
}

class LongRangeKokkos : public LammpsTest {
 protected:
  void SetUp() override
  {
    LammpsTest::SetUp();
    if (!kokkos) GTEST_SKIP() << "Kokkos is off in this run";
  }

  /// Compares both engines on the same structures, in both precisions.
  static void expect_host(const Potential &potential, const std::vector<Structure> &structures,
                          LongRangeForm form, const std::string &name)
  {
    for (const auto &[precision, tolerance] :
         {std::pair{Precision::double_precision, 1e-10}, {Precision::single_precision, 1e-4}}) {
      const auto expected =
          evaluate(*make_engine(potential, options(form, precision)), potential, structures);
      const auto found = evaluate(*mlff::make_kokkos_engine(potential, options(form, precision)),
                                  potential, structures);
      const std::string what =
          name + (precision == Precision::double_precision ? ", double" : ", single");
      const auto compare = [&](const std::vector<double> &a, const std::vector<double> &b,
                               const char *quantity) {
        const double difference = largest_difference(a, b) / std::max(1.0, largest(b));
        EXPECT_LT(difference, tolerance) << what << ", " << quantity;
        double &largest_yet = precision == Precision::double_precision ? agreement_double
                                                                       : agreement_single;
        largest_yet = std::max(largest_yet, difference);
      };
      compare(found.energy, expected.energy, "energy");
      compare(found.atom_energy, expected.atom_energy, "energies of atoms");
      compare(found.forces, expected.forces, "forces");
      compare(found.position_gradient, expected.position_gradient, "gradients by positions");
      compare(found.strain_gradient, expected.strain_gradient, "gradients by the strain");
      compare(found.strain, expected.strain, "strain");
    }
  }

  static inline double agreement_double = 0.0,
                       // the largest differences, relative to the largest value
      agreement_single = 0.0;

  static std::string text(double x)
  {
    char words[32];
    std::snprintf(words, sizeof words, "%.2g", x);
    return words;
  }

  static void TearDownTestSuite()
  {
    RecordProperty("largest_difference_double", text(agreement_double));
    RecordProperty("largest_difference_single", text(agreement_single));
  }
};

struct Case {
  std::string name;
  LongRangeSizes block_sizes;
  PainnSizes sizes = {8, 2, 6, 1e-2};
};

std::vector<Case> cases()
{
  std::vector<Case> all;
  const auto add = [&](const std::string &name, const std::function<void(LongRangeSizes &)> &change,
                       PainnSizes sizes = {8, 2, 6, 1e-2}, int layers = 1) {
    Case one{name, sizes_of(layers), sizes};
    change(one.block_sizes);
    all.push_back(one);
  };
  add("one layer", [](LongRangeSizes &) {
  });
  add(
      "two layers",
      [](LongRangeSizes &) {
      },
      {8, 2, 6, 1e-2}, 2);
  add(
      "three layers, four heads of eight keys",
      [](LongRangeSizes &block_sizes) {
        block_sizes.heads = 4;
        block_sizes.key_width = 8;
        block_sizes.value_width = 5;
      },
      {20, 1, 6, 1e-2}, 3);
  add(
      "one head, default widths",
      [](LongRangeSizes &block_sizes) {
        block_sizes.heads = 1;
        block_sizes.key_width = 8;
        block_sizes.value_width = 8;
        block_sizes.kappa_count = 6;
      },
      {32, 2, 6, 1e-2}, 2);
  add("full width, no frequency 0, one key", [](LongRangeSizes &block_sizes) {
    block_sizes.value_width = 0;
    block_sizes.kappa_min = 0.3;
    block_sizes.key_width = 1;
  });
  add("one frequency, wide values", [](LongRangeSizes &block_sizes) {
    block_sizes.kappa_count = 1;
    block_sizes.heads = 1;
    block_sizes.value_width = 17;
    block_sizes.key_width = 7;
  });
  add(
      "block in double precision",
      [](LongRangeSizes &block_sizes) {
        block_sizes.precision = "double";
      },
      {8, 2, 6, 1e-2}, 2);
  return all;
}

Structure empty()
{
  return {};
}

}    // namespace

TEST_F(LongRangeKokkos, IsTheHostInOpenStructures)
{
  const std::vector<Structure> structures = {random_structure(23, 8), empty(),
                                             two_clusters(11.0),      random_structure(1, 2),
                                             random_structure(97, 4), two_clusters(4.0, 9, 2)};
  for (auto [name, block_sizes, sizes] : cases()) {
    block_sizes.kappa_max = 0.6;    // fewer waves
    const Potential potential = long_range(block_sizes, sizes);
    for (const auto &[form, word] : {std::pair{LongRangeForm::direct, "direct"},
                                     {LongRangeForm::linear, "linear"},
                                     {LongRangeForm::automatic, "auto"}})
      expect_host(potential, structures, form, name + ", " + word);
  }
}

TEST_F(LongRangeKokkos, IsTheHostInPeriodicStructures)
{
  // orthogonal and triclinic cells between open structures
  const std::vector<Structure> structures = {
      random_structure(40, 6, oblique, everywhere), random_structure(9, 2),
      random_structure(12, 4, {11, 0, 0, 0, 9, 0, 0, 0, 7}, everywhere),
      random_structure(65, 5, {12, 0, 0, 2, 11, 0, -3, 1, 10}, everywhere)};
  for (const auto &[name, block_sizes, sizes] : cases())
    for (const auto form : {LongRangeForm::automatic, LongRangeForm::linear})
      expect_host(long_range(block_sizes, sizes), structures, form, name);
}

TEST_F(LongRangeKokkos, AtomsInMoreThanOneTile)
{
  // more atoms than one tile of the moments has
  LongRangeSizes block_sizes = sizes_of(2, 0.25);
  block_sizes.heads = 1;
  block_sizes.key_width = 3;
  for (const auto &structures :
       {std::vector{random_structure(700, 4)},
        {random_structure(650, 3, {20, 0, 0, 3, 18, 0, 0, 0, 22}, everywhere)}})
    expect_host(long_range(block_sizes, {8, 1, 6, 1e-2}), structures, LongRangeForm::linear,
                "tiles");
}

TEST_F(LongRangeKokkos, FormsAgreeAndTurnWithTheSystem)
{
  for (const int layers : {1, 2}) {
    const Potential potential = long_range(sizes_of(layers));
    Structure structure = two_clusters(36.0, 21, 30);
    const auto direct = mlff::make_kokkos_engine(potential, options(LongRangeForm::direct));
    const auto linear = mlff::make_kokkos_engine(potential, options(LongRangeForm::linear));
    const auto base = evaluate(*direct, potential, {structure});
    structure.forces = base.forces;
    const Structure other = turned(structure, 0.7, -1.1, 2.3);
    for (auto *engine : {direct.get(), linear.get()}) {
      const auto same = evaluate(*engine, potential, {structure}),
                 found = evaluate(*engine, potential, {other});
      EXPECT_NEAR(same.energy[0], base.energy[0], 1e-9 * std::max(1.0, std::abs(base.energy[0])));
      EXPECT_LT(largest_difference(same.forces, base.forces),
                1e-9 * std::max(1.0, largest(base.forces)));
      EXPECT_NEAR(found.energy[0], base.energy[0], 1e-9 * std::max(1.0, std::abs(base.energy[0])));
      EXPECT_LT(largest_difference(found.forces, other.forces),
                1e-9 * std::max(1.0, largest(base.forces)));
    }
    EXPECT_GT(largest_difference(evaluate(*linear, potential, {structure}).forces, base.forces),
              0.0)
        << "both forms are the same one";
  }
}

TEST_F(LongRangeKokkos, IsTheDerivativeByTheStrain)
{
  for (const int layers : {1, 2}) {
    const Potential potential = long_range(sizes_of(layers));
    const Structure structure = random_structure(40, 6, oblique, everywhere);
    const auto engine = mlff::make_kokkos_engine(potential, options(LongRangeForm::automatic));
    const auto base = evaluate(*engine, potential, {structure});
    const int first[6] = {0, 1, 2, 0, 0, 1}, second[6] = {0, 1, 2, 1, 2, 2};
    const double h = 3e-5;
    for (int k = 0; k < 6; k++) {
      double slope = 0.0;
      for (const auto &[step, factor] : {std::pair{1, 8.0}, {-1, -8.0}, {2, -1.0}, {-2, 1.0}}) {
        Structure moved = structure;
        const auto apply = [&](double *x) {
          const double a = x[first[k]], b = x[second[k]];
          x[first[k]] += 0.5 * step * h * b;
          x[second[k]] += 0.5 * step * h * a;
        };
        for (std::size_t i = 0; i < moved.positions.size(); i += 3) apply(&moved.positions[i]);
        for (int a = 0; a < 9; a += 3) apply(&moved.cell[a]);
        slope += factor * evaluate(*engine, potential, {moved}).energy[0] / (12.0 * h);
      }
      EXPECT_NEAR(slope, base.strain[k], 1e-8 * std::max(1.0, largest(base.strain))) << k;
    }
  }
}

TEST_F(LongRangeKokkos, BatchesOfAnySizeInTurn)
{
  // arrays grow and are used again for less, cells and sizes change: nothing of an earlier call may
  // be left
  const Potential potential = long_range(sizes_of(2));
  const Structure cell = random_structure(40, 6, oblique, everywhere),
                  other = random_structure(17, 9, {8, 0, 0, 0, 12, 0, 0, 1, 9}, everywhere);
  for (const auto form : {LongRangeForm::direct, LongRangeForm::linear, LongRangeForm::automatic}) {
    const auto kept = mlff::make_kokkos_engine(potential, options(form));
    std::vector<std::vector<Structure>> batches = {
        {random_structure(5, 1), two_clusters(15.0), random_structure(1, 3),
         random_structure(33, 4)},
        {two_clusters(9.0)},
        {},
        {empty()},
        {random_structure(70, 2), empty(), random_structure(2, 9)}};
    if (form != LongRangeForm::direct)
      batches.insert(batches.end(),
                     {{cell, other},
                      {other},
                      {random_structure(6, 3), other, cell},
                      {cell},
                      {random_structure(50, 3)}});
    for (const auto &structures : batches) {
      const auto together = evaluate(*kept, potential, structures);
      std::vector<double> energy, forces;
      for (const auto &structure : structures) {
        const auto alone = evaluate(*make_engine(potential, options(form)), potential, {structure});
        energy.insert(energy.end(), alone.energy.begin(), alone.energy.end());
        forces.insert(forces.end(), alone.forces.begin(), alone.forces.end());
      }
      EXPECT_LT(largest_difference(together.energy, energy),
                1e-10 * std::max(1.0, largest(energy)));
      EXPECT_LT(largest_difference(together.forces, forces),
                1e-10 * std::max(1.0, largest(forces)));
      // Results agree to the last digit, whatever the threads did.
      EXPECT_EQ(evaluate(*kept, potential, structures).forces, together.forces);
    }
  }
}

TEST_F(LongRangeKokkos, SaysWhatItIsAndHowLarge)
{
  const auto engine =
      mlff::make_kokkos_engine(long_range(sizes_of(1)), options(LongRangeForm::linear));
  EXPECT_NE(engine->description().find("long range linear"), std::string::npos);
  Potential local = random_potential({8, 2, 6, 1e-2}, {6, 8, 1}, 3.0, 5);
  const auto without = mlff::make_kokkos_engine(local, options(LongRangeForm::linear));
  EXPECT_EQ(without->description().find("long range"), std::string::npos);
  EXPECT_GT(engine->bytes(100, 1000), without->bytes(100, 1000) + 100 * 8 * 50);
}

TEST_F(LongRangeKokkos, Errors)
{
  const Potential potential = long_range(sizes_of(1));
  const auto refuse = [&](const Potential &which, const Structure &structure, LongRangeForm form,
                          const std::vector<std::string> &words) {
    try {
      evaluate(*mlff::make_kokkos_engine(which, options(form)), which, {structure});
      ADD_FAILURE() << "no error with '" << words.front() << "'";
    } catch (const EngineError &error) {
      for (const auto &word : words)
        EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
  };
  refuse(potential, random_structure(8, 3, {9, 0, 0, 0, 9, 0, 0, 0, 9}, {true, true, false}),
         LongRangeForm::automatic, {"painn-fmm", "open or periodic in all directions"});
  refuse(potential, random_structure(8, 3, {9, 0, 0, 0, 9, 0, 0, 0, 9}, everywhere),
         LongRangeForm::direct, {"direct form", "this one is periodic; use the linear form"});
  refuse(potential, random_structure(1, 3, {4.5, 0, 0, 0, 4.5, 0, 0, 0, 4.5}, everywhere),
         LongRangeForm::linear, {"sees nothing in this cell", "use a larger cell"});
  LongRangeSizes few = sizes_of(1);
  few.directions = 194;
  refuse(long_range(few), two_clusters(40.0), LongRangeForm::linear,
         {"194 directions", "fmm_directions", "direct form"});
  Potential jump = potential;
  jump.set_kind(model_kind("kstep-painn"));
  refuse(jump, two_clusters(4.0), LongRangeForm::linear,
         {"runs painn and painn-fmm; this is a model 'kstep-painn'"});
}

using LongRangeWithoutKokkos = LammpsTest;

TEST_F(LongRangeWithoutKokkos, SaysWhatIsMissing)
{
  if (kokkos) GTEST_SKIP() << "Kokkos is on in this run";
  try {
    mlff::make_kokkos_engine(long_range(sizes_of(1)));
    ADD_FAILURE() << "accepted";
  } catch (const EngineError &error) {
    EXPECT_NE(std::string(error.what()).find("-k on"), std::string::npos);
  }
}
