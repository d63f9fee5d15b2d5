#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "ledger/copy/commit_latency.h"
#include "ledger/copy/pace.h"

namespace ledger {

// What all copies from one node share. Its limits are kept in a file, and hold from the moment they
// are set. Any thread.
class Throttle {
 public:
  using Say = std::function<void(const std::string&)>;
  // All must outlive it. With a file that is damaged, which is said, it is as without one.
  static absl::StatusOr<std::unique_ptr<Throttle>> Open(base::FileSystem& files, std::string path,
                                                        const CommitLatency& latency,
                                                        const base::Clock& clock, const Say& say);

  ::hamisha::ledger::v1::CopyLimits limits() const;
  // Durable when OK. INVALID_ARGUMENT as CheckLimits().
  absl::Status SetLimits(const ::hamisha::ledger::v1::CopyLimits& limits);

  // A copy begins: what commits take now, or took before it as it is known, is what they take
  // without one. Until there is none again.
  void Begin(std::optional<absl::Duration> known = std::nullopt);
  void NoneIsLeft();
  ::hamisha::ledger::v1::CopyPacing pacing() const;

  struct Waited {
    bool may_go = false;
    absl::Duration took;  // Zero when it was commits that were waited for, and not the rate.
  };
  // Waits until these may go, or `cancelled`, or Wake() after that was set.
  Waited Await(const CopyPace::Bytes& bytes, const std::atomic<bool>& cancelled);
  void Wake();
  // Nothing goes any more: the node is stopping.
  void Close();

 private:
  Throttle(base::FileSystem& files, std::string path, const CommitLatency& latency,
           const base::Clock& clock);
  void TellPace(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  base::FileSystem& files_;
  const std::string path_;
  const CommitLatency& latency_;
  const base::Clock& clock_;

  absl::Mutex set_mutex_;  // One sets at a time. Taken before mutex_.
  mutable absl::Mutex mutex_;
  absl::CondVar changed_;
  CopyPace pace_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace ledger
