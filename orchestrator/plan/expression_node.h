// The tree of an expression: for its parser and its evaluation only.
#pragma once

#include <string>
#include <vector>

#include "orchestrator/plan/expression.h"

namespace orchestrator {

enum class ValueType : uint8_t { kAny, kNumber, kDuration, kText, kBool };

// "a number"
absl::string_view NameOf(ValueType type);

// A value with its text, and what it is known to be.
struct TypedText {
  std::string text;
  ValueType type = ValueType::kAny;
};

// What a text can be taken for: a number before a duration before text. "true" is a bool.
ValueType TypeOf(const std::string& text);

struct Expression::Node {
  enum class Kind : uint8_t {
    kConstant,
    kState,
    kFact,  // Of a step's hosts, all the same.
    kOwnFact,
    kMin,  // Of a step's fact.
    kMax,
    kCount,
    kCompare,  // Two children.
    kNot,      // One child.
    kAnd,      // Two children or more.
    kOr,
  };
  enum class Comparison : uint8_t {
    kEqual,
    kUnequal,
    kLess,
    kLessOrEqual,
    kGreater,
    kGreaterOrEqual
  };

  Kind kind = Kind::kConstant;
  ValueType type = ValueType::kAny;  // As far as it is known before the run.
  std::string text = {};             // As written, for messages; of a constant, its value.
  uint32_t step = 0;
  std::string fact = {};
  Comparison comparison = Comparison::kEqual;
  std::vector<Node> children = {};
};

}  // namespace orchestrator
