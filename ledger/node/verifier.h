#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "hamisha/ledger/v1/verification.grpc.pb.h"
#include "ledger/node/challenger.h"
#include "ledger/node/follower.h"
#include "ledger/node/writer.h"

namespace ledger {

// What the verifier works with; all must outlive it.
struct VerifierParts {
  std::string self;
  uint32_t shard;
  std::map<std::string, std::string> addresses;  // Node id → host:port.
  Writer& writer;
  const Follower& follower;
  const Challenger& challenger;
  const base::Clock* clock;
};

// Compares all state of this node with that of the primary it follows, on a thread of its own: a
// challenge, and when the digests differ a search for the first accounts that do. One at a time.
// Any thread may ask.
class Verifier {
 public:
  using Done = std::function<void(const absl::StatusOr<pb::VerifyAgainstResponse>&)>;

  explicit Verifier(VerifierParts parts);
  ~Verifier();  // As Stop().

  // ABORTED while another is under way. DEADLINE_EXCEEDED when the time is over. What differs the
  // shard is told too, before the answer.
  void Verify(const pb::VerifyAgainstRequest& request, Done done);
  // The same behind what is under way.
  void VerifyNext(const pb::VerifyAgainstRequest& request, Done done);
  // Ends what is under way. Before the challenger is stopped.
  void Stop();

 private:
  struct Asked {
    pb::VerifyAgainstRequest request;
    Done done;
  };
  struct Peer {
    std::string node_id;
    std::unique_ptr<pb::Verification::Stub> stub;
    absl::Duration deadline;  // Monotonic.
  };

  void Loop();
  absl::StatusOr<pb::VerifyAgainstResponse> Run(const pb::VerifyAgainstRequest& request);
  absl::StatusOr<pb::ChallengeStarted> Start(const Peer& peer);
  absl::StatusOr<pb::ChallengeState> AwaitHere(const Peer& peer, const std::string& nonce);
  absl::StatusOr<pb::ChallengeState> AwaitThere(const Peer& peer, const std::string& nonce);
  absl::Status Search(const Peer& peer, pb::VerifyAgainstResponse& response);
  absl::Status CheckGoesOn(const Peer& peer) const;
  template <typename Method, typename Request, typename Response>
  absl::Status Call(const Peer& peer, Method method, const Request& request, Response& response);

  const VerifierParts parts_;
  mutable absl::Mutex mutex_;
  std::deque<Asked> asked_ ABSL_GUARDED_BY(mutex_);
  bool is_busy_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::ClientContext* calling_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::thread thread_;
};

}  // namespace ledger
