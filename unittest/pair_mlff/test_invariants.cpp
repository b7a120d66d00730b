// Results of pair_style mlff do not depend on orientation, order and IDs of atoms, replication,
// atoms outside the group, ranks, neighbor settings, restart and resume. Systems are random, each
// from a seed that is printed where one fails; MLFF_TEST_SEED=N runs that one alone.
#include "data/trajectory.h"
#include "engine/make_engine.h"
#include "models/molecule_mlp/molecule_mlp.h"
#include "potential/model_kind.h"
#include "support/lammps_fixture.h"
#include "support/lammps_state.h"
#include "support/long_range_cases.h"

#include <numeric>
#include <random>

using namespace mlff;
using mlff_test::atoms_of;
using mlff_test::pair_energy;
using mlff_test::random_potential;
using mlff_test::random_structure;

namespace {

constexpr int n_draws = 104, n_draws_of_kokkos_ranks = 40;
constexpr double tolerance = 1e-8;    // relative, of energies and of the largest force
constexpr int steps = 10, first_piece = 4;
const std::vector<int> coh = {6, 8, 1};

/// Sum of engines divided by their number, as a mean over potentials is defined.
struct Reference {
  std::vector<Potential> potentials;
  std::vector<std::unique_ptr<Engine>> engines;

  explicit Reference(const std::vector<Potential> &list) : potentials(list)
  {
    for (const auto &potential : potentials)
      engines.push_back(make_engine(potential, {"host", Precision::double_precision, 1}));
  }

  mlff_test::EngineValues operator()(const Structure &structure)
  {
    mlff_test::EngineValues mean{0.0, std::vector<double>(structure.positions.size(), 0.0)};
    for (std::size_t m = 0; m < engines.size(); m++) {
      GraphStorage graph;
      append_graph(structure, potentials[m].elements, potentials[m].cutoff, graph);
      Result result;
      engines[m]->evaluate(graph.view(), result);
      std::vector<double> forces;
      sum_forces(graph.view(), result, forces);
      mean.energy += result.energy[0] / double(engines.size());
      for (std::size_t k = 0; k < forces.size(); k++)
        mean.forces[k] += forces[k] / double(engines.size());
    }
    return mean;
  }
};

struct Settings {
  std::string newton = "on", neighbor = "neighbor 1.0 bin",
              modify = "neigh_modify every 1 delay 0 check yes", comm, sort = "sort 0 0.0";
  bool tiled = false;
};

/// Numbering of atoms in LAMMPS: atom k of the structure has an ID, and a place in the file.
struct Numbering {
  std::vector<int> id, place;
};

class Invariants : public mlff_test::LammpsTest {
 protected:
  std::mt19937 random;

  double uniform(double low, double high)
  {
    return low + (high - low) * (double(random()) / 4294967296.0);
  }
  int pick(int n) { return int(random() % unsigned(n)); }

  std::vector<int> shuffled(int n)
  {
    std::vector<int> order(n);
    std::iota(order.begin(), order.end(), 0);
    for (int k = n - 1; k > 0; k--) std::swap(order[k], order[pick(k + 1)]);
    return order;
  }

  Numbering numbering(int n, bool renumber)
  {
    Numbering out;
    out.place.resize(n);
    std::iota(out.place.begin(), out.place.end(), 0);
    for (int k = 0; k < n; k++) out.id.push_back(k + 1);
    if (renumber) {
      out.place = shuffled(n);
      const auto numbers = shuffled(3 * n);    // IDs with gaps
      for (int k = 0; k < n; k++) out.id[k] = numbers[k] + 1;
    }
    return out;
  }

  Settings settings(const Structure &structure)
  {
    Settings out;
    char text[256];
    out.newton = pick(2) ? "on" : "off";
    const char *styles[] = {"bin", "nsq", "multi"};
    std::snprintf(text, sizeof text, "neighbor %.3f %s", uniform(0.2, 2.5),
                  styles[kokkos ? 0 : pick(3)]);
    out.neighbor = text;
    const int every = 1 + pick(3);
    std::snprintf(text, sizeof text, "neigh_modify every %d delay %d check yes one %d page 20000",
                  every, every * pick(3), 300 + pick(700));
    out.modify = text;
    if (pick(2)) {
      std::snprintf(text, sizeof text, "comm_modify cutoff %.3f", uniform(3.0, 9.0));
      out.comm = text;
    }
    if (pick(2)) out.sort = "sort 2 1.5";
    out.tiled = !kokkos && pick(2) && !structure.periodic[0] &&
        !structure.periodic[2];    // LAMMPS wants large boxes for it
    return out;
  }

