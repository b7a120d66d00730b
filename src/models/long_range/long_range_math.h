// The sums of the long-range block (long_range.h) for one pair of atoms or one plane wave, forward
// and backward: the expressions that the host's kernels and the Kokkos device share.
// bar = dE/d(quantity). B is the type of the block, V a B or a vector of them, along channels or
// along atoms.
#pragma once

#include "kernels/inline_function.h"

namespace mlff {

namespace {

  /// Parts of the values that an atom sends, and of their bars: a scalar and a vector.
  enum ValuePart { v0_part, vx_part, vy_part, vz_part, value_parts };

  /// Parts of the sums that an atom receives, and of their bars: s0, s1, v0, v1.
  enum SumPart { s0_part, s1_part, even_part, odd_part = even_part + 3, sum_parts = odd_part + 3 };

  /// Radial functions in the order in which the direct form keeps them, by which the last layer,
  /// that has no vectors to give, needs the first two: scalars from scalars and from vectors,
  /// vectors from scalars and from vectors.
  enum RadialPart { K0_part, K3_part, K1_part, K2_part };

  /// Sines and cosines of n pi/2 + r for |r| <= pi/4, from series in r and the lowest bits of n;
  /// errors below 3e-16. The sums must be done in the order in which they are written.
  template <typename Integer>
  MLFF_FORCEINLINE_FUNCTION void sine_and_cosine(double r, Integer n, double &sine, double &cosine)
  {
    const double y = r * r;
    double s = 1.0 / 6227020800.0 - y * (1.0 / 1307674368000.0),
           c = 1.0 / 479001600 - y * (1.0 / 87178291200.0 - y * (1.0 / 20922789888000.0));
    s = 1.0 / 362880 + y * (-1.0 / 39916800 + y * s);
    s = r * (1.0 + y * (-1.0 / 6 + y * (1.0 / 120 + y * (-1.0 / 5040 + y * s))));
    c = 1.0 / 40320 + y * (-1.0 / 3628800 + y * c);
    c = 1.0 + y * (-0.5 + y * (1.0 / 24 + y * (-1.0 / 720 + y * c)));
    const double a = n & 1 ? c : s, b = n & 1 ? s : c;
    sine = n & 2 ? -a : a;
    cosine = (n + 1) & 2 ? -b : b;
  }

  /// x - turns pi/2, with pi/2 in three parts.
  MLFF_FORCEINLINE_FUNCTION double without_quarter_turns(double x, double turns)
  {
    return ((x - turns * 0x1.921fb544p+0) - turns * 0x1.0b4611a6p-34) -
        turns * 0x1.3198a2e037073p-69;
  }

  /// Turns an angle by another one.
  MLFF_INLINE_FUNCTION void turn(double &sine, double &cosine, double by_sine, double by_cosine)
  {
    const double turned = sine * by_cosine + cosine * by_sine;
    cosine = cosine * by_cosine - sine * by_sine;
    sine = turned;
  }

  /// Spherical Bessel functions j0, j1 of kappa r and their derivatives by r.
  struct BesselValues {
    double j0, j1, slope0, slope1;
  };

  /// Bessel functions j0, j1 from the sine and the cosine of kappa r, and inverse = 1 / (kappa r)
  /// or 0; by their series where kappa r is small.
  MLFF_INLINE_FUNCTION BesselValues bessel_values(double kappa, double r, double inverse,
                                                  double sine, double cosine)
  {
    const double y = kappa * r, y2 = y * y, ratio = sine * inverse;
    const double series0 = 1.0 - y2 / 6.0 * (1.0 - y2 / 20.0),
                 series1 = y / 3.0 * (1.0 - y2 / 10.0 * (1.0 - y2 / 28.0)),
                 series_slope = (1.0 - 0.3 * y2 * (1.0 - y2 * (5.0 / 84.0))) / 3.0;
    const bool large = y > 1e-2;
    const double j0 = large ? ratio : series0, j1 = large ? (ratio - cosine) * inverse : series1;
    return {j0, j1, -kappa * j1, kappa * (large ? j0 - 2.0 * j1 * inverse : series_slope)};
  }

  /// Slope of elu + 1, the map of queries and keys, from its value.
  template <typename B> MLFF_INLINE_FUNCTION B key_slope(B value)
  {
    return value < B(1) ? value : B(1);
  }

  /// A scalar and a vector that an atom sends, or their bars.
  template <typename V> struct Values {
    V scalar, vector[3];
  };

  /// Sums that an atom receives, or their bars: even parts from Bessel functions j0, odd ones from
  /// j1. The last layer has s0 and s1 alone.
  template <typename V> struct Sums {
    V s0, s1, even[3], odd[3];
  };

  /// u.vector
  template <typename B, typename V> MLFF_INLINE_FUNCTION V along(const B *u, const V *vector)
  {
    return u[0] * vector[0] + u[1] * vector[1] + u[2] * vector[2];
  }

