#include "ledger/gateway/server.h"

#include <grpcpp/grpcpp.h>

#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "hamisha/ledger/v1/gateway.grpc.pb.h"
#include "ledger/gateway/control.h"
#include "ledger/gateway/reads.h"
#include "ledger/gateway/route_file.h"
#include "ledger/gateway/services.h"
#include "ledger/gateway/shard_writer.h"
#include "ledger/gateway/timer.h"
#include "rpc/rpc.h"

namespace ledger {
namespace {

constexpr absl::Duration kShutdownTimeout = absl::Seconds(1);

struct ShardNodes {
  NodeStubs stubs;
  std::string first;  // Node id on the first site.
};

absl::StatusOr<std::map<uint32_t, ShardNodes>> ConnectNodes(const pb::GatewayConfig& config) {
  std::map<uint32_t, ShardNodes> shards;
  for (const pb::GatewayNode& node : config.nodes()) {
    ShardNodes& shard = shards[node.shard()];
    if (node.node_id().empty() || node.address().empty() || shard.stubs.contains(node.node_id())) {
      return absl::InvalidArgumentError(
          absl::StrCat("nodes: every one needs an address and a node_id of its own within its "
                       "shard; see \"",
                       node.node_id(), "\" of shard ", node.shard()));
    }
    const auto channel = rpc::Connect(node.address());
    channel->GetState(/*try_to_connect=*/true);  // So that a switch finds it connected.
    shard.stubs[node.node_id()] = pb::Ledger::NewStub(channel);
    if (node.site() == config.first_site()) shard.first = node.node_id();
  }
  if (shards.empty()) {
    return absl::InvalidArgumentError("nodes: is empty; name the ledger nodes of every shard");
  }
  for (const auto& [number, shard] : shards) {
    if (shard.first.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("first_site: shard ", number,
                                                     " has no node on site \"", config.first_site(),
                                                     "\"; name the site that is active now"));
    }
  }
  return shards;
}

}  // namespace

class GatewayServer::Parts {
 public:
  Parts(base::FileSystem& files, const base::Clock& clock, const std::string& data_dir)
      : clock_(clock),
        timer_(clock),
        control_(shards_, closed_, files, data_dir + "/routes.json"),
        reads_(shards_, clock, timer_),
        path_(data_dir + "/routes.json") {}

  ~Parts() {
    for (const auto& [number, shard] : shards_) shard->Stop();
    reads_.Stop();
    timer_.Stop();
    if (running_.server != nullptr) {
      running_.server->Shutdown(absl::ToChronoTime(clock_.WallNow() + kShutdownTimeout));
      running_.server->Wait();
    }
  }

  absl::Status Restore(const pb::GatewayConfig& config, base::FileSystem& files) {
    ASSIGN_OR_RETURN(auto nodes, ConnectNodes(config));
    RETURN_IF_ERROR(files.CreateFolders(config.data_dir()));
    ASSIGN_OR_RETURN(const SavedGateway saved_gateway, ReadRouteFile(files, path_));
    const SavedGates& gates = saved_gateway.gates;
    closed_.Set(saved_gateway.closed);
    for (auto& [number, shard] : nodes) {
      SavedGate gate{.route = {.node_id = shard.first}};
      if (const auto saved = gates.find(number); saved != gates.end()) gate = saved->second;
      if (!shard.stubs.contains(gate.route.node_id)) {
        return absl::InvalidArgumentError(absl::StrCat(
            path_, " routes shard ", number, " to node \"", gate.route.node_id,
            "\", which the configuration does not name; add it to nodes, or remove the file"));
      }
      Lane lane(number, gate.route);
      lane.RaiseEpochHighest(gate.epoch_highest);
      if (gate.holding) lane.Hold(gate.bounds, clock_.MonotonicNow());
      shards_.emplace(number, std::make_unique<ShardWriter>(std::move(lane), std::move(shard.stubs),
                                                            clock_, timer_));
    }
    return absl::OkStatus();
  }

  absl::Status Serve(const std::string& listen) {
    ledger_ = std::make_unique<ShardedLedgerService>(shards_, closed_, reads_);
    gateway_ = std::make_unique<GatewayService>(control_);
    ASSIGN_OR_RETURN(running_,
                     rpc::Serve({.listen = listen, .services = {ledger_.get(), gateway_.get()}}));
    return absl::OkStatus();
  }

  const std::string& address() const { return running_.address; }

 private:
  const base::Clock& clock_;
  Timer timer_;
  ShardWriters shards_;
  ClosedClasses closed_;
  GatewayControl control_;
  Reads reads_;
  const std::string path_;
  std::unique_ptr<ShardedLedgerService> ledger_;
  std::unique_ptr<GatewayService> gateway_;
  rpc::RunningServer running_;  // Last: it uses the rest.
};

absl::StatusOr<std::unique_ptr<GatewayServer>> GatewayServer::Start(const pb::GatewayConfig& config,
                                                                    base::FileSystem& files,
                                                                    const base::Clock& clock) {
  if (config.data_dir().empty()) {
    return absl::InvalidArgumentError("data_dir: is empty; name a folder of this gateway's own");
  }
  auto parts = std::make_unique<Parts>(files, clock, config.data_dir());
  RETURN_IF_ERROR(parts->Restore(config, files));
  RETURN_IF_ERROR(parts->Serve(config.listen().empty() ? "127.0.0.1:0" : config.listen()));
  return std::unique_ptr<GatewayServer>(new GatewayServer(std::move(parts)));
}

GatewayServer::GatewayServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
GatewayServer::~GatewayServer() = default;

const std::string& GatewayServer::address() const { return parts_->address(); }

}  // namespace ledger
