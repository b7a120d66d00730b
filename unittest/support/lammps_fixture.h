// LAMMPS in the process of a test: commands in, forces and error messages out.
#pragma once

#include "support/random_potential.h"

#include "atom.h"
#include "compute.h"
#include "exceptions.h"
#include "force.h"
#include "info.h"
#include "input.h"
#include "lammps.h"
#include "library.h"
#include "modify.h"
#include "pair.h"
#include "update.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <mpi.h>
#include <unistd.h>

namespace mlff_test {

/// A LAMMPS instance that prints to a file in a folder of its own; every test's potential files lie
/// there too.
class LammpsTest : public testing::Test {
 protected:
  std::filesystem::path folder;
  std::unique_ptr<LAMMPS_NS::LAMMPS> lmp;

  int rank = 0, n_ranks = 1;
  // run everything with the suffix kk
  const bool kokkos = std::getenv("MLFF_TEST_KOKKOS") != nullptr;

  /// Threads of Kokkos on one rank: two, or as many as MLFF_TEST_KOKKOS="t 4" says; 0 with "g 1",
  /// on a GPU.
  int kokkos_threads() const
  {
    const std::string how = kokkos ? std::getenv("MLFF_TEST_KOKKOS") : "";
    if (how == "g 1") return 0;
    return how.starts_with("t ") ? std::stoi(how.substr(2)) : 2;
  }

  void SetUp() override
  {
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    long id = getpid();
    MPI_Bcast(&id, 1, MPI_LONG, 0, MPI_COMM_WORLD);
    folder = std::filesystem::temp_directory_path() / ("mlff-lammps-" + std::to_string(id));
    if (rank == 0) std::filesystem::create_directories(folder);
    MPI_Barrier(MPI_COMM_WORLD);
    start();
  }

  void TearDown() override
  {
    lmp.reset();
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0) std::filesystem::remove_all(folder);
    MPI_Barrier(MPI_COMM_WORLD);
  }

  std::string file(const std::string &name) const { return (folder / name).string(); }
  std::string log() const { return file("log.lammps"); }

  /// Only rank 0 writes and reads the log.
  void expect_in_log(const std::string &words) const
  {
    if (rank != 0) return;
    std::fflush(nullptr);
    std::ifstream in(log());
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    EXPECT_NE(text.find(words), std::string::npos);
  }

  /// Rank 0 writes a file that all ranks may read afterwards.
  void put(const std::string &name, const std::string &content) const
  {
    if (rank == 0) std::ofstream(file(name)) << content;
    MPI_Barrier(MPI_COMM_WORLD);
  }

  void start(std::vector<std::string> more = {})
  {
    lmp.reset();
    std::vector<std::string> words = {"test", "-log", log(), "-screen", "none", "-nocite"};
    words.insert(words.end(), more.begin(), more.end());
    if (kokkos) {
      const bool gpu = kokkos_threads() == 0;
      words.insert(words.end(),
                   {"-k", "on", gpu ? "g" : "t",
                    std::to_string(gpu || n_ranks > 1 ? 1 : kokkos_threads()), "-sf", "kk"});
    }
    std::vector<char *> argv;
    for (auto &word : words) argv.push_back(word.data());
    lmp = std::make_unique<LAMMPS_NS::LAMMPS>(int(argv.size()), argv.data(), MPI_COMM_WORLD);
  }

  void command(const std::string &line) { lmp->input->one(line); }

  void commands(const std::string &lines)
  {
    std::istringstream in(lines);
    for (std::string line; std::getline(in, line);)
      if (line.find_first_not_of(" \t") != std::string::npos) command(line);
  }

  /// A potential in the test's folder; written by rank 0.
  std::string potential_file(const mlff::Potential &potential,
                             const std::string &name = "test.safetensors")
  {
    mlff::Potential copy = potential;
    if (rank == 0) copy.write(file(name), true);
    MPI_Barrier(MPI_COMM_WORLD);
    return file(name);
  }

