#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/command_runner.h"

namespace lab {

enum class Lifetime {
  kService,  // Should run until told otherwise: its end is reported.
  kTask,     // Ends by itself.
};

// Starts processes, knows which run, and ends them. One thread of its own starts all of them, so
// that they end with it even when this program is killed. No process is started again by itself.
// Safe for any thread, but `on_death` is called on the supervisor's and must not call back.
class Supervisor {
 public:
  using OnDeath = std::function<void(const std::string& name, int code)>;

  // `runner` must outlive the supervisor.
  Supervisor(base::CommandRunner& runner, OnDeath on_death);
  // Ends everything.
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // FAILED_PRECONDITION while a process of that name runs.
  absl::Status Start(const std::string& name, const base::Command& command, Lifetime lifetime);
  // SIGKILL, and waits until it is gone. FAILED_PRECONDITION when it does not run.
  absl::Status Kill(const std::string& name);
  // SIGTERM, without waiting; fine when it does not run.
  void Terminate(const std::string& name);
  // The exit code, or 128 + the signal; DEADLINE_EXCEEDED when it still runs after `timeout`.
  absl::StatusOr<int> AwaitEnd(const std::string& name, absl::Duration timeout);
  // 0 while it does not run.
  int PidOf(const std::string& name) const;
  // SIGTERM to all, the last started first, then SIGKILL to those that run on after `patience`.
  void EndAll(absl::Duration patience);

 private:
  struct Child {
    std::unique_ptr<base::Process> process;
    Lifetime lifetime = Lifetime::kTask;
    bool end_expected = false;
    std::optional<int> code;  // Once ended.
  };

  void Loop();
  void Reap();
  bool AllEnded() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  base::CommandRunner& runner_;
  const OnDeath on_death_;
  mutable absl::Mutex mutex_;
  std::map<std::string, Child> children_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> started_ ABSL_GUARDED_BY(mutex_);  // In order.
  std::deque<std::function<void()>> starts_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace lab
