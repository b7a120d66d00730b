// Rows of atoms that other ranks own: features there, gradients back.

#ifndef LMP_RANK_EXCHANGE_H
#define LMP_RANK_EXCHANGE_H

#include "core/engine.h"

#include <mpi.h>
#include <vector>

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   Features of atoms of other ranks. Each such atom has one row, however
   many images of it there are, and each pair of ranks exchanges one
   message; LAMMPS' own ghost communication would send every image in up
   to six hops, in double.

     connect():  who needs which owned atoms? (after a neighbor rebuild)
     forward():  rows of own atoms  -> ghost rows of the ranks that need them
     reverse():  ghost rows         -> added to the rows of their owners,
                                       in order of ranks
------------------------------------------------------------------------- */

class RankExchange : public mlff::GhostExchange {
 public:
  // a ghost: rank that owns it, and its index among the owned atoms there
  struct Ghost {
    int rank, index;
    bool operator<(const Ghost &other) const
    {
      return rank < other.rank || (rank == other.rank && index < other.index);
    }
    bool operator==(const Ghost &other) const { return rank == other.rank && index == other.index; }
  };

  explicit RankExchange(MPI_Comm world) : world(world) {}

  // all ranks call this together; ghosts are sorted and unique, ghost k has row first_row + k;
  // row[i] is the row of owned atom i
  void connect(const std::vector<Ghost> &ghosts, const std::vector<int> &row, int first_row);

  void forward(float *features, int width) override;
  void forward(double *features, int width) override;
  void reverse(float *gradient, int width) override;
  void reverse(double *gradient, int width) override;
  void sum(double *values, int n) override;
  void largest(double *values, int n) override;
  int rank() const override;
  int n_ranks() const override;

 private:
  struct Peer {
    int rank;
    std::vector<int> rows;    // owned rows that it needs
    int first, count;         // ghost rows that it owns
  };

  MPI_Comm world;
  std::vector<Peer> peers;
  std::vector<double> buffer;
  std::vector<MPI_Request> requests;

  template <typename T> void send_rows(T *features, int width, MPI_Datatype type);
  template <typename T> void return_rows(T *gradient, int width, MPI_Datatype type);
  std::size_t rows_sent() const;
};

}    // namespace LAMMPS_NS

#endif
