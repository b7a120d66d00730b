// Reads the state of a LAMMPS instance on every rank, and evaluates the same atoms in the same box
// with an engine.
#pragma once

#include "engine/make_engine.h"
#include "structure/structure.h"

#include "atom.h"
#include "domain.h"
#include "force.h"
#include "lammps.h"
#include "pair.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include <mpi.h>

namespace mlff_test {

struct AtomState {
  LAMMPS_NS::tagint id;
  int type, mask;
  double x[3], v[3], f[3];
};

/// All atoms in the order of their IDs.
inline std::vector<AtomState> atoms_of(LAMMPS_NS::LAMMPS &lmp)
{
  const auto *atom = lmp.atom;
  std::vector<AtomState> mine(atom->nlocal);
  for (int i = 0; i < atom->nlocal; i++) {
    mine[i].id = atom->tag[i];
    mine[i].type = atom->type[i];
    mine[i].mask = atom->mask[i];
    for (int a = 0; a < 3; a++) {
      mine[i].x[a] = atom->x[i][a];
      mine[i].v[a] = atom->v[i][a];
      mine[i].f[a] = atom->f[i][a];
    }
  }
  int ranks, bytes = int(mine.size() * sizeof(AtomState));
  MPI_Comm_size(lmp.world, &ranks);
  std::vector<int> sizes(ranks), first(ranks, 0);
  MPI_Allgather(&bytes, 1, MPI_INT, sizes.data(), 1, MPI_INT, lmp.world);
  for (int r = 1; r < ranks; r++) first[r] = first[r - 1] + sizes[r - 1];
  std::vector<AtomState> all((first.back() + sizes.back()) / sizeof(AtomState));
  MPI_Allgatherv(mine.data(), bytes, MPI_BYTE, all.data(), sizes.data(), first.data(), MPI_BYTE,
                 lmp.world);
  std::sort(all.begin(), all.end(), [](const AtomState &a, const AtomState &b) {
    return a.id < b.id;
  });
  return all;
}

/// Total energy of the pair style; virial xx yy zz xy xz yz.
inline double pair_energy(LAMMPS_NS::LAMMPS &lmp)
{
  double e = lmp.force->pair->eng_vdwl + lmp.force->pair->eng_coul;
  MPI_Allreduce(MPI_IN_PLACE, &e, 1, MPI_DOUBLE, MPI_SUM, lmp.world);
  return e;
}

/// Structure of these atoms in the box of LAMMPS; `elements` are the atomic numbers of types 1, 2,
/// ...
inline mlff::Structure structure_of(LAMMPS_NS::LAMMPS &lmp, const std::vector<AtomState> &atoms,
                                    const std::vector<int> &elements)
{
  mlff::Structure out;
  const auto *domain = lmp.domain;
  out.periodic = {domain->xperiodic != 0, domain->yperiodic != 0, domain->zperiodic != 0};
  out.cell = {domain->xprd, 0.0,        0.0,        domain->xy,  domain->yprd,
              0.0,          domain->xz, domain->yz, domain->zprd};
  if (!domain->xperiodic && !domain->yperiodic && !domain->zperiodic) out.cell = {};
  for (const auto &atom : atoms) {
    out.numbers.push_back(elements[atom.type - 1]);
    out.positions.insert(out.positions.end(), atom.x, atom.x + 3);
  }
  return out;
}

struct EngineValues {
  double energy = 0.0;
  std::vector<double> forces;
};

inline EngineValues engine_values(const mlff::Potential &potential,
                                  const mlff::Structure &structure)
{
  mlff::GraphStorage graph;
  mlff::append_graph(structure, potential.elements, potential.cutoff, graph);
  mlff::Result result;
  mlff::EngineOptions options{"host", mlff::Precision::double_precision, 1};
  mlff::make_engine(potential, options)->evaluate(graph.view(), result);
  EngineValues out{result.energy[0], {}};
  mlff::sum_forces(graph.view(), result, out.forces);
  return out;
}

/// Energy and forces in LAMMPS are those of the atoms that are there now. Types of element 0 and
/// atoms of the groups in `left_out` are no part of the model and must have no force (but see
/// `cleared`).
inline void expect_right(LAMMPS_NS::LAMMPS &lmp, const mlff::Potential &potential,
                         const std::vector<int> &elements, int left_out = 0, bool cleared = true)
{
  std::vector<AtomState> seen;
  for (const auto &atom : atoms_of(lmp)) {
    const bool is_seen = elements[atom.type - 1] > 0 && !(atom.mask & left_out);
    if (is_seen) seen.push_back(atom);
    for (int a = 0; a < 3 && cleared && !is_seen; a++)
      EXPECT_EQ(atom.f[a], 0.0) << "atom " << atom.id;
  }
  const double tolerance = 1e-9;
  const auto expected = engine_values(potential, structure_of(lmp, seen, elements));
  EXPECT_NEAR(pair_energy(lmp), expected.energy,
              tolerance * std::max(1.0, std::abs(expected.energy)));
  double scale = 1.0, largest = 0.0;
  for (const double f : expected.forces) scale = std::max(scale, std::abs(f));
  for (std::size_t k = 0; k < seen.size(); k++)
    for (int a = 0; a < 3; a++)
      largest = std::max(largest, std::abs(seen[k].f[a] - expected.forces[3 * k + a]));
  EXPECT_LT(largest, tolerance * scale);
}

}    // namespace mlff_test
