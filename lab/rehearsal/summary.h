#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "hamisha/ledger/v1/node.pb.h"
#include "hamisha/orchestrator/v1/orchestrator.pb.h"
#include "lab/rehearsal/run_times.h"

namespace lab {

// What the load's checker found.
struct CheckResult {
  uint64_t acknowledged = 0;
  uint64_t lost = 0;
  uint64_t duplicated = 0;
  uint64_t wrong_balances = 0;
  uint64_t refused_found = 0;
  uint64_t client_errors = 0;
  double write_pause_ms = 0;
  double latency_p50_ms = 0;
  double latency_p99_ms = 0;
  double latency_max_ms = 0;
  bool sound = true;  // The checker has no complaint of any other kind.
};

// INVALID_ARGUMENT unless `json` is the checker's, with at least the fields up to client_errors.
absl::StatusOr<CheckResult> ParseCheck(const std::string& json);

struct ShardResult {
  uint32_t shard = 0;
  std::string writer;  // Node id; "" when nobody writes, or nobody was asked successfully.
  std::string writer_site;
  uint64_t epoch = 0;
  uint64_t position = 0;
  std::string follower;     // "" when nobody follows the writer.
  bool logs_equal = false;  // Writer's and follower's, at the same position.
  std::string state_root;   // That was sealed, hexadecimal; "" when the run sealed nothing.
  std::optional<bool>
      root_equal;  // The other side's own, at the sealed position; nothing: not compared.
};

// Who writes, from what the nodes of one shard say.
ShardResult JudgeShard(const hamisha::orchestrator::v1::RunView& run, uint32_t shard,
                       const std::vector<hamisha::ledger::v1::NodeStatus>& nodes);

struct RehearsalResult {
  hamisha::orchestrator::v1::RunView run;
  CheckResult check;
  std::vector<ShardResult> shards;
  std::vector<std::string> faults;           // Injected.
  std::vector<std::string> faults_never;     // Whose moment never came.
  std::vector<std::string> unexpected_ends;  // Of processes.
  std::vector<std::string> violations;       // Of "at most one writer".
  int primaries_max = 0;
  std::string directory;
  std::vector<std::string> warnings;  // Of the forecast, ahead of time.
  std::string profile;                // Path of what the run left for forecasts; "" without one.
  // Of a rehearsal of the way back: what all its runs tried, and which undos none has proved.
  std::optional<hamisha::orchestrator::v1::CoverageView> coverage;
  std::vector<std::string> undos_missing;
};

// Why the rehearsal proves nothing good, whatever the run's outcome: something was lost or happened
// twice, two wrote, a process fell over. Empty when all is well.
std::vector<std::string> Complaints(const RehearsalResult& result);

// DESIGN section 9's exit codes.
int ExitCode(const RehearsalResult& result);

std::string ToText(const RehearsalResult& result);
std::string ToJson(const RehearsalResult& result);  // One object.

}  // namespace lab
