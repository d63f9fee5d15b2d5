#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

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
  // What streams work with; all must outlive the server.
  struct Parts {
    Log& log;
    DurableTail& tail;
    std::atomic<int>& count;  // Of the streams.
    // With each chunk: the follower is there. On the stream's thread, as the next.
    std::function<void(const std::string& follower)> pulls;
    // A stream has given its follower all that there was. Once.
    std::function<void(const std::string& follower)> caught_up;
  };
  static PullStream* Start(const ::hamisha::ledger::v1::PullRequest& request, Parts parts);

 private:
  PullStream(const ::hamisha::ledger::v1::PullRequest& request, Parts parts);
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  absl::Status Stream();
  absl::Status CheckHolds() const;
  absl::Status FillChunk(LogReader& reader);
  bool Write();

  const ::hamisha::ledger::v1::PullRequest request_;
  const Parts parts_;
  bool is_caught_up_ = false;
  std::atomic<bool> is_cancelled_ = false;

  ::hamisha::ledger::v1::RecordChunk chunk_;
  uint64_t sent_position_;
  uint64_t sent_certificate_position_ = 0;

  absl::Mutex mutex_;
  bool is_writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_broken_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace ledger
