// pair_style mlff inside LAMMPS, against the engine on the same structure and against LAMMPS' own
// rules.
#include "engine/make_engine.h"
#include "support/lammps_fixture.h"

#include "output.h"

#include <cmath>

using namespace mlff;
using mlff_test::largest_difference;
using mlff_test::random_potential;
using mlff_test::random_structure;

namespace {

const std::array<double, 9> triclinic = {8.1, 0, 0, 1.3, 7.7, 0, -0.9, 1.1, 8.6};

struct Expected {
  double energy;
  std::vector<double> atom_energy, forces, virial;    // virial in LAMMPS' order xx yy zz xy xz yz
};

Expected evaluate(const Potential &potential, const Structure &structure,
                  Precision precision = Precision::double_precision)
{
  GraphStorage graph;
  append_graph(structure, potential.elements, potential.cutoff, graph);
  Result result;
  make_engine(potential, {"auto", precision, 1, "cpu"})->evaluate(graph.view(), result);
  Expected out{result.energy[0], result.atom_energy, {}, std::vector<double>(6, 0.0)};
  sum_forces(graph.view(), result, out.forces);
  const int first[6] = {0, 1, 2, 0, 0, 1}, second[6] = {0, 1, 2, 1, 2, 2};
  for (std::size_t e = 0; e < graph.neighbor.size(); e++)
    for (int k = 0; k < 6; k++)
      out.virial[k] -= graph.r[3 * e + first[k]] * result.gradient[3 * e + second[k]];
  return out;
}

class PairMLFF : public mlff_test::LammpsTest {
 protected:
  Potential potential = random_potential({8, 2, 6, 1e-2});

