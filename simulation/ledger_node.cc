#include "simulation/ledger_node.h"

#include <algorithm>
#include <cstring>

#include "base/invariant.h"

namespace simulation {
namespace {

// Stands in for the records' SHA-256: as good against chance, and cheap.
base::Hash256 HashOf(const ledger::RecordDraft& draft, const std::vector<uint64_t>& ids) {
  uint64_t sum = lab::Mix(draft.position ^ (draft.epoch << 32));
  for (const uint64_t id : ids) sum = lab::Mix(sum ^ id);
  for (const char letter : draft.owner) sum = lab::Mix(sum ^ static_cast<uint8_t>(letter));
  for (const char letter : draft.successor) sum = lab::Mix(sum ^ static_cast<uint8_t>(letter));
  base::Hash256 hash = draft.previous_hash;
  for (size_t at = 0; at < hash.size(); at += sizeof(sum)) {
    uint64_t word = 0;
    std::memcpy(&word, hash.data() + at, sizeof(word));
    word = lab::Mix(word ^ sum ^ at);
    std::memcpy(hash.data() + at, &word, sizeof(word));
  }
  return hash;
}

}  // namespace

LedgerNode::LedgerNode(Environment& environment, Place place, std::vector<std::string> members)
    : environment_(environment), place_(std::move(place)), members_(std::move(members)) {
  Rebuild();
}

void LedgerNode::Bootstrap() {
  const auto draft = ownership_->DraftFirstOpen();
  INVARIANT(draft.ok());
  Append(*draft, {});
  Synced(ownership_->position());
}

void LedgerNode::Write(const WriteRequest& request, WriteReply reply) {
  if (!life_.is_up) return reply(absl::UnavailableError("the node is down"));
  const auto draft = ownership_->DraftBatch(ledger::RecordKind::kTransfers, request.epoch);
  if (!draft.ok()) return reply(WriteAnswer{.epoch = 0, .existed = {}, .not_owner = Owner()});
  WriteAnswer answer{.epoch = ownership_->epoch(), .existed = {}};
  std::vector<uint64_t> fresh;
  for (uint32_t index = 0; index < request.ids.size(); ++index) {
    const uint64_t id = request.ids[index];
    if (Holds(id) || std::count(fresh.begin(), fresh.end(), id) > 0) {
      answer.existed.push_back(index);
    } else {
      fresh.push_back(id);
    }
  }
  if (!fresh.empty()) Append(*draft, std::move(fresh));
  WhenDurable(
      [answer = std::move(answer), reply = std::move(reply)](const absl::Status& durable) mutable {
        if (!durable.ok()) return reply(durable);
        reply(std::move(answer));
      });
}

ledger_pb::NotOwner LedgerNode::Owner() const {
  ledger_pb::NotOwner owner;
  const bool is_sealed = !ownership_->successor().empty();
  owner.set_epoch(ownership_->epoch());
  owner.set_owner(is_sealed ? ownership_->successor() : ownership_->owner());
  owner.set_sealed(is_sealed);
  return owner;
}

void LedgerNode::Crash() {
  environment_.trace.Note(place_.id, " crashes at position ", log_.size(), ", durable ", durable_);
  life_.End();
  const uint64_t lost = environment_.dice.Below(log_.size() - durable_ + 1);
  log_.resize(log_.size() - lost);
  durable_ = log_.size();
  refusals_.resize(refusals_durable_);
  watchers_.clear();
  for (Waiter& waiter : std::exchange(waiters_, {})) {
    waiter.done(absl::UnavailableError("the node ended before it could answer"));
  }
  if (pulling_ != nullptr) std::exchange(pulling_, nullptr)->Break();
  for (Pull& pull : std::exchange(pulls_, {})) pull.stream->Break();
  Changed();
}

void LedgerNode::Start() {
  INVARIANT(!life_.is_up);
  life_.is_up = true;
  Rebuild();
  environment_.trace.Note(place_.id, " starts as ",
                          std::string(ledger::ToString(ownership_->role())), " at position ",
                          log_.size());
  Changed();
  if (!following_.empty()) Connect();
}

// As at the start of the process: all from the disk.
void LedgerNode::Rebuild() {
  ownership_ = std::make_unique<ledger::Ownership>(place_.id, members_);
  applied_.clear();
  own_opens_.clear();
  is_syncing_ = false;
  own_certificate_ = nullptr;
  own_certificate_position_ = 0;
  received_certificate_.reset();
  for (const NodeRecordPointer& record : log_) {
    ownership_->Appended(record->entry);
    applied_.insert(record->ids.begin(), record->ids.end());
    if (record->entry.kind == ledger::RecordKind::kOpen && record->entry.owner == place_.id) {
      own_opens_[record->entry.epoch] = record->entry;
    }
  }
  ownership_->Durable(durable_);
  for (const uint64_t epoch : refusals_) {
    ownership_->RefusalDecided(epoch);
    ownership_->RefusalDurable(epoch);
  }
  following_ = following_saved_;
  is_connected_ = false;
  source_position_ = 0;
  fault_.clear();
  if (const auto seal = ownership_->DurableSeal("", "")) {
    own_certificate_ = std::make_shared<const ledger_pb::Signed>(Certify(*seal));
    own_certificate_position_ = seal->position;
  }
}

void LedgerNode::Append(ledger::RecordDraft draft, std::vector<uint64_t> ids) {
  auto record = std::make_shared<NodeRecord>();
  record->entry = {.kind = draft.kind,
                   .position = draft.position,
                   .epoch = draft.epoch,
                   .previous_hash = draft.previous_hash,
                   .hash = HashOf(draft, ids),
                   .owner = std::move(draft.owner),
                   .successor = std::move(draft.successor),
                   .run = std::move(draft.run)};
  record->ids = std::move(ids);
  AppendRecord(std::move(record));
}

void LedgerNode::AppendRecord(NodeRecordPointer record) {
  ownership_->Appended(record->entry);
  for (const uint64_t id : record->ids) {
    if (!applied_.insert(id).second) {
      environment_.promises.Broken(
          "nothing happens twice",
          absl::StrCat("transfer ", id, " was made a second time on ", place_.id));
    }
  }
  if (record->entry.kind == ledger::RecordKind::kOpen && record->entry.owner == place_.id) {
    own_opens_[record->entry.epoch] = record->entry;
  }
  log_.push_back(std::move(record));
  Changed();
  SyncSoon();
}

void LedgerNode::SyncSoon() {
  if (is_syncing_ || durable_ == log_.size()) return;
  is_syncing_ = true;
  environment_.scheduler.After(
      environment_.DrawSync(),
      [this, position = log_.size()] {
        is_syncing_ = false;
        Synced(position);
        SyncSoon();
      },
      &life_);
}

void LedgerNode::Synced(uint64_t position) {
  if (position <= durable_) return;
  durable_ = position;
  ownership_->Durable(position);
  if (const auto seal = ownership_->DurableSeal("", "");
      seal && seal->position != own_certificate_position_) {
    own_certificate_ = std::make_shared<const ledger_pb::Signed>(Certify(*seal));
    own_certificate_position_ = seal->position;
  }
  Changed();
  std::vector<Waiter> waiters = std::exchange(waiters_, {});
  for (Waiter& waiter : waiters) {
    if (waiter.position <= durable_) {
      waiter.done(absl::OkStatus());
    } else {
      waiters_.push_back(std::move(waiter));
    }
  }
  Ship();
}

void LedgerNode::WhenDurable(absl::AnyInvocable<void(const absl::Status&)> done) {
  if (log_.size() <= durable_) return done(absl::OkStatus());
  waiters_.push_back({log_.size(), std::move(done)});
}

void LedgerNode::Changed() {
  environment_.promises.OnNodeChanged(*this);
  if (watchers_.empty()) return;
  for (absl::AnyInvocable<void()>& wake : std::exchange(watchers_, {})) {
    environment_.scheduler.After(absl::Milliseconds(1), std::move(wake));
  }
}

NodeStatus LedgerNode::StatusNow() const {
  NodeStatus status{.role = ownership_->role(),
                    .epoch = ownership_->epoch(),
                    .owner = ownership_->owner(),
                    .successor = ownership_->successor(),
                    .position = ownership_->position(),
                    .log_hash = ownership_->log_hash(),
                    .following = following_,
                    .connected = is_connected_,
                    .source_position = source_position_,
                    .fault = fault_,
                    .certificates = {}};
  if (received_certificate_) status.certificates.push_back(*received_certificate_);
  return status;
}

}  // namespace simulation
