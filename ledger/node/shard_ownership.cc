// Shard: the operations that move ownership, and what is said about the state.
#include <algorithm>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "base/status_macros.h"
#include "ledger/copy/duration.h"
#include "ledger/node/shard.h"

namespace ledger {
namespace {

// What an Open rests on, as its record holds it: of a certificate that is too long (each currency
// takes some bytes) all but the statement, which the signature stands for.
std::string GroundsOf(pb::Signed certificate) {
  if (certificate.ByteSizeLong() > kOpenBodyBytesMax) {
    certificate.clear_payload();
    certificate.DiscardUnknownFields();
  }
  return certificate.SerializeAsString();
}

}  // namespace

void Shard::Seal(const pb::SealRequest& request, Answer<pb::Signed> answer) {
  if (request.run().empty()) {
    return answer(absl::InvalidArgumentError("say which run seals: `run` is empty"));
  }
  const absl::StatusOr<RecordDraft> draft =
      ownership_.DraftSeal(request.successor(), request.run(), request.epoch());
  // Clients would wait for it.
  if (const uint64_t rows = accounts_unhashed(); draft.ok() && rows > 0) {
    return answer(absl::FailedPreconditionError(
        absl::StrCat("the state root still lacks ", rows,
                     " accounts, as after a start or many new ones: seal when the node's status "
                     "says accounts_unhashed 0")));
  }
  if (draft.ok() && failed_.ok()) {
    Record record = Draw(*draft, "", 0);
    AppendRecord(record);
    const StateFacts facts = FactsNow();
    sealed_[record.position] = StatementNow(facts);
    NoteCutover(sealed_[record.position], facts.totals);
  }
  // A repeat finds the Seal that the first order wrote.
  WhenDurable([this, request, draft, answer = std::move(answer)](const absl::Status& status) {
    if (!status.ok()) return answer(status);
    const auto seal = ownership_.DurableSeal(request.run(), request.successor());
    const bool is_asked = seal && (request.epoch() == 0 || request.epoch() == seal->epoch);
    if (is_asked) return answer(Certify(*seal));
    answer(draft.status());
  });
}

void Shard::Open(const pb::Signed& certificate, Answer<pb::OwnershipChange> answer) {
  const auto statement = VerifySeal(certificate, options_.config.shard(), options_.keys);
  if (!statement.ok()) return answer(statement.status());
  const SealFacts seal = ToFacts(*statement);
  const auto before = own_opens_.find(seal.epoch + 1);
  if (before != own_opens_.end() && before->second.previous_hash == seal.log_hash) {
    return AnswerChange(before->second, std::move(answer));
  }
  const absl::StatusOr<RecordDraft> draft = ownership_.DraftOpen(seal);
  if (!draft.ok()) return answer(WithOwner(draft.status()));
  if (absl::Status status = CheckTrusted(seal); !status.ok()) return answer(status);
  const StateFacts facts = FactsNow();
  const pb::SealStatement found = StatementNow(facts);
  if (const std::string difference = FirstDifference(*statement, found); !difference.empty()) {
    return answer(absl::DataLossError(absl::StrCat(
        "the logs are equal and the states are not: ", difference, " (state root certified ",
        base::ToHex(statement->state_root()), ", found ", base::ToHex(found.state_root()),
        "); this node must not open: refuse on it and unseal '", seal.owner, "'")));
  }
  if (!failed_.ok()) return answer(failed_);
  NoteCutover(found, facts.totals);
  if (absl::Status status = BecomePrimary(); !status.ok()) return answer(status);
  const std::string body = GroundsOf(certificate);
  Record record = Draw(*draft, body, 0);
  AppendRecord(record);
  AnswerChange(*last_, std::move(answer));
}

void Shard::Refuse(const pb::Signed& certificate, Answer<pb::Signed> answer) {
  answer(RefuseNow(certificate));
}

absl::StatusOr<pb::Signed> Shard::RefuseNow(const pb::Signed& certificate) {
  RETURN_IF_ERROR(failed_);
  ASSIGN_OR_RETURN(const pb::SealStatement statement,
                   VerifySeal(certificate, options_.config.shard(), options_.keys));
  ASSIGN_OR_RETURN(const uint64_t epoch, ownership_.DraftRefusal(ToFacts(statement)));
  if (!ownership_.IsRefusalDurable(epoch)) {
    ownership_.RefusalDecided(epoch);
    if (refusals_.empty() || refusals_.back() != epoch) refusals_.push_back(epoch);
    // After an error the refusal stands in memory and counts; a repeat tries to save it again.
    RETURN_IF_ERROR(options_.files->SaveRefusals(refusals_));
    ownership_.RefusalDurable(epoch);
  }
  pb::RefusalStatement refusal;
  refusal.set_shard(options_.config.shard());
  refusal.set_epoch(epoch);
  refusal.set_refuser(ownership_.self());
  refusal.set_seal_log_hash(statement.log_hash());
  return SignRefusal(refusal, *options_.key);
}

void Shard::Unseal(const pb::Signed& certificate, Answer<pb::OwnershipChange> answer) {
  const auto statement = VerifyRefusal(certificate, options_.config.shard(), options_.keys);
  if (!statement.ok()) return answer(statement.status());
  const auto is_for = [&](const base::Hash256& hash) {
    return base::AsBytes(hash) == absl::string_view(statement->seal_log_hash());
  };
  const auto before = own_opens_.find(statement->epoch() + 1);
  if (before != own_opens_.end() && is_for(before->second.previous_hash)) {
    return AnswerChange(before->second, std::move(answer));
  }
  const absl::StatusOr<RecordDraft> draft = ownership_.DraftUnseal(ToFacts(*statement));
  if (!draft.ok()) return answer(WithOwner(draft.status()));
  if (!is_for(log_hash())) {
    return answer(absl::FailedPreconditionError(
        "the refusal is of another seal than the one that this node's log ends with"));
  }
  if (!failed_.ok()) return answer(failed_);
  if (absl::Status status = BecomePrimary(); !status.ok()) return answer(status);
  Record record = Draw(*draft, "", 0);
  AppendRecord(record);
  AnswerChange(*last_, std::move(answer));
}

absl::StatusOr<pb::Comparison> Shard::Compare(const pb::Signed& certificate) {
  RETURN_IF_ERROR(failed_);
  ASSIGN_OR_RETURN(const pb::SealStatement statement,
                   VerifySeal(certificate, options_.config.shard(), options_.keys));
  if (position() != statement.position()) {
    const bool is_behind = position() < statement.position();
    return absl::FailedPreconditionError(absl::StrCat(
        "this node's log ends at position ", position(), ", the certificate is for ",
        statement.position(),
        is_behind ? ": wait until the rest is replicated" : ": the state has gone on since"));
  }
  pb::Comparison comparison;
  const StateFacts facts = FactsNow();
  *comparison.mutable_found() = StatementNow(facts);
  comparison.set_difference(FirstDifference(statement, comparison.found()));
  if (comparison.difference().empty()) {
    comparison.set_difference(Fault());
  }
  comparison.set_equal(comparison.difference().empty());
  if (comparison.equal()) NoteCutover(comparison.found(), facts.totals);
  *comparison.mutable_certified() = statement;
  return comparison;
}

void Shard::GetStatus(Answer<pb::NodeStatus> answer) {
  pb::NodeStatus status;
  status.set_shard(options_.config.shard());
  status.set_node_id(ownership_.self());
  status.set_role(role());
  status.set_epoch(ownership_.epoch());
  status.set_owner(ownership_.owner());
  status.set_successor(ownership_.successor());
  status.set_position(position());
  const base::Hash256 hash = log_hash();
  status.set_log_hash(hash.data(), hash.size());
  status.set_following(following_);
  status.set_accounts(state_.account_count());
  status.set_transfers(state_.transfer_count());
  status.set_accounts_unhashed(accounts_unhashed());
  status.set_roots_checked(roots_checked_);
  status.set_timestamp_ns(appended_.timestamp_ns);
  status.set_pendings(state_.pending_count());
  if (const auto last_ns = state_.last_expiry_ns(); last_ns > appended_.timestamp_ns) {
    const auto left_ns = static_cast<int64_t>(*last_ns - appended_.timestamp_ns);
    *status.mutable_pending_left_longest() = ToProto(absl::Nanoseconds(left_ns));
  }
  for (const uint64_t epoch : refusals_) {
    status.set_refused_epoch(std::max(status.refused_epoch(), epoch));
  }
  const std::string fault = Fault();
  status.set_state_differs(!fault.empty());
  // Until it is known where.
  if (!is_searching_ || !distrust_.empty()) status.set_fault(fault);
  // One that comes while this waits is of a later position than the one that is told here.
  WhenDurable([this, status = std::move(status), received = received_certificate_,
               answer = std::move(answer)](const absl::Status& durable) mutable {
    if (!durable.ok()) return answer(durable);
    if (own_certificate_ != nullptr) *status.add_certificates() = *own_certificate_;
    if (received) *status.add_certificates() = *std::move(received);
    answer(std::move(status));
  });
}

absl::Status Shard::WithOwner(absl::Status status) const {
  pb::NotOwner not_owner;
  const bool is_sealed = last_ && last_->kind == RecordKind::kSeal;
  not_owner.set_shard(options_.config.shard());
  not_owner.set_epoch(ownership_.epoch());
  not_owner.set_owner(is_sealed ? last_->successor : ownership_.owner());
  not_owner.set_sealed(is_sealed);
  for (const pb::Member& member : options_.config.members()) {
    if (member.node_id() == not_owner.owner()) not_owner.set_address(member.client_address());
  }
  status.SetPayload(kNotOwnerPayload, absl::Cord(not_owner.SerializeAsString()));
  return status;
}

pb::Role Shard::role() const {
  switch (ownership_.role()) {
    case Role::kPrimary: return pb::ROLE_PRIMARY;
    case Role::kSealed: return pb::ROLE_SEALED;
    case Role::kReplica: return pb::ROLE_REPLICA;
  }
  UNREACHABLE();
}

pb::SealStatement Shard::StatementNow(const StateFacts& facts) const {
  INVARIANT(last_);
  pb::SealStatement statement;
  statement.set_shard(options_.config.shard());
  statement.set_epoch(last_->epoch);
  statement.set_position(last_->position);
  statement.set_log_hash(last_->hash.data(), last_->hash.size());
  statement.set_state_root(facts.root.data(), facts.root.size());
  *statement.mutable_invariants() = ToProto(facts.totals);
  statement.set_owner(last_->owner);
  statement.set_successor(last_->successor);
  statement.set_run(last_->run);
  statement.set_timestamp_ns(appended_.timestamp_ns);
  return statement;
}

pb::Signed Shard::Certify(const LogEntry& seal) const {
  INVARIANT(seal.position <= durable_.position);
  return SignSeal(sealed_.at(seal.position), *options_.key);
}

void Shard::RenewOwnCertificate() {
  const auto seal = ownership_.DurableSeal("", "");
  if (!seal || seal->position == own_certificate_position_) return;
  own_certificate_ = std::make_shared<const pb::Signed>(Certify(*seal));
  own_certificate_position_ = seal->position;
}

void Shard::PublishTail() {
  options_.tail->Set({.position = durable_.position,
                      .bytes = durable_.bytes,
                      .timestamp_ns = durable_.timestamp_ns,
                      .accounts_unhashed = accounts_unhashed(),
                      .certificate = own_certificate_,
                      .certificate_position = own_certificate_position_,
                      .closed = false});
}

void Shard::AnswerChange(const LogEntry& open, Answer<pb::OwnershipChange> answer) {
  pb::OwnershipChange change;
  change.set_epoch(open.epoch);
  change.set_position(open.position);
  WhenDurable([change, answer = std::move(answer)](const absl::Status& status) {
    status.ok() ? answer(change) : answer(status);
  });
}

absl::Status Shard::BecomePrimary() {
  // Of a copy whose records behind it were never read. A certificate is of a later position, so
  // only a disk that lost its end leads here.
  if (options_.history->IsAhead()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the history that node ", ownership_.self(),
                     " copied is of records that its log does not have: it must follow first"));
  }
  if (following_.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(options_.files->SaveFollowing(""));
  following_.clear();
  return absl::OkStatus();
}

}  // namespace ledger
