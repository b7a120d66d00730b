// Repeats, strains and displaces structures.
#include "label/structure_copies.h"

#include "core/errors.h"
#include "data/extended_xyz.h"
#include "data/parse.h"
#include "data/xyz_comment.h"
#include "label/wide_sampling.h"
#include "structure/lattice.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace mlff {

namespace {

  using Matrix = std::array<double, 9>;

  constexpr Matrix identity = {1, 0, 0, 0, 1, 0, 0, 0, 1};

  double determinant(const Matrix &m)
  {
    return m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) +
        m[2] * (m[3] * m[7] - m[4] * m[6]);
  }

  Matrix product(const Matrix &a, const Matrix &b)
  {
    Matrix c{};
    for (int i = 0; i < 3; i++)
      for (int j = 0; j < 3; j++)
        for (int k = 0; k < 3; k++) c[3 * i + j] += a[3 * i + k] * b[3 * k + j];
    return c;
  }

  void apply(const Matrix &m, double *v)
  {
    const double x = v[0], y = v[1], z = v[2];
    for (int i = 0; i < 3; i++) v[i] = m[3 * i] * x + m[3 * i + 1] * y + m[3 * i + 2] * z;
  }

  int periodic_directions(const Structure &structure)
  {
    return int(std::count(structure.periodic.begin(), structure.periodic.end(), true));
  }

  /// The projection onto the space that the periodic cell vectors span.
  Matrix periodic_space(const Structure &structure)
  {
    if (periodic_directions(structure) == 3) return identity;
    Matrix space{};
    std::vector<Vector3> axes;
    for (int a = 0; a < 3; a++) {
      if (!structure.periodic[a]) continue;
      Vector3 v = {structure.cell[3 * a], structure.cell[3 * a + 1], structure.cell[3 * a + 2]};
      for (const auto &axis : axes) {
        const double part = v[0] * axis[0] + v[1] * axis[1] + v[2] * axis[2];
        for (int c = 0; c < 3; c++) v[c] -= part * axis[c];
      }
      const double length = std::hypot(v[0], v[1], v[2]);
      if (!(length > 1e-6)) throw StructureError("the cell vectors span no volume");
      for (double &x : v) x /= length;
      axes.push_back(v);
      for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) space[3 * i + j] += v[i] * v[j];
    }
    return space;
  }

  /// Repeats what belongs to atoms; `width` values each.
  template <class T> void repeat_values(std::vector<T> &values, int times)
  {
    const std::size_t n = values.size();
    values.reserve(n * std::size_t(times));
    for (int k = 1; k < times; k++)
      values.insert(values.end(), values.begin(), values.begin() + std::ptrdiff_t(n));
  }

  std::string text_of_cell(const Structure &structure)
  {
    std::string text;
    for (const double x : structure.cell) text += (text.empty() ? "\"" : " ") + digits(x);
    return text + "\"";
  }

  /// The layout of a frame with its present cell, and with columns of text repeated.
  void renew_layout(Structure &structure, int times)
  {
    if (!structure.layout) return;
    XyzLayout layout = *structure.layout;
    for (auto &key : layout.keys)
      if (same_name(key.name, "Lattice")) key.text = text_of_cell(structure);
    for (auto &column : layout.columns) repeat_values(column.text, times);
    structure.layout = std::make_shared<XyzLayout>(std::move(layout));
  }

  /// What the cell and all positions are multiplied with.
  Matrix deformation(const Structure &structure, const CopyOptions &options,
                     std::mt19937 &generator)
  {
    const int d = periodic_directions(structure);
    if (d == 0)
      throw StructureError(std::string("it has no periodic direction, which ") +
                           (options.strain > 0.0 ? "a strain" : "a volume") + " needs");
    const Matrix space = periodic_space(structure);
    Matrix strain{};
    std::uniform_real_distribution<double> component(-options.strain, options.strain);
    for (const auto &[i, j] : {std::pair{0, 0}, {1, 1}, {2, 2}, {1, 2}, {0, 2}, {0, 1}})
      strain[3 * i + j] = strain[3 * j + i] = component(generator);
    Matrix stretched = product(space, product(strain, space));
    for (int k = 0; k < 9; k++) stretched[k] += identity[k];
    if (!options.volume) return stretched;
    std::uniform_real_distribution<double> share((*options.volume)[0], (*options.volume)[1]);
    const double scale = std::pow(share(generator) / determinant(stretched), 1.0 / d);
    Matrix scaled = identity;
    for (int k = 0; k < 9; k++) scaled[k] += (scale - 1.0) * space[k];
    return product(scaled, stretched);
  }

  class CopiesReader : public TrajectoryReader {
   public:
    CopiesReader(const std::string &path, const ReadOptions &read, const CopyOptions &options) :
        path(path), reader(open_trajectory(path, read)), options(options)
    {
    }

    bool next(Structure &frame) override
    {
      if (copy == options.copies || frames == 0) {
        if (!reader->next(structure)) return false;
        frames++;
        copy = 0;
      }
      copy++;
      try {
        if (copy == 1) structure = repeated(structure, options.repeat);
        frame = varied(structure, options, made++);
      } catch (const StructureError &error) {
        throw FileError("'" + path + "', frame " + std::to_string(frames) + ": " + error.what());
      }
      return true;
    }

    double progress() const override { return reader->progress(); }

   private:
    std::string path;
    std::unique_ptr<TrajectoryReader> reader;
    CopyOptions options;
    Structure structure;
    long frames = 0, made = 0;
    int copy = 0;
  };

}    // namespace

