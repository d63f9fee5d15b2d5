#include "ledger/core/certificate.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "base/status_macros.h"

namespace ledger {
namespace {

constexpr char kSealType[] = "hamisha.seal.v1";
constexpr char kRefusalType[] = "hamisha.refusal.v1";
constexpr char kCutoverType[] = "hamisha.cutover.v1";

template <typename Statement>
pb::Signed Sign(absl::string_view type, const std::string& signer, const Statement& statement,
                const base::SigningKey& key) {
  pb::Signed certificate;
  certificate.set_type(type.data(), type.size());
  certificate.set_payload(statement.SerializeAsString());
  certificate.set_signer(signer);
  certificate.set_signature(key.Sign(base::PreAuthenticationEncoding(type, certificate.payload())));
  return certificate;
}

// The statement under a signature that holds; its fields are not yet checked.
template <typename Statement>
absl::StatusOr<Statement> Verify(const pb::Signed& certificate, absl::string_view type,
                                 const MemberKeys& keys) {
  if (certificate.type() != std::string(type)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a certificate of type '", type, "' is needed, this is '", certificate.type(), "'"));
  }
  const auto key = keys.find(certificate.signer());
  if (key == keys.end()) {
    return absl::UnauthenticatedError(
        absl::StrCat("'", certificate.signer(), "' who signed is not a member of the shard"));
  }
  RETURN_IF_ERROR(base::VerifySignature(
      key->second, base::PreAuthenticationEncoding(type, certificate.payload()),
      certificate.signature()));
  Statement statement;
  if (!statement.ParseFromString(certificate.payload())) {
    return absl::InvalidArgumentError("the certificate's payload is not the statement of its type");
  }
  return statement;
}

absl::Status CheckHash(absl::string_view name, const std::string& hash) {
  if (hash.size() == sizeof(base::Hash256)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the certificate's ", name, " has ", hash.size(), " bytes instead of 32"));
}

absl::Status CheckSigner(const std::string& signer, absl::string_view role,
                         const std::string& named) {
  if (signer == named) return absl::OkStatus();
  return absl::UnauthenticatedError(
      absl::StrCat("'", signer, "' signed, but only the ", role, " '", named, "' may"));
}

absl::Status CheckShard(uint32_t found, uint32_t shard) {
  if (found == shard) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the certificate is for shard ", found, ", this is shard ", shard));
}

std::string Differ(absl::string_view what, uint64_t certified, uint64_t found) {
  return absl::StrCat(what, ": certified ", certified, ", found ", found);
}

std::string DifferHash(absl::string_view what, const std::string& certified,
                       const std::string& found) {
  return absl::StrCat(what, ": certified ", base::ToHex(certified), ", found ", base::ToHex(found));
}

std::string CurrencyDifference(const pb::CurrencyTotals& certified,
                               const pb::CurrencyTotals& found) {
  if (certified.ledger() != found.ledger()) {
    return Differ("currency", certified.ledger(), found.ledger());
  }
  const std::string currency = absl::StrCat(" of currency ", found.ledger());
  if (certified.debits_posted() != found.debits_posted()) {
    return Differ("debits posted" + currency, certified.debits_posted(), found.debits_posted());
  }
  if (certified.credits_posted() != found.credits_posted()) {
    return Differ("credits posted" + currency, certified.credits_posted(), found.credits_posted());
  }
  if (certified.debits_pending() != found.debits_pending()) {
    return Differ("debits pending" + currency, certified.debits_pending(), found.debits_pending());
  }
  if (certified.credits_pending() != found.credits_pending()) {
    return Differ("credits pending" + currency, certified.credits_pending(),
                  found.credits_pending());
  }
  return "";
}

std::string InvariantsDifference(const pb::Invariants& certified, const pb::Invariants& found) {
  if (certified.accounts() != found.accounts()) {
    return Differ("number of accounts", certified.accounts(), found.accounts());
  }
  if (certified.transfers() != found.transfers()) {
    return Differ("number of transfers", certified.transfers(), found.transfers());
  }
  const int both = std::min(certified.currencies_size(), found.currencies_size());
  for (int i = 0; i < both; ++i) {
    std::string difference = CurrencyDifference(certified.currencies(i), found.currencies(i));
    if (!difference.empty()) return difference;
  }
  if (certified.currencies_size() != found.currencies_size()) {
    return absl::StrCat("number of currencies: certified ", certified.currencies_size(), ", found ",
                        found.currencies_size());
  }
  return "";
}

base::Hash256 HashOrDie(const std::string& bytes) {
  const absl::StatusOr<base::Hash256> hash = base::ToHash256(bytes);
  INVARIANT(hash.ok());
  return *hash;
}

}  // namespace

pb::Signed SignSeal(const pb::SealStatement& statement, const base::SigningKey& key) {
  return Sign(kSealType, statement.owner(), statement, key);
}

pb::Signed SignRefusal(const pb::RefusalStatement& statement, const base::SigningKey& key) {
  return Sign(kRefusalType, statement.refuser(), statement, key);
}

pb::Signed SignCutover(const pb::CutoverStatement& statement, const std::string& signer,
                       const base::SigningKey& key) {
  return Sign(kCutoverType, signer, statement, key);
}

absl::StatusOr<pb::CutoverStatement> VerifyCutover(const pb::Signed& certificate,
                                                   const MemberKeys& keys) {
  ASSIGN_OR_RETURN(pb::CutoverStatement statement,
                   Verify<pb::CutoverStatement>(certificate, kCutoverType, keys));
  if (certificate.signer() != statement.owner() && certificate.signer() != statement.successor()) {
    return absl::UnauthenticatedError(absl::StrCat("'", certificate.signer(),
                                                   "' signed, but only '", statement.owner(),
                                                   "' and '", statement.successor(), "' may"));
  }
  RETURN_IF_ERROR(CheckHash("log hash", statement.log_hash()));
  RETURN_IF_ERROR(CheckHash("state root", statement.state_root()));
  return statement;
}

pb::CutoverStatement ToCutover(const pb::SealStatement& seal) {
  pb::CutoverStatement statement;
  statement.set_shard(seal.shard());
  statement.set_epoch(seal.epoch());
  statement.set_position(seal.position());
  statement.set_log_hash(seal.log_hash());
  statement.set_state_root(seal.state_root());
  *statement.mutable_invariants() = seal.invariants();
  statement.set_owner(seal.owner());
  statement.set_successor(seal.successor());
  statement.set_run(seal.run());
  statement.set_timestamp_ns(seal.timestamp_ns());
  return statement;
}

absl::StatusOr<pb::SealStatement> VerifySeal(const pb::Signed& certificate, uint32_t shard,
                                             const MemberKeys& keys) {
  ASSIGN_OR_RETURN(pb::SealStatement statement,
                   Verify<pb::SealStatement>(certificate, kSealType, keys));
  RETURN_IF_ERROR(CheckShard(statement.shard(), shard));
  RETURN_IF_ERROR(CheckSigner(certificate.signer(), "owner", statement.owner()));
  RETURN_IF_ERROR(CheckHash("log hash", statement.log_hash()));
  RETURN_IF_ERROR(CheckHash("state root", statement.state_root()));
  if (statement.epoch() == 0 || statement.position() == 0) {
    return absl::InvalidArgumentError("the seal certificate's epoch or position is 0");
  }
  if (statement.successor() == statement.owner() || keys.count(statement.successor()) == 0) {
    return absl::InvalidArgumentError(absl::StrCat("the seal certificate's successor '",
                                                   statement.successor(),
                                                   "' is not another node of the shard"));
  }
  return statement;
}

absl::StatusOr<pb::RefusalStatement> VerifyRefusal(const pb::Signed& certificate, uint32_t shard,
                                                   const MemberKeys& keys) {
  ASSIGN_OR_RETURN(pb::RefusalStatement statement,
                   Verify<pb::RefusalStatement>(certificate, kRefusalType, keys));
  RETURN_IF_ERROR(CheckShard(statement.shard(), shard));
  RETURN_IF_ERROR(CheckSigner(certificate.signer(), "refuser", statement.refuser()));
  RETURN_IF_ERROR(CheckHash("seal's log hash", statement.seal_log_hash()));
  if (statement.epoch() == 0) {
    return absl::InvalidArgumentError("the refusal certificate's epoch is 0");
  }
  return statement;
}

SealFacts ToFacts(const pb::SealStatement& statement) {
  return {.epoch = statement.epoch(),
          .position = statement.position(),
          .log_hash = HashOrDie(statement.log_hash()),
          .owner = statement.owner(),
          .successor = statement.successor()};
}

RefusalFacts ToFacts(const pb::RefusalStatement& statement) {
  return {.epoch = statement.epoch(), .refuser = statement.refuser()};
}

pb::Invariants ToProto(const Totals& totals) {
  pb::Invariants invariants;
  invariants.set_accounts(totals.accounts);
  invariants.set_transfers(totals.transfers);
  for (const CurrencyTotals& currency : totals.currencies) {
    pb::CurrencyTotals& sums = *invariants.add_currencies();
    sums.set_ledger(currency.ledger);
    sums.set_debits_posted(currency.debits_posted);
    sums.set_credits_posted(currency.credits_posted);
    sums.set_debits_pending(currency.debits_pending);
    sums.set_credits_pending(currency.credits_pending);
  }
  return invariants;
}

std::string FirstDifference(const pb::SealStatement& certified, const pb::SealStatement& found) {
  if (certified.position() != found.position()) {
    return Differ("position", certified.position(), found.position());
  }
  if (certified.log_hash() != found.log_hash()) {
    return DifferHash("log hash", certified.log_hash(), found.log_hash());
  }
  // Sums before the root: they say more.
  std::string difference = InvariantsDifference(certified.invariants(), found.invariants());
  if (!difference.empty()) return difference;
  if (certified.state_root() != found.state_root()) {
    return DifferHash("state root", certified.state_root(), found.state_root());
  }
  return "";
}

std::string CutoverDifference(const pb::CutoverStatement& one, const pb::CutoverStatement& other) {
  if (one.position() != other.position()) {
    return Differ("position", one.position(), other.position());
  }
  if (one.log_hash() != other.log_hash()) {
    return DifferHash("log hash", one.log_hash(), other.log_hash());
  }
  std::string difference = InvariantsDifference(one.invariants(), other.invariants());
  if (!difference.empty()) return difference;
  if (one.state_root() != other.state_root()) {
    return DifferHash("state root", one.state_root(), other.state_root());
  }
  if (one.challenge().position() != other.challenge().position()) {
    return Differ("position of the challenge", one.challenge().position(),
                  other.challenge().position());
  }
  if (one.challenge().digest() != other.challenge().digest()) {
    return DifferHash("challenge", one.challenge().digest(), other.challenge().digest());
  }
  if (one.in_flight().pendings() != other.in_flight().pendings()) {
    return Differ("open pending transfers", one.in_flight().pendings(),
                  other.in_flight().pendings());
  }
  return one.SerializeAsString() == other.SerializeAsString() ? "" : "names or times of the seal";
}

}  // namespace ledger
