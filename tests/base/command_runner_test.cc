#include <catch2/catch.hpp>

#include <csignal>

#include "base/command_runner.h"
#include "base/file_system.h"
#include "tests/temporary_folder.h"

namespace base {
namespace {

TEST_CASE("a command's output goes to its file and its exit code comes back", "[commands]") {
  const TemporaryFolder folder;
  const std::string output = folder.path() + "/output";
  const auto process = SystemCommandRunner().Start(
      {.arguments = {"/bin/sh", "-c", "echo said; exit 3"}, .output = output});
  REQUIRE(process.ok());
  CHECK((*process)->Wait() == 3);
  CHECK_FALSE((*process)->Running());
  CHECK(SystemFileSystem().Read(output).value() == "said\n");
}

TEST_CASE("a command is held to its limit of open files", "[commands]") {
  const TemporaryFolder folder;
  const std::string output = folder.path() + "/output";
  const auto process = SystemCommandRunner().Start(
      {.arguments = {"/bin/sh", "-c", "ulimit -n"}, .output = output, .open_files_max = 57});
  REQUIRE(process.ok());
  CHECK((*process)->Wait() == 0);
  CHECK(SystemFileSystem().Read(output).value() == "57\n");
}

TEST_CASE("a killed command says by which signal", "[commands]") {
  const auto process = SystemCommandRunner().Start(
      {.arguments = {"/bin/sh", "-c", "read x < /dev/zero"}, .output = ""});
  REQUIRE(process.ok());
  (*process)->Signal(SIGKILL);
  CHECK((*process)->Wait() == 128 + SIGKILL);
}

TEST_CASE("a program that is not there is an error, not a child", "[commands]") {
  const auto process =
      SystemCommandRunner().Start({.arguments = {"/absent/program"}, .output = ""});
  CHECK(process.status().code() == absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace base
