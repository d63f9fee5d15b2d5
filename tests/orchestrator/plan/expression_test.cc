#include "orchestrator/plan/expression.h"

#include <catch2/catch.hpp>

#include <random>

#include "absl/strings/str_cat.h"

namespace orchestrator {
namespace {

// Steps "copy" (0, two hosts that succeeded), "a.facts.b" (1, none did), "check" (2, one host).
class Names final : public ExpressionNames {
 public:
  absl::StatusOr<std::string> Variable(const std::string& name) const override {
    const auto found = texts_.find(name);
    if (found != texts_.end()) return found->second;
    return absl::InvalidArgumentError("unknown variable");
  }
  absl::StatusOr<uint32_t> Step(const std::string& id, bool /*for_facts*/) const override {
    const auto found = steps_.find(id);
    if (found != steps_.end()) return found->second;
    return absl::InvalidArgumentError(absl::StrCat("unknown step '", id, "'"));
  }
  bool IsStep(const std::string& id) const override { return steps_.contains(id); }

 private:
  const std::map<std::string, std::string> texts_ = {
      {"lag", "2s"}, {"many", "100"}, {"on", "true"}, {"site", "west"}};
  const std::map<std::string, uint32_t> steps_ = {{"copy", 0}, {"a.facts.b", 1}, {"check", 2}};
};

class Run final : public RunFindings {
 public:
  absl::string_view StateOf(uint32_t step) const override {
    return step == 1 ? "failed" : "succeeded";
  }
  std::vector<std::pair<uint32_t, const Facts*>> FactsOf(uint32_t step) const override {
    if (step == 0) return {{4, &first_}, {5, &second_}};
    if (step == 2) return {{7, &alone_}};
    return {};
  }

