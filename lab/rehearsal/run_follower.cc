#include "lab/rehearsal/run_follower.h"

#include <utility>

#include "lab/rehearsal/run_times.h"
#include "rpc/rpc.h"

namespace lab {
namespace {

namespace api = hamisha::orchestrator::v1;

constexpr absl::Duration kRetryAfter = absl::Milliseconds(20);

}  // namespace

RunFollower::RunFollower(std::string orchestrator, std::string run, const base::Clock& clock)
    : orchestrator_(std::move(orchestrator)),
      run_(std::move(run)),
      clock_(clock),
      heard_(clock.MonotonicNow()),
      thread_([this] { Loop(); }) {}

RunFollower::~RunFollower() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
    if (watching_ != nullptr) watching_->TryCancel();
  }
  thread_.join();
}

api::RunView RunFollower::View() const {
  const absl::MutexLock lock(&mutex_);
  return view_;
}

void RunFollower::AwaitChange(uint64_t& version, absl::Duration timeout) const {
  const absl::MutexLock lock(&mutex_);
  const auto changed = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return version_ != version; };
  mutex_.AwaitWithTimeout(absl::Condition(&changed), timeout);
  version = version_;
}

absl::Duration RunFollower::Silence() const {
  const absl::MutexLock lock(&mutex_);
  return connected_ ? absl::ZeroDuration() : clock_.MonotonicNow() - heard_;
}

void RunFollower::Loop() {
  const auto stub = api::Orchestrator::NewStub(rpc::Connect(orchestrator_));
  while (true) {
    WatchOnce(*stub);
    const absl::MutexLock lock(&mutex_);
    // A run that has ended may begin again: by a request to go back.
    const absl::Duration pause = IsTerminal(view_.state()) ? 10 * kRetryAfter : kRetryAfter;
    if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), pause)) return;
  }
}

void RunFollower::WatchOnce(api::Orchestrator::StubInterface& stub) {
  grpc::ClientContext context;
  {
    const absl::MutexLock lock(&mutex_);
    if (stopping_) return;
    watching_ = &context;
  }
  api::RunRequest request;
  request.set_run(run_);
  const auto stream = stub.WatchRun(&context, request);
  api::RunView view;
  while (stream->Read(&view)) {
    const absl::MutexLock lock(&mutex_);
    connected_ = true;
    heard_ = clock_.MonotonicNow();
    view_.Swap(&view);
    ++version_;
  }
  stream->Finish();
  const absl::MutexLock lock(&mutex_);
  watching_ = nullptr;
  connected_ = false;
}

}  // namespace lab
