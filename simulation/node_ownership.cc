// LedgerNode: the orders that move ownership, as in ledger/node/shard_ownership.cc.
#include "base/invariant.h"
#include "ledger/core/certificate.h"
#include "simulation/certificates.h"
#include "simulation/ledger_node.h"

namespace simulation {

void LedgerNode::Handle(const NodeRequest& request, Reply reply) {
  if (!life_.is_up) return reply(absl::UnavailableError("the node is down"));
  switch (request.kind) {
    case NodeRequest::Kind::kStatus:
      return WhenDurable([this, status = StatusNow(),
                          reply = std::move(reply)](const absl::Status& durable) mutable {
        if (!durable.ok()) return reply(durable);
        if (own_certificate_ != nullptr) {
          status.certificates.insert(status.certificates.begin(), *own_certificate_);
        }
        reply(NodeAnswer{.status = std::move(status)});
      });
    case NodeRequest::Kind::kSeal: return Seal(request, std::move(reply));
    case NodeRequest::Kind::kOpen: return Open(request, std::move(reply));
    case NodeRequest::Kind::kRefuse: return Refuse(request, std::move(reply));
    case NodeRequest::Kind::kUnseal: return Unseal(request, std::move(reply));
    case NodeRequest::Kind::kCompare: return Compare(request, std::move(reply));
    case NodeRequest::Kind::kFollow: return Follow(request, std::move(reply));
  }
  UNREACHABLE();
}

void LedgerNode::Seal(const NodeRequest& request, Reply reply) {
  const auto draft = ownership_->DraftSeal(request.node, request.run, 0);
  if (draft.ok()) {
    environment_.trace.Note(place_.id, " seals for ", request.node);
    Append(*draft, {});
  }
  WhenDurable(
      [this, request, draft, reply = std::move(reply)](const absl::Status& durable) mutable {
        if (!durable.ok()) return reply(durable);
        const auto seal = ownership_->DurableSeal(request.run, request.node);
        if (!seal) return reply(draft.status());
        reply(NodeAnswer{.status = {}, .certificate = Certify(*seal)});
      });
}

void LedgerNode::Open(const NodeRequest& request, Reply reply) {
  const auto statement = ReadSeal(request.certificate, place_.shard);
  if (!statement.has_value()) return reply(absl::InvalidArgumentError("no seal certificate"));
  const ledger::SealFacts seal = ledger::ToFacts(*statement);
  const auto before = own_opens_.find(seal.epoch + 1);
  if (before != own_opens_.end() && before->second.previous_hash == seal.log_hash) {
    return AnswerWhenDurable({}, std::move(reply));
  }
  const auto draft = ownership_->DraftOpen(seal);
  if (!draft.ok()) return reply(draft.status());
  environment_.trace.Note(place_.id, " opens epoch ", draft->epoch);
  SetFollowing("");
  Append(*draft, {});
  AnswerWhenDurable({}, std::move(reply));
}

// The node's thread waits for the file, so nothing comes between; a crash does.
void LedgerNode::Refuse(const NodeRequest& request, Reply reply) {
  const auto statement = ReadSeal(request.certificate, place_.shard);
  if (!statement.has_value()) return reply(absl::InvalidArgumentError("no seal certificate"));
  const auto epoch = ownership_->DraftRefusal(ledger::ToFacts(*statement));
  if (!epoch.ok()) return reply(epoch.status());
  if (!ownership_->IsRefusalDurable(*epoch)) {
    ownership_->RefusalDecided(*epoch);
    refusals_.push_back(*epoch);
    refusals_durable_ = refusals_.size();
    ownership_->RefusalDurable(*epoch);
  }
  environment_.trace.Note(place_.id, " refuses epoch ", *epoch);
  ledger_pb::RefusalStatement refusal;
  refusal.set_shard(place_.shard);
  refusal.set_epoch(*epoch);
  refusal.set_refuser(place_.id);
  refusal.set_seal_log_hash(statement->log_hash());
  const NodeAnswer answer{.status = {}, .certificate = Sign(refusal, place_.id)};
  environment_.promises.OnCertificate(*answer.certificate);
  reply(answer);
}

void LedgerNode::Unseal(const NodeRequest& request, Reply reply) {
  const auto statement = ReadRefusal(request.certificate, place_.shard);
  if (!statement.has_value()) return reply(absl::InvalidArgumentError("no refusal certificate"));
  const auto is_for = [&](const base::Hash256& hash) {
    return base::AsBytes(hash) == absl::string_view(statement->seal_log_hash());
  };
  const auto before = own_opens_.find(statement->epoch() + 1);
  if (before != own_opens_.end() && is_for(before->second.previous_hash)) {
    return AnswerWhenDurable({}, std::move(reply));
  }
  const auto draft = ownership_->DraftUnseal(ledger::ToFacts(*statement));
  if (!draft.ok()) return reply(draft.status());
  if (!is_for(ownership_->log_hash())) {
    return reply(absl::FailedPreconditionError("the refusal is of another seal"));
  }
  environment_.trace.Note(place_.id, " unseals as epoch ", draft->epoch);
  SetFollowing("");
  Append(*draft, {});
  AnswerWhenDurable({}, std::move(reply));
}

void LedgerNode::Compare(const NodeRequest& request, Reply reply) {
  const auto statement = ReadSeal(request.certificate, place_.shard);
  if (!statement.has_value()) return reply(absl::InvalidArgumentError("no seal certificate"));
  if (ownership_->position() != statement->position()) {
    return reply(absl::FailedPreconditionError("the log ends elsewhere"));
  }
  NodeAnswer answer;
  answer.equal = base::AsBytes(ownership_->log_hash()) == absl::string_view(statement->log_hash());
  reply(answer);
}

void LedgerNode::Follow(const NodeRequest& request, Reply reply) {
  if (!request.node.empty() && ownership_->role() == ledger::Role::kPrimary) {
    return reply(absl::FailedPreconditionError("this node is primary and follows nobody"));
  }
  SetFollowing(request.node);
  reply(NodeAnswer{.status = StatusNow()});
}

ledger_pb::Signed LedgerNode::Certify(const ledger::LogEntry& seal) const {
  ledger_pb::SealStatement statement;
  statement.set_shard(place_.shard);
  statement.set_epoch(seal.epoch);
  statement.set_position(seal.position);
  statement.set_log_hash(seal.hash.data(), seal.hash.size());
  statement.set_owner(seal.owner);
  statement.set_successor(seal.successor);
  statement.set_run(seal.run);
  ledger_pb::Signed certificate = Sign(statement, place_.id);
  environment_.promises.OnCertificate(certificate);
  return certificate;
}

void LedgerNode::AnswerWhenDurable(NodeAnswer answer, Reply reply) {
  WhenDurable(
      [answer = std::move(answer), reply = std::move(reply)](const absl::Status& durable) mutable {
        if (!durable.ok()) return reply(durable);
        reply(std::move(answer));
      });
}

}  // namespace simulation
