// Long range as a user makes it: pairs of molecules apart, mlff train with a long-range block, mlff
// bench of its forms.
#include "data/trajectory.h"
#include "models/long_range/long_range_sizes.h"
#include "potential/potential.h"
#include "support/program_fixture.h"
#include "support/random_potential.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <complex>
#include <numbers>

namespace {

using namespace mlff;
using Json = nlohmann::json;

/// Point charges (e) in a periodic cube: energy (eV) and forces (eV/Å) by Ewald's sum, to about
/// 1e-6 for edges of 10 to 15 Å.
[[maybe_unused]] double ewald(double edge, const std::vector<double> &charge,
                              const std::vector<double> &x, std::vector<double> &forces)
{
  constexpr double coulomb = 14.399645, pi = std::numbers::pi;
  const int n = int(charge.size());
  const double a = 4.2 / edge, volume = std::pow(edge, 3);
  double energy = 0.0;
  forces.assign(3 * n, 0.0);
  for (int i = 0; i < n; i++) {
    energy -= coulomb * a / std::sqrt(pi) * charge[i] * charge[i];
    for (int j = 0; j < n; j++)
      for (int image = 0; image < 125; image++) {
        const int shift[3] = {image / 25 - 2, image / 5 % 5 - 2, image % 5 - 2};
        double d[3], square = 0.0;
        for (int c = 0; c < 3; c++) {
          d[c] = x[3 * i + c] - x[3 * j + c] + edge * shift[c];
          square += d[c] * d[c];
        }
        if (square < 1e-12) continue;
        const double r = std::sqrt(square), qq = coulomb * charge[i] * charge[j],
                     screened = std::erfc(a * r) / r;
        energy += 0.5 * qq * screened;
        for (int c = 0; c < 3; c++)
          forces[3 * i + c] +=
              qq * (screened + 2.0 * a / std::sqrt(pi) * std::exp(-a * a * square)) / square * d[c];
      }
  }
  constexpr int reach = 7;
  for (int p = 0; p < std::pow(2 * reach + 1, 3); p++) {
    const int G[3] = {p / (2 * reach + 1) / (2 * reach + 1) - reach,
                      p / (2 * reach + 1) % (2 * reach + 1) - reach, p % (2 * reach + 1) - reach};
    const double unit = 2.0 * pi / edge,
                 square = unit * unit * (G[0] * G[0] + G[1] * G[1] + G[2] * G[2]);
    if (square == 0.0) continue;
    const double weight = 4.0 * pi * coulomb / volume * std::exp(-square / (4.0 * a * a)) / square;
    const auto wave = [&](int i) {
      return charge[i] *
          std::polar(1.0, unit * (G[0] * x[3 * i] + G[1] * x[3 * i + 1] + G[2] * x[3 * i + 2]));
    };
    std::complex<double> sum = 0.0;
    for (int i = 0; i < n; i++) sum += wave(i);
    energy += 0.5 * weight * std::norm(sum);
    for (int i = 0; i < n; i++)
      for (int c = 0; c < 3; c++)
        forces[3 * i + c] += weight * std::imag(wave(i) * std::conj(sum)) * unit * G[c];
  }
  return energy;
}

class TrainFmm : public mlff_test::ProgramTest {
 protected:
  void SetUp() override
  {
    ProgramTest::SetUp();
    // two charges of atoms H and O that attract as 1/r, which a local model of 3 Å cannot see
    std::string text;
    Uniform uniform(3);
    for (int k = 0; k < 40; k++) {
      const double r = 4.0 + 5.0 * (k / 39.0), theta = std::acos(uniform()), phi = 3.0 * uniform(),
                   u[3] = {std::sin(theta) * std::cos(phi), std::sin(theta) * std::sin(phi),
                           std::cos(theta)};
      const double energy = -7.2 / r, force = 7.2 / (r * r);
      char line[400];
      std::snprintf(line, sizeof line,
                    "2\nProperties=species:S:1:pos:R:3:forces:R:3 energy=%.10f pbc=\"F F F\"\nH 0 "
                    "0 0 %.10f %.10f %.10f\nO %.10f %.10f %.10f %.10f %.10f %.10f\n",
                    energy, force * u[0], force * u[1], force * u[2], r * u[0], r * u[1], r * u[2],
                    -force * u[0], -force * u[1], -force * u[2]);
      text += line;
    }
    put("charges.xyz", text);
    put("single.xyz",
        "2\nProperties=species:S:1:pos:R:3:forces:R:3 energy=0 pbc=\"F F F\"\nH 0 0 0 0 0 0\nO 0 0 "
        "0.97 0 0 0\n");
  }

