#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ledger/client/batch.h"

namespace ledger {

using WriteId = uint64_t;
using CallId = uint64_t;

struct LaneBounds {
  absl::Duration max_hold = absl::Seconds(10);  // For one write.
  uint64_t max_requests = 100'000;
  uint64_t max_bytes = 64 << 20;
};

// What is sent and not answered is bounded too.
inline constexpr uint64_t kLaneRequestsMax = 100'000;
inline constexpr uint64_t kLaneBytesMax = 256 << 20;

struct LaneRoute {
  std::string node_id;
  uint64_t epoch = 0;  // 0: not known.
};

enum class CallOutcome {
  kAnswered,       // Executed; there is a response.
  kRefused,        // Never to be executed as it stands; the error goes to the client.
  kNotExecuted,    // Sealed, not the owner, or a bound of the node.
  kMaybeExecuted,  // The connection broke, or the answer did not come in time.
};

struct CallEnd {
  CallOutcome outcome = CallOutcome::kMaybeExecuted;
  pb::CreateResponse response = {};            // kAnswered.
  absl::Status error = {};                     // All others.
  std::optional<pb::NotOwner> not_owner = {};  // kNotExecuted, when the node told.
};

// What the lane wants done.
struct SendCall {
  CallId call;
  std::string node_id;
  std::shared_ptr<const WriteBatch> batch;  // With the epoch; unchanged until the call has ended.
};
struct CancelCall {  // Its CallEnded is awaited all the same.
  CallId call;
};
struct AnswerWrite {
  WriteId write;
  absl::StatusOr<pb::CreateResponse> answer;
};
using LaneEffect = std::variant<SendCall, CancelCall, AnswerWrite>;
using LaneEffects = std::vector<LaneEffect>;

struct LaneStatus {
  LaneRoute route;
  uint64_t epoch_highest = 0;
  bool holding = false;
  LaneBounds bounds;  // Of the hold.
  uint64_t held_requests = 0;
  uint64_t held_bytes = 0;
  uint64_t in_flight = 0;
  absl::Duration held_longest = absl::ZeroDuration();
};

// The writes of one shard on their way through a gateway. A pure state machine: event in, effects
// out. Not thread-safe; `now` never goes back between calls.
//
//   passing ──hold──▶ holding ──release──▶ draining ──nothing kept──▶ passing
//      └───────── a call came back ───────────▲
//
// * Every write is answered exactly once. OK and the errors INVALID_ARGUMENT and RESOURCE_EXHAUSTED
//   tell what became of it; UNAVAILABLE: it may have been executed.
// * Passing: each write is a call of its own, at once, beside others.
// * Holding: writes are kept. Nothing is sent; what is in flight goes on.
// * Draining: kept writes leave in order of arrival, joined into calls of up to 8,190 events, one
//   call at a time; new ones queue behind. A write that came back, as the node did not execute it
//   or may have done so, is put where its arrival puts it and tried again every 50 to 100 ms, with
//   the same ids. When it then `exists`, that is its success.
// * A kept write that reaches a bound is answered RESOURCE_EXHAUSTED (UNAVAILABLE when it may have
//   been executed). Past the bounds of requests and bytes the newest are turned away.
// * When the route changes during a hold, calls to the other node are cancelled, and what they
//   carried is sent again in its place: the drain waits for their ends. A call never outlives its
//   deadline, so this is short even when that node cannot be reached.
// * Calls carry the epoch of the route, or what the routed node itself told since.
class Lane {
 public:
  Lane(uint32_t shard, LaneRoute route);

  // `id` is larger than all before. The batch has events and is valid (batch.h).
  LaneEffects WriteArrived(WriteId id, WriteBatch batch, absl::Duration now);
  // Exactly once for every SendCall.
  LaneEffects CallEnded(CallId id, CallEnd end, absl::Duration now);
  LaneEffects Hold(const LaneBounds& bounds, absl::Duration now);
  // FAILED_PRECONDITION for an epoch, not 0, below the highest known. Changes nothing.
  absl::Status CheckRoute(const LaneRoute& route) const;
  // A route that passed CheckRoute.
  LaneEffects Route(const LaneRoute& route, absl::Duration now);
  LaneEffects Release(absl::Duration now);
  LaneEffects Tick(absl::Duration now);
  // Answers all that is kept UNAVAILABLE, and from now on everything else.
  LaneEffects Stop();

  // Epochs below are refused. For a lane that is restored.
  void RaiseEpochHighest(uint64_t epoch);

  // When Tick is due; InfiniteDuration when not.
  absl::Duration NextTick() const;
  LaneStatus Status(absl::Duration now) const;
  const LaneRoute& route() const { return route_; }

 private:
  struct Write {
    WriteId id;
    WriteBatch batch;
    uint32_t events;
    uint64_t bytes;
    bool retried = false;  // An earlier call may have executed it.
    bool alone = false;    // Not to be joined: a joined call was refused.
    absl::Duration kept_since = absl::InfiniteDuration();
    absl::Duration keep_until = -absl::InfiniteDuration();
  };
  using WritePointer = std::shared_ptr<Write>;
  struct Call {
    std::vector<WritePointer> writes;
    std::string node_id;
    bool drains = false;
    bool cancelled = false;
  };

  bool MayPass() const;
  bool MayDrain() const;
  bool HasRoomFor(const Write& write) const;
  void Keep(const WritePointer& write, absl::Duration now);
  WritePointer TakeFirstKept();
  void Unkeep(const WritePointer& write);
  void EvictNewest(LaneEffects* effects);
  void Expire(absl::Duration now, LaneEffects* effects);
  void Drain(absl::Duration now, LaneEffects* effects);
  void Send(std::vector<WritePointer> writes, bool drains, LaneEffects* effects);
  Call TakeCall(CallId id);
  void AnswerAll(const Call& call, pb::CreateResponse response, LaneEffects* effects);
  void TakeBack(const Call& call, const CallEnd& end, absl::Duration now, LaneEffects* effects);
  void TurnAway(const Write& write, absl::string_view why, LaneEffects* effects) const;
  bool Learn(const Call& call, uint64_t epoch);
  void RetryAtOnce(absl::Duration now);
  void CancelOthers(LaneEffects* effects);

  const uint32_t shard_;
  LaneRoute route_;
  uint64_t epoch_highest_ = 0;
  bool holding_ = false;
  bool stopped_ = false;
  LaneBounds bounds_;

  std::map<WriteId, WritePointer> kept_;
  std::set<std::pair<absl::Duration, WriteId>> expiries_;  // Of all kept.
  uint64_t kept_bytes_ = 0;

  absl::flat_hash_map<CallId, Call> calls_;
  uint64_t in_flight_ = 0;
  uint64_t in_flight_bytes_ = 0;
  uint64_t cancelled_calls_ = 0;
  bool draining_ = false;  // A call of the drain is in flight.

  absl::Duration retry_at_ = -absl::InfiniteDuration();
  absl::Duration backoff_;
  WriteId write_newest_ = 0;
  CallId call_newest_ = 0;
};

}  // namespace ledger
