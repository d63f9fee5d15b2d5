#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "ledger/core/image_search.h"
#include "ledger/node/writer.h"

namespace ledger {

struct ChallengerOptions {
  size_t threads = 2;
  // How long what was hashed is kept for a search, from the last question about it.
  absl::Duration keep = absl::Seconds(15);
  const base::Clock* clock = &base::SystemClock();
};

// Hashes the state of a challenge's checkpoint on threads of low priority while writing goes on,
// and answers what was found: the digests of the newest few challenges, and of the newest what was
// hashed. One challenge at a time: a newer one takes the place of the one before. Any thread may
// ask.
class Challenger {
 public:
  // `writer` must outlive it.
  Challenger(Writer& writer, ChallengerOptions options);
  ~Challenger();  // As Stop().

  void Begin(ChallengedState state);
  bool is_hashing() const;

  // With an empty nonce of the newest. NOT_FOUND when this node knows nothing of it (any more);
  // ABORTED when another took its place before it was hashed.
  absl::StatusOr<pb::ChallengeState> Get(const std::string& nonce) const;
  // Waits until it is hashed; DEADLINE_EXCEEDED when it is not by then, ABORTED as above.
  absl::StatusOr<pb::ChallengeState> Await(const std::string& nonce, absl::Duration timeout) const;
  // NOT_FOUND too when what was hashed is no longer kept. Of the tree UNAVAILABLE while its hashes
  // are not there, FAILED_PRECONDITION when none are kept.
  absl::StatusOr<pb::ImagePart> Read(const pb::ReadImageRequest& request) const;

  // Before the writer is stopped.
  void Stop();

 private:
  struct Job {
    explicit Job(ChallengedState of) : state(std::move(of)) {}
    ChallengedState state;
    std::atomic<bool> is_prepared = false;  // Its image, so that rows may be read.
    std::unique_ptr<Challenge> challenge;
    std::atomic<size_t> parts = 0;
    std::atomic<size_t> next_part = 0;
    std::atomic<size_t> parts_done = 0;
    std::atomic<bool> is_cancelled = false;
    pb::ChallengeState result;  // Complete once it is finished.
    // Under the challenger's mutex.
    bool is_finished = false;
    absl::Duration asked = absl::ZeroDuration();  // The last question, monotonic time.
  };
  // One that is over.
  struct Past {
    pb::ChallengeState state;
    bool is_hashed = false;  // Else another took its place.
  };

  void Loop();
  void Hash(Job& job);
  void HashParts(Job& job);
  void Thaw(std::shared_ptr<Job> job);
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Until what was hashed may go.
  absl::Duration UntilGone(const Job& job) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteAsked(Job* job) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NotePast(const Job& job) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The one with the nonce, as far as there is one.
  Job* Find(const std::string& nonce) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static absl::StatusOr<pb::ImagePart> ReadTree(const Job& job,
                                                const pb::ReadImageRequest& request);
  const Past* FindPast(const std::string& nonce) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Writer& writer_;
  const ChallengerOptions options_;

  mutable absl::Mutex mutex_;
  std::shared_ptr<Job> next_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<Job> job_ ABSL_GUARDED_BY(mutex_);
  std::deque<Past> past_ ABSL_GUARDED_BY(mutex_);  // The newest few.
  std::string newest_ ABSL_GUARDED_BY(mutex_);     // Nonce.
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace ledger
