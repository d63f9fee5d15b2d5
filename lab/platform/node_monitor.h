#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "hamisha/ledger/v1/node.grpc.pb.h"
#include "lab/platform/primary_intervals.h"

namespace lab {

struct NodeAddress {
  uint32_t shard = 0;
  std::string site;
  std::string node_id;
  std::string address;  // Directly, not through the link.
};

// What a node says of itself now; an error when it does not answer within a second.
absl::StatusOr<hamisha::ledger::v1::NodeStatus> AskNode(const NodeAddress& node);

// Asks all nodes, again and again, who they are, and looks for two primaries.
// Runs on a thread of its own from construction to destruction; safe for any thread.
class NodeMonitor {
 public:
  NodeMonitor(std::vector<NodeAddress> nodes, const base::Clock& clock);
  ~NodeMonitor();
  NodeMonitor(const NodeMonitor&) = delete;
  NodeMonitor& operator=(const NodeMonitor&) = delete;

  int primaries_max() const;
  std::vector<std::string> violations() const;

 private:
  void Loop();
  void Ask(const NodeAddress& node, hamisha::ledger::v1::Node::StubInterface& stub);

  const std::vector<NodeAddress> nodes_;
  const base::Clock& clock_;
  mutable absl::Mutex mutex_;
  PrimaryIntervals intervals_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace lab
