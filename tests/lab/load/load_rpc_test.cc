#include <catch2/catch.hpp>

#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "lab/load/check.h"
#include "lab/load/prepare.h"
#include "lab/load/run_files.h"
#include "lab/load/runner.h"
#include "rpc/rpc.h"
#include "tests/lab/load/fake_platform.h"
#include "tests/temporary_folder.h"

namespace lab {
namespace {

constexpr uint32_t kShards = 2;
constexpr uint32_t kAccounts = 500;
constexpr uint64_t kTransactions = 3'000;

// A prepared platform behind two gateways.
class Platform {
 public:
  explicit Platform(uint32_t seed) : fake_(kShards, seed) {
    std::vector<std::string> addresses;
    for (rpc::RunningServer& server : servers_) {
      auto running = rpc::Serve({.listen = "127.0.0.1:0", .services = {&fake_}});
      REQUIRE(running.ok());
      server = *std::move(running);
      addresses.push_back(server.address);
    }
    gateways_ = *Gateways::Connect(addresses, &base::SystemClock(), absl::Seconds(60));
    fake_.set_faults({.before = 10});
    Prepare();
    fake_.set_faults({});
  }
  ~Platform() {
    for (rpc::RunningServer& server : servers_) server.server->Shutdown();
  }
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;

  void Prepare() {
    const absl::Status status =
        lab::Prepare(*gateways_, workload_, AccountSpace(shape_), [](const PrepareProgress&) {});
    INFO(status.message());
    REQUIRE(status.ok());
  }

  RunCounts Run(RunOptions options) {
    options.shape = shape_;
    options.rate = 20'000;
    options.folder = folder_.path();
    options.transactions_max = kTransactions;
    const RunHooks hooks{.wait =
                             [](absl::Duration at_most) {
                               absl::SleepFor(at_most);
                               return false;
                             },
                         .report = [](const RunSecond&) {}};
    auto counts = lab::Run(*gateways_, workload_, options, hooks, base::SystemFileSystem());
    INFO(counts.status().message());
    REQUIRE(counts.ok());
    return *std::move(counts);
  }

  CheckResult Check() {
    auto result = lab::Check(*gateways_, folder_.path(), base::SystemFileSystem(), [](uint64_t) {});
    INFO(result.status().message());
    REQUIRE(result.ok());
    return *std::move(result);
  }

  FakePlatform& fake() { return fake_; }
  const std::string& folder() const { return folder_.path(); }

 private:
  FakePlatform fake_;
  std::array<rpc::RunningServer, 2> servers_;
  std::unique_ptr<Gateways> gateways_;
  Workload workload_ = *ParseWorkload("workload.yaml", DefaultWorkloadYaml());
  Shape shape_ = *MakeShape(workload_, kShards, kAccounts);
  TemporaryFolder folder_;
};

RunOptions Seeded(uint64_t seed) {
  RunOptions options;
  options.seed = seed;
  return options;
}

std::string FindingsOf(const Verdict& verdict) {
  std::string findings;
  for (const std::string& finding : verdict.findings) absl::StrAppend(&findings, finding, "\n");
  return findings;
}

TEST_CASE("nothing is lost and nothing happens twice, whatever becomes of calls", "[load]") {
  const uint32_t seed = GENERATE(1u, 2u, 3u);
  const bool coalesced = GENERATE(false, true);
  CAPTURE(seed, coalesced);
  Platform platform(seed);
  platform.fake().set_faults({.not_executed = 5, .before = 5, .after = 10});
  RunOptions options = Seeded(seed);
  if (coalesced) options.coalesce = absl::Milliseconds(2);
  const RunCounts counts = platform.Run(options);
  CHECK(counts.sent == kTransactions);
  CHECK(counts.attempts_failed > 0);
  platform.fake().set_faults({});

  const CheckResult result = platform.Check();
  const Verdict& verdict = result.verdict;
  INFO(FindingsOf(verdict));
  CHECK(verdict.Holds());
  CHECK(verdict.client_errors == 0);
  CHECK(verdict.unanswered == 0);
  CHECK(verdict.acknowledged > kTransactions * 9 / 10);
  CHECK(verdict.refused > 0);
  CHECK(verdict.repeats > 0);
  CHECK(verdict.acknowledged + verdict.refused + verdict.repeats == kTransactions);
  CHECK(verdict.acknowledged == counts.acknowledged);
  CHECK(verdict.attempts_failed == counts.attempts_failed);
  CHECK(result.outcomes_complete);
  CHECK(result.histories > 20);
}

TEST_CASE("a platform that loses or duplicates is found out", "[load]") {
  const bool loses = GENERATE(true, false);
  CAPTURE(loses);
  Platform platform(1);
  platform.fake().set_faults(loses ? Faults{.forgotten = 1} : Faults{.twice = 1});
  platform.Run(Seeded(1));
  platform.fake().set_faults({});
  const Verdict verdict = platform.Check().verdict;
  CHECK_FALSE(verdict.Holds());
  CHECK((verdict.lost > 0) == loses);
  CHECK((verdict.duplicated > 0) == !loses);
  CHECK_FALSE(verdict.findings.empty());
}

TEST_CASE("a platform that never answers makes client errors, not losses", "[load]") {
  Platform platform(1);
  platform.fake().set_faults({.before = 100});
  RunOptions options = Seeded(1);
  options.drain = absl::ZeroDuration();
  const RunCounts counts = platform.Run(options);
  CHECK(counts.client_errors == kTransactions);
  CHECK(counts.acknowledged == 0);
  // It goes on so: calls that the client gave up may still wait in the server, and would be carried
  // out while the checker reads.
  const CheckResult result = platform.Check();
  INFO(FindingsOf(result.verdict));
  CHECK(result.verdict.Holds());
  CHECK(result.verdict.unanswered == kTransactions);
  CHECK(result.verdict.client_errors == kTransactions);
  CHECK(result.outcomes_complete);
}

TEST_CASE("preparing again changes nothing", "[load]") {
  Platform platform(1);
  platform.Run(Seeded(1));
  platform.Prepare();
  CHECK(platform.Check().verdict.Holds());
}

TEST_CASE("every second leaves a row", "[load]") {
  Platform platform(1);
  const RunCounts counts = platform.Run(Seeded(1));
  std::ifstream rows(platform.folder() + "/" + kSecondsFile);
  uint64_t sent = 0;
  for (std::string row; std::getline(rows, row);) {
    const auto json = nlohmann::json::parse(row);
    sent += json.at("sent").get<uint64_t>();
    CHECK(json.at("latency_ms").contains("p99"));
    CHECK(json.contains("in_flight"));
  }
  CHECK(sent == counts.sent);
}

}  // namespace
}  // namespace lab
