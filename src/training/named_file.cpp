// Files that a settings file names.
#include "training/named_file.h"

#include "potential/find_potential.h"

#include <glob.h>

namespace mlff {

std::string beside(const std::string &settings, const std::string &file)
{
  const auto path = std::filesystem::path(file);
  return path.is_absolute()
      ? file
      : (std::filesystem::path(settings).parent_path() / path).lexically_normal().string();
}

std::vector<std::string> matching_files(const std::string &name)
{
  glob_t found;
  if (name.find_first_of("*?[{") == std::string::npos) return {name};
  const int status = glob(name.c_str(), GLOB_BRACE, nullptr, &found);
  std::vector<std::string> files;
  for (std::size_t k = 0; status == 0 && k < found.gl_pathc; k++)
    files.emplace_back(found.gl_pathv[k]);
  globfree(&found);
  if (files.empty()) throw FileError("no file is named like '" + name + "'");
  return files;
}

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
