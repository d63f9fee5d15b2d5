#include "simulation/clients.h"

#include <algorithm>
#include <cmath>

namespace simulation {
namespace {

constexpr absl::Duration kAnswerTimeout = absl::Seconds(8);
constexpr absl::Duration kRetryMin = absl::Milliseconds(100);
constexpr absl::Duration kRetryMax = absl::Milliseconds(500);

}  // namespace

void Clients::Begin(const Workload& workload) {
  workload_ = workload;
  writes_left_ = gateways_.empty() || shards_ == 0 ? 0 : workload.writes_max;
  NextLater();
}

void Clients::NextLater() {
  if (writes_left_ == 0) return;
  const double pause_s = -std::log(1 - environment_.dice.Unit()) / workload_.writes_per_s;
  environment_.scheduler.After(absl::Seconds(pause_s), [this] {
    if (writes_left_ == 0) return;
    --writes_left_;
    ++open_;
    writes_.push_back({.id = writes_.size() + 1,
                       .shard = static_cast<uint32_t>(environment_.dice.Below(shards_)),
                       .begun = environment_.scheduler.now()});
    Send(writes_.size() - 1);
    NextLater();
  });
}

void Clients::Send(size_t index) {
  Write& write = writes_[index];
  const uint32_t attempt = ++write.attempt;
  Gateway& gateway = *gateways_[environment_.dice.Below(gateways_.size())];
  environment_.scheduler.After(kAnswerTimeout, [this, index, attempt] { Again(index, attempt); });
  Network& network = environment_.network;
  if (!gateway.life().is_up) {
    environment_.scheduler.After(environment_.dice.Between(kRetryMin, kRetryMax),
                                 [this, index, attempt] { Again(index, attempt); });
    return;
  }
  const int times = network.DrawRepeat() ? 2 : 1;
  for (int time = 0; time < times; ++time) {
    network.Send(host_, gateway.host(), &gateway.life(),
                 [this, &gateway, index, attempt, shard = write.shard, id = write.id] {
                   gateway.Write(
                       shard, id, [this, &gateway, index, attempt](const absl::Status& status) {
                         environment_.network.Send(
                             gateway.host(), host_, &life_,
                             [this, index, attempt, status] { Answered(index, attempt, status); });
                       });
                 });
  }
}

void Clients::Answered(size_t index, uint32_t attempt, const absl::Status& status) {
  Write& write = writes_[index];
  if (write.is_answered) return;
  if (!status.ok()) {
    if (attempt != write.attempt) return;
    environment_.scheduler.After(environment_.dice.Between(kRetryMin, kRetryMax),
                                 [this, index, attempt] { Again(index, attempt); });
    return;
  }
  write.is_answered = true;
  --open_;
  ++answered_;
  longest_wait_ = std::max(longest_wait_, environment_.scheduler.now() - write.begun);
  environment_.promises.OnAcknowledged(write.shard, write.id);
}

void Clients::Again(size_t index, uint32_t attempt) {
  const Write& write = writes_[index];
  if (!write.is_answered && write.attempt == attempt) Send(index);
}

}  // namespace simulation
