// hamisha-load: loads a platform through its gateways, and proves afterwards that nothing was
// lost and nothing happened twice.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/locks.h"
#include "base/status_macros.h"
#include "lab/load/check.h"
#include "lab/load/prepare.h"
#include "lab/load/run_files.h"
#include "lab/load/run_report.h"
#include "lab/load/runner.h"

namespace lab {
namespace {

constexpr int kExitError = 1;
constexpr int kExitUsage = 2;
constexpr int kExitMismatch = 5;

struct Flags {
  std::vector<std::string> gateways;
  std::string folder;
  std::string workload;
  uint32_t shards = 0;
  uint32_t accounts_per_shard = 0;
  double rate = 0;
  uint64_t seed = 1;
  std::string duration = "inf";
  std::string coalesce = "0";
  std::string call_timeout = "30s";
  std::string drain = "60s";
};

void Say(absl::string_view line) {
  absl::FPrintF(stderr, "%s %s\n", FormatWallTime(base::SystemClock().WallNow()), line);
}

absl::StatusOr<Workload> ReadWorkload(const Flags& flags) {
  if (flags.workload.empty()) return ParseWorkload("workload.yaml", DefaultWorkloadYaml());
  ASSIGN_OR_RETURN(const std::string yaml, base::SystemFileSystem().Read(flags.workload));
  return ParseWorkload(flags.workload, yaml);
}

absl::StatusOr<absl::Duration> ReadDuration(absl::string_view flag, const std::string& text) {
  absl::Duration duration;
  if (absl::ParseDuration(text, &duration) && duration >= absl::ZeroDuration()) return duration;
  return absl::InvalidArgumentError(
      absl::StrCat(flag, " must be a time such as 90s or 10m; it is '", text, "'"));
}

absl::StatusOr<std::unique_ptr<Gateways>> ConnectGateways(const Flags& flags) {
  return Gateways::Connect(flags.gateways, &base::SystemClock(), absl::Seconds(60));
}

absl::Status WriteJson(const Flags& flags, const char* name, const nlohmann::json& json) {
  const std::string text = json.dump(2) + "\n";
  std::cout << text << std::flush;
  RETURN_IF_ERROR(base::SystemFileSystem().CreateFolders(flags.folder));
  return base::SystemFileSystem().Replace(absl::StrCat(flags.folder, "/", name), text);
}

absl::StatusOr<int> DoPrepare(const Flags& flags) {
  ASSIGN_OR_RETURN(const Workload workload, ReadWorkload(flags));
  ASSIGN_OR_RETURN(const Shape shape, MakeShape(workload, flags.shards, flags.accounts_per_shard));
  ASSIGN_OR_RETURN(const std::unique_ptr<Gateways> gateways, ConnectGateways(flags));
  const AccountSpace space(shape);
  PrepareProgress last;
  RETURN_IF_ERROR(Prepare(*gateways, workload, space, [&](const PrepareProgress& progress) {
    last = progress;
    const uint64_t all = progress.accounts + progress.transfers;
    const double seconds = std::max(absl::ToDoubleSeconds(progress.elapsed), 1e-3);
    const double rate = static_cast<double>(progress.done) / seconds;
    const double left = static_cast<double>(all - progress.done) / std::max(rate, 1.0);
    Say(absl::StrFormat("prepare: %d of %d accounts and opening balances, %.0f/s, %.0f s left",
                        progress.done, all, rate, left));
  }));
  RETURN_IF_ERROR(WriteJson(flags, kPreparedFile,
                            {{"shards", shape.shards},
                             {"accounts_per_shard", shape.accounts_per_shard},
                             {"accounts", space.size()},
                             {"opening_transfers", last.transfers},
                             {"seconds", absl::ToDoubleSeconds(last.elapsed)}}));
  return 0;
}

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// Waits at most so long for a signal that asks to stop.
bool WaitForStop(absl::Duration at_most) {
  const sigset_t signals = StopSignals();
  const timespec timeout = absl::ToTimespec(at_most);
  const bool stop = sigtimedwait(&signals, nullptr, &timeout) > 0;
  if (stop) Say("load: stopping; waiting for what is under way");
  return stop;
}

absl::StatusOr<int> DoRun(const Flags& flags) {
  ASSIGN_OR_RETURN(const Workload workload, ReadWorkload(flags));
  RunOptions options;
  ASSIGN_OR_RETURN(options.shape, MakeShape(workload, flags.shards, flags.accounts_per_shard));
  ASSIGN_OR_RETURN(options.duration, ReadDuration("--duration", flags.duration));
  ASSIGN_OR_RETURN(options.coalesce, ReadDuration("--coalesce", flags.coalesce));
  ASSIGN_OR_RETURN(options.call_timeout, ReadDuration("--call-timeout", flags.call_timeout));
  ASSIGN_OR_RETURN(options.drain, ReadDuration("--drain", flags.drain));
  options.rate = flags.rate;
  options.seed = flags.seed;
  options.folder = flags.folder;
  ASSIGN_OR_RETURN(const std::unique_ptr<Gateways> gateways, ConnectGateways(flags));
  const RunHooks hooks{.wait = WaitForStop, .report = [](const RunSecond& second) {
                         absl::FPrintF(stderr, "%s\n", ToLine(second));
                       }};
  ASSIGN_OR_RETURN(const RunCounts counts,
                   Run(*gateways, workload, options, hooks, base::SystemFileSystem()));
  nlohmann::json summary = ToJson(counts);
  summary["seed"] = options.seed;
  summary["rate"] = options.rate;
  RETURN_IF_ERROR(WriteJson(flags, kSummaryFile, summary));
  return 0;
}

absl::StatusOr<int> DoCheck(const Flags& flags) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Gateways> gateways, ConnectGateways(flags));
  absl::Duration told = gateways->clock().MonotonicNow();
  ASSIGN_OR_RETURN(const CheckResult result,
                   Check(*gateways, flags.folder, base::SystemFileSystem(), [&](uint64_t rows) {
                     const absl::Duration now = gateways->clock().MonotonicNow();
                     if (now - told < absl::Seconds(1)) return;
                     told = now;
                     Say(absl::StrFormat("check: %d transactions looked up", rows));
                   }));
  nlohmann::json json = ToJson(result.verdict);
  json["outcomes_complete"] = result.outcomes_complete;
  json["histories_checked"] = result.histories;
  RETURN_IF_ERROR(WriteJson(flags, kCheckFile, json));
  for (const std::string& finding : result.verdict.findings) Say(absl::StrCat("check: ", finding));
  return result.verdict.Holds() ? 0 : kExitMismatch;
}

