#include "ledger/copy/throttle.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "ledger/copy/duration.h"
#include "ledger/storage/small_file.h"

namespace ledger {

namespace pb = ::hamisha::ledger::v1;

absl::StatusOr<std::unique_ptr<Throttle>> Throttle::Open(base::FileSystem& files, std::string path,
                                                         const CommitLatency& latency,
                                                         const base::Clock& clock, const Say& say) {
  std::unique_ptr<Throttle> throttle(new Throttle(files, std::move(path), latency, clock));
  const absl::StatusOr<std::string> content = LoadChecked(files, throttle->path_);
  if (!content.ok() && !absl::IsDataLoss(content.status())) return content.status();
  if (content.ok() && content->empty()) return throttle;
  pb::CopyLimits limits;
  if (!content.ok() || !limits.ParseFromString(*content) || !CheckLimits(limits).ok()) {
    if (say) {
      say(absl::StrCat(throttle->path_, " is damaged: copies go by the limits that hold where ",
                       "nobody has set any; set them again with `hamisha-ledger limits`"));
    }
    return throttle;
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

absl::Status Throttle::SetLimits(const pb::CopyLimits& wanted) {
  RETURN_IF_ERROR(CheckLimits(wanted));
  pb::CopyLimits limits = wanted;
  limits.clear_pacing();
  const absl::MutexLock setting(&set_mutex_);
  RETURN_IF_ERROR(SaveChecked(files_, path_, limits.SerializeAsString()));
  const absl::MutexLock lock(&mutex_);
  pace_.SetLimits(std::move(limits), clock_.MonotonicNow());
  changed_.SignalAll();
  return absl::OkStatus();
}

void Throttle::Begin(std::optional<absl::Duration> known) {
  const auto p99 = known ? known : latency_.UsualP99(CopyPace::kJudgedSeconds);
  const absl::MutexLock lock(&mutex_);
  pace_.Begin(p99);
}

pb::CopyPacing Throttle::pacing() const {
  const auto p99 = latency_.P99(CopyPace::kJudgedSeconds);
  pb::CopyPacing pacing;
  if (p99) *pacing.mutable_commit_p99() = ToProto(*p99);
  const absl::MutexLock lock(&mutex_);
  if (pace_.before()) *pacing.mutable_commit_p99_before() = ToProto(*pace_.before());
  pacing.set_held_back_by_commits(pace_.is_backing_off());
  return pacing;
}

void Throttle::NoneIsLeft() {
  const absl::MutexLock lock(&mutex_);
  pace_.Forget();
}

Throttle::Waited Throttle::Await(const CopyPace::Bytes& bytes, const std::atomic<bool>& cancelled) {
  Waited waited;
  const absl::MutexLock lock(&mutex_);
  while (!cancelled && !closed_) {
    const absl::Duration now = clock_.MonotonicNow();
    if (pace_.WantsLatency(now)) TellPace(now);
    const absl::Duration wait = pace_.Ask(bytes, now, clock_.WallNow());
    if (wait == absl::ZeroDuration()) {
      waited.may_go = true;
      return waited;
    }
    const bool is_rate = !pace_.waits_for_commits();
    changed_.WaitWithTimeout(&mutex_, wait);
    if (is_rate) waited.took += clock_.MonotonicNow() - now;
  }
  return waited;
}

void Throttle::TellPace(absl::Duration now) {
  pace_.BeginBeside(latency_.P99OfAnswered(), now);  // When there were no commits before.
  if (pace_.is_listening()) {
    return pace_.Heard(latency_.P99OfAnswered(CopyPace::kJudgedSeconds), now);
  }
  const auto p99 = latency_.P99(CopyPace::kJudgedSeconds);
  pace_.LatencyIs(p99 ? p99 : latency_.P99OfAnswered(CopyPace::kSeldomSeconds), now);
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
