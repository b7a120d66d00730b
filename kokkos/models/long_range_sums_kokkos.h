/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifndef LMP_FMM_KOKKOS_H
#define LMP_FMM_KOKKOS_H

#include "kokkos/common/dense_kokkos.h"
#include "models/long_range/host/long_range_structures.h"

#include <Kokkos_Core.hpp>

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   sums of the long-range block (src/models/long_range/long_range.h) in type B on a Kokkos
   device, forward and analytic backward: the equations of
   src/models/long_range/host/long_range_kernels.cpp, bar = dE/d(quantity).

   Atoms stand side by side, [channel][row]; `lanes` of them make a vector on
   a CPU, where each structure begins at a multiple of lanes. On a device a
   thread takes one. No atomics, and sums in an order that depends on sizes
   alone: results do not change from run to run.

     direct form   one team an atom, over all senders in tiles of threads. In
                   the backward the atom receives and sends at once, so that
                   a team writes the bars of its own atom only: each pair is
                   looked at from both ends
     linear form   moments by one team a plane wave, with cosines and sines
                   of a tile of atoms in scratch memory. What atoms receive
                   by threads that have an atom and a head, with the waves in
                   as many chunks as keep the device busy; chunks are summed
                   afterwards

     set_sizes()   once, then radial[] for each layer
     prepare()     structures, forms, plane waves; host arrays and positions
     forward(l)    from scalars, vectors to scalar_sums, vector_sums
     backward(l)   from bars in scalar_sums, vector_sums to those in scalars,
                   vectors; layers from the last one on. Adds to x_bar, strain
------------------------------------------------------------------------- */

