// What keeps a live run from beginning, and a freeze from beginning into an obstacle.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <regex>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "tests/folders.h"
#include "tests/integration/rehearse.h"
#include "tests/integration/running_lab.h"

namespace {

using Catch::Matchers::Contains;

constexpr int kAsksPeople = 8;

std::string LabFile(const std::string& machines) {
  return absl::StrCat(
      "apiVersion: hamisha/v1\nkind: Lab\nshards: 1\ngateways: 1\n"
      "link: {round_trip: 20ms, bandwidth: 200MB/s}\nmachines: ",
      machines, "\n");
}

// The weekend's, with a window that is open now.
std::string Weekend() {
  const auto yaml =
      base::SystemFileSystem().Read(SourceFolder() + "/playbooks/weekend_cutover.yaml").value();
  const absl::Time now = base::SystemClock().WallNow();
  const auto text = [&](absl::Duration from_now) {
    return absl::FormatTime("%Y-%m-%d%ET%H:%M:%S+00:00", now + from_now, absl::UTCTimeZone());
  };
  const std::string opened = std::regex_replace(yaml, std::regex("start: [0-9]{4}-[^ \n]*"),
                                                "start: " + text(-absl::Hours(1)));
  return std::regex_replace(opened, std::regex("end: [0-9]{4}-[^ \n]*"),
                            "end: " + text(absl::Hours(12)));
}

// An operator with one playbook.
struct Night {
  explicit Night(const std::string& machines = "{}")
      : lab(LabFile(machines)), playbook(lab.Write("weekend.yaml", Weekend())) {}

