#include "ledger/node/offline_check.h"

#include <google/protobuf/util/json_util.h>

#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/hash.h"
#include "base/invariant.h"
#include "base/status_macros.h"
#include "ledger/core/account_proof.h"
#include "ledger/core/certificate.h"

namespace ledger {
namespace {

template <typename Message>
absl::StatusOr<Message> ReadJson(base::FileSystem& files, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, files.Read(path));
  Message message;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto status = google::protobuf::util::JsonStringToMessage(text, &message, options);
  if (status.ok()) return message;
  return absl::InvalidArgumentError(
      absl::StrCat(path, " cannot be read: ", std::string(status.message())));
}

absl::Status In(const std::string& path, const absl::Status& status) {
  return {status.code(), absl::StrCat(path, ": ", status.message())};
}

absl::StatusOr<MemberKeys> ReadKeys(base::FileSystem& files, const std::string& path) {
  ASSIGN_OR_RETURN(const pb::NodeConfig config, ReadJson<pb::NodeConfig>(files, path));
  MemberKeys keys;
  for (const pb::Member& member : config.members()) {
    const absl::StatusOr<std::string> key = base::FromHex(member.public_key());
    if (!key.ok()) return In(path, key.status());
    keys[member.node_id()] = *key;
  }
  if (keys.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, R"( names no key: write {"members": [{"node_id": …, "public_key": …}]})"));
  }
  return keys;
}

// A certificate of one side alone proves nothing of the other.
absl::Status CheckBothSigned(const pb::CutoverStatement& statement,
                             const std::set<std::string>& signers) {
  if (statement.owner() == statement.successor()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "'", statement.owner(), "' is owner and successor: that is no cutover between two nodes"));
  }
  for (const std::string& side : {statement.owner(), statement.successor()}) {
    if (signers.contains(side)) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("nothing is proven: the certificate of '", side,
                     "' is missing (the owner is '", statement.owner(), "', the successor '",
                     statement.successor(), "'): name a file of each with --certificate"));
  }
  return absl::OkStatus();
}

std::string AsJson(const google::protobuf::Message& message) {
  std::string text;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  INVARIANT(google::protobuf::util::MessageToJsonString(message, &text, options).ok());
  return text;
}

}  // namespace

absl::StatusOr<std::string> CheckCutover(base::FileSystem& files, const CutoverFiles& given) {
  ASSIGN_OR_RETURN(const MemberKeys keys, ReadKeys(files, given.keys));
  pb::CutoverStatement statement;
  std::set<std::string> signers;
  std::string payload;
  for (const std::string& path : given.certificates) {
    ASSIGN_OR_RETURN(const pb::Signed certificate, ReadJson<pb::Signed>(files, path));
    const absl::StatusOr<pb::CutoverStatement> verified = VerifyCutover(certificate, keys);
    if (!verified.ok()) return In(path, verified.status());
    if (!signers.empty() && certificate.payload() != payload) {
      return absl::DataLossError(absl::StrCat(path, " does not state the same as ",
                                              given.certificates[0], ": ",
                                              CutoverDifference(statement, *verified)));
    }
    statement = *verified;
    payload = certificate.payload();
    signers.insert(certificate.signer());
  }
  RETURN_IF_ERROR(CheckBothSigned(statement, signers));
  std::string account;
  if (!given.proof.empty()) {
    ASSIGN_OR_RETURN(const auto proof, ReadJson<pb::AccountProof>(files, given.proof));
    const absl::Status status = CheckProof(proof, statement.state_root());
    if (!status.ok()) return In(given.proof, status);
    account = absl::StrCat(R"(, "account": )", AsJson(proof.account()));
  }
  return absl::StrCat(R"({"signers": [")", absl::StrJoin(signers, R"(", ")"),
                      R"("], "statement": )", AsJson(statement), account, "}");
}

std::string ToJson(const pb::AccountProof& proof) { return AsJson(proof); }

absl::StatusOr<Id128> ParseAccountId(const std::string& digits) {
  Id128 id;
  const absl::string_view all = digits;
  if (digits.size() == 32 && absl::SimpleHexAtoi(all.substr(0, 16), &id.high) &&
      absl::SimpleHexAtoi(all.substr(16), &id.low)) {
    return id;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", digits, "' is no account's id: write its 32 hexadecimal digits"));
}

}  // namespace ledger
