// The words of expressions: for their parser only.
#pragma once

#include <string>
#include <vector>

#include "orchestrator/plan/expression_node.h"

namespace orchestrator {

struct Token {
  enum class Kind : uint8_t { kEnd, kWord, kText, kOperator, kOpen, kClose, kWrong };
  Kind kind = Kind::kEnd;
  std::string text = {};  // Of a text: what stands between the quotes.
  size_t at = 0;
};

struct OperatorRow {
  absl::string_view text;
  Expression::Node::Comparison comparison;
};
// Longer ones before those that they begin with.
const std::vector<OperatorRow>& Operators();

// The first token at or behind `at`.
Token NextToken(absl::string_view text, size_t at);
// Where it ends.
size_t EndOf(const Token& token);
// What to write instead of a letter that means nothing.
std::string WrongLetter(const std::string& letter);

}  // namespace orchestrator
