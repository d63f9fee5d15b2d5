#include "benchmarks/ledger/scenarios.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "benchmarks/ledger/bench_node.h"
#include "benchmarks/ledger/closed_loop.h"
#include "benchmarks/ledger/merged_callers.h"
#include "benchmarks/ledger/open_loop.h"

namespace benchmarks {
namespace {

nlohmann::json Milliseconds(const lab::Histogram& us) {
  const auto ms = [&](double share) { return static_cast<double>(us.Percentile(share)) / 1e3; };
  return {{"p50", ms(0.5)},
          {"p99", ms(0.99)},
          {"p99.9", ms(0.999)},
          {"max", static_cast<double>(us.max()) / 1e3}};
}

struct Run {
  uint64_t batch = 0;
  uint64_t in_flight = 0;
  ClosedOutcome outcome;
  double disk_bytes = 0;
  double restart_s = 0;
  uint64_t held = 0;  // Transfers after the restart.

  double transfers() const { return static_cast<double>(outcome.transfers); }
  double per_s() const { return transfers() / outcome.seconds; }
  double replayed_per_s() const { return transfers() / restart_s; }
};

absl::StatusOr<Run> RunOnNewNode(const Options& options, uint64_t batch, bool has_checkpoints,
                                 const std::atomic<bool>& stop) {
  ASSIGN_OR_RETURN(const auto node, BenchNode::Start(options.folder, has_checkpoints));
  RETURN_IF_ERROR(node->CreateAccounts(options.accounts));
  // Small calls cost their way there and back: more of them are under way.
  const uint64_t calls = batch <= options.small_batch ? options.small_in_flight : options.in_flight;
  Run run{.batch = batch, .in_flight = batch == 1 ? options.callers : calls, .outcome = {}};
  const ClosedLoad load{.batch = batch,
                        .in_flight = run.in_flight,
                        .transfers = options.transfers,
                        .seconds = options.seconds,
                        .kind = {options.accounts, options.random_ids}};
  const auto run_load = batch == 1 ? RunMergedCallers : RunClosedLoop;
  ASSIGN_OR_RETURN(run.outcome, run_load(node->address(), load, stop));
  if (run.outcome.transfers == 0) return absl::InternalError("no transfer was made");
  run.disk_bytes = static_cast<double>(node->DiskBytes());
  ASSIGN_OR_RETURN(run.restart_s, node->Restart());
  ASSIGN_OR_RETURN(run.held, node->Transfers());
  return run;
}

// What we promise for a size of batch.
std::optional<double> ToReach(uint64_t batch, bool random_ids) {
  if (batch == 8'190) return random_ids ? 600'000 : 1'000'000;
  if (random_ids) return std::nullopt;
  if (batch == 100) return 400'000;
  if (batch == 1) return 50'000;
  return std::nullopt;
}

// The disk, if it did nothing but write what these transfers took, and a sync for every call of
// those in flight. What a restart replays is no limit: it may be slower than the work itself.
std::optional<double> Limit(const Run& run, const DiskLimits& disk) {
  if (disk.write_bytes_per_s == 0) return std::nullopt;
  const double by_bytes = disk.write_bytes_per_s / (run.disk_bytes / run.transfers());
  const double by_syncs = static_cast<double>(run.batch * run.in_flight) * 1e6 / disk.sync_us_p10;
  return std::min(by_bytes, by_syncs);
}

std::optional<double> SyncMs(double us) {
  return us > 0 ? std::optional<double>(us / 1e3) : std::nullopt;
}

std::vector<Figure> Figures(const Options& options, const DiskLimits& disk, const Run& run) {
  const std::string load =
      absl::StrCat(run.batch == 1 ? absl::StrCat("single transfers, ", run.in_flight, " callers")
                                  : absl::StrCat("batches of ", Grouped(run.batch), ", ",
                                                 run.in_flight, " calls in flight"),
                   options.random_ids ? ", random ids" : "");
  std::vector<Figure> figures = {{.figure = "durable transfers, " + load,
                                  .measured = run.per_s(),
                                  .unit = "transfers/s",
                                  .to_reach = ToReach(run.batch, options.random_ids),
                                  .limit = Limit(run, disk)}};
  // What is reserved ahead weighs on a short run; only the largest batches write enough.
  if (run.batch == 8'190) {
    figures.push_back({.figure = "disk per transfer, " + load,
                       .measured = run.disk_bytes / run.transfers(),
                       .unit = "bytes",
                       .to_reach = 200});
    figures.push_back({.figure = "replay at a restart, " + load,
                       .measured = run.replayed_per_s(),
                       .unit = "transfers/s",
                       .to_reach = 2'000'000});
  }
  return figures;
}

struct Accounts {
  double created_per_s = 0;
  double bytes_each = 0;  // Of memory.
};

absl::StatusOr<Accounts> CreateManyAccounts(BenchNode& node, uint64_t count) {
  // The first batches find their buffers, which no account is to blame for.
  const uint64_t some = std::min<uint64_t>(count / 2, 50'000);
  RETURN_IF_ERROR(node.CreateAccounts(some));
  const auto before_bytes = static_cast<double>(ResidentBytes());
  const double start = SecondsNow();
  RETURN_IF_ERROR(node.CreateAccounts(count));
  const double seconds = SecondsNow() - start;
  const auto created = static_cast<double>(count - some);
  return Accounts{.created_per_s = created / seconds,
                  .bytes_each = (static_cast<double>(ResidentBytes()) - before_bytes) / created};
}

// A start with nothing but a snapshot to read.
struct Start {
  double snapshot_bytes = 0;
  double seconds = 0;
};

absl::StatusOr<Start> StartFromSnapshot(BenchNode& node) {
  // The log behind two snapshots is given up.
  RETURN_IF_ERROR(node.TakeSnapshot().status());
  ASSIGN_OR_RETURN(const uint64_t bytes, node.TakeSnapshot());
  ASSIGN_OR_RETURN(const double seconds, node.Restart());
  return Start{.snapshot_bytes = static_cast<double>(bytes), .seconds = seconds};
}

std::vector<Figure> Figures(const Options& options, const DiskLimits& disk,
                            const lab::Histogram& syncs_us, const Accounts& accounts,
                            const lab::Histogram& latency_us) {
  const std::string load = absl::StrCat("latency at ", Grouped(static_cast<uint64_t>(options.rate)),
                                        "/s, ", Grouped(options.many_accounts), " accounts");
  return {{.figure = "p50 " + load,
           .measured = static_cast<double>(latency_us.Percentile(0.5)) / 1e3,
           .unit = "ms",
           .limit = SyncMs(disk.sync_us_p50)},
          {.figure = "p99.9 " + load,
           .measured = static_cast<double>(latency_us.Percentile(0.999)) / 1e3,
           .unit = "ms",
           .to_reach = 5,
           .limit = SyncMs(static_cast<double>(syncs_us.Percentile(0.999)))},
          {.figure = "memory per account",
           .measured = accounts.bytes_each,
           .unit = "bytes",
           .to_reach = 80}};
}

}  // namespace

absl::StatusOr<Finding> MeasureThroughput(const Options& options, const DiskLimits& disk,
                                          uint64_t batch, const std::atomic<bool>& stop) {
  ASSIGN_OR_RETURN(const Run run, RunOnNewNode(options, batch, true, stop));
  return Finding{.numbers = {{"scenario", absl::StrCat("ledger_transfers_batch_", batch)},
                             {"transfers_per_s", run.per_s()},
                             {"batch", batch},
                             {"calls_in_flight", run.in_flight},
                             {"transfers", run.outcome.transfers},
                             {"accounts", options.accounts},
                             {"random_ids", options.random_ids},
                             {"seconds", run.outcome.seconds},
                             {"latency_ms", Milliseconds(run.outcome.latency_us)},
                             {"disk_bytes_per_transfer", run.disk_bytes / run.transfers()},
                             {"durable", run.held == run.outcome.transfers},
                             {"restart_s", run.restart_s},
                             {"replayed_transfers_per_s", run.replayed_per_s()}},
                 .figures = Figures(options, disk, run)};
}

absl::StatusOr<Finding> MeasureStateRoots(const Options& options, const std::atomic<bool>& stop) {
  constexpr uint64_t kBatch = 8'190;
  // One after the other and again, so that a disk that changes its speed is seen.
  std::vector<double> with;
  std::vector<double> without;
  for (int i = 0; i < options.state_root_pairs; ++i) {
    for (const bool has_checkpoints : {false, true}) {
      ASSIGN_OR_RETURN(const Run run, RunOnNewNode(options, kBatch, has_checkpoints, stop));
      (has_checkpoints ? with : without).push_back(run.per_s());
    }
  }
  std::vector<double> percents;
  for (size_t i = 0; i < with.size(); ++i) percents.push_back((1 - with[i] / without[i]) * 100);
  std::sort(percents.begin(), percents.end());
  const double percent = percents[percents.size() / 2];
  return Finding{
      .numbers = {{"scenario", "ledger_state_roots"},
                  {"batch", kBatch},
                  {"accounts", options.accounts},
                  {"transfers_per_s_with", with},
                  {"transfers_per_s_without", without},
                  {"throughput_percent", percents}},
      .figures = {{.figure = "throughput that state roots take, batches of 8,190, median",
                   .measured = percent,
                   .unit = "%",
                   .to_reach = 15}}};
}

absl::StatusOr<Finding> MeasureManyAccounts(const Options& options, const DiskLimits& disk,
                                            const std::atomic<bool>& stop) {
  ASSIGN_OR_RETURN(const lab::Histogram syncs_us,
                   MeasureSyncsByClock(options.folder, options.rate_seconds));
  ASSIGN_OR_RETURN(const auto node, BenchNode::Start(options.folder));
  ASSIGN_OR_RETURN(const Accounts accounts, CreateManyAccounts(*node, options.many_accounts));
  ASSIGN_OR_RETURN(const OpenOutcome outcome,
                   OpenLoop(node->address(), {.transfers_per_s = options.rate,
                                              .kind = {options.many_accounts, options.random_ids}})
                       .Run(options.rate_seconds, stop));
  ASSIGN_OR_RETURN(const Start start, StartFromSnapshot(*node));
  std::vector<Figure> figures =
      Figures(options, disk, syncs_us, accounts, outcome.from_intended_us);
  figures.push_back({.figure = absl::StrCat("start from a snapshot, ",
                                            Grouped(options.many_accounts), " accounts"),
                     .measured = start.snapshot_bytes / start.seconds / 1e6,
                     .unit = "MB/s",
                     .to_reach = 1'000});
  return Finding{
      .numbers = {{"scenario", "ledger_many_accounts"},
                  {"snapshot_bytes", start.snapshot_bytes},
                  {"start_s", start.seconds},
                  {"accounts", options.many_accounts},
                  {"accounts_created_per_s", accounts.created_per_s},
                  {"memory_bytes_per_account", accounts.bytes_each},
                  {"asked_transfers_per_s", options.rate},
                  {"transfers_per_s", static_cast<double>(outcome.transfers) / outcome.seconds},
                  {"seconds", outcome.seconds},
                  {"latency_ms", Milliseconds(outcome.from_intended_us)},
                  {"latency_from_sent_ms", Milliseconds(outcome.from_sent_us)},
                  {"syncs_by_clock_ms", Milliseconds(syncs_us)}},
      .figures = std::move(figures)};
}

}  // namespace benchmarks
