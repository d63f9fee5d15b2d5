#include "orchestrator/fleet/fleet.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "rpc/rpc.h"

namespace orchestrator {
namespace {

using hamisha::agent::v1::AgentLink;
using hamisha::agent::v1::AgentMessage;
using hamisha::agent::v1::OrchestratorMessage;
using hamisha::agent::v1::Order;
using hamisha::agent::v1::OrderProgress;
using hamisha::agent::v1::OrderResult;

class MovedClock final : public base::Clock {
 public:
  absl::Time WallNow() const override { return absl::FromUnixSeconds(1429383600) + MonotonicNow(); }
  absl::Duration MonotonicNow() const override { return absl::Milliseconds(ms_.load()); }
  void Advance(int64_t ms) { ms_ += ms; }

 private:
  std::atomic<int64_t> ms_ = 0;
};

class Log final : public FleetHandler {
 public:
  void OnConnected(const std::string& host) override { Add("connected " + host); }
  void OnDisconnected(const std::string& host) override { Add("gone " + host); }
  void OnResult(OrderResult result) override { Add("result " + result.key().step()); }
  void OnProgress(OrderProgress progress) override { Add("progress " + progress.message()); }

  void Await(const std::string& line) {
    const absl::MutexLock lock(&mutex_);
    const auto there = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return std::find(lines_.begin(), lines_.end(), line) != lines_.end();
    };
    INFO(line);
    REQUIRE(mutex_.AwaitWithTimeout(absl::Condition(&there), absl::Seconds(30)));
  }

 private:
  void Add(std::string line) {
    const absl::MutexLock lock(&mutex_);
    lines_.push_back(std::move(line));
  }
  absl::Mutex mutex_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
};

struct World {
  World() {
    auto served = rpc::Serve({.services = {&fleet.service()}});
    REQUIRE(served.ok());
    server = *std::move(served);
  }
  ~World() {
    fleet.EndAllStreams();
    server.server->Shutdown();
    server.server->Wait();
  }
  MovedClock clock;
  Log log;
  Fleet fleet{clock, log, 5};
  rpc::RunningServer server;
};

// The agent's side of one stream.
struct Agent {
  Agent(World& world, const std::string& host, uint64_t term_highest = 0)
      : stub(AgentLink::NewStub(rpc::Connect(world.server.address))) {
    stream = stub->Connect(&context);
    AgentMessage message;
    message.mutable_hello()->set_host(host);
    message.mutable_hello()->set_version("0.1.0");
    message.mutable_hello()->set_term_highest(term_highest);
    message.mutable_hello()->set_wall_clock_unix_ns(
        static_cast<uint64_t>(absl::ToUnixNanos(world.clock.WallNow() + absl::Seconds(3))));
    stream->Write(message);
  }
  ~Agent() {
    if (ended) return;
    context.TryCancel();
    stream->Finish();
  }
  OrchestratorMessage Read() {
    OrchestratorMessage message;
    REQUIRE(stream->Read(&message));
    return message;
  }
  grpc::Status ReadToEnd() {
    OrchestratorMessage message;
    while (stream->Read(&message)) {
    }
    ended = true;
    return stream->Finish();
  }
  grpc::ClientContext context;
  std::unique_ptr<AgentLink::Stub> stub;
  std::unique_ptr<grpc::ClientReaderWriter<AgentMessage, OrchestratorMessage>> stream;
  bool ended = false;
};

Order OrderFor(const std::string& host, const std::string& step) {
  Order order;
  order.mutable_key()->set_host(host);
  order.mutable_key()->set_step(step);
  return order;
}

TEST_CASE("an agent is greeted with the term, gets orders, and its results are heard", "[fleet]") {
  World world;
  Agent agent(world, "source-0");
  const auto welcome = agent.Read().welcome();
  CHECK(welcome.term() == 5);
  CHECK(welcome.heartbeat_interval().nanos() == 500'000'000);
  world.log.Await("connected source-0");
  world.fleet.Send(OrderFor("source-0", "seal"));
  world.fleet.Send(OrderFor("source-1", "seal"));  // Not connected: dropped.
  CHECK(agent.Read().order().key().step() == "seal");

  AgentMessage message;
  message.mutable_result()->mutable_key()->set_host("source-0");
  message.mutable_result()->mutable_key()->set_step("seal");
  agent.stream->Write(message);
  world.log.Await("result seal");
  world.fleet.Acknowledge(message.result().key());
  CHECK(agent.Read().result_received().key().step() == "seal");

  REQUIRE(world.fleet.Agents().size() == 1);
  CHECK(world.fleet.Agents()[0].connected);
  CHECK(world.fleet.Agents()[0].version == "0.1.0");
  CHECK(world.fleet.Agents()[0].clock_error == absl::Seconds(3));
}

TEST_CASE("a host's newest stream counts", "[fleet]") {
  World world;
  Agent older(world, "source-0");
  older.Read();
  Agent newer(world, "source-0");
  newer.Read();
  CHECK_FALSE(older.ReadToEnd().ok());
  world.fleet.Send(OrderFor("source-0", "seal"));
  CHECK(newer.Read().order().key().step() == "seal");
  CHECK(world.fleet.Agents()[0].connected);
}

TEST_CASE("an agent that is silent for three heartbeats is cut off", "[fleet]") {
  World world;
  Agent silent(world, "source-0");
  silent.Read();
  Agent lively(world, "source-1");
  lively.Read();
  world.clock.Advance(1400);
  AgentMessage beat;
  beat.mutable_heartbeat();
  lively.stream->Write(beat);
  AgentMessage progress;  // Comes after the heartbeat: when it is heard, that is.
  progress.mutable_progress()->set_message("alive");
  lively.stream->Write(progress);
  world.log.Await("progress alive");
  CHECK(world.fleet.EndSilentStreams() == absl::Milliseconds(100));
  world.clock.Advance(100);
  CHECK(world.fleet.EndSilentStreams() == absl::Milliseconds(1400));
  CHECK_FALSE(silent.ReadToEnd().ok());
  world.log.Await("gone source-0");
}

TEST_CASE("who does not belong here is told why", "[fleet]") {
  World world;
  SECTION("an agent that has obeyed a higher term") {
    Agent agent(world, "source-0", 6);
    const grpc::Status status = agent.ReadToEnd();
    CHECK(status.error_code() == grpc::StatusCode::FAILED_PRECONDITION);
    CHECK_THAT(status.error_message(), Catch::Matchers::Contains("another orchestrator"));
  }
  SECTION("an agent without a name") {
    Agent agent(world, "");
    CHECK(agent.ReadToEnd().error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  }
  SECTION("a result of another host") {
    Agent agent(world, "source-0");
    agent.Read();
    AgentMessage message;
    message.mutable_result()->mutable_key()->set_host("source-1");
    agent.stream->Write(message);
    CHECK(agent.ReadToEnd().error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  }
}

}  // namespace
}  // namespace orchestrator
