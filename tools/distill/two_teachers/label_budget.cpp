// What each round of a distillation may label, so that all rounds together keep a budget.
#include "distill/two_teachers/label_budget.h"

#include <algorithm>

namespace mlff {

namespace {

  /// Parts of a number that differ by at most one, the larger ones first.
  std::vector<long> shares(long total, std::size_t parts)
  {
    const long n = long(parts);
    std::vector<long> list(parts, total / n);
    for (long k = 0; k < total % n; k++) list[std::size_t(k)]++;
    return list;
  }

}    // namespace

RoundPlan plan_round(const LabelBudget &budget, long spent, bool last)
{
  const long systems = long(budget.systems), probes = systems * budget.probe;
  long selected = systems * budget.select, closing_probes = probes;
  if (budget.labels > 0) {
    const long left = std::max(0L, budget.labels - spent);
    selected = std::min(selected, left - 2 * probes);
    closing_probes = last ? std::min(probes, left) : left;
  }
  RoundPlan plan;
  plan.closing = last || selected <= 0;
  plan.probes = shares(plan.closing ? closing_probes : probes, budget.systems);
  plan.selected = shares(plan.closing ? 0 : selected, budget.systems);
  return plan;
}

}    // namespace mlff
