// pair_style mlff while atoms, types, box and neighbor lists change under it: energies and forces
// are always those of what is there.
#include "potential/model_kind.h"
#include "support/lammps_fixture.h"
#include "support/lammps_state.h"
#include "support/long_range_cases.h"

#include "fix.h"
#include "group.h"
#include "modify.h"

#ifndef MLFF_LAMMPS_HAS_MC
#include "fix_atom_swap.h"
#include "fix_bond_create.h"
#include "fix_gcmc.h"
#include "fix_widom.h"
#endif

using namespace mlff;
using mlff_test::atoms_of;
using mlff_test::expect_right;
using mlff_test::largest_difference;
using mlff_test::random_potential;
using mlff_test::random_structure;

namespace {

const std::array<double, 9> orthogonal = {12, 0, 0, 0, 11, 0, 0, 0, 13},
                            triclinic = {12.1, 0, 0, 1.3, 11.7, 0, -0.9, 1.1, 12.6};
const std::vector<int> coh = {6, 8, 1};

#ifndef MLFF_LAMMPS_HAS_MC
template <class Style> LAMMPS_NS::Fix *make_fix(LAMMPS_NS::LAMMPS *lmp, int narg, char **arg)
{
  return new Style(lmp, narg, arg);
}
#endif

class PairChanges : public mlff_test::LammpsTest {
 protected:
  Potential local = random_potential({8, 2, 6, 1e-2}, coh, 4.0, 1);
  Potential global = mlff_test::long_range(mlff_test::sizes_of(1));

  /// Fixes of LAMMPS' package MC are added by hand where LAMMPS is built without it.
  void fresh_instance()
  {
    command("clear");
#ifndef MLFF_LAMMPS_HAS_MC
    (*lmp->modify->fix_map)["gcmc"] = make_fix<LAMMPS_NS::FixGCMC>;
    (*lmp->modify->fix_map)["widom"] = make_fix<LAMMPS_NS::FixWidom>;
    (*lmp->modify->fix_map)["atom/swap"] = make_fix<LAMMPS_NS::FixAtomSwap>;
    (*lmp->modify->fix_map)["bond/create"] = make_fix<LAMMPS_NS::FixBondCreate>;
#endif
  }

  void fresh(const Structure &structure)
  {
    fresh_instance();
    command("units metal");
    create(structure);
  }

  void use(const Potential &potential, const std::string &elements = "C O H")
  {
    commands("pair_style mlff precision double\npair_coeff * * " + potential_file(potential) + " " +
             elements);
  }

  void use_with_zero(const Potential &potential, const std::string &elements,
                     const std::string &hybrid = "hybrid/overlay")
  {
    commands("pair_style " + hybrid +
             " zero 4.0 mlff precision double\npair_coeff * * zero\npair_coeff * * mlff " +
             potential_file(potential) + " " + elements);
  }

