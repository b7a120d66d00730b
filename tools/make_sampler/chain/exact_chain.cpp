// The chain that a sampler runs.
#include "make_sampler/chain/exact_chain.h"

#include "core/errors.h"
#include "core/units.h"

#include <cmath>
#include <limits>
#include <utility>

namespace mlff {

ExactChain::ExactChain(StudentChain &student, EnergyFunction energy, double temperature,
                       int segments, unsigned seed) :
    student(student),
    energy(std::move(energy)), kT(boltzmann * temperature), segments(segments), generator(seed)
{
  now = this->energy(student.place().x, forces);
}

ExactChain::Proposal ExactChain::propose()
{
  const StudentChain::Place before = student.place();
  student.move(segments);
  const double random = std::uniform_real_distribution<double>(0.0, 1.0)(generator);
  Proposal proposal{std::numeric_limits<double>::infinity(), false};
  double next = 0.0;
  try {
    next = energy(student.place().x, forces);
    proposal.difference = (next - now - (student.place().energy - before.energy)) / kT;
  } catch (const StateError &) {
  }
  proposal.accepted = random < std::exp(-proposal.difference);
  if (proposal.accepted)
    now = next;
  else
    student.go_to(before);
  return proposal;
}

}    // namespace mlff
