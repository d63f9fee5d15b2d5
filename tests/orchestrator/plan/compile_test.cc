#include "orchestrator/plan/compile.h"

#include <catch2/catch.hpp>

#include <random>

#include "absl/strings/str_cat.h"
#include "hamisha/action/v1/ledger.pb.h"
#include "tests/orchestrator/plan/texts.h"

namespace orchestrator {
namespace {

using Indices = std::vector<uint32_t>;

Compilation CompileTexts(const std::string& playbook, const std::string& inventory = kInventory) {
  return Compile({.path = "playbook.yaml", .yaml = playbook},
                 {.path = "inventory.yaml", .yaml = inventory});
}

Plan Compiled(const std::string& playbook) {
  const Compilation compilation = CompileTexts(playbook);
  for (const Diagnostic& diagnostic : compilation.diagnostics) UNSCOPED_INFO(ToString(diagnostic));
  REQUIRE(compilation.diagnostics.empty());
  return compilation.plan;
}

TEST_CASE("a playbook becomes a plan", "[compile]") {
  const Plan plan = Compiled(kPlaybook);
  CHECK(plan.name == "small");
  REQUIRE(plan.window.has_value());
  CHECK(plan.window->end - plan.window->start == absl::Hours(13));
  REQUIRE(plan.hosts.size() == 6);
  CHECK(plan.hosts[3].name == "target-1");
  CHECK(plan.hosts[3].shards == Indices{1});
  CHECK(plan.hosts[4].shards == Indices{0, 1});
  REQUIRE(plan.shards.size() == 2);
  CHECK(plan.shards[1].nodes(1).node_id() == "target-1");
  CHECK(plan.shards[1].nodes(1).site() == "target");

  REQUIRE(plan.steps.size() == 4);
  const PlannedStep& replicate = plan.steps[0];
  CHECK(replicate.phase == "prepare");
  CHECK(replicate.name == "replicate");
  CHECK(replicate.apply.hosts == Indices{2, 3});
  CHECK(replicate.apply.timeout == absl::Seconds(10));
  CHECK(replicate.own_undo);
  CHECK(replicate.on_failure == OnFailure::kStop);

  const PlannedStep& lag = plan.steps[1];
  CHECK_FALSE(lag.own_undo);
  CHECK(lag.apply.timeout == absl::Hours(1));
  CHECK(lag.retries == 2);
  CHECK(lag.delay == absl::Milliseconds(500));
  hamisha::action::v1::LedgerAwaitLag await_lag;
  REQUIRE(lag.apply.message.UnpackTo(&await_lag));
  CHECK(await_lag.max_lag().seconds() == 2);

  CHECK(plan.steps[2].apply.hosts == Indices{4, 5});
  CHECK(plan.steps[2].on_failure == OnFailure::kRollback);

  const PlannedStep& seal = plan.steps[3];
  CHECK(seal.name == "Seal all");
  CHECK(seal.on_failure == OnFailure::kStop);
  CHECK(seal.expected_duration == absl::Milliseconds(300));
  CHECK_FALSE(seal.own_undo);
  REQUIRE(seal.rollback.size() == 2);
  CHECK(seal.rollback[0].action == "ledger.refuse");
  CHECK(seal.rollback[1].timeout == absl::Seconds(7));
}

// Steps "a*" of one phase, "b*" of the next; each row says what they need.
TEST_CASE("steps begin in file order unless they say otherwise", "[compile]") {
  struct Row {
    std::string name;
    std::vector<std::string> first, second;  // "": no needs, else the list.
    std::vector<Indices> expected;
  };
  const auto row = GENERATE(values<Row>({
      {"one by one", {"", ""}, {"", ""}, {{}, {0}, {1}, {2}}},
      {"beside each other, then joined", {"", "[]", ""}, {""}, {{}, {}, {0, 1}, {2}}},
      {"a phase waits for all of the one before",
       {"[]", "[]"},
       {"[]", "[]"},
       {{}, {}, {0, 1}, {0, 1}}},
      {"what is named is enough", {"", "", "[a0]"}, {""}, {{}, {0}, {0}, {1, 2}}},
      {"a need of an earlier phase adds nothing",
       {"", ""},
       {"[a0]", "[a0, b0]"},
       {{}, {0}, {1}, {0, 2}}},
      {"a name alone is a list of one", {"", ""}, {"", "b0"}, {{}, {0}, {1}, {2}}},
  }));
  CAPTURE(row.name);
  std::string playbook =
      "apiVersion: hamisha/v1\nkind: Playbook\nmetadata: {name: order}\nphases:\n";
  const auto add_phase = [&](const std::string& name, const std::vector<std::string>& steps) {
    absl::StrAppend(&playbook, "  - name: ", name, "\n    steps:\n");
    for (size_t i = 0; i < steps.size(); ++i) {
      absl::StrAppend(&playbook, "      - {id: ", name, i,
                      ", action: probe.canary, hosts: gateways",
                      steps[i].empty() ? "" : ", needs: ", steps[i], "}\n");
    }
  };
  add_phase("a", row.first);
  add_phase("b", row.second);
  const Plan plan = Compiled(playbook);
  std::vector<Indices> needs;
  for (const PlannedStep& step : plan.steps) needs.push_back(step.needs);
  CHECK(needs == row.expected);
}

TEST_CASE("an explicit empty way back replaces the action's own undo", "[compile]") {
  const Plan plan = Compiled(Replaced(kPlaybook, "        with: {from: source}\n",
                                      "        with: {from: source}\n        rollback: []\n"));
  CHECK_FALSE(plan.steps[0].own_undo);
  CHECK(plan.steps[0].rollback.empty());
}

TEST_CASE("the digest covers every byte of both texts and where one ends", "[compile]") {
  const auto digest = [](const std::string& a, const std::string& b) {
    return base::ToHex(PlanDigest(a, b));
  };
  // printf 'hamisha-plan-v1\0\0\0\0\0\0\0\2ab\0\0\0\0\0\0\0\1c' | sha256sum
  CHECK(digest("ab", "c") == "e295d06b0393eae62e1b1e97b618cc02f0f20e7db7197bc86409f80bd507d614");
  CHECK(digest("ab", "c") != digest("a", "bc"));
  CHECK(digest("ab", "c") != digest("ab ", "c"));
  CHECK(Compiled(kPlaybook).digest == PlanDigest(kPlaybook, kInventory));
}

TEST_CASE("a plan of 10,000 steps compiles", "[compile]") {
  std::string playbook =
      "apiVersion: hamisha/v1\nkind: Playbook\nmetadata: {name: large}\nphases:\n"
      "  - name: only\n    steps:\n";
  for (int i = 0; i < 10'000; ++i) {
    absl::StrAppend(&playbook, "    - {id: s", i, ", action: probe.canary, hosts: all-gw}\n");
  }
  const std::string inventory = kInventory + "  all-gw: [gateway-0, gateway-1]\n";
  CHECK(CompileTexts(playbook, inventory).diagnostics.empty());
  absl::StrAppend(&playbook, "    - {id: more, action: probe.canary, hosts: all-gw}\n");
  CHECK(CompileTexts(playbook, inventory).diagnostics.size() == 1);
}

TEST_CASE("a plan of 10,000 steps with conditions and outputs in included files compiles",
          "[compile]") {
  std::string block = "apiVersion: hamisha/v1\nkind: Steps\nvars: {limit: 1}\nsteps:\n";
  for (int i = 0; i < 1'000; ++i) {
    absl::StrAppend(&block, "  - {id: s", i, ", action: probe.canary, hosts: gateways");
    if (i > 0) {
      absl::StrAppend(&block, ", when: \"steps.s0.state == 'succeeded' and steps.s", i - 1,
                      ".facts.x > vars.limit\", with: {amount: '${max(steps.s", i - 1,
                      ".facts.x)}'}");
    }
    absl::StrAppend(&block, "}\n");
  }
  std::string playbook =
      "apiVersion: hamisha/v1\nkind: Playbook\nmetadata: {name: large}\nphases:\n"
      "  - name: only\n    steps:\n";
  for (int i = 0; i < 10; ++i) {
    absl::StrAppend(&playbook, "    - {include: b.yaml, id: i", i, "}\n");
  }
  const Compilation compilation =
      Compile({.path = "p.yaml", .yaml = playbook, .includes = {{"b.yaml", block}}},
              {.path = "i.yaml", .yaml = kInventory});
  for (const Diagnostic& diagnostic : compilation.diagnostics) UNSCOPED_INFO(ToString(diagnostic));
  CHECK(compilation.diagnostics.empty());
  CHECK(compilation.plan.steps.size() == 10'000);
  CHECK(compilation.plan.steps.back().needs == Indices{9'998});
}

TEST_CASE("guardrails and floors of capacity", "[compile]") {
  const Plan plan = Compiled(Replaced(
      Replaced(kPlaybook, "phases:\n",
               "capacity: {gateways: 50%}\nguardrails:\n  - {name: lag, action: ledger.await_lag, "
               "hosts: targets, with: {max_lag: 1h}, every: 5s, fact: lag_records, above: 2000, "
               "after: 3, then: rollback, steps: [hold, seal]}\nphases:\n"),
      "        needs: [lag]\n",
      "        needs: [lag]\n        takes_out: true\n        guardrails:\n          - {name: "
      "slow, "
      "action: probe.canary, hosts: gateway-0, every: 1s, fact: latency_ms_max, below: 0.5}\n"));
  REQUIRE(plan.guardrails.size() == 2);
  CHECK(plan.guardrails[0].name == "slow");
  CHECK(plan.guardrails[0].steps == Indices{2});
  CHECK(plan.guardrails[0].below == 0.5);
  CHECK(plan.guardrails[0].then == OnTrip::kPause);
  CHECK(plan.guardrails[1].steps == Indices{2, 3});
  CHECK(plan.guardrails[1].look.hosts == Indices{2, 3});
  CHECK(plan.guardrails[1].above == 2000.0);
  CHECK(plan.guardrails[1].after == 3);
  CHECK(plan.guardrails[1].then == OnTrip::kRollback);
  CHECK(plan.steps[2].takes_out);
  REQUIRE(plan.capacity.size() == 1);
  CHECK(plan.capacity[0].hosts == Indices{4, 5});
  CHECK(plan.capacity[0].percentage == 50);
}

TEST_CASE("waves add up to all hosts, and the last size is repeated", "[compile]") {
  struct Row {
    std::string serial;
    Indices waves;  // Of 4 hosts.
  };
  const auto row = GENERATE(values<Row>({
      {"1", {1, 1, 1, 1}},
      {"3", {3, 1}},
      {"9", {4}},
      {"25%", {1, 1, 1, 1}},
      {"60%", {2, 2}},
      {"1%", {1, 1, 1, 1}},
      {"[1, 50%]", {1, 2, 1}},
      {"[1, 25%, 100%]", {1, 1, 2}},
  }));
  CAPTURE(row.serial);
  const Plan plan = Compiled(
      Replaced(kPlaybook, "        hosts: targets\n        with: {max_lag",
               absl::StrCat("        hosts: [sources, targets]\n        serial: ", row.serial,
                            "\n        with: {max_lag")));
  CHECK(plan.steps[1].waves == row.waves);
}

TEST_CASE("gates, people, a point of no return and phases before the window", "[compile]") {
  const std::string playbook =
      Replaced(Replaced(Replaced(kPlaybook, "description: A small one", "author: ben"),
                        "  - name: prepare\n", "  - name: prepare\n    before_window: true\n"),
               "  - name: freeze\n    on_failure: rollback\n    steps:\n",
               "  - name: freeze\n    on_failure: hold\n    steps:\n      - {id: go, approval: "
               "{roles: [ops, "
               "business], quorum: 2, timeout: 30m}}\n");
  const Compilation compilation =
      CompileTexts(Replaced(playbook,
                            "        on_failure: stop\n        expected_duration: 300ms\n"
                            "        rollback:\n          - {action: ledger.refuse, hosts: "
                            "targets}\n          - {action: ledger.unseal, hosts: sources, "
                            "timeout: 7s}\n",
                            "        point_of_no_return: true\n        max_fail_percentage: 20\n"),
                   kInventory + kPeople);
  for (const Diagnostic& diagnostic : compilation.diagnostics) UNSCOPED_INFO(ToString(diagnostic));
  REQUIRE(compilation.diagnostics.empty());
  const Plan& plan = compilation.plan;
  CHECK(plan.author == "ben");
  REQUIRE(plan.people.size() == 3);
  CHECK(plan.people[2].roles == std::vector<std::string>{"ops", "business"});
  CHECK(plan.steps[0].before_window);
  const PlannedStep& go = plan.steps[2];
  REQUIRE(go.gate.has_value());
  CHECK(go.gate->roles == std::vector<std::string>{"ops", "business"});
  CHECK(go.gate->quorum == 2);
  CHECK(go.gate->timeout == absl::Minutes(30));
  CHECK(go.apply.hosts.empty());
  CHECK(go.on_failure == OnFailure::kHold);
  CHECK(plan.steps[4].point_of_no_return);
  CHECK(plan.steps[4].max_fail_percentage == 20);
  CHECK_FALSE(plan.steps[4].own_undo);
}

TEST_CASE("a damaged playbook never crashes the compiler", "[compile]") {
  const uint32_t seed = GENERATE(range(1U, 300U));
  CAPTURE(seed);
  std::mt19937 random(seed);
  std::string playbook = kPlaybook;
  std::string inventory = kInventory;
  for (std::string* text : {&playbook, &inventory}) {
    for (uint32_t i = 0; i < 1 + random() % 4; ++i) {
      const size_t at = random() % text->size();
      switch (random() % 3) {
        case 0: text->erase(at, 1 + random() % 30); break;
        case 1: text->insert(at, text->substr(random() % text->size(), random() % 40)); break;
        default: (*text)[at] = "[]{}:-,\"'\n #"[random() % 12]; break;
      }
    }
  }
  const Compilation compilation = CompileTexts(playbook, inventory);
  if (!compilation.diagnostics.empty()) return;
  for (size_t i = 0; i < compilation.plan.steps.size(); ++i) {
    const PlannedStep& step = compilation.plan.steps[i];
    CHECK_FALSE(step.apply.hosts.empty());
    CHECK(step.apply.timeout > absl::ZeroDuration());
    for (const uint32_t need : step.needs) CHECK(need < i);
  }
}

}  // namespace
}  // namespace orchestrator
