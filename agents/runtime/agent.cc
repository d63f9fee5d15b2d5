#include "agents/runtime/agent.h"

#include <algorithm>
#include <iostream>
#include <set>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"

namespace agents {
namespace {

constexpr int kUnwrittenMax = 100;
constexpr absl::Duration kHeartbeatMin = absl::Milliseconds(20);
constexpr absl::Duration kHeartbeatMax = absl::Seconds(10);

std::set<std::string> ActionTypes(const Drivers& drivers) {
  std::set<std::string> types;
  for (const auto& [type, driver] : drivers.by_type()) types.insert(type);
  return types;
}

uint64_t UnixNs(absl::Time time) { return static_cast<uint64_t>(absl::ToUnixNanos(time)); }

}  // namespace

absl::StatusOr<std::unique_ptr<Agent>> Agent::Start(const AgentOptions& options,
                                                    const Drivers& drivers) {
  RETURN_IF_ERROR(options.files.CreateFolders(options.config.data_dir()));
  ASSIGN_OR_RETURN(std::unique_ptr<Log> log,
                   Log::Open(options.files, absl::StrCat(options.config.data_dir(), "/agent.log")));
  std::unique_ptr<Agent> agent(new Agent(options, drivers, std::move(log)));
  for (const pb::LogEntry& entry : agent->log_->recovered()) agent->executor_.Recover(entry);
  agent->log_->recovered().clear();
  RETURN_IF_ERROR(agent->Carry(agent->executor_.Recovered()));
  RETURN_IF_ERROR(agent->Flush());
  Agent& self = *agent;
  self.link_ = std::make_unique<Link>(
      options.config.orchestrator(),
      Link::Callbacks{
          .hello = [&self] { return self.Hello(); },
          .received =
              [&self](pb::OrchestratorMessage message) { self.Received(std::move(message)); },
          .ended = [&self](const std::string& why) { self.StreamEnded(why); }},
      options.reconnect_pause);
  return agent;
}

Agent::Agent(const AgentOptions& options, const Drivers& drivers, std::unique_ptr<Log> log)
    : options_(options),
      drivers_(drivers),
      log_(std::move(log)),
      executor_(options.config.host(), ActionTypes(drivers)),
      last_heartbeat_(options.clock.MonotonicNow()),
      last_tick_(last_heartbeat_) {
  runner_ = std::make_unique<Runner>(
      drivers_, options_.clock,
      Runner::Callbacks{
          .progressed =
              [this](const pb::OrderKey& key, std::string message) {
                Post(DriverProgressed{key, std::move(message)});
              },
          .ended = [this](pb::OrderResult result) { Post(DriverEnded{std::move(result)}); }});
}

Agent::~Agent() {
  link_.reset();
  runner_.reset();
}

void Agent::Post(Event event) {
  absl::MutexLock lock(&mutex_);
  events_.push_back(std::move(event));
}

bool Agent::Take(std::deque<Event>& events) {
  const auto something = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !events_.empty();
  };
  absl::MutexLock lock(&mutex_);
  const absl::Duration pause = std::min(heartbeat_interval_, options_.tick) / 2;
  mutex_.AwaitWithTimeout(absl::Condition(&something), pause);
  events = std::exchange(events_, {});
  return !stopping_;
}

absl::Status Agent::Run() {
  std::deque<Event> events;
  while (Take(events)) {
    RETURN_IF_ERROR(HandleAll(events));
    RETURN_IF_ERROR(Tick());
    Heartbeat();
  }
  return End(std::move(events));
}

absl::Status Agent::HandleAll(const std::deque<Event>& events) {
  for (const Event& event : events) RETURN_IF_ERROR(Carry(executor_.Handle(event)));
  return absl::OkStatus();
}

absl::Status Agent::Tick() {
  if (unwritten_.entries_size() > kUnwrittenMax) RETURN_IF_ERROR(Flush());
  const absl::Duration now = options_.clock.MonotonicNow();
  if (now - last_tick_ < options_.tick) return absl::OkStatus();
  last_tick_ = now;
  return Carry(executor_.Handle(Ticked{}));
}

// Orders that have ended, or end by themselves, are written down; those that had to be cut short
// are found unfinished at the next start.
absl::Status Agent::End(std::deque<Event> events) {
  RETURN_IF_ERROR(Carry(executor_.Handle(Stopping{})));
  runner_->Stop();
  {
    absl::MutexLock lock(&mutex_);
    std::move(events_.begin(), events_.end(), std::back_inserter(events));
    events_.clear();
  }
  std::erase_if(events,
                [](const Event& event) { return !std::holds_alternative<DriverEnded>(event); });
  RETURN_IF_ERROR(HandleAll(events));
  return Flush();
}

