/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifndef LMP_MLFF_IMPL_H
#define LMP_MLFF_IMPL_H

#include "engine.h"
#include "rank_exchange.h"

#include <memory>
#include <vector>

namespace LAMMPS_NS {

struct MLFFImpl {
  mlff::EngineOptions options;
  mlff::Potential potential;
  std::unique_ptr<mlff::Engine> engine;

  mlff::GraphStorage graph;
  mlff::Result result;
  std::unique_ptr<RankExchange> exchange;    // with several ranks
  std::vector<RankExchange::Ghost>
      owner;                 // of each atom: rank, and index among the owned atoms there
  std::vector<int> row;      // row in the graph of each atom, -1 if the model does not see it
  std::vector<int> local;    // owned atom of each centre
  std::vector<double> force, stress;    // of each row: [3], [6]
};

}    // namespace LAMMPS_NS

#endif
