/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

/* ----------------------------------------------------------------------
   Energy, forces and virial from another program, a client of the i-PI
   protocol. Rank 0 gathers the atoms and talks to the client, while the other
   ranks sleep.
------------------------------------------------------------------------- */

#include "pair_ipi.h"

#include "atom.h"
#include "citeme.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "fix.h"
#include "force.h"
#include "memory.h"
#include "modify.h"
#include "update.h"

#include "core/elements.h"
#include "ipi/client_errors.h"
#include "ipi/client_files.h"
#include "lammps_common/element_map.h"
#include "lammps_common/potential_files.h"
#include "pair_ipi/ipi_impl.h"

#include <chrono>
#include <cmath>
#include <limits>

using namespace LAMMPS_NS;

// LAMMPS warns of lost atoms whenever the box changes if the communication cutoff is 0

static constexpr double ghost_cutoff = 0.1;

// clang-format off
static const char cite_ipi[] =
    "pair_style ipi: doi:10.1016/j.cpc.2013.10.027\n\n"
    "@Article{Ceriotti2014,\n"
    " author = {M. Ceriotti and J. More and D. E. Manolopoulos},\n"
    " title = {{i-PI}: A {Python} Interface for {Ab Initio} Path Integral Molecular Dynamics "
    "Simulations},\n"
    " journal = {Comput.\\ Phys.\\ Commun.},\n"
    " year = 2014, volume = 185, pages = {1019--1026}\n"
    "}\n\n";
// clang-format on

static bool is_open(const Domain *domain)
{
  return !domain->xperiodic && !domain->yperiodic && !domain->zperiodic;
}

/* ---------------------------------------------------------------------- */

PairIPI::PairIPI(LAMMPS *lmp) :
    Pair(lmp), impl(new IPIImpl), escale(1.0), calls(0.0), seconds(0.0), nan_on_failure(0),
    molecules_alone(0)
{
  single_enable = 0;
  one_coeff = 1;
  manybody_flag = 1;
  no_virial_fdotr_compute = 1;
  centroidstressflag = CENTROID_NOTAVAIL;
  writedata = 0;
  nextra = 2;
  pvector = new double[nextra];
  pvector[0] = pvector[1] = 0.0;
  announce_version(lmp);
  if (lmp->citeme) lmp->citeme->add(cite_ipi);
}

/* ---------------------------------------------------------------------- */

PairIPI::~PairIPI()
{
  delete impl;
  delete[] pvector;
  if (comm->cutghostuser == ghost_cutoff) comm->cutghostuser = 0.0;
  if (allocated) {
    memory->destroy(setflag);
    memory->destroy(cutsq);
  }
}

/* ---------------------------------------------------------------------- */

void PairIPI::compute(int eflag, int vflag)
{
  ev_init(eflag, vflag);
  refuse_atom_stress();
  gather_atoms();
  evaluate();
  scatter_forces();
}

/* ----------------------------------------------------------------------
   an error where a compute has asked for what clients do not send
------------------------------------------------------------------------- */

void PairIPI::refuse_atom_stress()
{
  if ((vflag_atom || cvflag_atom) && update->vflag_atom == update->ntimestep)
    error->all(FLERR, Error::NOLASTLINE,
               "Pair style ipi has no stresses of single atoms, because clients send only their "
               "sum; remove the compute stress/atom or heat/flux, and take the sum from compute "
               "pressure");
}

/* ----------------------------------------------------------------------
   rank 0 asks the client; all ranks know how it went
------------------------------------------------------------------------- */

void PairIPI::evaluate()
{
  IPIOutcome outcome;
  std::string message;
  if (comm->me == 0) ask_client(outcome, message);
  share(outcome, message);
  calls = outcome.calls;
  seconds = outcome.seconds;
  if (comm->me == 0) {
    pvector[0] = calls;
    pvector[1] = seconds;
  }
  if (outcome.code == IPIOutcome::FAILED ||
      (outcome.code == IPIOutcome::NOT_FINITE && !nan_on_failure))
    error->all(FLERR, Error::NOLASTLINE, "Pair style ipi on timestep {}: {}", update->ntimestep,
               message);
  tally(outcome);
}

/* ----------------------------------------------------------------------
   on rank 0. Atoms that did not move are not evaluated again.
------------------------------------------------------------------------- */

