#include "simulation/gateway.h"

#include <algorithm>
#include <utility>

#include "base/invariant.h"
#include "ledger/core/status.h"

namespace simulation {
namespace {

constexpr absl::Duration kCallTimeout = absl::Seconds(5);
// How soon a broken connection is noticed.
constexpr absl::Duration kBreakMin = absl::Milliseconds(1);
constexpr absl::Duration kBreakMax = absl::Seconds(2);

ledger::CallEnd ToCallEnd(absl::StatusOr<WriteAnswer> answer) {
  ledger::CallEnd end;
  if (answer.ok() && answer->not_owner.has_value()) {
    end.outcome = ledger::CallOutcome::kNotExecuted;
    end.not_owner = std::move(answer->not_owner);
    return end;
  }
  if (answer.ok()) {
    end.outcome = ledger::CallOutcome::kAnswered;
    end.response.add_commits()->set_epoch(answer->epoch);
    for (const uint32_t index : answer->existed) {
      auto& result = *end.response.add_results();
      result.set_index(index);
      result.set_code(static_cast<uint32_t>(ledger::TransferStatus::kExists));
    }
    return end;
  }
  end.error = answer.status();
  end.outcome = ledger::CallOutcome::kMaybeExecuted;
  return end;
}

}  // namespace

Gateway::Gateway(Environment& environment, std::string name, HostIndex host, const Nodes& nodes)
    : environment_(environment), name_(std::move(name)), host_(host), nodes_(nodes) {}

void Gateway::AddShard(uint32_t shard, const std::string& node) {
  saved_[shard].route = {.node_id = node, .epoch = 0};
  lanes_.emplace(shard, ledger::Lane(shard, saved_[shard].route));
}

void Gateway::Write(uint32_t shard, uint64_t id, Answer answer) {
  const ledger::WriteId write = ++write_newest_;
  waiting_.emplace(write, std::move(answer));
  ledger::pb::CreateTransfersRequest request;
  request.add_transfers()->mutable_id()->set_low(id);
  Do(shard, lanes_.at(shard).WriteArrived(write, std::move(request), environment_.scheduler.now()));
}

absl::Status Gateway::Hold(const std::vector<uint32_t>& shards, absl::Duration max_hold) {
  environment_.trace.Note(name_, " holds writes");
  for (const uint32_t shard : shards) {
    Do(shard, lanes_.at(shard).Hold({.max_hold = max_hold}, environment_.scheduler.now()));
  }
  Save();
  return absl::OkStatus();
}

absl::Status Gateway::SetRoutes(const std::vector<Route>& routes) {
  for (const Route& route : routes) {
    const ledger::LaneRoute wanted{.node_id = route.node, .epoch = route.epoch};
    if (absl::Status status = lanes_.at(route.shard).CheckRoute(wanted); !status.ok()) {
      return status;
    }
  }
  for (const Route& route : routes) {
    environment_.trace.Note(name_, " routes shard ", route.shard, " to ", route.node, ", epoch ",
                            route.epoch);
    Do(route.shard,
       lanes_.at(route.shard)
           .Route({.node_id = route.node, .epoch = route.epoch}, environment_.scheduler.now()));
  }
  Save();
  return absl::OkStatus();
}

absl::Status Gateway::Release(const std::vector<uint32_t>& shards) {
  environment_.trace.Note(name_, " releases writes");
  for (const uint32_t shard : shards) {
    Do(shard, lanes_.at(shard).Release(environment_.scheduler.now()));
  }
  Save();
  return absl::OkStatus();
}

std::vector<Gateway::Gate> Gateway::Gates() const {
  std::vector<Gate> gates;
  if (!life_.is_up) {
    for (const auto& [shard, saved] : saved_) {
      gates.push_back({shard, saved.route.node_id, saved.holding, 0});
    }
  }
  for (const auto& [shard, lane] : lanes_) {
    const ledger::LaneStatus status = lane.Status(environment_.scheduler.now());
    gates.push_back({shard, status.route.node_id, status.holding, status.held_requests});
  }
  return gates;
}

void Gateway::Save() {
  for (const auto& [shard, lane] : lanes_) {
    const ledger::LaneStatus status = lane.Status(environment_.scheduler.now());
    saved_[shard] = {status.route, status.epoch_highest, status.holding, status.bounds};
  }
}

void Gateway::Crash() {
  environment_.trace.Note(name_, " crashes, ", waiting_.size(), " writes under way");
  life_.End();
  calls_.clear();
  lanes_.clear();
  ticks_.clear();
  for (auto& [write, answer] : std::exchange(waiting_, {})) {
    answer(absl::UnavailableError("the connection broke"));
  }
}

void Gateway::Start() {
  INVARIANT(!life_.is_up);
  environment_.trace.Note(name_, " starts");
  life_.is_up = true;
  for (const auto& [shard, saved] : saved_) {
    ledger::Lane& lane = lanes_.emplace(shard, ledger::Lane(shard, saved.route)).first->second;
    lane.RaiseEpochHighest(saved.epoch_highest);
    if (saved.holding) Do(shard, lane.Hold(saved.bounds, environment_.scheduler.now()));
  }
}

void Gateway::Do(uint32_t shard, ledger::LaneEffects effects) {
  // The lane lists calls to be cancelled in no certain order.
  std::vector<ledger::CallId> cancelled;
  for (ledger::LaneEffect& effect : effects) {
    if (const auto* send = std::get_if<ledger::SendCall>(&effect)) {
      Send(shard, *send);
    } else if (const auto* cancel = std::get_if<ledger::CancelCall>(&effect)) {
      cancelled.push_back(cancel->call);
    } else if (auto* answer = std::get_if<ledger::AnswerWrite>(&effect)) {
      auto waiting = waiting_.extract(answer->write);
      INVARIANT(!waiting.empty());
      waiting.mapped()(answer->answer.status());
    }
  }
  std::sort(cancelled.begin(), cancelled.end());
  for (const ledger::CallId call : cancelled) {
    environment_.scheduler.After(
        environment_.network.DrawDelay(host_, host_),
        [this, shard, call] { EndCall(shard, call, {.error = absl::CancelledError()}); }, &life_);
  }
  TickLater(shard);
}

// There and back, each way as the network will have it; the deadline ends what stays out.
void Gateway::Send(uint32_t shard, const ledger::SendCall& send) {
  const ledger::CallId call = send.call;
  calls_.insert({shard, call});
  LedgerNode& node = *nodes_.at(send.node_id);
  const auto& batch = std::get<ledger::pb::CreateTransfersRequest>(*send.batch);
  WriteRequest request{.ids = {}, .epoch = batch.epoch()};
  for (const auto& transfer : batch.transfers()) request.ids.push_back(transfer.id().low());
  environment_.scheduler.After(
      kCallTimeout,
      [this, shard, call] { EndCall(shard, call, {.error = absl::DeadlineExceededError("")}); },
      &life_);
  Network& network = environment_.network;
  if (!node.life().is_up || !network.IsReachable(host_, node.place().host)) {
    environment_.scheduler.After(
        environment_.dice.Between(kBreakMin, kBreakMax),
        [this, shard, call] { EndCall(shard, call, {.error = absl::UnavailableError("")}); },
        &life_);
    return;
  }
  const int times = network.DrawRepeat() ? 2 : 1;
  for (int time = 0; time < times; ++time) {
    // What comes back finds this life of the gateway, or nobody.
    const uint32_t life = life_.number;
    network.Send(host_, node.place().host, &node.life(), [this, &node, shard, call, life, request] {
      node.Write(request, [this, &node, shard, call, life](absl::StatusOr<WriteAnswer> answer) {
        if (life != life_.number) return;
        environment_.network.Send(node.place().host, host_, &life_,
                                  [this, shard, call, answer = std::move(answer)]() mutable {
                                    EndCall(shard, call, ToCallEnd(std::move(answer)));
                                  });
      });
    });
  }
}

void Gateway::EndCall(uint32_t shard, ledger::CallId call, ledger::CallEnd end) {
  if (calls_.erase({shard, call}) == 0) return;
  Do(shard, lanes_.at(shard).CallEnded(call, std::move(end), environment_.scheduler.now()));
}

void Gateway::TickLater(uint32_t shard) {
  const absl::Duration next = lanes_.at(shard).NextTick();
  if (next == absl::InfiniteDuration()) return;
  const auto [asked, is_new] = ticks_.try_emplace(shard, next);
  if (!is_new && asked->second <= next) return;
  asked->second = next;
  environment_.scheduler.After(
      next - environment_.scheduler.now(),
      [this, shard, next] {
        if (const auto found = ticks_.find(shard); found != ticks_.end() && found->second == next) {
          ticks_.erase(found);
        }
        Do(shard, lanes_.at(shard).Tick(environment_.scheduler.now()));
      },
      &life_);
}

}  // namespace simulation
