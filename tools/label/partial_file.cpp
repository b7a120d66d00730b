// A file of frames that grows while they are labelled.
#include "label/partial_file.h"

#include "core/errors.h"
#include "data/trajectory.h"

#include <spdlog/spdlog.h>

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

PartialFile::PartialFile(const std::string &output) :
    output(output), path(output + ".part"), manifest_path(output + ".json"), lock(output + ".lock")
{
}

Json PartialFile::read_manifest() const
{
  try {
    return Json::parse(text_of(manifest_path));
  } catch (const nlohmann::json::exception &error) {
    throw FileError("'" + manifest_path.string() +
                    "' is not a manifest of mlff label: " + error.what());
  }
}

long PartialFile::begin(const Json &settings, const InputRecord &inputs, const std::string &command)
{
  long done = 0;
  if (fs::exists(path) && fs::exists(manifest_path)) {
    manifest = read_manifest();
    const std::string name = "'" + path.string() + "'";
    compare_settings(manifest.value("settings", Json::object()), settings, name);
    inputs.compare(manifest, name,
                   "go on with those, or remove it and '" + manifest_path.string() +
                       "' to start again");
    done = manifest.value("frames", 0L);
    const long bytes = manifest.value("bytes", 0L);
    if (long(fs::file_size(path)) < bytes)
      throw FileError(name + " is shorter than its manifest says; remove both to start again");
    fs::resize_file(path, bytes);
    spdlog::info("{} frames are there already", done);
  } else {
    manifest.update(inputs.json());
    manifest["command"] = command;
    manifest["settings"] = settings;
    fs::remove(path);
  }
  file.reset(std::fopen(path.c_str(), "a"));
  if (!file) throw FileError("'" + path.string() + "' cannot be written: " + std::strerror(errno));
  return done;
}

void PartialFile::write(const Structure &frame)
{
  write_xyz(file.get(), frame);
}

void PartialFile::save(long frames)
{
  if (std::fflush(file.get()) != 0 || std::ferror(file.get()))
    throw FileError("'" + path.string() + "' cannot be written: is the disk full?");
  fsync(fileno(file.get()));
  manifest["frames"] = frames;
  manifest["bytes"] = long(fs::file_size(path));
  write_json(manifest_path, manifest);
}

void PartialFile::remove() const
{
  fs::remove(path);
  fs::remove(manifest_path);
}

void PartialFile::finish()
{
  manifest.erase("bytes");
  write_json(manifest_path, manifest);
  fs::rename(path, output);
}

}    // namespace mlff
