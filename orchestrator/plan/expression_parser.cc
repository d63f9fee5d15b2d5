// Reads expressions, and refuses what can be seen to be wrong before a run.
#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/invariant.h"
#include "orchestrator/plan/expression.h"
#include "orchestrator/plan/expression_node.h"
#include "orchestrator/plan/expression_tokens.h"
#include "orchestrator/playbook/suggest.h"

namespace orchestrator {
namespace {

using Node = Expression::Node;
using Kind = Node::Kind;
using Comparison = Node::Comparison;

constexpr size_t kLettersMax = 4096;
constexpr int kDepthMax = 32;

const std::vector<std::string>& EndStates() {
  static const auto& states =
      *new std::vector<std::string>{"succeeded", "failed", "unknown", "passed", "skipped"};
  return states;
}

bool IsCondition(const Node& node) {
  return node.kind == Kind::kCompare || node.kind == Kind::kNot || node.kind == Kind::kAnd ||
         node.kind == Kind::kOr;
}

}  // namespace

class ExpressionParser {
 public:
  ExpressionParser(absl::string_view text, ExpressionUse use, const ExpressionNames& names)
      : text_(text), use_(use), names_(names) {
    token_ = NextToken(text_, 0);
  }

  std::optional<Expression> Condition() {
    if (text_.size() > kLettersMax) {
      Fail(0, absl::StrCat("it has more than ", kLettersMax, " letters: write a shorter one"));
      return std::nullopt;
    }
    std::optional<Node> root = ParseOr();
    if (root.has_value() && token_.kind != Token::Kind::kEnd) FailAtToken();
    if (root.has_value()) RefuseUnlessCondition(*root, 0);
    return Finish(std::move(root));
  }

  std::optional<Expression> Output() {
    std::optional<Node> root = text_.size() > kLettersMax ? std::nullopt : ParseValue();
    if (root.has_value() && token_.kind != Token::Kind::kEnd) FailAtToken();
    const bool is_output = root.has_value() && root->kind != Kind::kConstant &&
                           root->kind != Kind::kState && root->kind != Kind::kOwnFact;
    if (!is_output) Fail(0, "no output of a step: write ${steps.ID.facts.NAME}");
    return Finish(std::move(root));
  }

  size_t error_at() const { return error_at_; }
  const std::string& error() const { return error_; }

 private:
  std::optional<Expression> Finish(std::optional<Node> root) {
    if (!error_.empty() || !root.has_value()) return std::nullopt;
    Expression expression;
    expression.text_ = std::string(text_);
    expression.root_ = std::make_shared<const Node>(*std::move(root));
    return expression;
  }

  // The first error counts.
  std::nullopt_t Fail(size_t at, absl::string_view message) {
    if (error_.empty()) {
      error_at_ = at;
      error_ = std::string(message);
    }
    return std::nullopt;
  }

  std::nullopt_t FailAtToken() {
    if (token_.kind == Token::Kind::kEnd) {
      return Fail(token_.at, "it ends where a value is missing: write one");
    }
    if (token_.kind == Token::Kind::kWrong) return Fail(token_.at, WrongLetter(token_.text));
    if (token_.kind == Token::Kind::kOperator) {
      return Fail(token_.at, absl::StrCat("'", token_.text,
                                          "' is out of place: write a value before "
                                          "and behind it, and 'and' between two "
                                          "comparisons"));
    }
    return Fail(token_.at, absl::StrCat(Quoted(token_.text),
                                        " is out of place: write an operator "
                                        "before it, or remove it"));
  }

  void Take() { token_ = NextToken(text_, EndOf(token_)); }
  bool IsWord(absl::string_view word) const {
    return token_.kind == Token::Kind::kWord && token_.text == word;
  }
  std::string Since(size_t at) const {
    absl::string_view written = text_.substr(at, token_.at - at);
    return std::string(absl::StripTrailingAsciiWhitespace(written));
  }

