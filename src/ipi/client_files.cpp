// What a client reads when it starts: a structure, and input files with placeholders.
#include "ipi/client_files.h"

#include "core/elements.h"
#include "ipi/client_errors.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

namespace mlff {

namespace fs = std::filesystem;

namespace {

  /// A number with as many digits as it has.
  std::string all_digits(double value)
  {
    std::ostringstream text;
    text.precision(17);
    text << value;
    return text.str();
  }

  std::string row(const double *vector)
  {
    return all_digits(vector[0]) + " " + all_digits(vector[1]) + " " + all_digits(vector[2]);
  }

  bool has_cell(const Structure &structure)
  {
    return std::any_of(structure.cell.begin(), structure.cell.end(), [](double x) {
      return x != 0.0;
    });
  }

  std::string lines_of_atoms(const Structure &structure)
  {
    std::string text;
    for (std::size_t i = 0; i < structure.numbers.size(); i++)
      text += element_symbol(structure.numbers[i]) + " " + row(&structure.positions[3 * i]) + "\n";
    return text;
  }

  std::string content_of(const std::string &path)
  {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw ClientError("'" + path + "' cannot be opened: " + std::strerror(errno));
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  void write_file(const fs::path &path, const std::string &content)
  {
    std::ofstream out(path, std::ios::binary);
    out << content;
    out.close();
    if (!out) throw ClientError("'" + path.string() + "' cannot be written: is the disk full?");
  }

  // {here} is the folder in which the user is
  const std::vector<std::string> known = {"address",  "port",   "structure",    "here", "charge",
                                          "unpaired", "atoms",  "multiplicity", "cell", "cell_a",
                                          "cell_b",   "cell_c", "coordinates"};

}    // namespace

void write_start_structure(const fs::path &path, const Structure &structure)
{
  std::string text = std::to_string(structure.n_atoms()) + "\n";
  if (has_cell(structure))
    text += "Lattice=\"" + row(&structure.cell[0]) + " " + row(&structure.cell[3]) + " " +
        row(&structure.cell[6]) + "\" ";
  text += "Properties=species:S:1:pos:R:3";
  if (structure.charge) text += " charge=" + all_digits(*structure.charge);
  if (structure.multiplicity) text += " spin=" + all_digits(*structure.multiplicity);
  text += " pbc=\"";
  for (int a = 0; a < 3; a++)
    text += std::string(a ? " " : "") + (structure.periodic[a] ? "T" : "F");
  write_file(path, text + "\"\n" + lines_of_atoms(structure));
}

Placeholders placeholders_of(const Structure &structure, const fs::path &file)
{
  const double multiplicity = structure.multiplicity.value_or(1.0);
  const std::string a = row(&structure.cell[0]), b = row(&structure.cell[3]),
                    c = row(&structure.cell[6]);
  return {{"structure", file.string()},
          {"charge", all_digits(structure.charge.value_or(0.0))},
          {"multiplicity", all_digits(multiplicity)},
          {"unpaired", all_digits(multiplicity - 1.0)},
          {"atoms", std::to_string(structure.n_atoms())},
          {"coordinates", lines_of_atoms(structure)},
          {"cell", a + "\n" + b + "\n" + c + "\n"},
          {"cell_a", a},
          {"cell_b", b},
          {"cell_c", c}};
}

std::string filled(std::string text, const Placeholders &values)
{
  for (std::size_t at = 0; (at = text.find('{', at)) != std::string::npos;) {
    const std::size_t end = text.find('}', at);
    if (end == std::string::npos) break;
    const auto found = values.find(text.substr(at + 1, end - at - 1));
    if (found == values.end()) {
      at++;
      continue;
    }
    text.replace(at, end - at + 1, found->second);
    at += found->second.size();
  }
  return text;
}

void check_placeholders(const std::string &command)
{
  // neither ${VARIABLE} of the shell nor {"key": value}
  static const std::regex word("(^|[^$])\\{([A-Za-z_]+)\\}");
  for (std::sregex_iterator found(command.begin(), command.end(), word), end; found != end;
       ++found) {
    const std::string name = (*found)[2];
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::string accepted;
    for (const auto &one : known) accepted += (accepted.empty() ? "{" : ", {") + one + "}";
    throw ClientError("the command of a client holds {" + name + "}; accepted: " + accepted);
  }
}

void copy_filled(const std::vector<std::string> &files, const fs::path &folder,
                 const Placeholders &values)
{
  for (const auto &file : files)
    write_file(folder / fs::path(file).filename(), filled(content_of(file), values));
}

}    // namespace mlff