Structure repeated(const Structure &structure, const std::array<int, 3> &repeat)
{
  const int times = repeat[0] * repeat[1] * repeat[2];
  if (times == 1) return structure;
  for (int a = 0; a < 3; a++)
    if (repeat[a] > 1 && !structure.periodic[a])
      throw StructureError(std::string("it is not periodic along ") + char('a' + a) +
                           ", so that it cannot be repeated there");
  Structure out = structure;
  repeat_values(out.numbers, times);
  for (auto *values : {&out.velocities, &out.masses, &out.forces, &out.spread})
    repeat_values(*values, times);
  out.positions.clear();
  for (int i = 0; i < repeat[0]; i++)
    for (int j = 0; j < repeat[1]; j++)
      for (int k = 0; k < repeat[2]; k++)
        for (std::size_t x = 0; x < structure.positions.size(); x++) {
          const double *h = &structure.cell[x % 3];
          out.positions.push_back(structure.positions[x] + i * h[0] + j * h[3] + k * h[6]);
        }
  for (int x = 0; x < 9; x++) out.cell[x] *= repeat[x / 3];
  out.energy.reset();
  out.energy_spread.reset();
  if (out.charge) *out.charge *= times;
  if (out.multiplicity) *out.multiplicity = (*out.multiplicity - 1.0) * times + 1.0;
  renew_layout(out, times);
  return out;
}

Structure varied(const Structure &structure, const CopyOptions &options, long number)
{
  std::seed_seq seeds = {std::uint32_t(options.seed), std::uint32_t(number),
                         std::uint32_t(number >> 32)};
  std::mt19937 generator(seeds);
  if (options.wide) return draw_wide_cell(structure, generator);
  Structure out = structure;
  if (options.strain > 0.0 || options.volume) {
    const Matrix stretched = deformation(structure, options, generator);
    for (std::size_t k = 0; k < 9; k += 3) apply(stretched, &out.cell[k]);
    for (std::size_t k = 0; k < out.positions.size(); k += 3) apply(stretched, &out.positions[k]);
    renew_layout(out, 1);
  }
  if (options.rattle > 0.0) {
    std::normal_distribution<double> displacement(0.0, options.rattle);
    for (double &x : out.positions) x += displacement(generator);
  }
  return out;
}

std::unique_ptr<TrajectoryReader> open_copies(const std::string &path, const ReadOptions &read,
                                              const CopyOptions &options)
{
  return std::make_unique<CopiesReader>(path, read, options);
}

}    // namespace mlff
