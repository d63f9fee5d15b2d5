#pragma once

#include <functional>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/work_queue.h"
#include "hamisha/ledger/v1/node.grpc.pb.h"

namespace ledger {

// Tries whether this node could follow another of its shard: Node.TryFollow. Each try dials anew,
// so that it says what a follower would meet, and changes nothing. One after the other, on a thread
// of their own. Any thread may call.
class FollowTrials {
 public:
  struct Parts {
    std::string self;  // Node id.
    uint32_t shard = 0;
    std::map<std::string, std::string> addresses;  // Node id → host:port.
    const base::Clock* clock = nullptr;
  };
  using Done =
      std::function<void(const absl::StatusOr<hamisha::ledger::v1::TryFollowResponse>& found)>;

  explicit FollowTrials(Parts parts) : parts_(std::move(parts)) {}
  ~FollowTrials() { Stop(); }

  // `done` is called once, on any thread.
  void Try(const hamisha::ledger::v1::TryFollowRequest& request, Done done);
  // Ends the try that is under way; those that wait are answered UNAVAILABLE.
  void Stop();

 private:
  absl::StatusOr<hamisha::ledger::v1::TryFollowResponse> Run(
      const hamisha::ledger::v1::TryFollowRequest& request);
  // `call` is given a context that ends at `deadline` or when this is stopped.
  absl::Status Call(absl::Time deadline,
                    const std::function<grpc::Status(grpc::ClientContext&)>& call);

  const Parts parts_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::ClientContext* calling_ ABSL_GUARDED_BY(mutex_) = nullptr;
  base::WorkQueue tries_;  // Last: uses all of the above.
};

}  // namespace ledger