  void use(const std::string &style = "mlff precision double",
           const std::string &elements = "C O H")
  {
    command("pair_style " + style);
    command("pair_coeff * * " + potential_file(potential) + " " + elements);
  }
};

struct System {
  const char *name;
  Structure structure;
  const char *newton, *engine;
};

class PairMLFFSystem : public PairMLFF, public testing::WithParamInterface<System> {};

TEST_P(PairMLFFSystem, EqualsEngine)
{
  const auto &[name, structure, newton, engine] = GetParam();
  command("units metal");
  command(std::string("newton ") + newton);
  create(structure);
  if (kokkos && std::string(engine) == "torch") {
    expect_error("pair_style mlff engine torch", {"mlff/kk", "'engine torch' is not accepted"});
    return;
  }
  use(std::string("mlff precision double engine ") + engine);
  if (n_ranks > 1 && std::string(engine) == "torch") {
    expect_error(
        "run 0",
        {"engine torch runs on one MPI rank per partition, found " + std::to_string(n_ranks),
         "use engine host"});
    return;
  }
  commands("compute peratom all pe/atom\ncompute esum all reduce sum c_peratom\n"
           "compute stress all stress/atom NULL virial\n"
           "compute vsum all reduce sum c_stress[1] c_stress[2] c_stress[3] c_stress[4] "
           "c_stress[5] c_stress[6]\n"
           "thermo_style custom step pe press c_esum c_vsum[1] c_vsum[2] c_vsum[3] c_vsum[4] "
           "c_vsum[5] c_vsum[6]\nrun 0 post no");
  expect_in_log(kokkos ? "Pair style mlff/kk: Kokkos"
                       : "Pair style mlff: " + std::string(engine) + " engine");
  const auto expected = evaluate(potential, structure);
  EXPECT_NEAR(energy(), expected.energy, 1e-9);
  EXPECT_LT(largest_difference(forces(), expected.forces), 1e-10);
  EXPECT_LT(largest_difference(virial(), expected.virial), 1e-9);
  const double *atom_energy = lmp->modify->get_compute_by_id("peratom")->vector_atom;
  for (int i = 0; i < lmp->atom->nlocal; i++)
    EXPECT_NEAR(atom_energy[i], expected.atom_energy[lmp->atom->tag[i] - 1], 1e-9);
  EXPECT_NEAR(lmp->modify->get_compute_by_id("esum")->scalar, expected.energy, 1e-9);
  // stress/atom is minus virial times the pressure conversion
  auto *sum = lmp->modify->get_compute_by_id("vsum");
  for (int k = 0; k < 6; k++)
    EXPECT_NEAR(-sum->vector[k] / lmp->force->nktv2p, expected.virial[k], 1e-9) << k;
}

std::vector<System> systems()
{
  Structure one;
  one.numbers = {8};
  one.positions = {0.5, -0.5, 0.25};
  Structure apart;
  apart.numbers = {6, 8};
  apart.positions = {0, 0, 0, 20, 0, 0};
  std::vector<System> list;
  for (const char *engine : {"host",
#ifdef MLFF_TORCH
                             "torch"
#endif
       })
    for (const char *newton : {"on", "off"}) {
      list.push_back({"open", random_structure(12, 3), newton, engine});
      list.push_back({"periodic",
                      random_structure(40, 4, {9, 0, 0, 0, 8.5, 0, 0, 0, 9.5}, {true, true, true}),
                      newton, engine});
      list.push_back(
          {"triclinic", random_structure(30, 5, triclinic, {true, true, true}), newton, engine});
      list.push_back({"slab",
                      random_structure(30, 6, {8, 0, 0, 0, 8, 0, 0, 0, 9}, {true, true, false}),
                      newton, engine});
      list.push_back({"cell_smaller_than_cutoff",
                      random_structure(3, 7, {3.1, 0, 0, 0, 3.2, 0, 0, 0, 3.3}, {true, true, true}),
                      newton, engine});
      list.push_back({"one_atom", one, newton, engine});
      list.push_back({"no_edges", apart, newton, engine});
    }
  return list;
}

INSTANTIATE_TEST_SUITE_P(Systems, PairMLFFSystem, testing::ValuesIn(systems()),
                         [](const auto &info) {
                           return std::string(info.param.name) + "_newton_" + info.param.newton +
                               "_" + info.param.engine;
                         });

TEST_F(PairMLFF, NoAtoms)
{
  command("units metal");
  create(Structure{}, {6, 8, 1});
  use();
  command("run 2 post no");
  EXPECT_EQ(energy(), 0.0);
}

TEST_F(PairMLFF, FollowsAtomsThroughTheBox)
{
  // atoms cross the boundary, lists are rebuilt: the forces after the run are those of the final
  // structure, and the energy is kept
  command("units metal");
  const Structure structure = random_structure(24, 8, triclinic, {true, true, true});
  create(structure);
  use();
  commands(
      "velocity all create 2000 99 mom yes\nfix 1 all nve\ntimestep 0.0002\nneighbor 0.5 "
      "bin\nneigh_modify every 1 delay 0 check yes\n"
      "thermo 1\nthermo_style custom step etotal\nvariable etotal equal etotal\nrun 0 post no");
  const auto total = [this] {
    return lammps_get_thermo(lmp.get(), "etotal");
  };
  const double start = total();
  command("run 200 post no");
  EXPECT_NEAR(total(), start, 2e-3);
  Structure final = structure;
  final.positions = positions();
  EXPECT_GT(largest_difference(final.positions, structure.positions), 0.2);
  const auto expected = evaluate(potential, final);
  EXPECT_NEAR(energy(), expected.energy, 1e-9);
  EXPECT_LT(largest_difference(forces(), expected.forces), 1e-10);
  expect_in_log("Loop time");
}

TEST_F(PairMLFF, UnitsReal)
{
  const Structure structure = random_structure(10, 12);
  command("units real");
  create(structure);
  use();
  command("run 0 post no");
  const auto expected = evaluate(potential, structure);
  const double kcal = 23.060549;    // LAMMPS' own factor between metal and real
  EXPECT_NEAR(energy(), expected.energy * kcal, 1e-7);
  auto scaled = expected.forces;
  for (double &f : scaled) f *= kcal;
  EXPECT_LT(largest_difference(forces(), scaled), 1e-8);
}

TEST_F(PairMLFF, SinglePrecisionIsTheDefault)
{
  const Structure structure = random_structure(10, 12);
  command("units metal");
  create(structure);
  use("mlff");
  command("run 0 post no");
  const auto single = evaluate(potential, structure, Precision::single_precision),
             exact = evaluate(potential, structure);
  EXPECT_LT(largest_difference(forces(), single.forces), 2e-6);    // the edges have another order
  EXPECT_GT(largest_difference(forces(), exact.forces), 1e-9);
  EXPECT_LT(largest_difference(forces(), exact.forces), 1e-4);
}

TEST_F(PairMLFF, OverlayAddsForces)
{
  const Structure structure = random_structure(20, 13, triclinic, {true, true, true});
  command("units metal");
  create(structure);
  const std::string lj = "0.02 2.0";
  commands("pair_style lj/cut 4.0\npair_coeff * * " + lj + "\nrun 0 post no");
  const auto lj_forces = forces();
  const double lj_energy = energy();
  commands("pair_style hybrid/overlay lj/cut 4.0 mlff precision double\npair_coeff * * lj/cut " +
           lj + "\npair_coeff * * mlff " + potential_file(potential) + " C O H\nrun 0 post no");
  const auto expected = evaluate(potential, structure);
  auto both = expected.forces;
  for (std::size_t k = 0; k < both.size(); k++) both[k] += lj_forces[k];
  EXPECT_NEAR(energy(), expected.energy + lj_energy, 1e-9);
  EXPECT_LT(largest_difference(forces(), both), 1e-10);

  commands("pair_style hybrid/scaled 0.25 lj/cut 4.0 0.75 mlff precision double\npair_coeff * * "
           "lj/cut " +
           lj + "\npair_coeff * * mlff " + potential_file(potential) + " C O H\nrun 0 post no");
  for (std::size_t k = 0; k < both.size(); k++)
    both[k] = 0.75 * expected.forces[k] + 0.25 * lj_forces[k];
  EXPECT_LT(largest_difference(forces(), both), 1e-10);
}

TEST_F(PairMLFF, NullTypesAreLeftOut)
{
  // type 2 belongs to another pair style: the model must not see these atoms at all
  const Structure structure = random_structure(21, 14, triclinic, {true, true, true});
  Structure seen = structure;
  seen.numbers.clear();
  seen.positions.clear();
  std::vector<int> index;
  for (int i = 0; i < structure.n_atoms(); i++) {
    if (structure.numbers[i] == 8) continue;
    index.push_back(i);
    seen.numbers.push_back(structure.numbers[i]);
    seen.positions.insert(seen.positions.end(), structure.positions.begin() + 3 * i,
                          structure.positions.begin() + 3 * i + 3);
  }
  command("units metal");
  create(structure);
  commands("pair_style hybrid/overlay mlff precision double zero 4.0\npair_coeff * * "
           "zero\npair_coeff * * mlff " +
           potential_file(potential) + " C NULL H\nrun 0 post no");
  const auto expected = evaluate(potential, seen);
  std::vector<double> all(structure.positions.size(), 0.0);
  for (std::size_t k = 0; k < index.size(); k++)
    for (int a = 0; a < 3; a++) all[3 * index[k] + a] = expected.forces[3 * k + a];
  EXPECT_NEAR(energy(), expected.energy, 1e-9);
  EXPECT_LT(largest_difference(forces(), all), 1e-10);
}

TEST_F(PairMLFF, WithoutAtomMapOrIds)
{
  const Structure structure =
      random_structure(20, 15, {8, 0, 0, 0, 7.5, 0, 0, 0, 8.5}, {true, true, true});
  command("units metal");
  create(structure, {6, 8, 1}, "atom_modify id no");
  use();
  command("run 0 post no");
  EXPECT_NEAR(energy(), evaluate(potential, structure).energy, 1e-9);
}

TEST_F(PairMLFF, SettingsAndCoefficientsMayChange)
{
  const Structure structure = random_structure(10, 16);
  command("units metal");
  create(structure);
  use();
  command("run 0 post no");
  const auto before = forces();
  potential = random_potential({8, 1, 5}, {1, 6, 8}, 3.0, 99);
  command("pair_coeff * * " + potential_file(potential, "other.safetensors") + " C O H");
  command("run 0 post no");
  EXPECT_LT(largest_difference(forces(), evaluate(potential, structure).forces), 1e-10);
  EXPECT_GT(largest_difference(forces(), before), 1e-3);
  command("clear");
  command("units metal");
  create(structure);
  use();
  command("run 0 post no");
  EXPECT_LT(largest_difference(forces(), evaluate(potential, structure).forces), 1e-10);
}

TEST_F(PairMLFF, ForcesAreThoseOfLabelledFramesToolsSee)
{
  // the shipped potential, frames of the repository: LAMMPS and the engine on the reader's
  // structure give the same numbers
  const Potential shipped = Potential::read(SHIPPED_POTENTIAL);
  Structure frame = random_structure(9, 18, {}, {}, {1});
  frame.numbers = {6, 6, 8, 1, 1, 1, 1, 1, 1};
  frame.positions = {0.07,  0.47, 0.21,  -1.27, 0.04,  -0.31, 1.09,  -0.47, 0.14,
                     0.38,  1.46, -0.25, 0.14,  0.75,  1.22,  -1.65, -0.82, 0.17,
                     -2.02, 0.84, -0.17, -1.11, -0.13, -1.35, 1.27,  -0.74, -0.77};
  command("units metal");
  create(frame);
  // A potential is found by its name alone, with no folder in the environment.
  unsetenv("LAMMPS_POTENTIALS");
  commands("pair_style mlff precision double\npair_coeff * * ethanol-rmd17-painn128.safetensors C "
           "O H\nrun 0 post no");
  const auto expected = evaluate(shipped, frame);
  EXPECT_LT(largest_difference(forces(), expected.forces), 1e-10);
  EXPECT_NEAR(energy(), expected.energy, 1e-8);
  expect_in_log("with DATE: 20");
}

TEST_F(PairMLFF, ExtractAndMemory)
{
  command("units metal");
  create(random_structure(10, 12));
  use();
  command("run 0 post no");
  int dim = -1;
  const double *cutoff = static_cast<double *>(lmp->force->pair->extract("cutoff", dim));
  ASSERT_NE(cutoff, nullptr);
  EXPECT_EQ(dim, 0);
  EXPECT_EQ(*cutoff, potential.cutoff);
  EXPECT_EQ(lmp->force->pair->extract("nothing", dim), nullptr);
  EXPECT_GT(sum_over_ranks({lmp->force->pair->memory_usage()})[0], 1000.0);
}

// ---- every error message

TEST_F(PairMLFF, RefusesSettings)
{
  command("units metal");
  create(random_structure(6, 1));
  if (kokkos) {
    expect_error("pair_style mlff threads 2", {"mlff/kk", "'threads' is not accepted here"});
    expect_error("pair_style mlff device cpu", {"mlff/kk", "'device' is not accepted here"});
    return;
  }
  expect_error("pair_style mlff engines host",
               {"keyword 'engines'", "accepted: engine, precision"});
  expect_error("pair_style mlff engine",
               {"Illegal pair_style mlff engine command: missing argument"});
  expect_error("pair_style mlff engine tensorflow",
               {"no engine 'tensorflow'", "accepted: auto, host"});
  expect_error("pair_style mlff precision half", {"precision 'half'", "accepted: single, double"});
  expect_error("pair_style mlff threads -1", {"threads is -1", "0 (automatic) or more"});
  expect_error("pair_style mlff threads two", {"Expected integer parameter"});
  expect_error("pair_style mlff device tpu", {"device 'tpu'", "accepted: auto, cpu, cuda"});
  expect_error("pair_style mlff filter linear",
               {"filter 'linear'", "accepted: auto, exact, spline"});
}

TEST_F(PairMLFF, RefusesCoefficients)
{
  command("units metal");
  create(random_structure(6, 1));
  command("pair_style mlff");
  const std::string path = potential_file(potential);
  expect_error("pair_coeff * *", {"missing argument"});
  expect_error("pair_coeff 1 * " + path + " C O H", {"must start with * *"});
  expect_error("pair_coeff * * nothing.safetensors C O H",
               {"Cannot open potential file 'nothing.safetensors'", "LAMMPS_POTENTIALS"});
  expect_error("pair_coeff * * " + path + " C O", {"2 elements", "3 atom types"});
  expect_error("pair_coeff * * " + path + " C O H H", {"4 elements", "3 atom types"});
  expect_error("pair_coeff * * " + path + " C O N",
               {"Element 'N' of atom type 3", path, "accepted: C O H, NULL"});
  expect_error("pair_coeff * * " + path + " C O carbon", {"Element 'carbon'"});
  expect_error("pair_coeff * * " + path + " NULL NULL NULL", {"maps every atom type to NULL"});
  put("text.safetensors", "no potential at all, only a text");
  expect_error("pair_coeff * * " + file("text.safetensors") + " C O H",
               {"text.safetensors", "not a safetensors file"});
}

TEST_F(PairMLFF, RefusesMissingCoefficients)
{
  command("units metal");
  create(random_structure(6, 1));
  command("pair_style mlff");
  expect_error("run 0", {"pair coeffs are not set"});
}

TEST_F(PairMLFF, RefusesNullWithoutHybrid)
{
  command("units metal");
  create(random_structure(6, 1));
  use("mlff", "C O NULL");
  expect_error("run 0", {"pair coeffs are not set"});
}

TEST_F(PairMLFF, RefusesUnits)
{
  command("units lj");
  create(random_structure(6, 1));
  use();
  expect_error("run 0", {"no units 'lj'", "accepted: metal, real"});
}

#ifndef MLFF_PLUGIN
TEST_F(PairMLFF, RefusesKokkosStyleWithoutKokkos)
{
  if (kokkos) return;
  command("units metal");
  create(random_structure(6, 1));
  for (const char *style : {"mlff/kk", "mlff/kk/device", "mlff/kk/host"})
    expect_error(std::string("pair_style ") + style,
                 {"start LAMMPS with '-k on'", "pair style mlff"});
}
#endif

TEST_F(PairMLFF, RefusesDeviceThatIsNotThere)
{
  if (kokkos) return;
#ifdef MLFF_TORCH
  if (make_engine(potential, {"torch", Precision::single_precision, 1, "auto"})->info().on_host()) {
    command("units metal");
    create(random_structure(6, 1));
    use("mlff engine torch device cuda");
    expect_error("run 0", {"device 'cuda' was asked for", "accepted here: auto, cpu"});
  }
#endif
}

TEST_F(PairMLFF, RefusesExcludedBondedNeighbors)
{
  // special_bonds 0 0 0 takes bonded pairs out of the neighbor list: silent nonsense for a
  // potential of all pairs
  put("two.data",
      "two bonded atoms\n\n2 atoms\n1 bonds\n3 atom types\n1 bond types\n\n-5 5 xlo xhi\n-5 5 ylo "
      "yhi\n-5 5 zlo zhi\n\n"
      "Masses\n\n1 12\n2 16\n3 1\n\nAtoms # bond\n\n1 1 1 0 0 0\n2 1 2 1.2 0 0\n\nBonds\n\n1 1 1 "
      "2\n");
  commands("units metal\natom_style bond\nboundary f f f\nbond_style zero");
  command("read_data " + file("two.data"));
  command("bond_coeff *");
  use();
  expect_error("run 0", {"special_bonds removes 1-2 neighbors", "special_bonds lj/coul 1 1 1"});
  command("special_bonds lj/coul 1 1 1");
  command("run 0 post no");
  Structure structure;
  structure.numbers = {6, 8};
  structure.positions = {0, 0, 0, 1.2, 0, 0};
  EXPECT_NEAR(energy(), evaluate(potential, structure).energy, 1e-9);
}

TEST_F(PairMLFF, RefusesAtomsOnOnePlaceOneRank)
{
  Structure structure = random_structure(6, 1);
  command("units metal");
  create(structure);
  char text[128];
  std::snprintf(text, sizeof text, "create_atoms 1 single %.16g %.16g %.16g units box",
                structure.positions[0], structure.positions[1], structure.positions[2]);
  command(text);
  use();
  expect_error("run 0", {"on timestep 0", "is not finite", "atoms at the same position"});
}

TEST_F(PairMLFF, RefusesAtomsThatLeaveAFixedBox)
{
  command("units metal");
  create(random_structure(6, 1));
  use();
  commands("fix 1 all nve\nvelocity all set 1.0e6 0.0 0.0\ntimestep 0.001\nthermo 1");
  expect_error("run 100 post no", {"Lost atoms"});
}

}    // namespace
