#include "benchmarks/ledger/bench_node.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/time/clock.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "benchmarks/common/figures.h"
#include "hamisha/ledger/v1/ledger.grpc.pb.h"
#include "hamisha/ledger/v1/node.grpc.pb.h"
#include "ledger/core/types.h"
#include "ledger/node/config.h"
#include "rpc/rpc.h"

namespace benchmarks {
namespace {

namespace pb = ::hamisha::ledger::v1;

constexpr char kName[] = "bench";

absl::Status CreateBatch(pb::Ledger::Stub& stub, uint64_t first, uint64_t end) {
  pb::CreateAccountsRequest request;
  for (uint64_t number = first; number < end; ++number) {
    pb::Account& account = *request.add_accounts();
    account.mutable_id()->set_low(number);
    account.set_ledger(1);
    account.set_code(1);
  }
  grpc::ClientContext context;
  pb::CreateResponse response;
  RETURN_IF_ERROR(rpc::FromGrpc(stub.CreateAccounts(&context, request, &response)));
  if (response.results_size() == 0) return absl::OkStatus();
  return absl::InternalError("an account was not created: " +
                             response.results(0).ShortDebugString());
}

}  // namespace

absl::StatusOr<std::unique_ptr<BenchNode>> BenchNode::Start(const std::string& parent,
                                                            bool has_checkpoints) {
  ASSIGN_OR_RETURN(std::unique_ptr<Folder> folder, Folder::Create(parent, "bench-ledger"));
  std::unique_ptr<BenchNode> node(new BenchNode(std::move(folder)));
  if (!has_checkpoints) node->options_.checkpoint_interval = absl::InfiniteDuration();
  RETURN_IF_ERROR(node->Prepare());
  RETURN_IF_ERROR(node->Launch());
  return node;
}

absl::Status BenchNode::Prepare() {
  pb::NodeConfig& config = options_.config;
  config.set_node_id(kName);
  config.set_first_owner(kName);
  config.set_data_dir(folder_->path());
  config.set_trims_log(true);
  pb::Member& member = *config.add_members();
  member.set_node_id(kName);
  ASSIGN_OR_RETURN(const std::string key,
                   ledger::CreateKey(base::SystemFileSystem(), folder_->path()));
  member.set_public_key(key);
  return ledger::Bootstrap(options_);
}

absl::Status BenchNode::Launch() {
  ASSIGN_OR_RETURN(node_, ledger::LedgerNode::Start(options_));
  return absl::OkStatus();
}

absl::Status BenchNode::CreateAccounts(uint64_t count) {
  const auto stub = pb::Ledger::NewStub(rpc::Connect(address()));
  while (accounts_ < count) {
    const uint64_t end = std::min<uint64_t>(count, accounts_ + ledger::kBatchEventsMax);
    RETURN_IF_ERROR(CreateBatch(*stub, accounts_ + 1, end + 1));
    accounts_ = end;
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> BenchNode::Transfers() const {
  grpc::ClientContext context;
  pb::NodeStatus status;
  RETURN_IF_ERROR(rpc::FromGrpc(pb::Node::NewStub(rpc::Connect(address()))
                                    ->GetStatus(&context, pb::GetStatusRequest(), &status)));
  return status.transfers();
}

absl::StatusOr<uint64_t> BenchNode::TakeSnapshot() const {
  const auto node = pb::Node::NewStub(rpc::Connect(address()));
  while (true) {
    grpc::ClientContext context;
    pb::TakeSnapshotResponse response;
    const grpc::Status status = node->TakeSnapshot(&context, pb::TakeSnapshotRequest(), &response);
    if (status.ok()) return response.bytes();
    // One that the node takes of itself is under way.
    if (status.error_code() != grpc::StatusCode::ABORTED) return rpc::FromGrpc(status);
    absl::SleepFor(absl::Milliseconds(50));
  }
}

uint64_t BenchNode::DiskBytes() const {
  constexpr uint64_t kBlockBytes = 512;  // Of st_blocks, whatever the disk's are.
  uint64_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder_->path(), ignored)) {
    struct stat status = {};
    if (::stat(entry.path().c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
      bytes += static_cast<uint64_t>(status.st_blocks) * kBlockBytes;
    }
  }
  return bytes;
}

absl::StatusOr<double> BenchNode::Restart() {
  node_.reset();
  const double start = SecondsNow();
  RETURN_IF_ERROR(Launch());
  return SecondsNow() - start;
}

}  // namespace benchmarks
