// The agent's shell against an orchestrator in this process, over real sockets.
#include <catch2/catch.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "agents/runtime/agent.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "hamisha/action/v1/ledger.pb.h"
#include "hamisha/agent/v1/agent.grpc.pb.h"
#include "rpc/rpc.h"
#include "tests/temporary_folder.h"

namespace agents {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

// Answers Hello with a Welcome and keeps what it hears.
class FakeOrchestrator final : public pb::AgentLink::Service {
 public:
  explicit FakeOrchestrator(uint64_t term, const std::string& listen = "127.0.0.1:0")
      : term_(term), running_(*rpc::Serve({.listen = listen, .services = {this}})) {}
  ~FakeOrchestrator() override { running_.server->Shutdown(absl::ToChronoTime(absl::UnixEpoch())); }

  const std::string& address() const { return running_.address; }

  grpc::Status Connect(
      grpc::ServerContext* /*context*/,
      grpc::ServerReaderWriter<pb::OrchestratorMessage, pb::AgentMessage>* stream) override {
    pb::AgentMessage message;
    if (!stream->Read(&message) || !message.has_hello()) {
      return {grpc::StatusCode::INVALID_ARGUMENT, "Hello comes first"};
    }
    pb::OrchestratorMessage welcome;
    welcome.mutable_welcome()->set_term(term_);
    welcome.mutable_welcome()->mutable_heartbeat_interval()->set_nanos(50'000'000);
    {
      absl::MutexLock lock(&mutex_);
      hellos_.push_back(message.hello());
      stream->Write(welcome);
      stream_ = stream;
    }
    while (stream->Read(&message)) {
      absl::MutexLock lock(&mutex_);
      heard_.push_back(message);
    }
    absl::MutexLock lock(&mutex_);
    stream_ = nullptr;
    return grpc::Status::OK;
  }

  // Waits until something that was heard, and not taken yet, is as wanted; takes it.
  pb::AgentMessage Await(const std::function<bool(const pb::AgentMessage&)>& wanted) {
    absl::MutexLock lock(&mutex_);
    const auto find = [&] { return std::find_if(heard_.begin(), heard_.end(), wanted); };
    const auto there = [&] { return find() != heard_.end(); };
    REQUIRE(mutex_.AwaitWithTimeout(absl::Condition(&there), kPatience));
    pb::AgentMessage message = *find();
    heard_.erase(find());
    return message;
  }
  pb::OrderResult AwaitResult() {
    return Await([](const pb::AgentMessage& message) { return message.has_result(); }).result();
  }
  pb::Hello AwaitHello(size_t number) {
    absl::MutexLock lock(&mutex_);
    const auto there = [&] { return hellos_.size() >= number; };
    REQUIRE(mutex_.AwaitWithTimeout(absl::Condition(&there), kPatience));
    return hellos_[number - 1];
  }
  void Send(const pb::OrchestratorMessage& message) {
    absl::MutexLock lock(&mutex_);
    const auto there = [&] { return stream_ != nullptr; };
    REQUIRE(mutex_.AwaitWithTimeout(absl::Condition(&there), kPatience));
    stream_->Write(message);
  }

 private:
  const uint64_t term_;
  absl::Mutex mutex_;
  std::vector<pb::Hello> hellos_;
  std::deque<pb::AgentMessage> heard_;
  grpc::ServerReaderWriter<pb::OrchestratorMessage, pb::AgentMessage>* stream_ = nullptr;
  rpc::RunningServer running_;
};

// Ends when the test lets it, or is cut short.
class GatedDriver final : public Driver {
 public:
  const google::protobuf::Descriptor& action() const override {
    return *hamisha::action::v1::LedgerSeal::descriptor();
  }
  pb::OrderResult Run(OrderContext& order) override {
    order.Progress("at it");
    {
      absl::MutexLock lock(&mutex_);
      ++runs_;
    }
    while (order.Wait(absl::Milliseconds(1))) {
      absl::MutexLock lock(&mutex_);
      if (open_) return Succeeded("done");
    }
    return Failed("cut short");
  }
  void Open() {
    absl::MutexLock lock(&mutex_);
    open_ = true;
  }
  int runs() {
    absl::MutexLock lock(&mutex_);
    return runs_;
  }

 private:
  absl::Mutex mutex_;
  bool open_ = false;
  int runs_ = 0;
};

// An agent on its thread, with its folder kept over restarts by the test.
class RunningAgent {
 public:
  RunningAgent(const std::string& folder, const std::string& orchestrator) {
    auto driver = std::make_unique<GatedDriver>();
    driver_ = driver.get();
    drivers_.Add(std::move(driver));
    pb::AgentConfig config;
    config.set_host("source-0");
    config.set_data_dir(folder);
    config.set_orchestrator(orchestrator);
    auto agent = Agent::Start({.config = config,
                               .version = "test",
                               .binary_sha256 = "abc",
                               .clock = base::SystemClock(),
                               .files = base::SystemFileSystem(),
                               .reconnect_pause = absl::Milliseconds(10),
                               .tick = absl::Milliseconds(50)},
                              drivers_);
    REQUIRE(agent.ok());
    agent_ = *std::move(agent);
    thread_ = std::thread([this] { status_ = agent_->Run(); });
  }
  ~RunningAgent() {
    agent_->Stop();
    thread_.join();
    CHECK(status_.ok());
  }
  GatedDriver& driver() { return *driver_; }

