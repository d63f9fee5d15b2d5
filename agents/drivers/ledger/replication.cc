// ledger.replicate, ledger.follow, ledger.await_lag.
#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "agents/drivers/ledger/drivers.h"
#include "agents/drivers/ledger/node_control.h"
#include "agents/runtime/call.h"
#include "hamisha/action/v1/ledger.pb.h"

namespace agents {
namespace {

namespace action = ::hamisha::action::v1;
using Result = ::hamisha::agent::v1::OrderResult;

constexpr absl::Duration kPollPause = absl::Milliseconds(20);
constexpr absl::Duration kProgressPause = absl::Milliseconds(500);

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

std::string LagText(const ledger_pb::Lag& lag) {
  const bool has_time = lag.has_time() || lag.records() == 0;
  return absl::StrCat(
      "lag ", WithThousands(lag.records()), " records",
      has_time ? absl::StrFormat(", %.1f s", absl::ToDoubleSeconds(ToDuration(lag.time()))) : "",
      lag.connected() ? "" : " when last heard of; the stream is broken");
}

std::string CopyText(const ledger_pb::CopyProgress& copy) {
  if (copy.bytes_total() == 0) return absl::StrCat("copying: ", copy.trouble());
  constexpr double kMega = 1e6;
  std::string text = absl::StrFormat(
      "copying record %s: %.0f of %.0f MB, %s of %s accounts, %.0f MB/s",
      WithThousands(copy.position()), static_cast<double>(copy.bytes_done()) / kMega,
      static_cast<double>(copy.bytes_total()) / kMega, WithThousands(copy.accounts_done()),
      WithThousands(copy.accounts_total()), static_cast<double>(copy.bytes_per_s()) / kMega);
  if (copy.has_time_left()) {
    absl::StrAppend(&text, ", ", absl::FormatDuration(ToDuration(copy.time_left())), " left");
  }
  if (copy.pacing().held_back_by_commits()) {
    absl::StrAppend(&text, ", held back by commits: p99 ",
                    absl::FormatDuration(ToDuration(copy.pacing().commit_p99())), ", before ",
                    absl::FormatDuration(ToDuration(copy.pacing().commit_p99_before())));
  }
  if (!copy.trouble().empty()) absl::StrAppend(&text, " (the last try: ", copy.trouble(), ")");
  return text;
}

// How far the replica is.
// Here or at the source: a seal would be refused.
uint64_t Unhashed(const ledger_pb::NodeStatus& status) {
  return std::max(status.accounts_unhashed(), status.lag().source_accounts_unhashed());
}

std::string WhereText(const ledger_pb::NodeStatus& status) {
  std::string text = LagText(status.lag());
  if (status.has_copy()) text = absl::StrCat(CopyText(status.copy()), "; ", text);
  const uint64_t unhashed = Unhashed(status);
  if (unhashed > 0) {
    absl::StrAppend(&text, "; the state root still lacks ", WithThousands(unhashed), " accounts");
  }
  return text;
}

absl::StatusOr<ledger_pb::NodeStatus> Follow(const NodeStub& node, OrderContext& order,
                                             const std::string& from) {
  ledger_pb::FollowRequest request;
  request.set_node_id(from);
  return CallUntilAnswered<ledger_pb::NodeStatus>(
      order, OrderContext::EndsOn::kStop,
      [&](auto* client, auto* response) { return node->Follow(client, request, response); });
}

// Both pull records from the shard's node on the site `from`; only their names differ.
template <typename Action>
class FollowDriver final : public ActionDriver<Action> {
 public:
  explicit FollowDriver(NodeStub node) : node_(std::move(node)) {}

 protected:
  Result Check(OrderContext& order, const Action& follow) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok()) return ReadError("asking the ledger node", status.status());
    const auto from = NodeOnSite(order.order(), status->shard(), follow.from());
    if (!from.ok()) return Failed(from.status().message());
    return Succeeded(absl::StrCat("would pull records from ", *from, "; ", Describe(*status)));
  }

