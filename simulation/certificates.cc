#include "simulation/certificates.h"

namespace simulation {
namespace {

namespace pb = ::hamisha::ledger::v1;

constexpr char kSealType[] = "hamisha.seal.v1";
constexpr char kRefusalType[] = "hamisha.refusal.v1";

template <typename Statement>
pb::Signed SignAs(const char* type, const Statement& statement, const std::string& signer) {
  pb::Signed certificate;
  certificate.set_type(type);
  statement.SerializeToString(certificate.mutable_payload());
  certificate.set_signer(signer);
  return certificate;
}

template <typename Statement>
std::optional<Statement> ReadAs(const char* type, const pb::Signed& certificate, uint32_t shard) {
  std::optional<Statement> statement(std::in_place);
  if (certificate.type() != type || !statement->ParseFromString(certificate.payload()) ||
      statement->shard() != shard) {
    return std::nullopt;
  }
  return statement;
}

}  // namespace

pb::Signed Sign(const pb::SealStatement& statement, const std::string& signer) {
  return SignAs(kSealType, statement, signer);
}
pb::Signed Sign(const pb::RefusalStatement& statement, const std::string& signer) {
  return SignAs(kRefusalType, statement, signer);
}

std::optional<pb::SealStatement> ReadSeal(const pb::Signed& certificate, uint32_t shard) {
  return ReadAs<pb::SealStatement>(kSealType, certificate, shard);
}
std::optional<pb::RefusalStatement> ReadRefusal(const pb::Signed& certificate, uint32_t shard) {
  return ReadAs<pb::RefusalStatement>(kRefusalType, certificate, shard);
}

}  // namespace simulation
