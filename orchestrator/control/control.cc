#include "orchestrator/control/control.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "orchestrator/control/clocks.h"

namespace orchestrator {

using hamisha::agent::v1::Order;
using hamisha::agent::v1::OrderProgress;
using hamisha::agent::v1::OrderResult;

namespace {

std::string CallsFolder(const ControlOptions& options) {
  return absl::StrCat(options.state_dir, "/calls");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Control>> Control::Open(ControlOptions options) {
  RunStore store(*options.files, options.state_dir, options.compile);
  RETURN_IF_ERROR(store.Prepare());
  // What a process that was killed left of its calls of ssh-keygen.
  RETURN_IF_ERROR(options.files->RemoveAll(CallsFolder(options)));
  RETURN_IF_ERROR(options.files->CreateFolders(CallsFolder(options)));
  ASSIGN_OR_RETURN(const uint64_t term, store.NextTerm());
  auto control = std::unique_ptr<Control>(new Control(std::move(options), term));
  RETURN_IF_ERROR(control->Resume());
  control->thread_ = std::thread([control = control.get()] { control->Loop(); });
  return control;
}

Control::Control(ControlOptions options, uint64_t term)
    : options_(std::move(options)),
      term_(term),
      clock_(options_.clock->WallNow(), options_.clock->MonotonicNow()),
      store_(*options_.files, options_.state_dir, options_.compile),
      ssh_keygen_(*options_.commands, *options_.files, CallsFolder(options_)),
      fleet_(*options_.clock, *this, term),
      forecasts_([this](Task task) { Post(std::move(task)); }, [this] { OnForecast(); }) {}

Control::~Control() { Stop(); }

absl::Status Control::Resume() {
  ASSIGN_OR_RETURN(const std::vector<std::string> runs, store_.Runs());
  for (auto run = runs.rbegin(); run != runs.rend() && run_ == nullptr; ++run) {
    ASSIGN_OR_RETURN(run_, store_.Load(*run));
    // One that did not end has changed nothing, and is simply asked for again.
    if (run_ != nullptr && IsPreflight(*run_)) run_ = nullptr;
  }
  if (run_ == nullptr) return absl::OkStatus();
  clock_.GoOnFrom(run_->time_last(), options_.clock->MonotonicNow());
  run_->AppendUnwritten(term_);
  BeginForecasts();
  if (run_->ended()) {
    profile_left_ = store_.ProfileOf(run_->created().run).ok();
    return run_->Commit();
  }
  options_.log(absl::StrCat("goes on with run ", run_->created().run, " in term ", term_));
  RETURN_IF_ERROR(Apply(TermStarted{}));
  GoBackWhenAsked();
  RETURN_IF_ERROR(run_->Commit());
  run_->TakeOrders();  // Nobody is connected yet: each gets its open orders when it does.
  return absl::OkStatus();
}

void Control::Stop() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
  forecasts_.Stop();
  {
    const absl::MutexLock lock(&mutex_);
    stopped_ = true;
    tasks_.clear();
  }
  fleet_.EndAllStreams();
}

bool Control::stopped() const {
  const absl::MutexLock lock(&mutex_);
  return stopped_ || stopping_;
}

void Control::OnConnected(const std::string& host) {
  options_.log(absl::StrCat("agent of ", host, " connected"));
  Post([this, host] { connected_.insert(host); });
}

void Control::OnDisconnected(const std::string& host) {
  options_.log(absl::StrCat("agent of ", host, " is gone"));
  Post([this] { changed_ = true; });
}

void Control::OnResult(OrderResult result) {
  // Before the journal: what the engine is told must be what a replay tells it.
  AddClockOffset(fleet_.ClockErrorOf(result.key().host()).value_or(absl::ZeroDuration()), result);
  Post([this, result = std::move(result)] { TakeResult(result); });
}

void Control::OnProgress(OrderProgress progress) {
  Post([this, progress = std::move(progress)] {
    if (run_ == nullptr) return;
    run_->Note(progress);
    changed_ = true;
  });
}

void Control::Post(Task task) {
  const absl::MutexLock lock(&mutex_);
  if (!stopped_) tasks_.push_back(std::move(task));
}

absl::Status Control::Call(const std::function<absl::Status()>& task) {
  struct Reply {
    bool done = false;
    absl::Status status;
  };
  const auto reply = std::make_shared<Reply>();
  const absl::MutexLock lock(&mutex_);
  if (!stopped_ && !stopping_) {
    tasks_.push_back([this, reply, task] {
      reply->status = task();
      after_commit_.push_back([this, reply] {
        const absl::MutexLock inner(&mutex_);
        reply->done = true;
      });
    });
    const auto answered = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return reply->done || stopped_;
    };
    mutex_.Await(absl::Condition(&answered));
  }
  if (reply->done) return reply->status;
  return absl::UnavailableError("the orchestrator is stopping: ask again when it is back");
}

std::deque<Control::Task> Control::NextTasks() {
  const absl::Duration now = options_.clock->MonotonicNow();
  if (now >= silence_check_at_) silence_check_at_ = now + fleet_.EndSilentStreams();
  absl::Duration wait = silence_check_at_ - now;
  const absl::Time next = std::min(forecasts_.NextDue(), AbortTime());
  if (run_ != nullptr) wait = std::min(wait, std::min(next, run_->engine().NextDeadline()) - Now());
  std::deque<Task> tasks;
  const absl::MutexLock lock(&mutex_);
  const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !tasks_.empty() || stopping_;
  };
  mutex_.AwaitWithTimeout(absl::Condition(&ready), std::max(wait, absl::ZeroDuration()));
  tasks.swap(tasks_);
  return tasks;
}

