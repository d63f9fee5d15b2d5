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

TEST_CASE("a command reads its input file to the end, or nothing", "[commands]") {
  const TemporaryFolder folder;
  const std::string output = folder.path() + "/output";
  REQUIRE(SystemFileSystem().Replace(folder.path() + "/input", "written before").ok());
  const auto read = [&](const std::string& input) {
    const auto process =
        SystemCommandRunner().Start({.arguments = {"/bin/cat"}, .output = output, .input = input});
    REQUIRE(process.ok());
    return (*process)->Wait();
  };
  CHECK(read("") == 0);
  CHECK(read(folder.path() + "/input") == 0);
  CHECK(SystemFileSystem().Read(output).value() == "written before");
  CHECK(read(folder.path() + "/absent") == 126);
}

TEST_CASE("a command is waited for as long as was said, and runs on", "[commands]") {
  const TemporaryFolder folder;
  const auto process = SystemCommandRunner().Start(
      {.arguments = {"/bin/sh", "-c", "read x < /dev/zero"}, .output = ""});
  REQUIRE(process.ok());
  CHECK((*process)->WaitFor(absl::Milliseconds(1)).status().code() ==
        absl::StatusCode::kDeadlineExceeded);
  CHECK((*process)->Running());
  (*process)->Signal(SIGKILL);
  CHECK((*process)->WaitFor(absl::Seconds(60)).value() == 128 + SIGKILL);
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