void AddGateways(CLI::App& command, Flags& flags) {
  command.add_option("--gateways", flags.gateways, "host:port of each gateway, by comma")
      ->required()
      ->delimiter(',');
  command.add_option("--dir", flags.folder, "The run's directory")->required();
}

void AddShape(CLI::App& command, Flags& flags) {
  command.add_option("--shards", flags.shards, "How many shards the platform has")->required();
  command.add_option("--accounts-per-shard", flags.accounts_per_shard, "System accounts included")
      ->required();
  command.add_option("--workload", flags.workload,
                     "A workload file; without it lab/load/workload.yaml, which is compiled in");
}

int Main(int argc, char** argv) {
  const sigset_t signals = StopSignals();
  CLI::App app{"Loads a platform through its gateways, and proves that nothing was lost."};
  app.require_subcommand(1);
  Flags flags;

  CLI::App& prepare = *app.add_subcommand("prepare", "Creates accounts with opening balances");
  AddGateways(prepare, flags);
  AddShape(prepare, flags);

  CLI::App& run = *app.add_subcommand("run", "Sends transactions until SIGTERM or --duration");
  AddGateways(run, flags);
  AddShape(run, flags);
  run.add_option("--rate", flags.rate, "Transactions a second")
      ->required()
      ->check(CLI::Range(0.1, 1e6));
  run.add_option("--seed", flags.seed, "Another one for each run on a platform");
  run.add_option("--duration", flags.duration, "Of arrivals, such as 10m");
  run.add_option("--coalesce", flags.coalesce,
                 "Transactions of a shard due within this time share a call; 0: none do");
  run.add_option("--call-timeout", flags.call_timeout, "Of one attempt");
  run.add_option("--drain", flags.drain, "How long to retry after the stop");

  CLI::App& check = *app.add_subcommand("check", "Looks up all that a run wrote down");
  AddGateways(check, flags);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  base::DoNotLookForDeadlocks();
  if (run.parsed()) pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // Before any thread.
  const absl::StatusOr<int> exit_code = prepare.parsed() ? DoPrepare(flags)
                                        : run.parsed()   ? DoRun(flags)
                                                         : DoCheck(flags);
  if (exit_code.ok()) return *exit_code;
  std::cerr << exit_code.status().message() << "\n";
  return absl::IsInvalidArgument(exit_code.status()) ? kExitUsage : kExitError;
}

}  // namespace
}  // namespace lab

int main(int argc, char** argv) { return lab::Main(argc, argv); }
