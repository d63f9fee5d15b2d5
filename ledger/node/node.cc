#include "ledger/node/node.h"

#include <grpc/support/time.h>
#include <grpcpp/grpcpp.h>

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/folder_lock.h"
#include "base/status_macros.h"
#include "ledger/core/certificate.h"
#include "ledger/node/config.h"
#include "ledger/node/durable_tail.h"
#include "ledger/node/follower.h"
#include "ledger/node/ledger_service.h"
#include "ledger/node/node_service.h"
#include "ledger/node/shard.h"
#include "ledger/node/writer.h"
#include "ledger/storage/log.h"
#include "ledger/storage/small_file.h"
#include "rpc/rpc.h"

namespace ledger {
namespace {

constexpr int kStopTimeoutS = 2;

std::map<std::string, std::string> Addresses(const pb::NodeConfig& config) {
  std::map<std::string, std::string> addresses;
  for (const pb::Member& member : config.members()) addresses[member.node_id()] = member.address();
  return addresses;
}

// What a node is without threads and network.
struct Disk {
  NodeOptions options;
  std::optional<base::FolderLock> lock;
  std::optional<SmallFiles> small_files;
  DurableTail tail;
  std::unique_ptr<Log> log;
  std::optional<Shard> shard;

  void Say(const std::string& sentence) const {
    if (options.say) options.say(sentence);
  }

  absl::Status Open() {
    const pb::NodeConfig& config = options.config;
    ASSIGN_OR_RETURN(MemberKeys keys, CheckConfig(config));
    ASSIGN_OR_RETURN(base::SigningKey key, LoadKey(*options.files, config, keys));
    ASSIGN_OR_RETURN(base::FolderLock taken, base::FolderLock::Take(config.data_dir()));
    lock.emplace(std::move(taken));
    small_files.emplace(*options.files, config.data_dir());
    ASSIGN_OR_RETURN(log, Log::Open(*options.files, {.folder = config.data_dir() + "/log"}));
    if (!log->torn_tail().empty()) {
      Say(absl::StrCat("dropped a torn tail, which nobody was told of: ", log->torn_tail()));
    }
    shard.emplace(ShardOptions{.config = config,
                               .keys = std::move(keys),
                               .key = std::make_shared<const base::SigningKey>(std::move(key)),
                               .clock = options.clock,
                               .files = &*small_files,
                               .tail = &tail});
    return Replay();
  }

  absl::Status Replay() {
    LogReader reader(*log, 1);
    while (true) {
      ASSIGN_OR_RETURN(const LogReader::Item* const item, reader.Next());
      if (item == nullptr) break;
      RETURN_IF_ERROR(shard->Replay(item->record));
    }
    RETURN_IF_ERROR(shard->ReplayDone());
    Say(absl::StrCat("read back ", shard->position(), " records: ", shard->state().account_count(),
                     " accounts, ", shard->state().transfer_count(), " transfers"));
    return absl::OkStatus();
  }
};

}  // namespace

struct LedgerNode::State {
  Disk disk;
  std::optional<Writer> writer;
  std::optional<Follower> follower;
  std::optional<LedgerService> ledger_service;
  std::optional<NodeService> node_service;
  std::optional<FaultsService> faults_service;
  rpc::RunningServer running;

  absl::Status Serve() {
    const pb::NodeConfig& config = disk.options.config;
    const std::string following = disk.shard->following();
    writer.emplace(*disk.shard, *disk.log,
                   WriterOptions{.requests_max = disk.options.requests_max,
                                 .on_fatal = disk.options.on_fatal});
    follower.emplace(config.node_id(), Addresses(config), *writer);
    follower->SetTarget(following);
    ledger_service.emplace(config.shard(), *writer);
    node_service.emplace(NodeParts{.config = config,
                                   .writer = *writer,
                                   .follower = *follower,
                                   .log = *disk.log,
                                   .tail = disk.tail});
    std::vector<grpc::Service*> services = {&*ledger_service, &*node_service};
    if (config.lab_faults()) services.push_back(&faults_service.emplace(*writer));
    const std::string listen = config.listen().empty() ? "127.0.0.1:0" : config.listen();
    ASSIGN_OR_RETURN(running, rpc::Serve({.listen = listen, .services = std::move(services)}));
    return absl::OkStatus();
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
  if (state_->follower) state_->follower->Stop();
  state_->disk.tail.Close();
  if (state_->running.server != nullptr) {
    state_->running.server->Shutdown(gpr_time_add(
        gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(kStopTimeoutS, GPR_TIMESPAN)));
    state_->running.server->Wait();
    state_->running.server.reset();
  }
  if (state_->writer) state_->writer->Stop();
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
