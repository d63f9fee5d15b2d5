#include "simulation/order_run.h"

#include <algorithm>

#include "base/invariant.h"
#include "simulation/facts.h"

namespace simulation {
namespace {

namespace pb = ::hamisha::agent::v1;

constexpr absl::Duration kPause = absl::Milliseconds(20);
constexpr absl::Duration kWaitMin = absl::Milliseconds(2);
constexpr absl::Duration kWaitMax = absl::Milliseconds(250);

absl::Duration TimeoutOf(const pb::Order& order) {
  return absl::Seconds(order.timeout().seconds()) + absl::Nanoseconds(order.timeout().nanos());
}

bool IsRefusal(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) || absl::IsInvalidArgument(status);
}

pb::OrderResult ResultOf(pb::Outcome outcome, absl::string_view message) {
  pb::OrderResult result;
  result.set_outcome(outcome);
  result.set_message(std::string(message));
  return result;
}

}  // namespace

void OrderRun::Begin() {
  deadline_ = environment_.scheduler.now() + TimeoutOf(order_);
  environment_.scheduler.After(
      TimeoutOf(order_), [self = shared_from_this()] { self->PastDeadline(); }, server_.agent);
  const absl::Duration work =
      traits_.work ? traits_.work(order_, environment_.dice) : absl::ZeroDuration();
  environment_.scheduler.After(
      Loopback() + work,
      [self = shared_from_this()] {
        if (self->is_done_) return;
        const std::string& step = self->order_.key().step();
        const bool fails = self->order_.mode() == pb::MODE_APPLY &&
                           self->traits_.failing.contains(step.substr(0, step.find('#')));
        if (fails) return self->Fail("it failed, as faults will have it");
        RunDriver(self);
      },
      server_.agent);
}

void OrderRun::Cancel() {
  is_cancelled_ = true;
  if (waiting_) std::exchange(waiting_, nullptr)(false);
}

void OrderRun::Call(Ask ask, Then then) {
  ask_ = std::move(ask);
  then_ = std::move(then);
  Attempt(++call_);
}

void OrderRun::CallNode(NodeRequest request, Then then) {
  if (server_.node == nullptr) return Fail("this host has no ledger node");
  Call([node = server_.node,
        request = std::move(request)](Reply reply) { node->Handle(request, std::move(reply)); },
       std::move(then));
}

void OrderRun::Attempt(uint64_t call) {
  environment_.scheduler.After(
      Loopback(),
      [self = shared_from_this(), call] {
        if (self->call_ != call) return;
        self->ask_([self, call](absl::StatusOr<NodeAnswer> answer) {
          if (!self->IsAlive()) return;
          self->environment_.scheduler.After(
              self->Loopback(),
              [self, call, answer = std::move(answer)]() mutable {
                self->Answered(call, std::move(answer));
              },
              self->server_.agent);
        });
      },
      server_.agent);
}

void OrderRun::Answered(uint64_t call, absl::StatusOr<NodeAnswer> answer) {
  if (call != call_ || !then_) return;
  const bool again = !answer.ok() && absl::IsUnavailable(answer.status()) &&
                     environment_.scheduler.now() + kPause < deadline_;
  if (again) {
    environment_.scheduler.After(
        kPause,
        [self = shared_from_this(), call] {
          if (self->call_ == call) self->Attempt(call);
        },
        server_.agent);
    return;
  }
  ++call_;
  std::exchange(then_, nullptr)(std::move(answer));
}

void OrderRun::WithStatus(std::function<void(const NodeStatus&)> then) {
  CallNode({},
           [self = shared_from_this(), then = std::move(then)](absl::StatusOr<NodeAnswer> answer) {
             if (!answer.ok()) return self->EndRead(answer.status());
             then(*answer->status);
           });
}

void OrderRun::Wait(std::function<void(bool)> then) {
  const absl::Duration left = deadline_ - environment_.scheduler.now();
  if (is_cancelled_ || left <= absl::ZeroDuration()) return then(false);
  waiting_ = std::move(then);
  wait_ = std::clamp(wait_ * 3 / 2, kWaitMin, kWaitMax);
  const auto wake = [self = shared_from_this(), call = ++call_] {
    if (self->call_ != call || !self->waiting_ || !self->IsAlive()) return;
    std::exchange(self->waiting_, nullptr)(true);
  };
  environment_.scheduler.After(wait_, wake, server_.agent);
  if (server_.node != nullptr) server_.node->WakeOnChange(wake);
}

void OrderRun::PastDeadline() {
  if (is_done_) return;
  ++call_;
  if (waiting_) return std::exchange(waiting_, nullptr)(false);
  if (then_) return std::exchange(then_, nullptr)(absl::DeadlineExceededError("no answer in time"));
  Unknown("cut short by its timeout");
}

void OrderRun::Drop() {
  ask_ = nullptr;
  then_ = nullptr;
  waiting_ = nullptr;
}

void OrderRun::Succeed(const char* message) { Finish(ResultOf(pb::OUTCOME_SUCCEEDED, message)); }

void OrderRun::Succeed(const char* message, const ledger_pb::Signed& certificate) {
  Result result = ResultOf(pb::OUTCOME_SUCCEEDED, message);
  *result.add_certificates() = certificate;
  Finish(std::move(result));
}

void OrderRun::Fail(const std::string& message, bool mismatch) {
  Result result = ResultOf(pb::OUTCOME_FAILED, message);
  result.set_mismatch(mismatch);
  Finish(std::move(result));
}

void OrderRun::Unknown(const std::string& message) {
  Finish(ResultOf(pb::OUTCOME_UNKNOWN, message));
}

void OrderRun::EndMutation(const absl::Status& status) {
  IsRefusal(status) ? Fail(std::string(status.message())) : Unknown(std::string(status.message()));
}

void OrderRun::EndRead(const absl::Status& status) {
  order_.mode() == pb::MODE_PROBE ? Unknown(std::string(status.message()))
                                  : Fail(std::string(status.message()));
}

void OrderRun::Finish(Result result) {
  if (is_done_) return;
  const std::shared_ptr<OrderRun> self = shared_from_this();  // The agent lets go of it.
  is_done_ = true;
  ++call_;
  if (result.outcome() == pb::OUTCOME_SUCCEEDED) {
    environment_.promises.OnEffectThere(order_);
    if (order_.mode() == pb::MODE_APPLY && traits_.tells_facts) AddUsualFacts(order_, result);
  }
  const bool is_denied = order_.mode() == pb::MODE_PROBE && result.outcome() == pb::OUTCOME_FAILED;
  if (is_denied) environment_.promises.OnProbeDenied(order_);
  *result.mutable_key() = order_.key();
  environment_.trace.Note("driver of ", order_.key().host(), ": ", order_.key().step(), " ",
                          pb::Outcome_Name(result.outcome()), ": ", result.message());
  done_(std::move(result));
  Drop();
}

}  // namespace simulation
