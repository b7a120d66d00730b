// Given structures labelled one by one, in their order.
#include "core/progress.h"
#include "data/extended_xyz.h"
#include "data/input_record.h"
#include "data/output_file.h"
#include "data/trajectory.h"
#include "label/frames_ahead.h"
#include "label/label.h"
#include "label/partial_file.h"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <chrono>
#include <exception>
#include <memory>
#include <set>

namespace mlff {

using Json = nlohmann::ordered_json;

namespace {

  /// The frames to label.
  std::unique_ptr<TrajectoryReader> open_frames(const LabelOptions &options,
                                                const ReadOptions &read)
  {
    return options.copies.make() ? open_copies(options.structures, read, options.copies)
                                 : open_trajectory(options.structures, read);
  }

  /// Name of a frame, from 1, for messages.
  std::string name_of(const LabelOptions &options, long frame)
  {
    const long copies = options.copies.copies;
    std::string name =
        "'" + options.structures + "', frame " + std::to_string((frame - 1) / copies + 1);
    if (copies > 1) name += ", copy " + std::to_string((frame - 1) % copies + 1);
    return name;
  }

  /// Reads all frames, so that one that cannot be read is reported before hours of labelling.
  long count_frames(const LabelOptions &options)
  {
    const auto reader = open_frames(options, options.read);
    long total = 0;
    for (Structure frame; reader->next(frame);) total++;
    if (total == 0) throw FileError("'" + options.structures + "' holds no frames");
    return total;
  }

  Json record_of(const CopyOptions &copies)
  {
    Json record = {{"repeat", copies.repeat}};
    if (!copies.vary()) return record;
    record["frames"] = copies.copies;
    if (copies.wide) record["sampling"] = "wide";
    if (copies.rattle > 0.0) record["rattle"] = copies.rattle;
    if (copies.strain > 0.0) record["strain"] = copies.strain;
    if (copies.volume) record["volume"] = *copies.volume;
    record["seed"] = copies.seed;
    return record;
  }

  Json settings_of(const LabelOptions &options, const Teacher &teacher)
  {
    Json settings;
    settings["structures"] = options.structures;
    settings.update(teacher.provenance()["settings"]);
    const TeacherKind &kind = teacher_kind(options.teacher.kind);
    for (const char *key : {"charge", "uhf"})
      if (kind.find(key) && !settings.contains(key)) settings[key] = "of the frames";
    if (options.copies.make()) settings["copies"] = record_of(options.copies);
    if (!options.read.units.empty()) settings["units"] = options.read.units;
    if (!options.read.keys.empty()) settings["keys"] = options.read.keys;
    if (!options.read.elements.empty()) settings["elements"] = options.read.elements;
    return settings;
  }

  InputRecord inputs_of(const LabelOptions &options, const Teacher &teacher)
  {
    InputRecord inputs;
    inputs.add_file("--structures", options.structures);
    inputs.add_provenance(teacher.provenance(),
                          teacher_kind(options.teacher.kind).settings.front().option);
    return inputs;
  }

  /// Labels all frames behind the first `done`; returns their number. Stops at the first one that
  /// fails, or leaves those out.
  long label_frames(const LabelOptions &options, Teacher &teacher, PartialFile &file, long total,
                    long done)
  {
    ReadOptions read = options.read;
    read.keep = true;
    const auto reader = open_frames(options, read);
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
          spdlog::warn("{} is left out: {}", name_of(options, n), error.what());
          file.manifest["left_out"].push_back(n);
          continue;
        }
        file.save(n - 1);
        if (n == 1) file.remove();
        throw FileError(name_of(options, n) + ": " + error.what());
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
  file.finish();
}

}    // namespace mlff
