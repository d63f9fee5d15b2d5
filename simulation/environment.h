#pragma once

#include <memory>

#include "simulation/network.h"
#include "simulation/promises.h"
#include "simulation/scheduler.h"
#include "simulation/trace.h"

namespace simulation {

// How long disks take to sync.
struct DiskTraits {
  absl::Duration sync_min = absl::Microseconds(100);
  absl::Duration sync_max = absl::Microseconds(600);
  double stall = 0;  // A sync takes a second.
};

// What all parts of one world share.
struct Environment {
  explicit Environment(uint64_t seed)
      : dice(seed), network(scheduler, dice), trace(scheduler), promises(trace) {}

  absl::Duration DrawSync() {
    const absl::Duration sync = dice.Between(disk.sync_min, disk.sync_max);
    return disk.stall > 0 && dice.Chance(disk.stall) ? sync + absl::Seconds(1) : sync;
  }

  Dice dice;
  Scheduler scheduler;
  Network network;
  DiskTraits disk;
  Trace trace;
  Promises promises;
};

}  // namespace simulation
