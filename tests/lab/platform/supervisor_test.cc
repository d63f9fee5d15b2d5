#include "lab/platform/supervisor.h"

#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>

#include "absl/synchronization/notification.h"
#include "base/file_system.h"
#include "lab/platform/log_file.h"
#include "tests/temporary_folder.h"

namespace lab {
namespace {

constexpr absl::Duration kLong = absl::Seconds(60);

base::Command Shell(const std::string& script, const std::string& output) {
  return {.arguments = {"/bin/sh", "-c", script}, .output = output, .own_group = true};
}

void NobodyDies(const std::string& name, int /*code*/) { FAIL(name); }

TEST_CASE("a task's exit code can be awaited", "[lab]") {
  const TemporaryFolder folder;
  Supervisor supervisor(base::SystemCommandRunner(), NobodyDies);
  REQUIRE(supervisor.Start("task", Shell("exit 3", folder.path() + "/log"), Lifetime::kTask).ok());
  CHECK(supervisor.AwaitEnd("task", kLong).value() == 3);
  CHECK(supervisor.PidOf("task") == 0);
}

TEST_CASE("a service that ends by itself is reported, one that is killed is not", "[lab]") {
  const TemporaryFolder folder;
  std::string died;
  absl::Notification reported;
  Supervisor supervisor(base::SystemCommandRunner(), [&](const std::string& name, int code) {
    died = name + " " + std::to_string(code);
    reported.Notify();
  });
  const std::string log = folder.path() + "/log";
  REQUIRE(supervisor.Start("killed", Shell("sleep 600", log), Lifetime::kService).ok());
  CHECK(supervisor.Kill("killed").ok());
  CHECK(supervisor.AwaitEnd("killed", kLong).value() == 128 + SIGKILL);
  REQUIRE(supervisor.Start("service", Shell("exit 9", log), Lifetime::kService).ok());
  REQUIRE(reported.WaitForNotificationWithTimeout(kLong));
  CHECK(died == "service 9");
}

TEST_CASE("a name runs once at a time, and again after its end", "[lab]") {
  const TemporaryFolder folder;
  Supervisor supervisor(base::SystemCommandRunner(), NobodyDies);
  const base::Command command = Shell("sleep 600", folder.path() + "/log");
  REQUIRE(supervisor.Start("one", command, Lifetime::kService).ok());
  CHECK(supervisor.Start("one", command, Lifetime::kService).code() ==
        absl::StatusCode::kFailedPrecondition);
  REQUIRE(supervisor.Kill("one").ok());
  CHECK(supervisor.Kill("one").code() == absl::StatusCode::kFailedPrecondition);
  CHECK(supervisor.Start("one", command, Lifetime::kService).ok());
}

TEST_CASE("everything ends with the supervisor, also what ignores SIGTERM", "[lab]") {
  const TemporaryFolder folder;
  const std::string log = folder.path() + "/log";
  int stubborn = 0;
  int docile = 0;
  {
    Supervisor supervisor(base::SystemCommandRunner(), NobodyDies);
    REQUIRE(supervisor.Start("docile", Shell("exec sleep 600", log), Lifetime::kService).ok());
    REQUIRE(supervisor
                .Start("stubborn",
                       Shell("trap '' TERM; echo ready; while :; do sleep 1; done", log),
                       Lifetime::kService)
                .ok());
    docile = supervisor.PidOf("docile");
    stubborn = supervisor.PidOf("stubborn");
    while (LogFile(base::SystemFileSystem(), log).LastLines(1) != "ready") {
    }
    supervisor.EndAll(absl::Milliseconds(100));
  }
  for (const int pid : {docile, stubborn}) {
    CHECK(::kill(pid, 0) != 0);
    CHECK(errno == ESRCH);
  }
}

TEST_CASE("a log is read while it grows", "[lab]") {
  const TemporaryFolder folder;
  const LogFile log(base::SystemFileSystem(), folder.path() + "/log");
  uint64_t offset = 0;
  CHECK(log.ReadFrom(offset).empty());
  CHECK(log.Size() == 0);
  REQUIRE(base::SystemFileSystem().Replace(log.path(), "one\ntwo\n").ok());
  CHECK(log.ReadFrom(offset) == "one\ntwo\n");
  CHECK(log.ReadFrom(offset).empty());
  CHECK(log.LastLines(1) == "two");
}

}  // namespace
}  // namespace lab
