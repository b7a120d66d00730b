// Files that a settings file names.
#include "training/named_file.h"

#include "potential/find_potential.h"

namespace mlff {

std::string existing_file(const YamlSection &section, const std::string &key,
                          const std::string &name, const std::filesystem::path &folder)
{
  std::string file = find_potential(name, folder);
  if (!std::filesystem::is_regular_file(file))
    section.fail(key,
                 "names '" + name +
                     "', which is not there: looked beside the settings, in the folders of "
                     "LAMMPS_POTENTIALS and among the potentials that ship" +
                     similar_potentials(name));
  return file;
}

}    // namespace mlff
