// Folders of resumable work: lock, manifest, stages.
#include "workflow/run_folder.h"

#include "data/numpy/npz.h"
#include "data/output_file.h"

#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <vector>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string text_of(const fs::path &path)
{
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write_json(const fs::path &path, const Json &json)
{
  OutputFile file(path.string(), true);
  std::fputs((json.dump(1) + "\n").c_str(), file);
  file.finish();
}

FileLock::FileLock(const fs::path &path) :
    path(path), file(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644))
{
  if (file < 0)
    throw FileError("'" + path.string() + "' cannot be written: " + std::strerror(errno));
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    close(file);
    throw FileError("another mlff is writing beside '" + path.string() +
                    "'; wait for it, or use another output");
  }
}

FileLock::~FileLock()
{
  fs::remove(path);
  close(file);
}

RunFolder::RunFolder(fs::path path, std::string program, std::string manifest_name) :
    folder(std::move(path)), program(std::move(program)), manifest_name(std::move(manifest_name))
{
}

void RunFolder::open()
{
  if (fs::exists(folder) && !fs::is_directory(folder))
    throw FileError("'" + name() + "' is not a folder");
  const auto part_of_manifest = [&](const fs::path &path) {
    return path.filename().string().starts_with(manifest_name + ".part");
  };
  if (fs::exists(folder) && !fs::exists(manifest_path()))
    for (const auto &entry : fs::directory_iterator(folder))
      if (entry.path().filename() != ".lock" && !part_of_manifest(entry.path()))
        throw FileError("the folder '" + name() + "' holds other files and no manifest of " +
                        program + "; use a new folder");
  fs::create_directories(folder);
  lock = std::make_unique<FileLock>(folder / ".lock");
  // left by a run that was killed while it wrote its manifest
  std::vector<fs::path> parts;
  for (const auto &entry : fs::directory_iterator(folder))
    if (part_of_manifest(entry.path())) parts.push_back(entry.path());
  for (const fs::path &part : parts) fs::remove(part);
}

void RunFolder::begin(const Json &settings, const InputRecord &inputs, const std::string &command,
                      const Json &initial)
{
  open();
  if (fs::exists(manifest_path())) {
    manifest = Json::parse(text_of(manifest_path()), nullptr, false);
    bool complete = manifest.is_object() && manifest.contains("settings");
    for (const auto &[key, value] : initial.items()) complete = complete && manifest.contains(key);
    if (!complete)
      throw FileError("'" + manifest_path().string() + "' is not a manifest of " + program);
    compare_settings(manifest["settings"], settings, "'" + name() + "'");
    inputs.compare(manifest, "'" + name() + "'", "go on with that, or use another output");
  } else {
    manifest = inputs.json();
    manifest["settings"] = settings;
    manifest["commands"] = Json::array();
    manifest.update(initial);
  }
  manifest["commands"].push_back(command);
  save();
}

void RunFolder::stage(const std::string &stage, const std::string &title,
                      const std::function<void()> &work)
{
  if (manifest["seconds"].contains(stage)) return;
  spdlog::info("{}: {}", name(), title);
  const auto start = std::chrono::steady_clock::now();
  work();
  manifest["seconds"][stage] =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  save();
}

double RunFolder::seconds_of_stages() const
{
  double sum = 0.0;
  for (const auto &[stage, seconds] : manifest["seconds"].items()) sum += seconds.get<double>();
  return sum;
}

}    // namespace mlff