  /// Box and atoms of a structure; types in the order of `elements`. Open directions get a box far
  /// larger than the structure.
  void create(const mlff::Structure &structure, const std::vector<int> &elements = {6, 8, 1},
              const std::string &atom_modify = "atom_modify map array")
  {
    std::string boundary = "boundary";
    for (const bool periodic : structure.periodic) boundary += periodic ? " p" : " f";
    commands("atom_style atomic\n" + atom_modify);
    command(boundary);
    const auto &h = structure.cell;
    const auto bound = [&](int a, double x) {
      return structure.periodic[a] ? x : 0.0;
    };
    char text[512];
    const bool tilted = h[3] != 0.0 || h[6] != 0.0 || h[7] != 0.0;
    std::snprintf(
        text, sizeof text,
        "region box prism %.16g %.16g %.16g %.16g %.16g %.16g %.16g %.16g %.16g units box",
        structure.periodic[0] ? 0.0 : -50.0, structure.periodic[0] ? h[0] : 50.0,
        structure.periodic[1] ? 0.0 : -50.0, structure.periodic[1] ? h[4] : 50.0,
        structure.periodic[2] ? 0.0 : -50.0, structure.periodic[2] ? h[8] : 50.0, bound(1, h[3]),
        bound(2, h[6]), bound(2, h[7]));
    if (!tilted) {
      std::string block = text;
      block.replace(block.find("prism"), 5, "block");
      for (int k = 0; k < 3; k++)
        block.erase(block.rfind(' ', block.rfind(" units box") - 1),
                    block.rfind(" units box") - block.rfind(' ', block.rfind(" units box") - 1));
      command(block);
    } else
      command(text);
    command("create_box " + std::to_string(elements.size()) + " box");
    for (std::size_t t = 0; t < elements.size(); t++)
      command("mass " + std::to_string(t + 1) + " 12.0");
    for (int i = 0; i < structure.n_atoms(); i++) {
      const auto type =
          std::find(elements.begin(), elements.end(), structure.numbers[i]) - elements.begin() + 1;
      std::snprintf(text, sizeof text, "create_atoms %d single %.16g %.16g %.16g units box",
                    int(type), structure.positions[3 * i], structure.positions[3 * i + 1],
                    structure.positions[3 * i + 2]);
      command(text);
    }
  }

  std::vector<double> sum_over_ranks(std::vector<double> values) const
  {
    MPI_Allreduce(MPI_IN_PLACE, values.data(), int(values.size()), MPI_DOUBLE, MPI_SUM, lmp->world);
    return values;
  }

  double energy()
  {
    return sum_over_ranks({lmp->force->pair->eng_vdwl + lmp->force->pair->eng_coul})[0];
  }

  /// Forces by atom ID, on every rank.
  std::vector<double> forces()
  {
    auto *atom = lmp->atom;
    std::vector<double> f(3 * std::size_t(atom->natoms), 0.0);
    for (int i = 0; i < atom->nlocal; i++)
      for (int a = 0; a < 3; a++) f[3 * (atom->tag[i] - 1) + a] = atom->f[i][a];
    return sum_over_ranks(f);
  }

  std::vector<double> virial()
  {
    return sum_over_ranks({lmp->force->pair->virial, lmp->force->pair->virial + 6});
  }

  /// Positions by atom ID, on every rank; periodic images as they are.
  std::vector<double> positions()
  {
    auto *atom = lmp->atom;
    std::vector<double> x(3 * std::size_t(atom->natoms), 0.0);
    for (int i = 0; i < atom->nlocal; i++)
      for (int a = 0; a < 3; a++) x[3 * (atom->tag[i] - 1) + a] = atom->x[i][a];
    return sum_over_ranks(x);
  }

  /// The command must fail with all of these words in the message.
  void expect_error(const std::string &line, const std::vector<std::string> &words)
  {
    try {
      command(line);
      ADD_FAILURE() << "no error from: " << line;
    } catch (const LAMMPS_NS::LAMMPSException &error) {
      for (const auto &word : words)
        EXPECT_NE(std::string(error.what()).find(word), std::string::npos)
            << line << "\n  gave: " << error.what();
    }
  }
};

}    // namespace mlff_test
