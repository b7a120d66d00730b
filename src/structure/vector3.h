// Products of vectors in space.
#pragma once

#include <array>
#include <cmath>

namespace mlff {

using Vector3 = std::array<double, 3>;

inline double dot(const double *a, const double *b)
{
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

inline double dot(const Vector3 &a, const Vector3 &b)
{
  return dot(a.data(), b.data());
}

inline double norm(const double *a)
{
  return std::sqrt(dot(a, a));
}

inline double norm(const Vector3 &a)
{
  return norm(a.data());
}

inline Vector3 cross(const double *a, const double *b)
{
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

inline Vector3 cross(const Vector3 &a, const Vector3 &b)
{
  return cross(a.data(), b.data());
}

}    // namespace mlff
