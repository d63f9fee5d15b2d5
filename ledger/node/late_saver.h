#pragma once

#include <deque>
#include <functional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace ledger {

// Saves what nobody waits for, one after the other on a thread of its own: a sync of a small file
// would stop the writer for as long as one of the log. Any thread may ask.
class LateSaver {
 public:
  using Save = std::function<absl::Status()>;

  // `say` is told what could not be saved; may be empty.
  explicit LateSaver(std::function<void(const std::string&)> say);
  ~LateSaver();  // As Stop().

  // What comes after Stop() is not saved.
  void Post(Save save);
  // Ends the thread when all was saved.
  void Stop();

 private:
  void Loop();

  const std::function<void(const std::string&)> say_;
  absl::Mutex mutex_;
  std::deque<Save> posted_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace ledger