  Result Apply(OrderContext& order, const Action& follow) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok()) return ReadError("asking the ledger node", status.status());
    if (order.back() && status->role() == ledger_pb::ROLE_PRIMARY) {
      return NothingToDo(absl::StrCat("nothing to follow: ", Describe(*status)));
    }
    const auto from = NodeOnSite(order.order(), status->shard(), follow.from());
    if (!from.ok()) return Failed(from.status().message());
    if (*from == status->node_id()) {
      return Failed(absl::StrCat(*from, " cannot pull from itself: correct `hosts` or `from`"));
    }
    const auto followed = Follow(node_, order, *from);
    if (!followed.ok()) {
      return MutationError(absl::StrCat("pulling records from ", *from), followed.status());
    }
    return AwaitConnected(order, *from);
  }

  Result Undo(OrderContext& order, const Action& /*follow*/) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok()) return ReadError("asking the ledger node", status.status());
    if (status->role() == ledger_pb::ROLE_PRIMARY || status->following().empty()) {
      return NothingToDo(absl::StrCat("nothing to stop: it pulls no records; ", Describe(*status)));
    }
    const auto stopped = Follow(node_, order, "");
    if (!stopped.ok()) return MutationError("stopping to pull records", stopped.status());
    return Succeeded(absl::StrCat("no longer pulls records from ", status->following()));
  }

  Result Probe(OrderContext& order, const Action& follow) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok())
      return Unknown(ReadError("asking the ledger node", status.status()).message());
    const auto from = NodeOnSite(order.order(), status->shard(), follow.from());
    if (!from.ok()) return Unknown(from.status().message());
    if (status->following() == *from) return Succeeded(absl::StrCat("pulls records from ", *from));
    return Failed(absl::StrCat("does not pull records from ", *from, "; ", Describe(*status)));
  }

 private:
  Result AwaitConnected(OrderContext& order, const std::string& from) {
    do {
      const auto status = StatusOnce(node_, order);
      if (!status.ok()) continue;
      if (!status->fault().empty()) return TakeBack(order, from, status->fault());
      if (status->following() == from && status->lag().connected()) {
        Result result =
            Succeeded(absl::StrCat("pulls records from ", from, "; ", WhereText(*status)));
        AddFacts(*status, result);
        return result;
      }
    } while (order.Wait(kPollPause));
    if (order.cancelled()) return Unknown("cancelled while the stream was being connected");
    return Unknown(
        absl::StrCat("told to pull records from ", from,
                     ", but the stream does not stand: see that the link and the node are up"));
  }

  // So that the failure leaves nothing behind.
  Result TakeBack(OrderContext& order, const std::string& from, const std::string& fault) {
    const std::string why = absl::StrCat("cannot follow ", from, ": ", fault);
    return Follow(node_, order, "").ok() ? Failed(why) : Unknown(why);
  }

  const NodeStub node_;
};

class AwaitLagDriver final : public ActionDriver<action::LedgerAwaitLag> {
 public:
  explicit AwaitLagDriver(NodeStub node) : node_(std::move(node)) {}

 protected:
  Result Check(OrderContext& order, const action::LedgerAwaitLag& /*wanted*/) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok()) return ReadError("asking the ledger node", status.status());
    return Succeeded(absl::StrCat("would wait for the replica; ", Describe(*status)));
  }

  Result Apply(OrderContext& order, const action::LedgerAwaitLag& wanted) override {
    absl::Duration next_progress = order.clock().MonotonicNow();
    std::string newest = "the ledger node has not answered";
    do {
      const auto status = StatusOnce(node_, order);
      if (!status.ok()) {
        newest = absl::StrCat("the ledger node does not answer (", status.status().message(), ")");
      } else if (!status->fault().empty()) {
        return Faulty(*status);
      } else if (IsNear(*status, wanted)) {
        Result result = Succeeded(WhereText(*status));
        AddFacts(*status, result);
        (*result.mutable_facts())["lag_records"] = absl::StrCat(status->lag().records());
        return result;
      } else {
        newest = status->following().empty() ? "it pulls from no node: run ledger.replicate first"
                                             : WhereText(*status);
      }
      if (order.clock().MonotonicNow() >= next_progress) {
        order.Progress(newest);
        next_progress = order.clock().MonotonicNow() + kProgressPause;
      }
    } while (order.Wait(kPollPause));
    if (order.cancelled()) return Failed("cancelled: the step was given up");
    return Failed(absl::StrCat("not near enough within the step's timeout: ", newest));
  }

  Result Probe(OrderContext& order, const action::LedgerAwaitLag& wanted) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok())
      return Unknown(ReadError("asking the ledger node", status.status()).message());
    return IsNear(*status, wanted) ? Succeeded(WhereText(*status)) : Failed(WhereText(*status));
  }

 private:
  static bool IsNear(const ledger_pb::NodeStatus& status, const action::LedgerAwaitLag& wanted) {
    const ledger_pb::Lag& lag = status.lag();
    // Without a time some are missing, and it is not known since when.
    const bool has_time = lag.has_time() || lag.records() == 0;
    return !status.following().empty() && lag.connected() && has_time && Unhashed(status) == 0 &&
           ToDuration(lag.time()) <= ToDuration(wanted.max_lag()) &&
           (wanted.max_records() == 0 || lag.records() <= wanted.max_records());
  }

  const NodeStub node_;
};

}  // namespace

void AddReplicationDrivers(const NodeStub& node, Drivers& drivers) {
  drivers.Add(std::make_unique<FollowDriver<action::LedgerReplicate>>(node));
  drivers.Add(std::make_unique<FollowDriver<action::LedgerFollow>>(node));
  drivers.Add(std::make_unique<AwaitLagDriver>(node));
}

void AddLedgerDrivers(const NodeStub& node, const VerificationStub& verification,
                      Drivers& drivers) {
  AddReplicationDrivers(node, drivers);
  AddSealDrivers(node, drivers);
  AddSwitchDrivers(node, drivers);
  AddVerificationDrivers(node, verification, drivers);
  AddReadinessDriver(node, drivers);
}

}  // namespace agents
