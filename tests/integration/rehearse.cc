#include "tests/integration/rehearse.h"

#include <catch2/catch.hpp>
#include <regex>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agents/runtime/log.h"
#include "base/command_runner.h"
#include "base/file_system.h"
#include "tests/folders.h"

namespace {

std::string LabFileOf(const Scenario& scenario) {
  return absl::StrCat(R"(apiVersion: hamisha/v1
kind: Lab
shards: 2
gateways: 2
accounts_per_shard: )",
                      scenario.accounts_per_shard, "\nload: {rate: ", scenario.rate_per_s,
                      R"(, warm_up: 500ms, cool_down: 700ms, drain: 5s, seed: 1}
link: {bandwidth: )",
                      scenario.bandwidth, ", round_trip: ", scenario.round_trip,
                      "}\nmachines: ", scenario.machines, "\n",
                      scenario.rollback_unknown ? "on_unknown: rollback\n" : "",
                      scenario.abort_held ? "on_held: abort\n" : "",
                      scenario.faults.empty() ? "" : "faults:\n", scenario.faults);
}

}  // namespace

std::string Rehearsed::writing_site() const {
  std::set<std::string> sites;
  for (const auto& shard : summary["shards"]) sites.insert(shard["owner_site"].get<std::string>());
  return sites.size() == 1 ? *sites.begin() : "";
}

std::map<std::string, int> Rehearsed::OrdersBegun() const {
  base::FileSystem& files = base::SystemFileSystem();
  const auto hosts = files.List(directory() + "/agents");
  REQUIRE(hosts.ok());
  std::map<std::string, int> begun;
  for (const std::string& host : *hosts) {
    auto log = agents::Log::Open(files, directory() + "/agents/" + host + "/agent.log");
    REQUIRE(log.ok());
    for (const auto& entry : (*log)->recovered()) {
      if (!entry.has_order_started()) continue;
      const auto& key = entry.order_started();
      ++begun[absl::StrCat(key.run(), " ", key.step(), " ", key.host(), " ", key.attempt())];
    }
  }
  return begun;
}

Rehearsed Rehearse(const Scenario& scenario) {
  Rehearsed rehearsed;
  rehearsed.folder = std::make_unique<TemporaryFolder>();
  base::FileSystem& files = base::SystemFileSystem();
  const std::string lab = rehearsed.folder->path() + "/lab.yaml";
  const std::string output = rehearsed.folder->path() + "/output";
  REQUIRE(files.Replace(lab, LabFileOf(scenario)).ok());
  std::string playbook = SourceFolder() + "/playbooks/weekend_cutover.yaml";
  if (!scenario.playbook.empty()) {
    playbook = rehearsed.folder->path() + "/playbook.yaml";
    REQUIRE(files.Replace(playbook, scenario.playbook).ok());
  }
  if (scenario.short_timeouts) {
    const std::string yaml = files.Read(playbook).value();
    playbook = rehearsed.folder->path() + "/weekend_cutover.yaml";
    std::string hasty = std::regex_replace(yaml, std::regex("timeout: [0-9]+s"), "timeout: 1s");
    // The canaries need many trips.
    const std::regex canary("(probe\\.canary\n *hosts: gateways\n *timeout: )1s");
    hasty = std::regex_replace(hasty, canary, "$015s");
    REQUIRE(files.Replace(playbook, hasty).ok());
  }
  std::vector<std::string> arguments = {ProgramFolder() + "/hamisha-lab",
                                        "rehearse",
                                        playbook,
                                        "--lab",
                                        lab,
                                        "--dir",
                                        rehearsed.directory(),
                                        "--format",
                                        "json",
                                        "--keep"};
  if (!scenario.profile.empty()) {
    arguments.insert(arguments.end(), {"--profile", scenario.profile});
  }
  if (scenario.way_back) arguments.emplace_back("--way-back");
  const auto process =
      base::SystemCommandRunner().Start({.arguments = arguments, .output = output});
  REQUIRE(process.ok());
  rehearsed.exit_code = (*process)->Wait();
  rehearsed.output = files.Read(output).value_or("");
  CAPTURE(rehearsed.output);
  const auto summary = files.Read(rehearsed.directory() + "/summary.json");
  REQUIRE(summary.ok());
  rehearsed.summary = nlohmann::json::parse(*summary, nullptr, false);
  REQUIRE(rehearsed.summary.is_object());
  return rehearsed;
}

void CheckPromises(const Rehearsed& rehearsed) {
  CAPTURE(rehearsed.output);
  const nlohmann::json& summary = rehearsed.summary;
  CHECK(summary["acknowledged"] > 100);
  CHECK(summary["lost"] == 0);
  CHECK(summary["duplicated"] == 0);
  CHECK(summary["wrong_balances"] == 0);
  CHECK(summary["refused_found"] == 0);
  CHECK(summary["primaries_max"] == 1);
  CHECK(summary["complaints"] == nlohmann::json::array());
  CHECK(base::SystemFileSystem().Exists(summary["journal"].get<std::string>()));
  const auto begun = rehearsed.OrdersBegun();
  CHECK(begun.size() > 5);
  for (const auto& [order, times] : begun) {
    CAPTURE(order);
    CHECK(times == 1);
  }
}
