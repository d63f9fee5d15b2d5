#include "orchestrator/playbook/document.h"

#include <catch2/catch.hpp>

#include <random>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace orchestrator {
namespace {

std::string AllOf(const Problems& problems) {
  std::string lines;
  for (const Diagnostic& diagnostic : problems.InOrder()) {
    absl::StrAppend(&lines, ToString(diagnostic), "\n");
  }
  return lines;
}

std::string ProblemsOf(const std::string& yaml) {
  Problems problems("p");
  ReadDocument(yaml, problems);
  return AllOf(problems);
}

TEST_CASE("values know where they stand, counted from 1", "[document]") {
  Problems problems("p");
  const auto root = ReadDocument("a: 1\nb:\n  - {c: 'x'}\nd:\n", problems);
  REQUIRE(root.has_value());
  REQUIRE(problems.empty());
  const Value* item = &root->Find("b")->values.at(0);
  CHECK(item->place.line == 3);
  CHECK(item->place.column == 5);
  CHECK(item->Find("c")->text == "x");
  CHECK(item->Find("c")->quoted);
  CHECK_FALSE(root->Find("a")->quoted);
  CHECK(root->Find("d")->kind == Value::Kind::kNull);
  CHECK(root->Find("d")->place.line == 4);
  CHECK(root->Find("e") == nullptr);
}

TEST_CASE("what is not one plain YAML document is a problem", "[document]") {
  struct Row {
    std::string yaml;
    std::string expected;
  };
  const auto row = GENERATE(values<Row>({
      {"", "p:1:1: the file is empty: begin with 'apiVersion: hamisha/v1'\n"},
      {"a: 1\nb: 2\na: 3\n",
       "p:3:1: duplicate key 'a': it stands already on line 1; keep one of them\n"},
      {"a: &x 1\nb: *x\n",
       "p:1:4: anchors are not supported: write the value out, or use vars\n"
       "p:2:4: aliases are not supported: write the value out, or use vars\n"},
      {"a: !!int 1\n", "p:1:4: tag 'tag:yaml.org,2002:int' is not supported: remove it\n"},
      {"? [a, b]\n: 1\n", "p:1:3: a key is a list: write a name\n"},
      {"a: 1\n---\nb: 2\n", "p:3:1: a second document begins here: write one document a file\n"},
      {"a: \x04 1\n",
       "p:1:4: not YAML: a control character (code 4): is this a text file in UTF-8?\n"},
  }));
  CAPTURE(row.yaml);
  CHECK(ProblemsOf(row.yaml) == row.expected);
}

TEST_CASE("a syntax error says where", "[document]") {
  CHECK(absl::StartsWith(ProblemsOf("a: [1, 2\nb: 3\n"), "p:2:2: not valid YAML: "));
  CHECK(absl::StrContains(ProblemsOf("a: 'x\n"), "not valid YAML: "));
  CHECK(absl::StartsWith(ProblemsOf("a: 1\n b: 2\n"), "p:2:3: not valid YAML: "));
}

TEST_CASE("deep nesting is refused before it can hurt", "[document]") {
  const auto opening = GENERATE(values<std::string>({"[", "{a: ", "- ", "? "}));
  std::string yaml;
  for (int i = 0; i < 100'000; ++i) yaml += opening;
  CAPTURE(opening);
  CHECK(absl::StrContains(ProblemsOf(yaml), "not valid YAML: "));
}

TEST_CASE("a document of aliases of aliases does not grow", "[document]") {
  std::string yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    absl::StrAppend(&yaml, "a", i, ": &a", i, " [*a", i - 1, ", *a", i - 1, ", *a", i - 1, "]\n");
  }
  CHECK(absl::StrContains(ProblemsOf(yaml), "aliases are not supported"));
}

TEST_CASE("a file past the limit is not read", "[document]") {
  CHECK(ProblemsOf(std::string(kDocumentBytesMax + 1, 'a')) ==
        "p:1:1: the file has 1048577 bytes: at most 1048576 are read\n");
}

TEST_CASE("any bytes give a document or a problem", "[document]") {
  const uint32_t seed = GENERATE(range(1U, 300U));
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::string letters = "ab:-[]{}&*!|>'\"%@`,?#~ \n\n  \t<<0.1\\\xc3\xbf";
  std::string yaml;
  for (int i = 0; i < 200; ++i) yaml += letters[random() % letters.size()];
  Problems problems("p");
  const auto root = ReadDocument(yaml, problems);
  CHECK((root.has_value() || !problems.empty()));
}

}  // namespace
}  // namespace orchestrator
