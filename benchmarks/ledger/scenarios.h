#pragma once

#include <atomic>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "benchmarks/common/figures.h"
#include "benchmarks/ledger/machine_limits.h"

namespace benchmarks {

struct Options {
  std::string folder;  // On the disk that is measured.
  uint64_t accounts = 10'000;
  bool random_ids = false;

  // As much as the node takes, for each size of batch.
  std::vector<uint64_t> batches = {8'190, 1'000, 100, 1};
  uint64_t transfers = 4'000'000;
  double seconds = 6;
  uint64_t in_flight = 4;        // Calls, of batches;
  uint64_t small_batch = 1'000;  // of batches up to this size
  uint64_t small_in_flight = 32;
  uint64_t callers = 64;  // threads with single transfers, which the client library merges.

  int state_root_pairs = 1;  // Runs without and with state roots in the log.

  // Single transfers at a rate, among many accounts.
  uint64_t many_accounts = 1'000'000;
  double rate = 6'000;
  double rate_seconds = 8;
};

// What a scenario found: its own numbers, and those that we promise.
struct Finding {
  nlohmann::json numbers;
  std::vector<Figure> figures;
};

// Batches of one size on a new node, which is then started again and must hold them all.
absl::StatusOr<Finding> MeasureThroughput(const Options& options, const DiskLimits& disk,
                                          uint64_t batch, const std::atomic<bool>& stop);

// What state roots in the log cost: the same load on nodes without and with them, in turn.
absl::StatusOr<Finding> MeasureStateRoots(const Options& options, const std::atomic<bool>& stop);

// A new node with many accounts: what they take, and how long single transfers at a rate wait.
absl::StatusOr<Finding> MeasureManyAccounts(const Options& options, const DiskLimits& disk,
                                            const std::atomic<bool>& stop);

}  // namespace benchmarks
