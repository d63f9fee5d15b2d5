#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "simulation/scheduler.h"

namespace simulation {

using HostIndex = uint32_t;

// What the network does to messages; the faults change it while a world runs.
struct NetworkTraits {
  absl::Duration round_trip_within_site = absl::Microseconds(300);
  absl::Duration round_trip_between_sites = absl::Milliseconds(10);
  double loss = 0;            // Of a message; a stream breaks with it.
  double repeat = 0;          // Of a message that may be repeated.
  double straggle = 0;        // A message takes a hundred times as long.
  double outlive_stream = 0;  // What is under way when a stream breaks still arrives.
};

class Network;

// One connection: messages arrive in order, or the connection breaks. Both ends then hear of it,
// each in its own time. Messages of an earlier connection may still arrive beside those of a newer.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  struct End {
    HostIndex host;
    const Life* life;
    std::function<void()> on_broken;
  };
  Stream(Network& network, End client, End server)
      : network_(network), ends_{std::move(client), std::move(server)} {}

  void ToServer(Scheduler::Action deliver) { Send(0, std::move(deliver)); }
  void ToClient(Scheduler::Action deliver) { Send(1, std::move(deliver)); }
  void Break();
  bool is_open() const { return is_open_; }

 private:
  void Send(int from, Scheduler::Action deliver);

  Network& network_;
  End ends_[2];
  absl::Duration last_arrival_[2] = {absl::ZeroDuration(), absl::ZeroDuration()};  // By sender.
  bool is_open_ = true;
};

// Hosts on sites, and what lies between them. A message arrives when its hosts can reach each other
// both when it leaves and when it would arrive.
class Network {
 public:
  Network(Scheduler& scheduler, Dice& dice) : scheduler_(scheduler), dice_(dice) {}

  HostIndex AddHost(uint32_t site);
  uint32_t SiteOf(HostIndex host) const { return sites_[host]; }
  size_t hosts() const { return sites_.size(); }

  // Alone: no order among messages. `life` is the receiver's.
  void Send(HostIndex from, HostIndex to, const Life* life, Scheduler::Action deliver);

  bool IsReachable(HostIndex from, HostIndex to) const { return cuts_[Index(from, to)] == 0; }
  // Cuts count: each must be healed. Both directions.
  void Cut(HostIndex a, HostIndex b) { AddCut(a, b, 1); }
  void Heal(HostIndex a, HostIndex b) { AddCut(a, b, -1); }

  NetworkTraits& traits() { return traits_; }
  Scheduler& scheduler() { return scheduler_; }
  Dice& dice() { return dice_; }
  absl::Duration DrawDelay(HostIndex from, HostIndex to);
  bool DrawLoss() { return traits_.loss > 0 && dice_.Chance(traits_.loss); }
  bool DrawRepeat() { return traits_.repeat > 0 && dice_.Chance(traits_.repeat); }

 private:
  size_t Index(HostIndex a, HostIndex b) const { return a * kHostsMax + b; }
  void AddCut(HostIndex a, HostIndex b, int by);

  static constexpr size_t kHostsMax = 256;
  Scheduler& scheduler_;
  Dice& dice_;
  NetworkTraits traits_;
  std::vector<uint32_t> sites_;
  std::vector<int> cuts_;
};

}  // namespace simulation
