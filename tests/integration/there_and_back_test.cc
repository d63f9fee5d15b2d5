// Forward, back and forward again: each way the same proved handover.
#include <catch2/catch.hpp>

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/command_runner.h"
#include "base/file_system.h"
#include "tests/folders.h"
#include "tests/integration/rehearse.h"

namespace {

constexpr char kBeginning[] = R"(apiVersion: hamisha/v1
kind: Playbook
metadata: {name: there_and_back, description: Moves the ledger three times}
window: {start: 2015-04-18T23:00:00+03:00, end: 2015-04-19T12:00:00+03:00, rollback_reserve: 90m}
phases:
  - name: prepare
    on_failure: stop
    steps:
      - {id: replicate, action: ledger.replicate, hosts: targets, with: {from: source}, timeout: 10s}
)";

// FROM and TO are sites, and with an s the groups of their ledger hosts.
constexpr char kMove[] = R"(  - name: before_N
    on_failure: stop
    steps:
      - {id: near_N, action: ledger.await_lag, hosts: TOs, with: {max_lag: 1s}, timeout: 60s}
      - {id: challenge_N, action: ledger.challenge, hosts: TOs, with: {against: FROM}, timeout: 60s}
  - name: move_N
    on_failure: stop
    steps:
      - {id: hold_N, action: gateway.hold, hosts: gateways, with: {max_hold: 20s}, timeout: 5s}
      - {id: seal_N, action: ledger.seal, hosts: FROMs, with: {to: TO}, rollback: [], timeout: 10s}
      - {id: frontier_N, action: ledger.await_position, hosts: TOs, timeout: 10s}
      - {id: compare_N, action: ledger.compare, hosts: TOs, timeout: 30s}
      - {id: open_N, action: ledger.open, hosts: TOs, rollback: [], timeout: 10s}
      - {id: route_N, action: gateway.route, hosts: gateways, with: {to: TO}, rollback: [], timeout: 5s}
      - {id: release_N, action: gateway.release, hosts: gateways, rollback: [], timeout: 10s}
      - {id: follow_N, action: ledger.follow, hosts: FROMs, with: {from: TO}, timeout: 10s}
      - {id: certify_N, action: ledger.certify, hosts: [sources, targets], timeout: 10s}
)";

std::string ThereAndBack() {
  const auto move = [](absl::string_view number, absl::string_view from, absl::string_view to) {
    return absl::StrReplaceAll(kMove,
                               {{"_N", absl::StrCat("_", number)}, {"FROM", from}, {"TO", to}});
  };
  return absl::StrCat(kBeginning, move("1", "source", "target"), move("2", "target", "source"),
                      move("3", "source", "target"));
}

nlohmann::json Data(const nlohmann::json& entry) { return entry.value("data", nlohmann::json()); }

// What an auditor takes out of the journal.
struct Audit {
  nlohmann::json keys = {{"members", nlohmann::json::array()}};
  std::map<std::string, std::set<std::string>> certificates;  // JSON, by what they state.

  explicit Audit(const std::string& journal) {
    std::ifstream lines(journal);
    for (std::string line; std::getline(lines, line);) Take(nlohmann::json::parse(line));
  }
  void Take(const nlohmann::json& entry) {
    if (entry["kind"] == "run_created") {
      const std::string yaml = Data(entry)["inventory"]["yaml"];
      const std::regex host("name: ([^,]*),.*node_key: ([0-9a-f]*)");
      for (std::sregex_iterator at(yaml.begin(), yaml.end(), host), end; at != end; ++at) {
        keys["members"].push_back({{"node_id", (*at)[1]}, {"public_key", (*at)[2]}});
      }
    }
    if (entry["kind"] != "event") return;
    for (const auto& certificate : Data(entry).value("certificates", nlohmann::json::array())) {
      if (certificate["type"] == "hamisha.cutover.v1") {
        certificates[certificate["payload"]].insert(certificate.dump());
      }
    }
  }
};

int Verify(const std::string& folder, const Audit& audit, const std::set<std::string>& both) {
  base::FileSystem& files = base::SystemFileSystem();
  REQUIRE(files.Replace(folder + "/keys.json", audit.keys.dump()).ok());
  std::vector<std::string> arguments = {ProgramFolder() + "/hamisha-ledger", "verify", "--keys",
                                        folder + "/keys.json"};
  for (const std::string& certificate : both) {
    const std::string path = absl::StrCat(folder, "/certificate-", arguments.size(), ".json");
    REQUIRE(files.Replace(path, certificate).ok());
    arguments.insert(arguments.end(), {"--certificate", path});
  }
  const auto process =
      base::SystemCommandRunner().Start({.arguments = arguments, .output = folder + "/verify"});
  REQUIRE(process.ok());
  return (*process)->Wait();
}

TEST_CASE("forward, back and forward again under load loses nothing, and each move is certified",
          "[weekend]") {
  const Rehearsed moved = Rehearse({.playbook = ThereAndBack()});
  CAPTURE(moved.output);
  CHECK(moved.exit_code == 0);
  CHECK(moved.outcome() == "succeeded");
  CHECK(moved.writing_site() == "target");
  CHECK(moved.summary["client_errors"] == 0);
  for (const auto& shard : moved.summary["shards"]) {
    CAPTURE(shard);
    CHECK(shard["epoch"] == 4);
    CHECK(shard["root_equal"] == true);
    CHECK(shard["logs_equal"] == true);
  }
  CheckPromises(moved);

  const Audit audit(moved.summary["journal"]);
  CHECK(audit.keys["members"].size() == 4);
  CHECK(audit.certificates.size() == 3 * moved.summary["shards"].size());
  for (const auto& [statement, both] : audit.certificates) {
    CHECK(both.size() == 2);
    CHECK(Verify(moved.folder->path(), audit, both) == 0);
  }
}

}  // namespace
