#include "agents/runtime/runner.h"

#include <utility>

namespace agents {

namespace pb = ::hamisha::agent::v1;

Runner::Runner(const Drivers& drivers, const base::Clock& clock, Callbacks callbacks)
    : drivers_(drivers), clock_(clock), callbacks_(std::move(callbacks)) {}

Runner::~Runner() { Stop(); }

void Runner::Start(const pb::Order& order) {
  JoinDone();
  auto running = std::make_unique<Running>();
  running->context =
      std::make_unique<OrderContext>(order, clock_, [this, key = order.key()](std::string message) {
        callbacks_.progressed(key, std::move(message));
      });
  Running& started = *running;
  running_.push_back(std::move(running));
  started.thread = std::thread([this, &started] { Run(started); });
}

void Runner::Run(Running& running) {
  OrderContext& context = *running.context;
  Driver* const driver = drivers_.Find(context.order().action().type_url());
  pb::OrderResult result =
      driver == nullptr ? Failed("this agent has no driver for the action") : driver->Run(context);
  *result.mutable_key() = context.order().key();
  const bool cut_short = context.stopped() && result.outcome() != pb::OUTCOME_SUCCEEDED;
  if (!cut_short) callbacks_.ended(std::move(result));
  absl::MutexLock lock(&mutex_);
  running.done = true;
}

void Runner::Cancel(const pb::OrderKey& key) {
  for (const std::unique_ptr<Running>& running : running_) {
    const pb::OrderKey& other = running->context->order().key();
    if (other.run() == key.run() && other.step() == key.step() && other.host() == key.host() &&
        other.attempt() == key.attempt()) {
      running->context->Cancel();
    }
  }
}

void Runner::JoinDone() {
  std::vector<std::unique_ptr<Running>> done;
  {
    absl::MutexLock lock(&mutex_);
    std::erase_if(running_, [&done](std::unique_ptr<Running>& running) {
      if (!running->done) return false;
      done.push_back(std::move(running));
      return true;
    });
  }
  for (const std::unique_ptr<Running>& running : done) running->thread.join();
}

void Runner::Stop() {
  for (const std::unique_ptr<Running>& running : running_) running->context->Stop();
  for (const std::unique_ptr<Running>& running : running_) running->thread.join();
  running_.clear();
}

}  // namespace agents
