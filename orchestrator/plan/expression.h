// What `when` and `until` say, and what ${…} in `with` stands for: a language without loops, names
// of its own or effects. Read once, when the playbook is compiled.
//
//   vars.lag_max              a variable of the playbook, or of the included file
//   steps.copy.state          'succeeded', 'failed', 'unknown', 'passed' or 'skipped'
//   steps.copy.facts.records  what its hosts that succeeded reported: the same on all of them, or …
//   max(steps.copy.facts.records)   … the largest; min(): the smallest; count(): on how many it is
//   facts.records             of the host's own result; only in `until`
//   2  -0.5  150ms  1h30m  'text'  true  false
//   ==  !=  <  <=  >  >=  and  or  not  ( )
//
// Facts and variables are texts, and become what they are compared with: a number with a number, a
// duration with a duration. Numbers are exact. `and` and `or` do not look further than they must.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "orchestrator/plan/quantity.h"
#include "orchestrator/playbook/fields.h"

namespace orchestrator {

using Facts = std::map<std::string, std::string>;

// What an expression's names mean, when it is compiled. An error's message says what to write.
class ExpressionNames {
 public:
  virtual ~ExpressionNames() = default;
  virtual absl::StatusOr<std::string> Variable(const std::string& name) const = 0;
  // The step's index in the plan.
  virtual absl::StatusOr<uint32_t> Step(const std::string& id, bool for_facts) const = 0;
  // Whether there may be a step of that id, so that "steps.a.facts.b.state" is read rightly.
  virtual bool IsStep(const std::string& id) const = 0;
};

// What an expression asks of a run.
class RunFindings {
 public:
  virtual ~RunFindings() = default;
  virtual absl::string_view StateOf(uint32_t step) const = 0;
  // Of its hosts that succeeded, each with its index in Plan::hosts.
  virtual std::vector<std::pair<uint32_t, const Facts*>> FactsOf(uint32_t step) const = 0;
};

// Immutable; copies share.
class Expression {
 public:
  struct Node;

  Expression() = default;

  // Whether it is true. INVALID_ARGUMENT says what could not be looked at: a fact is missing, or is
  // not what it is compared with. `own`: the facts of the host's result, for `until`.
  absl::StatusOr<bool> IsTrue(const RunFindings& run, const Facts* own = nullptr) const;

  // Of one that stands for a value (CompileOutput): its text. Of facts without a function it is
  // `host`'s where that is one of the step's hosts.
  absl::StatusOr<std::string> Text(const RunFindings& run, uint32_t host) const;

  const std::string& text() const { return text_; }

 private:
  friend class ExpressionParser;

  std::string text_;
  std::shared_ptr<const Node> root_;
};

enum class ExpressionUse : uint8_t { kWhen, kUntil };

// nullopt, with a problem that names the place in it, when it is none. `key`: "when", for messages.
std::optional<Expression> CompileExpression(const Located& written, ExpressionUse use,
                                            const ExpressionNames& names, Problems& problems);

// The inside of ${…}: an output of a step, perhaps within min(), max() or count(). An error's
// message says what to write instead.
absl::StatusOr<Expression> CompileOutput(const std::string& text, const ExpressionNames& names);

}  // namespace orchestrator
