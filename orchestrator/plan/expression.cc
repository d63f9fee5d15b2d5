// How expressions are looked at in a run; expression_parser.cc reads them.
#include "orchestrator/plan/expression.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "base/status_macros.h"
#include "orchestrator/plan/expression_node.h"
#include "orchestrator/playbook/suggest.h"

namespace orchestrator {
namespace {

using Node = Expression::Node;
using Kind = Node::Kind;
using Comparison = Node::Comparison;

// Numbers and durations; nullopt when one of the texts is none.
std::optional<std::weak_ordering> Ordered(const std::string& a, const std::string& b,
                                          ValueType type) {
  if (type == ValueType::kNumber) {
    const auto x = Decimal::Parse(a);
    const auto y = Decimal::Parse(b);
    if (!x.has_value() || !y.has_value()) return std::nullopt;
    return *x <=> *y;
  }
  const auto x = ParseFiniteDuration(a);
  const auto y = ParseFiniteDuration(b);
  if (!x.has_value() || !y.has_value()) return std::nullopt;
  if (*x == *y) return std::weak_ordering::equivalent;
  return *x < *y ? std::weak_ordering::less : std::weak_ordering::greater;
}

bool IsType(const std::string& text, ValueType type) {
  switch (type) {
    case ValueType::kAny:
    case ValueType::kText: return true;
    case ValueType::kBool: return text == "true" || text == "false";
    case ValueType::kNumber: return Decimal::Parse(text).has_value();
    case ValueType::kDuration: return ParseFiniteDuration(text).has_value();
  }
  UNREACHABLE();
}

absl::Status NotOf(const Node& node, const std::string& text, ValueType type) {
  return absl::InvalidArgumentError(
      absl::StrCat(node.text, " is ", Quoted(text), ", which is not ", std::string(NameOf(type))));
}

bool Holds(Comparison comparison, std::weak_ordering order) {
  switch (comparison) {
    case Comparison::kEqual: return order == 0;
    case Comparison::kUnequal: return order != 0;
    case Comparison::kLess: return order < 0;
    case Comparison::kLessOrEqual: return order <= 0;
    case Comparison::kGreater: return order > 0;
    case Comparison::kGreaterOrEqual: return order >= 0;
  }
  UNREACHABLE();
}

class Evaluation {
 public:
  Evaluation(const RunFindings& run, const Facts* own, std::optional<uint32_t> host)
      : run_(run), own_(own), host_(host) {}

  absl::StatusOr<bool> IsTrue(const Node& node) const {
    switch (node.kind) {
      case Kind::kNot: {
        ASSIGN_OR_RETURN(const bool inner, IsTrue(node.children[0]));
        return !inner;
      }
      case Kind::kAnd:
      case Kind::kOr: {
        const bool decides = node.kind == Kind::kOr;
        for (const Node& child : node.children) {
          ASSIGN_OR_RETURN(const bool inner, IsTrue(child));
          if (inner == decides) return decides;
        }
        return !decides;
      }
      case Kind::kCompare: return Compare(node);
      case Kind::kConstant:
      case Kind::kState:
      case Kind::kFact:
      case Kind::kOwnFact:
      case Kind::kMin:
      case Kind::kMax:
      case Kind::kCount: break;
    }
    ASSIGN_OR_RETURN(const std::string text, Text(node));
    if (!IsType(text, ValueType::kBool)) return NotOf(node, text, ValueType::kBool);
    return text == "true";
  }

  absl::StatusOr<std::string> Text(const Node& node) const {
    switch (node.kind) {
      case Kind::kConstant: return node.text;
      case Kind::kState: return std::string(run_.StateOf(node.step));
      case Kind::kOwnFact: return OwnFact(node);
      case Kind::kCount: return absl::StrCat(FactsOf(node).size());
      case Kind::kFact: return Common(node);
      case Kind::kMin:
      case Kind::kMax: return Extreme(node);
      case Kind::kCompare:
      case Kind::kNot:
      case Kind::kAnd:
      case Kind::kOr: break;
    }
    UNREACHABLE();  // The parser takes these for conditions only.
  }

 private:
  absl::StatusOr<bool> Compare(const Node& node) const {
    const Node& left = node.children[0];
    const Node& right = node.children[1];
    ASSIGN_OR_RETURN(const std::string a, Text(left));
    ASSIGN_OR_RETURN(const std::string b, Text(right));
    ValueType type = left.type == ValueType::kAny ? right.type : left.type;
    if (type == ValueType::kAny) type = CommonType({a, b});
    if (!IsType(a, type)) return NotOf(left, a, type);
    if (!IsType(b, type)) return NotOf(right, b, type);
    if (type == ValueType::kNumber || type == ValueType::kDuration) {
      return Holds(node.comparison, *Ordered(a, b, type));
    }
    const bool equality =
        node.comparison == Comparison::kEqual || node.comparison == Comparison::kUnequal;
    if (equality) return (a == b) == (node.comparison == Comparison::kEqual);
    return absl::InvalidArgumentError(absl::StrCat(
        left.text, " is ", Quoted(a), " and ", right.text, " is ", Quoted(b),
        ": only numbers with numbers, and durations with durations, are less or more"));
  }

