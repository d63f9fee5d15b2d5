// Shard: what goes into a snapshot, and comes back from it.
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "ledger/node/shard.h"

namespace ledger {
namespace {

void ToMessage(const LogEntry& entry, pb::OwnershipRecord& message) {
  message.set_kind(static_cast<uint32_t>(entry.kind));
  message.set_position(entry.position);
  message.set_epoch(entry.epoch);
  message.set_previous_hash(std::string(base::AsBytes(entry.previous_hash)));
  message.set_hash(std::string(base::AsBytes(entry.hash)));
  message.set_owner(entry.owner);
  message.set_successor(entry.successor);
  message.set_run(entry.run);
}

absl::StatusOr<LogEntry> ToEntry(const pb::OwnershipRecord& message) {
  LogEntry entry{.kind = static_cast<RecordKind>(message.kind()),
                 .position = message.position(),
                 .epoch = message.epoch(),
                 .owner = message.owner(),
                 .successor = message.successor(),
                 .run = message.run()};
  ASSIGN_OR_RETURN(entry.previous_hash, base::ToHash256(message.previous_hash()));
  ASSIGN_OR_RETURN(entry.hash, base::ToHash256(message.hash()));
  return entry;
}

}  // namespace

absl::StatusOr<FrozenShard> Shard::Freeze() {
  RETURN_IF_ERROR(failed_);
  if (!last_) return absl::FailedPreconditionError("the log is empty: there is nothing to keep");
  // Else a restart would read back just that state.
  if (const std::string fault = Fault(); !fault.empty()) {
    return absl::DataLossError(absl::StrCat("this state is not to be kept: ", fault));
  }
  FrozenShard frozen;
  frozen.facts = {.shard = options_.config.shard(),
                  .position = position(),
                  .epoch = ownership_.epoch(),
                  .timestamp_ns = appended_.timestamp_ns,
                  .log_hash = log_hash()};
  ToMessage(*last_, *frozen.node.mutable_last());
  for (const LogEntry& entry : moves_) ToMessage(entry, *frozen.node.add_moves());
  for (const auto& [position, statement] : sealed_) *frozen.node.add_seals() = statement;
  frozen.node.set_log_bytes(appended_.bytes);
  frozen.node.set_accounts(state_.account_count());
  if (logged_challenge_.position() != 0) *frozen.node.mutable_challenge() = logged_challenge_;
  options_.history->SealWindow();
  frozen.reached = options_.history->reached();
  frozen.image = state_.Freeze();
  return frozen;
}

absl::Status Shard::Restore(const SnapshotFacts& facts, const pb::NodeFacts& node) {
  ASSIGN_OR_RETURN(last_, ToEntry(node.last()));
  if (facts.shard != options_.config.shard() || facts.position != last_->position ||
      facts.log_hash != last_->hash) {
    return absl::DataLossError(absl::StrCat("the snapshot at position ", facts.position,
                                            " is not of this shard's log, or contradicts itself"));
  }
  std::vector<LogEntry> own_seals;
  for (const pb::OwnershipRecord& message : node.moves()) {
    ASSIGN_OR_RETURN(const LogEntry entry, ToEntry(message));
    moves_.push_back(entry);
    if (entry.owner != ownership_.self()) continue;
    if (entry.kind == RecordKind::kSeal) own_seals.push_back(entry);
    if (entry.kind == RecordKind::kOpen) own_opens_[entry.epoch] = entry;
  }
  for (const pb::SealStatement& statement : node.seals()) {
    if (statement.owner() == ownership_.self()) sealed_[statement.position()] = statement;
  }
  logged_challenge_ = node.challenge();
  ownership_.Restore(*last_, std::move(own_seals));
  appended_ = {
      .position = facts.position, .bytes = node.log_bytes(), .timestamp_ns = facts.timestamp_ns};
  return absl::OkStatus();
}

absl::Status Shard::LoadImage(uint32_t section, absl::string_view bytes) {
  return state_.Load(section, bytes);
}

absl::Status Shard::LoadDone() {
  RETURN_IF_ERROR(state_.LoadDone());
  options_.history->BeginAt(state_.reached());
  return absl::OkStatus();
}

}  // namespace ledger
