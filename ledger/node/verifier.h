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
  // What people should know, a sentence each.
  std::function<void(const std::string&)> say;
};

// Compares all state of this node with that of the primary it follows, on a thread of its own: a
// challenge, and when the digests differ a search for the first accounts that do. One at a time.
// Any thread may ask.
class Verifier {
 public:
  using Done = std::function<void(const absl::StatusOr<pb::VerifyAgainstResponse>&)>;

  explicit Verifier(VerifierParts parts);
  ~Verifier();  // As Stop().

  // ABORTED while another is under way, or when another challenge took its place.
  // FAILED_PRECONDITION when this node does not follow the other. DEADLINE_EXCEEDED when the time
  // is over, CANCELLED when nobody wants to know any more. That the digests differ the shard is
  // told at once, and what differs before the answer; where the search for it fails the answer says
  // so.
  void Verify(const pb::VerifyAgainstRequest& request, Done done,
              std::function<bool()> is_cancelled = {});
  // Where the states differ, which a state root in the log has shown: the same behind what is under
  // way, and before all is hashed the shard is told what the trees of the roots tell.
  void FindDifference(const pb::VerifyAgainstRequest& request, Done done);
  // Ends what is under way. Before the challenger is stopped.
  void Stop();

 private:
  struct Asked {
    pb::VerifyAgainstRequest request;
    Done done;
    std::function<bool()> is_cancelled;
    bool has_difference = false;  // In the trees.
    absl::Duration asked_at;      // Monotonic.
  };
  struct Peer {
    std::string node_id;
    std::unique_ptr<pb::Verification::Stub> stub;
    absl::Duration deadline;  // Monotonic.
    std::function<bool()> is_cancelled;
  };

  void Loop();
  absl::StatusOr<pb::VerifyAgainstResponse> Run(const Asked& asked);
  absl::StatusOr<Peer> PeerOf(const Asked& asked) const;
  absl::StatusOr<pb::ChallengeStarted> Start(const Peer& peer, bool keeps_tree);
  // Again while the other still hashes for somebody else.
  absl::StatusOr<pb::ChallengeStarted> StartAtLast(const Peer& peer);
  absl::Status AwaitBoth(const Peer& peer, const std::string& nonce,
                         pb::VerifyAgainstResponse& response);
  absl::Status LookHere(const std::string& nonce, pb::ChallengeState& here);
  absl::Status AskThere(const Peer& peer, const std::string& nonce, pb::ChallengeState& there);
  // By the trees, as soon as both are there.
  absl::StatusOr<FoundDifferences> AwaitTrees(const Peer& peer, const std::string& nonce);
  absl::StatusOr<FoundDifferences> SearchTrees(const Peer& peer, const std::string& nonce);
  // False when they tell nothing.
  absl::StatusOr<bool> TellByTrees(const Asked& asked, const Peer& peer,
                                   const pb::ChallengeStarted& started);
  ImageSide Here(pb::ChallengeState state) const;
  ImageSide There(const Peer& peer, pb::ChallengeState state);
  std::string Describe(const Peer& peer, const FoundDifferences& found) const;
  // The digests differ: says where, as far as that can be found.
  void Search(const Peer& peer, pb::VerifyAgainstResponse& response);
  absl::Status FindRows(const Peer& peer, pb::VerifyAgainstResponse& response);
  absl::Status Distrust(std::string why);
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