  void RefuseUnlessCondition(const Node& node, size_t at) {
    if (IsCondition(node) || node.type == ValueType::kAny || node.type == ValueType::kBool) return;
    Fail(at, absl::StrCat(Quoted(node.text), " is ", std::string(NameOf(node.type)),
                          ", not true or false: compare it with something"));
  }

  std::optional<Node> ParseOr() { return ParseChain("or", Kind::kOr); }

  // Operands of `and` are read by ParseNot, those of `or` by chains of `and`.
  std::optional<Node> ParseChain(absl::string_view word, Kind kind) {
    const size_t at = token_.at;
    const auto operand = [&] {
      return kind == Kind::kOr ? ParseChain("and", Kind::kAnd) : ParseNot();
    };
    std::optional<Node> first = operand();
    if (!first.has_value() || !IsWord(word)) return first;
    Node chain{.kind = kind, .type = ValueType::kBool};
    RefuseUnlessCondition(*first, at);
    chain.children.push_back(*std::move(first));
    while (IsWord(word)) {
      Take();
      const size_t next_at = token_.at;
      std::optional<Node> next = operand();
      if (!next.has_value()) return std::nullopt;
      RefuseUnlessCondition(*next, next_at);
      chain.children.push_back(*std::move(next));
    }
    chain.text = Since(at);
    return chain;
  }

  std::optional<Node> ParseNot() {
    if (!IsWord("not")) return ParseComparison();
    const size_t at = token_.at;
    if (++depth_ > kDepthMax) return Fail(at, "it is nested too deep: write it simpler");
    Take();
    const size_t inner_at = token_.at;
    std::optional<Node> inner = ParseNot();
    --depth_;
    if (!inner.has_value()) return std::nullopt;
    RefuseUnlessCondition(*inner, inner_at);
    Node node{.kind = Kind::kNot, .type = ValueType::kBool, .text = Since(at)};
    node.children.push_back(*std::move(inner));
    return node;
  }

  std::optional<Node> ParseComparison() {
    const size_t at = token_.at;
    std::optional<Node> left = ParsePrimary();
    if (!left.has_value() || token_.kind != Token::Kind::kOperator) return left;
    const Token written = token_;
    Take();
    const size_t right_at = token_.at;
    std::optional<Node> right = ParsePrimary();
    if (!right.has_value()) return std::nullopt;
    if (IsCondition(*left) || IsCondition(*right)) {
      return Fail(IsCondition(*left) ? at : right_at,
                  "a condition cannot be compared: write and, or, not");
    }
    Node node{.kind = Kind::kCompare, .type = ValueType::kBool, .text = Since(at)};
    for (const OperatorRow& row : Operators()) {
      if (row.text == written.text) node.comparison = row.comparison;
    }
    CheckTypes(*left, *right, node.comparison, written);
    CheckState(*left, *right, right_at);
    CheckState(*right, *left, at);
    node.children.push_back(*std::move(left));
    node.children.push_back(*std::move(right));
    return node;
  }

  void CheckTypes(const Node& left, const Node& right, Comparison comparison, const Token& token) {
    const ValueType type = left.type == ValueType::kAny ? right.type : left.type;
    if (left.type != ValueType::kAny && right.type != ValueType::kAny && left.type != right.type) {
      Fail(token.at, absl::StrCat(Quoted(left.text), " is ", std::string(NameOf(left.type)),
                                  " and ", Quoted(right.text), " is ",
                                  std::string(NameOf(right.type)), ": compare like with like"));
      return;
    }
    const bool equality = comparison == Comparison::kEqual || comparison == Comparison::kUnequal;
    if (equality || type == ValueType::kAny || type == ValueType::kNumber ||
        type == ValueType::kDuration) {
      return;
    }
    Fail(token.at,
         absl::StrCat("only numbers and durations are less or more than another, not ",
                      type == ValueType::kText ? "texts" : "true and false", ": write == or !="));
  }

