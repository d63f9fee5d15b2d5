#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "hamisha/ledger/v1/ledger.pb.h"

namespace ledger {

namespace pb = ::hamisha::ledger::v1;

// For many threads that each create a few transfers at a time: what comes while calls are under way
// goes into the next call together. Whoever finds that one more may be under way sends for all that
// wait; it takes no thread of its own. Requests are merged whole and in the order in which they
// came, and each is answered as if it had been alone: a merged call that is refused for one
// request's sake is sent again in its parts. Its commits are those of the call.
//
// Safe for any thread; the calling thread blocks.
class MergingClient {
 public:
  // As Client::CreateTransfers, which it is. Any thread.
  using Send = std::function<absl::StatusOr<pb::CreateResponse>(const pb::CreateTransfersRequest&)>;
  // `calls_max`: under way at once. Two keep a node busy: one executes while one is synced.
  explicit MergingClient(Send send, size_t calls_max = 2);

  absl::StatusOr<pb::CreateResponse> CreateTransfers(const pb::CreateTransfersRequest& request);
  // Requests that are in no call yet.
  size_t waiting() {
    const absl::MutexLock lock(&mutex_);
    return waiting_.size();
  }

 private:
  struct Waiting {
    explicit Waiting(const pb::CreateTransfersRequest& asked) : request(asked) {}
    const pb::CreateTransfersRequest& request;
    absl::StatusOr<pb::CreateResponse> result = absl::UnknownError("");
    bool is_taken = false;
    bool is_done = false;
    absl::CondVar changed;  // It is done, or may be the one to send.
  };

  bool MayLead() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return calls_ < calls_max_ && !waiting_.empty();
  }
  std::vector<Waiting*> Take() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SendMerged(const std::vector<Waiting*>& taken) const;

  const Send send_;
  const size_t calls_max_;
  absl::Mutex mutex_;
  std::deque<Waiting*> waiting_ ABSL_GUARDED_BY(mutex_);
  size_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace ledger
