#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "agents/runtime/driver.h"
#include "agents/runtime/order_context.h"
#include "base/clock.h"
#include "hamisha/agent/v1/agent.pb.h"

namespace agents {

// Runs drivers, each order on a thread of its own. Start, Cancel and Stop: from one thread.
class Runner {
 public:
  struct Callbacks {  // Called on the orders' threads.
    std::function<void(const hamisha::agent::v1::OrderKey&, std::string)> progressed;
    std::function<void(hamisha::agent::v1::OrderResult)> ended;
  };

  // `drivers` and `clock` must outlive it.
  Runner(const Drivers& drivers, const base::Clock& clock, Callbacks callbacks);
  ~Runner();

  void Start(const hamisha::agent::v1::Order& order);
  void Cancel(const hamisha::agent::v1::OrderKey& key);
  // Ends all orders and waits for their threads. An order that was cut short is not reported: after
  // the next start it is one that was begun and has no result.
  void Stop();

 private:
  struct Running {
    std::unique_ptr<OrderContext> context;
    std::thread thread;
    bool done = false;
  };

  void Run(Running& running);
  void JoinDone();

  const Drivers& drivers_;
  const base::Clock& clock_;
  const Callbacks callbacks_;
  absl::Mutex mutex_;
  std::vector<std::unique_ptr<Running>> running_;  // `done` is guarded by mutex_.
};

}  // namespace agents
