#include "tests/integration/running_lab.h"

#include <catch2/catch.hpp>
#include <csignal>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "tests/folders.h"

namespace {

constexpr absl::Duration kUpMax = absl::Seconds(60);

}  // namespace

RunningLab::RunningLab(const std::string& lab) {
  const std::string path = Write("lab.yaml", lab);
  const std::string log = folder_.path() + "/up";
  auto up =
      base::SystemCommandRunner().Start({.arguments = {ProgramFolder() + "/hamisha-lab", "up", path,
                                                       "--dir", folder_.path() + "/lab"},
                                         .output = log});
  REQUIRE(up.ok());
  up_ = *std::move(up);
  const base::Clock& clock = base::SystemClock();
  const absl::Duration deadline = clock.MonotonicNow() + kUpMax;
  Ended status{1, ""};
  while (status.exit_code != 0 && up_->Running() && clock.MonotonicNow() < deadline) {
    status = Lab({"status", "--format", "json"});
  }
  INFO(base::SystemFileSystem().Read(log).value_or(""));
  REQUIRE(status.exit_code == 0);
  const auto view = nlohmann::json::parse(status.output);
  for (const auto& process : view["processes"]) {
    if (process["name"] == "orchestrator") orchestrator_ = process["address"];
  }
  REQUIRE_FALSE(orchestrator_.empty());
}

RunningLab::~RunningLab() {
  up_->Signal(SIGINT);
  up_->Wait();
}

RunningLab::Ended RunningLab::Hamisha(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), ProgramFolder() + "/hamisha");
  arguments.insert(arguments.end(), {"--orchestrator", orchestrator_});
  return Run(std::move(arguments));
}

RunningLab::Ended RunningLab::Lab(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), ProgramFolder() + "/hamisha-lab");
  arguments.insert(arguments.end(), {"--dir", folder_.path() + "/lab"});
  return Run(std::move(arguments));
}

RunningLab::Ended RunningLab::Run(std::vector<std::string> arguments) {
  const std::string output = absl::StrCat(folder_.path(), "/output-", ++runs_);
  const auto process =
      base::SystemCommandRunner().Start({.arguments = std::move(arguments), .output = output});
  REQUIRE(process.ok());
  const int exit_code = (*process)->Wait();
  return {exit_code, base::SystemFileSystem().Read(output).value_or("")};
}

std::string RunningLab::Write(const std::string& name, const std::string& text) {
  const std::string path = PathOf(name);
  REQUIRE(base::SystemFileSystem().Replace(path, text).ok());
  return path;
}