 private:
  const Facts first_ = {{"position", "18446744073709551615"},
                        {"lag", "900ms"},
                        {"role", "replica"},
                        {"only", "1"},
                        {"mixed", "3"}};
  const Facts second_ = {
      {"position", "18446744073709551616"}, {"lag", "1.5s"}, {"role", "replica"}, {"mixed", "2s"}};
  const Facts alone_ = {{"equal", "true"}, {"count", "007"}};
};

const Facts kOwn = {{"lag", "1s"}, {"records", "12"}, {"done", "false"}, {"name", "x"}};

// "true", "false", or the error, of the compiler or of the run.
std::string Outcome(const std::string& text, ExpressionUse use = ExpressionUse::kUntil) {
  Problems problems("p");
  const auto expression = CompileExpression({text, {}}, use, Names(), problems);
  if (!expression.has_value()) return ToString(problems.InOrder().front());
  const absl::StatusOr<bool> is_true = expression->IsTrue(Run(), &kOwn);
  if (!is_true.ok()) return std::string(is_true.status().message());
  return *is_true ? "true" : "false";
}

TEST_CASE("conditions are true or false", "[expression]") {
  struct Row {
    std::string text;
    bool expected;
  };
  const auto row = GENERATE(values<Row>({
      {"true", true},
      {"not true", false},
      {"not not true", true},
      {"1 < 2", true},
      {"2 <= 2 and 2 >= 2", true},
      {"10 > 9", true},
      {"-1 < 0.5", true},
      {"-2 < -1", true},
      {"-0 == 0.0", true},
      {"007 == 7", true},
      {"0.10 == 0.1", true},
      {"1.5s < 1501ms", true},
      {"1h30m == 90m", true},
      {"'a' == 'a'", true},
      {"\"a\" != 'b'", true},
      {"true == false", false},
      {"false and false or true", true},
      {"false and (false or true)", false},
      {"true or false and false", true},
      {"not false and false", false},
      {"vars.lag < 3s", true},
      {"vars.many == 100", true},
      {"vars.on", true},
      {"vars.site == 'west'", true},
      {"steps.copy.state == 'succeeded'", true},
      {"steps.a.facts.b.state == 'failed'", true},
      {"steps.copy.facts.role == 'replica'", true},
      {"max(steps.copy.facts.lag) < vars.lag", true},
      {"max(steps.copy.facts.lag)<=1500ms", true},
      {"min(steps.copy.facts.lag) == 0.9s", true},
      {"count(steps.copy.facts.lag) == 2", true},
      {"count(steps.copy.facts.only) == 1", true},
      {"count(steps.copy.facts.none) == 0", true},
      {"min(steps.copy.facts.position) == 18446744073709551615", true},
      {"min(steps.copy.facts.position) < max(steps.copy.facts.position)", true},
      {"steps.check.facts.equal", true},
      {"steps.check.facts.count == 7", true},
      {"steps.check.facts.count == '7'", false},
      {"facts.lag <= vars.lag and facts.records < 13", true},
      {"facts.done", false},
      {"facts.records == steps.check.facts.count", false},
      {"facts.name != steps.copy.facts.role", true},
  }));
  CAPTURE(row.text);
  CHECK(Outcome(row.text) == (row.expected ? "true" : "false"));
}

TEST_CASE("what can be seen to be wrong is refused with its place", "[expression]") {
  struct Row {
    std::string text;
    std::string place;
    std::string says;
  };
  const auto row = GENERATE(values<Row>({
      {"", "p:1:1: ", "a value is missing"},
      {"1 <", "p:1:4: ", "a value is missing"},
      {"1 2", "p:1:3: ", "out of place"},
      {"1 < 2 < 3", "p:1:7: ", "'and' between two comparisons"},
      {"(1 < 2", "p:1:1: ", "not closed"},
      {"1 < 2)", "p:1:6: ", "out of place"},
      {"1 < 'a", "p:1:5: ", "quote is not closed"},
      {"1 = 2", "p:1:3: ", "write '=='"},
      {"true && true", "p:1:6: ", "write 'and'"},
      {"true || true", "p:1:6: ", "write 'or'"},
      {"!true", "p:1:1: ", "write 'not'"},
      {"1", "p:1:1: ", "'1' is a number, not true or false"},
      {"true and 'a'", "p:1:10: ", "'a' is a text, not true or false"},
      {"not 2s", "p:1:5: ", "'2s' is a duration"},
      {"1 < 2s", "p:1:3: ", "compare like with like"},
      {"vars.lag < 2", "p:1:10: ", "compare like with like"},
      {"'a' < 'b'", "p:1:5: ", "write == or !="},
      {"true > facts.x", "p:1:6: ", "write == or !="},
      {"(1 < 2) == true", "p:1:1: ", "condition cannot be compared"},
      {"1x < 2", "p:1:1: ", "neither a number nor a duration"},
      {"lag < 2s", "p:1:1: ", "unknown name 'lag'"},
      {"vars.lga < 2s", "p:1:1: ", "unknown variable"},
      {"steps.cpy.state == 'failed'", "p:1:1: ", "unknown step 'cpy'"},
      {"steps.copy == 'failed'", "p:1:1: ", "says nothing of a step"},
      {"steps.copy.state == 'done'", "p:1:21: ", "does not end 'done'"},
      {"steps.copy.state == 1", "p:1:18: ", "compare like with like"},
      {"avg(steps.copy.facts.lag) < 1s", "p:1:1: ", "unknown function 'avg'"},
      {"max(facts.lag) < 1s", "p:1:5: ", "over a step's hosts"},
      {"max(steps.copy.state) < 1s", "p:1:5: ", "over facts"},
      {"count(steps.copy.facts.lag) < 1s", "p:1:29: ", "compare like with like"},
      {"count(steps.copy.facts.lag) and true", "p:1:1: ", "compare it with something"},
      {"facts. == 1", "p:1:1: ", "has no name"},
      {"${lag} < 2s", "p:1:1: ", "write vars.NAME"},
  }));
  CAPTURE(row.text);
  const std::string outcome = Outcome(row.text);
  CAPTURE(outcome);
  CHECK(outcome.rfind(row.place, 0) == 0);
  CHECK(outcome.find(row.says) != std::string::npos);
}

TEST_CASE("own facts are for until", "[expression]") {
  CHECK(Outcome("facts.lag < 2s", ExpressionUse::kWhen).find("'when' is no condition") !=
        std::string::npos);
  CHECK(Outcome("facts.lag < 2s", ExpressionUse::kUntil) == "true");
}

TEST_CASE("what only a run can show is said then", "[expression]") {
  struct Row {
    std::string text;
    std::string says;
  };
  const auto row = GENERATE(values<Row>({
      {"facts.lga < 2s", "the result has no fact 'lga': write one of done, lag, name, records"},
      {"facts.name < 2s", "facts.name is 'x', which is not a duration"},
      {"facts.records", "facts.records is '12', which is not true or false"},
      {"steps.copy.facts.lag < 2s",
       "steps.copy.facts.lag is not the same on all hosts ('900ms' and '1.5s'): write min() or "
       "max() around it"},
      {"steps.copy.facts.none < 2s",
       "steps.copy.facts.none is not known: no host that succeeded reported it (the step is "
       "succeeded): write one of lag, mixed, only, position, role"},
      {"steps.a.facts.b.facts.x < 2s",
       "steps.a.facts.b.facts.x is not known: no host that succeeded reported it (the step is "
       "failed)"},
      {"max(steps.copy.facts.role) < 2s",
       "max(steps.copy.facts.role): its facts are neither all numbers nor all durations, like "
       "'replica'"},
      {"max(steps.copy.facts.mixed) < 2s",
       "max(steps.copy.facts.mixed): its facts are neither all numbers nor all durations, like "
       "'3'"},
      {"facts.name < steps.copy.facts.role",
       "facts.name is 'x' and steps.copy.facts.role is 'replica': only numbers with numbers, and "
       "durations with durations, are less or more"},
  }));
  CAPTURE(row.text);
  CHECK(Outcome(row.text) == row.says);
}

TEST_CASE("and and or do not look further than they must", "[expression]") {
  CHECK(Outcome("false and facts.none") == "false");
  CHECK(Outcome("true or facts.none") == "true");
  CHECK(Outcome("true and facts.none").find("no fact 'none'") != std::string::npos);
}

TEST_CASE("an output is a host's own value, else the one of all", "[expression]") {
  const Run run;
  const auto text = [&](const std::string& output, uint32_t host) {
    const auto compiled = CompileOutput(output, Names());
    REQUIRE(compiled.ok());
    const absl::StatusOr<std::string> value = compiled->Text(run, host);
    return value.ok() ? *value : std::string(value.status().message());
  };
  CHECK(text("steps.copy.facts.lag", 4) == "900ms");
  CHECK(text("steps.copy.facts.lag", 5) == "1.5s");
  CHECK(text("steps.copy.facts.role", 9) == "replica");
  CHECK(text("max(steps.copy.facts.lag)", 4) == "1.5s");
  CHECK(text("count(steps.copy.facts.lag)", 4) == "2");
  CHECK(text("steps.copy.facts.lag", 9).find("not the same on all hosts") != std::string::npos);
  for (const char* wrong :
       {"steps.copy.state", "steps.cpy.facts.x", "steps.", "min(vars.lag)",
        "steps.copy.facts.lag and true", "avg(steps.copy.facts.lag)", "(", "()"}) {
    CAPTURE(wrong);
    CHECK_FALSE(CompileOutput(wrong, Names()).ok());
  }
}

// A random condition with what it is, known without the parser: written out with as few brackets as
// the precedence allows.
struct Written {
  std::string text;
  bool is_true;
  int strength;  // or 0, and 1, not 2, comparison 3
};

class Conditions {
 public:
  explicit Conditions(uint32_t seed) : random_(seed) {}

