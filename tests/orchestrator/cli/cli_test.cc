// The real program, with and without an orchestrator.
#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/folders.h"
#include "tests/orchestrator/cli/program.h"
#include "tests/orchestrator/plan/texts.h"

namespace orchestrator {
namespace {

TEST_CASE("ten kinds of mistake are all printed at once, and nothing is contacted", "[cli]") {
  Operator ops;
  std::string playbook = kPlaybook;
  const std::vector<std::pair<std::string, std::string>> mistakes = {
      {"hamisha/v1", "hamisha/v9"},
      {"end: 2015-04-19", "end: 2015-04-17"},
      {"ledger.replicate", "ledger.replicat"},
      {"hosts: targets", "hosts: tagets"},
      {"timeout: 10s", "timeout: 10"},
      {"retries: 2", "retries: two"},
      {"max_lag: \"${lag}\"", "max_lag: \"${leg}\""},
      {"needs: [lag]", "needs: [seal]"},
      {"max_hold: 20s", "max_hole: 20s"},
      {"to: target", "to: tarrget"},
      {"on_failure: stop", "on_failure: halt"},
      {"id: hold", "id: lag"},
  };
  for (const auto& [from, to] : mistakes) playbook = Replaced(playbook, from, to);
  const std::string path = ops.Write("broken.yaml", playbook);
  const std::string inventory = ops.Write("inventory.yaml", kInventory);
  const auto command = GENERATE(values<std::vector<std::string>>(
      {{"validate"}, {"plan"}, {"run"}, {"run", "--execute", "--orchestrator", "127.0.0.1:1"}}));
  std::vector<std::string> arguments = command;
  arguments.insert(arguments.begin() + 1, {path, "--inventory", inventory});
  const Ended ended = ops.Run(arguments);
  CAPTURE(ended.output);
  CHECK(ended.exit_code == 2);
  for (const char* expected :
       {":1:13: 'apiVersion' is 'hamisha/v9': write hamisha/v1",
        ":4:49: the window's 'end' is not after its 'start'",
        ":10:17: unknown action 'ledger.replicat': did you mean 'ledger.replicate'?",
        ":11:16: unknown host or group 'tagets': did you mean 'targets'?",
        ":13:18: 'timeout' is no duration: '10'",
        ":17:25: unknown variable 'leg': did you mean 'lag'?", ":18:18: 'retries' is 'two'",
        ":23:13: duplicate step id 'lag'", ":26:17: step 'seal' comes later",
        ":27:15: with of gateway.hold has no 'max_hold'", ":27:16: unknown key 'max_hole'",
        ":32:20: unknown site 'tarrget'", ":33:21: 'on_failure' is 'halt'"}) {
    CHECK(absl::StrContains(ended.output, absl::StrCat(path, expected)));
  }
  CHECK(absl::StrContains(ended.output, "13 problems; nothing was contacted"));
}

TEST_CASE("problems can be read by programs", "[cli]") {
  Operator ops;
  const std::string path = ops.Write("broken.yaml", "a: 1\n");
  const std::string inventory = ops.Write("inventory.yaml", kInventory);
  const Ended ended = ops.Run({"validate", path, "--inventory", inventory, "--format", "json"});
  CHECK(ended.exit_code == 2);
  const auto object = nlohmann::json::parse(ended.output);
  CHECK(object["valid"] == false);
  CHECK(object["problems"].size() == 5);
  CHECK(object["problems"][0]["line"] == 1);
}

TEST_CASE("usage errors end with 2, and help with 0", "[cli]") {
  Operator ops;
  CHECK(ops.Run({}).exit_code == 2);
  CHECK(ops.Run({"frob"}).exit_code == 2);
  CHECK(ops.Run({"plan"}).exit_code == 2);
  CHECK(ops.Run({"plan", "/none", "--inventory", "/none"}).exit_code == 2);
  CHECK(ops.Run({"--help"}).exit_code == 0);
  CHECK(absl::StartsWith(ops.Run({"--version"}).output, "hamisha "));
}

TEST_CASE("without an orchestrator there is an error and nothing else", "[cli]") {
  Operator ops;
  const Ended ended = ops.Run({"agents", "--orchestrator", "127.0.0.1:1"});
  CHECK(ended.exit_code == 1);
  CHECK(absl::StrContains(ended.output, "cannot reach the orchestrator at 127.0.0.1:1"));
}

TEST_CASE("a preflight lists what blocks, and what it runs changes nothing", "[cli]") {
  Operator ops;
  FakeOrchestrator orchestrator;
  const std::string inventory = ops.Write("inventory.yaml", kInventory + kPeople);
  const std::string playbook = SourceFolder() + "/playbooks/weekend_cutover.yaml";
  std::ostringstream yaml;
  yaml << std::ifstream(playbook).rdbuf();
  const auto preflight = [&] {
    return ops.Run({"preflight", playbook, "--inventory", inventory, "--orchestrator",
                    orchestrator.address()});
  };
  SECTION("it tells that nothing blocks") {
    orchestrator.ProveAll(yaml.str());
    const Ended ended = preflight();
    CAPTURE(ended.output);
    CHECK(ended.exit_code == 0);
    CHECK(absl::StrContains(ended.output, "nothing blocks"));
    CHECK(orchestrator.submitted.kind() == v1::RUN_KIND_PREFLIGHT);
    CHECK(absl::StrContains(orchestrator.submitted.playbook_yaml(), "host.compare"));
    CHECK(absl::StrContains(orchestrator.submitted.playbook_yaml(), "ledger.readiness"));
    CHECK_FALSE(absl::StrContains(orchestrator.submitted.playbook_yaml(), "ledger.seal"));
  }
  SECTION("a server that cannot be asked is one of the things that block") {
    orchestrator.agents.mutable_agents(1)->set_connected(false);
    const Ended ended = preflight();
    CHECK(ended.exit_code == 3);
    CHECK(absl::StrContains(ended.output, "source-1  agent"));
    CHECK(absl::StrContains(ended.output, "no rehearsal of this very playbook has gone back"));
    CHECK_FALSE(absl::StrContains(orchestrator.submitted.playbook_yaml(), "source-1"));
    CHECK(absl::StrContains(orchestrator.submitted.playbook_yaml(), "source-0"));
  }
}

TEST_CASE("a report of coverage says what rehearsals tried", "[cli]") {
  Operator ops;
  FakeOrchestrator orchestrator;
  orchestrator.ProveAll(kPlaybook);
  const Ended text = ops.Run({"report", "--coverage", "--orchestrator", orchestrator.address()});
  CHECK(text.exit_code == 0);
  CHECK(absl::StrContains(text.output, "ways back are proved"));
  const Ended json = ops.Run({"report", "r1", "r2", "--coverage", "--format", "json",
                              "--orchestrator", orchestrator.address()});
  CHECK(nlohmann::json::parse(json.output)["steps"].size() > 2);
}

TEST_CASE("a live run needs its plan's name, runs, and ends with the run's exit code", "[cli]") {
  Operator ops;
  FakeOrchestrator orchestrator;
  const std::string playbook = ops.Write("playbook.yaml", kPlaybook);
  const std::string inventory = ops.Write("inventory.yaml", kInventory);
  std::vector<std::string> run = {"run",       playbook,         "--inventory",         inventory,
                                  "--execute", "--orchestrator", orchestrator.address()};
  SECTION("another name is refused") {
    run.insert(run.end(), {"--confirm", "large"});
    CHECK(ops.Run(run).exit_code == 3);
    CHECK(orchestrator.submitted.playbook_yaml().empty());
  }
  SECTION("a missing agent is named") {
    orchestrator.agents.mutable_agents(1)->set_connected(false);
    run.insert(run.end(), {"--confirm", "small"});
    const Ended ended = ops.Run(run);
    CHECK(ended.exit_code == 4);
    CHECK(absl::StrContains(ended.output, "no agent is connected from source-1"));
    CHECK(orchestrator.submitted.playbook_yaml().empty());
  }
  SECTION("what blocks keeps it from beginning") {
    run.insert(run.end(), {"--confirm", "small"});
    const Ended ended = ops.Run(run);
    CHECK(ended.exit_code == 3);
    CHECK(absl::StrContains(ended.output, "hamisha rehearse PLAYBOOK --lab LAB --way-back"));
    CHECK(orchestrator.submitted.kind() == v1::RUN_KIND_PREFLIGHT);
  }
  SECTION("watched to the end, across a restart of the orchestrator") {
    struct Row {
      v1::RunState state;
      bool mismatch;
      int expected;
    };
    const auto row = GENERATE(values<Row>({{v1::RUN_STATE_SUCCEEDED, false, 0},
                                           {v1::RUN_STATE_ROLLED_BACK, true, 6},
                                           {v1::RUN_STATE_STOPPED, true, 5},
                                           {v1::RUN_STATE_UNKNOWN, false, 7}}));
    orchestrator.view.set_state(row.state);
    orchestrator.view.set_mismatch(row.mismatch);
    orchestrator.ProveAll(kPlaybook);
    run.insert(run.end(), {"--confirm", "small"});
    const Ended ended = ops.Run(run);
    CAPTURE(ended.output);
    CHECK(ended.exit_code == row.expected);
    CHECK(orchestrator.watched == 3);  // The preflight before it, and the run twice.
    CHECK(orchestrator.submitted.playbook_yaml() == kPlaybook);
    CHECK(orchestrator.submitted.plan_digest().size() == 64);
    CHECK(orchestrator.submitted.kind() == v1::RUN_KIND_LIVE);
  }
  SECTION("a rehearsal asks for no name; detached, it says which run it is") {
    run.insert(run.end(), {"--kind", "rehearsal", "--detach"});
    const Ended ended = ops.Run(run);
    CHECK(ended.exit_code == 0);
    CHECK(ended.output == "r1\n");
  }
}

TEST_CASE("a dry run contacts nothing", "[cli]") {
  Operator ops;
  const Ended ended =
      ops.Run({"run", ops.Write("playbook.yaml", kPlaybook), "--inventory",
               ops.Write("inventory.yaml", kInventory), "--orchestrator", "127.0.0.1:1"});
  CHECK(ended.exit_code == 0);
  CHECK(absl::StrContains(ended.output, "dry run: nothing was contacted"));
}

TEST_CASE("status, report, agents and rollback", "[cli]") {
  Operator ops;
  FakeOrchestrator orchestrator;
  const std::string address = orchestrator.address();
  CHECK(absl::StrContains(ops.Run({"status", "--orchestrator", address}).output, "run r1"));
  const Ended report = ops.Run({"report", "--format", "json", "--orchestrator", address});
  CHECK(nlohmann::json::parse(report.output)["outcome"] == "succeeded");
  CHECK(absl::StrContains(ops.Run({"agents", "--orchestrator", address}).output, "source-1"));

  CHECK(ops.Run({"rollback", "r1", "--orchestrator", address}).exit_code == 2);
  CHECK(ops.Run({"rollback", "r1", "--reason", "x", "--orchestrator", address}).exit_code == 3);
  CHECK(orchestrator.acted.run().empty());
  orchestrator.view.set_state(v1::RUN_STATE_ROLLED_BACK);
  CHECK(ops.Run({"rollback", "r1", "--reason", "errors at the gateways", "--confirm", "small",
                 "--orchestrator", address})
            .exit_code == 6);
  CHECK(orchestrator.acted.act().act() == v1::ACT_ROLLBACK);
  CHECK(orchestrator.acted.run() == "r1");
  CHECK(orchestrator.acted.act().reason() == "errors at the gateways");
}

}  // namespace
}  // namespace orchestrator
