// A folder of the test's own, gone with it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

namespace mlff_test {

class FolderTest : public testing::Test {
 protected:
  std::filesystem::path folder = std::filesystem::temp_directory_path() /
      ("mlff-test-" + std::to_string(getpid()) + "-" +
       testing::UnitTest::GetInstance()->current_test_info()->name());

  void SetUp() override { std::filesystem::create_directories(folder); }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string file(const std::string &name) const { return (folder / name).string(); }

  std::string content(const std::string &name) const
  {
    std::ifstream in(file(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
};

}    // namespace mlff_test
