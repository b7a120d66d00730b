// Fuzz target: settings files in YAML, as mlff train reads them.
#include "fuzz/fuzz_target.h"

#include "training/train_settings.h"

#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
  static const mlff_fuzz::InputFile file("input.yaml");
  // names of data files with wild cards are looked for: not outside the folder of the input
  if (std::string_view(reinterpret_cast<const char *>(data), size).find_first_of("/*?") !=
      std::string_view::npos)
    return 0;
  file.write(data, size);
  const auto attempt = [](const auto &read) {
    try {
      read();
    } catch (const mlff::FileError &error) {
      const std::string text = error.what();
      if (!text.starts_with("no file is named like")) mlff_fuzz::check_message(error, file.path());
    }
  };
  attempt([] {
    mlff::training_kind(file.path());
  });
  attempt([] {
    mlff::TrainSettings::read_file(file.path()).description().dump();
  });
  return 0;
}
