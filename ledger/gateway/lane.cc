#include "ledger/gateway/lane.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"

namespace ledger {
namespace {

constexpr absl::Duration kBackoffMin = absl::Milliseconds(50);
constexpr absl::Duration kBackoffMax = absl::Milliseconds(100);

LaneBounds Larger(const LaneBounds& a, const LaneBounds& b) {
  return {.max_hold = std::max(a.max_hold, b.max_hold),
          .max_requests = std::max(a.max_requests, b.max_requests),
          .max_bytes = std::max(a.max_bytes, b.max_bytes)};
}

bool IsWellFormed(const pb::CreateResponse& response, uint32_t events) {
  return std::all_of(response.results().begin(), response.results().end(),
                     [&](const pb::EventResult& result) { return result.index() < events; });
}

}  // namespace

Lane::Lane(uint32_t shard, LaneRoute route)
    : shard_(shard),
      route_(std::move(route)),
      epoch_highest_(route_.epoch),
      backoff_(kBackoffMin) {}

LaneEffects Lane::WriteArrived(WriteId id, WriteBatch batch, absl::Duration now) {
  INVARIANT(id > write_newest_);
  write_newest_ = id;
  LaneEffects effects;
  const uint32_t events = EventCount(batch);
  INVARIANT(events > 0);
  const uint64_t bytes = EncodedBytes(batch);
  auto write = std::make_shared<Write>(
      Write{.id = id, .batch = std::move(batch), .events = events, .bytes = bytes});
  if (stopped_) {
    write->retried = true;
    TurnAway(*write, "the gateway is being stopped", &effects);
  } else if (!HasRoomFor(*write)) {
    TurnAway(
        *write,
        holding_ ? "writes are being held, and as many as may be are" : "too many are under way",
        &effects);
  } else if (MayPass()) {
    Send({std::move(write)}, false, &effects);
  } else {
    Keep(write, now);
    Drain(now, &effects);
  }
  return effects;
}

LaneEffects Lane::CallEnded(CallId id, CallEnd end, absl::Duration now) {
  LaneEffects effects;
  const Call call = TakeCall(id);
  uint32_t events = 0;
  for (const WritePointer& write : call.writes) events += write->events;
  if (end.outcome == CallOutcome::kAnswered && !IsWellFormed(end.response, events)) {
    end.outcome = CallOutcome::kMaybeExecuted;
    end.error = absl::InternalError("the node's answer names events that were not sent");
  }
  if (end.outcome == CallOutcome::kAnswered) {
    backoff_ = kBackoffMin;
    if (!end.response.commits().empty()) Learn(call, end.response.commits(0).epoch());
    AnswerAll(call, std::move(end.response), &effects);
  } else if (end.outcome == CallOutcome::kRefused && call.writes.size() == 1) {
    effects.push_back(AnswerWrite{call.writes.front()->id, std::move(end.error)});
  } else {
    TakeBack(call, end, now, &effects);
  }
  Drain(now, &effects);
  return effects;
}

LaneEffects Lane::Hold(const LaneBounds& bounds, absl::Duration now) {
  LaneEffects effects;
  holding_ = true;
  bounds_ = bounds;
  expiries_.clear();
  for (auto& [id, write] : kept_) {
    write->keep_until = write->kept_since + bounds_.max_hold;
    expiries_.emplace(write->keep_until, id);
  }
  EvictNewest(&effects);
  Expire(now, &effects);
  return effects;
}

absl::Status Lane::CheckRoute(const LaneRoute& route) const {
  if (route.epoch == 0 || route.epoch >= epoch_highest_) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "shard ", shard_, " is known to be in epoch ", epoch_highest_, ": a route of epoch ",
      route.epoch, " is out of date; ask the shard's owner for its epoch and route again"));
}

LaneEffects Lane::Route(const LaneRoute& route, absl::Duration now) {
  INVARIANT(CheckRoute(route).ok());
  LaneEffects effects;
  const bool other_node = route.node_id != route_.node_id;
  if (other_node || route.epoch != 0) route_ = route;
  RaiseEpochHighest(route.epoch);
  if (holding_ && other_node) CancelOthers(&effects);
  RetryAtOnce(now);
  Drain(now, &effects);
  return effects;
}

LaneEffects Lane::Release(absl::Duration now) {
  LaneEffects effects;
  if (holding_) {
    holding_ = false;
    bounds_ = Larger(bounds_, LaneBounds{});
    expiries_.clear();
    for (auto& [id, write] : kept_) {
      write->keep_until = std::max(write->keep_until, now + LaneBounds{}.max_hold);
      expiries_.emplace(write->keep_until, id);
    }
    CancelOthers(&effects);
    RetryAtOnce(now);
  }
  Drain(now, &effects);
  return effects;
}

