#include "simulation/agent.h"

#include <utility>
#include <variant>

#include "base/invariant.h"
#include "simulation/orchestrator.h"

namespace simulation {
namespace {

namespace pb = ::hamisha::agent::v1;

constexpr absl::Duration kTick = absl::Seconds(1);
constexpr absl::Duration kReconnectMin = absl::Milliseconds(80);
constexpr absl::Duration kReconnectMax = absl::Milliseconds(160);

}  // namespace

Agent::Agent(Environment& environment, const DriverTraits& traits, Place place,
             const std::string& plan_digest)
    : environment_(environment),
      traits_(traits),
      place_(std::move(place)),
      plan_digest_(plan_digest) {}

void Agent::Dial(std::function<Orchestrator*()> pick) {
  pick_ = std::move(pick);
  Boot();
}

// As at the start of the process: all from the log.
void Agent::Boot() {
  executor_ = std::make_unique<agents::Executor>(place_.host, DriverActions());
  unacknowledged_ = 0;
  for (const pb::LogEntry& entry : log_) {
    executor_->Recover(entry);
    if (entry.has_order_ended()) ++unacknowledged_;
    if (entry.has_result_acknowledged()) --unacknowledged_;
  }
  for (agents::Effect& effect : executor_->Recovered()) effects_.push_back(std::move(effect));
  Carry();
  if (!is_syncing_ && !unwritten_.empty()) Sync(unwritten_.size());
  Connect();
  TickLater();
}

void Agent::Crash() {
  environment_.trace.Note("agent of ", place_.host, " crashes, ", runs_.size(), " orders running");
  life_.End();
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->Break();
  unwritten_.clear();
  events_.clear();
  effects_.clear();
  DropRuns();
  is_syncing_ = false;
  is_ticking_ = false;
}

void Agent::DropRuns() {
  for (const auto& [key, run] : runs_) run->Drop();
  runs_.clear();
}

void Agent::Start() {
  INVARIANT(!life_.is_up);
  environment_.trace.Note("agent of ", place_.host, " starts");
  life_.is_up = true;
  Boot();
}

void Agent::Inject(const pb::Order& order) {
  if (life_.is_up) Post(agents::OrderReceived{order});
}

void Agent::Connect() {
  Orchestrator* const orchestrator = pick_();
  if (orchestrator == nullptr || !orchestrator->life().is_up ||
      !environment_.network.IsReachable(place_.index, orchestrator->host())) {
    return ConnectLater();
  }
  auto self = std::make_shared<Stream*>(nullptr);
  stream_ = std::make_shared<Stream>(
      environment_.network,
      Stream::End{place_.index, &life_, [this, self] { StreamBroken(*self); }},
      Stream::End{orchestrator->host(), &orchestrator->life(),
                  [orchestrator, self] { orchestrator->StreamBroken(*self); }});
  *self = stream_.get();
  orchestrator_ = orchestrator;
  stream_->ToServer(
      [this, orchestrator, stream = stream_] { orchestrator->TakeAgent(*this, stream); });
}

void Agent::ConnectLater() {
  environment_.scheduler.After(
      environment_.dice.Between(kReconnectMin, kReconnectMax),
      [this] {
        if (stream_ == nullptr) Connect();
      },
      &life_);
}

void Agent::StreamBroken(const Stream* stream) {
  if (stream_.get() != stream) return;
  stream_ = nullptr;
  Post(agents::Disconnected{});
  ConnectLater();
}

// Also what an earlier stream still brings, but not its welcome: nothing would be sent back there.
void Agent::Receive(const std::shared_ptr<Stream>& stream, agents::Event event) {
  const bool is_welcome = std::holds_alternative<agents::Connected>(event);
  if (is_welcome && stream != stream_) return;
  Post(std::move(event));
}

void Agent::Post(agents::Event event) {
  events_.push_back(std::move(event));
  Work();
}

void Agent::Work() {
  while (effects_.empty() && !is_syncing_ && !events_.empty()) {
    const agents::Event event = std::move(events_.front());
    events_.pop_front();
    for (agents::Effect& effect : executor_->Handle(event)) effects_.push_back(std::move(effect));
    Carry();
  }
}

// In order; what follows an entry of the log waits until it is durable.
void Agent::Carry() {
  while (!is_syncing_ && !effects_.empty()) {
    if (auto* append = std::get_if<agents::AppendLog>(&effects_.front())) {
      if (append->entry.has_order_ended()) ++unacknowledged_;
      if (append->entry.has_result_acknowledged()) --unacknowledged_;
      unwritten_.push_back(std::move(append->entry));
      effects_.pop_front();
      continue;
    }
    if (!unwritten_.empty()) return Sync(unwritten_.size());
    agents::Effect effect = std::move(effects_.front());
    effects_.pop_front();
    Do(effect);
  }
}

void Agent::Sync(size_t entries) {
  is_syncing_ = true;
  environment_.scheduler.After(
      environment_.DrawSync(),
      [this, entries] {
        INVARIANT(entries == unwritten_.size());
        for (pb::LogEntry& entry : unwritten_) {
          if (entry.has_term_raised()) {
            environment_.promises.OnTermObeyed(place_.host, entry.term_raised());
          }
          log_.push_back(std::move(entry));
        }
        unwritten_.clear();
        is_syncing_ = false;
        TickLater();
        Carry();
        Work();
      },
      &life_);
}

void Agent::Do(agents::Effect& effect) {
  if (auto* start = std::get_if<agents::StartDriver>(&effect)) {
    Begin(std::move(start->order));
  } else if (const auto* cancel = std::get_if<agents::CancelDriver>(&effect)) {
    const auto found = runs_.find({cancel->key.step(), cancel->key.attempt()});
    if (found != runs_.end()) found->second->Cancel();
  } else if (auto* send = std::get_if<agents::SendMessage>(&effect)) {
    if (stream_ == nullptr || !send->message.has_result()) return;
    stream_->ToServer([orchestrator = orchestrator_,
                       result = std::move(*send->message.mutable_result())]() mutable {
      orchestrator->TakeResult(std::move(result));
    });
  } else if (const auto* close = std::get_if<agents::CloseStream>(&effect)) {
    environment_.trace.Note("agent of ", place_.host, " closes its stream: ", close->reason);
    if (stream_ != nullptr) stream_->Break();
  }
}

void Agent::Begin(pb::Order order) {
  environment_.trace.Note("agent of ", place_.host, " begins ", order.key().step(), ", term ",
                          order.term());
  environment_.promises.OnOrderBegun(place_.host, order, plan_digest_);
  const RunKey key{order.key().step(), order.key().attempt()};
  const auto run = std::make_shared<OrderRun>(
      environment_, traits_,
      OrderRun::Server{
          .agent = &life_, .host = place_.index, .node = place_.node, .gateway = place_.gateway},
      std::move(order), [this, key, life = life_.number](pb::OrderResult result) {
        if (life != life_.number) return;
        runs_.erase(key);
        Post(agents::DriverEnded{std::move(result)});
      });
  runs_[key] = run;
  run->Begin();
}

// Only while there is something to send again.
void Agent::TickLater() {
  if (is_ticking_ || unacknowledged_ == 0) return;
  is_ticking_ = true;
  environment_.scheduler.After(
      kTick,
      [this] {
        is_ticking_ = false;
        if (unacknowledged_ > 0) Post(agents::Ticked{});
        TickLater();
      },
      &life_);
}

}  // namespace simulation
