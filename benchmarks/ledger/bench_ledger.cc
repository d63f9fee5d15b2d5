// One ledger node through gRPC: client, node and disk on this machine. JSON on stdout.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/interrupt.h"
#include "base/locks.h"
#include "base/memory.h"
#include "base/status_macros.h"
#include "benchmarks/common/figures.h"
#include "benchmarks/ledger/machine_limits.h"
#include "benchmarks/ledger/scenarios.h"

namespace benchmarks {
namespace {

absl::StatusOr<nlohmann::json> Run(const Options& options, const std::atomic<bool>& stop) {
  const auto measured = MeasureDisk(options.folder);
  if (!measured.ok() && !absl::IsUnimplemented(measured.status())) return measured.status();
  const DiskLimits disk = measured.ok() ? *measured : DiskLimits();
  nlohmann::json scenarios = nlohmann::json::array();
  std::vector<Figure> figures;
  const auto take = [&](Finding finding) {
    scenarios.push_back(std::move(finding.numbers));
    figures.insert(figures.end(), finding.figures.begin(), finding.figures.end());
  };
  // First, while nothing that is free but kept can hide what accounts take.
  if (options.many_accounts > 0) {
    ASSIGN_OR_RETURN(Finding finding, MeasureManyAccounts(options, disk, stop));
    take(std::move(finding));
  }
  for (const uint64_t batch : options.batches) {
    ASSIGN_OR_RETURN(Finding finding, MeasureThroughput(options, disk, batch, stop));
    take(std::move(finding));
  }
  if (options.state_root_pairs > 0) {
    ASSIGN_OR_RETURN(Finding finding, MeasureStateRoots(options, stop));
    take(std::move(finding));
  }
  return nlohmann::json{
      {"cores", std::thread::hardware_concurrency()},
      {"disk",
       {{"write_bytes_per_s", disk.write_bytes_per_s},
        {"sync_us",
         {{"p10", disk.sync_us_p10}, {"p50", disk.sync_us_p50}, {"p99.9", disk.sync_us_p99_9}}}}},
      {"scenarios", std::move(scenarios)},
      {"figures", ToJson(figures)}};
}

void AddOptions(CLI::App& app, Options& options) {
  const auto positive = CLI::Range(uint64_t{1}, uint64_t{1'000'000'000});
  app.add_option("--folder", options.folder, "On the disk to measure.")->capture_default_str();
  app.add_option("--batches", options.batches, "Transfers of a call; each is measured.")
      ->delimiter(',')
      ->check(CLI::Range(uint64_t{1}, uint64_t{8'190}))
      ->capture_default_str();
  app.add_option("--transfers", options.transfers, "For a size of batch, at most.")
      ->check(positive)
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "For a size of batch, at most.")
      ->capture_default_str();
  app.add_option("--accounts", options.accounts)
      ->check(CLI::Range(uint64_t{2}, uint64_t{100'000'000}))
      ->capture_default_str();
  app.add_flag("--random-ids", options.random_ids, "Of transfers; else they grow.");
  app.add_option("--in-flight", options.in_flight, "Calls, of batches.")
      ->check(positive)
      ->capture_default_str();
  app.add_option("--small-in-flight", options.small_in_flight, "Calls, of batches up to 1,000.")
      ->check(positive)
      ->capture_default_str();
  app.add_option("--callers", options.callers,
                 "Threads with single transfers, which the client library merges.")
      ->check(positive)
      ->capture_default_str();
  app.add_option("--many-accounts", options.many_accounts,
                 "For memory and latency; 0: leave these out.")
      ->capture_default_str();
  app.add_option("--state-root-pairs", options.state_root_pairs,
                 "Runs without and with state roots in the log; 0: leave these out.")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  app.add_option("--rate", options.rate, "Single transfers a second, whatever the answers.")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--rate-seconds", options.rate_seconds)->capture_default_str();
}

int Main(int argc, char** argv) {
  Options options{.folder = std::filesystem::temp_directory_path()};
  CLI::App app("Durable transfers per second of one ledger node, their latency, memory, restart.");
  AddOptions(app, options);
  CLI11_PARSE(app, argc, argv);
  base::KeepFreedMemory();  // As hamisha-ledger.
  base::DoNotLookForDeadlocks();
  const base::Interrupt interrupt;
  const auto result = Run(options, interrupt.flag());
  if (!result.ok()) {
    std::cerr << "bench-ledger: " << result.status().message() << "\n";
    return 1;
  }
  std::cout << result->dump(2) << std::endl;
  return 0;
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) { return benchmarks::Main(argc, argv); }
