#include "tests/orchestrator/control/harness.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/hash.h"
#include "tests/orchestrator/engine/plans.h"

namespace orchestrator {

using hamisha::agent::v1::AgentMessage;
using hamisha::agent::v1::OrchestratorMessage;
using hamisha::agent::v1::Order;
using hamisha::agent::v1::OrderResult;

RunningOrchestrator::RunningOrchestrator(ControlOptions options) {
  auto control = Control::Open(std::move(options));
  INFO(control.status().ToString());
  REQUIRE(control.ok());
  control_ = *std::move(control);
  service_ = std::make_unique<OrchestratorService>(*control_);
  auto server = rpc::Serve({.services = {service_.get(), &control_->agents()}});
  REQUIRE(server.ok());
  server_ = *std::move(server);
  api_ = hamisha::orchestrator::v1::Orchestrator::NewStub(rpc::Connect(server_.address));
}

RunningOrchestrator::~RunningOrchestrator() {
  control_->Stop();
  server_.server->Shutdown();
  server_.server->Wait();
}

absl::StatusOr<std::string> RunningOrchestrator::TrySubmit(hamisha::orchestrator::v1::RunKind kind,
                                                           const std::string& go_back_after) {
  hamisha::orchestrator::v1::SubmitRunRequest request;
  request.set_kind(kind);
  request.set_plan_digest(base::ToHex(EmptyPlan().digest));
  request.set_go_back_after(go_back_after);
  return control_->Submit(request);
}

std::string RunningOrchestrator::Submit() {
  const auto run = TrySubmit(hamisha::orchestrator::v1::RUN_KIND_REHEARSAL);
  INFO(run.status().ToString());
  REQUIRE(run.ok());
  return *run;
}

hamisha::orchestrator::v1::RunView RunningOrchestrator::WatchToEnd() {
  grpc::ClientContext context;
  const auto reader = api_->WatchRun(&context, {});
  hamisha::orchestrator::v1::RunView view;
  while (reader->Read(&view)) {
  }
  const grpc::Status status = reader->Finish();
  INFO(status.error_message());
  REQUIRE(status.ok());
  REQUIRE(view.has_ended());
  return view;
}

ControlOptions PlanOptions(const std::string& state_dir, const Plan& plan) {
  ControlOptions options;
  options.state_dir = state_dir;
  options.compile = [plan](const SourceText&, const SourceText&) {
    return Compilation{.plan = plan, .diagnostics = {}};
  };
  return options;
}

FakeAgents::FakeAgents(std::vector<std::string> hosts, Behaviour behaviour)
    : hosts_(std::move(hosts)), behaviour_(std::move(behaviour)) {}

FakeAgents::~FakeAgents() { HangUp(); }

void FakeAgents::Dial(const std::string& address) {
  HangUp();
  {
    const absl::MutexLock lock(&mutex_);
    hung_up_ = false;
  }
  for (const std::string& host : hosts_) {
    threads_.emplace_back([this, host, address] {
      const auto stub = hamisha::agent::v1::AgentLink::NewStub(rpc::Connect(address));
      while (true) {
        {
          const absl::MutexLock lock(&mutex_);
          if (hung_up_) return;
        }
        Serve(host, *stub);
      }
    });
  }
}

void FakeAgents::HangUp() {
  {
    const absl::MutexLock lock(&mutex_);
    hung_up_ = true;
    for (const auto& [host, context] : calls_) context->TryCancel();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void FakeAgents::set_behaviour(Behaviour behaviour) {
  const absl::MutexLock lock(&mutex_);
  behaviour_ = std::move(behaviour);
}

void FakeAgents::Serve(const std::string& host, hamisha::agent::v1::AgentLink::Stub& stub) {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  {
    const absl::MutexLock lock(&mutex_);
    if (hung_up_) return;
    calls_[host] = &context;
  }
  const auto stream = stub.Connect(&context);
  AgentMessage hello;
  hello.mutable_hello()->set_host(host);
  if (tells_time_) {
    hello.mutable_hello()->set_wall_clock_unix_ns(
        static_cast<uint64_t>(absl::ToUnixNanos(base::SystemClock().WallNow())));
  }
  stream->Write(hello);
  OrchestratorMessage message;
  while (stream->Read(&message)) {
    if (!message.has_order()) continue;
    std::optional<OrderResult> result = Execute(message.order());
    if (!result.has_value()) continue;
    AgentMessage answer;
    *answer.mutable_result() = *std::move(result);
    stream->Write(answer);
  }
  stream->Finish();
  const absl::MutexLock lock(&mutex_);
  calls_.erase(host);
}

std::optional<OrderResult> FakeAgents::Execute(const Order& order) {
  Order content = order;
  content.clear_term();
  const std::string key = order.key().SerializeAsString();
  const absl::MutexLock lock(&mutex_);
  const auto [known, is_new] = contents_.emplace(key, content.SerializeAsString());
  if (is_new) {
    orders_.push_back(absl::StrCat(order.key().step(), " on ", order.key().host()));
  } else if (known->second != content.SerializeAsString()) {
    contradictions_.push_back(order.key().ShortDebugString());
  }
  if (const auto done = results_.find(key); done != results_.end()) return done->second;
  std::optional<OrderResult> result = behaviour_(order);
  if (result.has_value()) results_[key] = *result;
  return result;
}

void FakeAgents::AwaitOrder(const std::string& text) {
  const absl::MutexLock lock(&mutex_);
  const auto arrived = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return std::find(orders_.begin(), orders_.end(), text) != orders_.end();
  };
  REQUIRE(mutex_.AwaitWithTimeout(absl::Condition(&arrived), absl::Seconds(30)));
}

std::vector<std::string> FakeAgents::Orders() const {
  const absl::MutexLock lock(&mutex_);
  return orders_;
}

std::vector<std::string> FakeAgents::Contradictions() const {
  const absl::MutexLock lock(&mutex_);
  return contradictions_;
}

OrderResult Answer(const Order& order, hamisha::agent::v1::Outcome outcome,
                   const std::string& message) {
  OrderResult result;
  *result.mutable_key() = order.key();
  result.set_outcome(outcome);
  result.set_message(message);
  return result;
}

std::optional<OrderResult> AlwaysSucceed(const Order& order) {
  return Answer(order, hamisha::agent::v1::OUTCOME_SUCCEEDED);
}

std::vector<std::string> AllHosts() {
  return {"source-0", "source-1", "target-0", "target-1", "gateway-0"};
}

}  // namespace orchestrator