void PairIPI::ask_client(IPIOutcome &outcome, std::string &message)
{
  outcome.calls = calls;
  outcome.seconds = seconds;
  outcome.atoms = impl->system.n_atoms();
  auto &answer = impl->answer;
  auto &done = impl->done;
  const std::size_t n = impl->system.positions.size();
  try {
    const mlff::Structure sent = mlff::as_sent(impl->system, impl->form);
    if (sent.numbers != done.numbers || sent.positions != done.positions ||
        sent.cell != done.cell || sent.periodic != done.periodic) {
      done.numbers.clear();
      start_client(sent.numbers);
      const auto begin = std::chrono::steady_clock::now();
      impl->connection->begin(sent.positions, sent.cell);
      answer = impl->connection->wait();
      const auto end = std::chrono::steady_clock::now();
      outcome.seconds += std::chrono::duration<double>(end - begin).count();
      outcome.calls += 1.0;
      done = sent;
    }
    outcome.energy = answer.energy;
    outcome.has_virial = answer.has_virial();
    const int place[6] = {0, 4, 8, 1, 2, 5};
    for (int m = 0; m < 6; m++) outcome.virial[m] = answer.virial[place[m]];
    return;
  } catch (mlff::ClientNotFinite &e) {
    message = fmt::format("the client failed: {}", e.what());
    outcome.code = IPIOutcome::NOT_FINITE;
  } catch (mlff::ClientLost &e) {
    message = fmt::format("the client failed: {}", e.what());
    // one that we can start again may have failed because of these positions
    outcome.code = impl->client.command.empty() ? IPIOutcome::FAILED : IPIOutcome::NOT_FINITE;
  } catch (std::exception &e) {
    message = e.what();
    outcome.code = IPIOutcome::FAILED;
  }

  // nothing of a failed evaluation stays

  impl->connection.reset();
  outcome.energy = NAN;
  answer.forces.assign(n, NAN);
}

/* ----------------------------------------------------------------------
   a client for these elements, unless there is one
------------------------------------------------------------------------- */

void PairIPI::start_client(const std::vector<int> &numbers)
{
  if (numbers.empty()) throw mlff::ClientError("there are no atoms that it treats");
  const auto &system = impl->system;
  if (impl->connection && (numbers != impl->elements || system.periodic != impl->periodic)) {
    if (impl->client.command.empty())
      throw mlff::ClientError(fmt::format(
          "it has now {} atoms, and the client was started for {} or for another order of "
          "elements; use the keyword 'client', so that a new one is started, or begin a new run",
          numbers.size(), impl->elements.size()));
    impl->connection.reset();
  }
  if (impl->connection) return;
  mlff::Structure start = mlff::as_sent(system, impl->form);
  if (impl->has_charge) start.charge = impl->charge;
  if (impl->has_spin) start.multiplicity = impl->spin;
  impl->elements = numbers;
  impl->periodic = system.periodic;
  impl->connection = std::make_unique<mlff::IpiClient>(impl->client, start);
  utils::logmesg(lmp, "Pair style ipi {} a client at {}\n",
                 impl->client.command.empty() ? "waits for" : "starts",
                 impl->connection->address());
  if (lmp->logfile) fflush(lmp->logfile);
  impl->connection->connect();
}

/* ---------------------------------------------------------------------- */

void PairIPI::tally(const IPIOutcome &outcome)
{
  if (!outcome.has_virial && outcome.code == IPIOutcome::DONE && vflag_global) check_virial();
  if (eflag_atom)
    for (const int i : impl->local) eatom[i] += escale * outcome.energy / outcome.atoms;
  if (comm->me != 0) return;
  if (eflag_global) eng_vdwl += escale * outcome.energy;
  if (!vflag_global) return;

  // of atoms without images: forces have no sum, so that the virial is the same about any point

  if (is_open(domain)) {
    const auto &x = impl->system.positions;
    const auto &f = impl->answer.forces;
    for (std::size_t k = 0; k < x.size(); k += 3) {
      virial[0] += escale * x[k] * f[k];
      virial[1] += escale * x[k + 1] * f[k + 1];
      virial[2] += escale * x[k + 2] * f[k + 2];
      virial[3] += escale * 0.5 * (x[k] * f[k + 1] + x[k + 1] * f[k]);
      virial[4] += escale * 0.5 * (x[k] * f[k + 2] + x[k + 2] * f[k]);
      virial[5] += escale * 0.5 * (x[k + 1] * f[k + 2] + x[k + 2] * f[k + 1]);
    }
    return;
  }
  for (int m = 0; m < 6; m++) virial[m] += escale * outcome.virial[m];
}

/* ----------------------------------------------------------------------
   the pressure of a periodic box was asked for, and the client has none
------------------------------------------------------------------------- */

void PairIPI::check_virial()
{
  if (is_open(domain)) return;
  for (const char *style : {"^np[th]", "/np[th]", "^press/", "^box/relax"})
    for (const auto *fix : modify->get_fix_by_style(style))
      error->all(FLERR, Error::NOLASTLINE,
                 "Pair style ipi: the client sends no virial, but fix {} needs the pressure; use a "
                 "client that sends one, or keep the box as it is",
                 fix->style);
  if (!impl->warned_virial && comm->me == 0)
    error->warning(FLERR,
                   "Pair style ipi: the client sends no virial; pressures lack what its forces add "
                   "to them");
  impl->warned_virial = true;
}

/* ----------------------------------------------------------------------
   global settings
------------------------------------------------------------------------- */