  int bit(const std::string &group) const
  {
    return lmp->group->bitmask[lmp->group->find(group)];
  }
};

TEST_F(PairChanges, ExclusionsOfPairsAreRefused)
{
  const Structure structure = random_structure(20, 3, orthogonal, {true, true, true});
  for (const bool hybrid : {false, true}) {
    fresh(structure);
    hybrid ? use_with_zero(local, "C O H") : use(local);
    commands("group frozen id 2 6 7 8\ngroup rest subtract all frozen\nrun 0 post no");
    command("neigh_modify exclude group frozen frozen");
    expect_error("run 0 post no",
                 {"Pair style mlff needs all pairs",
                  "'neigh_modify exclude group frozen frozen' takes away",
                  "accepted: groups of which one"});
    commands("neigh_modify exclude none\nneigh_modify exclude group frozen rest");
    expect_error("run 0 post no",
                 {"'neigh_modify exclude group frozen rest' takes away", "'exclude group all'"});
    commands("neigh_modify exclude none\nneigh_modify exclude type 1 3");
    expect_error("run 0 post no",
                 {"Pair style mlff needs all pairs", "'neigh_modify exclude type 1 3' takes away",
                  "accepted: types that pair_coeff maps to NULL"});
    // Results are those before any exclusion.
    commands("neigh_modify exclude none\nrun 0 post no");
    expect_right(*lmp, local, coh);
  }
  // molecules
  put("two.data",
      "two molecules\n\n4 atoms\n3 atom types\n\n-5 5 xlo xhi\n-5 5 ylo yhi\n-5 5 zlo zhi\n\n"
      "Masses\n\n1 12\n2 16\n3 1\n\nAtoms # bond\n\n1 1 1 0 0 0\n2 1 2 1.2 0 0\n3 2 1 0 2 0\n4 2 2 "
      "1.2 2 0\n");
  for (const std::string kind : {"intra", "inter"}) {
    commands("clear\nunits metal\natom_style bond\nboundary f f f\nread_data " + file("two.data"));
    use(local);
    commands("special_bonds lj/coul 1 1 1\nneigh_modify exclude molecule/" + kind + " all");
    expect_error("run 0 post no",
                 {"'neigh_modify exclude molecule/" + kind + " all' takes away",
                  "a group that has no atoms of the model"});
  }
}

TEST_F(PairChanges, ExclusionsOfOtherStylesAreNot)
{
  const Structure structure = random_structure(20, 3, orthogonal, {true, true, true});
  fresh(structure);
  use_with_zero(local, "C NULL H");
  commands("group oxygen type 2\ngroup none empty\nneigh_modify exclude type 2 2 exclude type 1 2 "
           "exclude group oxygen oxygen exclude group all none\n"
           "neigh_modify exclude group none oxygen\nrun 0 post no");
  expect_right(*lmp, local, {6, 0, 1});
}

TEST_F(PairChanges, AtomsExcludedFromAllAreNotThere)
{
  for (const Potential &potential : {local, global})
    for (const bool hybrid : {false, true})
      for (const auto &cell : {orthogonal, triclinic, std::array<double, 9>{}}) {
        const bool periodic = cell[0] > 0.0;
        fresh(random_structure(21, 4, cell, {periodic, periodic, periodic}));
        hybrid ? use_with_zero(potential, "C O H") : use(potential);
        commands("group out id 2 5 9 10 11 17\ncompute peratom all pe/atom\nthermo_style custom "
                 "step pe press\nrun 0 post no");
        expect_right(*lmp, potential, coh);
        commands("neigh_modify exclude group all out\ncompute total all reduce sum "
                 "c_peratom\nthermo_style custom step pe press c_total\nrun 0 post no");
        expect_right(*lmp, potential, coh, bit("out"));
        EXPECT_NEAR(lmp->modify->get_compute_by_id("total")->scalar, energy(), 1e-9);
        const auto pressure = virial();
        // a trajectory in which they do not take part
        commands("velocity all create 1000 7 loop geom\nfix n all nve\ntimestep "
                 "0.0002\nneigh_modify every 1 delay 0 check yes\nrun 20 post no");
        expect_right(*lmp, potential, coh, bit("out"));
        commands("unfix n\nneigh_modify exclude none\nrun 0 post no");
        expect_right(*lmp, potential, coh);
        fresh(random_structure(21, 4, cell, {periodic, periodic, periodic}));
        hybrid ? use_with_zero(potential, "C O H") : use(potential);
        commands("group out id 2 5 9 10 11 17\ndelete_atoms group out compress no\nthermo_style "
                 "custom step pe press\nrun 0 post no");
        EXPECT_LT(largest_difference(virial(), pressure), 1e-8);
      }
}

TEST_F(PairChanges, AtomsOutsideTheIncludedGroupAreNotThere)
{
  fresh(random_structure(21, 4, orthogonal, {true, true, true}));
  commands("group in id 1 3 4 6 7 8 12:21\ngroup out subtract all in\natom_modify sort 0 0.0 first "
           "in\nneigh_modify include in");
  use(local);
  command("run 0 post no");
  // LAMMPS clears forces of the group alone
  expect_right(*lmp, local, coh, bit("out"), false);
}

TEST_F(PairChanges, PairsOfAnotherSubStyleAreRefused)
{
  fresh(random_structure(20, 3, orthogonal, {true, true, true}));
  commands("pair_style hybrid mlff precision double lj/cut 4.0\npair_coeff * * mlff " +
           potential_file(local) + " C O H\npair_coeff 1 2 lj/cut 0.01 3.0");
  expect_error("run 0 post no",
               {"needs all pairs of its atoms",
                "those of types 1 and 2 to another sub-style of pair style hybrid",
                "accepted: 'pair_coeff * * mlff'"});
  commands("pair_style hybrid/overlay mlff precision double lj/cut 4.0\npair_coeff * * mlff " +
           file("test.safetensors") + " C O H\npair_coeff 1 2 lj/cut 0.0 3.0\nrun 0 post no");
  expect_right(*lmp, local, coh);
}

TEST_F(PairChanges, TypesChangedWithoutARebuildCountAtOnce)
{
  for (const Potential &potential : {local, global})
    for (const bool hybrid : {false, true}) {
      fresh(random_structure(24, 5, orthogonal, {true, true, true}));
      hybrid ? use_with_zero(potential, "C O H") : use(potential);
      commands("fix n all nve\ntimestep 0.00001\nneigh_modify delay 100 every 100 check no\n"
               "variable T atom \"type*(id!=3)*(id!=11)+1*(id==3)+3*(id==11)\"\nfix s all set 3 0 "
               "group all type v_T\nrun 2 post no");
      const double before = energy();
      const auto old = atoms_of(*lmp);
      command("run 3 pre no post no");
      const auto now = atoms_of(*lmp);
      EXPECT_NE(old[2].type, now[2].type);
      expect_right(*lmp, potential, coh);
      EXPECT_GT(std::abs(energy() - before), 0.01);
      commands("unfix s\nrun 0 post no");
      expect_right(*lmp, potential, coh);
    }
}

TEST_F(PairChanges, TypesThatLeaveTheModelWithoutARebuildAreRefused)
{
  fresh(random_structure(24, 5, orthogonal, {true, true, true}));
  use_with_zero(local, "C NULL H");
  commands("fix n all nve\ntimestep 0.00001\nneigh_modify delay 100 every 100 check no\nvariable T "
           "atom \"type*(id!=3)+2*(id==3)\"\n"
           "fix s all set 3 0 group all type v_T\nrun 2 post no");
  expect_right(*lmp, local, {6, 0, 1});
  const int type = atoms_of(*lmp)[2].type;
  ASSERT_NE(type, 2);
  expect_error(
      "run 3 pre no post no",
      {"on timestep 4", "types changed between those of the model and those mapped to NULL",
       "(as from " + std::to_string(type) + " to 2)", "change types where the list is rebuilt"});
}

TEST_F(PairChanges, BetweenRuns)
{
  for (const Potential &potential : {local, global}) {
    fresh(random_structure(21, 6, orthogonal, {true, true, true}));
    use(potential);
    const auto check = [&](const std::string &change, const std::vector<int> &elements = coh) {
      SCOPED_TRACE(change);
      commands(change);
      command("run 0 post no");
      expect_right(*lmp, potential, elements);
    };
    check("");
    check("set atom 2*5 type 3");
    check("group some id 4 7 8\ndelete_atoms group some compress no");
    check("create_atoms 2 single 1.7 8.2 3.1 units box");
    check("reset_atoms id");
    check("displace_atoms all random 0.2 0.2 0.2 4711 units box");
    check("displace_atoms all move 0.0 3.0 -4.0 units box");
    check("change_box all x scale 1.1 y scale 0.95 remap units box");
    if (!potential.kind().needs_positions) check("change_box all boundary p p f");
    check("change_box all boundary f f f");
    check("change_box all boundary p p p");
    check("change_box all triclinic xy final 1.5 yz final -1.0 remap units box");
    check("replicate 1 2 1");
    char tilts[128];
    std::snprintf(tilts, sizeof tilts, "%.17g %.17g %.17g xy xz yz\n", lmp->domain->xy,
                  lmp->domain->xz, lmp->domain->yz);
    put("more.data",
        std::string(
            "two more\n\n2 atoms\n3 atom types\n\n0 12 xlo xhi\n0 20 ylo yhi\n0 13 zlo zhi\n") +
            tilts +
            "\nMasses\n\n1 12\n2 16\n3 1\n\nAtoms # atomic\n\n1 2 5.1 4.3 6.2\n2 3 6.0 4.3 6.0\n");
    check("read_data " + file("more.data") + " add append");
    check("balance 1.0 shift xyz 5 1.01");
    check("pair_coeff * * " + file("test.safetensors") + " H O C", {1, 8, 6});
    check("pair_style mlff precision double\npair_coeff * * " + file("test.safetensors") +
          " C O H");
    check("neigh_modify one 1000 page 100000");
    if (!kokkos) check("neighbor 0.3 nsq");
    check("velocity all create 3000 99\nfix n all nve\ntimestep 0.0005\nneighbor 1.0 "
          "bin\nneigh_modify every 2 delay 4 check yes\nrun 30 post no\nunfix n");
  }
}

// ---- users of exclusions and of types in LAMMPS' package MC

TEST_F(PairChanges, GrandCanonicalExchangeCountsWholeAtoms)
{
  // an oxygen costs about 10 eV. At 300 K, with a chemical potential above that insertions win and
  // deletions never, below the other way
  Potential potential = local;
  potential.tensors["reference_energy"].values = {-30.0, -10.0, -5.0};
  for (const double chemical : {-5.0, -15.0}) {
    SCOPED_TRACE(chemical);
    fresh(random_structure(24, 5, orthogonal, {true, true, true}));
    use(potential);
    char text[128];
    std::snprintf(text, sizeof text, "fix g gas gcmc 1 20 0 2 3456 300.0 %g 0.1", chemical);
    commands(std::string("group gas type 2\nrun 0 post no\n") + text + "\nrun 1 post no");
    auto *gcmc = lmp->modify->get_fix_by_id("g");
    const auto count = [gcmc](int k) {
      return int(gcmc->compute_vector(k));
    };
    const int insertions = count(2), inserted = count(3), deletions = count(4), deleted = count(5);
    EXPECT_GT(insertions, 3);
    EXPECT_GT(deletions, 3);
    EXPECT_EQ(inserted, chemical > -10.0 ? insertions : 0);
    EXPECT_EQ(deleted, chemical > -10.0 ? 0 : std::min(deletions, 8));
    EXPECT_EQ(lmp->atom->natoms, 24 + inserted - deleted);
    expect_right(*lmp, potential, coh);
  }
}

TEST_F(PairChanges, GrandCanonicalExchangeOfMolecules)
{
  // carbon monoxide in a gas of other atoms; intra_energy is that of the molecule alone, so that
  // only its interactions are left
  Potential potential = local;
  potential.tensors["reference_energy"].values = {-30.0, -10.0, -5.0};
  Structure monoxide;
  monoxide.numbers = {6, 8};
  monoxide.positions = {0, 0, 0, 1.2, 0, 0};
  const double alone = mlff_test::engine_values(potential, monoxide).energy;
  const Structure others = random_structure(12, 5, orthogonal, {true, true, true});
  std::string text = "gas\n\n18 atoms\n3 atom types\n\n0 12 xlo xhi\n0 11 ylo yhi\n0 13 zlo "
                     "zhi\n\nMasses\n\n1 12\n2 16\n3 1\n\nAtoms # molecular\n\n";
  char line[256];
  for (int i = 0; i < 12; i++) {
    std::snprintf(line, sizeof line, "%d 0 %d %.12g %.12g %.12g\n", i + 1, i % 3 + 1,
                  others.positions[3 * i], others.positions[3 * i + 1],
                  others.positions[3 * i + 2]);
    text += line;
  }
  text += "13 1 1 3 3 3\n14 1 2 4.2 3 3\n15 2 1 8 8 8\n16 2 2 8 9.2 8\n17 3 1 3 8 10\n18 3 2 3 8 "
          "11.2\n";
  put("gas.data", text);
  put("monoxide.mol",
      "carbon monoxide\n\n2 atoms\n\nCoords\n\n1 0 0 0\n2 1.2 0 0\n\nTypes\n\n1 1\n2 2\n");
  for (const double chemical : {5.0, -5.0}) {
    SCOPED_TRACE(chemical);
    fresh_instance();
    commands(
        "units metal\natom_style molecular\natom_modify map array\nboundary p p p\nread_data " +
        file("gas.data") + "\nmolecule m " + file("monoxide.mol"));
    use(potential);
    std::snprintf(line, sizeof line,
                  "fix g gas gcmc 1 20 0 0 3456 300.0 %g 0.1 mol m intra_energy %.12g", chemical,
                  alone);
    commands(std::string("group gas molecule 1:3\nrun 0 post no\n") + line + "\nrun 1 post no");
    auto *gcmc = lmp->modify->get_fix_by_id("g");
    const int insertions = int(gcmc->compute_vector(2)), inserted = int(gcmc->compute_vector(3)),
              deletions = int(gcmc->compute_vector(4)), deleted = int(gcmc->compute_vector(5));
    EXPECT_GT(insertions, 3);
    EXPECT_GT(deletions, 3);
    EXPECT_EQ(inserted, chemical > 0.0 ? insertions : 0);
    EXPECT_EQ(deleted, chemical > 0.0 ? 0 : std::min(deletions, 3));
    EXPECT_EQ(lmp->atom->natoms, 18 + 2 * (inserted - deleted));
    expect_right(*lmp, potential, coh);
  }
}

TEST_F(PairChanges, WidomInsertionsCountWholeAtoms)
{
  // the excess chemical potential of an oxygen is its reference energy and some eV of interactions,
  // and nothing is left of the insertions
  Potential potential = local;
  potential.tensors["reference_energy"].values = {-300.0, -100.0, -50.0};
  fresh(random_structure(24, 5, orthogonal, {true, true, true}));
  use(potential);
  commands("run 0 post no\nfix w all widom 1 10 2 3456 3000.0\nrun 1 post no");
  EXPECT_NEAR(lmp->modify->get_fix_by_id("w")->compute_vector(0), -100.0, 20.0);
  EXPECT_EQ(lmp->atom->natoms, 24);
  expect_right(*lmp, potential, coh);
}

TEST_F(PairChanges, SwappedTypesCountAtOnce)
{
  // At 1 K only swaps that lower the energy are accepted.
  fresh(random_structure(24, 5, orthogonal, {true, true, true}));
  use(local);
  commands("run 0 post no\nfix s all atom/swap 1 5 3456 1.0 ke no types 1 3");
  double before = energy();
  const double start = before;
  for (int step = 0; step < 8; step++) {
    command("run 1 post no");
    expect_right(*lmp, local, coh);
    EXPECT_LT(energy(), before + 1e-7);
    before = energy();
  }
  EXPECT_LT(before, start - 0.01);
}

TEST_F(PairChanges, BondsMadeDuringARunAreSeen)
{
  // A new bond takes its pair out of the neighbor list with special_bonds 0 0 0.
  put("two.data",
      "two atoms\n\n2 atoms\n0 bonds\n3 atom types\n1 bond types\n1 extra bond per atom\n1 extra "
      "special per atom\n\n-5 5 xlo xhi\n-5 5 ylo yhi\n-5 5 zlo "
      "zhi\n\n"
      "Masses\n\n1 12\n2 16\n3 1\n\nAtoms # bond\n\n1 1 1 0 0 0\n2 1 2 1.2 0 0\n");
  for (const bool removed : {true, false}) {
    fresh_instance();
    commands("units metal\natom_style bond\nboundary f f f\nbond_style zero");
    command("read_data " + file("two.data"));
    command("bond_coeff *");
    if (removed)
      use(local);
    else {
      // Weights of the sub-style alone take no pair away in a hybrid style.
      command("special_bonds lj/coul 1e-50 1e-50 1e-50");
      use_with_zero(local, "C O H");
      command("pair_modify pair mlff special lj/coul 0 0 0");
    }
    commands("fix n all nve\ntimestep 0.00001\ncomm_modify cutoff 5.0\nrun 0 post no\nfix b all "
             "bond/create 2 1 2 1.5 1");
    expect_right(*lmp, local, coh);
    if (removed) {
      expect_error("run 5 post no",
                   {"special_bonds removes 1-2 neighbors", "special_bonds lj/coul 1 1 1"});
    } else {
      command("run 5 post no");
      EXPECT_EQ(lmp->atom->nbonds, 1);
      expect_right(*lmp, local, coh);
    }
  }
}

TEST_F(PairChanges, SpreadOfAtomsThatAreNotThere)
{
  if (kokkos) GTEST_SKIP() << "mlff/kk runs one potential";
  const auto second =
      potential_file(random_potential({12, 1, 5}, {1, 8, 6}, 3.5, 2), "second.safetensors");
  std::vector<std::vector<double>> spread;
  double largest[2];
  for (const bool deleted : {false, true}) {
    fresh(random_structure(21, 4, orthogonal, {true, true, true}));
    commands(
        "pair_style mlff precision double\npair_coeff * * " + potential_file(local) + " " + second +
        " C O H\ncompute u all mlff/uncertainty\n" +
        "thermo_style custom step pe c_u\ngroup out id 2 5 9 10\n" +
        (deleted ? "delete_atoms group out compress no" : "neigh_modify exclude group all out"));
    command("run 0 post no");
    auto *compute = lmp->modify->get_compute_by_id("u");
    largest[deleted] = compute->scalar;
    compute->compute_peratom();
    std::vector<double> all(21, 0.0);
    for (int i = 0; i < lmp->atom->nlocal; i++)
      all[lmp->atom->tag[i] - 1] = compute->vector_atom[i];
    spread.push_back(sum_over_ranks(all));
  }
  EXPECT_GT(largest[1], 0.0);
  EXPECT_NEAR(largest[0], largest[1], 1e-10);
  EXPECT_LT(largest_difference(spread[0], spread[1]), 1e-10);
}

#ifdef MLFF_XTB
TEST_F(PairChanges, OneRankExtendedTightBindingToo)
{
  if (kokkos) GTEST_SKIP() << "pair_style xtb has no Kokkos form";
  // two waters; one turns into H2S, and is left out
  const auto waters = [this](const std::string &more) {
    commands("clear\nunits metal\nboundary f f f\natom_style atomic\natom_modify map array\nregion "
             "b block -20 20 -20 20 -20 20\ncreate_box 3 b\nmass * 10.0");
    commands("create_atoms 1 single 0 0 0.1\ncreate_atoms 2 single 0.78 0.02 -0.47\ncreate_atoms 2 "
             "single -0.74 0.05 -0.49\n"
             "create_atoms 1 single 4 1 0\ncreate_atoms 2 single 4.9 1.3 0\ncreate_atoms 2 single "
             "3.7 1.9 0.1\ngroup second id 4:6");
    commands("comm_modify cutoff 2.0\nthermo_modify warn ignore\npair_style xtb\npair_coeff * * O "
             "H S\n" +
             more);
  };
  waters("delete_atoms group second\nrun 0 post no");
  const double alone = energy();
  waters("run 0 post no");
  const double both = energy();
  command("neigh_modify exclude group all second");
  command("run 0 post no");
  EXPECT_NEAR(energy(), alone, 1e-8);
  for (const auto &atom : atoms_of(*lmp)) EXPECT_EQ(atom.f[0] == 0.0, atom.id > 3);
  commands("neigh_modify exclude none\nneigh_modify exclude group second second");
  expect_error(
      "run 0 post no",
      {"Pair style xtb needs all pairs", "'neigh_modify exclude group second second' takes away"});
  commands("neigh_modify exclude none\nrun 0 post no");
  EXPECT_NEAR(energy(), both, 1e-8);
  commands("neigh_modify delay 100 every 100 check no\nfix n all setforce 0 0 0\nfix m all "
           "nve\nvariable T atom \"type*(id!=4)+3*(id==4)\"\n"
           "fix s all set 2 0 group all type v_T\nrun 1 post no");
  EXPECT_NEAR(energy(), both, 1e-8);
  command("run 2 pre no post no");
  const double at_once = energy();
  EXPECT_GT(std::abs(at_once - both), 1.0);
  commands("unfix s\nrun 0 post no");
  EXPECT_NEAR(energy(), at_once, 1e-8);
}
#endif

}    // namespace
