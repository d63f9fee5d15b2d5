#pragma once

#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "hamisha/orchestrator/v1/orchestrator.grpc.pb.h"

namespace lab {

// Watches a run until it ends, also over ends of the orchestrator. Safe for any thread.
class RunFollower {
 public:
  RunFollower(std::string orchestrator, std::string run, const base::Clock& clock);
  ~RunFollower();
  RunFollower(const RunFollower&) = delete;
  RunFollower& operator=(const RunFollower&) = delete;

  hamisha::orchestrator::v1::RunView View() const;
  // Returns when the view is another than the one of `version` (0: none yet), which becomes the
  // new one's, or after `timeout`.
  void AwaitChange(uint64_t& version, absl::Duration timeout) const;
  // Since the orchestrator was last reached.
  absl::Duration Silence() const;

 private:
  void Loop();
  void WatchOnce(hamisha::orchestrator::v1::Orchestrator::StubInterface& stub);

  const std::string orchestrator_;
  const std::string run_;
  const base::Clock& clock_;
  mutable absl::Mutex mutex_;
  hamisha::orchestrator::v1::RunView view_ ABSL_GUARDED_BY(mutex_);
  uint64_t version_ ABSL_GUARDED_BY(mutex_) = 0;
  bool connected_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration heard_ ABSL_GUARDED_BY(mutex_);
  grpc::ClientContext* watching_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace lab
