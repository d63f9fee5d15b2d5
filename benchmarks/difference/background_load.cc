#include "benchmarks/difference/background_load.h"

#include <utility>

#include "benchmarks/ledger/open_loop.h"

namespace benchmarks {
namespace {

constexpr double kStretchS = 0.5;

}  // namespace

BackgroundLoad::BackgroundLoad(Options options) : options_(std::move(options)) {
  if (options_.transfers_per_s > 0) thread_ = std::thread([this] { Serve(); });
}

BackgroundLoad::~BackgroundLoad() { End().IgnoreError(); }

void BackgroundLoad::Pause() {
  const absl::MutexLock lock(&mutex_);
  is_wanted_ = false;
  const auto is_quiet = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !is_serving_; };
  mutex_.Await(absl::Condition(&is_quiet));
}

void BackgroundLoad::Resume() {
  const absl::MutexLock lock(&mutex_);
  is_wanted_ = true;
}

absl::Status BackgroundLoad::End() {
  is_ending_ = true;
  Resume();
  if (thread_.joinable()) thread_.join();
  const absl::MutexLock lock(&mutex_);
  return status_;
}

void BackgroundLoad::Serve() {
  const auto may_go_on = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return is_wanted_; };
  const std::atomic<bool> never = false;
  OpenLoop customers(options_.address, {.transfers_per_s = options_.transfers_per_s,
                                        .first = options_.first,
                                        .kind = {.accounts = options_.accounts}});
  while (true) {
    {
      const absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&may_go_on));
      if (is_ending_ || !status_.ok()) return;
      is_serving_ = true;
    }
    const absl::StatusOr<OpenOutcome> outcome = customers.Run(kStretchS, never);
    const absl::MutexLock lock(&mutex_);
    is_serving_ = false;
    status_ = outcome.status();
    if (!outcome.ok()) continue;
    transfers_ += outcome->transfers;
    latency_us_.Merge(outcome->from_intended_us);
  }
}

}  // namespace benchmarks
