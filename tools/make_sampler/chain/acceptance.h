// How many proposals of a student the true force will accept, from labelled frames of the student.
#pragma once

#include <vector>

namespace mlff {

/// With d(x) = (V - V_s)(x)/kT, a proposal from x to x' is accepted with probability min(1,
/// exp(-D)), D = d(x') - d(x). Let x be a sample of the target exp(-V/kT) and x' one of the student
/// exp(-V_s/kT), independent of x.
///
/// `gaussian`: d has a Gaussian distribution over the student's frames, with variance s^2. The
/// target weighs these frames with exp(-d), so that d is Gaussian there with the same variance and
/// a mean that is lower by s^2. D is then Gaussian with mean m = s^2 and variance 2 m, and for such
/// a D
///   <min(1, exp(-D))> = P(D < 0) + <exp(-D); D > 0> = 2 P(D < 0) = erfc(sqrt(m) / 2) = erfc(s/2).
///
/// `direct`: without that assumption the mean is a sum over pairs of the student's frames, of which
/// the first gets the weight of the target:
///   sum_{i != j} min(exp(-d_i), exp(-d_j)) / ((n - 1) sum_i exp(-d_i)).
struct ExpectedAcceptance {
  double deviation = 0.0;    ///< s, standard deviation of d over the student's frames
  double gaussian = 1.0, direct = 1.0;
};

/// `differences`: d of two or more frames, from any zero.
ExpectedAcceptance expected_acceptance(std::vector<double> differences);

/// erfc(deviation / 2).
double gaussian_acceptance(double deviation);

/// The standard deviation that erfc(s/2) makes an acceptance of, between 0 and 1.
double deviation_for(double acceptance);

}    // namespace mlff
