// pair_style mlff together with other features of LAMMPS, two and more at once.
#include "engine/make_engine.h"
#include "support/lammps_fixture.h"
#include "support/lammps_state.h"
#include "support/long_range_cases.h"

#include "group.h"

using namespace mlff;
using mlff_test::atoms_of;
using mlff_test::engine_values;
using mlff_test::expect_right;
using mlff_test::largest_difference;
using mlff_test::random_potential;
using mlff_test::random_structure;
using mlff_test::structure_of;

namespace {

const std::array<double, 9> orthogonal = {12, 0, 0, 0, 11, 0, 0, 0, 13},
                            triclinic = {12.1, 0, 0, 1.3, 11.7, 0, -0.9, 1.1, 12.6};
const std::vector<int> coh = {6, 8, 1};

class PairCombinations : public mlff_test::LammpsTest {
 protected:
  Potential local = random_potential({8, 2, 6, 1e-2}, coh, 4.0, 1),
            second = random_potential({12, 1, 5}, {1, 8, 6}, 3.5, 2);
  Potential global = mlff_test::long_range(mlff_test::sizes_of(1));

  void fresh(const Structure &structure)
  {
    commands("clear\nunits metal");
    create(structure);
  }

  void use(const Potential &potential, const std::string &elements = "C O H")
  {
    commands("pair_style mlff precision double\npair_coeff * * " + potential_file(potential) + " " +
             elements);
  }
};

TEST_F(PairCombinations, EnergiesOfAtomsInAnOverlayWithNullTypes)
{
  // atoms of the model keep their own energies, in the order of their IDs; others have none of it
  for (const bool exclusion : {false, true}) {
    fresh(random_structure(24, 14, triclinic, {true, true, true}));
    commands("pair_style hybrid/overlay lj/cut 4.0 mlff precision double\npair_coeff * * lj/cut "
             "0.0 1.0\npair_coeff * * mlff " +
             potential_file(local) + " C NULL H\ngroup some id 3 6 14 15\n" +
             (exclusion ? "neigh_modify exclude group all some" : ""));
    commands("compute peratom all pe/atom\ncompute total all reduce sum c_peratom\nthermo_style "
             "custom step pe c_total\nrun 0 post no");
    const int out = exclusion ? lmp->group->bitmask[lmp->group->find("some")] : 0;
    expect_right(*lmp, local, {6, 0, 1}, out);
    EXPECT_NEAR(lmp->modify->get_compute_by_id("total")->scalar, energy(), 1e-9);
    auto all = atoms_of(*lmp), seen = all;
    std::erase_if(seen, [out](const auto &atom) {
      return atom.type == 2 || (atom.mask & out);
    });
    GraphStorage graph;
    append_graph(structure_of(*lmp, seen, coh), local.elements, local.cutoff, graph);
    Result result;
    make_engine(local, {"host", Precision::double_precision, 1})->evaluate(graph.view(), result);
    std::map<LAMMPS_NS::tagint, double> expected;
    for (std::size_t k = 0; k < seen.size(); k++) expected[seen[k].id] = result.atom_energy[k];
    const double *found = lmp->modify->get_compute_by_id("peratom")->vector_atom;
    for (int i = 0; i < lmp->atom->nlocal; i++)
      EXPECT_NEAR(found[i], expected[lmp->atom->tag[i]], 1e-9) << lmp->atom->tag[i];
  }
}

TEST_F(PairCombinations, TwoScaledModelsOfDifferentTypes)
{
  // A thermodynamic integration: one model knows all types, the other not the last; the scale is a
  // variable.
  if (kokkos) GTEST_SKIP() << "LAMMPS has no hybrid/scaled for Kokkos";
  const Structure structure = random_structure(24, 15, orthogonal, {true, true, true});
  fresh(structure);
  commands("variable a equal 0.25\nvariable b equal 1-v_a\npair_style hybrid/scaled v_a mlff "
           "precision double v_b mlff precision double\npair_coeff * * mlff 1 " +
           potential_file(local, "first.safetensors") + " C O H\npair_coeff * * mlff 2 " +
           potential_file(second, "second.safetensors") + " C O NULL");
  for (const double a : {0.25, 0.75}) {
    command("variable a equal " + std::to_string(a));
    command("run 0 post no");
    auto all = atoms_of(*lmp), seen = all;
    std::erase_if(seen, [](const auto &atom) {
      return atom.type == 3;
    });
    const auto one = engine_values(local, structure_of(*lmp, all, coh)),
               other = engine_values(second, structure_of(*lmp, seen, coh));
    EXPECT_NEAR(energy(), a * one.energy + (1.0 - a) * other.energy, 1e-9);
    std::vector<double> expected, found;
    std::size_t k = 0;
    for (std::size_t i = 0; i < all.size(); i++)
      for (int c = 0; c < 3; c++) {
        expected.push_back(a * one.forces[3 * i + c] +
                           (all[i].type == 3 ? 0.0 : (1.0 - a) * other.forces[3 * k + c]));
        found.push_back(all[i].f[c]);
        if (c == 2 && all[i].type != 3) k++;
      }
    EXPECT_LT(largest_difference(found, expected), 1e-10);
  }
}

TEST_F(PairCombinations, SpreadInARerun)
{
  if (kokkos) GTEST_SKIP() << "mlff/kk runs one potential";
  const auto values = [this] {
    auto *compute = lmp->modify->get_compute_by_id("u");
    std::vector<double> all(std::size_t(lmp->atom->natoms), 0.0);
    for (int i = 0; i < lmp->atom->nlocal; i++)
      all[lmp->atom->tag[i] - 1] = compute->vector_atom[i];
    all = sum_over_ranks(all);
    all.push_back(compute->scalar);
    all.push_back(energy());
    return all;
  };
  const std::string style = "pair_style mlff precision double\npair_coeff * * " +
      potential_file(local, "first.safetensors") + " " +
      potential_file(second, "second.safetensors") +
      " C O H\ncompute u all mlff/uncertainty\ncompute m all reduce max c_u\nthermo_style custom "
      "step pe c_u c_m\nthermo 1";
  fresh(random_structure(24, 16, triclinic, {true, true, true}));
  commands(style +
           "\nvelocity all create 2000 7 loop geom\nfix n all nve\ntimestep 0.0005\ndump d all "
           "custom 5 " +
           file("run.dump") +
           " id type x y z\ndump_modify d format float %.17g sort id\nrun 5 post no");
  const auto middle = values();
  command("run 5 post no");
  const auto last = values();
  command("undump d");
  EXPECT_GT(std::abs(middle[0] - last[0]), 1e-6);
  fresh(random_structure(24, 16, triclinic, {true, true, true}));
  commands(style + "\nrerun " + file("run.dump") + " first 5 last 5 dump x y z");
  EXPECT_LT(largest_difference(values(), middle), 1e-9);
  command("rerun " + file("run.dump") + " dump x y z");
  EXPECT_LT(largest_difference(values(), last), 1e-9);
}

TEST_F(PairCombinations, AtomsOnTheFacesOfAHalfTiltedCellAndARestart)
{
  // tilts of exactly a half, atoms on faces and edges, moved by roundings: no pair may be lost or
  // found twice, and none after a restart. (Not from the faces: there LAMMPS says that it cannot
  // assign all atoms of a restart file.)
  for (const bool has_block : {false, true}) {
    double first = 0.0;
    for (int k = 0; k < 6; k++) {
      const double epsilon = (k - 2) * 1.8e-15, a = 9.0 + epsilon;
      const Potential &potential = has_block ? global : local;
      Structure lattice;
      lattice.cell = {a, 0, 0, 0.5 * a, 8.0 - epsilon, 0, 0.5 * a, 4.0, 8.5};
      lattice.periodic = {true, true, true};
      for (int i = 0; i < 27; i++) {
        const double f[3] = {i % 3 / 3.0, i / 3 % 3 / 3.0, i / 9 / 3.0};
        for (int c = 0; c < 3; c++)
          lattice.positions.push_back(f[0] * lattice.cell[c] + f[1] * lattice.cell[3 + c] +
                                      f[2] * lattice.cell[6 + c]);
        lattice.numbers.push_back(coh[(i + i / 3) % 3]);
      }
      commands("clear\nunits metal\natom_style atomic\natom_modify map array");
      char line[256];
      std::snprintf(line, sizeof line,
                    "half tilted\n\n27 atoms\n3 atom types\n\n0 %.17g xlo xhi\n0 %.17g ylo yhi\n0 "
                    "8.5 zlo zhi\n%.17g %.17g 4 xy xz yz\n",
                    a, lattice.cell[4], lattice.cell[3], lattice.cell[6]);
      std::string text = std::string(line) + "\nMasses\n\n1 12\n2 16\n3 1\n\nAtoms # atomic\n\n";
      for (int i = 0; i < 27; i++) {
        const double *x = &lattice.positions[3 * i];
        std::snprintf(line, sizeof line, "%d %d %.17g %.17g %.17g\n", i + 1, (i + i / 3) % 3 + 1,
                      x[0], x[1], x[2]);
        text += line;
      }
      put("lattice.data", text);
      command("read_data " + file("lattice.data"));
      use(potential);
      commands("neighbor 0.5 bin\nrun 0 post no");
      ASSERT_EQ(lmp->atom->natoms, 27);
      expect_right(*lmp, potential, coh);
      if (k == 0) first = energy();
      EXPECT_NEAR(energy(), first, 1e-8);
      commands("displace_atoms all move 0.3 0.2 0.1 units box\nrun 0 post no\nwrite_restart " +
               file("lattice.restart") + "\nclear\nread_restart " + file("lattice.restart"));
      use(potential);
      command("run 0 post no");
      expect_right(*lmp, potential, coh);
      EXPECT_NEAR(energy(), first, 1e-8);
    }
  }
}

TEST_F(PairCombinations, RanksWhoseAtomsAreAllLeftOut)
{
  // quarters and halves of the box in turn, as ranks divide it, then all of it
  for (const Potential &potential : {local, global})
    for (const char *region :
         {"0 6 EDGE EDGE 0 6.5", "6 12 EDGE EDGE 0 6.5", "0 6 EDGE EDGE 6.5 13",
          "6 12 EDGE EDGE 6.5 13", "EDGE EDGE EDGE EDGE 0 6.5", "EDGE EDGE EDGE EDGE 6.5 13",
          "EDGE EDGE EDGE EDGE EDGE EDGE"}) {
      SCOPED_TRACE(region);
      fresh(random_structure(24, 17, orthogonal, {true, true, true}));
      use(potential);
      commands(std::string("region r block ") + region +
               " units box\ngroup out region r\nneigh_modify exclude group all out\nrun 0 post no");
      if (region == std::string("EDGE EDGE EDGE EDGE EDGE EDGE")) {
        EXPECT_EQ(energy(), 0.0);
        for (const auto &atom : atoms_of(*lmp)) EXPECT_EQ(atom.f[0], 0.0);
        continue;
      }
      commands(
          "velocity all create 500 7 loop geom\nfix n all nve\ntimestep 0.0005\nrun 3 post no");
      expect_right(*lmp, potential, coh, lmp->group->bitmask[lmp->group->find("out")]);
    }
}

TEST_F(PairCombinations, LeftOutAtomsAndNewTypesInABatchOneRank)
{
  // evaluated as partitions are that work together
  for (const Potential &potential : {local, global}) {
    fresh(random_structure(24, 19, orthogonal, {true, true, true}));
    commands("pair_style mlff precision double batch on\npair_coeff * * " +
             potential_file(potential) +
             " C O H\ngroup out id 2 5 9 10\nneigh_modify exclude group all out every 100 delay "
             "100 check no\nfix n all nve\ntimestep 0.00001\n"
             "variable T atom \"type*(id!=3)+1*(id==3)\"\nfix s all set 3 0 group all type "
             "v_T\nrun 2 post no");
    const int out = lmp->group->bitmask[lmp->group->find("out")];
    expect_right(*lmp, potential, coh, out);
    const double before = energy();
    command("run 3 pre no post no");
    expect_right(*lmp, potential, coh, out);
    EXPECT_GT(std::abs(energy() - before), 0.01);
  }
}

TEST_F(PairCombinations, RelaxedBoxes)
{
  // the cell changes with every step of a minimisation, and again with another one
  if (kokkos) GTEST_SKIP() << "LAMMPS has no fix box/relax with Kokkos";
  for (const Potential &potential : {local, global}) {
    fresh(random_structure(24, 18, triclinic, {true, true, true}));
    use(potential);
    commands("thermo_style custom step pe press pxx pyy pzz pxy pxz pyz\nrun 0 post no");
    const double start = energy();
    commands("min_style cg\nfix b all box/relax tri 0.0 vmax 0.002 nreset 5\nminimize 0.0 1e-3 12 "
             "40\nunfix b\nminimize 0.0 1e-3 5 20\nrun 0 post no");
    expect_right(*lmp, potential, coh);
    EXPECT_LT(energy(), start);
  }
}

}    // namespace
