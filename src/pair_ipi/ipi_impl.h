// Members of pair style ipi that its style header does not show.

#ifndef LMP_IPI_IMPL_H
#define LMP_IPI_IMPL_H

#include "lmptype.h"

#include "ipi/ipi_client.h"
#include "ipi/sent_structure.h"

#include <memory>
#include <string>
#include <vector>

namespace LAMMPS_NS {

// what rank 0 tells the others of an evaluation

struct IPIOutcome {
  enum Code : int { DONE, NOT_FINITE, FAILED };

  Code code = DONE;
  int length = 0;    // of the message of a failure
  int atoms = 0;     // that the client treats
  bool has_virial = false;
  double energy = 0.0;                                  // eV
  double virial[6] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0};    // eV; xx yy zz xy xz yz
  double calls = 0.0, seconds = 0.0;                    // sums
};

struct IPIImpl {
  mlff::IpiClientSettings client;
  std::string socket = "unix";    // the address as it was given
  mlff::SentForm form;
  bool has_charge = false, has_spin = false;
  int charge = 0, spin = 1;
  bool warned_virial = false;

  std::vector<int> local;    // indices of the atoms on this rank, in any order
  std::vector<double> packed;

  // on rank 0
  std::vector<int> counts, first;    // numbers of each rank in what was gathered
  std::vector<double> gathered;
  std::vector<int> order;    // place of each atom in what was gathered, in order of IDs
  mlff::Structure system;    // atoms in order of their IDs
  std::unique_ptr<mlff::IpiClient> connection;
  std::vector<int> elements;         // those that the client was started with
  std::array<bool, 3> periodic{};    // directions that it was started with
  mlff::Structure done;              // what the answer is of; no atoms: there is none
  mlff::IpiAnswer answer;
};

}    // namespace LAMMPS_NS

#endif
