#include "lab/platform/node_monitor.h"

#include <chrono>
#include <utility>

#include "rpc/rpc.h"

namespace lab {
namespace {

namespace ledger_api = hamisha::ledger::v1;

constexpr absl::Duration kSweepEvery = absl::Milliseconds(20);
constexpr absl::Duration kAnswerMax = absl::Milliseconds(200);

// gRPC takes deadlines as this machine's wall time.
void SetDeadline(grpc::ClientContext& context, absl::Duration from_now) {
  context.set_deadline(absl::ToChronoTime(base::SystemClock().WallNow() + from_now));
}

}  // namespace

absl::StatusOr<ledger_api::NodeStatus> AskNode(const NodeAddress& node) {
  const auto stub = ledger_api::Node::NewStub(rpc::Connect(node.address));
  grpc::ClientContext context;
  SetDeadline(context, absl::Seconds(1));
  ledger_api::NodeStatus status;
  const grpc::Status answered = stub->GetStatus(&context, {}, &status);
  if (!answered.ok()) return rpc::FromGrpc(answered);
  return status;
}

NodeMonitor::NodeMonitor(std::vector<NodeAddress> nodes, const base::Clock& clock)
    : nodes_(std::move(nodes)), clock_(clock), thread_([this] { Loop(); }) {}

NodeMonitor::~NodeMonitor() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

int NodeMonitor::primaries_max() const {
  const absl::MutexLock lock(&mutex_);
  return intervals_.primaries_max();
}

std::vector<std::string> NodeMonitor::violations() const {
  const absl::MutexLock lock(&mutex_);
  return intervals_.violations();
}

void NodeMonitor::Loop() {
  std::vector<std::unique_ptr<ledger_api::Node::StubInterface>> stubs;
  for (const NodeAddress& node : nodes_) {
    stubs.push_back(ledger_api::Node::NewStub(rpc::Connect(node.address)));
  }
  while (true) {
    for (size_t i = 0; i < nodes_.size(); ++i) Ask(nodes_[i], *stubs[i]);
    const absl::MutexLock lock(&mutex_);
    if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kSweepEvery)) return;
  }
}

void NodeMonitor::Ask(const NodeAddress& node, ledger_api::Node::StubInterface& stub) {
  grpc::ClientContext context;
  SetDeadline(context, kAnswerMax);
  ledger_api::NodeStatus status;
  const absl::Duration asked = clock_.MonotonicNow();
  if (!stub.GetStatus(&context, {}, &status).ok()) return;
  if (status.role() != ledger_api::ROLE_PRIMARY) return;
  const absl::MutexLock lock(&mutex_);
  intervals_.Add({.shard = node.shard,
                  .node = node.node_id,
                  .epoch = status.epoch(),
                  .asked = asked,
                  .answered = clock_.MonotonicNow()});
}

}  // namespace lab
