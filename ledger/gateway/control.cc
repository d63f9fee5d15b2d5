#include "ledger/gateway/control.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace ledger {
namespace {

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

void SetProto(absl::Duration duration, google::protobuf::Duration* out) {
  const int64_t nanoseconds = absl::ToInt64Nanoseconds(duration);
  out->set_seconds(nanoseconds / 1'000'000'000);
  out->set_nanos(static_cast<int32_t>(nanoseconds % 1'000'000'000));
}

LaneBounds ToBounds(const pb::HoldBounds& bounds) {
  LaneBounds result;
  if (bounds.has_max_hold()) result.max_hold = FromProto(bounds.max_hold());
  if (bounds.max_requests() != 0) result.max_requests = bounds.max_requests();
  if (bounds.max_bytes() != 0) result.max_bytes = bounds.max_bytes();
  return result;
}

absl::Status UnknownShard(uint32_t shard) {
  return absl::InvalidArgumentError(absl::StrCat("this gateway has no shard ", shard,
                                                 "; add its nodes to the gateway's configuration"));
}

}  // namespace

GatewayControl::GatewayControl(const ShardWriters& shards, ClosedClasses& closed,
                               base::FileSystem& files, std::string path)
    : shards_(shards), closed_(closed), files_(files), path_(std::move(path)) {}

absl::StatusOr<pb::GatewayStatus> GatewayControl::Hold(const pb::HoldRequest& request) {
  absl::MutexLock lock(&mutex_);
  ASSIGN_OR_RETURN(const std::set<uint32_t> shards, Named(request.shards()));
  const LaneBounds bounds = ToBounds(request.bounds());
  if (bounds.max_hold <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        "max_hold must be longer than nothing; say how long a write may be kept");
  }
  SavedGates gates = Gates();
  for (const uint32_t shard : shards) {
    gates[shard].holding = true;
    gates[shard].bounds = bounds;
  }
  RETURN_IF_ERROR(Save(std::move(gates)));
  for (const uint32_t shard : shards) shards_.at(shard)->Hold(bounds);
  return Status();
}

absl::StatusOr<pb::GatewayStatus> GatewayControl::Route(const pb::RouteRequest& request) {
  absl::MutexLock lock(&mutex_);
  SavedGates gates = Gates();
  for (const pb::ShardRoute& route : request.routes()) {
    const auto shard = shards_.find(route.shard());
    if (shard == shards_.end()) return UnknownShard(route.shard());
    if (!shard->second->HasNode(route.node_id())) {
      return absl::InvalidArgumentError(absl::StrCat("this gateway knows no node ", route.node_id(),
                                                     " of shard ", route.shard(),
                                                     "; add it to the gateway's configuration"));
    }
    const LaneRoute wanted{.node_id = route.node_id(), .epoch = route.epoch()};
    RETURN_IF_ERROR(shard->second->CheckRoute(wanted));
    SavedGate& gate = gates[route.shard()];
    gate.route = wanted;
    gate.epoch_highest = std::max(gate.epoch_highest, wanted.epoch);
  }
  RETURN_IF_ERROR(Save(std::move(gates)));
  for (const pb::ShardRoute& route : request.routes()) {
    RETURN_IF_ERROR(
        shards_.at(route.shard())->Route({.node_id = route.node_id(), .epoch = route.epoch()}));
  }
  return Status();
}

// Lets go first: a kept write waits for no disk. A crash before the file is written gives a
// gateway that holds, and whoever asked for the release, having no answer, asks again.
absl::StatusOr<pb::GatewayStatus> GatewayControl::Release(const pb::ReleaseRequest& request) {
  absl::MutexLock lock(&mutex_);
  ASSIGN_OR_RETURN(const std::set<uint32_t> shards, Named(request.shards()));
  for (const uint32_t shard : shards) shards_.at(shard)->Release();
  RETURN_IF_ERROR(Save(Gates()));
  return Status();
}

absl::StatusOr<pb::GatewayStatus> GatewayControl::Restrict(const pb::RestrictRequest& request) {
  absl::MutexLock lock(&mutex_);
  ASSIGN_OR_RETURN(pb::Restriction closed, ledger::Restrict(closed_.Get(), request));
  RETURN_IF_ERROR(WriteRouteFile(files_, path_, {.gates = Gates(), .closed = closed}));
  closed_.Set(std::move(closed));
  return Status();
}

absl::Status GatewayControl::Save(SavedGates gates) const {
  return WriteRouteFile(files_, path_, {.gates = std::move(gates), .closed = closed_.Get()});
}

pb::GatewayStatus GatewayControl::Status() const {
  pb::GatewayStatus status;
  *status.mutable_closed() = closed_.Get();
  for (const auto& [shard, writer] : shards_) {
    const LaneStatus lane = writer->Status();
    pb::ShardGate* gate = status.add_shards();
    gate->mutable_route()->set_shard(shard);
    gate->mutable_route()->set_node_id(lane.route.node_id);
    gate->mutable_route()->set_epoch(lane.route.epoch);
    gate->set_holding(lane.holding);
    gate->set_held_requests(lane.held_requests);
    gate->set_held_bytes(lane.held_bytes);
    gate->set_in_flight(lane.in_flight);
    SetProto(lane.held_longest, gate->mutable_held_longest());
  }
  return status;
}

SavedGates GatewayControl::Gates() const {
  SavedGates gates;
  for (const auto& [shard, writer] : shards_) {
    const LaneStatus lane = writer->Status();
    gates[shard] = {.route = lane.route,
                    .epoch_highest = lane.epoch_highest,
                    .holding = lane.holding,
                    .bounds = lane.bounds};
  }
  return gates;
}

absl::StatusOr<std::set<uint32_t>> GatewayControl::Named(
    const google::protobuf::RepeatedField<uint32_t>& shards) const {
  std::set<uint32_t> named(shards.begin(), shards.end());
  for (const uint32_t shard : named) {
    if (!shards_.contains(shard)) return UnknownShard(shard);
  }
  if (!named.empty()) return named;
  for (const auto& [shard, writer] : shards_) named.insert(shard);
  return named;
}

}  // namespace ledger
