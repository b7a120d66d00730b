// Neighbor graphs of structures: nothing missed, nothing twice, images folded to the right atom.
#include "structure/structure.h"
#include "support/random_potential.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

using namespace mlff;
using mlff_test::random_structure;

namespace {

/// All pairs and images by brute force, as sorted (i, j, r rounded).
std::vector<std::array<long, 5>> brute_force(const Structure &structure, double cutoff, int images)
{
  std::vector<std::array<long, 5>> edges;
  const int n = structure.n_atoms();
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++)
      for (int s0 = -images; s0 <= images; s0++)
        for (int s1 = -images; s1 <= images; s1++)
          for (int s2 = -images; s2 <= images; s2++) {
            const int s[3] = {s0, s1, s2};
            if (i == j && !s0 && !s1 && !s2) continue;
            bool allowed = true;
            double r[3], square = 0.0;
            for (int a = 0; a < 3; a++)
              if (s[a] && !structure.periodic[a]) allowed = false;
            for (int c = 0; c < 3; c++) {
              r[c] = structure.positions[3 * j + c] - structure.positions[3 * i + c];
              for (int a = 0; a < 3; a++) r[c] += s[a] * structure.cell[3 * a + c];
              square += r[c] * r[c];
            }
            if (allowed && square < cutoff * cutoff)
              edges.push_back({i, j, std::lround(r[0] * 1e6), std::lround(r[1] * 1e6),
                               std::lround(r[2] * 1e6)});
          }
  std::sort(edges.begin(), edges.end());
  return edges;
}

std::vector<std::array<long, 5>> edges_of(const Graph &graph)
{
  std::vector<std::array<long, 5>> edges;
  for (int i = 0; i < graph.n_centres(); i++)
    for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++)
      edges.push_back({i, graph.neighbor[e], std::lround(graph.r[3 * e] * 1e6),
                       std::lround(graph.r[3 * e + 1] * 1e6),
                       std::lround(graph.r[3 * e + 2] * 1e6)});
  std::sort(edges.begin(), edges.end());
  return edges;
}

struct Case {
  const char *name;
  int n;
  std::array<double, 9> cell;
  std::array<bool, 3> periodic;
  double cutoff;
  double spread;    // atoms are moved by whole cells up to this many: positions need not be wrapped
};

class GraphOf : public testing::TestWithParam<Case> {};

TEST_P(GraphOf, EqualsBruteForce)
{
  const Case &c = GetParam();
  Structure structure = random_structure(c.n, 17, c.cell, c.periodic);
  GraphStorage wrapped;
  append_graph(structure, {6, 8, 1}, c.cutoff, wrapped);
  const auto expected = brute_force(structure, c.cutoff, 6);
  EXPECT_EQ(edges_of(wrapped.view()), expected);
  if (c.n > 3) { EXPECT_FALSE(expected.empty()); }

  for (int i = 0; i < c.n; i++)
    for (int a = 0; a < 3; a++)
      if (c.periodic[a])
        for (int k = 0; k < 3; k++)
          structure.positions[3 * i + k] +=
              std::floor(c.spread * std::sin(5.0 * i + a)) * c.cell[3 * a + k];
  GraphStorage moved;
  append_graph(structure, {6, 8, 1}, c.cutoff, moved);
  EXPECT_EQ(edges_of(moved.view()), expected);
}

INSTANTIATE_TEST_SUITE_P(
    Cells, GraphOf,
    testing::Values(
        Case{"open", 60, {}, {false, false, false}, 4.0, 0},
        Case{"one_atom", 1, {}, {false, false, false}, 4.0, 0},
        Case{"two_atoms", 2, {}, {false, false, false}, 9.0, 0},
        Case{"cubic", 100, {12, 0, 0, 0, 12, 0, 0, 0, 12}, {true, true, true}, 3.5, 3},
        Case{"triclinic", 60, {9, 0, 0, 3, 8, 0, -2, 2.5, 10}, {true, true, true}, 4.0, 2},
        Case{"smaller_than_cutoff",
             3,
             {3, 0, 0, 1.2, 2.8, 0, -0.7, 0.9, 3.2},
             {true, true, true},
             5.0,
             2},
        Case{"one_atom_crystal", 1, {1.5, 0, 0, 0, 1.6, 0, 0, 0, 1.7}, {true, true, true}, 5.0, 4},
        Case{"slab", 40, {8, 0, 0, 1, 8, 0, 0, 0, 9}, {true, true, false}, 4.0, 2},
        Case{"wire", 30, {9, 0, 0, 0, 7, 0, 0, 0, 9}, {false, true, false}, 4.0, 2}),
    [](const auto &info) {
      return info.param.name;
    });