  /// Adds what one atom sends to what another one receives. `weight` is q.k, u the direction from
  /// the sender, K the radial functions by RadialPart.
  template <bool VECTORS, typename V, typename B>
  MLFF_INLINE_FUNCTION void receive(const V *K, B weight, const B *u, const Values<V> &sent,
                                    Sums<V> &sums)
  {
    sums.s0 += (weight * K[K0_part]) * sent.scalar;
    sums.s1 += (weight * K[K3_part]) * along(u, sent.vector);
    if constexpr (VECTORS) {
      const V even = weight * K[K2_part], odd = (weight * K[K1_part]) * sent.scalar;
      for (int x = 0; x < 3; x++) {
        sums.even[x] += even * sent.vector[x];
        sums.odd[x] += odd * u[x];
      }
    }
  }

  /// The backward of receive(), where the direction is SIGN u: adds bars of what was sent, of u and
  /// r; sets that of the weight. `slope` holds the derivatives of K by r.
  template <bool VECTORS, int SIGN, typename V, typename B>
  MLFF_INLINE_FUNCTION void receive_backward(const V *K, const V *slope, B weight, const B *u,
                                             const Values<V> &sent, const Sums<V> &bars,
                                             Values<V> &sent_bar, V *u_bar, V &weight_bar, V &r_bar)
  {
    constexpr B sign = SIGN;
    const V even = K[K0_part] * bars.s0, odd = K[K3_part] * bars.s1,
            projection = along(u, sent.vector), weighted = (sign * weight) * odd;
    weight_bar = even * sent.scalar + sign * odd * projection;
    V stretch =
        (slope[K0_part] * bars.s0) * sent.scalar + sign * (slope[K3_part] * bars.s1) * projection;
    sent_bar.scalar += weight * even;
    for (int x = 0; x < 3; x++) {
      sent_bar.vector[x] += weighted * u[x];
      u_bar[x] += weighted * sent.vector[x];
    }
    if constexpr (VECTORS) {
      V dot{};
      for (int x = 0; x < 3; x++) dot += sent.vector[x] * bars.even[x];
      const V from_odd = along(u, bars.odd), turned = sign * sent.scalar * from_odd,
              even_weight = weight * K[K2_part], odd_weight = (sign * weight) * K[K1_part];
      weight_bar += K[K1_part] * turned + K[K2_part] * dot;
      stretch += slope[K1_part] * turned + slope[K2_part] * dot;
      sent_bar.scalar += odd_weight * from_odd;
      for (int x = 0; x < 3; x++) {
        sent_bar.vector[x] += even_weight * bars.even[x];
        u_bar[x] += odd_weight * sent.scalar * bars.odd[x];
      }
    }
    r_bar += weight * stretch;
  }

  /// The four radial weights of a plane wave in a channel, or k times their slopes.
  template <typename B> struct WaveRadial {
    B scalar_from_scalar, vector_from_scalar, vector_from_vector, scalar_from_vector;
  };

  /// Parts of a value that are even and odd in the direction of a plane wave.
  template <typename V> struct WaveParts {
    V even, odd;
  };

  /// Even and odd part at a phase of what cosine and sine moments give; and, from the bars of even
  /// and odd part, those of the latter: the matrix is its own transpose.
  template <typename V>
  MLFF_INLINE_FUNCTION WaveParts<V> at_phase(const V &cosine, const V &sine, const V &a, const V &b)
  {
    return {cosine * a + sine * b, sine * a - cosine * b};
  }

  /// Adds the parts of one value (axis -1: a scalar, else that component of a vector) to what an
  /// atom receives: add(SumPart, what).
  template <bool VECTORS, typename V, typename B, typename Add>
  MLFF_INLINE_FUNCTION void receive_wave(const WaveRadial<B> &a, const B *u, int axis,
                                         const WaveParts<V> &parts, const Add &add)
  {
    if (axis < 0) {
      add(s0_part, a.scalar_from_scalar * parts.even);
      for (int x = 0; x < 3 && VECTORS; x++)
        add(odd_part + x, (a.vector_from_scalar * u[x]) * parts.odd);
    } else {
      add(s1_part, (a.scalar_from_vector * u[axis]) * parts.odd);
      if (VECTORS) add(even_part + axis, a.vector_from_vector * parts.even);
    }
  }

  /// Bars of the parts of one value from those of what an atom received, bar(SumPart).
  template <bool VECTORS, typename V, typename B, typename Bar>
  MLFF_INLINE_FUNCTION WaveParts<V> wave_bars(const WaveRadial<B> &a, const B *u, int axis,
                                              const Bar &bar)
  {
    WaveParts<V> parts{};
    if (axis < 0) {
      parts.even = a.scalar_from_scalar * bar(s0_part);
      for (int x = 0; x < 3 && VECTORS; x++)
        parts.odd += (a.vector_from_scalar * u[x]) * bar(odd_part + x);
    } else {
      parts.odd = (a.scalar_from_vector * u[axis]) * bar(s1_part);
      if (VECTORS) parts.even = a.vector_from_vector * bar(even_part + axis);
    }
    return parts;
  }

}    // namespace

}    // namespace mlff
