#include "benchmarks/ledger/closed_loop.h"

#include <algorithm>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "benchmarks/common/figures.h"

namespace benchmarks {
namespace {

// Filling a large batch is a good part of the work: two threads keep one node busy.
constexpr uint64_t kThreadsMax = 2;

struct Shared {
  const ClosedLoad& load;
  const std::atomic<bool>& stop;
  double end_s = 0;
  std::atomic<uint64_t> next = 0;

  std::mutex mutex = {};
  ClosedOutcome outcome = {};
  absl::Status status = absl::OkStatus();
};

// A thread with its share of the calls.
class Driver {
 public:
  Driver(Shared& shared, std::vector<TransferCall*> calls)
      : shared_(shared), calls_(std::move(calls)) {}

  void Run() {
    for (TransferCall* call : calls_) BeginNext(*call);
    absl::Status status;
    void* tag = nullptr;
    bool ok = false;
    while (under_way_ > 0 && queue_.Next(&tag, &ok)) {
      --under_way_;
      auto& call = *static_cast<TransferCall*>(tag);
      latency_us_.Add(static_cast<uint64_t>((SecondsNow() - call.begun_s) * 1e6));
      const absl::Status ended = call.End();
      status.Update(ended);
      if (ended.ok()) created_ += call.transfers();
      if (status.ok()) BeginNext(call);
    }
    queue_.Shutdown();
    while (queue_.Next(&tag, &ok)) {
    }
    const std::lock_guard lock(shared_.mutex);
    shared_.status.Update(status);
    shared_.outcome.transfers += created_;
    shared_.outcome.latency_us.Merge(latency_us_);
  }

 private:
  void BeginNext(TransferCall& call) {
    if (shared_.stop || SecondsNow() >= shared_.end_s) return;
    const uint64_t first = shared_.next.fetch_add(shared_.load.batch);
    if (first >= shared_.load.transfers) return;
    call.Fill(first, std::min(shared_.load.batch, shared_.load.transfers - first));
    call.begun_s = SecondsNow();
    call.Begin(queue_);
    ++under_way_;
  }

  Shared& shared_;
  const std::vector<TransferCall*> calls_;
  grpc::CompletionQueue queue_;
  uint64_t under_way_ = 0;
  uint64_t created_ = 0;
  lab::Histogram latency_us_;
};

}  // namespace

absl::StatusOr<ClosedOutcome> RunClosedLoop(const std::string& address, const ClosedLoad& load,
                                            const std::atomic<bool>& stop) {
  const TransferCalls calls(address, load.in_flight, load.kind);
  const uint64_t threads_count = std::min(kThreadsMax, (load.in_flight + 1) / 2);
  std::vector<std::vector<TransferCall*>> shares(threads_count);
  for (size_t i = 0; i < calls.all().size(); ++i) {
    // By pairs: a channel's calls stay on one thread.
    shares[i / 2 % threads_count].push_back(calls.all()[i].get());
  }
  Shared shared{.load = load, .stop = stop};
  const double start = SecondsNow();
  shared.end_s = start + load.seconds;
  std::vector<std::thread> threads;
  threads.reserve(shares.size());
  for (const auto& share : shares) {
    threads.emplace_back([&shared, &share] { Driver(shared, share).Run(); });
  }
  for (std::thread& thread : threads) thread.join();
  shared.outcome.seconds = SecondsNow() - start;
  if (stop) return absl::CancelledError("interrupted");
  if (!shared.status.ok()) return shared.status;
  return shared.outcome;
}

}  // namespace benchmarks