  // What all of the texts can be taken for.
  static ValueType CommonType(const std::vector<std::string>& texts) {
    for (const ValueType type : {ValueType::kNumber, ValueType::kDuration}) {
      if (std::all_of(texts.begin(), texts.end(),
                      [type](const std::string& text) { return IsType(text, type); })) {
        return type;
      }
    }
    return ValueType::kText;
  }

  absl::StatusOr<std::string> OwnFact(const Node& node) const {
    INVARIANT(own_ != nullptr);  // The parser lets them into `until` only.
    const auto found = own_->find(node.fact);
    if (found != own_->end()) return found->second;
    return absl::InvalidArgumentError(
        absl::StrCat("the result has no fact ", Quoted(node.fact), Known(*own_)));
  }

  static std::string Known(const Facts& facts) {
    std::vector<std::string> names;
    for (const auto& entry : facts) names.push_back(entry.first);
    return Suggest("", names);
  }

  std::vector<std::pair<uint32_t, std::string>> FactsOf(const Node& node) const {
    std::vector<std::pair<uint32_t, std::string>> values;
    for (const auto& [host, facts] : run_.FactsOf(node.step)) {
      const auto found = facts->find(node.fact);
      if (found != facts->end()) values.emplace_back(host, found->second);
    }
    return values;
  }

  absl::Status Missing(const Node& node) const {
    Facts all;
    for (const auto& [host, facts] : run_.FactsOf(node.step))
      all.insert(facts->begin(), facts->end());
    return absl::InvalidArgumentError(
        absl::StrCat(node.text, " is not known: no host that succeeded reported it (the step is ",
                     std::string(run_.StateOf(node.step)), ")", Known(all)));
  }

  absl::StatusOr<std::string> Common(const Node& node) const {
    const auto values = FactsOf(node);
    if (values.empty()) return Missing(node);
    for (const auto& [host, value] : values) {
      if (host_ == host) return value;
    }
    for (const auto& [host, value] : values) {
      if (value == values.front().second) continue;
      return absl::InvalidArgumentError(
          absl::StrCat(node.text, " is not the same on all hosts (", Quoted(values.front().second),
                       " and ", Quoted(value), "): write min() or max() around it"));
    }
    return values.front().second;
  }

  absl::StatusOr<std::string> Extreme(const Node& node) const {
    std::vector<std::string> texts;
    for (auto& entry : FactsOf(node)) texts.push_back(std::move(entry.second));
    if (texts.empty()) return Missing(node);
    const ValueType type = CommonType(texts);
    if (type == ValueType::kText) {
      return absl::InvalidArgumentError(
          absl::StrCat(node.text, ": its facts are neither all numbers nor all durations, like ",
                       Quoted(texts.front())));
    }
    const auto less = [type](const std::string& a, const std::string& b) {
      return *Ordered(a, b, type) < 0;
    };
    return node.kind == Kind::kMin ? *std::min_element(texts.begin(), texts.end(), less)
                                   : *std::max_element(texts.begin(), texts.end(), less);
  }

  const RunFindings& run_;
  const Facts* own_;
  const std::optional<uint32_t> host_;
};

}  // namespace

absl::string_view NameOf(ValueType type) {
  switch (type) {
    case ValueType::kAny: return "known";
    case ValueType::kNumber: return "a number";
    case ValueType::kDuration: return "a duration";
    case ValueType::kText: return "a text";
    case ValueType::kBool: return "true or false";
  }
  UNREACHABLE();
}

ValueType TypeOf(const std::string& text) {
  for (const ValueType type : {ValueType::kNumber, ValueType::kDuration, ValueType::kBool}) {
    if (IsType(text, type)) return type;
  }
  return ValueType::kText;
}

absl::StatusOr<bool> Expression::IsTrue(const RunFindings& run, const Facts* own) const {
  INVARIANT(root_ != nullptr);
  return Evaluation(run, own, std::nullopt).IsTrue(*root_);
}

absl::StatusOr<std::string> Expression::Text(const RunFindings& run, uint32_t host) const {
  INVARIANT(root_ != nullptr);
  return Evaluation(run, nullptr, host).Text(*root_);
}

}  // namespace orchestrator
