// Looks models up in their table.
#include "potential/model_kind.h"

#include "potential/potential.h"

namespace mlff {

const ModelKind *find_model_kind(const std::string &name)
{
  for (const ModelKind *kind : model_kinds())
    if (kind->name == name) return kind;
  return nullptr;
}

const ModelKind &model_kind(const std::string &name, const std::string &path)
{
  if (const ModelKind *kind = find_model_kind(name)) return *kind;
  std::string names;
  for (const ModelKind *kind : model_kinds())
    names += (names.empty() ? "'" : ", '") + std::string(kind->name) + "'";
  const std::string what = "unknown model '" + name + "'; this version reads " + names;
  if (path.empty()) throw PotentialError(what);
  reject_potential(path, what);
}

Potential local_part(const Potential &potential)
{
  Potential local = potential;
  local.set_kind(*potential.kind().local_kind);
  const auto table = tensors_of(local);
  std::erase_if(local.tensors, [&](const auto &entry) {
    return !table.contains(entry.first);
  });
  return local;
}

}    // namespace mlff
