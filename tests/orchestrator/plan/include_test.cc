#include <catch2/catch.hpp>

#include <map>

#include "absl/strings/str_cat.h"
#include "orchestrator/plan/compile.h"
#include "orchestrator/playbook/includes.h"
#include "tests/golden.h"
#include "tests/orchestrator/plan/texts.h"

namespace orchestrator {
namespace {

using Indices = std::vector<uint32_t>;

const std::string kHead = "apiVersion: hamisha/v1\nkind: Playbook\nmetadata: {name: p}\nphases:\n";
const std::string kStepsHead = "apiVersion: hamisha/v1\nkind: Steps\n";

std::string Phase(const std::string& name, const std::string& steps) {
  return absl::StrCat("  - name: ", name, "\n    steps:\n", steps);
}

std::string Canary(const std::string& id, const std::string& more = "") {
  return absl::StrCat("      - {id: ", id, ", action: probe.canary, hosts: gateways", more, "}\n");
}

std::string Include(const std::string& id, const std::string& path, const std::string& more = "") {
  return absl::StrCat("      - {include: ", path, ", id: ", id, more, "}\n");
}

std::string StepsFile(const std::string& steps, const std::string& vars = "") {
  return absl::StrCat(kStepsHead, vars, "steps:\n", steps);
}

Compilation CompileWith(const std::string& playbook, std::vector<SourceText> includes) {
  return Compile({.path = "p.yaml", .yaml = playbook, .includes = std::move(includes)},
                 {.path = "i.yaml", .yaml = kInventory});
}

Plan Compiled(const std::string& playbook, std::vector<SourceText> includes) {
  const Compilation compilation = CompileWith(playbook, std::move(includes));
  for (const Diagnostic& diagnostic : compilation.diagnostics) UNSCOPED_INFO(ToString(diagnostic));
  REQUIRE(compilation.diagnostics.empty());
  return compilation.plan;
}

std::vector<std::string> Problems(const std::string& playbook, std::vector<SourceText> includes) {
  std::vector<std::string> problems;
  const Compilation compilation = CompileWith(playbook, std::move(includes));
  for (const Diagnostic& diagnostic : compilation.diagnostics) {
    problems.push_back(ToString(diagnostic));
  }
  return problems;
}

std::map<std::string, std::vector<std::string>> NeedsById(const Plan& plan) {
  std::map<std::string, std::vector<std::string>> needs;
  for (const PlannedStep& step : plan.steps) {
    needs[step.id];
    for (const uint32_t need : step.needs) needs[step.id].push_back(plan.steps[need].id);
  }
  return needs;
}

using Ids = std::vector<std::string>;

TEST_CASE("included steps stand where the include does, under its id", "[include]") {
  const Plan plan =
      Compiled(kHead + Phase("one", Canary("a") + Include("west", "b.yaml") + Canary("z")),
               {{"b.yaml", StepsFile(Canary("x") + Canary("y"))}});
  auto needs = NeedsById(plan);
  REQUIRE(plan.steps.size() == 4);
  CHECK(plan.steps[1].id == "west.x");
  CHECK(plan.steps[1].phase == "one");
  CHECK(needs["west.x"] == Ids{"a"});
  CHECK(needs["west.y"] == Ids{"west.x"});
  CHECK(needs["z"] == Ids{"west.y"});
}

TEST_CASE("includes run beside each other when they say so, and are needed as a whole",
          "[include]") {
  const std::string block = StepsFile(Canary("x", ", needs: []") + Canary("y", ", needs: []"));
  auto needs = NeedsById(
      Compiled(kHead +
                   Phase("one", Canary("a") + Include("west", "b.yaml", ", needs: [a]") +
                                    Include("east", "b.yaml", ", needs: [a]") +
                                    Canary("after_west", ", needs: [west]") + Canary("after_all")) +
                   Phase("two", Canary("next")),
               {{"b.yaml", block}}));
  CHECK(needs["west.x"] == Ids{"a"});
  CHECK(needs["east.y"] == Ids{"a"});
  CHECK(needs["after_west"] == Ids{"west.x", "west.y"});
  CHECK(needs["after_all"] == Ids{"east.x", "east.y", "after_west"});
  CHECK(needs["next"] == Ids{"after_all"});
}

TEST_CASE("an include that begins a phase waits for the phase before", "[include]") {
  auto needs = NeedsById(
      Compiled(kHead + Phase("one", Canary("a")) +
                   Phase("two", Include("w", "b.yaml") + Include("e", "b.yaml", ", needs: []")),
               {{"b.yaml", StepsFile(Canary("x"))}}));
  CHECK(needs["w.x"] == Ids{"a"});
  CHECK(needs["e.x"] == Ids{"a"});
}

TEST_CASE("files nest, and names within a file are its own", "[include]") {
  const Plan plan = Compiled(
      kHead + Phase("one", Canary("x") + Include("o", "outer.yaml")),
      {{"outer.yaml", StepsFile(Canary("x") + Include("i", "inner.yaml") +
                                Canary("y", ", needs: [i], when: \"steps.x.state == 'failed'\""))},
       {"inner.yaml", StepsFile(Canary("x") + Canary("z", ", needs: [x]"))}});
  auto needs = NeedsById(plan);
  CHECK(needs["o.i.z"] == Ids{"o.i.x"});
  CHECK(needs["o.y"] == Ids{"o.i.z"});
  CHECK(plan.steps.back().when->text() == "steps.x.state == 'failed'");
}

TEST_CASE("an include gives variables, and the file says what holds otherwise", "[include]") {
  const std::string block =
      StepsFile("      - {id: x, action: probe.canary, hosts: '${where}', timeout: '${limit}'}\n",
                "vars: {limit: 7s, where: gateway-0}\n");
  const std::string playbook =
      absl::StrCat("apiVersion: hamisha/v1\nkind: Playbook\nmetadata: {name: p}\n",
                   "vars: {long: 1m}\nphases:\n",
                   Phase("one", Include("a", "b.yaml", ", vars: {limit: '${long}'}") +
                                    Include("b", "b.yaml", ", vars: {where: gateway-1}")));
  const Plan plan = Compiled(playbook, {{"b.yaml", block}});
  CHECK(plan.steps[0].apply.timeout == absl::Minutes(1));
  CHECK(plan.steps[0].apply.hosts == Indices{4});
  CHECK(plan.steps[1].apply.timeout == absl::Seconds(7));
  CHECK(plan.steps[1].apply.hosts == Indices{5});
}

TEST_CASE("the digest covers included texts, their paths and where one ends", "[include]") {
  const auto digest = [](const std::vector<SourceText>& includes) {
    return base::ToHex(PlanDigest("ab", "c", includes));
  };
  // printf 'hamisha-plan-v2\0\0\0\0\0\0\0\2ab\0\0\0\0\0\0\0\1c\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1d'
  // followed by '\0\0\0\0\0\0\0\2ef', through sha256sum.
  CHECK(digest({{"d", "ef"}}) ==
        "a070cb4f7fbc825c6d3631fd66949df560cb74b6442f2549895bee4ce4e88bf5");
  CHECK(digest({}) == base::ToHex(PlanDigest("ab", "c")));
  CHECK(digest({{"d", "ef"}}) != digest({}));
  CHECK(digest({{"d", "ef"}}) != digest({{"de", "f"}}));
  CHECK(digest({{"d", "ef"}}) != digest({{"d", "ef"}, {"g", ""}}));
  CHECK(digest({{"d", "ef"}, {"g", "h"}}) == digest({{"g", "h"}, {"d", "ef"}}));
  CHECK(digest({{"d", "ef"}, {"g", "h"}}) != digest({{"d", "h"}, {"g", "ef"}}));
}

TEST_CASE("all that a playbook includes is read, each file once", "[include]") {
  const std::map<std::string, std::string> files = {
      {"a.yaml", StepsFile(Include("b", "blocks/b.yaml") + Include("c", "c.yaml"))},
      {"blocks/b.yaml", StepsFile(Include("c", "c.yaml"))},
      {"c.yaml", StepsFile(Canary("x"))}};
  int reads = 0;
  const IncludeReader reader = [&](const std::string& path) -> absl::StatusOr<std::string> {
    ++reads;
    if (!files.contains(path)) return absl::NotFoundError(absl::StrCat("no ", path));
    return files.at(path);
  };
  SourceText playbook{.path = "p.yaml",
                      .yaml = kHead + Phase("one", Include("a", "a.yaml") + Include("c", "c.yaml") +
                                                       Include("d", "gone.yaml") +
                                                       Include("e", "../outside.yaml"))};
  const std::vector<absl::Status> failed = ReadIncludes(reader, playbook);
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].message() == "no gone.yaml");
  CHECK(reads == 4);
  REQUIRE(playbook.includes.size() == 3);
  CHECK(playbook.includes[1].path == "blocks/b.yaml");
  CHECK(playbook.includes[1].yaml == files.at("blocks/b.yaml"));
}

