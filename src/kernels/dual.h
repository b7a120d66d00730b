// Numbers with a tangent, their derivative along one direction: what is written for numbers gives
// with these its own derivative. Local to the file that includes it.
#pragma once

namespace mlff {

namespace {

  template <typename V> struct Dual {
    V value, tangent;
    Dual(V value = 0, V tangent = 0) : value(value), tangent(tangent) {}

    friend inline Dual operator+(const Dual &a, const Dual &b)
    {
      return {a.value + b.value, a.tangent + b.tangent};
    }
    friend inline Dual operator*(const Dual &a, const Dual &b)
    {
      return {a.value * b.value, a.tangent * b.value + a.value * b.tangent};
    }
    friend inline Dual operator/(const Dual &a, const Dual &b)
    {
      const V ratio = a.value / b.value;
      return {ratio, (a.tangent - ratio * b.tangent) / b.value};
    }
    friend inline Dual &operator+=(Dual &a, const Dual &b) { return a = a + b; }
  };

}    // namespace

}    // namespace mlff
