#include "ledger/node/shard.h"

#include <algorithm>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "base/status_macros.h"

namespace ledger {
namespace {

std::vector<std::string> NodeIds(const pb::NodeConfig& config) {
  std::vector<std::string> ids;
  for (const pb::Member& member : config.members()) ids.push_back(member.node_id());
  return ids;
}

bool MovesOwnership(RecordKind kind) {
  return kind == RecordKind::kSeal || kind == RecordKind::kOpen;
}

}  // namespace

Shard::Shard(ShardOptions options)
    : options_(std::move(options)),
      ownership_(options_.config.node_id(), NodeIds(options_.config)),
      state_(options_.config.shard(), *options_.history) {}

// --- At start ---

absl::Status Shard::Replay(const Record& record) {
  RETURN_IF_ERROR(CheckNext(record));
  if (record.position != position() + 1 || record.previous_hash != log_hash()) {
    return absl::DataLossError(absl::StrCat("record ", record.position,
                                            " does not continue the log, which ends with ",
                                            position(), ": its hash does not fit"));
  }
  RETURN_IF_ERROR(CheckRoot(record));
  Note(record);
  Apply(record);
  options_.history->Durable(record.timestamp_ns);
  if (!options_.history->AwaitRoom()) return options_.history->status();
  if (record.kind == RecordKind::kSeal && record.owner == ownership_.self()) {
    const StateFacts facts = FactsNow();
    sealed_[record.position] = StatementNow(facts);
    NoteCutover(sealed_[record.position], facts.totals);
  }
  return absl::OkStatus();
}

absl::Status Shard::ReplayDone() {
  ASSIGN_OR_RETURN(const uint64_t copied_ns, options_.files->LoadCopiedHistory());
  RETURN_IF_ERROR(options_.history->CheckReplayed(copied_ns));
  ownership_.Durable(position());
  taken_ = durable_ = appended_;
  is_replayed_ = true;
  ASSIGN_OR_RETURN(refusals_, options_.files->LoadRefusals());
  for (const uint64_t epoch : refusals_) {
    ownership_.RefusalDecided(epoch);
    ownership_.RefusalDurable(epoch);
  }
  ASSIGN_OR_RETURN(following_, options_.files->LoadFollowing());
  ASSIGN_OR_RETURN(const std::string received, options_.files->LoadCertificate());
  if (pb::Signed certificate; !received.empty() && certificate.ParseFromString(received)) {
    const auto statement = VerifySeal(certificate, options_.config.shard(), options_.keys);
    if (statement.ok()) {
      received_epoch_ = statement->epoch();
      received_certificate_ = std::move(certificate);
    }
  }
  ASSIGN_OR_RETURN(const std::string challenge, options_.files->LoadChallenge());
  if (!newest_challenge_.ParseFromString(challenge)) newest_challenge_.Clear();
  RETURN_IF_ERROR(LoadCutovers());
  RenewOwnCertificate();
  PublishTail();
  return ownership_.role() == Role::kPrimary ? BecomePrimary() : absl::OkStatus();
}

absl::Status Shard::AppendFirstOpen() {
  ASSIGN_OR_RETURN(const RecordDraft draft, ownership_.DraftFirstOpen());
  Record record = Draw(draft, "", 0);
  AppendRecord(record);
  return absl::OkStatus();
}

absl::Status Shard::CheckReadable() const {
  RETURN_IF_ERROR(failed_);
  if (ownership_.role() != Role::kReplica) return absl::OkStatus();
  return WithOwner(absl::FailedPreconditionError(absl::StrCat(
      "node ", ownership_.self(), " is a replica; ask the owner, '", ownership_.owner(), "'")));
}

void Shard::WhenDurable(std::function<void(const absl::Status&)> answer) {
  if (!failed_.ok()) return answer(failed_);
  if (position() == durable_.position) return answer(absl::OkStatus());
  waiting_.push_back({position(), std::move(answer)});
}

// --- Replication ---

absl::Status Shard::Copy(absl::string_view records) {
  RETURN_IF_ERROR(failed_);
  while (!records.empty()) {
    const absl::StatusOr<Record> record = DecodeRecord(records);
    if (!record.ok()) {
      return absl::DataLossError(absl::StrCat("what the source sent after record ", position(),
                                              " is damaged: ", record.status().message()));
    }
    RETURN_IF_ERROR(AppendCopy(*record, records.substr(0, record->encoded_bytes)));
    records.remove_prefix(record->encoded_bytes);
  }
  return absl::OkStatus();
}

absl::Status Shard::AppendCopy(const Record& record, absl::string_view encoded) {
  RETURN_IF_ERROR(ownership_.CheckCopy(ToLogEntry(record)));
  RETURN_IF_ERROR(CheckNext(record));
  RETURN_IF_ERROR(CheckRoot(record));
  frame_.AddEncoded(record, encoded);
  frame_moves_ownership_ |= MovesOwnership(record.kind);
  Note(record);
  Apply(record);
  CheckHistory();
  return failed_;
}

void Shard::ReceiveCertificate(const pb::Signed& certificate) {
  const auto statement = VerifySeal(certificate, options_.config.shard(), options_.keys);
  if (!statement.ok() || statement->epoch() <= received_epoch_) return;
  if (statement->owner() == ownership_.self()) return;
  received_epoch_ = statement->epoch();
  received_certificate_ = certificate;
  // Kept in memory at least: it is the source's to give again.
  options_.files->SaveCertificate(certificate.SerializeAsString()).IgnoreError();
}

absl::Status Shard::SetFollowing(const std::string& node_id) {
  RETURN_IF_ERROR(failed_);
  if (!node_id.empty() && ownership_.role() == Role::kPrimary) {
    return absl::FailedPreconditionError(absl::StrCat("node ", ownership_.self(),
                                                      " is primary of epoch ", ownership_.epoch(),
                                                      " and follows nobody: seal it first"));
  }
  if (following_ == node_id) return absl::OkStatus();
  RETURN_IF_ERROR(options_.files->SaveFollowing(node_id));
  following_ = node_id;
  return absl::OkStatus();
}

// --- The way to the log ---

bool Shard::TakeFrame(Frame& frame) {
  INVARIANT(frame.empty());
  std::swap(frame, frame_);
  taken_ = appended_;
  return std::exchange(frame_moves_ownership_, false);
}

void Shard::Synced() {
  durable_ = taken_;
  ownership_.Durable(durable_.position);
  RenewOwnCertificate();
  PublishTail();
  while (!waiting_.empty() && waiting_.front().position <= durable_.position) {
    const Waiting waiting = std::move(waiting_.front());
    waiting_.pop_front();
    waiting.answer(absl::OkStatus());
  }
}

// What was found in a history that cannot be read is no ground for an answer.
void Shard::CheckHistory() {
  if (!options_.history->ok() && failed_.ok()) Fail(options_.history->status());
}

void Shard::Fail(const absl::Status& status) {
  failed_ = absl::UnavailableError(
      absl::StrCat("node ", ownership_.self(), " stops: ", status.message()));
  frame_.Clear();
  for (const Batch& batch : std::exchange(group_, {})) batch.done(failed_);
  ApplyPending();
  for (const Waiting& waiting : std::exchange(waiting_, {})) waiting.answer(failed_);
}

// Fills in what the draft leaves open. Times grow over all events, whatever the clock does.
Record Shard::Draw(const RecordDraft& draft, absl::string_view body, uint64_t events) const {
  const int64_t wall_ns = absl::ToUnixNanos(options_.clock->WallNow());
  Record record;
  record.kind = draft.kind;
  record.position = draft.position;
  record.epoch = draft.epoch;
  record.timestamp_ns = std::max(static_cast<uint64_t>(std::max<int64_t>(wall_ns, 0)),
                                 appended_.timestamp_ns + std::max<uint64_t>(events, 1));
  record.previous_hash = draft.previous_hash;
  record.owner = draft.owner;
  record.successor = draft.successor;
  record.run = draft.run;
  record.body = body;
  return record;
}

void Shard::AppendRecord(Record& record) {
  frame_.Add(record);
  frame_moves_ownership_ |= MovesOwnership(record.kind);
  Note(record);
}

void Shard::Note(const Record& record) {
  last_ = ToLogEntry(record);
  ownership_.Appended(*last_);
  if (MovesOwnership(record.kind)) moves_.push_back(*last_);
  if (record.kind == RecordKind::kOpen && record.owner == ownership_.self()) {
    own_opens_[record.epoch] = *last_;
  }
  appended_ = {.position = record.position,
               .bytes = appended_.bytes + record.encoded_bytes,
               .timestamp_ns = record.timestamp_ns};
  // Somebody may write again: saving delays nobody.
  if (record.kind != RecordKind::kOpen || !is_replayed_ || cutovers_.empty()) return;
  WhenDurable([this](const absl::Status& status) {
    if (status.ok()) SaveCutovers();
  });
}

absl::Status Shard::CheckNext(const Record& record) const {
  if (record.timestamp_ns >=
      appended_.timestamp_ns + std::max<uint64_t>(uint64_t{record.event_count()}, 1)) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat("the time of record ", record.position, ", ",
                                          record.timestamp_ns, " ns, is not after that of record ",
                                          appended_.position, ", ", appended_.timestamp_ns));
}

std::vector<EventResult> Shard::Apply(const Record& record) {
  has_changed_ |= !MovesOwnership(record.kind);
  if (drops_next_ && record.event_count() > 0) [[unlikely]] {
    drops_next_ = false;
    return {};
  }
  switch (record.kind) {
    case RecordKind::kAccounts:
      return state_.CreateAccounts(record.accounts(), record.timestamp_ns);
    case RecordKind::kTransfers:
      return state_.CreateTransfers(record.transfers(), record.timestamp_ns);
    case RecordKind::kBalanceLimits:
      return state_.SetBalanceLimits(record.balance_limits(), record.timestamp_ns);
    case RecordKind::kCheckpoint: ApplyCheckpoint(record); return {};
    case RecordKind::kSeal: ApplySeal(record.position); return {};
    case RecordKind::kOpen: return {};
  }
  UNREACHABLE();
}

}  // namespace ledger
