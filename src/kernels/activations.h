// The activation function silu and its derivatives, and the exponential below them.
#pragma once

#include "kernels/inline_function.h"

namespace mlff {

namespace {

#ifdef MLFF_DEVICE_HEADER
  template <typename T> MLFF_INLINE_FUNCTION T exponential(T x)
  {
    return elementary::exp(x);
  }
#else
  inline double exponential(double x)
  {
    return std::exp(x);
  }

  /// exp(x) in single precision for loops that use vectors: x = n ln 2 + r, a polynomial in r, n
  /// into the exponent. Relative error below 2e-7; beyond +-87 as at the end; a value that is not a
  /// number stays one.
  inline float exponential(float x)
  {
    x = x > 87.0f ? 87.0f : x;
    x = x < -87.0f ? -87.0f : x;
    const float n = std::floor(x * 1.44269504f + 0.5f), r = x - n * 0.693147182f;
    const float series = 1.0f +
        r *
            (1.0f +
             r *
                 (0.5f +
                  r *
                      (0.166666667f +
                       r * (0.0416666679f + r * (0.00833333377f + r * 0.00138888892f)))));
    return series * __builtin_bit_cast(float, (int(n) + 127) << 23);
  }
#endif

  template <typename T> MLFF_INLINE_FUNCTION T sigmoid(T x)
  {
    return T(1) / (T(1) + exponential(-x));
  }

  /// silu'(x) from x and g = sigmoid(x), with silu(x) = x g
  template <typename T> MLFF_INLINE_FUNCTION T silu_slope(T x, T g)
  {
    return g * (T(1) + x * (T(1) - g));
  }

  template <typename T> MLFF_INLINE_FUNCTION T silu_slope(T x)
  {
    return silu_slope(x, sigmoid(x));
  }

  /// silu''(x)
  template <typename T> MLFF_INLINE_FUNCTION T silu_curvature(T x, T g)
  {
    return g * (T(1) - g) * (T(2) + x * (T(1) - T(2) * g));
  }

  template <typename T> MLFF_INLINE_FUNCTION T silu_curvature(T x)
  {
    return silu_curvature(x, sigmoid(x));
  }

}    // namespace

}    // namespace mlff
