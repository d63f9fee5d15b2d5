// The work of our ledger done by PostgreSQL, durably, on this machine: for comparison. JSON on
// stdout.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/interrupt.h"
#include "base/status_macros.h"
#include "benchmarks/common/figures.h"
#include "benchmarks/postgres/database.h"
#include "benchmarks/postgres/scenario.h"
#include "benchmarks/postgres/server.h"

namespace benchmarks {
namespace {

struct Options {
  ServerOptions server{.parent = std::filesystem::temp_directory_path()};
  Load load;
  uint64_t batch_connections = 1;  // More wait for each other's accounts.
  uint64_t callers = 64;
  uint64_t commit_delay_us = 0;
};

nlohmann::json ToJson(const Scenario& scenario, const Outcome& outcome) {
  const auto ms = [&](double share) {
    return static_cast<double>(outcome.latency_us.Percentile(share)) / 1e3;
  };
  return {{"scenario", scenario.name},
          {"batch", scenario.batch},
          {"connections", scenario.connections},
          {"commit_delay_us", scenario.commit_delay_us},
          {"transfers", outcome.transfers},
          {"seconds", outcome.seconds},
          {"transfers_per_s", static_cast<double>(outcome.transfers) / outcome.seconds},
          {"latency_ms", {{"p50", ms(0.5)}, {"p99", ms(0.99)}, {"p99.9", ms(0.999)}}},
          {"disk_bytes_per_transfer", outcome.disk_bytes_per_transfer},
          {"log_bytes_per_transfer", outcome.log_bytes_per_transfer},
          {"history_rows", outcome.history_rows},
          {"history_ms", outcome.history_ms},
          {"balanced", outcome.balanced}};
}

std::vector<Figure> Figures(const Scenario& scenario, const Outcome& outcome) {
  std::vector<Figure> figures = {
      {.figure = "PostgreSQL: durable transfers, " + scenario.name,
       .measured = static_cast<double>(outcome.transfers) / outcome.seconds,
       .unit = "transfers/s"}};
  if (scenario.batch == 1 || outcome.history_ms == 0) return figures;
  figures.push_back({.figure = "PostgreSQL: disk per transfer, " + scenario.name,
                     .measured = outcome.disk_bytes_per_transfer,
                     .unit = "bytes"});
  figures.push_back({.figure = "PostgreSQL: 2,000 rows of history, " + scenario.name,
                     .measured = outcome.history_ms,
                     .unit = "ms"});
  return figures;
}

absl::StatusOr<nlohmann::json> SettingsUsed(Database& database) {
  nlohmann::json settings = nlohmann::json::object();
  ASSIGN_OR_RETURN(
      const auto rows,
      database.Rows("SELECT name, current_setting(name) FROM pg_settings "
                    "WHERE source = 'command line' AND name <> 'unix_socket_directories' "
                    "ORDER BY name"));
  for (const auto& row : rows) settings[row[0]] = row[1];
  return settings;
}

absl::StatusOr<nlohmann::json> Run(const Options& options, const std::atomic<bool>& stop) {
  const std::vector<Scenario> scenarios = {
      {.name = "batches of 8,190", .batch = 8'190, .connections = options.batch_connections},
      {.name = "batches of 100", .batch = 100, .connections = options.batch_connections},
      {.name = absl::StrCat("single transfers, ", options.callers, " connections"),
       .connections = options.callers,
       .commit_delay_us = options.commit_delay_us},
  };
  ASSIGN_OR_RETURN(const auto server, Server::Start(options.server));
  ASSIGN_OR_RETURN(Database database, Database::Connect(server->socket_folder()));
  ASSIGN_OR_RETURN(const std::string version, database.Value("SHOW server_version"));
  ASSIGN_OR_RETURN(nlohmann::json settings, SettingsUsed(database));
  nlohmann::json results = nlohmann::json::array();
  std::vector<Figure> figures;
  for (const Scenario& scenario : scenarios) {
    ASSIGN_OR_RETURN(const Outcome outcome,
                     RunScenario(server->socket_folder(), scenario, options.load, stop));
    results.push_back(ToJson(scenario, outcome));
    const std::vector<Figure> more = Figures(scenario, outcome);
    figures.insert(figures.end(), more.begin(), more.end());
  }
  return nlohmann::json{{"postgres", version},
                        {"accounts", options.load.accounts},
                        {"random_ids", options.load.random_ids},
                        {"foreign_keys", options.load.foreign_keys},
                        {"settings", std::move(settings)},
                        {"scenarios", std::move(results)},
                        {"figures", ToJson(figures)}};
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("Durable transfers per second of a PostgreSQL of its own, for comparison.");
  app.add_option("--folder", options.server.parent, "On the disk to measure.")
      ->capture_default_str();
  app.add_option("--transfers", options.load.transfers, "Of a scenario, at most.")
      ->capture_default_str();
  app.add_option("--seconds", options.load.seconds, "Of a scenario, at most.")
      ->capture_default_str();
  app.add_option("--accounts", options.load.accounts)
      ->check(CLI::Range(uint64_t{16}, uint64_t{100'000'000}))
      ->capture_default_str();
  app.add_option("--batch-connections", options.batch_connections)->capture_default_str();
  app.add_option("--callers", options.callers, "With single transfers.")->capture_default_str();
  app.add_option("--commit-delay-us", options.commit_delay_us, "With single transfers.")
      ->capture_default_str();
  app.add_flag("--random-ids", options.load.random_ids, "Of transfers; else they grow.");
  app.add_flag("!--no-foreign-keys", options.load.foreign_keys,
               "Trust the functions alone that accounts exist.");
  app.add_option("--programs", options.server.programs, "PostgreSQL's.")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const base::Interrupt interrupt;
  const auto result = Run(options, interrupt.flag());
  if (!result.ok()) {
    std::cerr << "bench-postgres: " << result.status().message() << "\n";
    return 1;
  }
  std::cout << result->dump(2) << std::endl;
  return 0;
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) { return benchmarks::Main(argc, argv); }
