#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "hamisha/ledger/v1/node.pb.h"

namespace ledger {

// What a node's log durably ends with, for those who stream it to others: told by the writer
// thread, awaited by streams. Any thread.
class DurableTail {
 public:
  struct View {
    uint64_t position = 0;
    uint64_t bytes = 0;  // Encoded bytes of the log up to there.
    uint64_t timestamp_ns = 0;
    uint64_t accounts_unhashed = 0;  // As in NodeStatus.
    // This node's newest seal certificate, and the position that it certifies; null without one.
    std::shared_ptr<const ::hamisha::ledger::v1::Signed> certificate;
    uint64_t certificate_position = 0;
    bool closed = false;
  };

  void Set(View view);
  // Streams end now.
  void Close();
  // Makes Await() look at `cancelled` again.
  void Wake();

  View Get() const;
  // The same without the certificate, and without a lock: for threads that may be kept from their
  // processor for long, as what commits wait for must not be. Each of the three is true of itself;
  // together they may be of different moments, as far apart as the reader was kept between them.
  struct Counts {
    uint64_t position = 0;
    uint64_t bytes = 0;
    uint64_t timestamp_ns = 0;
  };
  Counts GetCounts() const {
    return {.position = position_, .bytes = bytes_, .timestamp_ns = timestamp_ns_};
  }
  // Waits until there is more than `position`, another certificate than `certificate_position`'s,
  // `cancelled` or the end; at most `timeout`.
  View Await(uint64_t position, uint64_t certificate_position, const std::atomic<bool>& cancelled,
             absl::Duration timeout);

 private:
  mutable absl::Mutex mutex_;
  absl::CondVar changed_;
  View view_ ABSL_GUARDED_BY(mutex_);
  std::atomic<uint64_t> position_ = 0;
  std::atomic<uint64_t> bytes_ = 0;
  std::atomic<uint64_t> timestamp_ns_ = 0;
};

}  // namespace ledger
