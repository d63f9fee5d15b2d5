#include "simulation/network.h"

#include <algorithm>

#include "base/invariant.h"

namespace simulation {
namespace {

// How long a silent peer goes unnoticed.
constexpr absl::Duration kKeepaliveMin = absl::Milliseconds(500);
constexpr absl::Duration kKeepaliveMax = absl::Seconds(3);
constexpr absl::Duration kLoopbackMin = absl::Microseconds(20);
constexpr absl::Duration kLoopbackMax = absl::Microseconds(80);

}  // namespace

HostIndex Network::AddHost(uint32_t site) {
  INVARIANT(sites_.size() < kHostsMax);
  sites_.push_back(site);
  cuts_.resize(sites_.size() * kHostsMax);
  return static_cast<HostIndex>(sites_.size() - 1);
}

absl::Duration Network::DrawDelay(HostIndex from, HostIndex to) {
  if (from == to) return dice_.Between(kLoopbackMin, kLoopbackMax);
  const absl::Duration half = (sites_[from] == sites_[to] ? traits_.round_trip_within_site
                                                          : traits_.round_trip_between_sites) /
                              2;
  const absl::Duration delay = dice_.Between(half, half * 5 / 4);
  return traits_.straggle > 0 && dice_.Chance(traits_.straggle) ? delay * 100 : delay;
}

void Network::Send(HostIndex from, HostIndex to, const Life* life, Scheduler::Action deliver) {
  if (!IsReachable(from, to) || DrawLoss()) return;
  scheduler_.After(
      DrawDelay(from, to),
      [this, from, to, deliver = std::move(deliver)]() mutable {
        if (IsReachable(from, to)) deliver();
      },
      life);
}

void Network::AddCut(HostIndex a, HostIndex b, int by) {
  cuts_[Index(a, b)] += by;
  cuts_[Index(b, a)] += by;
  INVARIANT(cuts_[Index(a, b)] >= 0);
}

void Stream::Send(int from, Scheduler::Action deliver) {
  if (!is_open_) return;
  const End& sender = ends_[from];
  const End& receiver = ends_[1 - from];
  if (!network_.IsReachable(sender.host, receiver.host) || network_.DrawLoss()) return Break();
  Scheduler& scheduler = network_.scheduler();
  absl::Duration& last = last_arrival_[from];
  last = std::max(last, scheduler.now() + network_.DrawDelay(sender.host, receiver.host));
  scheduler.After(
      last - scheduler.now(), [stream = shared_from_this(), from, life = receiver.life->number,
                               deliver = std::move(deliver)]() mutable {
        Network& network = stream->network_;
        const End& to = stream->ends_[1 - from];
        const bool arrives =
            to.life->number == life && network.IsReachable(stream->ends_[from].host, to.host);
        if (!arrives) return stream->Break();
        if (stream->is_open_ || network.dice().Chance(network.traits().outlive_stream)) deliver();
      });
}

void Stream::Break() {
  if (!is_open_) return;
  is_open_ = false;
  const bool reachable = network_.IsReachable(ends_[0].host, ends_[1].host);
  for (End& end : ends_) {
    const absl::Duration delay = reachable ? network_.DrawDelay(ends_[0].host, ends_[1].host)
                                           : network_.dice().Between(kKeepaliveMin, kKeepaliveMax);
    network_.scheduler().After(
        delay, [stream = shared_from_this(), &end] { end.on_broken(); }, end.life);
  }
}

}  // namespace simulation
