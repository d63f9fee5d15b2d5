#include "ledger/node/node.h"

#include <grpc/support/time.h>
#include <grpcpp/grpcpp.h>

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "base/status_macros.h"
#include "ledger/core/certificate.h"
#include "ledger/node/challenger.h"
#include "ledger/node/config.h"
#include "ledger/node/disk.h"
#include "ledger/node/durable_tail.h"
#include "ledger/node/faults_service.h"
#include "ledger/node/follower.h"
#include "ledger/node/ledger_service.h"
#include "ledger/node/node_service.h"
#include "ledger/node/read_pool.h"
#include "ledger/node/shard.h"
#include "ledger/node/snapshotter.h"
#include "ledger/node/verification_service.h"
#include "ledger/node/verifier.h"
#include "ledger/node/writer.h"
#include "ledger/storage/log.h"
#include "ledger/storage/small_file.h"
#include "rpc/rpc.h"

namespace ledger {
namespace {

constexpr int kStopTimeoutS = 2;
constexpr size_t kReadThreads = 2;
constexpr int kSearchTimeoutS = 60;

std::map<std::string, std::string> Addresses(const pb::NodeConfig& config) {
  std::map<std::string, std::string> addresses;
  for (const pb::Member& member : config.members()) addresses[member.node_id()] = member.address();
  return addresses;
}

}  // namespace

struct LedgerNode::State {
  Disk disk;
  std::optional<Writer> writer;
  std::optional<Follower> follower;
  std::optional<ReadPool> reads;
  std::optional<Snapshotter> snapshotter;
  std::optional<Challenger> challenger;
  std::optional<Verifier> verifier;
  std::optional<LedgerService> ledger_service;
  std::optional<VerificationService> verification_service;
  std::optional<NodeService> node_service;
  std::optional<FaultsService> faults_service;
  rpc::RunningServer running;

  absl::Status Serve() {
    const pb::NodeConfig& config = disk.options.config;
    const std::string following = disk.shard->following();
    writer.emplace(
        *disk.shard, *disk.log,
        WriterOptions{.requests_max = disk.options.requests_max,
                      .on_fatal = disk.options.on_fatal,
                      .on_durable = [history = disk.history.get()](uint64_t timestamp_ns) {
                        history->Durable(timestamp_ns);
                      }});
    disk.history->SetOnCaughtUp([this] { writer->CaughtUp(); });
    follower.emplace(config.node_id(), Addresses(config), *writer);
    StartVerification();
    follower->SetTarget(following);
    reads.emplace(ReadPoolOptions{.threads = kReadThreads,
                                  .waiting_max = disk.options.requests_max,
                                  .bytes_max = disk.options.read_bytes_max});
    snapshotter.emplace(SnapshotterParts{.writer = *writer,
                                         .log = *disk.log,
                                         .history = *disk.history,
                                         .snapshots = *disk.snapshots,
                                         .tail = disk.tail},
                        SnapshotterOptions{.every_log_bytes = config.snapshot_log_bytes(),
                                           .trims_log = config.trims_log(),
                                           .clock = disk.options.clock,
                                           .say = disk.options.say},
                        disk.snapshot_log_bytes);
    ledger_service.emplace(config.shard(), *writer, *reads);
    node_service.emplace(NodeParts{.config = config,
                                   .writer = *writer,
                                   .follower = *follower,
                                   .log = *disk.log,
                                   .tail = disk.tail,
                                   .snapshotter = *snapshotter});
    std::vector<grpc::Service*> services = {&*ledger_service, &*node_service,
                                            &*verification_service};
    if (config.lab_faults()) services.push_back(&faults_service.emplace(*writer));
    const std::string listen = config.listen().empty() ? "127.0.0.1:0" : config.listen();
    ASSIGN_OR_RETURN(running, rpc::Serve({.listen = listen, .services = std::move(services)}));
    return absl::OkStatus();
  }

  void StartVerification() {
    const pb::NodeConfig& config = disk.options.config;
    challenger.emplace(*writer, ChallengerOptions{.clock = disk.options.clock});
    verifier.emplace(VerifierParts{.self = config.node_id(),
                                   .shard = config.shard(),
                                   .addresses = Addresses(config),
                                   .writer = *writer,
                                   .follower = *follower,
                                   .challenger = *challenger,
                                   .clock = disk.options.clock});
    verification_service.emplace(*writer, *challenger, *verifier);
    // On the writer's thread, like all that the shard is told.
    const absl::Status status = writer->Run([this](Shard& shard) {
      shard.SetOnDifference([this](const std::string& owner) { Search(owner); });
      shard.SetOnChallenge([this](ChallengedState state) { challenger->Begin(std::move(state)); });
    });
    INVARIANT(status.ok());
  }

  // The state roots in the log say that this node's state is not the owner's: where?
  void Search(const std::string& owner) {
    pb::VerifyAgainstRequest request;
    request.set_node_id(owner);
    request.mutable_timeout()->set_seconds(kSearchTimeoutS);
    verifier->VerifyNext(request, [this](const absl::StatusOr<pb::VerifyAgainstResponse>& found) {
      // When the writer takes nothing more the node is stopping.
      writer->Run([status = found.status()](Shard& shard) { shard.Searched(status); })
          .IgnoreError();
    });
  }
};

LedgerNode::LedgerNode(std::unique_ptr<State> state) : state_(std::move(state)) {}

LedgerNode::~LedgerNode() { Stop(); }

absl::StatusOr<std::unique_ptr<LedgerNode>> LedgerNode::Start(NodeOptions options) {
  auto state = std::make_unique<State>();
  state->disk.options = std::move(options);
  RETURN_IF_ERROR(state->disk.Open());
  std::unique_ptr<LedgerNode> node(new LedgerNode(std::move(state)));
  RETURN_IF_ERROR(node->state_->Serve());
  return node;
}

const std::string& LedgerNode::address() const { return state_->running.address; }

void LedgerNode::Stop() {
  // A read may take longer than calls are given: it is told to ask another node.
  if (state_->disk.history) state_->disk.history->Cancel();
  if (state_->follower) state_->follower->Stop();
  state_->disk.tail.Close();
  // Who waits for it is answered.
  if (state_->verifier) state_->verifier->Stop();
  if (state_->running.server != nullptr) {
    state_->running.server->Shutdown(gpr_time_add(
        gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(kStopTimeoutS, GPR_TIMESPAN)));
    state_->running.server->Wait();
    state_->running.server.reset();
  }
  if (state_->challenger) state_->challenger->Stop();
  if (state_->reads) state_->reads->Stop();
  if (state_->snapshotter) state_->snapshotter->Stop();
  if (state_->writer) state_->writer->Stop();
  if (state_->disk.history) state_->disk.history->SetOnCaughtUp({});
}

absl::Status Bootstrap(NodeOptions options) {
  if (const pb::NodeConfig& config = options.config; config.node_id() != config.first_owner()) {
    return absl::FailedPreconditionError(
        absl::StrCat("only the first owner, '", config.first_owner(),
                     "', writes the first record; this is '", config.node_id(), "'"));
  }
  Disk disk;
  disk.options = std::move(options);
  RETURN_IF_ERROR(disk.Open());
  RETURN_IF_ERROR(disk.shard->AppendFirstOpen());
  Frame frame;
  disk.shard->TakeFrame(frame);
  RETURN_IF_ERROR(disk.log->Append(frame));
  return disk.log->Append(frame);  // A mark.
}

}  // namespace ledger
