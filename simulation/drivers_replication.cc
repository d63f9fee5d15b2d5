// As agents/drivers/ledger/replication.cc and verification.cc.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "hamisha/action/v1/ledger.pb.h"
#include "simulation/drivers_ledger.h"

namespace simulation {
namespace {

namespace action = ::hamisha::action::v1;

constexpr uint64_t kNearRecords = 2;

// Both actions have the same one field.
std::string SourceOf(const OrderRun& run) {
  action::LedgerFollow follow;
  if (!follow.ParseFromString(run.order().action().value())) return "";
  return NodeOnSite(run, follow.from());
}

NodeRequest FollowRequest(const std::string& node) {
  return {.kind = NodeRequest::Kind::kFollow, .run = {}, .node = node, .certificate = {}};
}

void AwaitConnected(const Run& run, const std::string& from);

void OnStatus(const Run& run, const std::string& from, const NodeStatus& status) {
  if (!status.fault.empty()) {
    return run->CallNode(FollowRequest(""), [run](const absl::StatusOr<NodeAnswer>& answer) {
      answer.ok() ? run->Fail("cannot follow") : run->Unknown("cannot follow");
    });
  }
  if (status.following == from && status.connected) return run->Succeed("pulls records");
  run->Wait([run, from](bool in_time) {
    in_time ? AwaitConnected(run, from) : run->Unknown("the stream does not stand");
  });
}

void AwaitConnected(const Run& run, const std::string& from) {
  run->WithStatus([run, from](const NodeStatus& status) { OnStatus(run, from, status); });
}

bool IsNear(const NodeStatus& status) {
  return !status.following.empty() && status.connected &&
         status.position + kNearRecords >= status.source_position;
}

}  // namespace

void ApplyFollow(const Run& run) {
  run->WithStatus([run](const NodeStatus& status) {
    if (run->back() && status.role == ledger::Role::kPrimary) {
      return run->Succeed("nothing to follow");
    }
    const std::string from = SourceOf(*run);
    if (from.empty() || from == run->node()->place().id) return run->Fail("no node to follow");
    run->CallNode(FollowRequest(from), [run, from](const absl::StatusOr<NodeAnswer>& answer) {
      answer.ok() ? AwaitConnected(run, from) : run->EndMutation(answer.status());
    });
  });
}

void UndoFollow(const Run& run) {
  run->WithStatus([run](const NodeStatus& status) {
    if (status.role == ledger::Role::kPrimary || status.following.empty()) {
      return run->Succeed("nothing to stop");
    }
    run->CallNode(FollowRequest(""), [run](const absl::StatusOr<NodeAnswer>& answer) {
      answer.ok() ? run->Succeed("no longer pulls records") : run->EndMutation(answer.status());
    });
  });
}

void ProbeFollow(const Run& run) {
  run->WithStatus([run](const NodeStatus& status) {
    status.following == SourceOf(*run) ? run->Succeed("pulls records")
                                       : run->Fail("does not pull records");
  });
}

void ApplyAwaitLag(const Run& run) {
  run->WithStatus([run](const NodeStatus& status) {
    if (!status.fault.empty()) return run->Fail(status.fault);
    if (IsNear(status)) {
      OrderRun::Result result;
      result.set_outcome(hamisha::agent::v1::OUTCOME_SUCCEEDED);
      (*result.mutable_facts())["lag_records"] =
          absl::StrCat(status.source_position - std::min(status.position, status.source_position));
      return run->Finish(std::move(result));
    }
    run->Wait([run](bool in_time) {
      in_time ? ApplyAwaitLag(run) : run->Fail("not near enough within the step's timeout");
    });
  });
}

void ProbeAwaitLag(const Run& run) {
  run->WithStatus([run](const NodeStatus& status) {
    IsNear(status) ? run->Succeed("near") : run->Fail("far");
  });
}

// Equal logs give equal states here: only that the replica follows is asked.
void ApplyChallenge(const Run& run) {
  run->WithStatus([run](const NodeStatus& status) {
    if (!status.fault.empty()) return run->Fail(status.fault, true);
    status.following.empty() ? run->Fail("it follows no node") : run->Succeed("equal");
  });
}

}  // namespace simulation
