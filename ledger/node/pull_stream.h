#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "hamisha/ledger/v1/node.grpc.pb.h"
#include "ledger/node/durable_tail.h"
#include "ledger/storage/log.h"

namespace ledger {

// One follower's stream of durable records: those that are there, then new ones, for ever. Reads
// the log on a thread of its own; deletes itself when the call is over, before the server is.
class PullStream final : public grpc::ServerWriteReactor<::hamisha::ledger::v1::RecordChunk> {
 public:
  // `log`, `tail` and `count` must outlive the server. `count` is that of the streams.
  static PullStream* Start(const ::hamisha::ledger::v1::PullRequest& request, Log& log,
                           DurableTail& tail, std::atomic<int>& count);

 private:
  PullStream(const ::hamisha::ledger::v1::PullRequest& request, Log& log, DurableTail& tail,
             std::atomic<int>& count);
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  absl::Status Stream();
  absl::Status CheckHolds() const;
  absl::Status FillChunk(LogReader& reader);
  bool Write();

  const ::hamisha::ledger::v1::PullRequest request_;
  Log& log_;
  DurableTail& tail_;
  std::atomic<int>& count_;
  std::atomic<bool> is_cancelled_ = false;

  ::hamisha::ledger::v1::RecordChunk chunk_;
  uint64_t sent_position_;
  uint64_t sent_certificate_position_ = 0;

  absl::Mutex mutex_;
  bool is_writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_broken_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace ledger
