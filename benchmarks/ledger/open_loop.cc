#include "benchmarks/ledger/open_loop.h"

#include <cmath>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "benchmarks/common/figures.h"
#include "lab/load/random.h"

namespace benchmarks {
namespace {

uint64_t Microseconds(double seconds) {
  return seconds > 0 ? static_cast<uint64_t>(seconds * 1e6) : 0;
}

// One thread sends by the clock, another takes the answers.
class OpenLoop {
 public:
  OpenLoop(const std::string& address, const OpenLoad& load)
      : load_(load), calls_(address, load.in_flight_max, load.kind) {
    for (const auto& call : calls_.all()) free_.push_back(call.get());
  }

  absl::StatusOr<OpenOutcome> Run(const std::atomic<bool>& stop) {
    const double start = SecondsNow();
    std::thread answers([this] { TakeAnswers(); });
    Send(start, stop);
    {
      const absl::MutexLock lock(&mutex_);
      const auto all_are_back = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return free_.size() == calls_.all().size();
      };
      mutex_.Await(absl::Condition(&all_are_back));
    }
    queue_.Shutdown();
    answers.join();
    if (stop) return absl::CancelledError("interrupted");
    if (!status_.ok()) return status_;
    outcome_.seconds = SecondsNow() - start;
    return outcome_;
  }

 private:
  void Send(double start, const std::atomic<bool>& stop) {
    lab::Random random(0, 0);
    double intended_s = start;
    for (uint64_t number = load_.first; !stop && !failed_; ++number) {
      intended_s += -std::log(1 - random.Unit()) / load_.transfers_per_s;
      if (intended_s >= start + load_.seconds) return;
      absl::SleepFor(absl::Seconds(intended_s - SecondsNow()));
      TransferCall& call = TakeFree();
      call.Fill(number, 1);
      call.intended_s = intended_s;
      call.begun_s = SecondsNow();
      call.Begin(queue_);
    }
  }

  TransferCall& TakeFree() {
    const absl::MutexLock lock(&mutex_);
    const auto one_is_free = [this]()
                                 ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !free_.empty(); };
    mutex_.Await(absl::Condition(&one_is_free));
    TransferCall* const call = free_.back();
    free_.pop_back();
    return *call;
  }

  void TakeAnswers() {
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
      auto& call = *static_cast<TransferCall*>(tag);
      const double now_s = SecondsNow();
      outcome_.from_intended_us.Add(Microseconds(now_s - call.intended_s));
      outcome_.from_sent_us.Add(Microseconds(now_s - call.begun_s));
      const absl::Status ended = call.End();
      if (ended.ok()) ++outcome_.transfers;
      status_.Update(ended);
      if (!ended.ok()) failed_ = true;
      const absl::MutexLock lock(&mutex_);
      free_.push_back(&call);
    }
  }

  const OpenLoad& load_;
  const TransferCalls calls_;
  grpc::CompletionQueue queue_;
  std::atomic<bool> failed_ = false;

  absl::Mutex mutex_;
  std::vector<TransferCall*> free_ ABSL_GUARDED_BY(mutex_);

  // The answering thread's, until it has ended.
  OpenOutcome outcome_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<OpenOutcome> RunOpenLoop(const std::string& address, const OpenLoad& load,
                                        const std::atomic<bool>& stop) {
  return OpenLoop(address, load).Run(stop);
}

}  // namespace benchmarks