void Agent::Stop() {
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
}

// What needs no effect after it (an acknowledgement) is kept back and written with what comes next:
// so every write is synced, and only the last frame of the log can ever be torn.
absl::Status Agent::Flush() {
  if (unwritten_.entries().empty()) return absl::OkStatus();
  RETURN_IF_ERROR(log_->Append(unwritten_));
  unwritten_.Clear();
  return absl::OkStatus();
}

absl::Status Agent::Carry(std::vector<Effect> effects) {
  for (Effect& effect : effects) {
    if (auto* append = std::get_if<AppendLog>(&effect)) {
      *unwritten_.add_entries() = std::move(append->entry);
      continue;
    }
    RETURN_IF_ERROR(Flush());
    if (const auto* start = std::get_if<StartDriver>(&effect)) {
      runner_->Start(start->order);
    } else if (const auto* cancel = std::get_if<CancelDriver>(&effect)) {
      runner_->Cancel(cancel->key);
    } else if (auto* send = std::get_if<SendMessage>(&effect)) {
      if (link_ != nullptr) link_->Send(std::move(send->message));
    } else if (const auto* close = std::get_if<CloseStream>(&effect)) {
      Say(close->reason);
      if (link_ != nullptr) link_->Close();
    }
  }
  absl::MutexLock lock(&mutex_);
  term_highest_ = executor_.term_highest();
  return absl::OkStatus();
}

pb::Hello Agent::Hello() {
  pb::Hello hello;
  hello.set_host(options_.config.host());
  hello.set_version(options_.version);
  hello.set_binary_sha256(options_.binary_sha256);
  for (const auto& [type, driver] : drivers_.by_type()) hello.add_actions(driver->name());
  hello.set_wall_clock_unix_ns(UnixNs(ToldTime()));
  absl::MutexLock lock(&mutex_);
  hello.set_term_highest(term_highest_);
  return hello;
}

void Agent::Received(pb::OrchestratorMessage message) {
  switch (message.kind_case()) {
    case pb::OrchestratorMessage::kWelcome: {
      const absl::Duration interval =
          absl::Seconds(message.welcome().heartbeat_interval().seconds()) +
          absl::Nanoseconds(message.welcome().heartbeat_interval().nanos());
      told_ended_ = false;
      Say(absl::StrCat("connected to the orchestrator at ", options_.config.orchestrator(),
                       ", term ", message.welcome().term()));
      absl::MutexLock lock(&mutex_);
      heartbeat_interval_ = std::clamp(interval, kHeartbeatMin, kHeartbeatMax);
      welcomed_ = true;
      events_.push_back(Connected{message.welcome().term()});
      return;
    }
    case pb::OrchestratorMessage::kOrder:
      Post(OrderReceived{std::move(*message.mutable_order())});
      return;
    case pb::OrchestratorMessage::kResultReceived:
      Post(ResultAcknowledged{message.result_received().key()});
      return;
    case pb::OrchestratorMessage::KIND_NOT_SET: return;
  }
}

void Agent::StreamEnded(const std::string& why) {
  if (!std::exchange(told_ended_, true)) {
    Say(absl::StrCat("no connection to the orchestrator at ", options_.config.orchestrator(), " (",
                     why, "): trying again until there is one"));
  }
  absl::MutexLock lock(&mutex_);
  welcomed_ = false;
  events_.push_back(Disconnected{});
}

void Agent::Heartbeat() {
  {
    absl::MutexLock lock(&mutex_);
    const absl::Duration now = options_.clock.MonotonicNow();
    // Half the interval, so that one is never late.
    if (!welcomed_ || now - last_heartbeat_ < heartbeat_interval_ / 2) return;
    last_heartbeat_ = now;
  }
  pb::AgentMessage message;
  message.mutable_heartbeat()->set_wall_clock_unix_ns(UnixNs(ToldTime()));
  link_->Send(std::move(message));
}

absl::Time Agent::ToldTime() const {
  const auto& ahead = options_.config.lab_clock_ahead();
  return options_.clock.WallNow() + absl::Seconds(ahead.seconds()) +
         absl::Nanoseconds(ahead.nanos());
}

void Agent::Say(absl::string_view line) const {
  std::cerr << absl::StrCat(
      absl::FormatTime(absl::RFC3339_sec, options_.clock.WallNow(), absl::UTCTimeZone()), " ",
      options_.config.host(), ": ", line, "\n");
}

}  // namespace agents