LaneEffects Lane::Tick(absl::Duration now) {
  LaneEffects effects;
  Expire(now, &effects);
  Drain(now, &effects);
  return effects;
}

LaneEffects Lane::Stop() {
  LaneEffects effects;
  stopped_ = true;
  while (!kept_.empty()) {
    const WritePointer write = TakeFirstKept();
    write->retried = true;
    TurnAway(*write, "the gateway is being stopped", &effects);
  }
  for (const auto& [id, call] : calls_) effects.push_back(CancelCall{id});
  return effects;
}

void Lane::RaiseEpochHighest(uint64_t epoch) { epoch_highest_ = std::max(epoch_highest_, epoch); }

absl::Duration Lane::NextTick() const {
  absl::Duration next = absl::InfiniteDuration();
  if (!expiries_.empty()) next = expiries_.begin()->first;
  if (MayDrain() && !kept_.empty()) next = std::min(next, retry_at_);
  return next;
}

LaneStatus Lane::Status(absl::Duration now) const {
  LaneStatus status{.route = route_,
                    .epoch_highest = epoch_highest_,
                    .holding = holding_,
                    .bounds = bounds_,
                    .held_requests = kept_.size(),
                    .held_bytes = kept_bytes_,
                    .in_flight = in_flight_};
  for (const auto& [id, write] : kept_) {
    status.held_longest = std::max(status.held_longest, now - write->kept_since);
  }
  return status;
}

bool Lane::MayDrain() const {
  return !holding_ && !draining_ && cancelled_calls_ == 0 && !stopped_;
}

bool Lane::MayPass() const { return MayDrain() && kept_.empty(); }

bool Lane::HasRoomFor(const Write& write) const {
  if (!MayPass() &&
      (kept_.size() >= bounds_.max_requests || kept_bytes_ + write.bytes > bounds_.max_bytes)) {
    return false;
  }
  if (holding_) return true;
  return in_flight_ + kept_.size() < std::max(kLaneRequestsMax, bounds_.max_requests) &&
         in_flight_bytes_ + kept_bytes_ + write.bytes <= std::max(kLaneBytesMax, bounds_.max_bytes);
}

void Lane::Keep(const WritePointer& write, absl::Duration now) {
  if (holding_) {  // Its time begins anew: during a hold nothing leaves, so it comes back only
                   // once.
    write->kept_since = now;
    write->keep_until = now + bounds_.max_hold;
  } else {
    write->kept_since = std::min(write->kept_since, now);
    write->keep_until = std::max(write->keep_until, write->kept_since + bounds_.max_hold);
  }
  kept_.emplace(write->id, write);
  expiries_.emplace(write->keep_until, write->id);
  kept_bytes_ += write->bytes;
}

void Lane::Unkeep(const WritePointer& write) {
  expiries_.erase({write->keep_until, write->id});
  kept_bytes_ -= write->bytes;
  kept_.erase(write->id);
  if (kept_.empty() && !holding_) bounds_ = LaneBounds{};
}

Lane::WritePointer Lane::TakeFirstKept() {
  WritePointer write = kept_.begin()->second;
  Unkeep(write);
  return write;
}

void Lane::EvictNewest(LaneEffects* effects) {
  while (kept_.size() > bounds_.max_requests || kept_bytes_ > bounds_.max_bytes) {
    const WritePointer write = kept_.rbegin()->second;
    Unkeep(write);
    TurnAway(*write, "as many writes as may be are kept", effects);
  }
}

void Lane::Expire(absl::Duration now, LaneEffects* effects) {
  while (!expiries_.empty() && expiries_.begin()->first <= now) {
    const WritePointer write = kept_.at(expiries_.begin()->second);
    Unkeep(write);
    TurnAway(*write,
             absl::StrCat("it was kept for ", absl::FormatDuration(now - write->kept_since)),
             effects);
  }
}

void Lane::Drain(absl::Duration now, LaneEffects* effects) {
  if (!MayDrain() || kept_.empty() || now < retry_at_) return;
  std::vector<WritePointer> writes = {TakeFirstKept()};
  uint32_t events = writes.front()->events;
  while (!kept_.empty()) {
    const Write& last = *writes.back();
    const Write& next = *kept_.begin()->second;
    if (last.alone || next.alone || !CanJoin(last.batch, events, next.batch)) break;
    events += next.events;
    writes.push_back(TakeFirstKept());
  }
  draining_ = true;
  Send(std::move(writes), true, effects);
}

