#include "benchmarks/difference/node_pair.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/time/clock.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "hamisha/ledger/v1/ledger.grpc.pb.h"
#include "hamisha/ledger/v1/node.grpc.pb.h"
#include "ledger/core/types.h"
#include "ledger/node/config.h"
#include "rpc/rpc.h"

namespace benchmarks {
namespace {

namespace pb = ::hamisha::ledger::v1;

absl::StatusOr<pb::NodeStatus> StatusOf(pb::Node::Stub& node) {
  grpc::ClientContext context;
  pb::NodeStatus status;
  RETURN_IF_ERROR(rpc::FromGrpc(node.GetStatus(&context, pb::GetStatusRequest(), &status)));
  return status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<NodePair>> NodePair::Start(Options options) {
  ASSIGN_OR_RETURN(std::unique_ptr<Folder> source,
                   Folder::Create(options.source_parent, "bench-difference"));
  ASSIGN_OR_RETURN(std::unique_ptr<Folder> target,
                   Folder::Create(options.target_parent, "bench-difference"));
  std::unique_ptr<NodePair> pair(
      new NodePair(std::move(options), std::move(source), std::move(target)));
  RETURN_IF_ERROR(pair->Prepare());
  return pair;
}

absl::Status NodePair::Prepare() {
  for (const std::string node_id : {"source", "target"}) {
    const Folder& parent = node_id == "source" ? *source_folder_ : *target_folder_;
    const std::string data_dir = parent.path() + "/" + node_id;
    ASSIGN_OR_RETURN(const std::string key, ledger::CreateKey(base::SystemFileSystem(), data_dir));
    for (ledger::NodeOptions* const options : {&source_options_, &target_options_}) {
      pb::Member& member = *options->config.add_members();
      member.set_node_id(node_id);
      member.set_public_key(key);
      options->config.set_first_owner("source");
    }
    ledger::NodeOptions& own = node_id == "source" ? source_options_ : target_options_;
    own.config.set_node_id(node_id);
    own.config.set_data_dir(data_dir);
  }
  source_options_.config.set_trims_log(options_.copies);
  target_options_.config.set_copy_log_bytes(options_.copies ? 1 : UINT64_MAX);
  target_options_.config.set_copy_streams(options_.streams);
  target_options_.config.set_lab_faults(options_.has_lab_faults);
  target_options_.say = [this](const std::string& sentence) { Hear(sentence); };
  RETURN_IF_ERROR(ledger::Bootstrap(source_options_));
  ASSIGN_OR_RETURN(source_, ledger::LedgerNode::Start(source_options_));
  source_node_ = pb::Node::NewStub(rpc::Connect(source()));
  return absl::OkStatus();
}

void NodePair::Hear(const std::string& sentence) {
  if (options_.hear) options_.hear(sentence);
  unsigned long bytes = 0;  // NOLINT(google-runtime-int): what sscanf reads.
  unsigned long again = 0;  // NOLINT(google-runtime-int)
  const absl::MutexLock lock(&mutex_);
  // NOLINTNEXTLINE(cert-err34-c): a sentence of ours.
  if (std::sscanf(sentence.c_str(), "copied %lu bytes, %lu of them", &bytes, &again) != 2) return;
  is_copied_ = true;
  copied_bytes_ = bytes;
  sent_again_bytes_ = again;
}

absl::Status NodePair::CreateAccounts(uint64_t count) {
  const auto stub = pb::Ledger::NewStub(rpc::Connect(source()));
  for (uint64_t first = 1; first <= count; first += ledger::kBatchEventsMax) {
    pb::CreateAccountsRequest request;
    const uint64_t end = std::min<uint64_t>(count + 1, first + ledger::kBatchEventsMax);
    for (uint64_t number = first; number < end; ++number) {
      pb::Account& account = *request.add_accounts();
      account.mutable_id()->set_low(number);
      account.set_ledger(1);
      account.set_code(1);
    }
    grpc::ClientContext context;
    pb::CreateResponse response;
    RETURN_IF_ERROR(rpc::FromGrpc(stub->CreateAccounts(&context, request, &response)));
  }
  return absl::OkStatus();
}

absl::Status NodePair::TakeSnapshot() {
  const auto node = pb::Node::NewStub(rpc::Connect(source()));
  while (true) {
    grpc::ClientContext context;
    pb::TakeSnapshotResponse response;
    const grpc::Status status = node->TakeSnapshot(&context, pb::TakeSnapshotRequest(), &response);
    // One that the node takes of itself is under way.
    if (status.error_code() != grpc::StatusCode::ABORTED) return rpc::FromGrpc(status);
    absl::SleepFor(absl::Milliseconds(50));
  }
}

absl::Status NodePair::Follow(const std::string& address) {
  target_options_.config.mutable_members(0)->set_address(address);
  RETURN_IF_ERROR(StartTarget());
  grpc::ClientContext context;
  pb::FollowRequest request;
  request.set_node_id("source");
  pb::NodeStatus status;
  return rpc::FromGrpc(target_node_->Follow(&context, request, &status));
}

absl::Status NodePair::StartTarget() {
  ASSIGN_OR_RETURN(target_, ledger::LedgerNode::Start(target_options_));
  target_node_ = pb::Node::NewStub(rpc::Connect(target()));
  return absl::OkStatus();
}

absl::Status NodePair::RestartTarget() {
  target_.reset();
  return StartTarget();
}

void NodePair::Stop() {
  target_.reset();
  source_.reset();
}

absl::StatusOr<pb::NodeStatus> NodePair::SourceStatus() const { return StatusOf(*source_node_); }

absl::StatusOr<pb::NodeStatus> NodePair::TargetStatus() const { return StatusOf(*target_node_); }

bool NodePair::IsCopied() const {
  const absl::MutexLock lock(&mutex_);
  return is_copied_;
}

uint64_t NodePair::copied_bytes() const {
  const absl::MutexLock lock(&mutex_);
  return copied_bytes_;
}

uint64_t NodePair::sent_again_bytes() const {
  const absl::MutexLock lock(&mutex_);
  return sent_again_bytes_;
}

}  // namespace benchmarks