void PairIPI::settings(int narg, char **arg)
{
  *impl = IPIImpl();
  for (int iarg = 0; iarg < narg; iarg += 2) {
    const std::string word = arg[iarg];
    if (word != "client" && word != "socket" && word != "timeout" && word != "wrap" &&
        word != "box" && word != "charge" && word != "spin" && word != "file")
      error->all(FLERR, iarg,
                 "Unknown pair_style ipi keyword '{}'; accepted: client, socket, timeout, wrap, "
                 "box, charge, spin, file",
                 word);
    if (iarg + 1 >= narg) utils::missing_cmd_args(FLERR, "pair_style ipi " + word, error);
    try {
      set_keyword(word, arg[iarg + 1], iarg + 1);
    } catch (mlff::ClientError &e) {
      error->all(FLERR, iarg + 1, "Pair style ipi: {}", e.what());
    }
  }
}

/* ---------------------------------------------------------------------- */

void PairIPI::set_keyword(const std::string &word, const char *value, int iarg)
{
  if (word == "client") {
    mlff::check_placeholders(value);
    impl->client.command = value;
  } else if (word == "socket") {
    impl->client.address = mlff::ClientAddress::of(value);
    impl->socket = value;
  } else if (word == "file") {
    impl->client.files.emplace_back(value);
  } else if (word == "wrap") {
    impl->form.wrap = utils::logical(FLERR, value, false, lmp);
  } else if (word == "charge") {
    impl->charge = utils::inumeric(FLERR, value, false, lmp);
    impl->has_charge = true;
  } else if (word == "spin") {
    impl->spin = utils::inumeric(FLERR, value, false, lmp);
    impl->has_spin = true;
    if (impl->spin < 1)
      error->all(FLERR, iarg,
                 "Pair style ipi spin is {}; expected the multiplicity, 1 for a singlet", value);
  } else {
    const double number = utils::numeric(FLERR, value, false, lmp);
    if (!(number >= 0.0))
      error->all(FLERR, iarg, "Pair style ipi {} is {}; expected 0 or more", word, value);
    (word == "timeout" ? impl->client.timeout : impl->form.box) = number;
  }
}

/* ----------------------------------------------------------------------
   pair_coeff * * element of type 1, element of type 2, ...
------------------------------------------------------------------------- */

void PairIPI::coeff(int narg, char **arg)
{
  if (!allocated) allocate_types(lmp, setflag, cutsq, map);
  allocated = 1;
  const int ntypes = atom->ntypes;
  if (narg - 2 != ntypes)
    error->all(FLERR,
               "Pair_coeff of pair style ipi has {} elements; expected one for each of the {} atom "
               "types (NULL for a type that it does not treat)",
               narg - 2, ntypes);
  for (int t = 1; t <= ntypes; t++) {
    const std::string word = arg[1 + t];
    map[t] = word == "NULL" ? -1 : mlff::atomic_number(word);
    if (map[t] == 0)
      error->all(FLERR, 1 + t,
                 "'{}' of atom type {} is not an element; accepted by pair style ipi: symbols of "
                 "elements, NULL",
                 word, t);
  }
  flag_mapped_types(lmp, "ipi", map, setflag);
}

/* ----------------------------------------------------------------------
   init specific to this pair style
------------------------------------------------------------------------- */

void PairIPI::init_style()
{
  escale = electron_volt(lmp, "Pair style ipi");
  if (!atom->tag_enable) error->all(FLERR, Error::NOLASTLINE, "Pair style ipi requires atom IDs");
  if (force->pair == this && comm->cutghostuser == 0.0) comm->cutghostuser = ghost_cutoff;
}

/* ----------------------------------------------------------------------
   no neighbor list: the client has all atoms
------------------------------------------------------------------------- */

double PairIPI::init_one(int i, int j)
{
  if (setflag[i][j] == 0)
    error->all(FLERR, Error::NOLASTLINE, "All pair coeffs are not set for pair style ipi");
  return 0.0;
}

/* ----------------------------------------------------------------------
   time in the client, after the timing output of a run
------------------------------------------------------------------------- */

void PairIPI::finish()
{
  if (comm->me == 0 && calls > 0.0)
    utils::logmesg(lmp, "Pair style ipi: {:.0f} calls, {:.4g} s in the client, {:.4g} ms each\n",
                   calls, seconds, 1000.0 * seconds / calls);
}

/* ---------------------------------------------------------------------- */

void *PairIPI::extract(const char *str, int &dim)
{
  dim = 0;
  if (strcmp(str, "calls") == 0) return (void *) &calls;
  if (strcmp(str, "seconds") == 0) return (void *) &seconds;

  // set by fixes that try positions out: NaN instead of an error

  if (strcmp(str, "nan_on_failure") == 0) return (void *) &nan_on_failure;

  // energies of atoms are shares of one energy

  if (strcmp(str, "molecules_alone") == 0) return (void *) &molecules_alone;
  return nullptr;
}

/* ---------------------------------------------------------------------- */

double PairIPI::memory_usage()
{
  return Pair::memory_usage() +
      (double) sizeof(double) *
      (double) (impl->packed.size() + impl->gathered.size() + 4 * impl->system.positions.size());
}
