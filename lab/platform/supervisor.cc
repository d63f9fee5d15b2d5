#include "lab/platform/supervisor.h"

#include <csignal>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"

namespace lab {
namespace {

constexpr absl::Duration kReapEvery = absl::Milliseconds(10);
constexpr absl::Duration kPatience = absl::Seconds(5);

}  // namespace

Supervisor::Supervisor(base::CommandRunner& runner, OnDeath on_death)
    : runner_(runner), on_death_(std::move(on_death)), thread_([this] { Loop(); }) {}

Supervisor::~Supervisor() {
  EndAll(kPatience);
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

absl::Status Supervisor::Start(const std::string& name, const base::Command& command,
                               Lifetime lifetime) {
  absl::Status result;
  absl::Notification done;
  {
    const absl::MutexLock lock(&mutex_);
    if (const auto found = children_.find(name); found != children_.end() && !found->second.code) {
      return absl::FailedPreconditionError(
          absl::StrCat(name, " runs already (pid ", found->second.process->pid(), ")"));
    }
    starts_.emplace_back([&, this] {
      absl::StatusOr<std::unique_ptr<base::Process>> process = runner_.Start(command);
      {
        const absl::MutexLock child_lock(&mutex_);
        result = process.status();
        if (process.ok()) {
          children_[name] = {.process = *std::move(process), .lifetime = lifetime, .code = {}};
          started_.push_back(name);
        }
      }
      done.Notify();
    });
  }
  done.WaitForNotification();
  return result;
}

absl::Status Supervisor::Kill(const std::string& name) {
  const absl::MutexLock lock(&mutex_);
  const auto found = children_.find(name);
  if (found == children_.end() || found->second.code) {
    return absl::FailedPreconditionError(absl::StrCat(name, " does not run"));
  }
  Child& child = found->second;
  child.end_expected = true;
  child.process->Signal(SIGKILL);
  child.code = child.process->Wait();
  return absl::OkStatus();
}

void Supervisor::Terminate(const std::string& name) {
  const absl::MutexLock lock(&mutex_);
  const auto found = children_.find(name);
  if (found == children_.end() || found->second.code) return;
  found->second.end_expected = true;
  found->second.process->Signal(SIGTERM);
}

absl::StatusOr<int> Supervisor::AwaitEnd(const std::string& name, absl::Duration timeout) {
  const absl::MutexLock lock(&mutex_);
  const auto found = children_.find(name);
  if (found == children_.end()) {
    return absl::NotFoundError(absl::StrCat(name, " was never started"));
  }
  const Child& child = found->second;
  const auto ended = [&child] { return child.code.has_value(); };
  if (!mutex_.AwaitWithTimeout(absl::Condition(&ended), timeout)) {
    return absl::DeadlineExceededError(
        absl::StrCat(name, " still runs after ", absl::FormatDuration(timeout)));
  }
  return *child.code;
}

int Supervisor::PidOf(const std::string& name) const {
  const absl::MutexLock lock(&mutex_);
  const auto found = children_.find(name);
  return found == children_.end() || found->second.code ? 0 : found->second.process->pid();
}

void Supervisor::EndAll(absl::Duration patience) {
  const absl::MutexLock lock(&mutex_);
  for (auto name = started_.rbegin(); name != started_.rend(); ++name) {
    Child& child = children_.at(*name);
    child.end_expected = true;
    if (!child.code) child.process->Signal(SIGTERM);
  }
  const auto all_ended = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return AllEnded(); };
  if (mutex_.AwaitWithTimeout(absl::Condition(&all_ended), patience)) return;
  for (auto& [name, child] : children_) {
    if (child.code) continue;
    child.process->Signal(SIGKILL);
    child.code = child.process->Wait();
  }
}

bool Supervisor::AllEnded() const {
  for (const auto& [name, child] : children_) {
    if (!child.code) return false;
  }
  return true;
}

void Supervisor::Loop() {
  while (true) {
    std::function<void()> start;
    {
      const absl::MutexLock lock(&mutex_);
      const auto awake = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return stopping_ || !starts_.empty();
      };
      mutex_.AwaitWithTimeout(absl::Condition(&awake), kReapEvery);
      if (stopping_) return;
      if (!starts_.empty()) {
        start = std::move(starts_.front());
        starts_.pop_front();
      }
    }
    if (start) start();
    Reap();
  }
}

void Supervisor::Reap() {
  std::vector<std::pair<std::string, int>> deaths;
  {
    const absl::MutexLock lock(&mutex_);
    for (auto& [name, child] : children_) {
      if (child.code || child.process->Running()) continue;
      child.code = child.process->Wait();
      if (child.lifetime == Lifetime::kService && !child.end_expected) {
        deaths.emplace_back(name, *child.code);
      }
    }
  }
  for (const auto& [name, code] : deaths) on_death_(name, code);
}

}  // namespace lab