  Written Any(int depth) {
    switch (depth == 0 ? 0 : random_() % 4) {
      case 1: {
        const Written inner = Any(depth - 1);
        return {absl::StrCat("not ", Within(inner, 2)), !inner.is_true, 2};
      }
      case 2: {
        const Written a = Any(depth - 1), b = Any(depth - 1);
        return {absl::StrCat(Within(a, 1), " and ", Within(b, 2)), a.is_true && b.is_true, 1};
      }
      case 3: {
        const Written a = Any(depth - 1), b = Any(depth - 1);
        return {absl::StrCat(Within(a, 0), " or ", Within(b, 1)), a.is_true || b.is_true, 0};
      }
      default: return Comparison();
    }
  }

 private:
  static std::string Within(const Written& inner, int strength) {
    return inner.strength < strength ? absl::StrCat("(", inner.text, ")") : inner.text;
  }

  Written Comparison() {
    const int a = static_cast<int>(random_() % 7) - 3;
    const int b = static_cast<int>(random_() % 7) - 3;
    const char* unit = random_() % 2 == 0 ? "" : "ms";
    const auto write = [&](const char* op, bool is_true) {
      return Written{absl::StrCat(a, unit, op, b, unit), is_true, 3};
    };
    switch (random_() % 6) {
      case 0: return write("==", a == b);
      case 1: return write(" != ", a != b);
      case 2: return write("<", a < b);
      case 3: return write(" <= ", a <= b);
      case 4: return write(" >", a > b);
      default: return write(">= ", a >= b);
    }
  }

  std::mt19937 random_;
};

TEST_CASE("random conditions mean what precedence says", "[expression][property]") {
  const uint32_t seed = GENERATE(range(1U, 500U));
  CAPTURE(seed);
  const Written written = Conditions(seed).Any(5);
  CAPTURE(written.text);
  CHECK(Outcome(written.text) == (written.is_true ? "true" : "false"));
}

TEST_CASE("damaged expressions are refused or looked at, and never crash",
          "[expression][property]") {
  const uint32_t seed = GENERATE(range(1U, 1000U));
  CAPTURE(seed);
  std::mt19937 random(seed);
  std::string text =
      "not (max(steps.copy.facts.lag) < vars.lag) or steps.a.facts.b.state == 'failed' and "
      "count(steps.copy.facts.only)>=1 or facts.records != -2.5";
  for (uint32_t i = 0; i < 1 + random() % 6; ++i) {
    const size_t at = random() % text.size();
    switch (random() % 3) {
      case 0: text.erase(at, 1 + random() % 12); break;
      case 1: text.insert(at, text.substr(random() % text.size(), random() % 20)); break;
      default: text[at] = "()<>=!'\"&|.-_ $0s\xc3"[random() % 18]; break;
    }
    if (text.empty()) text.push_back('(');
  }
  CAPTURE(text);
  CHECK_FALSE(Outcome(text).empty());
}

TEST_CASE("deep and long expressions are refused", "[expression]") {
  const std::string deep(1000, '(');
  CHECK(Outcome(absl::StrCat(deep, "true", std::string(1000, ')'))).find("too deep") !=
        std::string::npos);
  std::string nots;
  for (int i = 0; i < 100; ++i) nots += "not ";
  CHECK(Outcome(absl::StrCat(nots, "true")).find("too deep") != std::string::npos);
  std::string chain = "true";
  for (int i = 0; i < 400; ++i) chain += " and true";
  CHECK(Outcome(chain) == "true");
  for (int i = 0; i < 100; ++i) chain += " and true";
  CHECK(Outcome(chain).find("shorter") != std::string::npos);
}

}  // namespace
}  // namespace orchestrator
