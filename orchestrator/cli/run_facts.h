// What a RunView says, gathered for tables, reports and JSON alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "hamisha/ledger/v1/verification.pb.h"
#include "hamisha/orchestrator/v1/orchestrator.pb.h"

namespace orchestrator {

struct PhaseFacts {
  std::string name;
  std::string state;  // waiting | running | succeeded | failed | unknown | undone
  std::optional<absl::Time> started;
  std::optional<absl::Time> ended;
  std::vector<const hamisha::orchestrator::v1::StepView*> steps;  // Of the way forward.
};

// Phases in plan order. Points into `run`.
std::vector<PhaseFacts> PhasesOf(const hamisha::orchestrator::v1::RunView& run);
// Steps of the way back, in its order. Points into `run`.
std::vector<const hamisha::orchestrator::v1::StepView*> WayBackOf(
    const hamisha::orchestrator::v1::RunView& run);

// From start to end, or to `now` while it goes on; nullopt when it has not begun.
std::optional<absl::Duration> DurationOf(const hamisha::orchestrator::v1::StepView& step,
                                         absl::Time now);

// One certificate, decoded.
struct CertificateFacts {
  std::string kind;  // "seal" | "refusal" | "cutover"
  uint32_t shard = 0;
  uint64_t epoch = 0;
  std::string signer;
  std::string successor;                    // Seal only.
  uint64_t position = 0;                    // Of a refusal nothing of this.
  std::string log_hash;                     // Hexadecimal.
  std::string state_root;                   // Hexadecimal.
  hamisha::ledger::v1::InFlight in_flight;  // Cutover only.
};

// By shard, then epoch. What cannot be decoded is left out.
std::vector<CertificateFacts> CertificatesOf(const hamisha::orchestrator::v1::RunView& run);

// Where the two sides of a cutover do not certify the same, in words.
std::vector<std::string> ContradictionsOf(const hamisha::orchestrator::v1::RunView& run);

}  // namespace orchestrator
