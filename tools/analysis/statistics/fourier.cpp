// Calls of FFTW.
#include "analysis/statistics/fourier.h"

#include <fftw3.h>

#include <new>

namespace mlff {

struct Fourier::Impl {
  int n;
  double *real;
  fftw_complex *spectrum;
  fftw_plan to_spectrum, to_real;

  explicit Impl(int n) : n(n), real(fftw_alloc_real(n)), spectrum(fftw_alloc_complex(n / 2 + 1))
  {
    if (!real || !spectrum) throw std::bad_alloc();
    to_spectrum = fftw_plan_dft_r2c_1d(n, real, spectrum, FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
    to_real = fftw_plan_dft_c2r_1d(n, spectrum, real, FFTW_ESTIMATE);
  }
  ~Impl()
  {
    fftw_destroy_plan(to_spectrum);
    fftw_destroy_plan(to_real);
    fftw_free(real);
    fftw_free(spectrum);
  }
};

Fourier::Fourier(int n) : impl(std::make_unique<Impl>(n)) {}
Fourier::~Fourier() = default;
Fourier::Fourier(Fourier &&) noexcept = default;

int Fourier::n() const
{
  return impl->n;
}

double *Fourier::real()
{
  return impl->real;
}

std::complex<double> *Fourier::spectrum()
{
  return reinterpret_cast<std::complex<double> *>(impl->spectrum);
}

void Fourier::forward()
{
  fftw_execute(impl->to_spectrum);
}

void Fourier::backward()
{
  fftw_execute(impl->to_real);
  for (int t = 0; t < impl->n; t++) impl->real[t] /= impl->n;
}

}    // namespace mlff