void Control::Loop() {
  for (bool last = false; !last;) {
    {
      const absl::MutexLock lock(&mutex_);
      last = stopping_;  // What was posted before is still done.
    }
    for (const Task& task : NextTasks()) task();
    TickWhenDue();
    LookAhead();
    if (const absl::Status status = Flush(); !status.ok()) return Fail(status);
  }
}

absl::Time Control::Now() const { return clock_.Now(options_.clock->MonotonicNow()); }

absl::Status Control::Apply(decltype(Event::what) what) {
  RETURN_IF_ERROR(run_->Apply({.time = Now(), .what = std::move(what)}, term_));
  changed_ = true;
  return absl::OkStatus();
}

void Control::TakeResult(const OrderResult& result) {
  // What the run does not wait for is a repeat, or of a run that is over: acknowledged all the
  // same.
  acknowledge_.push_back(result.key());
  if (run_ == nullptr || run_->created().run != result.key().run()) return;
  if (!run_->engine().Expects(result.key())) return;
  if (const absl::Status status = Apply(OrderEnded{result}); !status.ok()) {
    options_.log(std::string(status.message()));
  }
  GoBackWhenAsked();
}

void Control::TickWhenDue() {
  if (run_ == nullptr || run_->engine().NextDeadline() > Now()) return;
  if (const absl::Status status = Apply(Tick{}); !status.ok()) {
    options_.log(std::string(status.message()));
  }
}

absl::Status Control::Flush() {
  if (run_ != nullptr) RETURN_IF_ERROR(run_->Commit());
  SendAfterCommit();
  LeaveProfile();
  EndPreflight();
  for (const Task& task : std::exchange(after_commit_, {})) task();
  if (std::exchange(changed_, false)) {
    const absl::MutexLock lock(&mutex_);
    ++version_;
  }
  return absl::OkStatus();
}

void Control::SendAfterCommit() {
  const std::set<std::string> connected = std::exchange(connected_, {});
  if (run_ != nullptr) {
    std::vector<Order> orders = run_->TakeOrders();
    orders.erase(
        std::remove_if(orders.begin(), orders.end(),
                       [&](const Order& order) { return connected.contains(order.key().host()); }),
        orders.end());
    for (const std::string& host : connected) {
      for (Order& order : run_->engine().OpenOrders(host)) orders.push_back(std::move(order));
    }
    for (Order& order : orders) {
      order.set_term(term_);
      fleet_.Send(std::move(order));
    }
  }
  for (const auto& key : std::exchange(acknowledge_, {})) fleet_.Acknowledge(key);
  if (!connected.empty()) changed_ = true;
}

void Control::Fail(const absl::Status& status) {
  options_.log(absl::StrCat(
      "the journal cannot be written, nothing more is ordered: ", std::string(status.message()),
      ": make room or mend the disk, and start the orchestrator again"));
  {
    const absl::MutexLock lock(&mutex_);
    stopped_ = true;
    tasks_.clear();
  }
  options_.fatal(status);
}

}  // namespace orchestrator
