#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "hamisha/agent/v1/agent.grpc.pb.h"

namespace benchmarks {

// Many agents in one process. Each has a connection and a stream of its own, beats as often as it
// was asked to, dials again when its stream ends, and answers an order in the call that brings it.
class AgentHost {
 public:
  // Called from gRPC's threads.
  using Answer =
      std::function<hamisha::agent::v1::OrderResult(const hamisha::agent::v1::Order& order)>;

  AgentHost(const std::vector<std::string>& hosts, const std::string& address, Answer answer);
  // Hangs up.
  ~AgentHost();
  AgentHost(const AgentHost&) = delete;
  AgentHost& operator=(const AgentHost&) = delete;

  // Sends the result of an order that no run waits for, and returns how long its receipt took: what
  // a trip there and back costs without a journal. For one caller at a time.
  absl::Duration ReceiptOfNothing();

  // Streams that have been welcomed since the last call to this.
  size_t TakeWelcomed();

 private:
  class Agent;
  class Call;

  void Beat();

  const Answer answer_;
  std::vector<std::unique_ptr<Agent>> agents_;

  absl::Mutex mutex_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  size_t calls_ ABSL_GUARDED_BY(mutex_) = 0;  // That live.
  size_t welcomed_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t nothings_ ABSL_GUARDED_BY(mutex_) = 0;  // Receipts for results that no run waits for.
  std::thread beats_;
};

}  // namespace benchmarks
