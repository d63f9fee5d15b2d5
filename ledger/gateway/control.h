#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/file_system.h"
#include "hamisha/ledger/v1/gateway.pb.h"
#include "ledger/gateway/restriction.h"
#include "ledger/gateway/route_file.h"
#include "ledger/gateway/shard_writer.h"

namespace ledger {

// Holds, routes and releases the shards of a gateway, restricts what it lets pass, and keeps that
// in a file: what was answered holds after a restart. Each call concerns all its shards or, on
// error, none. Safe for any thread; blocks while the file is written.
class GatewayControl {
 public:
  // All must outlive it.
  GatewayControl(const ShardWriters& shards, ClosedClasses& closed, base::FileSystem& files,
                 std::string path);

  absl::StatusOr<pb::GatewayStatus> Hold(const pb::HoldRequest& request);
  absl::StatusOr<pb::GatewayStatus> Route(const pb::RouteRequest& request);
  absl::StatusOr<pb::GatewayStatus> Release(const pb::ReleaseRequest& request);
  absl::StatusOr<pb::GatewayStatus> Restrict(const pb::RestrictRequest& request);
  pb::GatewayStatus Status() const;

 private:
  SavedGates Gates() const;
  absl::Status Save(SavedGates gates) const;
  absl::StatusOr<std::set<uint32_t>> Named(
      const google::protobuf::RepeatedField<uint32_t>& shards) const;

  const ShardWriters& shards_;
  ClosedClasses& closed_;
  base::FileSystem& files_;
  const std::string path_;
  absl::Mutex mutex_;  // One change at a time.
};

}  // namespace ledger
