#include "benchmarks/copy/copy_pair.h"

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

absl::StatusOr<std::unique_ptr<CopyPair>> CopyPair::Start(const Parents& parents, uint32_t streams,
                                                          std::unique_ptr<OtherSite> other_site) {
  ASSIGN_OR_RETURN(std::unique_ptr<Folder> source, Folder::Create(parents.source, "bench-copy"));
  ASSIGN_OR_RETURN(std::unique_ptr<Folder> target, Folder::Create(parents.target, "bench-copy"));
  std::unique_ptr<CopyPair> pair(
      new CopyPair(std::move(source), std::move(target), std::move(other_site)));
  RETURN_IF_ERROR(pair->Prepare(streams));
  return pair;
}

absl::Status CopyPair::Prepare(uint32_t streams) {
  for (const std::string node_id : {"source", "target"}) {
    const Folder& parent = node_id == "source" ? *source_folder_ : *target_folder_;
    const std::string data_dir = parent.path() + "/" + node_id;
    ASSIGN_OR_RETURN(const std::string key, ledger::CreateKey(base::SystemFileSystem(), data_dir));
    for (pb::NodeConfig* const config : {&source_options_.config, &target_config_}) {
      pb::Member& member = *config->add_members();
      member.set_node_id(node_id);
      member.set_public_key(key);
      config->set_first_owner("source");
    }
    pb::NodeConfig& own = node_id == "source" ? source_options_.config : target_config_;
    own.set_node_id(node_id);
    own.set_data_dir(data_dir);
  }
  source_options_.config.set_trims_log(true);
  target_config_.set_copy_log_bytes(1);
  target_config_.set_copy_streams(streams);
  RETURN_IF_ERROR(ledger::Bootstrap(source_options_));
  ASSIGN_OR_RETURN(source_, ledger::LedgerNode::Start(source_options_));
  source_node_ = pb::Node::NewStub(rpc::Connect(source()));
  return absl::OkStatus();
}

void CopyPair::Hear(const std::string& sentence) {
  unsigned long bytes = 0;  // NOLINT(google-runtime-int): what sscanf reads.
  unsigned long again = 0;  // NOLINT(google-runtime-int)
  const absl::MutexLock lock(&mutex_);
  // NOLINTNEXTLINE(cert-err34-c): a sentence of ours.
  if (std::sscanf(sentence.c_str(), "copied %lu bytes, %lu of them", &bytes, &again) != 2) return;
  is_copied_ = true;
  copied_bytes_ = bytes;
  sent_again_bytes_ = again;
}

absl::Status CopyPair::CreateAccounts(uint64_t count) {
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

absl::Status CopyPair::TakeSnapshot() {
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

absl::Status CopyPair::Follow() {
  target_config_.mutable_members(0)->set_address(source());
  ASSIGN_OR_RETURN(const std::string address,
                   other_site_->Start(target_config_, [this](const auto& said) { Hear(said); }));
  grpc::ClientContext context;
  pb::FollowRequest request;
  request.set_node_id("source");
  pb::NodeStatus status;
  target_node_ = pb::Node::NewStub(rpc::Connect(address));
  return rpc::FromGrpc(target_node_->Follow(&context, request, &status));
}

absl::Status CopyPair::HoldCopy(bool is_held) {
  constexpr uint32_t kLastMinute = 24 * 60 - 1;
  const auto copies = pb::Copies::NewStub(rpc::Connect(source()));
  pb::CopyLimits limits;
  {
    grpc::ClientContext context;
    RETURN_IF_ERROR(
        rpc::FromGrpc(copies->GetCopyLimits(&context, pb::GetCopyLimitsRequest(), &limits)));
  }
  limits.clear_quiet_hours();
  if (is_held) {
    limits.add_quiet_hours()->set_to_minute(kLastMinute);
    limits.add_quiet_hours()->set_from_minute(kLastMinute);
  }
  grpc::ClientContext context;
  pb::CopyLimits held;
  return rpc::FromGrpc(copies->SetCopyLimits(&context, limits, &held));
}

absl::StatusOr<pb::NodeStatus> CopyPair::SourceStatus() const { return StatusOf(*source_node_); }

absl::StatusOr<pb::NodeStatus> CopyPair::TargetStatus() const { return StatusOf(*target_node_); }

bool CopyPair::IsCopied() const {
  const absl::MutexLock lock(&mutex_);
  return is_copied_;
}

uint64_t CopyPair::copied_bytes() const {
  const absl::MutexLock lock(&mutex_);
  return copied_bytes_;
}

uint64_t CopyPair::sent_again_bytes() const {
  const absl::MutexLock lock(&mutex_);
  return sent_again_bytes_;
}

}  // namespace benchmarks
