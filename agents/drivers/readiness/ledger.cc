#include "agents/drivers/readiness/ledger.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "agents/runtime/call.h"

namespace agents {
namespace {

namespace action = ::hamisha::action::v1;
namespace ledger_pb = ::hamisha::ledger::v1;
namespace pb = ::hamisha::agent::v1;

constexpr absl::Duration kLagMax = absl::Seconds(2);
constexpr absl::Duration kCommitMax = absl::Milliseconds(250);
constexpr absl::Duration kPendingTold = absl::Hours(24);
constexpr absl::Duration kClockMax = absl::Seconds(1);
constexpr absl::Duration kClockTold = absl::Milliseconds(100);
constexpr absl::Duration kRoundTripMax = absl::Seconds(1);
constexpr uint64_t kCallsWaitingMax = 1'000;
constexpr uint64_t kDiskFreeMinMiB = 1'024;
constexpr uint64_t kMiB = uint64_t{1} << 20;

constexpr char kGoBackFirst[] =
    "an earlier run left this: take that run back first (hamisha rollback RUN), or carry this "
    "shard's ownership to where the run expects it";

std::string AtMost(absl::Duration limit) { return absl::StrCat("at most ", DurationText(limit)); }

bool Writes(const LedgerSituation& it) { return it.status.node_id() == it.from; }

void CheckNode(const LedgerSituation& it, Obstacles& found) {
  const ledger_pb::NodeStatus& status = it.status;
  if (!status.fault().empty() || status.state_differs()) {
    found.Blocks(status.state_differs() ? "state" : "replication", status.fault(), "",
                 status.state_differs() ? "start this node again, and challenge it anew"
                                        : "set this replica up again");
  }
  if (status.accounts_unhashed() > 0) {
    found.Blocks("state_root",
                 absl::StrCat("the tree lacks ", WithThousands(status.accounts_unhashed()),
                              " accounts, and a seal would be refused"),
                 "none", "wait: it is built beside writing");
  }
}

void CheckOwner(const LedgerSituation& it, Obstacles& found) {
  const ledger_pb::NodeStatus& status = it.status;
  switch (status.role()) {
    case ledger_pb::ROLE_PRIMARY: return;
    case ledger_pb::ROLE_SEALED:
      return found.Blocks("leftover",
                          absl::StrCat(status.node_id(), " is sealed in epoch ", status.epoch(),
                                       " for ", status.successor(), ", and nobody writes"),
                          "", kGoBackFirst);
    case ledger_pb::ROLE_REPLICA:
      return found.Blocks("ownership",
                          absl::StrCat(status.node_id(), " does not write: ", status.owner(),
                                       " owns epoch ", status.epoch()),
                          "", "see whether the shard has moved already; correct `from` and `to`");
    case ledger_pb::ROLE_UNSPECIFIED:
    case ledger_pb::Role_INT_MIN_SENTINEL_DO_NOT_USE_:
    case ledger_pb::Role_INT_MAX_SENTINEL_DO_NOT_USE_: break;
  }
  found.Blocks("ownership", absl::StrCat(status.node_id(), " does not say its role"), "",
               "let agent and node be of one version");
}

void CheckSuccessor(const LedgerSituation& it, Obstacles& found) {
  const ledger_pb::NodeStatus& status = it.status;
  // Sealed it may be, from a way back whose end its log does not have yet: the other side knows.
  if (status.role() == ledger_pb::ROLE_PRIMARY) {
    found.Blocks("ownership",
                 absl::StrCat(status.node_id(), " writes already, epoch ", status.epoch()), "",
                 "see whether the shard has moved already; correct `from` and `to`");
  }
  if (!status.following().empty() && status.following() != it.from) {
    found.Blocks("leftover",
                 absl::StrCat(status.node_id(), " pulls records from ", status.following(),
                              ", not from ", it.from),
                 "", "end that replication (the run that began it: hamisha rollback RUN)");
  }
}

std::string LagText(const ledger_pb::Lag& lag, bool has_time) {
  return absl::StrCat(
      has_time ? absl::StrCat(DurationText(ToDuration(lag.time())), ", ") : std::string(),
      WithThousands(lag.records()), " records, ", BytesText(lag.bytes()), " behind");
}

void CheckReplication(const action::LedgerReadiness& wanted, const LedgerSituation& it,
                      Obstacles& found) {
  const ledger_pb::NodeStatus& status = it.status;
  if (status.following() != it.from) {
    if (!status.following().empty()) return;  // Was told as a leftover.
    const std::string text = absl::StrCat(status.node_id(), " does not follow ", it.from);
    if (wanted.replicas_may_be_missing()) {
      return found.Told("replication", text, "", "the run begins it");
    }
    return found.Blocks("replication", text, "", "run ledger.replicate first");
  }
  if (status.has_copy()) {
    return found.Blocks("replication", "the first copy is still coming in", "",
                        "wait for ledger.await_lag");
  }
  const ledger_pb::Lag& lag = status.lag();
  if (!lag.connected()) {
    return found.Blocks("replication", absl::StrCat("the stream from ", it.from, " is broken"), "",
                        "see that the link and the source are up");
  }
  const absl::Duration limit = OrElse(wanted.max_lag(), kLagMax);
  const bool has_time = lag.has_time() || lag.records() == 0;
  const bool is_late = !has_time || ToDuration(lag.time()) > limit;
  const bool is_far = wanted.max_lag_records() != 0 && lag.records() > wanted.max_lag_records();
  if (!is_late && !is_far) return;
  found.Blocks(
      "lag", LagText(lag, has_time),
      is_late ? AtMost(limit)
              : absl::StrCat("at most ", WithThousands(wanted.max_lag_records()), " records"),
      "wait until the replica has caught up; if it does not, the link or the target's disk "
      "is too slow for this load");
}

void CheckLoad(const action::LedgerReadiness& wanted, const LedgerSituation& it, Obstacles& found) {
  const ledger_pb::NodeStatus& status = it.status;
  const absl::Duration commit_max = OrElse(wanted.max_commit_p99(), kCommitMax);
  if (const absl::Duration p99 = ToDuration(status.commit_p99()); p99 > commit_max) {
    found.Blocks("commit_latency", absl::StrCat("p99 ", DurationText(p99)), AtMost(commit_max),
                 "find what else takes the disk (snapshots, copies, other programs)");
  }
  const uint64_t calls_max =
      wanted.max_calls_waiting() == 0 ? kCallsWaitingMax : wanted.max_calls_waiting();
  if (status.calls_waiting() > calls_max) {
    found.Blocks("calls_waiting",
                 absl::StrCat(WithThousands(status.calls_waiting()), " calls wait"),
                 absl::StrCat("at most ", WithThousands(calls_max)),
                 "the node does not keep up with its clients: wait for a quieter hour");
  }
  const absl::Duration pending_told = OrElse(wanted.told_pending_left(), kPendingTold);
  const absl::Duration left = ToDuration(status.pending_left_longest());
  if (Writes(it) && left > pending_told) {
    found.Told("pendings",
               absl::StrCat(WithThousands(status.pendings()), " open, the longest for another ",
                            DurationText(left)),
               AtMost(pending_told), "nothing: they are carried across as they stand");
  }
}

void CheckMachine(const action::LedgerReadiness& wanted, const LedgerSituation& it,
                  Obstacles& found) {
  const uint64_t least =
      (wanted.min_disk_free_mib() == 0 ? kDiskFreeMinMiB : wanted.min_disk_free_mib()) * kMiB;
  if (!it.machine.has_disk_free_bytes()) {
    found.Blocks("disk_space", "not known", "", "let the agent run as the ledger's user");
  } else if (const uint64_t free = it.machine.disk_free_bytes(); free < 2 * least) {
    const auto tell = free < least ? &Obstacles::Blocks : &Obstacles::Told;
    (found.*tell)("disk_space", absl::StrCat(BytesText(free), " free"),
                  absl::StrCat("at least ", BytesText(least)),
                  "make room: a node whose disk is full stops");
  }
  if (!it.machine.has_clock_synchronized()) return;
  const absl::Duration limit = OrElse(wanted.max_clock_offset(), kClockMax);
  const absl::Duration error = ToDuration(it.machine.clock_error_max());
  if (!it.machine.clock_synchronized()) {
    // What the kernel says of a clock that nothing sets means nothing: the orchestrator measures
    // it.
    found.Told("clock", "not synchronized", "", "let chrony or ntpd set it");
  } else if (error > std::min(limit, kClockTold)) {
    const auto tell = error > limit ? &Obstacles::Blocks : &Obstacles::Told;
    (found.*tell)("clock", absl::StrCat("may be off by ", DurationText(error)), AtMost(limit),
                  "see that the clock's servers are reached (chronyc sources)");
  }
}

// By what the other holds now, a round trip ago: a replica knows only what it was told last.
void CheckLagFromHere(const action::LedgerReadiness& wanted, const LedgerSituation& it,
                      const ledger_pb::TryFollowResponse& tried, Obstacles& found) {
  const ledger_pb::NodeStatus& other = tried.status();
  if (other.following() != it.from || other.timestamp_ns() == 0) return;
  if (it.status.timestamp_ns() <= other.timestamp_ns()) return;
  const absl::Duration limit = OrElse(wanted.max_lag(), kLagMax);
  const absl::Duration behind =
      absl::Nanoseconds(static_cast<int64_t>(it.status.timestamp_ns() - other.timestamp_ns()));
  if (behind <= limit + ToDuration(tried.round_trip())) return;
  found.Blocks("lag",
               absl::StrCat(DurationText(behind), ": ", it.to, " holds ",
                            WithThousands(it.status.position() - other.position()),
                            " records less than ", it.from),
               AtMost(limit), "wait until the replica has caught up");
}

void CheckReverse(const action::LedgerReadiness& wanted, const LedgerSituation& it,
                  Obstacles& found) {
  if (!it.reverse.has_value()) return;
  const auto& tried = *it.reverse;
  if (!tried.ok()) {
    return found.Blocks(
        "reverse_path",
        absl::StrCat(it.from, " cannot follow ", it.to, ": ", tried.status().message()), "",
        absl::StrCat("open ", it.to, "'s port for ", it.from,
                     ": without it there is no way back after the switch"));
  }
  const ledger_pb::NodeStatus& other = tried->status();
  if (other.node_id() != it.to) {
    return found.Blocks("reverse_path",
                        absl::StrCat("at the address of ", it.to, " answers ", other.node_id()), "",
                        "correct the members' addresses in the node's configuration");
  }
  if (other.epoch() > it.status.epoch()) {
    found.Blocks("leftover",
                 absl::StrCat(it.to, " is in epoch ", other.epoch(), ", ", it.from, " in epoch ",
                              it.status.epoch()),
                 "", kGoBackFirst);
  }
  if (other.refused_epoch() > it.status.epoch()) {
    found.Blocks("leftover",
                 absl::StrCat(it.to, " has refused epoch ", other.refused_epoch(),
                              ", which a seal of epoch ", it.status.epoch(), " would give it"),
                 "", "an earlier way back did not end: let it (hamisha rollback RUN)");
  }
  CheckLagFromHere(wanted, it, *tried, found);
  const absl::Duration limit = OrElse(wanted.max_round_trip(), kRoundTripMax);
  if (const absl::Duration trip = ToDuration(tried->round_trip()); trip > limit) {
    found.Blocks("round_trip", DurationText(trip), AtMost(limit),
                 "the pause grows by two round trips: see what else uses the link");
  }
}

void AddDuration(const char* name, absl::Duration value, std::map<std::string, std::string>& to) {
  to[name] = absl::StrCat(absl::ToInt64Microseconds(value));
}

}  // namespace

std::vector<pb::Obstacle> ObstaclesOf(const action::LedgerReadiness& wanted,
                                      const LedgerSituation& situation) {
  Obstacles found;
  CheckNode(situation, found);
  if (Writes(situation)) {
    CheckOwner(situation, found);
  } else {
    CheckSuccessor(situation, found);
    CheckReplication(wanted, situation, found);
  }
  CheckLoad(wanted, situation, found);
  CheckMachine(wanted, situation, found);
  CheckReverse(wanted, situation, found);
  return found.all();
}

std::map<std::string, std::string> FactsOf(const LedgerSituation& situation) {
  const ledger_pb::NodeStatus& status = situation.status;
  std::map<std::string, std::string> facts = {
      {"shard", absl::StrCat(status.shard())},
      {"epoch", absl::StrCat(status.epoch())},
      {"position", absl::StrCat(status.position())},
      {"accounts_unhashed", absl::StrCat(status.accounts_unhashed())},
      {"pendings", absl::StrCat(status.pendings())},
      {"calls_waiting", absl::StrCat(status.calls_waiting())}};
  if (status.has_pending_left_longest()) {
    facts["pending_left_longest_s"] = absl::StrCat(status.pending_left_longest().seconds());
  }
  if (status.has_commit_p99()) AddDuration("commit_p99_us", ToDuration(status.commit_p99()), facts);
  if (!Writes(situation) && status.following() == situation.from && !status.has_copy()) {
    facts["lag_records"] = absl::StrCat(status.lag().records());
    facts["lag_bytes"] = absl::StrCat(status.lag().bytes());
    if (status.lag().has_time() || status.lag().records() == 0) {
      AddDuration("lag_us", ToDuration(status.lag().time()), facts);
    }
  }
  if (situation.machine.has_disk_free_bytes()) {
    facts["disk_free_bytes"] = absl::StrCat(situation.machine.disk_free_bytes());
  }
  if (situation.reverse.has_value() && situation.reverse->ok()) {
    AddDuration("round_trip_us", ToDuration((*situation.reverse)->round_trip()), facts);
  }
  return facts;
}

}  // namespace agents
