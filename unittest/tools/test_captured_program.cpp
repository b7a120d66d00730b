// Other programs, asked for what they print: ends, statuses, time limits.
#include "workflow/captured_program.h"

#include "support/folder_fixture.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

namespace {

using namespace mlff;
using CapturedProgramTest = mlff_test::FolderTest;

TEST_F(CapturedProgramTest, OutputAndStatus)
{
  const auto both = capture({"sh", "-c", "echo out; echo err >&2; exit 7"}, 60.0);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->status, 7);
  EXPECT_FALSE(both->good());
  EXPECT_EQ(both->output, "out\nerr\n");
  // words are not read by a shell, and there is nothing to read from
  EXPECT_EQ(capture({"echo", "$HOME; ls *"}, 60.0)->output, "$HOME; ls *\n");
  EXPECT_TRUE(capture({"cat"}, 60.0)->good());
  EXPECT_EQ(capture({"sh", "-c", "kill -TERM $$"}, 60.0)->status, 128 + SIGTERM);
  EXPECT_FALSE(capture({"no-such-program-of-mlff"}, 60.0));
  EXPECT_FALSE(capture({}, 60.0));
}

TEST_F(CapturedProgramTest, MuchOutputIsCutAndDoesNotBlock)
{
  const auto much = capture({"head", "-c", "9000000", "/dev/zero"}, 60.0);
  ASSERT_TRUE(much);
  EXPECT_TRUE(much->good());
  EXPECT_EQ(much->output.size(), std::size_t(4) << 20);
}

TEST_F(CapturedProgramTest, WhatDoesNotEndIsEndedWithItsChildren)
{
  const std::string alive = file("alive");
  const auto slow = capture({"sh", "-c", "(sleep 2; touch '" + alive + "') & sleep 600"}, 0.2);
  ASSERT_TRUE(slow);
  EXPECT_TRUE(slow->timed_out);
  EXPECT_FALSE(slow->good());
  // one that closes its output and lives on
  EXPECT_TRUE(capture({"sh", "-c", "exec >/dev/null 2>&1; sleep 600"}, 0.2)->timed_out);
  std::this_thread::sleep_for(std::chrono::seconds(3));
  EXPECT_FALSE(std::filesystem::exists(alive)) << "a child outlived its program";
}

TEST_F(CapturedProgramTest, ProgramsOfPath)
{
  EXPECT_TRUE(program_on_path("sh"));
  EXPECT_FALSE(program_on_path("no-such-program-of-mlff"));
  std::ofstream(file("no-program")) << "";
  const std::string before = std::getenv("PATH");
  setenv("PATH", folder.c_str(), 1);
  EXPECT_FALSE(program_on_path("no-program")) << "a file that cannot be run";
  setenv("PATH", before.c_str(), 1);
}

}    // namespace