  // the model of this draw, and a time step (ps) that its forces allow: atoms stay within the skins
  // of the neighbor lists

  double timestep = 0.0;
  std::vector<Potential> potentials;
  std::string files;

  void use()
  {
    commands("pair_style mlff precision double warn off batch off\npair_coeff * * " + files +
             " C O H");
  }

  void read(const Structure &structure, const Numbering &numbers, const Settings &setting)
  {
    const int n = structure.n_atoms();
    std::string text = "a random system\n\n" + std::to_string(n) + " atoms\n3 atom types\n\n";
    char line[256];
    const auto &h = structure.cell;
    bool tilted = false;
    for (int a = 0; a < 3; a++) {
      const char *names[] = {"xlo xhi", "ylo yhi", "zlo zhi"};
      std::snprintf(line, sizeof line, "%.17g %.17g %s\n", structure.periodic[a] ? 0.0 : -60.0,
                    structure.periodic[a] ? h[4 * a] : 60.0, names[a]);
      text += line;
    }
    if (structure.periodic[0] && structure.periodic[1] && structure.periodic[2] &&
        (h[3] != 0.0 || h[6] != 0.0 || h[7] != 0.0)) {
      std::snprintf(line, sizeof line, "%.17g %.17g %.17g xy xz yz\n", h[3], h[6], h[7]);
      text += line;
      tilted = true;
    }
    text += "\nMasses\n\n1 12.0\n2 16.0\n3 2.0\n\nAtoms # atomic\n\n";
    std::string velocities = "\nVelocities\n\n";
    std::vector<int> order(n);
    for (int k = 0; k < n; k++) order[numbers.place[k]] = k;
    for (const int k : order) {
      const double *x = &structure.positions[3 * k], *v = &structure.velocities[3 * k];
      const int type =
          int(std::find(coh.begin(), coh.end(), structure.numbers[k]) - coh.begin()) + 1;
      std::snprintf(line, sizeof line, "%d %d %.17g %.17g %.17g\n", numbers.id[k], type, x[0], x[1],
                    x[2]);
      text += line;
      std::snprintf(line, sizeof line, "%d %.17g %.17g %.17g\n", numbers.id[k], v[0], v[1], v[2]);
      velocities += line;
    }
    put("system.data", text + velocities);
    commands("clear\nunits metal\nnewton " + setting.newton +
             "\natom_style atomic\natom_modify map array " + setting.sort);
    std::string boundary = "boundary";
    for (const bool periodic : structure.periodic) boundary += periodic ? " p" : " f";
    command(boundary);
    if (tilted) command("box tilt large");
    if (setting.tiled) command("comm_style tiled");
    if (!setting.comm.empty()) command(setting.comm);
    command("read_data " + file("system.data"));
    commands(setting.neighbor + "\n" + setting.modify);
    if (setting.tiled) command("balance 1.0 rcb");
    use();
    commands("fix nve all nve\nthermo 1000000");
    char step[64];
    std::snprintf(step, sizeof step, "timestep %.17g", timestep);
    command(step);
  }

  /// Energy is `copies` times that expected; forces (and velocities) of atoms by ID, turned by
  /// `rotation`.
  void expect_equal(const mlff_test::EngineValues &expected, const Numbering &numbers,
                    const std::string &what, const std::array<double, 9> &rotation, int copies = 1,
                    const std::vector<double> *velocities = nullptr)
  {
    SCOPED_TRACE(what);
    const auto atoms = atoms_of(*lmp);
    const std::size_t n = expected.forces.size() / 3;
    ASSERT_EQ(atoms.size(), n * copies);
    EXPECT_NEAR(pair_energy(*lmp), copies * expected.energy,
                tolerance * std::max(1.0, std::abs(copies * expected.energy)));
    std::map<LAMMPS_NS::tagint, std::size_t> atom_of;
    LAMMPS_NS::tagint last = 0;
    for (std::size_t k = 0; k < n; k++) {
      atom_of[numbers.id[k]] = k;
      last = std::max<LAMMPS_NS::tagint>(last, numbers.id[k]);
    }
    double force_error = 0.0, force_scale = 1.0, velocity_error = 0.0, velocity_scale = 1.0;
    const auto turned = [&](const double *v, int a) {
      return rotation[3 * a] * v[0] + rotation[3 * a + 1] * v[1] + rotation[3 * a + 2] * v[2];
    };
    for (const auto &atom : atoms) {
      const std::size_t k = atom_of.at((atom.id - 1) % last + 1);
      for (int a = 0; a < 3; a++) {
        const double f = turned(&expected.forces[3 * k], a);
        force_error = std::max(force_error, std::abs(atom.f[a] - f));
        force_scale = std::max(force_scale, std::abs(f));
        if (!velocities) continue;
        const double v = turned(&(*velocities)[3 * k], a);
        velocity_error = std::max(velocity_error, std::abs(atom.v[a] - v));
        velocity_scale = std::max(velocity_scale, std::abs(v));
      }
    }
    EXPECT_LT(force_error, tolerance * force_scale);
    EXPECT_LT(velocity_error, tolerance * velocity_scale);
  }

