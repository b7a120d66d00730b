// A file that appears under its name only when it is complete.
#include "data/output_file.h"

#include "data/numpy/npz.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace mlff {

void OutputFile::check(const std::string &path, bool force)
{
  if (!force && std::filesystem::exists(path))
    throw FileError("'" + path + "' exists already and is not overwritten (--force does)");
}

OutputFile::OutputFile(const std::string &path, bool force) :
    path(path), beside(path + ".part" + std::to_string(getpid()))
{
  check(path, force);
  file = std::fopen(beside.c_str(), "w");
  if (!file) throw FileError("'" + path + "' cannot be written: " + std::strerror(errno));
}

OutputFile::~OutputFile()
{
  if (!file) return;
  std::fclose(file);
  std::remove(beside.c_str());
}

void OutputFile::finish()
{
  const bool written = std::fflush(file) == 0 && !std::ferror(file) && fsync(fileno(file)) == 0;
  const bool closed = std::fclose(file) == 0;
  file = nullptr;
  if (!written || !closed || std::rename(beside.c_str(), path.c_str()) != 0) {
    std::remove(beside.c_str());
    throw FileError("'" + path + "' cannot be written: is the disk full?");
  }
}

}    // namespace mlff
