#include "benchmarks/ledger/merged_callers.h"

#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "benchmarks/common/figures.h"
#include "ledger/client/client.h"
#include "ledger/client/merging_client.h"

namespace benchmarks {
namespace {

namespace pb = ::hamisha::ledger::v1;

pb::CreateTransfersRequest NewRequest() {
  pb::CreateTransfersRequest request;
  pb::Transfer& transfer = *request.add_transfers();
  transfer.mutable_id()->set_high(1);
  transfer.set_amount(100);
  transfer.set_ledger(1);
  transfer.set_code(1);
  return request;
}

struct Shared {
  const ClosedLoad& load;
  const std::atomic<bool>& stop;
  ledger::MergingClient& client;
  double end_s = 0;
  std::atomic<uint64_t> next = 0;

  std::mutex mutex = {};
  ClosedOutcome outcome = {};
  absl::Status status = absl::OkStatus();
};

void Call(Shared& shared, uint64_t seed) {
  lab::Random random(seed, 0);
  pb::CreateTransfersRequest request = NewRequest();
  pb::Transfer& transfer = *request.mutable_transfers(0);
  lab::Histogram latency_us;
  absl::Status status;
  uint64_t created = 0;
  while (status.ok() && !shared.stop) {
    const double begun_s = SecondsNow();
    const uint64_t number = shared.next.fetch_add(1);
    if (begun_s >= shared.end_s || number >= shared.load.transfers) break;
    const uint64_t debit = 1 + random.Below(shared.load.kind.accounts);
    transfer.mutable_id()->set_low(number + 1);
    transfer.mutable_debit_account_id()->set_low(debit);
    transfer.mutable_credit_account_id()->set_low(1 + debit % shared.load.kind.accounts);
    const auto response = shared.client.CreateTransfers(request);
    status = response.status();
    if (response.ok() && response->results_size() > 0) {
      status = absl::InternalError("a transfer was not created: " +
                                   response->results(0).ShortDebugString());
    }
    if (status.ok()) ++created;
    latency_us.Add(static_cast<uint64_t>((SecondsNow() - begun_s) * 1e6));
  }
  const std::lock_guard lock(shared.mutex);
  shared.status.Update(status);
  shared.outcome.transfers += created;
  shared.outcome.latency_us.Merge(latency_us);
}

}  // namespace

absl::StatusOr<ClosedOutcome> RunMergedCallers(const std::string& address, const ClosedLoad& load,
                                               const std::atomic<bool>& stop) {
  ledger::ClientOptions options;
  options.addresses = {address};
  ledger::Client client(options);
  ledger::MergingClient merging([&client](const pb::CreateTransfersRequest& request) {
    return client.CreateTransfers(request);
  });
  Shared shared{.load = load, .stop = stop, .client = merging};
  const double start = SecondsNow();
  shared.end_s = start + load.seconds;
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < load.in_flight; ++i) {
    threads.emplace_back([&shared, i] { Call(shared, i); });
  }
  for (std::thread& thread : threads) thread.join();
  shared.outcome.seconds = SecondsNow() - start;
  if (stop) return absl::CancelledError("interrupted");
  if (!shared.status.ok()) return shared.status;
  return shared.outcome;
}

}  // namespace benchmarks
