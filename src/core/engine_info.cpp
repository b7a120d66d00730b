// Keys and texts of what engines tell of themselves.
#include "core/engine_info.h"

namespace mlff {

std::string EngineInfo::key() const
{
  std::string key;
  const auto add = [&key](const char *name, const std::string &value) {
    key += (key.empty() ? "" : " ") + std::string(name) + "=" + value;
  };
  add("backend", word_of(backend_words, backend));
  add("instruction_set", word_of(instruction_set_words, instruction_set));
  add("precision", word_of(precision_words, precision));
  add("mixed", mixed ? "yes" : "no");
  add("device", word_of(device_words, device));
  add("device_index", std::to_string(on_host() ? 0 : device_index));
  add("threads", std::to_string(on_host() ? threads : 0));
  add("filter", filter ? word_of(filter_words, *filter) : "none");
  add("long_range", long_range ? word_of(long_range_form_words, *long_range) : "none");
  add("model", model.empty() ? "none" : model);
  add("space", space.empty() ? "none" : space);
  add("jumps", jumps ? "yes" : "no");
  add("members", std::to_string(members));
  return key;
}

std::string to_text(const EngineInfo &info)
{
  std::string text = info.jumps ? "jumps, " : "";
  if (info.backend == Backend::host)
    text +=
        std::string("host engine (") + word_of(instruction_set_words, info.instruction_set) + ")";
  else
    text += info.backend == Backend::torch ? "torch engine" : "Kokkos " + info.space;
  text += std::string(", ") + (info.mixed ? "mixed" : word_of(precision_words, info.precision)) +
      " precision";
  if (info.filter) text += std::string(", ") + word_of(filter_words, *info.filter) + " filter";
  if (info.long_range && info.backend != Backend::torch)
    text += std::string(", long range ") +
        (*info.long_range == LongRangeForm::automatic
             ? "direct or linear"
             : word_of(long_range_form_words, *info.long_range));
  if (!info.model.empty()) text += ", " + info.model;
  if (info.backend == Backend::torch)
    text += std::string(", ") + word_of(device_words, info.device);
  if (info.backend != Backend::kokkos && info.on_host())
    text +=
        ", at most " + std::to_string(info.threads) + (info.threads == 1 ? " thread" : " threads");
  if (info.members > 0) text += ", mean of " + std::to_string(info.members) + " potentials";
  if (info.batched) text += ", batched over replicas";
  return text;
}

}    // namespace mlff
