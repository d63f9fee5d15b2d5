// Durable transfers per second through gRPC: client, node and disk on this machine. JSON on stdout.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/invariant.h"
#include "hamisha/ledger/v1/ledger.grpc.pb.h"
#include "hamisha/ledger/v1/node.grpc.pb.h"
#include "ledger/core/types.h"
#include "ledger/node/config.h"
#include "ledger/node/node.h"
#include "rpc/rpc.h"

namespace {

namespace pb = ::hamisha::ledger::v1;

struct Settings {
  std::string folder = std::filesystem::temp_directory_path();
  uint64_t transfers = 4'000'000;
  uint64_t accounts = 10'000;
  uint64_t batch = ledger::kBatchEventsMax;
  uint64_t in_flight = 2;
  uint64_t callers = 64;
  uint64_t transfers_per_caller = 500;
};

double SecondsNow() { return absl::ToDoubleSeconds(base::SystemClock().MonotonicNow()); }

[[noreturn]] void Die(const std::string& why) {
  std::cerr << "bench-ledger: " << why << "\n";
  std::exit(1);
}

void DieUnlessOk(const absl::Status& status) {
  if (!status.ok()) Die(std::string(status.message()));
}

// A folder of its own on the disk that is measured.
class Folder {
 public:
  explicit Folder(const std::string& parent) : path_(parent + "/bench-ledger-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) Die("cannot create " + path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Median of writing 4 KiB into a reserved file and syncing.
double DiskSyncUs(const std::string& folder) {
  constexpr int kSyncs = 50;
  constexpr uint64_t kBlock = 4'096;
  auto file = base::SystemFileSystem().Open(folder + "/sync");
  DieUnlessOk(file.status());
  DieUnlessOk((*file)->Preallocate(kSyncs * kBlock));
  const std::string block(kBlock, 'x');
  std::vector<double> times;
  for (uint64_t i = 0; i < kSyncs; ++i) {
    const double start = SecondsNow();
    DieUnlessOk((*file)->WriteAt(i * kBlock, block));
    DieUnlessOk((*file)->Sync());
    times.push_back((SecondsNow() - start) * 1e6);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

std::unique_ptr<ledger::LedgerNode> StartNode(const ledger::NodeOptions& options) {
  auto node = ledger::LedgerNode::Start(options);
  DieUnlessOk(node.status());
  return std::move(node).value();
}

std::unique_ptr<pb::Ledger::Stub> Connect(const ledger::LedgerNode& node) {
  return pb::Ledger::NewStub(rpc::Connect(node.address()));
}

void CreateAccounts(pb::Ledger::Stub& stub, uint64_t count) {
  for (uint64_t first = 1; first <= count; first += ledger::kBatchEventsMax) {
    pb::CreateAccountsRequest request;
    const uint64_t end = std::min(count + 1, first + ledger::kBatchEventsMax);
    for (uint64_t number = first; number < end; ++number) {
      pb::Account& account = *request.add_accounts();
      account.mutable_id()->set_low(number);
      account.set_ledger(1);
      account.set_code(1);
    }
    grpc::ClientContext context;
    pb::CreateResponse response;
    DieUnlessOk(rpc::FromGrpc(stub.CreateAccounts(&context, request, &response)));
    INVARIANT(response.results_size() == 0);
  }
}

// One caller: sends batches one after the other until `total` transfers were begun by all callers.
class Caller {
 public:
  Caller(const Settings& settings, std::unique_ptr<pb::Ledger::Stub> stub, uint64_t seed)
      : accounts_(settings.accounts), stub_(std::move(stub)), random_(seed) {}

  void Run(uint64_t batch, uint64_t total, std::atomic<uint64_t>& next) {
    while (true) {
      const uint64_t first = next.fetch_add(batch);
      if (first >= total) return;
      Fill(first, std::min(batch, total - first));
      grpc::ClientContext context;
      response_.Clear();
      const double start = SecondsNow();
      DieUnlessOk(rpc::FromGrpc(stub_->CreateTransfers(&context, request_, &response_)));
      latencies_.push_back(SecondsNow() - start);
      if (response_.results_size() != 0) {
        Die("a transfer failed: " + response_.results(0).ShortDebugString());
      }
    }
  }
  const std::vector<double>& latencies() const { return latencies_; }

 private:
  // Messages are used again: building them anew is the client's affair and not measured here.
  void Fill(uint64_t first, uint64_t count) {
    auto& transfers = *request_.mutable_transfers();
    while (static_cast<uint64_t>(transfers.size()) > count) transfers.RemoveLast();
    while (static_cast<uint64_t>(transfers.size()) < count) transfers.Add();
    for (uint64_t i = 0; i < count; ++i) {
      pb::Transfer& transfer = transfers[static_cast<int>(i)];
      const uint64_t debit = 1 + random_() % accounts_;
      transfer.mutable_id()->set_high(1);
      transfer.mutable_id()->set_low(first + i + 1);
      transfer.mutable_debit_account_id()->set_low(debit);
      transfer.mutable_credit_account_id()->set_low(1 + debit % accounts_);
      transfer.set_amount(100);
      transfer.set_ledger(1);
      transfer.set_code(1);
    }
  }

  const uint64_t accounts_;
  const std::unique_ptr<pb::Ledger::Stub> stub_;
  std::mt19937_64 random_;
  pb::CreateTransfersRequest request_;
  pb::CreateResponse response_;
  std::vector<double> latencies_;
};

struct Load {
  std::string figure;
  uint64_t batch;
  uint64_t callers;
  uint64_t transfers;
};

nlohmann::json Measure(const Settings& settings, const Load& load) {
  const Folder folder(settings.folder);
  ledger::NodeOptions options;
  pb::NodeConfig& config = options.config;
  config.set_node_id("bench");
  config.set_first_owner("bench");
  config.set_data_dir(folder.path());
  pb::Member& member = *config.add_members();
  member.set_node_id("bench");
  const auto key = ledger::CreateKey(base::SystemFileSystem(), folder.path());
  DieUnlessOk(key.status());
  member.set_public_key(*key);
  DieUnlessOk(ledger::Bootstrap(options));
  const double disk_sync_us = DiskSyncUs(folder.path());

  std::unique_ptr<ledger::LedgerNode> node = StartNode(options);
  CreateAccounts(*Connect(*node), settings.accounts);
  std::vector<std::unique_ptr<Caller>> callers;
  for (uint64_t i = 0; i < load.callers; ++i) {
    callers.push_back(std::make_unique<Caller>(settings, Connect(*node), i));
  }
  std::atomic<uint64_t> next = 0;
  const double start = SecondsNow();
  std::vector<std::thread> threads;
  for (const auto& caller : callers) {
    threads.emplace_back([&] { caller->Run(load.batch, load.transfers, next); });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = SecondsNow() - start;

  std::vector<double> latencies;
  for (const auto& caller : callers) {
    latencies.insert(latencies.end(), caller->latencies().begin(), caller->latencies().end());
  }
  std::sort(latencies.begin(), latencies.end());
  const auto percentile_ms = [&](size_t per_mille) {
    return latencies[(latencies.size() - 1) * per_mille / 1'000] * 1e3;
  };

  // Durable means: there after the node was started again.
  node.reset();
  const double restart = SecondsNow();
  node = StartNode(options);
  const double restart_seconds = SecondsNow() - restart;
  grpc::ClientContext context;
  pb::NodeStatus status;
  DieUnlessOk(rpc::FromGrpc(pb::Node::NewStub(rpc::Connect(node->address()))
                                ->GetStatus(&context, pb::GetStatusRequest(), &status)));
  return {{"figure", load.figure},
          {"transfers_per_s", static_cast<double>(load.transfers) / seconds},
          {"batch", load.batch},
          {"callers", load.callers},
          {"transfers", load.transfers},
          {"accounts", settings.accounts},
          {"seconds", seconds},
          {"latency_ms", {{"p50", percentile_ms(500)}, {"p99", percentile_ms(990)}}},
          {"disk_sync_us", disk_sync_us},
          {"durable", status.transfers() == load.transfers},
          {"restart_s", restart_seconds},
          {"cores", std::thread::hardware_concurrency()}};
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Durable transfers per second of one ledger node, through gRPC.");
  app.add_option("--folder", settings.folder, "On the disk to measure.")->capture_default_str();
  app.add_option("--transfers", settings.transfers, "In large batches.")->capture_default_str();
  app.add_option("--accounts", settings.accounts)->capture_default_str();
  app.add_option("--batch", settings.batch)->capture_default_str();
  app.add_option("--in-flight", settings.in_flight, "Large batches at once.")
      ->capture_default_str();
  app.add_option("--callers", settings.callers, "With batches of 1; 0: leave that figure out.")
      ->capture_default_str();
  app.add_option("--transfers-per-caller", settings.transfers_per_caller)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  nlohmann::json figures = nlohmann::json::array();
  figures.push_back(Measure(settings, {.figure = "ledger_transfers",
                                       .batch = settings.batch,
                                       .callers = settings.in_flight,
                                       .transfers = settings.transfers}));
  if (settings.callers > 0) {
    figures.push_back(
        Measure(settings, {.figure = "ledger_transfers_batch_1",
                           .batch = 1,
                           .callers = settings.callers,
                           .transfers = settings.callers * settings.transfers_per_caller}));
  }
  std::cout << figures.dump(2) << std::endl;
  return 0;
}
