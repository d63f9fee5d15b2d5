#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/hash.h"
#include "ledger/core/state_tree.h"

namespace ledger {

// Hashes of the tree at one cut, for who looks for where states differ. Any thread.
class KeptTree {
 public:
  // Null until they are there.
  const TreeDigests* Find() const { return is_known_ ? &digests_ : nullptr; }
  void Set(TreeDigests digests) {  // Once.
    digests_ = std::move(digests);
    is_known_ = true;
  }

 private:
  TreeDigests digests_;
  std::atomic<bool> is_known_ = false;
};

// Finds the state roots of one shard on a thread of its own, beside writing: takes what changed, in
// order, and says the root at positions where that was all. Any thread.
class RootKeeper {
 public:
  // The clock must outlive it.
  explicit RootKeeper(const base::Clock& clock = base::SystemClock());
  ~RootKeeper();  // What waits is given up.

  // A part of what changed; more follows. `dirty` becomes another one whose memory may be used
  // again. Waits while another part already waits.
  void Give(DirtyState& dirty);
  // All that had changed since when `position` was reached: a cut. What the tree is then goes into
  // `tree`, as far as there is one.
  void GiveCut(DirtyState& dirty, uint64_t position, std::shared_ptr<KeptTree> tree = nullptr);

  // Nothing is being hashed, nor waits for it.
  bool IsIdle() const;
  // The clock's monotonic time up to which it should be left alone, so that it takes no more than
  // a tenth of a processor.
  absl::Duration rests_until() const;

  // The root of the cut at `position`; of a position that was cut twice, of the second one. Nothing
  // when it was not cut, or long ago. The first waits until it is known, the second says nothing
  // of a root that is not yet known.
  std::optional<base::Hash256> Await(uint64_t position) const;
  std::optional<base::Hash256> Find(uint64_t position) const;

 private:
  struct Work {
    DirtyState dirty;
    uint64_t position;  // 0: no cut.
    std::shared_ptr<KeptTree> tree;
  };

  void Enqueue(DirtyState& dirty, uint64_t position, std::shared_ptr<KeptTree> tree);
  void Loop();
  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return queue_.size() < 2; }
  std::optional<base::Hash256> Known(uint64_t position) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const base::Clock& clock_;
  StateTree tree_;  // The thread's.

  mutable absl::Mutex mutex_;
  std::deque<Work> queue_ ABSL_GUARDED_BY(mutex_);  // The first is being hashed.
  DirtyState spare_ ABSL_GUARDED_BY(mutex_);
  // Of cuts; nothing while it is not known.
  std::map<uint64_t, std::optional<base::Hash256>> roots_ ABSL_GUARDED_BY(mutex_);
  absl::Duration rests_until_ ABSL_GUARDED_BY(mutex_) = absl::ZeroDuration();
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace ledger