  void CheckState(const Node& state, const Node& other, size_t at) {
    if (state.kind != Kind::kState || other.kind != Kind::kConstant) return;
    if (std::find(EndStates().begin(), EndStates().end(), other.text) != EndStates().end()) return;
    Fail(at, absl::StrCat("a step does not end ", Quoted(other.text),
                          Suggest(other.text, EndStates())));
  }

  std::optional<Node> ParsePrimary() {
    if (token_.kind != Token::Kind::kOpen) return ParseValue();
    const size_t at = token_.at;
    if (++depth_ > kDepthMax) return Fail(at, "it is nested too deep: write it simpler");
    Take();
    std::optional<Node> inner = ParseOr();
    --depth_;
    if (!inner.has_value()) return std::nullopt;
    if (token_.kind == Token::Kind::kEnd) {
      return Fail(at, "a '(' is not closed: write ')' at its end");
    }
    if (token_.kind != Token::Kind::kClose) return FailAtToken();
    Take();
    return inner;
  }

  std::optional<Node> ParseValue() {
    const Token token = token_;
    if (token.kind == Token::Kind::kText) {
      Take();
      return Node{.kind = Kind::kConstant, .type = ValueType::kText, .text = token.text};
    }
    if (token.kind != Token::Kind::kWord) return FailAtToken();
    Take();
    if (token_.kind == Token::Kind::kOpen) return ParseFunction(token);
    const std::string& word = token.text;
    const char first = word.front() == '-' && word.size() > 1 ? word[1] : word.front();
    if (absl::ascii_isdigit(static_cast<unsigned char>(first))) return ParseQuantity(token);
    if (word == "true" || word == "false") {
      return Node{.kind = Kind::kConstant, .type = ValueType::kBool, .text = word};
    }
    if (absl::StartsWith(word, "vars.")) return ParseVariable(token);
    if (absl::StartsWith(word, "facts.")) return ParseOwnFact(token);
    if (absl::StartsWith(word, "steps.")) return ParseStep(token, Kind::kFact);
    return Fail(token.at, absl::StrCat("unknown name ", Quoted(word),
                                       ": write vars.NAME, steps.ID.state, steps.ID.facts.NAME",
                                       use_ == ExpressionUse::kUntil ? ", facts.NAME" : "",
                                       ", or a text in quotes"));
  }

  std::optional<Node> ParseQuantity(const Token& token) {
    const ValueType type = TypeOf(token.text);
    if (type != ValueType::kNumber && type != ValueType::kDuration) {
      return Fail(token.at, absl::StrCat(Quoted(token.text),
                                         " is neither a number nor a duration: "
                                         "write 5, 0.5, 2s or 'text'"));
    }
    return Node{.kind = Kind::kConstant, .type = type, .text = token.text};
  }

  std::optional<Node> ParseVariable(const Token& token) {
    const std::string name = token.text.substr(5);
    const absl::StatusOr<std::string> text = names_.Variable(name);
    if (!text.ok()) return Fail(token.at, text.status().message());
    return Node{.kind = Kind::kConstant, .type = TypeOf(*text), .text = *text};
  }

  std::optional<Node> ParseOwnFact(const Token& token) {
    if (use_ != ExpressionUse::kUntil) {
      return Fail(token.at, "'facts' alone are those of 'until': write steps.ID.facts.NAME");
    }
    const std::string name = token.text.substr(6);
    if (name.empty()) return Fail(token.at, "the fact has no name: write facts.NAME");
    return Node{.kind = Kind::kOwnFact, .text = token.text, .fact = name};
  }

