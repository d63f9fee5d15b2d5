// What a person signs when deciding: an in-toto statement about the plan.
// https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "hamisha/orchestrator/v1/orchestrator.pb.h"

namespace orchestrator {

inline constexpr char kStatementType[] = "https://in-toto.io/Statement/v1";
inline constexpr char kPredicateType[] = "urn:hamisha:approval:v1";

// What a person is asked about.
struct Question {
  std::string plan;
  std::string plan_digest;  // Hexadecimal.
  std::string run;
  // The orchestrator's, of this step of this run since people were last asked about it: a signature
  // serves nowhere else, and no second time.
  std::string nonce;
};

// Texts of UTF-8; "" where an act has no such thing.
struct Statement {
  std::string plan;
  std::string plan_digest;  // Hexadecimal: the subject's SHA-256.
  std::string run;
  std::string act;   // "approve"
  std::string step;  // The gate.
  std::string nonce;
  std::string by;
  std::string delegate_to;
  std::string reason;
  std::string saw;  // What the person had before them.
};

// What `act` has to sign as an answer.
Statement StatementOf(const Question& question, const hamisha::orchestrator::v1::PersonAct& act);

// The very bytes that are signed: JSON in the form of RFC 8785, of strings only. INVALID_ARGUMENT
// when a text is not UTF-8.
absl::StatusOr<std::string> ToJson(const Statement& statement);

// Reads only what ToJson() writes, byte for byte; else INVALID_ARGUMENT.
absl::StatusOr<Statement> ParseStatement(absl::string_view json);

// "approve"
std::string ActName(hamisha::orchestrator::v1::Act act);
// Whether it is signed where the plan's inventory names people.
bool IsSigned(hamisha::orchestrator::v1::Act act);

}  // namespace orchestrator
