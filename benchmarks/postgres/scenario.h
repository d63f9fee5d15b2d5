#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "lab/load/histogram.h"

namespace benchmarks {

struct Load {
  uint64_t accounts = 10'000;
  uint64_t transfers = 4'000'000;  // At most,
  double seconds = 15;             // and for at most so long.
  bool random_ids = false;         // Else they grow, which suits every index.
  bool foreign_keys = true;        // Else only the function sees to it that accounts exist.
};

struct Scenario {
  std::string name;
  uint64_t batch = 1;        // Transfers in a transaction.
  uint64_t connections = 1;  // Each with one transaction at a time.
  // How long a commit waits for others to share its sync.
  uint64_t commit_delay_us = 0;
};

struct Outcome {
  uint64_t transfers = 0;
  double seconds = 0;
  lab::Histogram latency_us;           // Of a transaction.
  double disk_bytes_per_transfer = 0;  // Tables and indexes.
  double log_bytes_per_transfer = 0;   // Written ahead, and used again later.
  uint64_t history_rows = 0;           // Read at once, at most 2,000.
  double history_ms = 0;               // Median over accounts; 0 when none has enough.
  bool balanced = false;               // Debits equal credits equal what was answered.
};

// Fresh tables in the server at `socket_folder`, then the scenario on them. CANCELLED when `stop`.
absl::StatusOr<Outcome> RunScenario(const std::string& socket_folder, const Scenario& scenario,
                                    const Load& load, const std::atomic<bool>& stop);

}  // namespace benchmarks