  Structure system(int kind)
  {
    Structure out;
    const int box = pick(4);    // open, orthogonal, triclinic, slab
    const bool global = std::any_of(potentials.begin(), potentials.end(), [](const Potential &p) {
      return p.kind().needs_positions;
    });
    const double low = kind == 2 ? 30.0 : global ? 7.5 : 5.0, high = kind == 2 ? 34.0 : 9.5;
    std::array<double, 9> cell = {};
    std::array<bool, 3> periodic = {box > 0, box > 0, box == 1 || box == 2};
    if (global && box == 3) periodic = {false, false, false};
    if (periodic[0])
      for (int a = 0; a < 3; a++) cell[4 * a] = uniform(low, high);
    if (box == 2) {
      cell[3] = uniform(-0.5, 0.5) * cell[0];
      cell[6] = uniform(-0.5, 0.5) * cell[0];
      cell[7] = uniform(-0.5, 0.5) * cell[4];
    }
    if (kind != 2) {
      out = random_structure(5 + pick(8), unsigned(random()), cell, periodic);
    } else {
      // one molecule or two, bent at random
      Structure ethanol;
      open_trajectory(MLFF_TEST_DATA "/ethanol_gfn2.xyz")->next(ethanol);
      out.cell = cell;
      out.periodic = periodic;
      const int copies = 1 + pick(2);
      for (int c = 0; c < copies; c++) {
        const auto turn = random_rotation();
        for (int k = 0; k < ethanol.n_atoms(); k++) {
          out.numbers.push_back(ethanol.numbers[k]);
          for (int a = 0; a < 3; a++) {
            double x = 8.0 + 15.0 * c + uniform(-0.04, 0.04);
            for (int b = 0; b < 3; b++) x += turn[3 * a + b] * ethanol.positions[3 * k + b];
            out.positions.push_back(x);
          }
        }
      }
    }
    for (std::size_t k = 0; k < out.positions.size(); k++)
      out.velocities.push_back(uniform(-8.0, 8.0));
    return out;
  }

