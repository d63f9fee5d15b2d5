#include "simulation/orchestrator.h"

#include <algorithm>
#include <utility>

#include "base/invariant.h"
#include "simulation/agent.h"

namespace simulation {

namespace pb = ::hamisha::agent::v1;
using OrderPointer = std::shared_ptr<const pb::Order>;

Orchestrator::Orchestrator(Environment& environment, Journal& journal, Options options)
    : environment_(environment), journal_(journal), options_(std::move(options)) {}

void Orchestrator::Start(absl::Time wall_start) {
  INVARIANT(!life_.is_up);
  life_.is_up = true;
  clock_ = orchestrator::RunClock(wall_start, environment_.scheduler.now());
  // Of what the last writer had not synced a part may be there all the same.
  const size_t unsynced = journal_.entries.size() - journal_.durable;
  journal_.entries.resize(journal_.durable + environment_.dice.Below(unsynced + 1));
  term_ = ++journal_.term;
  environment_.trace.Note("orchestrator starts with term ", term_, ", ", journal_.entries.size(),
                          " entries in the journal");
  engine_ = std::make_unique<orchestrator::Engine>(options_.plan, options_.run);
  if (journal_.entries.empty()) {
    Apply(orchestrator::Started{"operator", RehearsalWindow()});
  } else {
    Replay();
    if (!engine_->ended()) Apply(orchestrator::TermStarted{});
    orders_.clear();  // Nobody is connected: each gets its open orders when it does.
  }
  Work();
}

std::optional<orchestrator::Window> Orchestrator::RehearsalWindow() const {
  std::optional<orchestrator::Window> window = options_.plan->window;
  if (window.has_value()) {
    window->end = Now() + (window->end - window->start);
    window->start = Now();
  }
  return window;
}

// A fresh engine must want what the journal says was wanted; what a crash kept out of the journal
// is appended.
void Orchestrator::Replay() {
  std::deque<orchestrator::Effect> expected;
  for (const JournalEntry& entry : journal_.entries) {
    if (const auto* event = std::get_if<orchestrator::Event>(&entry)) {
      auto effects = engine_->Apply(*event);
      if (!effects.ok() || !expected.empty()) {
        return environment_.promises.Broken("a replay gives the same", "the journal differs");
      }
      expected.assign(std::make_move_iterator(effects->begin()),
                      std::make_move_iterator(effects->end()));
      clock_.GoOnFrom(event->time, environment_.scheduler.now());
      continue;
    }
    const auto* order = std::get_if<OrderPointer>(&entry);
    const bool is_same =
        !expected.empty() &&
        (order == nullptr
             ? std::holds_alternative<orchestrator::RunEnded>(expected.front())
             : std::holds_alternative<orchestrator::SendOrder>(expected.front()) &&
                   std::get<orchestrator::SendOrder>(expected.front()).order.SerializeAsString() ==
                       (*order)->SerializeAsString());
    if (!is_same) {
      return environment_.promises.Broken("a replay gives the same", "another order is wanted");
    }
    expected.pop_front();
  }
  Append({std::make_move_iterator(expected.begin()), std::make_move_iterator(expected.end())});
}

void Orchestrator::Crash() {
  environment_.trace.Note("orchestrator of term ", term_, " crashes");
  life_.End();
  for (auto& [host, connection] : std::exchange(agents_, {})) connection.stream->Break();
  tasks_.clear();
  orders_.clear();
  acknowledge_.clear();
  connected_.clear();
  is_syncing_ = false;
  tick_at_ = absl::InfiniteFuture();
}

void Orchestrator::Act(hamisha::orchestrator::v1::PersonAct act) {
  if (life_.is_up) Post(orchestrator::PersonActed{std::move(act)});
}

void Orchestrator::AbortTimeCame() {
  if (life_.is_up) Post(orchestrator::AbortTimeCame{Now(), "the window runs out"});
}

void Orchestrator::TakeAgent(Agent& agent, const std::shared_ptr<Stream>& stream) {
  Connection& connection = agents_[agent.place().host];
  if (connection.stream != nullptr) connection.stream->Break();
  connection = {&agent, stream};
  stream->ToClient(
      [&agent, stream, term = term_] { agent.Receive(stream, agents::Connected{term}); });
  Post(AgentConnected{agent.place().host});
}

void Orchestrator::TakeResult(pb::OrderResult result) { Post(std::move(result)); }

void Orchestrator::StreamBroken(const Stream* stream) {
  std::erase_if(agents_, [&](const auto& entry) { return entry.second.stream.get() == stream; });
}

absl::Time Orchestrator::Now() const { return clock_.Now(environment_.scheduler.now()); }

void Orchestrator::Post(Task task) {
  tasks_.push_back(std::move(task));
  Work();
}

void Orchestrator::Work() {
  if (is_syncing_ || !life_.is_up) return;
  while (!tasks_.empty()) {
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    Do(task);
  }
  if (life_.is_up) TickWhenDue();
  if (life_.is_up) Commit();
}

void Orchestrator::Do(Task& task) {
  if (auto* result = std::get_if<pb::OrderResult>(&task)) {
    acknowledge_.push_back(result->key());
    if (engine_->Expects(result->key())) Apply(orchestrator::OrderEnded{std::move(*result)});
  } else if (const auto* connected = std::get_if<AgentConnected>(&task)) {
    connected_.push_back(connected->host);
  } else if (auto* acted = std::get_if<orchestrator::PersonActed>(&task)) {
    Apply(std::move(*acted));
  } else if (auto* came = std::get_if<orchestrator::AbortTimeCame>(&task)) {
    Apply(std::move(*came));
  }
}

void Orchestrator::Apply(decltype(orchestrator::Event::what) what) {
  if (journal_.term != term_) return Die("another orchestrator writes the journal");
  orchestrator::Event event{.time = Now(), .what = std::move(what)};
  auto effects = engine_->Apply(event);
  if (!effects.ok()) {
    environment_.trace.Note("the engine refuses: ", effects.status().message());
    return;
  }
  journal_.entries.emplace_back(std::move(event));
  Append(*std::move(effects));
  environment_.promises.OnEngineMoved(*engine_);
  if (on_moved) on_moved();
}

void Orchestrator::Append(std::vector<orchestrator::Effect> effects) {
  for (orchestrator::Effect& effect : effects) {
    if (auto* send = std::get_if<orchestrator::SendOrder>(&effect)) {
      auto order = std::make_shared<const pb::Order>(std::move(send->order));
      orders_.push_back(order);
      journal_.entries.emplace_back(std::move(order));
    } else if (auto* ended = std::get_if<orchestrator::RunEnded>(&effect)) {
      journal_.entries.emplace_back(std::move(*ended));
    }
  }
}

void Orchestrator::TickWhenDue() {
  if (engine_->NextDeadline() <= Now()) Apply(orchestrator::Tick{});
}

void Orchestrator::TickLater() {
  const absl::Time next = engine_->NextDeadline();
  if (next >= tick_at_ || next == absl::InfiniteFuture()) return;
  tick_at_ = next;
  environment_.scheduler.After(
      next - Now(),
      [this, next] {
        if (tick_at_ == next) tick_at_ = absl::InfiniteFuture();
        Work();
      },
      &life_);
}

// Nothing leaves before this has ended.
void Orchestrator::Commit() {
  if (journal_.durable == journal_.entries.size()) {
    SendAfterCommit();
    return TickLater();
  }
  if (journal_.term != term_) return Die("another orchestrator writes the journal");
  is_syncing_ = true;
  environment_.scheduler.After(
      environment_.DrawSync(),
      [this, end = journal_.entries.size()] {
        is_syncing_ = false;
        if (journal_.term != term_) return Die("another orchestrator writes the journal");
        for (size_t i = journal_.durable; i < end; ++i) {
          if (const auto* order = std::get_if<OrderPointer>(&journal_.entries[i])) {
            environment_.promises.OnIntentDurable(**order);
          }
        }
        const size_t begin = std::exchange(journal_.durable, end);
        SendAfterCommit();
        for (size_t i = begin; i < end; ++i) {
          const auto* ended = std::get_if<orchestrator::RunEnded>(&journal_.entries[i]);
          if (ended != nullptr && on_ended) on_ended(*ended);
        }
        TickLater();
        if (!tasks_.empty()) Work();
      },
      &life_);
}

void Orchestrator::SendAfterCommit() {
  const std::vector<std::string> connected = std::exchange(connected_, {});
  for (const OrderPointer& order : std::exchange(orders_, {})) {
    const bool comes_below =
        std::count(connected.begin(), connected.end(), order->key().host()) > 0;
    if (!comes_below) SendOrder(order);
  }
  for (const std::string& host : connected) {
    for (pb::Order& order : engine_->OpenOrders(host)) {
      SendOrder(std::make_shared<const pb::Order>(std::move(order)));
    }
  }
  for (const pb::OrderKey& key : std::exchange(acknowledge_, {})) {
    const auto found = agents_.find(key.host());
    if (found == agents_.end()) continue;
    const auto& [agent, stream] = found->second;
    stream->ToClient([agent = agent, stream = stream, key] {
      agent->Receive(stream, agents::ResultAcknowledged{key});
    });
  }
}

void Orchestrator::SendOrder(const OrderPointer& order) {
  environment_.promises.OnOrderSent(*order);
  const auto found = agents_.find(order->key().host());
  if (found == agents_.end()) return;
  const auto& [agent, stream] = found->second;
  const int times = environment_.network.DrawRepeat() ? 2 : 1;
  for (int time = 0; time < times; ++time) {
    stream->ToClient([agent = agent, stream = stream, order, term = term_] {
      agents::OrderReceived received{*order};
      received.order.set_term(term);
      agent->Receive(stream, std::move(received));
    });
  }
}

void Orchestrator::Die(const char* why) {
  environment_.trace.Note("orchestrator of term ", term_, " stops: ", why);
  Crash();
}

}  // namespace simulation
