// The plugin as LAMMPS opens it: which styles it offers, and when it is refused.
#include "support/folder_fixture.h"

#include <cstdlib>

namespace {

namespace fs = std::filesystem;

class Plugin : public mlff_test::FolderTest {
 protected:
  int status = 0;

  /// Runs an input with plugins of a folder on some ranks, and returns what LAMMPS printed.
  std::string run(const std::string &input, const fs::path &plugin = PLUGIN, int ranks = 1)
  {
    std::ofstream(folder / "in.test") << input;
    const std::string launcher = ranks == 1 ? "" : MPIRUN " -np " + std::to_string(ranks) + " ";
    const std::string command = "cd '" + folder.string() + "' && LAMMPS_PLUGIN_PATH='" +
        plugin.parent_path().string() + "' " + launcher + LAMMPS " -in in.test > screen 2>&1";
    status = std::system(command.c_str());
    return content("screen");
  }

  /// How often words stand in a text.
  static int count(const std::string &text, const std::string &words)
  {
    int n = 0;
    for (std::size_t at = 0; (at = text.find(words, at)) != std::string::npos; at++) n++;
    return n;
  }
};

const std::string ethanol = "units metal\nboundary s s s\natom_modify map array\nread_data "    //
    ETHANOL_DATA "\n";
const std::string painn = "pair_style mlff\npair_coeff * * " POTENTIALS
                          "/ethanol-rmd17-painn32.safetensors C O H\n";

TEST_F(Plugin, OffersAllStyles)
{
  const std::string text = run("plugin list\n");
  EXPECT_EQ(status, 0) << text;
  for (const char *style :
       {"pair style plugin mlff", "pair style plugin xtb", "pair style plugin ipi",
        "fix style plugin kstep/hybrid", "fix style plugin nvt/kstep/hybrid",
        "compute style plugin mlff/uncertainty"})
    EXPECT_NE(text.find(style), std::string::npos) << style << "\n" << text;
  EXPECT_EQ(text.find("not loaded"), std::string::npos) << text;
}

TEST_F(Plugin, OfAnotherLammpsIsRefusedInOneSentence)
{
  for (const int ranks : {1, 2}) {
    std::string text = run(ethanol + "pair_style zero 5.0\npair_coeff * *\nrun 1\nprint reached\n",
                           PLUGIN_OF_ANOTHER, ranks);
    EXPECT_EQ(status, 0) << text;
    EXPECT_EQ(count(text,
                    "The styles of mlff are not loaded: they were built for LAMMPS of 1 Jan "
                    "2025, and this is LAMMPS of "),
              1)
        << text;
    EXPECT_NE(text.find("\nreached"), std::string::npos) << text;
    EXPECT_EQ(text.find("plugin mlff"), std::string::npos) << text;
  }
}

TEST_F(Plugin, WithoutItsLibraryIsRefused)
{
  const fs::path alone = folder / "alone" / "lammps" / "mlffplugin.so";
  fs::create_directories(alone.parent_path());
  fs::copy_file(PLUGIN, alone);
  const std::string text = run("print reached\n", alone);
  EXPECT_EQ(status, 0) << text;
  EXPECT_EQ(count(text, "The styles of mlff are not loaded: "), 1) << text;
  EXPECT_NE(text.find("libmlff_styles.so"), std::string::npos) << text;
  EXPECT_NE(text.find("\nreached"), std::string::npos) << text;
}

TEST_F(Plugin, OutlivesClearUnloadAndLoad)
{
  const std::string energy = "run 0\nprint \"energy $(pe)\"\n";
  const std::string text =
      run(ethanol + painn + energy + "clear\n" + ethanol + painn + energy +
          "plugin unload pair mlff\nclear\nplugin load " PLUGIN "\n" + ethanol + painn + energy);
  EXPECT_EQ(status, 0) << text;
  const auto first = text.find("\nenergy ");
  ASSERT_NE(first, std::string::npos) << text;
  const std::string line = text.substr(first, text.find('\n', first + 1) - first + 1);
  EXPECT_EQ(count(text, line), 3) << line << text;
}

TEST_F(Plugin, RanksAgree)
{
  const std::string input = ethanol + painn +
      "velocity all create 300 4711\nfix 1 all nve\ntimestep 0.0005\nrun 20\nprint \"energy "
      "$(pe:%.6f)\"\n";
  const auto energy = [](const std::string &text) {
    const auto at = text.find("\nenergy ");
    return at == std::string::npos ? text : text.substr(at, text.find('\n', at + 1) - at);
  };
  const std::string one = energy(run(input)), two = energy(run(input, PLUGIN, 2));
  EXPECT_EQ(status, 0);
  EXPECT_EQ(one.find("\nenergy -42"), 0U) << one;
  EXPECT_EQ(one, two);
}

#ifndef MLFF_XTB
TEST_F(Plugin, SaysWhatPairStyleXtbNeeds)
{
  const std::string text = run("pair_style xtb\n");
  EXPECT_NE(status, 0);
  EXPECT_NE(text.find("install it (Debian: libxtb-dev)"), std::string::npos) << text;
}
#endif

}    // namespace
