// People and a run with a gate: the real programs, keys and ssh-keygen.
#include <catch2/catch.hpp>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "base/file_system.h"
#include "tests/integration/rehearse.h"
#include "tests/integration/running_lab.h"

namespace {

constexpr char kLab[] = R"(apiVersion: hamisha/v1
kind: Lab
shards: 1
accounts_per_shard: 100
gateways: 1
link: {round_trip: 2ms, bandwidth: 200MB/s}
people:
  - {name: asha, roles: [ops]}
  - {name: ben, roles: [business]}
  - {name: chen, roles: [ops]}
  - {name: dora, roles: [network]}
)";

// asha wrote it.
constexpr char kPlaybook[] = R"(apiVersion: hamisha/v1
kind: Playbook
metadata: {name: gated, description: People are asked before a look at the servers, author: asha}
phases:
  - name: look
    steps:
      - id: go
        approval: {roles: [ops, business], quorum: 2, timeout: 30m}
      - id: facts
        action: host.facts
        hosts: [sources, targets]
        timeout: 30s
)";

using Ended = RunningLab::Ended;

// A lab that is up, and its people.
class Night : public RunningLab {
 public:
  Night() : RunningLab(kLab) {}

  // Starts the run; dora does.
  std::string Begin() {
    const Ended ended = Hamisha({"run", Write("gated.yaml", kPlaybook), "--inventory", inventory(),
                                 "--execute", "--kind", "rehearsal", "--detach", "--as", "dora"});
    CAPTURE(ended.output);
    REQUIRE(ended.exit_code == 8);
    return std::string(absl::StripSuffix(ended.output, "\n"));
  }
  Ended Approve(const std::string& run, const std::string& person, const std::string& key) {
    return Hamisha({"approve", run, "go", "--as", person, "--key", key, "--yes"});
  }
  void IsRefused(const Ended& ended, const std::string& why) {
    CAPTURE(ended.output);
    CHECK(ended.exit_code == 3);
    CHECK(absl::StrContains(ended.output, why));
    CHECK(Hamisha({"status"}).exit_code == 8);
  }
};

TEST_CASE("a gate waits for the right two people, across kill -9 of the orchestrator",
          "[approval]") {
  Night night;
  const std::string run = night.Begin();
  night.IsRefused(night.Approve(run, "asha", night.KeyOf("asha")), "is the playbook's author");
  night.IsRefused(night.Approve(run, "dora", night.KeyOf("dora")), "started this run");
  night.IsRefused(night.Approve(run, "zed", night.KeyOf("chen")), "is nobody whom");
  night.IsRefused(night.Approve(run, "ben", night.KeyOf("chen")), "no signature of ben");

  const Ended first = night.Approve(run, "chen", night.KeyOf("chen"));
  CAPTURE(first.output);
  CHECK(first.exit_code == 0);
  CHECK(absl::StrContains(first.output, "1 more person and the role business are missing"));

  REQUIRE(night.Lab({"kill", "orchestrator"}).exit_code == 0);
  REQUIRE(night.Lab({"start", "orchestrator"}).exit_code == 0);
  const Ended status = night.Hamisha({"status"});
  CAPTURE(status.output);
  CHECK(status.exit_code == 8);
  CHECK(absl::StrContains(status.output, "approved by chen"));

  CHECK(night.Approve(run, "ben", night.KeyOf("ben")).exit_code == 0);
  const Ended watched = night.Hamisha({"watch", run});
  CAPTURE(watched.output);
  CHECK(watched.exit_code == 0);
  CHECK(absl::StrContains(watched.output, "outcome: succeeded"));

  const Ended audit = night.Hamisha({"report", run, "--approvals", night.PathOf("audit")});
  const Ended checked = night.Run({"/bin/sh", "-ec", audit.output});
  CAPTURE(audit.output, checked.output);
  CHECK(checked.exit_code == 0);
  CHECK(absl::StrContains(checked.output, "signature for chen"));
  CHECK(absl::StrContains(checked.output, "signature for ben"));
}

TEST_CASE("who holds none of the roles is not asked", "[approval]") {
  Night night;
  const Ended begun =
      night.Hamisha({"run", night.Write("gated.yaml", kPlaybook), "--inventory", night.inventory(),
                     "--execute", "--kind", "rehearsal", "--detach", "--as", "somebody"});
  REQUIRE(begun.exit_code == 8);
  const std::string run(absl::StripSuffix(begun.output, "\n"));
  night.IsRefused(night.Approve(run, "dora", night.KeyOf("dora")), "none of the roles");
}

TEST_CASE("what was signed for the plan as it was does not approve it as it is", "[approval]") {
  Night night;
  const std::string run = night.Begin();
  const std::string statement = night.PathOf("go.json");
  REQUIRE(night.Hamisha({"approve", run, "go", "--as", "chen", "--statement-out", statement})
              .exit_code == 0);
  const std::string text = base::SystemFileSystem().Read(statement).value_or("");
  const size_t digest = text.find("\"sha256\":\"") + 10;
  std::string other = text;
  other.replace(digest, 64, std::string(64, '0'));
  const auto send = [&](const std::string& content) {
    night.Write("go.json", content);
    base::SystemFileSystem().RemoveAll(statement + ".sig").IgnoreError();
    REQUIRE(night
                .Run({"/usr/bin/ssh-keygen", "-q", "-Y", "sign", "-n", "hamisha-approval@v1", "-f",
                      night.KeyOf("chen"), statement})
                .exit_code == 0);
    return night.Hamisha({"approve", run, "go", "--signature", statement + ".sig", "--yes"});
  };
  night.IsRefused(send(other), "the plan has changed since this was signed");
  const Ended taken = send(text);
  CAPTURE(taken.output);
  CHECK(taken.exit_code == 0);
  CHECK(absl::StrContains(taken.output, "chen approved gate 'go'"));
}

TEST_CASE("a rehearsal answers its gates for the lab's people, and says so", "[approval]") {
  const Rehearsed rehearsed = Rehearse({});
  CAPTURE(rehearsed.output);
  CHECK(rehearsed.exit_code == 0);
  CHECK_THAT(rehearsed.output, Catch::Contains("as nobody is asked in a rehearsal: approve go"));
  CheckPromises(rehearsed);
}

}  // namespace
