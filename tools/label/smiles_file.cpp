// Files with a SMILES and a name in each line.
#include "label/smiles_file.h"

#include "data/numpy/npz.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

namespace mlff {

std::vector<NamedSmiles> read_smiles(const std::string &path)
{
  std::ifstream in(path);
  if (!in) throw FileError("SMILES file '" + path + "' cannot be opened: " + std::strerror(errno));
  std::vector<NamedSmiles> list;
  std::set<std::string> names;
  long n = 0;
  for (std::string line; std::getline(in, line);) {
    n++;
    std::istringstream words(line);
    NamedSmiles entry;
    // a # inside of a SMILES is a triple bond
    if (!(words >> entry.smiles) || entry.smiles.front() == '#') continue;
    const auto where = "SMILES file '" + path + "', line " + std::to_string(n) + ": ";
    if (!(words >> entry.name))
      throw FileError(where + "found only '" + entry.smiles + "'; expected a SMILES and a name");
    if (entry.name.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") !=
        std::string::npos)
      throw FileError(where + "the name '" + entry.name +
                      "' becomes a file; accepted are letters, digits, _ and -");
    if (!names.insert(entry.name).second)
      throw FileError(where + "the name '" + entry.name + "' appears twice");
    list.push_back(entry);
  }
  if (list.empty()) throw FileError("SMILES file '" + path + "' names no molecule");
  return list;
}

}    // namespace mlff
