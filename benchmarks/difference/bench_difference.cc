// Two nodes whose states come to differ: how long until it is known where. JSON on stdout.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/interrupt.h"
#include "base/locks.h"
#include "base/memory.h"
#include "base/status_macros.h"
#include "benchmarks/common/figures.h"
#include "benchmarks/difference/background_load.h"
#include "benchmarks/difference/faults.h"
#include "benchmarks/difference/long_run.h"
#include "benchmarks/difference/node_pair.h"

namespace benchmarks {
namespace {

constexpr double kTimeoutS = 600;
constexpr double kToReachMs = 1'000;

struct Options {
  std::string folder = std::filesystem::temp_directory_path();
  uint64_t accounts = 1'000'000;
  double rate = 2'000;
  double minutes = 0;
};

struct Trial {
  FaultKind kind;
  FoundBy by;
};
// Of a record that was dropped, roots tell before anybody asks. What it leaves out of history
// stays out until the target has read its log back, so it comes last.
constexpr Trial kTrials[] = {{FaultKind::kFlippedBit, FoundBy::kChallenge},
                             {FaultKind::kFlippedBit, FoundBy::kStateRoot},
                             {FaultKind::kAppliedTwice, FoundBy::kChallenge},
                             {FaultKind::kAppliedTwice, FoundBy::kStateRoot},
                             {FaultKind::kExchangedBalances, FoundBy::kChallenge},
                             {FaultKind::kExchangedBalances, FoundBy::kStateRoot},
                             {FaultKind::kDroppedRecord, FoundBy::kStateRoot}};

// Follows with a copy of what the source has.
absl::Status Copy(NodePair& pair, const std::atomic<bool>& stop) {
  RETURN_IF_ERROR(pair.TakeSnapshot());
  RETURN_IF_ERROR(pair.Follow(pair.source()));
  for (const double begin = SecondsNow(); SecondsNow() - begin < kTimeoutS;) {
    if (stop) return absl::CancelledError("interrupted");
    const auto status = pair.TargetStatus();
    if (pair.IsCopied() && status.ok() && status->position() > 0) return absl::OkStatus();
    absl::SleepFor(absl::Milliseconds(20));
  }
  return absl::DeadlineExceededError("the copy takes too long");
}

absl::StatusOr<nlohmann::json> PlantFaults(const Options& options, const std::atomic<bool>& stop) {
  Sentences sentences;  // Outlives who says them.
  ASSIGN_OR_RETURN(
      const std::unique_ptr<NodePair> pair,
      NodePair::Start({.source_parent = options.folder,
                       .target_parent = options.folder,
                       .has_lab_faults = true,
                       .hear = [&](const std::string& sentence) { sentences.Hear(sentence); }}));
  RETURN_IF_ERROR(pair->CreateAccounts(options.accounts));
  RETURN_IF_ERROR(Copy(*pair, stop));
  BackgroundLoad load(
      {.address = pair->source(), .transfers_per_s = options.rate, .accounts = options.accounts});
  FaultTrials trials(*pair, load, sentences, options.accounts, stop);
  std::vector<Figure> figures;
  nlohmann::json faults = nlohmann::json::array();
  for (const Trial& trial : kTrials) {
    if (stop) return absl::CancelledError("interrupted");
    ASSIGN_OR_RETURN(const FaultOutcome outcome, trials.Try(trial.kind, trial.by));
    faults.push_back(ToJson(outcome));
    if (!outcome.is_right()) {
      return absl::InternalError(absl::StrCat("not what was planted: ", faults.back().dump(2)));
    }
    figures.push_back({absl::StrCat("from detected to named: ", NameOf(outcome)),
                       outcome.detected_to_named_ms, "ms", kToReachMs, std::nullopt});
  }
  RETURN_IF_ERROR(load.End());
  return nlohmann::json{{"accounts", options.accounts},
                        {"transfers_per_s", options.rate},
                        {"transfers", load.transfers()},
                        {"p99_ms", static_cast<double>(load.latency_us().Percentile(0.99)) / 1e3},
                        {"faults", faults},
                        {"figures", ToJson(figures)}};
}

absl::StatusOr<nlohmann::json> Run(const Options& options, const std::atomic<bool>& stop) {
  if (options.minutes == 0) return PlantFaults(options, stop);
  const LongRun run{.folder = options.folder,
                    .accounts = options.accounts,
                    .rate = options.rate,
                    .minutes = options.minutes};
  ASSIGN_OR_RETURN(nlohmann::json result, CompareRoots(run, stop));
  result["figures"] = nlohmann::json::array();
  return result;
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("Faults planted at a replica, and the time until it names the accounts.");
  app.add_option("--folder", options.folder, "On the disk to use.")->capture_default_str();
  app.add_option("--accounts", options.accounts)
      ->check(CLI::Range(uint64_t{1'000}, uint64_t{100'000'000}))
      ->capture_default_str();
  app.add_option("--rate", options.rate, "Single transfers a second at the source meanwhile.")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--minutes", options.minutes,
                 "No faults, but so many minutes of load; then all state roots of both logs are "
                 "held against each other.")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  base::KeepFreedMemory();  // As hamisha-ledger.
  base::DoNotLookForDeadlocks();
  const base::Interrupt interrupt;
  const auto result = Run(options, interrupt.flag());
  if (!result.ok()) {
    std::cerr << "bench-difference: " << result.status().message() << "\n";
    return 1;
  }
  std::cout << result->dump(2) << std::endl;
  return 0;
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) { return benchmarks::Main(argc, argv); }
