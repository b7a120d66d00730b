// What each round of a distillation may label, so that all rounds together keep a budget.
#pragma once

#include <cstddef>
#include <vector>

namespace mlff {

/// Labels of the dear teacher that a distillation may ask for.
struct LabelBudget {
  long labels = 0;    ///< in all rounds and of all systems; 0: any number
  std::size_t systems = 1;
  // of a whole round, for each system
  long probe = 0;     ///< frames that measure the students before they learn from them
  long select = 0;    ///< frames where the students disagree

  /// The fewest labels that are of use: those that the command begins with, one round, and the
  /// probes that measure what it taught.
  long least(long first_labels) const
  {
    return first_labels + long(systems) * (select + 2 * probe);
  }
};

/// Labels of one round.
struct RoundPlan {
  std::vector<long> probes, selected;    ///< [systems]
  bool closing = false;                  ///< the students are measured and learn no more
};

/// Plans a round. Probes of the closing round are always kept back: `selected` is cut so that they
/// are left. What is left when no frame could be selected all becomes probes of the closing round.
/// `spent`: labels of all rounds before; `last`: the round is to be the closing one whatever the
/// budget.
RoundPlan plan_round(const LabelBudget &budget, long spent, bool last);

}    // namespace mlff
