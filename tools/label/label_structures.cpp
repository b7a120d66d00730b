// Given structures labelled one by one, in their order.
#include "core/progress.h"
#include "data/extended_xyz.h"
#include "data/input_record.h"
#include "data/output_file.h"
#include "data/trajectory.h"
#include "label/label.h"
#include "workflow/run_folder.h"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <exception>
#include <filesystem>
#include <memory>
#include <set>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

  /// Reads some frames before they are asked for, so that their teacher is not idle while others
  /// are read and written.
  class FramesAhead {
   public:
    FramesAhead(TrajectoryReader &reader, Teacher &teacher) : reader(reader), teacher(teacher) {}

    bool next(Structure &frame)
    {
      constexpr std::size_t ahead = 32;
      for (Structure one; frames.size() < ahead && reader.next(one);) {
        teacher.expect(one);
        frames.push_back(std::move(one));
      }
      if (frames.empty()) return false;
      frame = std::move(frames.front());
      frames.pop_front();
      return true;
    }

   private:
    TrajectoryReader &reader;
    Teacher &teacher;
    std::deque<Structure> frames;
  };

  /// The file that grows while frames are labelled, and its manifest, which says how much of it is
  /// complete.
  class PartialFile {
   public:
    explicit PartialFile(const std::string &output) :
        path(output + ".part"), manifest_path(output + ".json"), lock(output + ".lock")
    {
    }

    Json manifest;

    /// Goes on where an earlier run stopped, or begins. Returns the number of frames that are done.
    /// Throws FileError where the earlier run had other settings or inputs.
    long begin(const Json &settings, const InputRecord &inputs, const std::string &command)
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
      if (!file)
        throw FileError("'" + path.string() + "' cannot be written: " + std::strerror(errno));
      return done;
    }

    void write(const Structure &frame) { write_xyz(file.get(), frame); }

    /// Lets a later run go on behind this many frames.
    void save(long frames)
    {
      if (std::fflush(file.get()) != 0 || std::ferror(file.get()))
        throw FileError("'" + path.string() + "' cannot be written: is the disk full?");
      fsync(fileno(file.get()));
      manifest["frames"] = frames;
      manifest["bytes"] = long(fs::file_size(path));
      write_json(manifest_path, manifest);
    }

    void remove() const
    {
      fs::remove(path);
      fs::remove(manifest_path);
    }

    /// Puts the complete file in its place.
    void finish(const std::string &output)
    {
      manifest.erase("bytes");
      write_json(manifest_path, manifest);
      fs::rename(path, output);
    }

   private:
    fs::path path, manifest_path;
    FileLock lock;
    std::unique_ptr<std::FILE, int (*)(std::FILE *)> file{nullptr, std::fclose};

    Json read_manifest() const
    {
      try {
        return Json::parse(text_of(manifest_path));
      } catch (const nlohmann::json::exception &error) {
        throw FileError("'" + manifest_path.string() +
                        "' is no manifest of mlff label: " + error.what());
      }
    }
  };

  /// Reads all frames, so that one that cannot be read is reported before hours of labelling.
  long count_frames(const LabelOptions &options)
  {
    const auto reader = open_trajectory(options.structures, options.read);
    long total = 0;
    for (Structure frame; reader->next(frame);) total++;
    if (total == 0) throw FileError("'" + options.structures + "' holds no frames");
    return total;
  }

  Json settings_of(const LabelOptions &options, const Teacher &teacher)
  {
    Json settings;
    settings["structures"] = options.structures;
    settings.update(teacher.provenance()["settings"]);
    const TeacherKind &kind = teacher_kind(options.teacher.kind);
    for (const char *key : {"charge", "uhf"})
      if (kind.find(key) && !settings.contains(key)) settings[key] = "of the frames";
    if (!options.read.units.empty()) settings["units"] = options.read.units;
    if (!options.read.keys.empty()) settings["keys"] = options.read.keys;
    if (!options.read.elements.empty()) settings["elements"] = options.read.elements;
    return settings;
  }

  InputRecord inputs_of(const LabelOptions &options, const Teacher &teacher)
  {
    InputRecord inputs;
    inputs.add_file("--structures", options.structures);
    inputs.add_provenance(teacher.provenance(), "--model");
    return inputs;
  }

  /// Labels all frames behind the first `done`; returns their number. Stops at the first one that
  /// fails, or leaves those out.
  long label_frames(const LabelOptions &options, Teacher &teacher, PartialFile &file, long total,
                    long done)
  {
    ReadOptions read = options.read;
    read.keep = true;
    const auto reader = open_trajectory(options.structures, read);
    Progress progress("labelling");
    long n = 0;
    auto saved = std::chrono::steady_clock::now();
    Structure frame;
    const auto failed_before = file.manifest.value("left_out", std::set<long>());
    while (n < done && reader->next(frame))
      if (!failed_before.contains(++n)) teacher.meet(frame);
    FramesAhead frames(*reader, teacher);
    while (frames.next(frame)) {
      n++;
      forget_results(frame);
      try {
        set_labels(frame, teacher.label(frame));
      } catch (const std::exception &error) {
        if (options.skip_failed && !dynamic_cast<const TeacherUnavailable *>(&error)) {
          spdlog::warn("frame {} is left out: {}", n, error.what());
          file.manifest["left_out"].push_back(n);
          continue;
        }
        file.save(n - 1);
        if (n == 1) file.remove();
        throw FileError("'" + options.structures + "', frame " + std::to_string(n) + ": " +
                        error.what());
      }
      file.write(frame);
      if (std::chrono::steady_clock::now() - saved > std::chrono::seconds(2)) {
        file.save(n);
        saved = std::chrono::steady_clock::now();
      }
      progress.update(double(n) / double(total),
                      std::to_string(n) + " of " + std::to_string(total) + " frames");
    }
    return n;
  }

}    // namespace

void label_structures(const LabelOptions &options)
{
  if (!options.output.ends_with(".xyz") && !options.output.ends_with(".extxyz"))
    throw FileError("output file '" + options.output +
                    "' has an unknown ending; accepted: .xyz, .extxyz");
  OutputFile::check(options.output, false);
  const long total = count_frames(options);
  PartialFile file(options.output);
  const auto teacher = make_teacher(options.teacher);
  const long done =
      file.begin(settings_of(options, *teacher), inputs_of(options, *teacher), options.command);
  const long n = label_frames(options, *teacher, file, total, done);
  file.save(n);
  const std::size_t left_out = file.manifest.contains("left_out") ? file.manifest["left_out"].size()
                                                                  : 0;
  if (long(left_out) == n)
    throw FileError("'" + options.structures + "': the calculation of every frame failed");
  if (left_out) spdlog::info("{} of {} frames are left out", left_out, n);
  file.finish(options.output);
}

}    // namespace mlff
