// One call of the load: transactions under way.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "lab/load/gateways.h"
#include "lab/load/generator.h"

namespace lab {

struct Scheduled {
  Transaction transaction;
  int64_t due_us = 0;
};

// Transactions of one shard that travel together. While an attempt is under way it belongs to
// gRPC; when answered it comes back through the inbox.
struct Call {
  static constexpr int64_t kBackoffMinUs = 10'000;

  std::vector<Scheduled> scheduled;
  pb::CreateTransfersRequest request;
  pb::CreateResponse response;
  std::unique_ptr<grpc::ClientContext> context;
  grpc::Status status;
  int64_t answered_us = 0;
  size_t gateway = 0;  // A retry goes to the next one.
  uint32_t attempts = 0;
  uint32_t attempts_failed = 0;
  bool maybe_executed = false;  // By an attempt without an answer.
  int64_t backoff_us = kBackoffMinUs;
  int64_t retry_us = 0;
};

// Where gRPC's threads put answered calls; outlives the runner if one of them is late to leave.
struct Inbox {
  absl::Mutex mutex;
  std::vector<Call*> answered ABSL_GUARDED_BY(mutex);
};

struct LaterRetry {
  bool operator()(const Call* a, const Call* b) const { return a->retry_us > b->retry_us; }
};

}  // namespace lab
