#include "benchmarks/ledger/open_loop.h"

#include <algorithm>
#include <cmath>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "benchmarks/common/figures.h"

namespace benchmarks {
namespace {

uint64_t Microseconds(double seconds) {
  return seconds > 0 ? static_cast<uint64_t>(seconds * 1e6) : 0;
}

}  // namespace

// One thread sends by the clock, another takes the answers.
struct OpenLoop::Stretch {
  grpc::CompletionQueue queue;
  double begin_s = SecondsNow();
  std::atomic<bool> failed = false;
  // The answering thread's, until it has ended.
  OpenOutcome outcome;
  absl::Status status;
};

OpenLoop::OpenLoop(const std::string& address, const OpenLoad& load)
    : load_(load), calls_(address, load.in_flight_max, load.kind), next_(load.first) {
  for (const auto& call : calls_.all()) free_.push_back(call.get());
}

absl::StatusOr<OpenOutcome> OpenLoop::Run(double seconds, const std::atomic<bool>& stop,
                                          const EachSecond& each_second) {
  Stretch stretch;
  std::thread answers([&] { TakeAnswers(stretch, each_second); });
  Send(stretch, seconds, stop);
  {
    const absl::MutexLock lock(&mutex_);
    const auto all_are_back = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return free_.size() == calls_.all().size();
    };
    mutex_.Await(absl::Condition(&all_are_back));
  }
  stretch.queue.Shutdown();
  answers.join();
  if (stop) return absl::CancelledError("interrupted");
  RETURN_IF_ERROR(stretch.status);
  stretch.outcome.seconds = SecondsNow() - stretch.begin_s;
  return std::move(stretch.outcome);
}

double OpenLoop::GapSeconds() { return -std::log(1 - random_.Unit()) / load_.transfers_per_s; }

void OpenLoop::Send(Stretch& stretch, double seconds, const std::atomic<bool>& stop) {
  const double end_s = stretch.begin_s + seconds;
  double due_s = stretch.begin_s + GapSeconds();
  while (!stop && !stretch.failed && due_s < end_s) {
    const double leaves_s = due_s + load_.coalesce_s;
    absl::SleepFor(absl::Seconds(leaves_s - SecondsNow()));
    TransferCall& call = TakeFree();
    call.due_s.clear();
    do {
      call.due_s.push_back(due_s);
      due_s += GapSeconds();
    } while (due_s < std::min(leaves_s, end_s));
    call.Fill(next_, call.due_s.size());
    next_ += call.due_s.size();
    call.begun_s = SecondsNow();
    call.Begin(stretch.queue);
  }
}

TransferCall& OpenLoop::TakeFree() {
  const absl::MutexLock lock(&mutex_);
  const auto one_is_free = [this]()
                               ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !free_.empty(); };
  mutex_.Await(absl::Condition(&one_is_free));
  TransferCall* const call = free_.back();
  free_.pop_back();
  return *call;
}

void OpenLoop::TakeAnswers(Stretch& stretch, const EachSecond& each_second) {
  lab::Histogram second_us;
  double second_ends_s = stretch.begin_s + 1;
  void* tag = nullptr;
  bool ok = false;
  while (stretch.queue.Next(&tag, &ok)) {
    auto& call = *static_cast<TransferCall*>(tag);
    const double now_s = SecondsNow();
    if (each_second && now_s >= second_ends_s && second_us.count() > 0) {
      each_second(second_us);
      second_us.Clear();
      second_ends_s += std::floor(now_s - second_ends_s) + 1;
    }
    for (const double due_s : call.due_s) {
      const uint64_t from_intended_us = Microseconds(now_s - due_s);
      second_us.Add(from_intended_us);
      stretch.outcome.from_intended_us.Add(from_intended_us);
      stretch.outcome.from_sent_us.Add(Microseconds(now_s - call.begun_s));
    }
    const absl::Status ended = call.End();
    if (ended.ok()) stretch.outcome.transfers += call.transfers();
    stretch.status.Update(ended);
    if (!ended.ok()) stretch.failed = true;
    const absl::MutexLock lock(&mutex_);
    free_.push_back(&call);
  }
}

}  // namespace benchmarks