  std::optional<Node> ParseFunction(const Token& function) {
    static const auto& known = *new std::vector<std::string>{"min", "max", "count"};
    const auto found = std::find(known.begin(), known.end(), function.text);
    if (found == known.end()) {
      return Fail(function.at, absl::StrCat("unknown function ", Quoted(function.text),
                                            Suggest(function.text, known)));
    }
    Take();
    if (token_.kind != Token::Kind::kWord || !absl::StartsWith(token_.text, "steps.")) {
      return Fail(token_.at, absl::StrCat(function.text, "() is over a step's hosts: write ",
                                          function.text, "(steps.ID.facts.NAME)"));
    }
    const Token inside = token_;
    Take();
    const Kind kind = *found == "min" ? Kind::kMin : *found == "max" ? Kind::kMax : Kind::kCount;
    std::optional<Node> node = ParseStep(inside, kind);
    if (!node.has_value()) return std::nullopt;
    if (node->kind != kind) {
      return Fail(inside.at, absl::StrCat(function.text, "() is over facts: write ", function.text,
                                          "(steps.ID.facts.NAME)"));
    }
    if (token_.kind != Token::Kind::kClose) {
      return Fail(token_.at, absl::StrCat(function.text, "( is not closed: write ')'"));
    }
    Take();
    node->text = Since(function.at);
    return node;
  }

  // "steps.ID.state", or "steps.ID.facts.NAME", which becomes a node of `fact_kind`. Ids hold dots.
  std::optional<Node> ParseStep(const Token& token, Kind fact_kind) {
    const std::string kState = ".state";
    const std::string kFacts = ".facts.";
    const std::string rest = token.text.substr(6);
    std::string id, fact;
    bool found = false;
    const auto consider = [&](const std::string& candidate, const std::string& name) {
      const bool better = id.empty() || (!found && names_.IsStep(candidate));
      if (candidate.empty() || !better) return;
      found = names_.IsStep(candidate);
      id = candidate;
      fact = name;
    };
    if (absl::EndsWith(rest, kState)) consider(rest.substr(0, rest.size() - kState.size()), "");
    for (size_t at = rest.find(kFacts); at != std::string::npos; at = rest.find(kFacts, at + 1)) {
      const std::string name = rest.substr(at + kFacts.size());
      if (!name.empty()) consider(rest.substr(0, at), name);
    }
    if (id.empty()) {
      return Fail(token.at, absl::StrCat(Quoted(token.text),
                                         " says nothing of a step: write "
                                         "steps.ID.state or "
                                         "steps.ID.facts.NAME"));
    }
    const absl::StatusOr<uint32_t> step = names_.Step(id, !fact.empty());
    if (!step.ok()) return Fail(token.at, step.status().message());
    Node node{.kind = Kind::kState, .type = ValueType::kText, .text = token.text, .step = *step};
    if (fact.empty()) return node;
    node.kind = fact_kind;
    node.type = fact_kind == Kind::kCount ? ValueType::kNumber : ValueType::kAny;
    node.fact = fact;
    return node;
  }

  const absl::string_view text_;
  const ExpressionUse use_;
  const ExpressionNames& names_;
  Token token_;
  int depth_ = 0;
  size_t error_at_ = 0;
  std::string error_;
};

std::optional<Expression> CompileExpression(const Located& written, ExpressionUse use,
                                            const ExpressionNames& names, Problems& problems) {
  ExpressionParser parser(written.text, use, names);
  std::optional<Expression> expression = parser.Condition();
  if (expression.has_value()) return expression;
  TextPlace place = written.place;
  const bool one_line = !absl::StrContains(written.text, "\n");
  if (one_line) place.column += static_cast<int>(parser.error_at());
  problems.Add(place, absl::StrCat("'", use == ExpressionUse::kWhen ? "when" : "until",
                                   "' is no condition: ", parser.error()));
  return std::nullopt;
}

absl::StatusOr<Expression> CompileOutput(const std::string& text, const ExpressionNames& names) {
  ExpressionParser parser(text, ExpressionUse::kWhen, names);
  std::optional<Expression> expression = parser.Output();
  if (expression.has_value()) return *std::move(expression);
  return absl::InvalidArgumentError(parser.error());
}

}  // namespace orchestrator
