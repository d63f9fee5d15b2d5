#include <catch2/catch.hpp>

#include "absl/strings/str_cat.h"
#include "orchestrator/plan/compile.h"
#include "tests/golden.h"
#include "tests/orchestrator/plan/texts.h"

namespace orchestrator {
namespace {

struct Mistake {
  std::string what;
  std::string from;
  std::string to;
};

const std::vector<Mistake> kPlaybookMistakes = {
    {"another API version", "hamisha/v1", "hamisha/v2"},
    {"another kind", "kind: Playbook", "kind: Playbok"},
    {"no metadata", "metadata: {name: small, description: A small one}\n", ""},
    {"a name that is none", "name: small", "name: \"a/b\""},
    {"unknown key at the top", "vars:", "variables:"},
    {"window ends before it starts", "end: 2015-04-19", "end: 2015-04-17"},
    {"window without a zone", "23:00:00+03:00", "23:00:00"},
    {"window shorter than its reserve", "90m", "20h"},
    {"unknown variable", "${lag}", "${lga}"},
    {"a variable that is a list", "{lag: 2s}", "{lag: [2s]}"},
    {"phases that are no list", "phases:\n", "phases: 3\nx:\n"},
    {"a phase without steps", "    on_failure: rollback\n    steps:\n",
     "    steps: []\n    stepz:\n"},
    {"duplicate phase", "name: freeze", "name: prepare"},
    {"duplicate step id", "id: hold", "id: lag"},
    {"no id", "- id: hold\n        action", "- action"},
    {"no action", "        action: ledger.seal\n", ""},
    {"unknown action", "ledger.seal", "ledger.seel"},
    {"no hosts", "        hosts: targets\n        with: {from: source}\n",
     "        with: {from: source}\n"},
    {"empty hosts", "hosts: sources", "hosts: []"},
    {"unknown host", "gateway-0", "gatway-0"},
    {"hosts of another kind", "hosts: sources", "hosts: gateways"},
    {"hosts that are a mapping", "hosts: targets", "hosts: {a: b}"},
    {"missing required field", "with: {max_hold: 20s}", "with: {max_requests: 5}"},
    {"missing with", "        with: {max_hold: 20s}\n", ""},
    {"unknown field", "max_hold: 20s", "max_hold: 20s, max_bites: 4"},
    {"a number with a unit", "max_hold: 20s", "max_hold: 20s, max_bytes: 64MiB"},
    {"with that is text", "with: {to: target}", "with: target"},
    {"unknown site", "to: target", "to: targt"},
    {"the hosts' own site", "to: target", "to: source"},
    {"a timeout of zero", "timeout: 10s", "timeout: 0s"},
    {"an endless timeout", "timeout: 10s", "timeout: inf"},
    {"a timeout without unit", "timeout: 10s", "timeout: 10"},
    {"a timeout without value", "timeout: 10s", "timeout:"},
    {"retries that are text", "retries: 2", "retries: two"},
    {"unknown on_failure", "on_failure: stop", "on_failure: rolback"},
    {"unknown need", "needs: [lag]", "needs: [leg]"},
    {"a need of a later step", "needs: [lag]", "needs: [seal]"},
    {"a need of itself", "needs: [lag]", "needs: [hold]"},
    {"no way back",
     "        rollback:\n          - {action: ledger.refuse, hosts: targets}\n"
     "          - {action: ledger.unseal, hosts: sources, timeout: 7s}\n",
     ""},
    {"a mistake on the way back", "ledger.refuse, hosts: targets", "ledger.refuze, hosts: target"},
    {"an action at a gate", "        needs: [lag]\n",
     "        needs: [lag]\n        approval: {roles: [ops], timeout: 1m}\n"},
    {"a gate without people", "      - id: hold\n",
     "      - id: go\n        approval: {roles: [ops], timeout: 1m}\n      - id: hold\n"},
    {"an approval without end", "      - id: hold\n",
     "      - id: go\n        approval: {roles: [], quorum: 0}\n      - id: hold\n"},
    {"waves of nothing", "        needs: [lag]\n", "        serial: [1, 0%, 2x]\n"},
    {"more than all may fail", "        needs: [lag]\n", "        max_fail_percentage: 101\n"},
    {"a condition of names", "        needs: [lag]\n",
     "        when: x\n        until: lag < 2s\n"},
    {"a condition with one =", "        needs: [lag]\n",
     "        when: steps.lag.state = 'succeeded'\n"},
    {"a condition with &&", "        needs: [lag]\n",
     "        when: \"vars.lag > 1s && steps.lag.state == 'failed'\"\n"},
    {"a state that is none", "        needs: [lag]\n",
     "        when: steps.lag.state == 'suceeded'\n"},
    {"a duration and a number", "        needs: [lag]\n", "        when: vars.lag < 2\n"},
    {"a value for a condition", "        needs: [lag]\n", "        when: vars.lag\n"},
    {"an unknown variable in a condition", "        needs: [lag]\n",
     "        when: vars.lga < 2s\n"},
    {"an unknown step in a condition", "        needs: [lag]\n",
     "        when: steps.leg.state == 'failed'\n"},
    {"a step that may not have ended", "        needs: [lag]\n",
     "        needs: []\n      - id: beside\n        action: probe.canary\n        hosts: "
     "gateways\n"
     "        needs: []\n        when: steps.hold.state == 'failed'\n"},
    {"a later step in a condition", "        needs: [lag]\n",
     "        when: steps.seal.state == 'failed'\n"},
    {"own facts in when", "        needs: [lag]\n", "        when: facts.lag < 2s\n"},
    {"a function over a variable", "        needs: [lag]\n", "        when: max(vars.lag) < 2s\n"},
    {"an output of a step for a site", "with: {to: target}", "with: {to: '${steps.hold.facts.x}'}"},
    {"an output of a later step", "with: {max_hold: 20s}",
     "with: {max_hold: '${steps.seal.facts.x}'}"},
    {"an output on the way back", "          - {action: ledger.refuse, hosts: targets}\n",
     "          - {action: ledger.await_lag, hosts: targets, with: {max_lag: "
     "'${steps.hold.facts.x}'}}\n"},
    {"a state for a value", "with: {max_hold: 20s}", "with: {max_hold: '${steps.lag.state}'}"},
    {"back from a point of no return", "        needs: [lag]\n",
     "        point_of_no_return: true\n        rollback:\n"
     "          - {action: gateway.release, hosts: gateways}\n"},
    {"something beside a point of no return", "        on_failure: stop\n",
     "        on_failure: stop\n        needs: []\n        point_of_no_return: true\n"},
    {"before a window that is not there",
     "window: {start: 2015-04-18T23:00:00+03:00, end: 2015-04-19T12:00:00+03:00, rollback_reserve: "
     "90m}\n",
     "phases: [{name: early, before_window: true, steps: [{id: x, action: probe.canary, hosts: "
     "gateways}]}]\nx:\n"},
    {"a phase before the window that comes late", "    on_failure: rollback\n",
     "    on_failure: rollback\n    before_window: true\n"},
    {"guardrails with mistakes", "phases:\n",
     "guardrails:\n  - {name: lag, action: ledger.seal, hosts: targets, with: {to: source}, every: "
     "0s, fact: lag_ms}\n  - {name: lag, action: ledger.await_lag, hosts: targets, with: {max_lag: "
     "1h}, every: 5s, fact: lag_ms, above: 2s, then: halt, steps: [sael]}\nphases:\n"},
    {"capacity of nothing", "phases:\n",
     "capacity: {gateways: 50, gatways: 50%, sources: 0%}\nphases:\n"},
    {"a guardrail of a step that names steps", "        needs: [lag]\n",
     "        guardrails:\n          - {name: x, action: probe.canary, hosts: gateways, every: 1s, "
     "fact: latency_ms_max, above: 5, steps: [hold]}\n"},
    {"an include that is not there", "  - name: freeze\n",
     "      - {include: blocks/none.yaml, id: none}\n  - name: freeze\n"},
    {"an include outside", "  - name: freeze\n",
     "      - {include: ../none.yaml, id: none}\n  - name: freeze\n"},
    {"an include with an action", "  - name: freeze\n",
     "      - {include: none.yaml, id: none, action: probe.canary}\n  - name: freeze\n"},
    {"duplicate key", "        timeout: 10s\n", "        timeout: 10s\n        timeout: 11s\n"},
    {"no YAML", "with: {from: source}", "with: {from: source"},
    {"a tab for indentation", "        action: ledger.seal", "\taction: ledger.seal"},
};

const std::vector<Mistake> kInventoryMistakes = {
    {"another kind", "kind: Inventory", "kind: Playbook"},
    {"no sites", "sites: [source, target]\n", ""},
    {"unknown site", "site: target", "site: targt"},
    {"unknown kind", "kind: gateway", "kind: gatway"},
    {"no shard", "shard: 1, ", ""},
    {"a gap in the shards", "shard: 1", "shard: 2"},
    {"two hosts for a shard on a site", "name: target-1, site: target",
     "name: target-1, site: source"},
    {"a key that is none", kNodeKey, "64hexdigits"},
    {"no key", ", node_key: " + kNodeKey, ""},
    {"a shard for a gateway", "kind: gateway}", "kind: gateway, shard: 1}"},
    {"duplicate host", "name: source-1", "name: source-0"},
    {"a host named all", "name: gateway-1", "name: all"},
    {"unknown host in a group", "[target-0, target-1]", "[target-0, target-2]"},
    {"a group named as a host", "  sources:", "  source-0:"},
    {"a group without hosts", "[gateway-0, gateway-1]", "[]"},
    {"no hosts", "hosts:", "hostz:"},
    {"unknown key", "groups:", "group:"},
    {"no YAML", "groups:", "groups"},
    {"a person without a key", "groups:", "people: [{name: asha, roles: [ops]}]\ngroups:"},
    {"a key that is no SSH key",
     "groups:", "people: [{name: asha, roles: [], key: ssh-ed25519 AAAA asha}]\ngroups:"},
    {"two people with one key", "groups:",
     "people:\n  - {name: asha, roles: ops, key: " + kPersonKey +
         "}\n  - {name: ben, roles: ops, key: " + kPersonKey +
         "}\n  - {name: asha, roles: ops, key: " + kPersonKey + "}\ngroups:"},
};

std::string Report(const Mistake& mistake, const std::string& playbook,
                   const std::string& inventory) {
  const Compilation compilation = Compile({.path = "playbook.yaml", .yaml = playbook},
                                          {.path = "inventory.yaml", .yaml = inventory});
  CAPTURE(mistake.what);
  CHECK_FALSE(playbook.empty());
  CHECK_FALSE(inventory.empty());
  CHECK_FALSE(compilation.diagnostics.empty());
  std::string report = absl::StrCat("# ", mistake.what, "\n");
  for (const Diagnostic& diagnostic : compilation.diagnostics) {
    absl::StrAppend(&report, ToString(diagnostic), "\n");
  }
  return report + "\n";
}

TEST_CASE("each mistake in a playbook is named with its place and what to write", "[mistakes]") {
  std::string report;
  for (const Mistake& mistake : kPlaybookMistakes) {
    report += Report(mistake, Replaced(kPlaybook, mistake.from, mistake.to), kInventory);
  }
  MatchGolden("playbook_mistakes.txt", report);
}

TEST_CASE("each mistake in an inventory is named with its place and what to write", "[mistakes]") {
  std::string report;
  for (const Mistake& mistake : kInventoryMistakes) {
    report += Report(mistake, kPlaybook, Replaced(kInventory, mistake.from, mistake.to));
  }
  MatchGolden("inventory_mistakes.txt", report);
}

TEST_CASE("all problems come at once, in order of file and place", "[mistakes]") {
  std::string playbook = kPlaybook;
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"hamisha/v1", "v1"},
                                                        {"{lag: 2s}", "{lag: []}"},
                                                        {"targets", "tagets"},
                                                        {"20s", "20"},
                                                        {"retries: 2", "retires: 2"},
                                                        {"ledger.unseal", "ledger.unsel"}}) {
    playbook = Replaced(playbook, from, to);
  }
  const Compilation compilation =
      Compile({.path = "p", .yaml = playbook},
              {.path = "i", .yaml = Replaced(kInventory, "shard: 1", "shard: x")});
  std::vector<std::string> places;
  for (const Diagnostic& found : compilation.diagnostics) {
    places.push_back(absl::StrCat(found.path, ":", found.line));
  }
  CHECK(places == std::vector<std::string>{"p:1", "p:5", "p:11", "p:18", "p:27", "p:37", "i:6"});
}

}  // namespace
}  // namespace orchestrator
