#pragma once

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "benchmarks/difference/background_load.h"
#include "benchmarks/difference/node_pair.h"
#include "hamisha/ledger/v1/ledger.grpc.pb.h"
#include "hamisha/ledger/v1/node.grpc.pb.h"
#include "hamisha/ledger/v1/verification.grpc.pb.h"

namespace benchmarks {

// How a difference shows: by the digests of a challenge, which sees memory as it is, or by a state
// root in the log, once what was damaged is written to again.
enum class FoundBy { kChallenge, kStateRoot };

enum class FaultKind { kFlippedBit, kAppliedTwice, kExchangedBalances, kDroppedRecord };

// What one planted fault came to.
struct FaultOutcome {
  FaultKind kind{};
  FoundBy by{};
  std::set<std::string> planted;  // Accounts.
  std::set<std::string> named;
  double planted_to_detected_s = 0;
  double detected_to_named_ms =
      0;  // As this program saw it, asking every millisecond, or the node.
  uint64_t exchanges = 0;
  uint64_t exchanged_bytes = 0;
  std::string said;  // By the node: the fields with both values.

  bool is_right() const { return !planted.empty() && planted == named; }
};
nlohmann::json ToJson(const FaultOutcome& outcome);
std::string NameOf(const FaultOutcome& outcome);

// What the target says, for who waits for a sentence of it.
class Sentences {
 public:
  void Hear(const std::string& sentence);
  void Forget();
  // The newest about where state roots differ; "" when there was none since Forget().
  std::string Found() const;

 private:
  mutable absl::Mutex mutex_;
  std::string found_ ABSL_GUARDED_BY(mutex_);
};

// Damages the target of a pair, whose source is written to meanwhile, in one way after the other,
// and takes the time until it says which accounts it has damaged. Before the next it begins anew.
class FaultTrials {
 public:
  // All waiting ends with `stop`.
  FaultTrials(NodePair& pair, BackgroundLoad& load, Sentences& sentences, uint64_t accounts,
              const std::atomic<bool>& stop);

  absl::StatusOr<FaultOutcome> Try(FaultKind kind, FoundBy by);

 private:
  // Asks until it is so, with `pause` between; `late` says what else was not in time.
  absl::Status Await(absl::string_view late, absl::Duration pause,
                     absl::FunctionRef<absl::StatusOr<bool>()> is_so);
  // Both have all in their trees.
  absl::Status AwaitReady();
  void Connect();
  // The accounts.
  absl::StatusOr<std::set<std::string>> Plant(FaultKind kind);
  absl::StatusOr<std::set<std::string>> FlipBit();
  absl::StatusOr<std::set<std::string>> ApplyTwice();
  absl::StatusOr<std::set<std::string>> ExchangeBalances();
  absl::StatusOr<std::set<std::string>> DropRecord();
  // A transfer at the source between two accounts, durable at both nodes when it returns.
  absl::StatusOr<uint64_t> Transfer(uint64_t debit, uint64_t credit, uint64_t amount);
  absl::Status TouchDamaged(const std::set<std::string>& accounts);
  absl::Status AwaitChallenge(FaultOutcome& outcome);
  absl::Status AwaitStateRoot(double planted_s, FaultOutcome& outcome);

  NodePair& pair_;
  BackgroundLoad& load_;
  Sentences& sentences_;
  const uint64_t accounts_;
  const std::atomic<bool>& stop_;
  uint64_t transfers_ = 0;   // Of this program's own.
  bool is_damaged_ = false;  // The target, until it has started again.
  std::unique_ptr<hamisha::ledger::v1::Ledger::Stub> ledger_;
  std::unique_ptr<hamisha::ledger::v1::Faults::Stub> faults_;
  std::unique_ptr<hamisha::ledger::v1::Verification::Stub> verification_;
};

}  // namespace benchmarks
