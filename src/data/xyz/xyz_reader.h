// Reads frames of extended and plain XYZ.
#pragma once

#include "data/extended_xyz.h"
#include "data/text_trajectory.h"
#include "data/xyz/xyz_quantities.h"
#include "data/xyz_comment.h"

#include <limits>
#include <optional>
#include <set>
#include <utility>

namespace mlff {

/// A frame is a number of atoms, a comment line (xyz_reader_comment.cpp, xyz_reader_stress.cpp) and
/// a line for each atom (xyz_reader_atoms.cpp).
class XyzReader : public TextTrajectory {
 public:
  XyzReader(const std::string &path, const ReadOptions &options) : TextTrajectory(path, options) {}

  bool next(Structure &frame) override;

 private:
  static constexpr std::size_t nobody = std::numeric_limits<std::size_t>::max();

  /// The columns that may hold a quantity of atoms: numbers in layout.columns.
  struct Source {
    const XyzQuantity *quantity;
    int width;
    std::size_t chosen = nobody;        ///< `nobody`: the frame lacks the quantity
    std::vector<std::size_t> equals;    ///< columns that must hold the same values
  };

  /// Numbers of the columns that are read, and the kind of species.
  struct Atoms {
    std::size_t n_words = 0;                    ///< words of a line that the columns name
    std::vector<std::vector<double>> values;    ///< [columns][n width]
    std::vector<double> isotopes;               ///< [n] g/mol; 0 for an element as it is
    std::set<long> types;                       ///< numbers that stand for species
    bool numbers_only = false;                  ///< no species was a symbol so far
  };

  // parts of the frame that is read
  XyzLayout layout;
  std::vector<XyzPair> pairs;
  bool named_columns = false, types_of_lammps = false, velocities_are_momenta = false;

  // Chooses one of several names of a quantity.
  std::size_t choose(const XyzQuantity &quantity,
                     const std::vector<std::pair<std::string, NameClaim>> &list,
                     std::vector<std::size_t> &equals, bool of_column) const;
  FileError two_of(const XyzQuantity &quantity, const std::string &a, const std::string &b,
                   const std::string &difference) const;

  // comment line
  void read_comment(Structure &frame);
  void keep_keys(Structure &frame);
  void read_lattice(Structure &frame) const;
  void read_periodicity(Structure &frame) const;
  void read_properties(const std::string &value);
  void read_results(Structure &frame);
  const XyzPair *find(std::string_view name, bool exact = false) const;
  std::optional<double> value_of(const XyzQuantity &quantity, XyzRole role, Structure &frame);

  // stress
  void read_stress(Structure &frame);
  std::array<double, 9> stress_of_key(std::size_t k, const Structure &frame);
  void compare_stress(std::size_t a, const std::array<double, 9> &stress_a, std::size_t b,
                      const std::array<double, 9> &stress_b, double volume) const;

  // lines of atoms
  void read_atoms(Structure &frame, int n);
  void read_atom(Structure &frame, Atoms &atoms);
  int read_species(const XyzColumn &column, std::string_view word, Atoms &atoms, double &isotope);
  FileError misfit(const XyzColumn &column, const Source &source) const;
  Source source_of(const XyzQuantity &quantity, int width, XyzRole role, Structure &frame);
  int number_of_species(std::string_view word, double &isotope) const;
  void check_types(const Atoms &atoms) const;
  void take_masses(Structure &frame, const Source &source, Atoms &atoms) const;
  void take_isotopes(Structure &frame, const std::vector<double> &isotopes) const;
  void take_velocities(Structure &frame, const Source &source, Atoms &atoms);
  void note_unread_forces(Structure &frame) const;
  void compare(const Source &source, const std::vector<std::vector<double>> &values,
               double tolerance) const;

  void convert(Structure &frame);
};

}    // namespace mlff