void Lane::Send(std::vector<WritePointer> writes, bool drains, LaneEffects* effects) {
  std::shared_ptr<WriteBatch> batch(writes.front(),
                                    &writes.front()->batch);  // Shares the write's life.
  if (writes.size() > 1) {
    batch = std::make_shared<WriteBatch>(writes.front()->batch);
    for (size_t index = 1; index < writes.size(); ++index)
      Append(writes[index]->batch, batch.get());
  }
  SetEpoch(route_.epoch, batch.get());
  in_flight_ += writes.size();
  for (const WritePointer& write : writes) in_flight_bytes_ += write->bytes;
  const CallId id = ++call_newest_;
  calls_.emplace(id,
                 Call{.writes = std::move(writes), .node_id = route_.node_id, .drains = drains});
  effects->push_back(SendCall{id, route_.node_id, std::move(batch)});
}

Lane::Call Lane::TakeCall(CallId id) {
  const auto found = calls_.find(id);
  INVARIANT(found != calls_.end());
  Call call = std::move(found->second);
  calls_.erase(found);
  in_flight_ -= call.writes.size();
  for (const WritePointer& write : call.writes) in_flight_bytes_ -= write->bytes;
  if (call.drains) draining_ = false;
  if (call.cancelled) --cancelled_calls_;
  return call;
}

void Lane::AnswerAll(const Call& call, pb::CreateResponse response, LaneEffects* effects) {
  if (call.writes.size() == 1) {
    const Write& write = *call.writes.front();
    if (write.retried) ForgiveRepeats(write.batch, &response);
    effects->push_back(AnswerWrite{write.id, std::move(response)});
    return;
  }
  uint32_t first = 0;
  auto result = response.results().begin();  // By index.
  for (const WritePointer& write : call.writes) {
    pb::CreateResponse answer;
    *answer.mutable_commits() = response.commits();
    for (; result != response.results().end() && result->index() < first + write->events;
         ++result) {
      pb::EventResult* own = answer.add_results();
      own->set_index(result->index() - first);
      own->set_code(result->code());
    }
    if (write->retried) ForgiveRepeats(write->batch, &answer);
    effects->push_back(AnswerWrite{write->id, std::move(answer)});
    first += write->events;
  }
}

void Lane::TakeBack(const Call& call, const CallEnd& end, absl::Duration now,
                    LaneEffects* effects) {
  bool at_once = call.cancelled || call.node_id != route_.node_id;
  if (end.not_owner && end.not_owner->owner() == call.node_id && !end.not_owner->sealed()) {
    at_once = Learn(call, end.not_owner->epoch()) || at_once;
  }
  for (const WritePointer& write : call.writes) {
    if (end.outcome == CallOutcome::kMaybeExecuted) write->retried = true;
    if (end.outcome == CallOutcome::kRefused) write->alone = at_once = true;
    if (stopped_) {
      write->retried = true;
      TurnAway(*write, "the gateway is being stopped", effects);
    } else {
      Keep(write, now);
    }
  }
  EvictNewest(effects);
  if (at_once) {
    retry_at_ = now;
  } else if (retry_at_ <= now) {
    retry_at_ = now + backoff_;
    backoff_ = std::min(2 * backoff_, kBackoffMax);
  }
}

// RESOURCE_EXHAUSTED says that nothing was executed: not to be said of what may have been.
void Lane::TurnAway(const Write& write, absl::string_view why, LaneEffects* effects) const {
  const std::string message = absl::StrCat("shard ", shard_, " cannot take the write now: ", why,
                                           "; retry later with the same ids");
  effects->push_back(AnswerWrite{write.id, write.retried ? absl::UnavailableError(message)
                                                         : absl::ResourceExhaustedError(message)});
}

// What a node tells of its epoch counts for that node only. True when it was news.
bool Lane::Learn(const Call& call, uint64_t epoch) {
  RaiseEpochHighest(epoch);
  if (call.node_id != route_.node_id || epoch <= route_.epoch) return false;
  route_.epoch = epoch;
  return true;
}

void Lane::RetryAtOnce(absl::Duration now) {
  retry_at_ = now;
  backoff_ = kBackoffMin;
}

void Lane::CancelOthers(LaneEffects* effects) {
  for (auto& [id, call] : calls_) {
    if (call.cancelled || call.node_id == route_.node_id) continue;
    call.cancelled = true;
    ++cancelled_calls_;
    effects->push_back(CancelCall{id});
  }
}

}  // namespace ledger
