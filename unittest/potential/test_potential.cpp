// Potential files: what is written comes back, and every refusal is provoked.
#include "models/painn/painn_sizes.h"
#include "potential/find_potential.h"
#include "potential/potential.h"
#include "support/random_potential.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include <unistd.h>

using namespace mlff;
using json = nlohmann::json;
using mlff_test::random_potential;

namespace {

class PotentialFile : public testing::Test {
 protected:
  std::filesystem::path folder = std::filesystem::temp_directory_path() /
      ("mlff-potential-" + std::to_string(getpid()) + "-" +
       testing::UnitTest::GetInstance()->current_test_info()->name());
  std::string path = (folder / "test.safetensors").string();

  void SetUp() override { std::filesystem::create_directories(folder); }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string bytes() const
  {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  void put(const std::string &content) const { std::ofstream(path, std::ios::binary) << content; }

  /// Rewrites the header of a good file by a function, leaving the data as they are.
  void edit_header(const std::function<void(json &)> &edit) const
  {
    std::filesystem::remove(path);
    random_potential().write(path);
    const std::string old = bytes();
    std::uint64_t size;
    std::memcpy(&size, old.data(), 8);
    json header = json::parse(old.substr(8, size));
    const std::string data = old.substr(8 + size);
    edit(header);
    const std::string text = header.dump();
    size = text.size();
    put(std::string(reinterpret_cast<const char *>(&size), 8) + text + data);
  }

  void edit_metadata(const std::string &key, const std::string &value) const
  {
    edit_header([&](json &header) {
      header["__metadata__"][key] = value;
    });
  }

  void expect_refusal(const std::vector<std::string> &words) const
  {
    try {
      Potential::read(path);
      FAIL() << "was read without an error; expected: " << words.front();
    } catch (const PotentialError &error) {
      EXPECT_NE(std::string(error.what()).find("'" + path + "'"), std::string::npos)
          << "the file is not named: " << error.what();
      for (const auto &word : words)
        EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
  }
};

TEST_F(PotentialFile, IsFoundBesideASettingsFileThenWherePotentialsAre)
{
  const auto settings = folder / "settings", potentials = folder / "potentials";
  for (const auto &place : {settings, potentials}) std::filesystem::create_directories(place);
  std::ofstream(settings / "both") << "1";
  std::ofstream(potentials / "both") << "2";
  std::ofstream(potentials / "one") << "3";
  setenv("LAMMPS_POTENTIALS", potentials.c_str(), 1);
  EXPECT_EQ(find_potential("both", settings), (settings / "both").string());
  EXPECT_EQ(find_potential("one", settings), (potentials / "one").string());
  EXPECT_EQ(find_potential("none", settings), (settings / "none").string());
  EXPECT_EQ(find_potential((potentials / "both").string(), settings),
            (potentials / "both").string());
  EXPECT_EQ(find_potential("../potentials/one", settings), (potentials / "one").string());
  EXPECT_EQ(find_potential("one"), (potentials / "one").string());
  EXPECT_EQ(find_potential("none"), "none");
}

TEST_F(PotentialFile, IsFoundWithoutItsEndingAndBySimilarNames)
{
  const auto settings = folder / "settings", potentials = folder / "potentials";
  for (const auto &place : {settings, potentials}) std::filesystem::create_directories(place);
  for (const char *name : {"vapour-2.safetensors", "salt-vapour.safetensors", "notes.txt"})
    std::ofstream(potentials / name) << "1";
  std::ofstream(settings / "vapour-2.safetensors") << "2";
  setenv("LAMMPS_POTENTIALS", potentials.c_str(), 1);
  EXPECT_EQ(find_potential("vapour-2"), (potentials / "vapour-2.safetensors").string());
  EXPECT_EQ(find_potential("vapour-2", settings), (settings / "vapour-2.safetensors").string());
  EXPECT_EQ(find_potential((settings / "vapour-2").string()),
            (settings / "vapour-2.safetensors").string());
  EXPECT_EQ(find_potential("notes"), "notes") << "no potential";
  // a file of the very name comes before one with the ending, a folder does not
  std::filesystem::create_directories(settings / "vapour-2");
  EXPECT_EQ(find_potential("vapour-2", settings), (settings / "vapour-2.safetensors").string());
  std::filesystem::remove(settings / "vapour-2");
  std::ofstream(settings / "vapour-2") << "3";
  EXPECT_EQ(find_potential("vapour-2", settings), (settings / "vapour-2").string());

  const auto names = potential_names();
  EXPECT_NE(std::find(names.begin(), names.end(), "salt-vapour"), names.end());
  EXPECT_EQ(std::find(names.begin(), names.end(), "notes"), names.end());
  const std::string intro = "; potentials with a similar name: ";
  EXPECT_EQ(similar_potentials("salt-vapuor"), intro + "salt-vapour");
  EXPECT_EQ(similar_potentials("elsewhere/Vapour-3.safetensors"), intro + "vapour-2");
  EXPECT_EQ(similar_potentials("vapour"), intro + "vapour-2, salt-vapour");
  EXPECT_EQ(similar_potentials("gold"), "");
}

TEST_F(PotentialFile, ComesBackAsWritten)
{
  Potential written = random_potential({12, 3, 7}, {8, 1}, 4.25, 5);
  painn_sizes(written).norm_floor = 1e-3;
  written.citation = "Someone, \"a title\", 2026";
  written.training = R"({"data":"none"})";
  written.write(path);
  const Potential read = Potential::read(path);
  EXPECT_EQ(read.model(), "painn");
  EXPECT_EQ(painn_sizes(read).features, 12);
  EXPECT_EQ(painn_sizes(read).layers, 3);
  EXPECT_EQ(painn_sizes(read).radial, 7);
  EXPECT_EQ(painn_sizes(read).norm_floor, 1e-3);
  EXPECT_EQ(read.elements, (std::vector<int>{8, 1}));
  EXPECT_EQ(read.element_names(), "O H");
  EXPECT_EQ(read.cutoff, 4.25);
  EXPECT_EQ(read.date, "2026-01-01");
  EXPECT_EQ(read.citation, written.citation);
  EXPECT_EQ(read.training, written.training);
  EXPECT_EQ(read.sha256, written.sha256);
  EXPECT_EQ(read.sha256.size(), 64u);
  ASSERT_EQ(read.tensors.size(), written.tensors.size());
  for (const auto &[name, tensor] : written.tensors) {
    EXPECT_EQ(read.tensors.at(name).dtype, tensor.dtype);
    EXPECT_EQ(read.tensors.at(name).shape, tensor.shape);
    EXPECT_EQ(read.tensors.at(name).values, tensor.values) << name;
  }
}

TEST_F(PotentialFile, TrainingRangeComesBackAsWritten)
{
  Potential written = random_potential({8, 2, 6}, {8, 1});
  written.write(path);
  EXPECT_TRUE(Potential::read(path).range.empty());
  written.range = {{7.1, 0.93}, {1.0 / 3.0, 1.25e-3}};
  written.write(path, true);
  const auto range = Potential::read(path).range;
  ASSERT_EQ(range.size(), 2u);
  for (int s = 0; s < 2; s++) {
    EXPECT_EQ(range[s].force, written.range[s].force);
    EXPECT_EQ(range[s].nearest, written.range[s].nearest);
  }
}

TEST_F(PotentialFile, CoreComesBackAsWritten)
{
  Potential written = random_potential({8, 2, 6}, {8, 1});
  written.write(path);
  EXPECT_TRUE(Potential::read(path).core.empty());
  const auto version = [&] {
    const std::string content = bytes();
    const auto at = content.find("\"format_version\":\"");
    return content.substr(at + 18, 1);
  };
  EXPECT_EQ(version(), "1") << "a file that older versions can read";
  written.core = {{0.4, 0.9}, {0.3, 2.0 / 3.0}, {0.3, 2.0 / 3.0}, {0.25, 0.43}};
  written.write(path, true);
  EXPECT_EQ(version(), "2") << "an older version would leave the core out";
  const Potential read = Potential::read(path);
  ASSERT_EQ(read.core.size(), 4u);
  for (int k = 0; k < 4; k++) {
    EXPECT_EQ(read.core[k].inner, written.core[k].inner);
    EXPECT_EQ(read.core[k].outer, written.core[k].outer);
  }
  EXPECT_EQ(core_text(read), core_text(written));
  EXPECT_EQ(read.identity(), written.identity());
  EXPECT_NE(read.identity(), read.sha256);
  Potential bare = read;
  bare.core.clear();
  EXPECT_EQ(bare.identity(), read.sha256);
}

TEST_F(PotentialFile, CoresEndBelowBonds)
{
  // the shortest bonds between these elements: H2, OH, CH, C2H2, CO, N2, HF, F2, Si2H2
  const std::tuple<int, int, double> bonds[] = {{1, 1, 0.74}, {8, 1, 0.96}, {6, 1, 1.06},
                                                {6, 6, 1.20}, {6, 8, 1.13}, {7, 7, 1.10},
                                                {9, 1, 0.92}, {9, 9, 1.41}, {14, 14, 2.20}};
  for (const auto &[one, other, bond] : bonds) {
    const CoreRadii radii = covalent_core(one, other);
    EXPECT_LT(radii.outer, 0.92 * bond) << one << "-" << other;
    EXPECT_GT(radii.outer, 0.3) << one << "-" << other;
    EXPECT_LT(radii.inner, radii.outer);
  }
}

TEST_F(PotentialFile, RefusesCores)
{
  const auto core = [&](const std::string &text) {
    edit_metadata("core", text);
  };
  const std::string most =
      R"("C-C": {"inner": 0.4, "outer": 0.9}, "C-O": {"inner": 0.4, "outer": 0.9},
         "H-C": {"inner": 0.4, "outer": 0.9}, "O-O": {"inner": 0.4, "outer": 0.9},
         "O-H": {"inner": 0.4, "outer": 0.8})";
  core(R"({"zbl": {)" + most + R"(, "H-H": {"inner": 0.2, "outer": 0.4}}})");
  const Potential read = Potential::read(path);
  EXPECT_EQ(read.core[2 * 3 + 1].outer, 0.8) << "the order of a pair must not matter";
  EXPECT_EQ(read.core[1 * 3 + 2].outer, 0.8);
  core("{");
  expect_refusal({"'core' is not valid JSON"});
  core("[1]");
  expect_refusal({"'core' is [1]", "'zbl'", "an entry for each pair"});
  core(R"({"coulomb": {}})");
  expect_refusal({"'core' is {\"coulomb\":{}}", "'zbl'"});
  core(R"({"zbl": {)" + most + "}}");
  expect_refusal({"'core' has 5 entries", "expected 6"});
  core(R"({"zbl": {)" + most + R"(, "N-H": {"inner": 0.2, "outer": 0.4}}})");
  expect_refusal({"'core' has no entry for H-H"});
  core(R"({"zbl": {)" + most + R"(, "H-H": {"inner": 0.2}}})");
  expect_refusal({"'core' of H-H is {\"inner\":0.2}", "'inner' and 'outer'"});
  core(R"({"zbl": {)" + most +
       R"(, "H-H": {"inner": 0.2, "outer": 0.4}, "N-H": {"inner": 0.2, "outer": 0.4}}})");
  expect_refusal({"'core' has 7 entries", "expected 6"});
  core(R"({"zbl": {)" + most + R"(, "H-H": {"inner": 0.5, "outer": 0.4}}})");
  expect_refusal({"'core' of H-H", "'inner' is 0.5", "'outer' is 0.4", "0 < inner < outer"});
  core(R"({"zbl": {)" + most + R"(, "H-H": {"inner": 0.5, "outer": 44}}})");
  expect_refusal({"'core' of H-H", "'outer' is 44", "the cutoff of 4.0"});
  core(R"({"zbl": {)" + most + R"(, "H-H": {"inner": 0, "outer": 0.4}}})");
  expect_refusal({"'core' of H-H", "'inner' is 0.0"});
  Potential bad = random_potential();
  bad.core = {{0.4, 0.9}};
  EXPECT_THROW(bad.write(path, true), PotentialError);
  bad.core = covalent_cores(bad.elements);
  bad.core[1].outer += 0.1;
  EXPECT_THROW(bad.write(path, true), PotentialError) << "C-O is not O-C";
}

TEST_F(PotentialFile, DataAreAligned)
{
  random_potential().write(path);
  const std::string content = bytes();
  std::uint64_t size;
  std::memcpy(&size, content.data(), 8);
  EXPECT_EQ(size % 8, 0u);
  const json header = json::parse(content.substr(8, size));
  EXPECT_GT(header.size(), 10u);
  for (const auto &[name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    EXPECT_EQ(entry["data_offsets"][0].get<int>() % (entry["dtype"] == "F64" ? 8 : 4), 0) << name;
  }
}

TEST_F(PotentialFile, ParameterCountsOfTheDesign)
{
  // embedding of 100 rows: 589,057; three elements keep 3 of them
  const auto count = [](PainnSizes sizes) {
    return random_potential(sizes, {1, 6, 8}).n_parameters() + 97L * sizes.features;
  };
  EXPECT_EQ(count({128, 3, 20}), 589057);
  EXPECT_EQ(count({64, 2, 20}), 107713);
  EXPECT_EQ(count({32, 2, 20}), 30817);
}

TEST_F(PotentialFile, IsNeverOverwrittenUnasked)
{
  random_potential().write(path);
  const std::string before = bytes();
  EXPECT_THROW(random_potential({8, 1, 4}).write(path), PotentialError);
  EXPECT_EQ(bytes(), before);
  random_potential({8, 1, 4}).write(path, true);
  EXPECT_NE(bytes(), before);
  EXPECT_FALSE(std::filesystem::exists(path + ".part"));
}

TEST_F(PotentialFile, RefusesWhatCannotBeWritten)
{
  Potential bad = random_potential();
  bad.tensors.erase("filter.bias");
  EXPECT_THROW(bad.write(path), PotentialError);
  bad = random_potential();
  bad.range = {{1.0, 1.0}};
  EXPECT_THROW(bad.write(path), PotentialError);
  bad.range = {{1.0, 1.0}, {1.0, std::nan("")}, {1.0, 1.0}};
  EXPECT_THROW(bad.write(path), PotentialError);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_THROW(random_potential().write("/nonexistent/folder/x.safetensors"), PotentialError);
}

TEST_F(PotentialFile, RefusesFilesThatAreNone)
{
  expect_refusal({"cannot be opened", "No such file"});
  put("");
  expect_refusal({"is truncated", "0 bytes"});
  put("a text file, not a potential\n");
  expect_refusal({"not a safetensors file"});
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  expect_refusal({"it is a folder"});
}

TEST_F(PotentialFile, RefusesEveryTruncation)
{
  random_potential().write(path);
  const std::string whole = bytes();
  for (std::size_t n = 0; n < whole.size(); n += n < 600 ? 7 : 997) {
    put(whole.substr(0, n));
    EXPECT_THROW(Potential::read(path), PotentialError) << n << " bytes";
  }
  put(whole.substr(0, whole.size() - 1));
  expect_refusal({"is truncated"});
  put(whole + "x");
  expect_refusal({"its header describes"});
}

TEST_F(PotentialFile, RefusesBadHeaders)
{
  const std::string garbage = "{\"a\": ";
  const std::uint64_t size = garbage.size();
  put(std::string(reinterpret_cast<const char *>(&size), 8) + garbage);
  expect_refusal({"bad header", "JSON object"});
  edit_header([](json &header) {
    header.erase("__metadata__");
  });
  expect_refusal({"__metadata__"});
  edit_header([](json &header) {
    header["filter.bias"].erase("dtype");
  });
  expect_refusal({"bad header", "filter.bias"});
  edit_header([](json &header) {
    header["filter.bias"]["dtype"] = "F16";
  });
  expect_refusal({"filter.bias", "'F16'", "'F32' or 'F64'"});
  edit_header([](json &header) {
    header["filter.bias"]["data_offsets"][1] = 3;
  });
  expect_refusal({"bad header", "filter.bias"});
  edit_header([](json &header) {
    header["filter.bias"]["shape"] = {-1, -48};
  });
  expect_refusal({"bad header", "filter.bias"});
  edit_header([](json &header) {
    header["filter.bias"]["data_offsets"] = {8, 8 + 48 * 4};
  });
  expect_refusal({"overlap"});
}

TEST_F(PotentialFile, RefusesMetadata)
{
  edit_metadata("format", "other");
  expect_refusal({"'format' is 'other'", "expected 'mlff'"});
  edit_metadata("format_version", "3");
  expect_refusal({"format_version 3", "reads up to 2"});
  edit_metadata("model", "mace");
  expect_refusal({"unknown model 'mace'", "'painn'"});
  edit_metadata("units", "{\"energy\":\"kcal/mol\"}");
  expect_refusal({"'units'", "kcal/mol", "eV"});
  edit_metadata("elements", "[\"C\",\"Q\",\"H\"]");
  expect_refusal({"'elements'", "\"Q\"", "not an element"});
  edit_metadata("elements", "[\"C\",\"H\",\"C\"]");
  expect_refusal({"C is listed twice"});
  edit_metadata("elements", "[\"C\",\"H\"]");
  expect_refusal({"'embedding'", "[3, 8]", "[2, 8]"});
  edit_metadata("cutoff", "far");
  expect_refusal({"'cutoff' is 'far'", "number"});
  edit_metadata("cutoff", "-1");
  expect_refusal({"'cutoff'", "above 0"});
  edit_metadata("hyperparameters", "{\"features\":8,\"layers\":2}");
  expect_refusal({"hyperparameters lack 'radial'"});
  edit_metadata("hyperparameters", "{\"features\":8.5,\"layers\":2,\"radial\":6}");
  expect_refusal({"'features' is 8.5", "whole number"});
  edit_metadata("hyperparameters",
                "{\"features\":8,\"layers\":2,\"radial\":6,\"norm_floor\":\"small\"}");
  expect_refusal({"'norm_floor' is \"small\"", "a number"});
  edit_metadata("hyperparameters", "{\"features\":8,\"layers\":2,\"radial\":6,\"norm_floor\":0}");
  expect_refusal({"'norm_floor' is 0.0", "above 0"});
  edit_metadata("hyperparameters", "{\"features\":8,");
  expect_refusal({"'hyperparameters' is not valid JSON"});
  const std::string others =
      R"("C": {"force": 5, "nearest": 1.1}, "O": {"force": 9, "nearest": 0.9})";
  edit_metadata("range",
                "{" + others + R"(, "H": {"force": 7, "nearest": 0.8, "more": "is ignored"}})");
  EXPECT_EQ(Potential::read(path).range.at(2).nearest, 0.8);
  edit_metadata("range", "{");
  expect_refusal({"'range' is not valid JSON"});
  edit_metadata("range", "[1, 2]");
  expect_refusal({"'range' is [1,2]", "an entry for each element"});
  edit_metadata("range", "{" + others + "}");
  expect_refusal({"'range' has no entry for H"});
  edit_metadata("range",
                "{" + others +
                    R"(, "H": {"force": 7, "nearest": 0.8}, "N": {"force": 7, "nearest": 0.8}})");
  expect_refusal({"'range' has an entry 'N'", "not an element of this potential"});
  edit_metadata("range", "{" + others + R"(, "H": {"force": 7}})");
  expect_refusal({"'range' of H is {\"force\":7}", "'force' and 'nearest'"});
  edit_metadata("range", "{" + others + R"(, "H": {"force": "7", "nearest": 0.8}})");
  expect_refusal({"'range' of H", "'force' and 'nearest'"});
  edit_metadata("range", "{" + others + R"(, "H": 7})");
  expect_refusal({"'range' of H is 7", "'force' and 'nearest'"});
  edit_metadata("range", "{" + others + R"(, "H": {"force": 7, "nearest": 0}})");
  expect_refusal({"'range'", "'nearest' of H is 0", "above 0 Å"});
  edit_metadata("range", "{" + others + R"(, "H": {"force": -7, "nearest": 1}})");
  expect_refusal({"'range'", "'force' of H is -7", "above 0 eV/Å"});
  for (const char *key : {"format", "format_version", "model", "hyperparameters", "elements",
                          "units", "cutoff", "date", "citation", "training", "sha256"}) {
    edit_header([&](json &header) {
      header["__metadata__"].erase(key);
    });
    expect_refusal({std::string("lack the key '") + key + "'"});
  }
}

TEST_F(PotentialFile, RefusesTensors)
{
  edit_header([](json &header) {
    header["other"] = header["filter.bias"];
    header.erase("filter.bias");
  });
  expect_refusal({"'filter.bias' is missing", "[48]"});
  edit_header([](json &header) {
    header["filter.weight"]["shape"] = {6, 48};
  });
  expect_refusal({"'filter.weight'", "[6, 48]", "expected [48, 6]"});
  Potential potential = random_potential();
  potential.tensors["extra"] = {"F32", {1}, {1.0}};
  EXPECT_THROW(potential.check("x"), PotentialError);

  // one weight that is not finite, and one changed bit
  std::filesystem::remove(path);
  random_potential().write(path);
  std::string content = bytes();
  const float nan = std::nanf("");
  std::memcpy(content.data() + content.size() - 4, &nan, 4);
  put(content);
  expect_refusal({"'update.1.mix.weight'", "not finite", "index 127"});
  std::filesystem::remove(path);
  random_potential().write(path);
  content = bytes();
  content[content.size() - 4] ^= 1;
  put(content);
  expect_refusal({"wrong hash", "changed or damaged"});
}

TEST_F(PotentialFile, SurvivesMutations)
{
  // a corpus of damaged files: always an error or a good potential, never a crash or a hang
  random_potential({4, 1, 3}).write(path);
  const std::string whole = bytes();
  mlff_test::Uniform uniform(99);
  const auto below = [&](std::size_t n) {
    return std::size_t(0.5 * (uniform() + 1.0) * double(n));
  };
  int refused = 0;
  for (int round = 0; round < 3000; round++) {
    std::string content = whole;
    for (std::size_t k = 0; k <= below(4); k++) {
      // most of the interesting bytes are in the header
      const std::size_t at = below(round % 2 ? content.size() : 1200);
      switch (below(4)) {
        case 0:
          content[at] = char(below(256));
          break;
        case 1:
          content[at] ^= char(1 << below(8));
          break;
        case 2:
          content.erase(at, 1 + below(9));
          break;
        default:
          content.insert(at, content.substr(below(content.size()), below(20)));
      }
    }
    put(content);
    try {
      Potential::read(path);
    } catch (const PotentialError &) {
      refused++;
    }
  }
  EXPECT_GT(refused, 2500);
}

}    // namespace