TEST_CASE("each mistake around includes is named with its file, place and what to write",
          "[include]") {
  const std::string good = StepsFile(Canary("x"));
  struct Mistake {
    std::string what;
    std::string steps;  // Of the playbook's one phase.
    std::vector<SourceText> includes;
  };
  const std::vector<Mistake> mistakes = {
      {"a mistake in an included file, included twice",
       Include("a", "b.yaml") + Include("b", "b.yaml"),
       {{"b.yaml", StepsFile(Canary("x", ", retires: 2"))}}},
      {"a file of another kind", Include("a", "b.yaml"), {{"b.yaml", kHead + Phase("x", "")}}},
      {"no YAML", Include("a", "b.yaml"), {{"b.yaml", "steps: ["}}},
      {"a file that is not there", Include("a", "bb.yaml"), {{"b.yaml", good}}},
      {"a path that is absolute", Include("a", "/b.yaml"), {}},
      {"no id", "      - {include: b.yaml}\n", {{"b.yaml", good}}},
      {"two of one id", Include("a", "b.yaml") + Include("a", "b.yaml"), {{"b.yaml", good}}},
      {"a file that includes itself",
       Include("a", "b.yaml"),
       {{"b.yaml", StepsFile(Include("c", "c.yaml"))},
        {"c.yaml", StepsFile(Include("b", "b.yaml"))}}},
      {"a variable that the file does not use",
       Include("a", "b.yaml", ", vars: {limt: 1s}"),
       {{"b.yaml", StepsFile(Canary("x", ", timeout: '${limit}'"), "vars: {limit: 2s}\n")}}},
      {"a variable of the playbook, not given",
       Include("a", "b.yaml"),
       {{"b.yaml", StepsFile(Canary("x", ", timeout: '${limit}'"))}}},
      {"a need outside the file",
       Canary("out") + Include("a", "b.yaml"),
       {{"b.yaml", StepsFile(Canary("x", ", needs: [out]"))}}},
      {"a need of a later include",
       Canary("out", ", needs: [a]") + Include("a", "b.yaml"),
       {{"b.yaml", good}}},
      {"an unknown need of an include",
       Canary("out") + Include("a", "b.yaml", ", needs: [ot]"),
       {{"b.yaml", good}}},
      {"an id that its prefix makes too long",
       Include(std::string(40, 'a'), "b.yaml"),
       {{"b.yaml", StepsFile(Canary(std::string(40, 'x')))}}},
      {"a condition on a step of another file",
       Canary("out") + Include("a", "b.yaml"),
       {{"b.yaml", StepsFile(Canary("x", ", when: \"steps.out.state == 'failed'\""))}}},
  };
  std::string report;
  for (const Mistake& mistake : mistakes) {
    CAPTURE(mistake.what);
    const auto problems = Problems(kHead + Phase("one", mistake.steps), mistake.includes);
    CHECK_FALSE(problems.empty());
    absl::StrAppend(&report, "# ", mistake.what, "\n");
    for (const std::string& problem : problems) absl::StrAppend(&report, problem, "\n");
    absl::StrAppend(&report, "\n");
  }
  MatchGolden("include_mistakes.txt", report);
}