  std::array<double, 9> random_rotation()
  {
    double q[4], norm = 0.0;
    do {
      norm = 0.0;
      for (double &x : q) {
        x = uniform(-1.0, 1.0);
        norm += x * x;
      }
    } while (norm < 0.1 || norm > 1.0);
    for (double &x : q) x /= std::sqrt(norm);
    const double w = q[0], x = q[1], y = q[2], z = q[3];
    return {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
            2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
            2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
  }

  /// The system in another orientation, and if it is periodic with other cell vectors of the same
  /// lattice; the rotation.
  std::pair<Structure, std::array<double, 9>> turned(const Structure &structure)
  {
    Structure out = structure;
    std::array<double, 9> rotation;
    if (!structure.periodic[0]) {
      rotation = random_rotation();
    } else if (!structure.periodic[2]) {
      // a slab: x, y, z become y, z, x
      rotation = {0, 1, 0, 0, 0, 1, 1, 0, 0};
      out.periodic = {structure.periodic[1], structure.periodic[2], structure.periodic[0]};
      out.cell = {structure.cell[4], 0, 0, 0, structure.cell[8], 0, 0, 0, structure.cell[0]};
    } else {
      // vectors b, c, a of the same lattice, perhaps b + a in place of a, turned so that they are a
      // lower triangle
      double m[3][3];
      const auto &h = structure.cell;
      const bool other = pick(2);
      for (int c = 0; c < 3; c++) {
        m[0][c] = h[3 + c];
        m[1][c] = h[6 + c];
        m[2][c] = h[c] + (other ? h[3 + c] : 0.0);
      }
      const auto dot = [&](int i, int j) {
        return m[i][0] * m[j][0] + m[i][1] * m[j][1] + m[i][2] * m[j][2];
      };
      const double ax = std::sqrt(dot(0, 0)), bx = dot(0, 1) / ax,
                   by = std::sqrt(dot(1, 1) - bx * bx), cx = dot(0, 2) / ax,
                   cy = (dot(1, 2) - bx * cx) / by, cz = std::sqrt(dot(2, 2) - cx * cx - cy * cy);
      out.cell = {ax, 0, 0, bx, by, 0, cx, cy, cz};
      // orthonormal rows by Gram and Schmidt: the new axes in the old frame
      for (int c = 0; c < 3; c++) rotation[c] = m[0][c] / ax;
      for (int c = 0; c < 3; c++) rotation[3 + c] = (m[1][c] - bx * rotation[c]) / by;
      for (int c = 0; c < 3; c++)
        rotation[6 + c] = (m[2][c] - cx * rotation[c] - cy * rotation[3 + c]) / cz;
    }
    const double shift[3] = {uniform(-3, 3), uniform(-3, 3), uniform(-3, 3)};
    for (int i = 0; i < structure.n_atoms(); i++)
      for (int a = 0; a < 3; a++) {
        double &x = out.positions[3 * i + a], &v = out.velocities[3 * i + a];
        x = shift[a];
        v = 0.0;
        for (int c = 0; c < 3; c++) {
          x += rotation[3 * a + c] * structure.positions[3 * i + c];
          v += rotation[3 * a + c] * structure.velocities[3 * i + c];
        }
      }
    return {out, rotation};
  }

  void draw(unsigned seed)
  {
    random.seed(seed);
    // PaiNN, long range, one molecule (on one rank) and the mean of two potentials (not with
    // Kokkos)
    int kind = int(seed % 4);
    if (kind == 2 && (kokkos || n_ranks > 1)) kind = 0;
    if (kind == 3 && kokkos) kind = 1;
    const auto local = [&](double cutoff) {
      return random_potential({8, 2, 5, 1e-2}, coh, cutoff, unsigned(random()));
    };
    if (kind == 0) potentials = {local(3.0)};
    if (kind == 1)
      potentials = {mlff_test::long_range(mlff_test::sizes_of(1 + pick(2)), {8, 2, 5, 1e-2},
                                          unsigned(random()))};
    if (kind == 3)
      potentials = {local(3.0),
                    pick(2) ? local(3.5)
                            : mlff_test::long_range(mlff_test::sizes_of(1), {8, 1, 5, 1e-2},
                                                    unsigned(random()))};
    if (kind == 2) {
      Structure ethanol;
      open_trajectory(MLFF_TEST_DATA "/ethanol_gfn2.xyz")->next(ethanol);
      potentials = {
          random_molecule(ethanol.numbers, ethanol.positions, {12, 8}, 0, unsigned(random()))};
    }
    files.clear();
    for (std::size_t m = 0; m < potentials.size(); m++)
      files += potential_file(potentials[m], "model" + std::to_string(m) + ".safetensors") + " ";

    const Structure start = system(kind);
    const int n = start.n_atoms();
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + potentials.front().model() +
                 (kind == 3 ? " and " + potentials.back().model() : "") + ", " + std::to_string(n) +
                 " atoms, periodic " + std::to_string(start.periodic[0]) +
                 std::to_string(start.periodic[1]) + std::to_string(start.periodic[2]) +
                 (start.cell[3] != 0.0 ? ", triclinic" : ""));
    const std::array<double, 9> identity = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    const Numbering plain = numbering(n, false);

    Reference reference(potentials);
    const auto first = reference(start);

    double hardest = 1.0;
    for (const double f : first.forces) hardest = std::max(hardest, std::abs(f));
    timestep = std::min(2e-4, 1.0 / (hardest * steps));

    read(start, plain, Settings());
    command("run 0 post no");
    expect_equal(first, plain, "as it is", identity);

    const auto [other, rotation] = turned(start);
    read(other, plain, Settings());
    command("run 0 post no");
    expect_equal(first, plain, "turned and moved", rotation);

    const Numbering renumbered = numbering(n, true);
    read(start, renumbered, Settings());
    command("run 0 post no");
    expect_equal(first, renumbered, "other order and other IDs", identity);

    if (start.periodic[0]) {
      const int copies[3] = {1 + pick(2), 1 + pick(2), start.periodic[2] ? 1 + pick(2) : 1};
      read(start, plain, Settings());
      command("replicate " + std::to_string(copies[0]) + " " + std::to_string(copies[1]) + " " +
              std::to_string(copies[2]));
      command("run 0 post no");
      expect_equal(first, plain, "replicated", identity, copies[0] * copies[1] * copies[2]);
    }

    if (kind != 2) {
      // each atom is left out with a chance of 1 in 3, the first always; the rest is a system of
      // its own
      Structure rest = start;
      rest.numbers.clear();
      rest.positions.clear();
      std::vector<int> stays(n, 0);
      std::string out = "group out id";
      for (int i = 0; i < n; i++) {
        stays[i] = i > 0 && pick(3) > 0;
        if (!stays[i]) {
          out += " " + std::to_string(renumbered.id[i]);
          continue;
        }
        rest.numbers.push_back(start.numbers[i]);
        rest.positions.insert(rest.positions.end(), &start.positions[3 * i],
                              &start.positions[3 * i] + 3);
      }
      const auto alone = reference(rest);
      mlff_test::EngineValues expected{alone.energy, std::vector<double>(3 * std::size_t(n), 0.0)};
      for (int i = 0, k = 0; i < n; i++)
        if (stays[i]) {
          for (int a = 0; a < 3; a++) expected.forces[3 * i + a] = alone.forces[3 * k + a];
          k++;
        }
      read(start, renumbered, settings(start));
      commands(out + "\nneigh_modify exclude group all out\nrun 0 post no");
      expect_equal(expected, renumbered, out, identity);
    }

    // dynamics by velocity Verlet on the engine alone: the end of every run below
    Structure moved = start;
    auto values = first;
    const double mass_of[3] = {12.0, 16.0, 2.0};
    for (int step = 0; step < steps; step++) {
      const auto kick = [&] {
        for (int i = 0; i < n; i++) {
          const double m =
              mass_of[std::find(coh.begin(), coh.end(), start.numbers[i]) - coh.begin()];
          for (int a = 0; a < 3; a++)
            moved.velocities[3 * i + a] +=
                0.5 * timestep * lmp->force->ftm2v * values.forces[3 * i + a] / m;
        }
      };
      kick();
      for (int k = 0; k < 3 * n; k++) moved.positions[k] += timestep * moved.velocities[k];
      values = reference(moved);
      kick();
    }
    const auto run = [](int count) {
      return "run " + std::to_string(count) + " post no";
    };

    for (int k = 0; k < 2; k++) {
      const Settings setting = k ? settings(start) : Settings();
      const Numbering numbers = numbering(n, k);
      read(start, numbers, setting);
      command(run(steps));
      expect_equal(values, numbers,
                   "run with newton " + setting.newton + ", " + setting.neighbor + ", " +
                       setting.modify + ", " + setting.comm + ", " + setting.sort +
                       (setting.tiled ? ", tiled" : ""),
                   identity, 1, &moved.velocities);
    }

    read(start, plain, settings(start));
    command(run(first_piece));
    command(run(steps - first_piece));
    expect_equal(values, plain, "run in two pieces", identity, 1, &moved.velocities);

    read(start, plain, settings(start));
    command(run(first_piece));
    command("write_restart " + file("half.restart"));
    commands("clear\nread_restart " + file("half.restart"));
    use();
    char step[64];
    std::snprintf(step, sizeof step, "fix nve all nve\ntimestep %.17g\nthermo 1000000", timestep);
    commands(step);
    command(run(steps - first_piece));
    expect_equal(values, plain, "restarted", identity, 1, &moved.velocities);
  }
};

TEST_F(Invariants, OfRandomSystems)
{
  unsigned from = 1, to = kokkos && n_ranks > 1 ? n_draws_of_kokkos_ranks : n_draws;
  if (const char *one = std::getenv("MLFF_TEST_SEED")) from = to = unsigned(std::atoi(one));
  if (rank == 0) std::printf("seeds %u to %u\n", from, to);
  for (unsigned seed = from; seed <= to && !HasFailure(); seed++) draw(seed);
}

}    // namespace
