// What the engine sends: keys, fences, certificates.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/invariant.h"
#include "orchestrator/engine/engine.h"

namespace orchestrator {
namespace {

using hamisha::agent::v1::Order;

constexpr absl::Duration kProbeTimeoutMax = absl::Seconds(10);

// From the second attempt on the name says which: a fence names one attempt.
std::string AttemptName(std::string name, uint32_t attempt) {
  if (attempt > 1) absl::StrAppend(&name, "#", attempt);
  return name;
}

void SetTimeout(absl::Duration timeout, Order& order) {
  INVARIANT(timeout > absl::ZeroDuration() && timeout < absl::InfiniteDuration());
  const int64_t seconds = absl::IDivDuration(timeout, absl::Seconds(1), &timeout);
  order.mutable_timeout()->set_seconds(seconds);
  order.mutable_timeout()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(timeout)));
}

}  // namespace

ActionRun Engine::NewActionRun(const PlannedAction& action) const {
  ActionRun run;
  for (const uint32_t host : action.hosts) {
    INVARIANT(host < plan_->hosts.size());
    run.hosts.emplace_back().host = host;
  }
  run.hosts_in[static_cast<size_t>(HostState::kWaiting)] = static_cast<uint32_t>(run.hosts.size());
  return run;
}

Order Engine::NewOrder(const HostRun& host, const PlannedAction& action) const {
  const Host& server = plan_->hosts[host.host];
  Order order;
  order.mutable_key()->set_run(run_);
  order.mutable_key()->set_host(server.name);
  order.set_plan_digest(plan_->digest.data(), plan_->digest.size());
  *order.mutable_action() = host.bound.value_or(action.message);
  SetTimeout(action.timeout, order);
  for (const uint32_t shard : server.shards) {
    for (const auto& certificate : certificates_.OfShard(shard)) {
      *order.add_certificates() = certificate;
    }
  }
  auto context = plan_->shards.begin();
  for (const uint32_t shard : server.shards) {  // Both are ascending.
    context =
        std::lower_bound(context, plan_->shards.end(), shard,
                         [](const auto& one, uint32_t number) { return one.shard() < number; });
    INVARIANT(context != plan_->shards.end() && context->shard() == shard);
    *order.add_shards() = *context;
  }
  if (action.takes_host_facts) AddHostFacts(order);
  return order;
}

void Engine::AddHostFacts(Order& order) const {
  for (const auto& shard : order.shards()) {
    for (const auto& node : shard.nodes()) {
      const auto facts = host_facts_.find(node.host());
      if (facts != host_facts_.end()) *order.add_hosts() = facts->second;
    }
  }
}

void Engine::SendApply(const Place& place) {
  if (!BindOutputs(place)) return;
  HostRun& host = HostAt(place);
  const PlannedStep& step = plan_->steps[place.step];
  Move(place, HostEvent::kSend);
  ++host.attempt;
  Order order = NewOrder(host, step.apply);
  order.mutable_key()->set_step(AttemptName(step.id, host.attempt));
  order.mutable_key()->set_attempt(host.attempt);
  order.set_mode(hamisha::agent::v1::MODE_APPLY);
  Send(place, std::move(order), false);
}

// Also fences the attempt that it asks about: what it answers stays true.
void Engine::SendProbe(const Place& place) {
  HostRun& host = HostAt(place);
  const PlannedStep& step = plan_->steps[place.step];
  INVARIANT(host.state == HostState::kProbing && host.probes_left > 0);
  --host.probes_left;
  ++host.probe;
  Order order = NewOrder(host, step.apply);
  order.mutable_key()->set_step(AttemptName(absl::StrCat(step.id, "/probe"), host.probe));
  order.mutable_key()->set_attempt(host.probe);
  order.set_mode(hamisha::agent::v1::MODE_PROBE);
  order.set_fence_step(AttemptName(step.id, host.attempt));
  SetTimeout(std::min(step.apply.timeout, kProbeTimeoutMax), order);
  Send(place, std::move(order), true);
}

void Engine::SendLook(const Place& place) {
  HostRun& host = HostAt(place);
  const Guardrail& guardrail = plan_->guardrails[place.step];
  Move(place, HostEvent::kSend);
  Order order = NewOrder(host, guardrail.look);
  ++host.attempt;
  order.mutable_key()->set_step(AttemptName(absl::StrCat("guard/", guardrail.name), host.attempt));
  order.mutable_key()->set_attempt(host.attempt);
  order.set_mode(hamisha::agent::v1::MODE_APPLY);
  Send(place, std::move(order), false);
}

void Engine::SendBack(const Place& place) {
  HostRun& host = HostAt(place);
  const PlannedStep& step = plan_->steps[place.step];
  const BackAction back = BackOf(step)[static_cast<size_t>(place.back)];
  Move(place, HostEvent::kSend);
  --host.attempts_left;
  const std::string name = absl::StrCat(step.id, "/back/", place.back);
  Order order = NewOrder(host, *back.action);
  if (host.attempt > 0) order.set_fence_step(AttemptName(name, host.attempt));
  for (const HostRun& forward : steps_[place.step].apply.hosts) {
    if (forward.host != host.host || forward.attempt == 0) continue;
    order.set_fence_step(AttemptName(step.id, forward.attempt));
    const bool own_undo = back.mode == hamisha::agent::v1::MODE_UNDO;
    if (own_undo && forward.bound.has_value()) *order.mutable_action() = *forward.bound;
  }
  ++host.attempt;
  order.mutable_key()->set_step(AttemptName(name, host.attempt));
  order.mutable_key()->set_attempt(host.attempt);
  order.set_mode(back.mode);
  Send(place, std::move(order), false);
}

void Engine::Send(const Place& place, Order order, bool probe) {
  const absl::Time deadline = now_ + PatienceFor(order);
  effects_.push_back(SendOrder{order});
  book_.Add(
      {.order = std::move(order), .place = place, .probe = probe, .attempt = HostAt(place).attempt},
      deadline);
}

}  // namespace orchestrator
