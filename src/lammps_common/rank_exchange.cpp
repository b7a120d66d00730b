// One message for each pair of ranks and each exchange of rows.
#include "lammps_common/rank_exchange.h"

#include <cstring>

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

void RankExchange::connect(const std::vector<Ghost> &ghosts, const std::vector<int> &row,
                           int first_row)
{
  int nprocs;
  MPI_Comm_size(world, &nprocs);

  std::vector<int> wanted(nprocs, 0), asked(nprocs, 0);
  for (const auto &ghost : ghosts) wanted[ghost.rank]++;
  MPI_Alltoall(wanted.data(), 1, MPI_INT, asked.data(), 1, MPI_INT, world);

  peers.clear();
  int first = 0;
  for (int rank = 0; rank < nprocs; rank++) {
    if (wanted[rank] || asked[rank])
      peers.push_back({rank, std::vector<int>(asked[rank]), first_row + first, wanted[rank]});
    first += wanted[rank];
  }

  std::vector<int> indices;
  for (const auto &ghost : ghosts) indices.push_back(ghost.index);
  requests.clear();
  for (auto &peer : peers) {
    if (!peer.rows.empty())
      MPI_Irecv(peer.rows.data(), (int) peer.rows.size(), MPI_INT, peer.rank, 0, world,
                &requests.emplace_back());
    if (peer.count)
      MPI_Isend(indices.data() + (peer.first - first_row), peer.count, MPI_INT, peer.rank, 0, world,
                &requests.emplace_back());
  }
  MPI_Waitall((int) requests.size(), requests.data(), MPI_STATUSES_IGNORE);
  for (auto &peer : peers)
    for (int &index : peer.rows) index = row[index];
}

/* ---------------------------------------------------------------------- */

std::size_t RankExchange::rows_sent() const
{
  std::size_t n = 0;
  for (const auto &peer : peers) n += peer.rows.size();
  return n;
}

/* ---------------------------------------------------------------------- */

template <typename T> void RankExchange::send_rows(T *features, int width, MPI_Datatype type)
{
  // one buffer for both types: a float takes half of a double
  buffer.resize(rows_sent() * width);
  T *packed = reinterpret_cast<T *>(buffer.data());
  requests.clear();
  for (const auto &peer : peers)
    if (peer.count)
      MPI_Irecv(features + (std::size_t) peer.first * width, peer.count * width, type, peer.rank, 1,
                world, &requests.emplace_back());
  for (const auto &peer : peers) {
    if (peer.rows.empty()) continue;
    T *start = packed;
    for (const int row : peer.rows) {
      memcpy(packed, features + (std::size_t) row * width, sizeof(T) * width);
      packed += width;
    }
    MPI_Isend(start, (int) peer.rows.size() * width, type, peer.rank, 1, world,
              &requests.emplace_back());
  }
  MPI_Waitall((int) requests.size(), requests.data(), MPI_STATUSES_IGNORE);
}

/* ---------------------------------------------------------------------- */

template <typename T> void RankExchange::return_rows(T *gradient, int width, MPI_Datatype type)
{
  buffer.resize(rows_sent() * width);
  T *received = reinterpret_cast<T *>(buffer.data());
  requests.clear();
  for (const auto &peer : peers) {
    if (peer.rows.empty()) continue;
    MPI_Irecv(received, (int) peer.rows.size() * width, type, peer.rank, 2, world,
              &requests.emplace_back());
    received += peer.rows.size() * width;
  }
  for (const auto &peer : peers)
    if (peer.count)
      MPI_Isend(gradient + (std::size_t) peer.first * width, peer.count * width, type, peer.rank, 2,
                world, &requests.emplace_back());
  MPI_Waitall((int) requests.size(), requests.data(), MPI_STATUSES_IGNORE);

  // always in the order of ranks: the sums do not depend on who was fast
  received = reinterpret_cast<T *>(buffer.data());
  for (const auto &peer : peers)
    for (const int row : peer.rows) {
      T *target = gradient + (std::size_t) row * width;
      for (int k = 0; k < width; k++) target[k] += received[k];
      received += width;
    }
}

/* ---------------------------------------------------------------------- */

void RankExchange::forward(float *features, int width)
{
  send_rows(features, width, MPI_FLOAT);
}

void RankExchange::forward(double *features, int width)
{
  send_rows(features, width, MPI_DOUBLE);
}

void RankExchange::reverse(float *gradient, int width)
{
  return_rows(gradient, width, MPI_FLOAT);
}

void RankExchange::reverse(double *gradient, int width)
{
  return_rows(gradient, width, MPI_DOUBLE);
}

/* ---------------------------------------------------------------------- */

void RankExchange::sum(double *values, int n)
{
  MPI_Allreduce(MPI_IN_PLACE, values, n, MPI_DOUBLE, MPI_SUM, world);
}

void RankExchange::largest(double *values, int n)
{
  MPI_Allreduce(MPI_IN_PLACE, values, n, MPI_DOUBLE, MPI_MAX, world);
}

/* ---------------------------------------------------------------------- */

int RankExchange::rank() const
{
  int me;
  MPI_Comm_rank(world, &me);
  return me;
}

int RankExchange::n_ranks() const
{
  int n;
  MPI_Comm_size(world, &n);
  return n;
}
