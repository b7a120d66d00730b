// A graph in plain memory, array by array.
#include "replica/packed_graph.h"

namespace mlff {

GraphSizes::GraphSizes(const Graph &graph) :
    structures(graph.n_structures()), atoms(graph.n_centres()), edges(graph.n_edges()),
    positions(int(graph.position.size() / 3)), cells(int(graph.cell.size() / 9))
{
}

PackedGraph::PackedGraph(const GraphSizes &sizes, Packing &packing) :
    sizes(sizes), first_atom(packing.place<int>(std::size_t(sizes.structures) + 1)),
    species(packing.place<int>(sizes.atoms)),
    first_edge(packing.place<int>(std::size_t(sizes.atoms) + 1)),
    neighbor(packing.place<int>(sizes.edges)),
    r(packing.place<double>(3 * std::size_t(sizes.edges))),
    position(packing.place<double>(3 * std::size_t(sizes.positions))),
    cell(packing.place<double>(9 * std::size_t(sizes.cells)))
{
}

void PackedGraph::put(const Graph &graph, char *bytes) const
{
  put_array(bytes, first_atom, graph.first_atom);
  put_array(bytes, species, graph.species);
  put_array(bytes, first_edge, graph.first_edge);
  put_array(bytes, neighbor, graph.neighbor);
  put_array(bytes, r, graph.r);
  put_array(bytes, position, graph.position);
  put_array(bytes, cell, graph.cell);
}

Graph PackedGraph::view(const char *bytes) const
{
  Graph graph;
  graph.first_atom = array_at<int>(bytes, first_atom, std::size_t(sizes.structures) + 1);
  graph.species = array_at<int>(bytes, species, sizes.atoms);
  graph.first_edge = array_at<int>(bytes, first_edge, std::size_t(sizes.atoms) + 1);
  graph.neighbor = array_at<int>(bytes, neighbor, sizes.edges);
  graph.r = array_at<double>(bytes, r, 3 * std::size_t(sizes.edges));
  graph.position = array_at<double>(bytes, position, 3 * std::size_t(sizes.positions));
  graph.cell = array_at<double>(bytes, cell, 9 * std::size_t(sizes.cells));
  return graph;
}

}    // namespace mlff
