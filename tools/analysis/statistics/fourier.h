// Discrete Fourier transforms of real signals (FFTW).
#pragma once

#include <complex>
#include <memory>

namespace mlff {

class Fourier {
 public:
  /// n: even length. Plans do not depend on measured times, so results are reproducible.
  explicit Fourier(int n);
  ~Fourier();
  Fourier(Fourier &&) noexcept;

  int n() const;
  double *real();                      ///< [n]
  std::complex<double> *spectrum();    ///< [n/2 + 1]

  /// spectrum(f) = sum_t real(t) exp(-2 pi i f t / n); real() stays.
  void forward();

  /// real(t) = 1/n sum_f spectrum(f) exp(2 pi i f t / n), over all f of a real signal; spectrum()
  /// is lost.
  void backward();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

}    // namespace mlff