template <class DeviceType, typename B> class FmmSumsKokkos {
 public:
  using Policy = Kokkos::TeamPolicy<DeviceType>;
  using Member = typename Policy::member_type;
  using Range = Kokkos::RangePolicy<DeviceType>;
  using LongRange = Kokkos::RangePolicy<DeviceType, Kokkos::IndexType<long>>;
  template <typename U> using Array = Kokkos::View<U *, Kokkos::LayoutRight, DeviceType>;

  static constexpr bool on_host = device_is_host<DeviceType>;
  static constexpr int lanes = on_host ? 16 : 1;
  static constexpr int warp = on_host ? 1 : 32;    // threads that share one sum of the moments
  static constexpr int keys_at_once = 4;           // of the moments
  static constexpr int moment_tile =
      on_host ? 512 : 256;                // atoms whose cosines and sines are in scratch memory
  static constexpr int most_keys = 64;    // as check() of a potential allows

  // widths, padded as the features are: columns of scalars (queries, keys, values), of vectors, of
  // sums (even, odd parts)
  int scalar_columns = 0, first_key = 0, first_value = 0, vector_columns = 0, sum_columns = 0,
      first_odd = 0;
  std::vector<Array<B>> radial;    // of each layer [T][4][HC], in the order of mlff::FmmRadial

  Array<B> scalars, vectors;    // [atoms][scalar_columns], [atoms][3][vector_columns]
  Array<B> scalar_sums,
      vector_sums;    // [atoms][sum_columns], [atoms][3][sum_columns]: s0, s1; v0, v1
  Array<double> x_bar,
      strain;    // [atoms][3] eV/Angstrom; [atoms][6] eV, where a structure is periodic

  int n_atoms = 0;

  FmmSumsKokkos(const mlff::Potential &potential, mlff::FmmForm form);

  // first_atom [structures + 1], cell [structures][9] or empty as in mlff::Graph; throws
  // EngineError as the host engine does
  void prepare(std::span<const int> first_atom, std::span<const double> cell,
               mlff::GhostExchange *exchange, const Array<double> &position);
  void forward(int l);
  void backward(int l);
  double bytes() const;
  std::size_t bytes(int atoms) const;    // estimate, without plane waves

  // a structure as kernels see it
  struct Structure {
    int first_atom, n_atoms, first_row, direct, periodic;
    int first_direct,
        // of its atoms among those in the direct form; of its tiles of the linear form
        first_tile;
    int first_wave,
        n_waves;          // among the waves of all structures, which have moments of their own
    long first_of_set;    // of its waves in the arrays of waves
    double centre[3];
  };

  // sizes and arrays of one layer for kernels
  struct Rows {
    int H, d, C, T, HC, n_structures;
    long R;
    const double *x, *kappa;
    const B *q, *k, *V0, *V1, *bars, *radial;
    const Structure *structures;
    const int
        *starts;    // [4][structures + 1]: first atom, first direct one, first tile, first wave
    const double *wave_k;
    const B *wave_u, *wave_weight;
    const int *wave_frequency;
    B *moments;

    // the last structure that begins at or before a number; those without any are passed over
    KOKKOS_INLINE_FUNCTION const Structure &find(int which, int number) const
    {
      const int *first = starts + (long) which * (n_structures + 1);
      int low = 0, high = n_structures;
      while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (first[middle] <= number)
          low = middle;
        else
          high = middle;
      }
      return structures[low];
    }

    // the four radial weights of a plane wave in a channel, or k times their slopes
    KOKKOS_INLINE_FUNCTION void weights_of(long wave, int c, bool slope, B *a) const
    {
      const B share = wave_weight[4 * wave + (slope ? 2 : 0)],
              next = wave_weight[4 * wave + (slope ? 3 : 1)];
      const int t = wave_frequency[wave], u = t + 1 < T ? t + 1 : t;
      for (int f = 0; f < 4; f++)
        a[f] = share * radial[(4L * t + f) * HC + c] + next * radial[(4L * u + f) * HC + c];
    }

    // cosines and sines of a wave's phases at `lanes` rows
    KOKKOS_INLINE_FUNCTION void phases(long wave, long row, B *cosine, B *sine) const;
  };

  // parts of scratch memory of the direct form: geometry of a tile of pairs
  struct Pairs {
    double *direction, *inverse;    // [3][J], [J]
    B *u, *j0, *j1, *dj0, *dj1;     // [3][J]; [T][J]: of kappa r, and derivatives by r
    int J;
    KOKKOS_INLINE_FUNCTION Pairs(char *memory, int T, int J, bool slopes) : J(J)
    {
      direction = (double *) memory;
      inverse = direction + (slopes ? 3 * J : 0);
      u = (B *) (inverse + (slopes ? J : 0));
      j0 = u + 3 * J;
      j1 = j0 + (long) T * J;
      dj0 = j1 + (long) T * J;
      dj1 = dj0 + (slopes ? (long) T * J : 0);
    }
    static std::size_t bytes(int T, int J, bool slopes)
    {
      return (std::size_t) J *
          (sizeof(B) * (3 + (slopes ? 4 : 2) * T) + (slopes ? 4 * sizeof(double) : 0));
    }
  };
  template <bool SLOPES>
  KOKKOS_INLINE_FUNCTION static void geometry(const Rows &, long, long, long, int, const Pairs &);

  // public because device lambdas may not be made in private functions
  void find_ends(std::vector<mlff::FmmEnds> &ends, const Array<double> &position, int n);
  void spread_values(int l);
  void spread_bars(int l);
  template <bool VECTORS> void direct_forward(int l);
  template <bool VECTORS> void direct_backward(int l);
  template <bool BARS, bool VECTORS> void find_moments(int l);
  template <bool VECTORS, int KEYS> void receive(int l);
  template <bool VECTORS, int KEYS> void receive_backward(int l);
  template <int KEYS> void send_backward(int l);
  void gather_sums(int l);
  void gather_bars(int l);
  template <typename U> static void grow(Array<U> &array, std::size_t n, const char *name)
  {
    if (array.extent(0) < n || !array.data())
      array = Array<U>(std::string("mlff:fmm_") + name, n + n / 8 + 1);
  }
  template <typename U> static Array<U> upload(const std::vector<double> &values, const char *name);

 private:
  int H, d, C, T, HC, Hd, L;
  mlff::FmmStructures<B> known;
  long uploaded = -1;    // known.changes of the waves on the device

  int direct_groups,
      linear_groups;    // threads along the atoms of a tile, each with `lanes` of them
  int n_rows = 0, n_direct = 0, n_tiles = 0, n_waves = 0, n_chunks = 1;
  bool has_cells = false;
  std::vector<Structure> host_structures;
  std::vector<int> host_starts, host_rows;
  std::vector<long> first_of_set;

  Array<Structure> structures;
  Array<int> starts, row_of;                         // row_of [atoms]
  Array<double> kappa, x, wave_k, structure_ends;    // structure_ends [structures][6]
  Array<B> wave_u, wave_weight;
  Array<int> wave_frequency;
  Array<B> q, k, V0, V1, bars;      // [L][Hd][R] twice, [L][HC][R], [L][3][HC][R]; [8][HC][R]
  Array<B> moments, moment_bars;    // [L][waves][2][H][d][4C]; of one layer
  Array<B> part_sums, part_q, part_k,
      part_V;    // [chunks][8][HC][R], [chunks][Hd][R] twice, [chunks][4][HC][R]
  Array<double> part_x, part_strain;    // [chunks][H][3][R], [chunks][H][6][R]

  long moments_of_wave() const { return 8L * Hd * C; }
  Rows rows_of(int l) const;
  void upload_waves();
  void upload_structures();
  void sum_over_ranks(B *values);
  static Policy policy_of(int league, int team, int vector, std::size_t bytes, int &level);
  int groups_of(std::size_t bytes_of_group, int most) const;
  template <bool VECTORS> void sums(int l);
  template <bool VECTORS> void bars_of(int l);
};

