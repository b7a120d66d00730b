// A cycle as one list of numbers, and back.
#include "kstep/kstep_restart.h"

#include <cstring>

namespace mlff {

namespace {
  constexpr int newest = 4;
}

// Layout: number of numbers, number of characters of the random state, version, the numbers, the
// characters.
std::vector<char> KstepRestart::pack() const
{
  std::vector<double> list = {
      0.0,       double(random.size()), double(newest), double(student), double(k),
      stride_ps, limit_temperature,     double(phase),  double(left),    double(attempt)};
  const auto put = [&list](const auto &values) {
    list.push_back(double(values.size()));
    list.insert(list.end(), values.begin(), values.end());
  };
  put(counters.value);
  list.push_back(double(bonds.size()));
  for (const auto &bond : bonds) list.insert(list.end(), {bond.i, bond.j, bond.length});
  put(waiting);
  put(tuner);
  list.push_back(double(atoms.size()));
  for (const auto &atom : atoms)
    list.insert(list.end(),
                {atom.tag, atom.molecule, atom.type, atom.mass, atom.x, atom.y, atom.z});
  list.push_back(seed);
  put(segments);
  list[0] = double(list.size());
  std::vector<char> data(list.size() * sizeof(double) + random.size());
  std::memcpy(data.data(), list.data(), list.size() * sizeof(double));
  std::memcpy(data.data() + list.size() * sizeof(double), random.data(), random.size());
  return data;
}

int KstepRestart::unpack(const char *data)
{
  double head[3];
  std::memcpy(head, data, sizeof(head));
  const int version = int(head[2]);
  if (version < 1 || version > newest || double(version) != head[2]) return 0;
  std::vector<double> list(std::size_t(head[0]), 0.0);
  std::memcpy(list.data(), data, list.size() * sizeof(double));
  random.assign(data + list.size() * sizeof(double), std::size_t(head[1]));

  std::size_t at = 3;
  const auto next = [&] {
    return at < list.size() ? list[at++] : 0.0;
  };
  student = next() != 0.0;
  k = int(next());
  stride_ps = next();
  limit_temperature = next();
  phase = int(next());
  left = int(next());
  attempt = int(next());
  const int n_entries = int(next());
  for (int entry = 0; entry < n_entries; entry++) {
    const double value = next();
    if (entry < KstepCounters::n_entries) counters.value[entry] = value;
  }
  bonds.resize(std::size_t(next()));
  for (auto &bond : bonds) {
    bond.i = next();
    bond.j = next();
    bond.length = next();
  }
  waiting.resize(std::size_t(next()));
  for (char &one : waiting) one = char(next());
  tuner.resize(std::size_t(next()));
  for (double &one : tuner) one = next();
  atoms.resize(std::size_t(next()));
  for (auto &atom : atoms)
    for (double *value :
         {&atom.tag, &atom.molecule, &atom.type, &atom.mass, &atom.x, &atom.y, &atom.z})
      *value = next();
  seed = int(next());
  segments.resize(std::size_t(next()));
  for (double &one : segments) one = next();
  return version;
}

}    // namespace mlff
