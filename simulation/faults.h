#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "simulation/network.h"
#include "simulation/scheduler.h"

namespace simulation {

// One thing that goes wrong.
struct Fault {
  enum class Kind : uint8_t {
    kCrash,      // Of `what`; it starts again after `duration`.
    kCut,        // `what` and `other` cannot reach each other for `duration`.
    kTakeover,   // A second orchestrator starts; the first does not know, for `duration`.
    kRollback,   // An operator asks for the way back.
    kPause,      // An operator pauses the run, until it is thought over.
    kAbort,      // An operator ends the run where it is.
    kAbortTime,  // The forecast: from now on going back would not fit into the window.
    kClock,      // From now on the orchestrator's wall clock is wrong by `clock_step`.
    kNetwork,    // `network` for `duration`.
    kDisk,       // Syncs stall, with `stall`, for `duration`.
  };
  Kind kind = Kind::kCrash;
  // "node:source-0", "agent:source-0", "gateway:gateway-0", "orchestrator", "host:source-0" (all
  // that runs there), "site:target"; for kCut hosts, sites, "orchestrator", "clients".
  std::string what = {};
  std::string other = {};
  // When: as soon as the run has begun and all that is given has come.
  absl::Duration after = absl::ZeroDuration();
  std::string step = {};  // The step has begun.
  uint64_t event = 0;     // So many events have happened.
  absl::Duration duration = absl::Seconds(1);
  absl::Duration clock_step = absl::ZeroDuration();
  NetworkTraits network = {};
  double stall = 0;
};

// "crash node:source-0 0.3 s after the start, for 1.2 s".
std::string ToText(const Fault& fault);

// What is drawn for a seed, and how much of it. Times are in lengths of a run without faults.
struct FaultRates {
  double faults = 0;       // Expected number, of those that have a time and a place.
  double bad_network = 0;  // Probability that the network loses and repeats, all the time.
  double bad_disk = 0;
  double takeover = 0;
  double rollback = 0;
  double pause = 0;
  double abort = 0;
  double abort_time = 0;
  double reject = 0;  // Probability that the first gate is rejected.
  double clock = 0;
  double failing_step = 0;  // Probability that one step fails.
  double rogue_orders = 0;  // Probability that old and foreign orders reach agents.
  double rogue_calls = 0;   // And nodes: any order with any certificate, from anybody.
};
// For the promises: about every second run meets something in the middle of the switch.
FaultRates HarshRates();

// Everything that `rates` and `dice` make of it. `places`: what crashes and is cut off.
std::vector<Fault> DrawFaults(const FaultRates& rates, const std::vector<std::string>& places,
                              absl::Duration sunny_length, Dice& dice);

}  // namespace simulation