/* ----------------------------------------------------------------------
   the block between the layers of PaiNN in type T and its readout

     position filled, then prepare()   every step
     forward()                         changes s and v
     backward()                        changes s_bar and v_bar; x_bar, strain
------------------------------------------------------------------------- */

template <class DeviceType, typename T> class FmmBlockKokkos {
 public:
  template <typename U> using Array = Kokkos::View<U *, Kokkos::LayoutRight, DeviceType>;

  virtual ~FmmBlockKokkos() = default;

  // [centres][3] Angstrom; gives the array for so many
  virtual Array<double> &position(int centres) = 0;
  virtual void prepare(std::span<const int> first_atom, std::span<const double> cell,
                       mlff::GhostExchange *exchange) = 0;
  virtual void forward(T *s, T *v) = 0;    // [atoms][F], [atoms][3][F]
  virtual void backward(T *s_bar, T *v_bar) = 0;
  virtual const Array<double> &x_bar() const = 0;     // [centres][3] eV/Angstrom
  virtual const Array<double> &strain() const = 0;    // [centres][6] eV, if there are cells
  virtual double bytes() const = 0;
  virtual std::size_t bytes(int atoms) const = 0;

  // null for a potential without a block
  static std::unique_ptr<FmmBlockKokkos> make(const mlff::Potential &potential, mlff::FmmForm form);
};

template <class DeviceType, typename T, typename B>
class FmmKokkos : public FmmBlockKokkos<DeviceType, T> {
 public:
  template <typename U> using Array = Kokkos::View<U *, Kokkos::LayoutRight, DeviceType>;

  FmmKokkos(const mlff::Potential &potential, mlff::FmmForm form);

  Array<double> &position(int centres) override;
  void prepare(std::span<const int> first_atom, std::span<const double> cell,
               mlff::GhostExchange *exchange) override;
  void forward(T *s, T *v) override;
  void backward(T *s_bar, T *v_bar) override;
  const Array<double> &x_bar() const override { return sums.x_bar; }
  const Array<double> &strain() const override { return sums.strain; }
  double bytes() const override
  {
    return sums.bytes() + (double) positions.extent(0) * sizeof(double);
  }
  std::size_t bytes(int atoms) const override
  {
    return sums.bytes(atoms) + 3 * sizeof(double) * atoms;
  }

 private:
  // [in][out] and [out][in]; gates are multiplied into the weights of sums
  struct Layer {
    Array<B> from_scalars, from_vectors, scalar_out, vector_out;
    Array<B> from_scalars_back, from_vectors_back, scalar_out_back, vector_out_back;
  };

  int F, L;
  FmmSumsKokkos<DeviceType, B> sums;
  std::vector<Layer> layers;
  Array<double> positions;
};

}    // namespace LAMMPS_NS

#endif
