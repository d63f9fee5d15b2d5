#include "ledger/copy/throttle.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "ledger/storage/small_file.h"

namespace ledger {

namespace pb = ::hamisha::ledger::v1;

absl::StatusOr<std::unique_ptr<Throttle>> Throttle::Open(base::FileSystem& files, std::string path,
                                                         const CommitLatency& latency,
                                                         const base::Clock& clock) {
  std::unique_ptr<Throttle> throttle(new Throttle(files, std::move(path), latency, clock));
  ASSIGN_OR_RETURN(const std::string content, LoadChecked(files, throttle->path_));
  if (content.empty()) return throttle;
  pb::CopyLimits limits;
  if (!limits.ParseFromString(content) || !CheckLimits(limits).ok()) {
    return absl::DataLossError(absl::StrCat(throttle->path_, " holds no limits: remove it"));
  }
  const absl::MutexLock lock(&throttle->mutex_);
  throttle->pace_.SetLimits(std::move(limits), clock.MonotonicNow());
  return throttle;
}

Throttle::Throttle(base::FileSystem& files, std::string path, const CommitLatency& latency,
                   const base::Clock& clock)
    : files_(files),
      path_(std::move(path)),
      latency_(latency),
      clock_(clock),
      pace_(LimitsByDefault()) {}

pb::CopyLimits Throttle::limits() const {
  const absl::MutexLock lock(&mutex_);
  return pace_.limits();
}

absl::Status Throttle::SetLimits(const pb::CopyLimits& limits) {
  RETURN_IF_ERROR(CheckLimits(limits));
  const absl::MutexLock setting(&set_mutex_);
  RETURN_IF_ERROR(SaveChecked(files_, path_, limits.SerializeAsString()));
  const absl::MutexLock lock(&mutex_);
  pace_.SetLimits(limits, clock_.MonotonicNow());
  changed_.SignalAll();
  return absl::OkStatus();
}

void Throttle::Begin() {
  const auto p99 = latency_.P99();
  const absl::MutexLock lock(&mutex_);
  pace_.Begin(p99);
}

void Throttle::NoneIsLeft() {
  const absl::MutexLock lock(&mutex_);
  pace_.Forget();
}

Throttle::Waited Throttle::Await(uint64_t bytes, const std::atomic<bool>& cancelled) {
  Waited waited;
  const absl::MutexLock lock(&mutex_);
  while (!cancelled && !closed_) {
    const absl::Duration now = clock_.MonotonicNow();
    if (pace_.WantsLatency(now)) {
      pace_.LatencyIs(latency_.P99(CopyPace::kJudgedSeconds), now);
    }
    const absl::Duration wait = pace_.Ask(bytes, now, clock_.WallNow());
    if (wait == absl::ZeroDuration()) {
      waited.may_go = true;
      return waited;
    }
    const bool is_rate = !pace_.is_backing_off();
    changed_.WaitWithTimeout(&mutex_, wait);
    if (is_rate) waited.took += clock_.MonotonicNow() - now;
  }
  return waited;
}

void Throttle::Close() {
  const absl::MutexLock lock(&mutex_);
  closed_ = true;
  changed_.SignalAll();
}

void Throttle::Wake() {
  const absl::MutexLock lock(&mutex_);
  changed_.SignalAll();
}

}  // namespace ledger
