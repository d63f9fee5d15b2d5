#include "agents/runtime/order_context.h"

#include <algorithm>
#include <utility>

namespace agents {
namespace {

absl::Duration TimeoutOf(const hamisha::agent::v1::Order& order) {
  return absl::Seconds(order.timeout().seconds()) + absl::Nanoseconds(order.timeout().nanos());
}

}  // namespace

OrderContext::OrderContext(hamisha::agent::v1::Order order, const base::Clock& clock,
                           std::function<void(std::string)> progress)
    : order_(std::move(order)),
      clock_(clock),
      progress_(std::move(progress)),
      deadline_(clock.MonotonicNow() + TimeoutOf(order_)) {}

absl::Duration OrderContext::Remaining() const {
  return std::max(deadline_ - clock_.MonotonicNow(), absl::ZeroDuration());
}

bool OrderContext::Wait(absl::Duration duration) {
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&cancelled_), std::min(duration, Remaining()));
  return !cancelled_ && Remaining() > absl::ZeroDuration();
}

bool OrderContext::cancelled() const {
  absl::MutexLock lock(&mutex_);
  return cancelled_;
}

bool OrderContext::stopped() const {
  absl::MutexLock lock(&mutex_);
  return stopped_;
}

void OrderContext::Cancel() {
  absl::MutexLock lock(&mutex_);
  if (std::exchange(cancelled_, true)) return;
  Interrupt(EndsOn::kCancel);
}

void OrderContext::Stop() {
  absl::MutexLock lock(&mutex_);
  if (std::exchange(stopped_, true)) return;
  if (!std::exchange(cancelled_, true)) Interrupt(EndsOn::kCancel);
  Interrupt(EndsOn::kStop);
}

void OrderContext::Interrupt(EndsOn ends_on) {
  for (Interruptible* interruptible : interruptibles_) {
    if (interruptible->ends_on_ == ends_on) interruptible->interrupt_();
  }
}

OrderContext::Interruptible::Interruptible(OrderContext& context, EndsOn ends_on,
                                           std::function<void()> interrupt)
    : context_(context), ends_on_(ends_on), interrupt_(std::move(interrupt)) {
  absl::MutexLock lock(&context_.mutex_);
  place_ = context_.interruptibles_.insert(context_.interruptibles_.end(), this);
  if (ends_on_ == EndsOn::kCancel ? context_.cancelled_ : context_.stopped_) interrupt_();
}

OrderContext::Interruptible::~Interruptible() {
  absl::MutexLock lock(&context_.mutex_);
  context_.interruptibles_.erase(place_);
}

}  // namespace agents
