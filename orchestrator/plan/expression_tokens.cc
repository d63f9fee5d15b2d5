#include "orchestrator/plan/expression_tokens.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "orchestrator/playbook/suggest.h"

namespace orchestrator {
namespace {

using Comparison = Expression::Node::Comparison;

bool IsWordLetter(char letter) {
  return absl::ascii_isalnum(static_cast<unsigned char>(letter)) || letter == '_' ||
         letter == '-' || letter == '.';
}

}  // namespace

const std::vector<OperatorRow>& Operators() {
  static const auto& rows = *new std::vector<OperatorRow>{
      {"==", Comparison::kEqual},       {"!=", Comparison::kUnequal},
      {"<=", Comparison::kLessOrEqual}, {">=", Comparison::kGreaterOrEqual},
      {"<", Comparison::kLess},         {">", Comparison::kGreater},
  };
  return rows;
}

Token NextToken(absl::string_view text, size_t at) {
  while (at < text.size() && absl::ascii_isspace(static_cast<unsigned char>(text[at]))) ++at;
  if (at == text.size()) return {.kind = Token::Kind::kEnd, .at = at};
  const char first = text[at];
  if (first == '(') return {.kind = Token::Kind::kOpen, .text = "(", .at = at};
  if (first == ')') return {.kind = Token::Kind::kClose, .text = ")", .at = at};
  if (first == '\'' || first == '"') {
    const size_t end = text.find(first, at + 1);
    if (end == absl::string_view::npos) return {Token::Kind::kWrong, std::string(1, first), at};
    return {Token::Kind::kText, std::string(text.substr(at + 1, end - at - 1)), at};
  }
  for (const OperatorRow& row : Operators()) {
    if (!absl::StartsWith(text.substr(at), row.text)) continue;
    return {Token::Kind::kOperator, std::string(row.text), at};
  }
  size_t end = at;
  while (end < text.size() && IsWordLetter(text[end])) ++end;
  if (end == at) return {Token::Kind::kWrong, std::string(text.substr(at, 1)), at};
  return {Token::Kind::kWord, std::string(text.substr(at, end - at)), at};
}

size_t EndOf(const Token& token) {
  const size_t quotes = token.kind == Token::Kind::kText ? 2 : 0;
  return token.at + token.text.size() + quotes;
}

std::string WrongLetter(const std::string& letter) {
  if (letter == "'" || letter == "\"") return "a quote is not closed: write it at the text's end";
  if (letter == "&") return "'&' is no operator: write 'and'";
  if (letter == "|") return "'|' is no operator: write 'or'";
  if (letter == "!") return "'!' is no operator: write 'not'";
  if (letter == "=") return "'=' is no operator: write '=='";
  if (letter == "$") return "'${…}' is for values: write vars.NAME here";
  return absl::StrCat(Quoted(letter),
                      " means nothing here: write and, or, not, a comparison, or a "
                      "value");
}

}  // namespace orchestrator