  RunningLab::Ended Preflight() {
    return lab.Hamisha({"preflight", playbook, "--inventory", lab.inventory()});
  }
  // To its end; asha and ben say what they are asked for.
  RunningLab::Ended Run(const std::string& path, std::vector<std::string> options) {
    options.insert(options.begin(),
                   {"run", path, "--inventory", lab.inventory(), "--execute", "--detach"});
    const auto begun = lab.Hamisha(options);
    if (begun.exit_code != 0 && begun.exit_code != kAsksPeople) return begun;
    const std::vector<std::string> lines = absl::StrSplit(begun.output, '\n', absl::SkipEmpty());
    const std::string& run = lines.back();
    while (!HasEnded()) {
      for (const std::string person : {"asha", "ben"}) {
        const std::vector<std::string> as = {"--as", person, "--key", lab.KeyOf(person), "--yes"};
        if (IsAsked("go")) lab.Hamisha(Joined({"approve", run, "go"}, as));
        if (IsAsked("complete"))
          lab.Hamisha(Joined({"complete", run, "complete", "--confirm", "weekend_cutover"}, as));
      }
    }
    return lab.Hamisha({"watch", run});
  }
  static std::vector<std::string> Joined(std::vector<std::string> all,
                                         const std::vector<std::string>& more) {
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  nlohmann::json Status() {
    return nlohmann::json::parse(lab.Hamisha({"status", "--format", "json"}).output);
  }
  bool HasEnded() {
    const std::string outcome = Status()["outcome"];
    return outcome != "running" && outcome != "rolling_back";
  }
  bool IsAsked(const std::string& id) {
    const nlohmann::json status = Status();
    return std::any_of(status["steps"].begin(), status["steps"].end(), [&](const auto& step) {
      return step["id"] == id && step["state"] == "awaiting";
    });
  }
  RunningLab::Ended GoLive() {
    return Run(playbook, {"--kind", "live", "--confirm", "weekend_cutover"});
  }
  void RehearseAllWaysBack() {
    for (const std::string step : {"follow", "seal"}) {
      const auto back = Run(playbook, {"--kind", "rehearsal", "--go-back-after", step});
      CAPTURE(step, back.output);
      REQUIRE(back.exit_code == 6);
    }
  }

  RunningLab lab;
  std::string playbook;
};

// Holds writes, and then stops.
constexpr char kStops[] = R"(apiVersion: hamisha/v1
kind: Playbook
metadata: {name: stops, description: Leaves something behind}
phases:
  - name: freeze
    on_failure: stop
    steps:
      - {id: hold, action: gateway.hold, hosts: gateways, with: {max_hold: 20s}, timeout: 5s}
      - {id: compare, action: ledger.compare, hosts: targets, timeout: 5s}
)";

// As the message names it.
std::string StoppedRun(const std::string& output) {
  std::smatch run;
  REQUIRE(std::regex_search(output, run, std::regex("hamisha rollback ([^ ]*-stops-[0-9]+)")));
  return run[1];
}

TEST_CASE("a live run is refused until all that is against it is mended, and then goes through",
          "[readiness]") {
  Night night;
  auto refused = night.GoLive();
  CAPTURE(refused.output);
  CHECK(refused.exit_code == 3);
  CHECK_THAT(refused.output, Contains("no rehearsal of this very playbook has gone back over") &&
                                 Contains("seal: ledger.refuse, ledger.unseal") &&
                                 Contains("--way-back") &&
                                 Contains("clients' writes would wait about"));

  night.RehearseAllWaysBack();
  const auto coverage = night.lab.Hamisha({"report", "--coverage"});
  CAPTURE(coverage.output);
  CHECK_THAT(coverage.output, Contains("7 of 7 ways back are proved"));
  auto preflight = night.Preflight();
  CAPTURE(preflight.output);
  CHECK(preflight.exit_code == 0);

  // What a run before it left.
  CHECK(night.Run(night.lab.Write("stops.yaml", kStops), {"--kind", "rehearsal"}).exit_code == 1);
  refused = night.GoLive();
  CHECK(refused.exit_code == 3);
  CHECK_THAT(refused.output,
             Contains("stops-") && Contains("hamisha rollback") && Contains("shard 0 is held"));
  const auto rolled_back =
      night.lab.Hamisha({"rollback", StoppedRun(refused.output), "--reason", "mended", "--yes"});
  CAPTURE(rolled_back.output);
  CHECK(rolled_back.exit_code == 6);

  // An agent that is gone hides nothing of the others.
  CHECK(night.lab.Lab({"kill", "agent-source-0"}).exit_code == 0);
  preflight = night.Preflight();
  CAPTURE(preflight.output);
  CHECK(preflight.exit_code == 3);
  CHECK_THAT(preflight.output, Contains("source-0  agent") && Contains("not connected"));
  CHECK(night.GoLive().exit_code == 4);
  CHECK(night.lab.Lab({"start", "agent-source-0"}).exit_code == 0);

  auto live = night.GoLive();
  for (int i = 0; i < 100 && live.exit_code == 4; ++i) live = night.GoLive();  // It dials again.
  CAPTURE(live.output);
  CHECK(live.exit_code == 0);
}

TEST_CASE("clocks and machines that are wrong are listed together, and refuse a live run",
          "[readiness]") {
  Night night("{target: {open_files: 256, clock_ahead: 5s}}");
  const auto preflight = night.Preflight();
  CAPTURE(preflight.output);
  CHECK(preflight.exit_code == 3);
  CHECK_THAT(preflight.output,
             Contains("target-0   clock") && Contains("from the orchestrator's (at most 1s)") &&
                 Contains("drift of open_files_max") && Contains("256 on target-0"));
  const auto refused = night.GoLive();
  CHECK(refused.exit_code == 3);
  CHECK_THAT(refused.output, Contains("chronyc makestep") && Contains("drift of open_files_max"));
}

constexpr char kFreezesAtOnce[] = R"(apiVersion: hamisha/v1
kind: Playbook
metadata: {name: at_once, description: Freezes without waiting for the replicas}
phases:
  - name: prepare
    on_failure: stop
    steps:
      - {id: replicate, action: ledger.replicate, hosts: targets, with: {from: source}, timeout: 10s}
      - id: ready
        action: ledger.readiness
        hosts: [sources, targets]
        with: {from: source, to: target, max_commit_p99: 10s}
        timeout: 20s
  - name: freeze
    on_failure: rollback
    steps:
      - {id: hold, action: gateway.hold, hosts: gateways, with: {max_hold: 20s}, timeout: 5s}
)";

TEST_CASE("a freeze does not begin while the replicas are behind", "[readiness]") {
  const Rehearsed late =
      Rehearse({.playbook = kFreezesAtOnce, .accounts_per_shard = 20'000, .bandwidth = "500kB/s"});
  CAPTURE(late.output);
  CHECK(late.exit_code == 3);
  CHECK(late.outcome() == "stopped");
  CHECK(late.writing_site() == "source");
  CHECK(late.summary["client_errors"] == 0);
  const std::string because = late.summary["explanation"];
  // Before the first record has come it is all still to come.
  CHECK_THAT(because, (Contains("lag: ") && Contains("wait until the replica has caught up")) ||
                          Contains("the first copy is still coming in: wait for ledger.await_lag"));
  CheckPromises(late);
}

TEST_CASE("a rehearsal of the way back tries every undo of the weekend, and leaves no trace",
          "[readiness]") {
  const Rehearsed back = Rehearse({.way_back = true});
  CAPTURE(back.output);
  CHECK(back.exit_code == 0);
  CHECK(back.outcome() == "rolled_back");
  CHECK(back.writing_site() == "source");
  CHECK(back.summary["client_errors"] == 0);
  CHECK(back.summary["undos_missing"] == nlohmann::json::array());
  CHECK(back.summary["coverage"]["runs"].size() == 2);
  for (const auto& step : back.summary["coverage"]["steps"]) {
    CAPTURE(step);
    for (const auto& undo : step["undo"]) CHECK(undo["proved"] == true);
  }
  CheckPromises(back);
}

}  // namespace