  void put(const std::string &name, const std::string &text) const
  {
    std::ofstream(file(name)) << text;
  }

  std::string settings(const std::string &model, int steps, const std::string &training = "",
                       const std::string &rate = "0.01") const
  {
    return "model: {" + model +
        "}\ndata: {train: {file: charges.xyz}, valid_fraction: 0.1}\nloss: {energy: {weight: 1}, "
        "force: {weight: 10}}\ntraining: {steps: " +
        std::to_string(steps) + ", batch_atoms: 24, validate_every: " + std::to_string(steps) +
        ", warmup: 5, learning_rate: " + rate + ", ema: 0.9, threads: 1" + training + "}\n";
  }

  void train(const std::string &name, const std::string &text)
  {
    put(name + ".yaml", text + "output: " + name + ".safetensors\n");
    run("train " + name + ".yaml --no-plots");
    ASSERT_EQ(status, 0) << name;
  }

  double force_error(const std::string &name)
  {
    return Json::parse(run("eval --json --model " + name +
                           ".safetensors --data charges.xyz"))["force_mae_meV_per_A"];
  }
};

const std::string local = "features: 8, layers: 1, radial: 6, cutoff: 3.0",
                  block = "kind: painn-fmm, fmm_heads: 1, fmm_value_width: 4, fmm_kappa_count: 5, ";

TEST_F(TrainFmm, LearnsWhatALocalModelCannot)
{
  train("local", settings(local, 60));
  const double blind = force_error("local");
  EXPECT_GT(blind, 60.0);    // the model predicts no force at all
#ifdef MLFF_TORCH
  // the block alone, as a start for the next
  train("long", settings(block + local, 600));
  const Potential trained = Potential::read(file("long.safetensors"));
  EXPECT_EQ(trained.model(), "painn-fmm");
  EXPECT_EQ(long_range_sizes(trained).heads, 1);
  EXPECT_EQ(long_range_sizes(trained).kappa_count, 5);
  EXPECT_LT(force_error("long"), 0.3 * blind);

  // errors by distance: the net force on each of the two is what the local model lacks
  const auto apart = [&](const std::string &name) {
    return Json::parse(
        run("eval --json --apart --model " + name + ".safetensors --data charges.xyz"))["apart"];
  };
  const Json blind_rows = apart("local"), rows = apart("long");
  ASSERT_GE(rows.size(), 6u);    // 4 to 9 Å, and beyond the cutoff
  EXPECT_EQ(rows[0]["distance_A"], "4 - 5");
  EXPECT_EQ(rows.back()["distance_A"], ">= 3");
  EXPECT_EQ(rows.back()["n_frames"], 40);
  for (std::size_t k = 0; k < rows.size(); k++) {
    EXPECT_NEAR(rows[k]["net_force_mae_meV_per_A"].get<double>(),
                rows[k]["force_mae_meV_per_A"].get<double>(), 1e-3);    // each is one atom
    EXPECT_GT(blind_rows[k]["net_force_meV_per_A"].get<double>(), 80.0);
    EXPECT_LT(rows[k]["net_force_mae_meV_per_A"].get<double>(),
              0.3 * blind_rows[k]["net_force_mae_meV_per_A"].get<double>())
        << k;
  }
  EXPECT_NEAR(rows.back()["force_mae_meV_per_A"].get<double>(), force_error("long"), 1e-3);
  expect_error("eval --apart --model long.safetensors --data single.xyz",
               {"single.xyz', frame 1 has 1 molecules", "open frames of two molecules"});

  // Groups of atoms give the same result; here they are the molecules.
  const auto groups = [&](const std::string &lists) {
    return "eval --json --groups " + lists + " --model long.safetensors --data charges.xyz";
  };
  EXPECT_EQ(Json::parse(run(groups("1 2")))["apart"], rows);
  expect_error(groups("1 1-2"), {"'1' and '1-2' both have atom 1"});
  expect_error(groups("1 2,x"), {"--groups '2,x': 'x' is neither an atom", "such as 1-13,20"});
  expect_error(groups("0 2"), {"'0' is neither an atom"});
  expect_error(groups("1 3-2"), {"'3-2' is neither an atom"});
  expect_error(groups("1 2-4"), {"charges.xyz', frame 1 has 2 atoms", "up to 4"});

  // added to the trained local model: no jump in error, then better
  train("added",
        settings(block + "init_from: local.safetensors", 1, ", final_learning_rate: 0", "1.0e-12"));
  EXPECT_NEAR(force_error("added"), blind, 1e-3 * blind);
  train("better", settings(block + "init_from: local.safetensors", 600));
  EXPECT_LT(force_error("better"), 0.3 * blind);

  // Training can start from a block.
  train("more",
        settings("kind: painn-fmm, init_from: long.safetensors", 1, ", final_learning_rate: 0",
                 "1.0e-12"));
  EXPECT_NEAR(force_error("more"), force_error("long"), 1e-3 * blind);
#endif
}

#ifdef MLFF_TORCH
TEST_F(TrainFmm, LearnsChargesOfPeriodicBoxes)
{
  // four charges of each sign further from each other than the cutoff of the local layers, which
  // therefore know nothing at all
  const std::vector<double> charge = {0.3, 0.3, 0.3, 0.3, -0.3, -0.3, -0.3, -0.3};
  Uniform uniform(8);
  const auto frames = [&](int n, double edge) {
    std::string text;
    for (int k = 0; k < n; k++) {
      std::vector<double> x, forces;
      while (x.size() < 24) {
        const double at[3] = {0.5 * edge * uniform(), 0.5 * edge * uniform(),
                              0.5 * edge * uniform()};
        bool free = true;
        for (std::size_t j = 0; j < x.size(); j += 3) {
          double square = 0.0;
          for (int c = 0; c < 3; c++) square += std::pow(std::remainder(at[c] - x[j + c], edge), 2);
          free = free && square > 3.3 * 3.3;
        }
        if (free) x.insert(x.end(), at, at + 3);
      }
      char line[300];
      const double energy = ewald(edge, charge, x, forces);
      // the sum is right where its parts depend on how it is split, but its derivative does not
      if (k == 0) {
        std::vector<double> moved = x, unused;
        moved[4] += 1e-4;
        EXPECT_NEAR((energy - ewald(edge, charge, moved, unused)) / 1e-4, forces[4], 1e-4);
      }
      std::snprintf(line, sizeof line,
                    "8\nLattice=\"%g 0 0 0 %g 0 0 0 %g\" Properties=species:S:1:pos:R:3:forces:R:3 "
                    "energy=%.10f pbc=\"T T T\"\n",
                    edge, edge, edge, energy);
      text += line;
      for (int i = 0; i < 8; i++) {
        std::snprintf(line, sizeof line, "%s %.8f %.8f %.8f %.10f %.10f %.10f\n", i < 4 ? "H" : "O",
                      x[3 * i], x[3 * i + 1], x[3 * i + 2], forces[3 * i], forces[3 * i + 1],
                      forces[3 * i + 2]);
        text += line;
      }
    }
    return text;
  };
  put("charges.xyz", frames(60, 12.0));
  train("blind", settings(local, 20));
  train("boxes",
        settings("kind: painn-fmm, fmm_heads: 1, fmm_value_width: 4, fmm_kappa_count: 6, "
                 "fmm_kappa_max: 1.5, " +
                     local,
                 1200));
  // frames it was not trained on, also of a box of another size
  for (const auto &[edge, share] : {std::pair{12.0, 0.1}, {13.0, 0.15}}) {
    put("charges.xyz", frames(12, edge));
    const double size = force_error("blind"), error = force_error("boxes");
    EXPECT_GT(size, 20.0) << edge;
    EXPECT_LT(error, share * size) << edge;
  }
}
#endif

TEST_F(TrainFmm, Errors)
{
  const auto expect = [&](const std::string &text, const std::vector<std::string> &words) {
    put("wrong.yaml", text + "output: wrong.safetensors\n");
    expect_error("train wrong.yaml", words);
    EXPECT_FALSE(std::filesystem::exists(file("wrong.safetensors")));
  };
  expect(settings(local + ", fmm_heads: 2", 5), {"fmm_heads"});
  expect(settings(block + local + ", fmm_kappas: 2", 5), {"fmm_kappas"});
  expect(settings(block + local, 5, ", engine: host"),
         {"'host'", "long-range block", "accepted for painn-fmm: auto, torch"});
  expect(settings(block + local, 5, ", precision: mixed"),
         {"'mixed'; accepted for painn-fmm: single, double"});
  expect(settings(block + local + ", fmm_precision: half", 5), {"fmm_precision", "half"});
  mlff_test::random_potential({8, 1, 6}, {1, 8}, 3.0).write(file("painn.safetensors"));
  LongRangeSizes block_sizes;
  block_sizes.layers = 1;
  random_potential({8, 1, 6}, {1, 8}, 3.0, 1, &block_sizes).write(file("fmm.safetensors"));
  expect(settings(block + "init_from: fmm.safetensors", 5), {"'model.fmm_...'", "one of the two"});
  expect(settings("init_from: fmm.safetensors", 5), {"is a model 'painn-fmm'", "painn"});
#ifdef MLFF_TORCH
  const std::string open = content("charges.xyz");
  const auto boxes = [&](const std::string &words) {
    std::string text = open;
    for (auto at = text.find("pbc=\"F F F\""); at != std::string::npos;
         at = text.find("pbc=\"F F F\""))
      text.replace(at, 11, words + " Lattice=\"30 0 0 0 30 0 0 0 30\"");
    put("charges.xyz", text);
  };
  boxes("pbc=\"T T F\"");
  expect(
      settings(block + local, 5),
      {"charges.xyz', frame ",
       "is periodic in some directions; accepted for painn-fmm: systems open or periodic in all"});
  boxes("pbc=\"T T T\"");
  train("periodic", settings(block + local, 5));
  EXPECT_GT(force_error("periodic"), 0.0);
#endif
}

TEST_F(TrainFmm, PairsOfMoleculesApart)
{
  run("molecule 'CC(=O)[O-].C[NH3+]' --apart 3 9 --frames 60 --rattle 0.02 --conformers 3 --seed 5 "
      "-o pairs.xyz");
  ASSERT_EQ(status, 0);
  const auto reader = open_trajectory(file("pairs.xyz"));
  std::vector<double> shortest;
  double turned = 0.0;
  Structure first;
  for (Structure frame; reader->next(frame);) {
    ASSERT_EQ(frame.n_atoms(), 15);
    if (shortest.empty()) first = frame;
    double least = 1e300;
    for (int i = 0; i < 7; i++)
      for (int j = 7; j < 15; j++)
        least = std::min(least,
                         std::hypot(frame.positions[3 * i] - frame.positions[3 * j],
                                    frame.positions[3 * i + 1] - frame.positions[3 * j + 1],
                                    frame.positions[3 * i + 2] - frame.positions[3 * j + 2]));
    shortest.push_back(least);
    for (int c = 0; c < 21; c++)
      turned = std::max(turned, std::abs(frame.positions[c] - first.positions[c]));
  }
  ASSERT_EQ(shortest.size(), 60u);
  std::sort(shortest.begin(), shortest.end());
  EXPECT_GE(shortest.front(), 3.0 - 1e-6);
  EXPECT_LE(shortest.back(), 9.0 + 1e-6);
  EXPECT_LT(shortest.front(), 4.0);
  EXPECT_GT(shortest.back(), 8.0);
  EXPECT_GT(turned, 1.0);

  // planes parallel and across x, for both ways up and any turn
  run("molecule 'c1ccccc1.O=c1cc[nH]c(=O)[nH]1' --apart 3 5 --stacked --frames 40 --rattle 0 "
      "--seed 2 -o stacks.xyz");
  ASSERT_EQ(status, 0);
  const auto stacks = open_trajectory(file("stacks.xyz"));
  std::vector<double> twist, shift;
  int n = 0;
  for (Structure frame; stacks->next(frame); n++) {
    ASSERT_EQ(frame.n_atoms(), 24);
    const auto x = [&](int i, int a) {
      return frame.positions[3 * i + a];
    };
    double least = 1e300, middle[2][3] = {};
    for (int i = 0; i < 24; i++) {
      EXPECT_NEAR(x(i, 0), x(i < 12 ? 0 : 12, 0), 0.1) << i;    // flat
      for (int a = 0; a < 3; a++) middle[i / 12][a] += x(i, a) / 12.0;
      for (int j = 0; j < 12 && i >= 12; j++)
        least =
            std::min(least, std::hypot(x(i, 0) - x(j, 0), x(i, 1) - x(j, 1), x(i, 2) - x(j, 2)));
    }
    EXPECT_GE(least, 3.0 - 1e-6);
    EXPECT_LE(least, 5.0 + 1e-6);
    twist.push_back(std::atan2(x(12, 2) - middle[1][2], x(12, 1) - middle[1][1]));
    shift.push_back(std::hypot(middle[1][1] - middle[0][1], middle[1][2] - middle[0][2]));
  }
  ASSERT_EQ(n, 40);
  EXPECT_LT(*std::min_element(twist.begin(), twist.end()), -2.0);
  EXPECT_GT(*std::max_element(twist.begin(), twist.end()), 2.0);
  EXPECT_LT(*std::min_element(shift.begin(), shift.end()), 1.0);
  EXPECT_GT(*std::max_element(shift.begin(), shift.end()), 1.5);
  expect_error("molecule 'O.[H][H]' --apart 3 5 --stacked -o a.xyz",
               {"'[H][H]' has 2 atoms and no plane", "three atoms or more"});
  expect_error("molecule O.O --stacked -o a.xyz", {"--stacked requires --apart"});
  expect_error("molecule CCO --apart 3 9 -o a.xyz", {"'CCO' has 1 parts", "two SMILES with a dot"});
  expect_error("molecule C.C.C --apart 3 9 -o a.xyz", {"has 3 parts"});
  expect_error("molecule C.C --apart 9 3 -o a.xyz", {"the shorter distance first"});
  expect_error("molecule C.C --apart 3 9 -o a.data",
               {"a.data' cannot hold the frames of --apart", ".xyz"});
}

#ifdef MLFF_XTB
TEST_F(TrainFmm, LabelLeavesOutWhatFails)
{
  // one electron that is not said to be unpaired
  const std::string pair = "2\nProperties=species:S:1:pos:R:3\nH 0 0 0\nH 0 0 0.8\n",
                    single = "1\nProperties=species:S:1:pos:R:3\nH 0 0 0\n";
  put("some.xyz", pair + single + pair);
  expect_error("label --structures some.xyz -o labelled.xyz", {"some.xyz', frame 2: "});
  run("label --structures some.xyz -o left.xyz --skip-failed");
  ASSERT_EQ(status, 0);
  const auto reader = open_trajectory(file("left.xyz"));
  int n = 0;
  for (Structure frame; reader->next(frame); n++) {
    EXPECT_EQ(frame.n_atoms(), 2);
    EXPECT_TRUE(frame.energy.has_value());
  }
  EXPECT_EQ(n, 2);
  EXPECT_EQ(Json::parse(content("left.xyz.json"))["left_out"], Json({2}));
  put("none.xyz", single + single);
  expect_error("label --structures none.xyz -o none-left.xyz --skip-failed",
               {"the calculation of every frame failed"});
}
#endif

TEST_F(TrainFmm, BenchHasBothForms)
{
  const auto report = Json::parse(
      run("bench --random 16 1 8 --fmm 1 4 4 --kappa-max 0.6 --atoms 60 --repeats 1 --json"));
  EXPECT_EQ(report["kind"], "painn-fmm");
  const auto row = report["systems"][0];
  EXPECT_EQ(row["system"], "60 atoms, open");
  for (const char *name : {"direct", "linear", "local"})
    EXPECT_GT(row[name]["us_per_atom"].get<double>(), 0.0) << name;
  EXPECT_NE(report["engines"]["direct"].get<std::string>().find("long range direct"),
            std::string::npos);
  EXPECT_NE(report["engines"]["linear"].get<std::string>().find("long range linear"),
            std::string::npos);
  EXPECT_EQ(report["engines"]["local"].get<std::string>().find("long range"), std::string::npos);

  // the direct form does not serve periodic boxes
  const auto periodic = Json::parse(run("bench --random 16 1 8 --fmm 1 4 4 --kappa-max 0.6 --atoms "
                                        "60 --periodic --repeats 1 --json"));
  EXPECT_EQ(periodic["systems"][0]["system"], "60 atoms, periodic");
  EXPECT_GT(periodic["systems"][0]["linear"]["us_per_atom"].get<double>(), 0.0);
  EXPECT_GT(periodic["systems"][0]["edges"].get<int>(), row["edges"].get<int>());
  EXPECT_FALSE(periodic["systems"][0].contains("direct"));
}

}    // namespace
