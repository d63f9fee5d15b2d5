#include "orchestrator/approval/statement.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"

namespace orchestrator {
namespace {

using nlohmann::json;

// The predicate's texts, by name.
using Field = std::pair<const char*, std::string Statement::*>;
const std::array<Field, 8> kPredicate = {{{"run", &Statement::run},
                                          {"act", &Statement::act},
                                          {"step", &Statement::step},
                                          {"nonce", &Statement::nonce},
                                          {"by", &Statement::by},
                                          {"delegate_to", &Statement::delegate_to},
                                          {"reason", &Statement::reason},
                                          {"saw", &Statement::saw}}};

absl::Status NotAStatement() {
  return absl::InvalidArgumentError(
      "the statement is not one of ours, byte for byte: sign what "
      "`hamisha approve … --statement-out FILE` wrote, without changing it");
}

std::string TextAt(const json& object, const json::json_pointer& place) {
  return object.contains(place) && object[place].is_string() ? object[place].get<std::string>()
                                                             : "";
}

}  // namespace

Statement StatementOf(const Question& question, const hamisha::orchestrator::v1::PersonAct& act) {
  return {.plan = question.plan,
          .plan_digest = question.plan_digest,
          .run = question.run,
          .act = ActName(act.act()),
          .step = act.step(),
          .nonce = question.nonce,
          .by = act.by(),
          .delegate_to = act.delegate_to(),
          .reason = act.reason(),
          .saw = act.saw()};
}

absl::StatusOr<std::string> ToJson(const Statement& statement) {
  json predicate = json::object();
  for (const auto& [name, field] : kPredicate) predicate[name] = statement.*field;
  const json object = {
      {"_type", kStatementType},
      {"predicateType", kPredicateType},
      {"predicate", std::move(predicate)},
      {"subject",
       json::array({{{"name", statement.plan}, {"digest", {{"sha256", statement.plan_digest}}}}})}};
  try {
    return object.dump();  // Keys are sorted, and ours are ASCII: the order of RFC 8785.
  } catch (const json::type_error&) {
    return absl::InvalidArgumentError("a text of the act is not UTF-8: write it in UTF-8");
  }
}

absl::StatusOr<Statement> ParseStatement(absl::string_view text) {
  const json object = json::parse(text.begin(), text.end(), nullptr, false);
  if (!object.is_object()) return NotAStatement();
  Statement statement;
  statement.plan = TextAt(object, json::json_pointer("/subject/0/name"));
  statement.plan_digest = TextAt(object, json::json_pointer("/subject/0/digest/sha256"));
  for (const auto& [name, field] : kPredicate) {
    statement.*field = TextAt(object, json::json_pointer("/predicate") / name);
  }
  const auto canonical = ToJson(statement);
  if (!canonical.ok() || *canonical != text) return NotAStatement();
  return statement;
}

std::string ActName(hamisha::orchestrator::v1::Act act) {
  const std::string& name = hamisha::orchestrator::v1::Act_Name(act);
  return absl::AsciiStrToLower(absl::StripPrefix(name, "ACT_"));
}

bool IsSigned(hamisha::orchestrator::v1::Act act) {
  return act == hamisha::orchestrator::v1::ACT_APPROVE ||
         act == hamisha::orchestrator::v1::ACT_REJECT ||
         act == hamisha::orchestrator::v1::ACT_DELEGATE ||
         act == hamisha::orchestrator::v1::ACT_COMPLETE ||
         act == hamisha::orchestrator::v1::ACT_OVERRIDE;
}

}  // namespace orchestrator