TEST_CASE("a file that nothing includes is refused, as is one sent twice", "[include]") {
  const std::string playbook = kHead + Phase("one", Include("a", "b.yaml"));
  const std::string block = StepsFile(Canary("x"));
  CHECK(Problems(playbook, {{"b.yaml", block}}).empty());
  CHECK(Problems(playbook, {{"b.yaml", block}, {"c.yaml", block}}) ==
        Ids{"p.yaml:1:1: file 'c.yaml' came with the playbook, and nothing includes it: leave it "
            "out"});
  CHECK(Problems(playbook, {{"b.yaml", block}, {"b.yaml", block}}) ==
        Ids{"p.yaml:1:1: included file 'b.yaml' came twice with the playbook: send it once"});
}

TEST_CASE("files that include each other many times over are refused, and quickly", "[include]") {
  std::vector<SourceText> includes;
  for (int level = 0; level < 7; ++level) {
    std::string steps;
    for (int i = 0; i < 20; ++i) {
      steps += Include(absl::StrCat("i", i), absl::StrCat(level + 1, ".yaml"));
    }
    includes.push_back({absl::StrCat(level, ".yaml"), StepsFile(steps)});
  }
  includes.push_back({"7.yaml", StepsFile(Canary("x"))});
  const auto problems = Problems(kHead + Phase("one", Include("a", "0.yaml")), includes);
  REQUIRE_FALSE(problems.empty());
  CHECK(problems.size() < 10);
}

TEST_CASE("files nested too deep are refused", "[include]") {
  std::vector<SourceText> includes;
  for (int level = 0; level < 9; ++level) {
    includes.push_back(
        {absl::StrCat(level, ".yaml"),
         StepsFile(level == 8 ? Canary("x") : Include("i", absl::StrCat(level + 1, ".yaml")))});
  }
  const auto problems = Problems(kHead + Phase("one", Include("a", "0.yaml")), includes);
  REQUIRE_FALSE(problems.empty());
  CHECK(problems.back() ==
        "7.yaml:4:19: files are included more than 8 deep: include '8.yaml' further out");
}

}  // namespace
}  // namespace orchestrator
