// Chooses the back end of everything that runs a model, by the table of models.
#include "engine/make_engine.h"

#include "core/errors.h"
#include "core/words.h"
#include "engine/make_gradient.h"
#include "engine/repulsion/core_engine.h"
#include "models/jump/jump_record.h"
#include "potential/model_kind.h"

#include <algorithm>

namespace mlff {

namespace {

  /// A list of back ends in the table.
  template <typename OneEnd> using Products = std::vector<OneEnd> ModelKind::*;

  bool is_in_build(const std::string &name)
  {
    const auto available = available_engines();
    return std::find(available.begin(), available.end(), name) != available.end();
  }

  /// Says on which back ends a model has such a product, and which models the other one runs.
  template <typename OneEnd>
  std::string where_instead(const ModelKind &kind, Products<OneEnd> products,
                            const std::string &engine)
  {
    std::vector<std::string> has, runs;
    bool missing = true;
    for (const auto &back_end : kind.*products) {
      has.push_back(back_end.name);
      missing = missing && !is_in_build(back_end.name);
    }
    for (const ModelKind *other : model_kinds())
      for (const auto &back_end : other->*products)
        if (back_end.name == engine && back_end.make) runs.push_back(other->name);
    return std::string("model '") + kind.name + "' is available with engine " + joined(has, ", ") +
        (missing ? ", which is not in this build" : "") + "; engine " + engine + " runs " +
        joined(runs, ", ");
  }

  /// The back end of an option `engine`; auto: the best that the model and this build have.
  template <typename OneEnd>
  const OneEnd &choose(const ModelKind &kind, Products<OneEnd> products, const std::string &engine)
  {
    if (engine != "auto" && !is_in_build(engine))
      throw EngineError("engine '" + engine +
                        "' is not in this build; it has: " + joined(available_engines(), ", "));
    std::string refusal;
    for (const auto &back_end : kind.*products)
      if (engine == "auto" || engine == back_end.name) {
        if (back_end.make) return back_end;
        refusal = back_end.refusal;
      }
    throw EngineError(!refusal.empty()
                          ? refusal
                          : where_instead(kind, products,
                                          engine == "auto" ? available_engines().front() : engine));
  }

  void require_jumps(const ModelKind &kind)
  {
    if (kind.gives_jumps) return;
    std::vector<std::string> names;
    for (const ModelKind *other : model_kinds())
      if (other->gives_jumps) names.push_back(other->name);
    throw EngineError(std::string("model '") + kind.name +
                      "' is not a jump network; expected one of " + joined(names, ", "));
  }

  void require_energies(const ModelKind &kind)
  {
    if (kind.gives_jumps)
      throw EngineError(
          std::string("model '") + kind.name +
          "' is a jump network: it maps states to states and gives no energies or forces");
  }

}    // namespace

std::unique_ptr<Engine> make_engine(const Potential &potential, const EngineOptions &options)
{
  require_energies(potential.kind());
  return with_core(
      potential,
      choose(potential.kind(), &ModelKind::engines, options.engine).make(potential, options));
}

std::unique_ptr<WeightGradient> make_weight_gradient(const Potential &potential,
                                                     const EngineOptions &options, bool mixed)
{
  const ModelKind &kind = potential.kind();
  require_energies(kind);
  if (mixed && !kind.mixed_precision)
    throw EngineError(std::string("model ") + kind.name + " has no mixed precision");
  const auto &back_end = choose(kind, &ModelKind::gradients, options.engine);
  if (mixed && back_end.name == std::string("host"))
    throw EngineError("mixed precision needs the engine torch");
  return with_core(potential, back_end.make(potential, options, mixed));
}

std::unique_ptr<JumpEngine> make_jump_engine(const Potential &potential,
                                             const EngineOptions &options)
{
  require_jumps(potential.kind());
  if (jump_record(potential).force_head)
    throw EngineError("a jump network with a force head is in training: it makes no jumps");
  return choose(potential.kind(), &ModelKind::jump_engines, options.engine)
      .make(potential, options);
}

std::unique_ptr<JumpGradient> make_jump_gradient(const Potential &potential,
                                                 const EngineOptions &options)
{
  require_jumps(potential.kind());
  return choose(potential.kind(), &ModelKind::jump_gradients, options.engine)
      .make(potential, options);
}

}    // namespace mlff
