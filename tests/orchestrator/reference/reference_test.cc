#include "orchestrator/reference/reference.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "orchestrator/playbook/actions.h"
#include "orchestrator/playbook/specs.h"
#include "tests/folders.h"
#include "tests/orchestrator/plan/texts.h"
#include "tests/orchestrator/reference/structure.h"

namespace orchestrator {
namespace {

using nlohmann::json;

std::string ReadText(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<std::string> ViolationsOf(const std::string& yaml) {
  Problems problems("p");
  const auto root = ReadDocument(yaml, problems);
  REQUIRE(root.has_value());
  static const json& schema = *new json(json::parse(ReferenceSchema()));
  return Violations(schema, ToJson(*root));
}

TEST_CASE("the page in docs is the one that the program writes", "[reference][golden]") {
  const std::filesystem::path path = SourceFolder() + "/docs/playbooks.md";
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << ReferencePage();
  CHECK(ReadText(path) == ReferencePage());
}

TEST_CASE("the page names every field and every action", "[reference]") {
  const std::string page = ReferencePage();
  for (const ObjectSpec* spec : AllSpecs()) {
    CHECK(page.find(absl::StrCat("\n### ", spec->what, "\n")) != std::string::npos);
    for (const FieldSpec& field : spec->fields) {
      CAPTURE(field.name);
      CHECK(std::string(field.summary).size() > 5);
      CHECK(page.find(absl::StrCat("| `", field.name, "` |")) != std::string::npos);
    }
  }
  for (const ActionInfo& action : Actions()) {
    CHECK(page.find(absl::StrCat("\n### ", action.options->name(), "\n")) != std::string::npos);
  }
}

TEST_CASE("every playbook that users start from fits the schema", "[reference]") {
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(
           std::filesystem::path(SourceFolder()) / "playbooks")) {
    if (entry.path().extension() != ".yaml") continue;
    CAPTURE(entry.path());
    CHECK(ViolationsOf(ReadText(entry.path())) == std::vector<std::string>{});
    ++files;
  }
  CHECK(files >= 1);
  CHECK(ViolationsOf(kPlaybook) == std::vector<std::string>{});
  CHECK(ViolationsOf(kInventory) == std::vector<std::string>{});
}

TEST_CASE("the schema refuses mistakes of form, and names their place", "[reference]") {
  struct Row {
    std::string from;
    std::string to;
    std::string violation;
  };
  const auto row = GENERATE(values<Row>({
      {"hamisha/v1", "hamisha/v2", "/apiVersion: const"},
      {"kind: Playbook", "kind: Playbok", "/kind: enum"},
      {"metadata: {name: small, description: A small one}\n", "", ": no metadata"},
      {"vars:", "variables:", ": unknown variables"},
      {"90m", "90", "/window/rollback_reserve: fits none"},
      {"{lag: 2s}", "{lag: [2s]}", "/vars/lag: type"},
      {"        action: ledger.seal\n", "", "/phases/1/steps/1: no action"},
      {"ledger.seal", "ledger.seel", "/phases/1/steps/1/action: enum"},
      {"with: {max_hold: 20s}", "with: {max_requests: 5}", "/phases/1/steps/0/with: no max_hold"},
      {"        with: {max_hold: 20s}\n", "", "/phases/1/steps/0: no with"},
      {"max_hold: 20s", "max_hold: 20s, max_bites: 4", "/phases/1/steps/0/with: unknown max_bites"},
      {"max_hold: 20s", "max_hold: 20s, max_bytes: 64MiB",
       "/phases/1/steps/0/with/max_bytes: fits none"},
      {"retries: 2", "retries: two", "/phases/0/steps/1/retries: fits none"},
      {"retries: 2", "retries: 200", "/phases/0/steps/1/retries: fits none"},
      {"retries: 2", "serial: 0%", "/phases/0/steps/1/serial: fits none"},
      {"retries: 2", "retires: 2", "/phases/0/steps/1: unknown retires"},
      {"on_failure: stop", "on_failure: rolback", "/phases/1/steps/1/on_failure: fits none"},
      {"hosts: sources", "hosts: []", "/phases/1/steps/1/hosts: fits none"},
      {"ledger.refuse, hosts: targets", "ledger.refuse", "/phases/1/steps/1/rollback/0: no hosts"},
      {"      - id: hold\n", "      - {id: go, approval: {roles: [ops]}}\n      - id: hold\n",
       "/phases/1/steps/0/approval: no timeout"},
      {"      - id: hold\n", "      - {include: b.yaml, name: x}\n      - id: hold\n",
       "/phases/1/steps/0: no id"},
  }));
  CAPTURE(row.from, row.to);
  const auto violations = ViolationsOf(Replaced(kPlaybook, row.from, row.to));
  CHECK(std::count(violations.begin(), violations.end(), row.violation) == 1);
}

TEST_CASE("the schema takes conditions, outputs, waves, gates and includes", "[reference]") {
  const std::string more = R"(      - id: go
        approval: {roles: [ops, business], quorum: 2, timeout: 30m}
        when: "vars.lag < 3s"
      - {include: blocks/b.yaml, id: west, vars: {a: 1}, needs: []}
      - id: near
        action: ledger.await_lag
        hosts: [targets]
        with: {max_lag: 1s, max_records: "${max(steps.lag.facts.lag_records)}"}
        serial: [1, 25%, 100%]
        max_fail_percentage: 10
        until: facts.lag_records < 5
        point_of_no_return: true
        on_failure: hold
)";
  CHECK(ViolationsOf(absl::StrCat(kPlaybook, more)) == std::vector<std::string>{});
}

}  // namespace
}  // namespace orchestrator