TEST(GraphOfFrame, ElementsBecomeSpecies)
{
  Structure structure;
  structure.numbers = {8, 1, 1};
  structure.positions = {0, 0, 0, 1, 0, 0, 0, 1, 0};
  GraphStorage graph;
  append_graph(structure, {6, 1, 8}, 3.0, graph);
  EXPECT_EQ(graph.species, (std::vector<int>{2, 1, 1}));
  EXPECT_EQ(graph.view().n_structures(), 1);
  EXPECT_EQ(graph.view().n_edges(), 6);
}

TEST(GraphOfFrame, NoEdgesBetweenStructures)
{
  GraphStorage graph;
  for (int s = 0; s < 5; s++)
    append_graph(random_structure(6, 40 + unsigned(s)), {6, 8, 1}, 6.0, graph);
  const Graph view = graph.view();
  ASSERT_EQ(view.n_structures(), 5);
  for (int s = 0; s < 5; s++)
    for (int i = view.first_atom[s]; i < view.first_atom[s + 1]; i++)
      for (int e = view.first_edge[i]; e < view.first_edge[i + 1]; e++) {
        EXPECT_GE(view.neighbor[e], view.first_atom[s]);
        EXPECT_LT(view.neighbor[e], view.first_atom[s + 1]);
      }
}

void expect_error(const Structure &structure, const std::string &words)
{
  GraphStorage graph;
  try {
    append_graph(structure, {6, 8, 1}, 4.0, graph);
    FAIL() << "no error; expected: " << words;
  } catch (const StructureError &error) {
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
  }
}

TEST(GraphOfFrame, PositionsStayWithTheirStructures)
{
  const Structure slab = random_structure(5, 3, {9, 0, 0, 0, 9, 0, 0, 0, 9}, {true, true, false}),
                  molecule = random_structure(4, 2);
  GraphStorage all, piece;
  append_graph(slab, {6, 8, 1}, 4.0, all);
  append_graph(molecule, {6, 8, 1}, 4.0, all);
  EXPECT_FALSE(has_positions(all.view()));
  piece.append(all.view(), 1, 2);
  EXPECT_TRUE(has_positions(piece.view()));
  EXPECT_EQ(piece.position, molecule.positions);
  // in front of and behind a graph of edges alone
  GraphStorage edges = piece, mixed;
  edges.position.clear();
  for (const auto *part : {&edges, &piece, &edges}) mixed.append(part->view());
  EXPECT_FALSE(has_positions(mixed.view()));
  ASSERT_EQ(mixed.position.size(), 36u);
  EXPECT_TRUE(std::equal(molecule.positions.begin(), molecule.positions.end(),
                         mixed.position.begin() + 12));
}

TEST(GraphOfFrame, Refusals)
{
  Structure structure = random_structure(4, 1);
  structure.numbers[2] = 7;
  expect_error(structure, "atom 3 is N, but the model knows C O H");
  structure = random_structure(4, 1);
  structure.positions[4] = std::nan("");
  expect_error(structure, "position of atom 2 is not finite");
  structure = random_structure(2, 1);
  std::copy_n(structure.positions.begin(), 3, structure.positions.begin() + 3);
  expect_error(structure, "atoms 1 and 2 are at the same position");
  structure = random_structure(2, 1);
  structure.periodic = {true, true, true};
  expect_error(structure, "cell vector a is zero");
  structure.cell = {5, 0, 0, 0, 5, 0, 5, 5, 0};
  expect_error(structure, "span no volume");
}

}    // namespace
