// Descriptions of settings: reading, messages, record and reference page come from the same rows.
#include "data/settings_table.h"
#include "support/folder_fixture.h"

#include <gtest/gtest.h>

#include <fstream>

namespace {

using namespace mlff;

struct Oven {
  double temperature = 180.0;
  long minutes = 45;
  int trays = 1;
  unsigned seed = 7;
  bool fan = false, grill = false;
  std::string mode = "slow";
  std::vector<std::string> dishes;
};

const SettingsTable<Oven> oven_table = {
    {"temperature", &Oven::temperature, between(50, 300), "temperature, °C"},
    {"minutes", &Oven::minutes, at_least(1), "time"},
    {"trays", &Oven::trays, {}, "trays | grids"},
    {"seed", &Oven::seed, {}, "seed"},
    {"fan", &Oven::fan, {}, "moves the air"},
    {"heat", &Oven::grill, one_of({"below", "above"}), "place of the heat"},
    {"mode", &Oven::mode, one_of({"slow", "fast"}), "speed", Recorded::no},
    {"dishes", &Oven::dishes, {}, "names"},
};

class SettingsTableTest : public mlff_test::FolderTest {
 protected:
  Oven read(const std::string &text, const std::string &prefix = "")
  {
    std::ofstream(file("oven.yaml")) << text;
    YamlSection section = YamlSection::file(file("oven.yaml"));
    Oven oven;
    oven_table.read(section, oven, prefix);
    section.finish();
    return oven;
  }

  void expect_error(const std::string &text, const std::string &words)
  {
    try {
      read(text);
      FAIL() << text;
    } catch (const FileError &error) {
      EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
    }
  }
};

TEST_F(SettingsTableTest, ReadsWhatIsThereAndKeepsTheRest)
{
  const Oven oven = read("temperature: 220.5\nminutes: 20\nheat: above\nfan: yes\n"
                         "seed: 4294967295\ndishes: [cake, bread]\n");
  EXPECT_EQ(oven.temperature, 220.5);
  EXPECT_EQ(oven.minutes, 20);
  EXPECT_EQ(oven.trays, 1);
  EXPECT_EQ(oven.seed, 4294967295u);
  EXPECT_TRUE(oven.fan);
  EXPECT_TRUE(oven.grill);
  EXPECT_EQ(oven.mode, "slow");
  EXPECT_EQ(oven.dishes, (std::vector<std::string>{"cake", "bread"}));
  EXPECT_EQ(read("oven_minutes: 3\n", "oven_").minutes, 3);
}

TEST_F(SettingsTableTest, ErrorsNameKeyFoundAndAccepted)
{
  expect_error("temperature: 400", "'temperature' is '400'; accepted: a number >= 50 and <= 300");
  expect_error("minutes: 0", "'minutes' is '0'; accepted: a whole number >= 1");
  expect_error("trays: -1", "'trays' is '-1'; accepted: a whole number >= 0");
  expect_error("seed: 4294967296", "accepted: a whole number >= 0 and <= 4294967295");
  expect_error("fan: 3", "'fan' is '3'; accepted: yes, no");
  expect_error("heat: left", "'heat' is 'left'; accepted: below, above");
  expect_error("door: open",
               "unknown key 'door'; accepted: dishes, fan, heat, minutes, mode, seed, "
               "temperature, trays");
}

TEST_F(SettingsTableTest, RecordHoldsTheRecordedOnesInTheirOrder)
{
  EXPECT_EQ(oven_table.record(read("heat: above\nmode: fast\ntemperature: 200\n")).dump(),
            R"({"temperature":200.0,"minutes":45,"trays":1,"seed":7,"fan":false,"heat":"above",)"
            R"("dishes":[]})");
}

TEST_F(SettingsTableTest, PageShowsDefaultsAndAcceptedValues)
{
  Oven oven;
  oven.temperature = 200.0;
  const std::string page = settings_markdown("### oven", {oven_table.text(oven, "oven.")});
  for (const char *line :
       {"### oven\n\n| key | default | accepted | meaning |\n|---|---|---|---|\n",
        "| `oven.temperature` | 200.0 | a number >= 50 and <= 300 | temperature, °C |\n",
        "| `oven.trays` | 1 | a whole number >= 0 | trays \\| grids |\n",
        "| `oven.fan` | false | yes, no | moves the air |\n",
        "| `oven.heat` | below | below, above | place of the heat |\n",
        "| `oven.dishes` | [] | a word or a list of words | names |\n"})
    EXPECT_NE(page.find(line), std::string::npos) << page;
}

TEST_F(SettingsTableTest, FindsWhetherAKeyIsGiven)
{
  std::ofstream(file("oven.yaml")) << "x_fan: yes\n";
  YamlSection section = YamlSection::file(file("oven.yaml"));
  EXPECT_TRUE(oven_table.any_in(section, "x_"));
  EXPECT_FALSE(oven_table.any_in(section));
}

}    // namespace
