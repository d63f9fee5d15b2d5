#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "lab/load/histogram.h"

namespace benchmarks {

// Customers at a node, single transfers at a rate, until they are told to end.
class BackgroundLoad {
 public:
  struct Options {
    std::string address;
    double transfers_per_s = 0;  // 0: none.
    uint64_t accounts = 0;
    uint64_t first = 0;  // Number of the first transfer.
  };
  explicit BackgroundLoad(Options options);
  ~BackgroundLoad();  // As End().

  // Returns once nothing is on its way.
  void Pause();
  void Resume();
  // What went wrong, as far as something did.
  absl::Status End();

  uint64_t transfers() const { return transfers_; }
  // From when a call should have been sent; after End().
  const lab::Histogram& latency_us() const { return latency_us_; }

 private:
  void Serve();

  const Options options_;
  std::atomic<bool> is_ending_ = false;
  std::atomic<uint64_t> transfers_ = 0;
  lab::Histogram latency_us_;  // The thread's.
  absl::Mutex mutex_;
  bool is_wanted_ ABSL_GUARDED_BY(mutex_) = true;
  bool is_serving_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_over_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace benchmarks
