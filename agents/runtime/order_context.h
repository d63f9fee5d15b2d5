#pragma once

#include <functional>
#include <list>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "hamisha/agent/v1/agent.pb.h"

namespace agents {

// What a driver knows of the order that it executes, and how it is told to end early. One per
// running order. Safe for any thread.
class OrderContext {
 public:
  // The order's timeout begins now. `progress` is called on the driver's thread.
  OrderContext(hamisha::agent::v1::Order order, const base::Clock& clock,
               std::function<void(std::string)> progress);

  const hamisha::agent::v1::Order& order() const { return order_; }
  const base::Clock& clock() const { return clock_; }
  // On the way back, what does not apply to this host succeeds and says so.
  bool back() const { return order_.mode() == hamisha::agent::v1::MODE_BACK; }

  void Progress(std::string message) { progress_(std::move(message)); }

  // Until the order's timeout; never negative.
  absl::Duration Remaining() const;
  // Waits so long. False when the order is past its timeout or cancelled: then end.
  bool Wait(absl::Duration duration);

  bool cancelled() const;
  bool stopped() const;

  // Ends what only waits: the order's step was fenced off. What changes something goes on, so that
  // its outcome is known.
  void Cancel();
  // Ends everything: this program ends. Implies Cancel().
  void Stop();

  enum class EndsOn : uint8_t { kCancel, kStop };

  // While it lives, `interrupt` is called once, on another thread, when the order is cancelled
  // (stopped); at once when it already is.
  class Interruptible {
   public:
    Interruptible(OrderContext& context, EndsOn ends_on, std::function<void()> interrupt);
    ~Interruptible();
    Interruptible(const Interruptible&) = delete;
    Interruptible& operator=(const Interruptible&) = delete;

   private:
    friend class OrderContext;
    OrderContext& context_;
    const EndsOn ends_on_;
    const std::function<void()> interrupt_;
    std::list<Interruptible*>::iterator place_;
  };

 private:
  void Interrupt(EndsOn ends_on) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const hamisha::agent::v1::Order order_;
  const base::Clock& clock_;
  const std::function<void(std::string)> progress_;
  const absl::Duration deadline_;  // On the clock's monotonic time.

  mutable absl::Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::list<Interruptible*> interruptibles_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace agents
