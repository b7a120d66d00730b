// Commands that sample and learn with LAMMPS as teacher: label, distill, make-jump, study. Its
// commands name a potential that ships, so that all forces are known.
#include "data/trajectory.h"
#include "potential/potential.h"
#include "support/program_fixture.h"
#include "teacher/teacher.h"

#include <nlohmann/json.hpp>

#include <cmath>

using namespace mlff;

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

class LammpsForces : public mlff_test::ProgramTest {
 protected:
  const std::string potential = POTENTIALS "/ethanol-rmd17-painn32.safetensors";

  void SetUp() override
  {
    ProgramTest::SetUp();
    fs::create_directory(file("force"));
    fs::copy_file(potential, file("force/p.safetensors"));
    write("force/ethanol.lammps",
          "newton          on\npair_style      mlff precision double\n"
          "pair_coeff      * * p.safetensors ${elements}\n");
  }

  void write(const std::string &name, const std::string &text) const
  {
    std::ofstream(file(name)) << text;
  }

  /// Frames of a file hold the forces of the potential.
  void expect_its_forces(const std::string &name, std::size_t number)
  {
    const auto teacher = teacher_of_potentials({potential}, 1);
    const auto reader = open_trajectory(file(name), {.units = "metal"});
    std::size_t frames = 0;
    for (Structure frame; reader->next(frame); frames++) {
      const Labels labels = teacher->label(frame);
      EXPECT_NEAR(*frame.energy, labels.energy, 1e-5);
      for (std::size_t k = 0; k < labels.forces.size(); k++)
        EXPECT_NEAR(frame.forces[k], labels.forces[k], 1e-5);
    }
    EXPECT_EQ(frames, number) << name;
  }
};

TEST_F(LammpsForces, SampleAMolecule)
{
  const std::string start = "label --molecule CCO --lammps force/ethanol.lammps --warmup 50 ";
  run(start + "--frames 4 --every 10 -o langevin");
  ASSERT_EQ(status, 0);
  expect_its_forces("langevin/molecule_300K.xyz", 4);
  run(start + "--sampling nve --windows 2 --window 3 --between 5 -o nve");
  ASSERT_EQ(status, 0);
  expect_its_forces("nve/molecule_300K.xyz", 8);
  run("label --molecule CCO --lammps force/ethanol.lammps --sampling rattle --rattle 0.02 "
      "--frames 3 -o rattled");
  ASSERT_EQ(status, 0);
  expect_its_forces("rattled/molecule.xyz", 3);
  const auto manifest = Json::parse(content("langevin/manifest.json"));
  EXPECT_EQ(manifest["settings"]["lammps"], "force/ethanol.lammps");
  EXPECT_GT(manifest["lammps_version"].get<long>(), 20200000);
  EXPECT_EQ(manifest["files"].size(), 2u);

  // types in another order than those of the molecule, without a word that stands for them
  write("force/fixed.lammps", "pair_style      mlff\npair_coeff      * * p.safetensors C H O\n");
  expect_error("label --molecule CCO --lammps force/fixed.lammps --lammps-types C H O -o fixed",
               {"molecule 'molecule' (CCO): the atom types of the system are H C O, but those of "
                "the commands (lammps_types) are C H O; write ${elements}"});
  expect_error("label --molecule CCO --lammps force/ethanol.lammps --lammps-units real -o real",
               {"sample are in units metal", "are in units real"});
  expect_error("label --molecule CCS --lammps force/ethanol.lammps -o sulfur",
               {"molecule 'molecule' (CCS): LAMMPS says 'ERROR: ", "S"});
}

TEST_F(LammpsForces, TeachAStudent)
{
  write("d.yaml",
        "molecules: CCO\nteacher: {lammps: force/ethanol.lammps}\ndata: {start: {file: " DATA
        "/ethanol_rmd17.xyz}}\nsampling: {temperatures: [200], frames: 30, every: 5, warmup: "
        "50}\nselect: {frames: 5, probe: 3}\nrounds: 1\nstudent:\n  model: {features: 16, layers: "
        "2, radial: 8, cutoff: 4.0}\n  training: {steps: 150, batch_atoms: 36, validate_every: 50, "
        "warmup: 10, learning_rate: 0.005}\noutput: d\n");
  const std::string said = run("distill d.yaml", true);
  ASSERT_EQ(status, 0) << said;
  expect_its_forces("d/round-1/molecule.xyz", 5);
  const auto training = Json::parse(Potential::read(file("d/student-1.safetensors")).training);
  EXPECT_EQ(training["distillation"]["settings"]["teacher"]["lammps"], "ethanol.lammps");
  write("force/ethanol.lammps", content("force/ethanol.lammps") + "# changed\n");
  expect_error("distill d.yaml", {"'ethanol.lammps' (teacher.lammps)", "not those that"});
  write("missing.yaml", "molecules: CCO\nteacher: {lammps: none.lammps}\n");
  expect_error("distill missing.yaml",
               {"'teacher.lammps' names 'none.lammps', which is not there"});
}

TEST_F(LammpsForces, TeachAJump)
{
  const std::string said = run("make-jump CCO --lammps force/ethanol.lammps --from none --minutes "
                               "0.01 --stride 4 --jobs 1 --no-plots -o jump",
                               true);
  ASSERT_EQ(status, 0) << said;
  const auto training = Json::parse(Potential::read(file("jump/jump.safetensors")).training);
  EXPECT_EQ(training["teacher"], "ethanol.lammps");
  const std::string input = content("jump/in.jump");
  const auto newton = input.find("newton on\n"), read = input.find("read_data "),
             pair = input.find("pair_coeff * * " + file("force/p.safetensors") + " H C O\n");
  ASSERT_NE(pair, std::string::npos) << input;
  EXPECT_LT(newton, read) << input;
  EXPECT_LT(read, pair) << input;
}

TEST_F(LammpsForces, DriveAStudy)
{
  write("small.yaml",
        "ps: 0.2\nwarmup: 0.02\nframe: 4\nlag: 0.06\nseeds: [1]\ntiming: {repeats: 0}\n"
        "molecules:\n  - {name: ethanol, smiles: CCO, force: {lammps: force/ethanol.lammps}}\n"
        "methods:\n  - verlet: [0.5, 1]\n");
  const std::string said = run("study small.yaml", true);
  ASSERT_EQ(status, 0) << said;
  const auto report = Json::parse(content("small/report.json"));
  ASSERT_EQ(report["molecules"][0]["rows"].size(), 2u);
  EXPECT_FALSE(report["molecules"][0]["rows"][0].contains("failed"));
  EXPECT_NE(content("small/ethanol/verlet-0.5/seed-1/in.run")
                .find("pair_coeff * * " + file("force/p.safetensors") + " H C O\n"),
            std::string::npos);
  // the contents of what the commands name count
  fs::copy_file(POTENTIALS "/ethanol-rmd17-painn128.safetensors", file("force/p.safetensors"),
                fs::copy_options::overwrite_existing);
  expect_error("study small.yaml", {"'p.safetensors'", "are not those that"});
}

}    // namespace
