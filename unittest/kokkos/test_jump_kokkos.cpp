// The Kokkos engine of jump networks against the host engine.
#include "kokkos/engine/engine_kokkos.h"

#include "engine/make_engine.h"
#include "models/jump/jump_record.h"
#include "support/jump_states.h"
#include "support/lammps_fixture.h"

using namespace mlff;
using namespace mlff_test;

namespace {

class JumpKokkos : public LammpsTest {
 protected:
  void SetUp() override
  {
    LammpsTest::SetUp();
    if (!kokkos) GTEST_SKIP() << "Kokkos is off in this run";
  }

  static EngineOptions options(Precision precision, Filter filter)
  {
    EngineOptions options;
    options.engine = "host";
    options.precision = precision;
    options.threads = 1;
    options.filter = filter;
    return options;
  }
};

const PainnSizes cases[] = {{8, 1, 6}, {20, 3, 7, 1e-2}, {32, 2, 20}, {48, 3, 16}};

}    // namespace

TEST_F(JumpKokkos, IsTheHost)
{
  for (const PainnSizes &sizes : cases) {
    const Potential potential = potential_of(sizes);
    const States all = states(7, 9);
    const GraphStorage graph = all.graph();
    for (const auto &[precision, filter, tolerance] :
         {std::tuple{Precision::double_precision, Filter::exact, 1e-10},
          std::tuple{Precision::double_precision, Filter::spline, 1e-10},
          std::tuple{Precision::single_precision, Filter::exact, 1e-4},
          std::tuple{Precision::single_precision, Filter::automatic, 1e-4}}) {
      JumpResult expected, found;
      make_jump_engine(potential, options(precision, filter))
          ->evaluate(graph.view(), all.input(), expected);
      mlff::make_kokkos_jump(potential, options(precision, filter))
          ->evaluate(graph.view(), all.input(), found);
      expect_close(found, expected, tolerance, "Kokkos F " + std::to_string(sizes.features));
    }
  }
}

TEST_F(JumpKokkos, BatchesOfAnySizeInTurn)
{
  // arrays grow and are used again for less: nothing of an earlier call may be left
  const Potential potential = potential_of({20, 3, 7});
  const auto engine =
      mlff::make_kokkos_jump(potential, options(Precision::double_precision, Filter::exact));
  for (const int n : {1, 12, 3, 0, 17, 2}) {
    const States all = states(n, unsigned(20 + n));
    const GraphStorage graph = all.graph();
    JumpResult batch;
    engine->evaluate(graph.view(), all.input(), batch);
    ASSERT_EQ(batch.displacement.size(), all.x.size());
    if (n > 0) expect_close(batch, jump(potential, all), 1e-10, "batch of " + std::to_string(n));
    std::size_t at = 0;
    for (int s = 0; s < n; s++) {
      const States one = all.only(s);
      const GraphStorage alone = one.graph();
      JumpResult result;
      engine->evaluate(alone.view(), one.input(), result);
      for (std::size_t k = 0; k < one.x.size(); k++, at++)
        EXPECT_NEAR(result.displacement[k], batch.displacement[at], 1e-13);
    }
  }
}

TEST_F(JumpKokkos, ReadsShippedPotentials)
{
  const std::string file = std::string(POTENTIALS) + "/ethanol-gfn2-jump8.safetensors";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not there";
  const Potential potential = Potential::read(file);
  // H C O in the shipped file, C O H in the states
  States all = states(9, 4);
  for (auto &species : all.species) species = species == 2 ? 0 : species + 1;
  for (std::size_t i = 0; i < all.species.size(); i++)
    all.mass[i] = jump_record(potential).species[all.species[i]].mass;
  all.stride.clear();
  const GraphStorage graph = all.graph(potential.cutoff);
  for (const auto &[precision, tolerance] : {std::pair{Precision::double_precision, 1e-10},
                                             std::pair{Precision::single_precision, 1e-4}}) {
    JumpResult expected, found;
    make_jump_engine(potential, options(precision, Filter::automatic))
        ->evaluate(graph.view(), all.input(), expected);
    mlff::make_kokkos_jump(potential, options(precision, Filter::automatic))
        ->evaluate(graph.view(), all.input(), found);
    expect_close(found, expected, tolerance, "shipped");
  }
}

using JumpWithoutKokkos = LammpsTest;

TEST_F(JumpWithoutKokkos, SaysWhatIsMissing)
{
  if (kokkos) GTEST_SKIP() << "Kokkos is on in this run";
  try {
    mlff::make_kokkos_jump(potential_of());
    ADD_FAILURE() << "accepted";
  } catch (const EngineError &error) {
    EXPECT_NE(std::string(error.what()).find("-k on"), std::string::npos);
  }
}

TEST_F(JumpKokkos, Errors)
{
  const auto message = [&](const Potential &potential) -> std::string {
    try {
      mlff::make_kokkos_jump(potential);
    } catch (const EngineError &error) {
      return error.what();
    }
    return "nothing";
  };
  EXPECT_NE(message(random_potential()).find("runs kstep-painn; this is a model 'painn'"),
            std::string::npos);
  EXPECT_NE(mlff::make_kokkos_jump(potential_of())->description().find("Kokkos"),
            std::string::npos);

  States wrong = states(2, 3);
  wrong.force[7] = std::nan("");
  const GraphStorage graph = wrong.graph();
  JumpResult result;
  EXPECT_THROW(
      mlff::make_kokkos_jump(potential_of())->evaluate(graph.view(), wrong.input(), result),
      EngineError);
}
