// Shard: what clients write. Batches that come together go into one record.
#include <algorithm>
#include <utility>

#include "base/invariant.h"
#include "base/status_macros.h"
#include "ledger/node/shard.h"

namespace ledger {
namespace {

size_t RowBytes(RecordKind kind) {
  switch (kind) {
    case RecordKind::kAccounts: return sizeof(Account);
    case RecordKind::kTransfers: return sizeof(Transfer);
    case RecordKind::kBalanceLimits: return sizeof(BalanceLimit);
    case RecordKind::kSeal:
    case RecordKind::kOpen:
    case RecordKind::kCheckpoint: break;
  }
  UNREACHABLE();
}

// What a group needs to know of a batch.
struct Shape {
  size_t events = 0;
  bool is_imported = false;   // As its first event says.
  bool leaves_chain = false;  // Its last event is linked to the next.
};

template <typename Row>
Shape ShapeOf(absl::string_view body) {
  const auto* const rows = reinterpret_cast<const Row*>(body.data());
  Shape shape{.events = body.size() / sizeof(Row)};
  if (shape.events == 0) return shape;
  using Flags = std::conditional_t<std::is_same_v<Row, Account>, AccountFlags, TransferFlags>;
  shape.is_imported = (rows[0].flags & Flags::kImported) != 0;
  shape.leaves_chain = (rows[shape.events - 1].flags & Flags::kLinked) != 0;
  return shape;
}

Shape ShapeOf(const Batch& batch) {
  switch (batch.kind) {
    case RecordKind::kAccounts: return ShapeOf<Account>(batch.body);
    case RecordKind::kTransfers: return ShapeOf<Transfer>(batch.body);
    case RecordKind::kBalanceLimits: return {.events = batch.body.size() / sizeof(BalanceLimit)};
    case RecordKind::kSeal:
    case RecordKind::kOpen:
    case RecordKind::kCheckpoint: break;
  }
  UNREACHABLE();
}

// The results of the events [first, first + count), by their place among these.
std::vector<EventResult> PartOf(const std::vector<EventResult>& results, uint32_t first,
                                uint32_t count) {
  const auto by_index = [](const EventResult& result, uint32_t index) {
    return result.index < index;
  };
  const auto begin = std::lower_bound(results.begin(), results.end(), first, by_index);
  const auto end = std::lower_bound(begin, results.end(), first + count, by_index);
  std::vector<EventResult> part(begin, end);
  for (EventResult& result : part) result.index -= first;
  return part;
}

}  // namespace

void Shard::Append(Batch batch) {
  if (!failed_.ok()) return batch.done(failed_);
  const absl::StatusOr<RecordDraft> draft = ownership_.DraftBatch(batch.kind, batch.epoch);
  if (!draft.ok()) return batch.done(WithOwner(draft.status()));
  const Shape shape = ShapeOf(batch);
  const bool joins = !group_.empty() && group_.back().kind == batch.kind && group_is_open_ &&
                     !shape.is_imported && group_events_ + shape.events <= kBatchEventsMax;
  if (!joins) CloseGroup();
  group_events_ += shape.events;
  // Imported batches stay alone: their times are judged by that of the whole record.
  group_is_open_ = !shape.leaves_chain && !shape.is_imported;
  group_.push_back(std::move(batch));
}

void Shard::CloseGroup() {
  if (group_.empty()) return;
  const absl::StatusOr<RecordDraft> draft = ownership_.DraftBatch(group_[0].kind, 0);
  INVARIANT(draft.ok());
  Pending pending;
  absl::string_view body = group_[0].body;
  if (group_.size() > 1) {
    size_t bytes = 0;
    for (const Batch& batch : group_) bytes += batch.body.size();
    pending.joined.reserve(bytes);
    for (const Batch& batch : group_) pending.joined.append(batch.body.data(), batch.body.size());
    body = pending.joined;
  }
  pending.record = Draw(*draft, body, group_events_);
  AppendRecord(pending.record);
  pending.batches = std::exchange(group_, {});
  group_events_ = 0;
  pending_.push_back(std::move(pending));
}

absl::Duration Shard::UntilPulse() const {
  const auto expiry_ns = state_.next_expiry_ns();
  if (!failed_.ok() || !expiry_ns || ownership_.role() != Role::kPrimary) {
    return absl::InfiniteDuration();
  }
  const absl::Time expiry = absl::FromUnixNanos(static_cast<int64_t>(*expiry_ns));
  return std::max(expiry - options_.clock->WallNow(), absl::ZeroDuration());
}

void Shard::PulseIfDue() {
  // What waits to be executed releases it anyway.
  if (!pending_.empty() || !group_.empty() || UntilPulse() > absl::ZeroDuration()) return;
  Append({.kind = RecordKind::kTransfers,
          .epoch = 0,
          .body = "",
          .done = [](const absl::StatusOr<BatchResult>&) {}});
  CloseGroup();
}

void Shard::ApplyPending() {
  CloseGroup();
  while (!pending_.empty()) {
    Pending pending = std::move(pending_.front());
    pending_.pop_front();
    // A short body moves with its string.
    if (!pending.joined.empty()) pending.record.body = pending.joined;
    const std::vector<EventResult> results = Apply(pending.record);
    // First they wait, so that who fails answers them too.
    if (!pending.batches.empty()) AnswerBatches(pending, results);
    CheckHistory();
  }
}

// Each batch is answered as if it had been alone: its own results, and the time that its last
// event has.
void Shard::AnswerBatches(Pending& pending, const std::vector<EventResult>& results) {
  const Record& record = pending.record;
  const auto events = static_cast<uint32_t>(record.body.size() / RowBytes(record.kind));
  uint32_t first = 0;
  for (Batch& batch : pending.batches) {
    const auto count = static_cast<uint32_t>(batch.body.size() / RowBytes(record.kind));
    BatchResult result{.epoch = record.epoch,
                       .position = record.position,
                       .timestamp_ns = record.timestamp_ns - events + first + count,
                       .results = PartOf(results, first, count)};
    first += count;
    // `result` moves into the answer, which waits for its own record only.
    waiting_.push_back({record.position, [result = std::move(result), done = std::move(batch.done)](
                                             const absl::Status& status) {
                          status.ok() ? done(result) : done(status);
                        }});
  }
}

}  // namespace ledger