 private:
  GatedDriver* driver_;
  Drivers drivers_;
  std::unique_ptr<Agent> agent_;
  std::thread thread_;
  absl::Status status_;
};

pb::OrchestratorMessage OrderFor(const std::string& step, uint64_t term = 1) {
  pb::OrchestratorMessage message;
  pb::Order& order = *message.mutable_order();
  order.mutable_key()->set_run("run-1");
  order.mutable_key()->set_step(step);
  order.mutable_key()->set_host("source-0");
  order.mutable_key()->set_attempt(1);
  order.set_term(term);
  order.set_plan_digest(std::string(32, 'p'));
  order.set_mode(pb::MODE_APPLY);
  order.mutable_action()->PackFrom(hamisha::action::v1::LedgerSeal());
  order.mutable_timeout()->set_seconds(60);
  return message;
}

pb::OrchestratorMessage Acknowledge(const pb::OrderResult& result) {
  pb::OrchestratorMessage message;
  *message.mutable_result_received()->mutable_key() = result.key();
  return message;
}

TEST_CASE("an agent says who it is, beats, and executes orders", "[link]") {
  const TemporaryFolder folder;
  FakeOrchestrator orchestrator(1);
  RunningAgent agent(folder.path(), orchestrator.address());
  const pb::Hello hello = orchestrator.AwaitHello(1);
  CHECK(hello.host() == "source-0");
  CHECK(hello.version() == "test");
  CHECK(hello.binary_sha256() == "abc");
  REQUIRE(hello.actions_size() == 1);
  CHECK(hello.actions(0) == "ledger.seal");
  CHECK(hello.term_highest() == 0);
  orchestrator.Await([](const pb::AgentMessage& message) { return message.has_heartbeat(); });
  orchestrator.Send(OrderFor("seal"));
  orchestrator.Await([](const pb::AgentMessage& message) {
    return message.has_progress() && message.progress().message() == "at it";
  });
  agent.driver().Open();
  const pb::OrderResult result = orchestrator.AwaitResult();
  CHECK(result.outcome() == pb::OUTCOME_SUCCEEDED);
  CHECK(result.key().step() == "seal");
  // Again and again, until it is acknowledged.
  CHECK(orchestrator.AwaitResult().key().step() == "seal");
  orchestrator.Send(Acknowledge(result));
}

TEST_CASE("an agent goes on without an orchestrator and finds the next one", "[link]") {
  const TemporaryFolder folder;
  auto first = std::make_unique<FakeOrchestrator>(1);
  const std::string address = first->address();
  RunningAgent agent(folder.path(), address);
  first->Send(OrderFor("seal"));
  first->Await([](const pb::AgentMessage& message) { return message.has_progress(); });
  first.reset();
  agent.driver().Open();

  FakeOrchestrator second(2, address);
  CHECK(second.AwaitHello(1).term_highest() == 1);
  second.Send(OrderFor("seal", 2));
  CHECK(second.AwaitResult().outcome() == pb::OUTCOME_SUCCEEDED);
  CHECK(agent.driver().runs() == 1);
}

TEST_CASE("an agent that was ended answers unknown for what it was at", "[link]") {
  const TemporaryFolder folder;
  FakeOrchestrator orchestrator(1);
  {
    RunningAgent agent(folder.path(), orchestrator.address());
    orchestrator.Send(OrderFor("seal"));
    orchestrator.Await([](const pb::AgentMessage& message) { return message.has_progress(); });
  }
  RunningAgent agent(folder.path(), orchestrator.address());
  orchestrator.AwaitHello(2);
  CHECK(orchestrator.AwaitResult().outcome() == pb::OUTCOME_UNKNOWN);
  orchestrator.Send(OrderFor("seal"));
  CHECK(orchestrator.AwaitResult().outcome() == pb::OUTCOME_UNKNOWN);
  CHECK(agent.driver().runs() == 0);
}

TEST_CASE("an agent leaves an orchestrator of a lower term", "[link]") {
  const TemporaryFolder folder;
  auto newer = std::make_unique<FakeOrchestrator>(5);
  const std::string address = newer->address();
  RunningAgent agent(folder.path(), address);
  agent.driver().Open();
  newer->Send(OrderFor("seal", 5));
  newer->Send(Acknowledge(newer->AwaitResult()));
  newer.reset();

  FakeOrchestrator older(4, address);
  CHECK(older.AwaitHello(1).term_highest() == 5);
  CHECK(older.AwaitHello(2).term_highest() == 5);  // It left, and looks again who is there.
  CHECK(agent.driver().runs() == 1);
}

}  // namespace
}  // namespace agents
