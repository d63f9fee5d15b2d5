#include "ledger/node/root_keeper.h"

#include <algorithm>
#include <utility>

#include "base/invariant.h"
#include "base/priority.h"

namespace ledger {
namespace {

constexpr size_t kRootsKept = 64;
constexpr int kRestsOfWork = 9;
// So that who is written to goes first where processors are few; a third of one is still left then.
constexpr int kNice = 5;

}  // namespace

// A thread that became ready meanwhile need not wait for the machine's next tick, some 4 ms.
RootKeeper::RootKeeper(const base::Clock& clock) : clock_(clock), tree_(std::this_thread::yield) {
  thread_ = std::thread([this] { Loop(); });
}

RootKeeper::~RootKeeper() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void RootKeeper::Give(DirtyState& dirty) { Enqueue(dirty, 0, nullptr); }

void RootKeeper::GiveCut(DirtyState& dirty, uint64_t position, std::shared_ptr<KeptTree> tree) {
  INVARIANT(dirty.is_all && position > 0);
  Enqueue(dirty, position, std::move(tree));
}

void RootKeeper::Enqueue(DirtyState& dirty, uint64_t position, std::shared_ptr<KeptTree> tree) {
  const absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &RootKeeper::HasRoom));
  queue_.push_back({.dirty = std::move(dirty), .position = position, .tree = std::move(tree)});
  dirty = std::exchange(spare_, {});
  if (position == 0) return;
  roots_[position].reset();
  if (roots_.size() > kRootsKept) roots_.erase(roots_.begin());
}

bool RootKeeper::IsIdle() const {
  const absl::MutexLock lock(&mutex_);
  return queue_.empty();
}

absl::Duration RootKeeper::rests_until() const {
  const absl::MutexLock lock(&mutex_);
  return rests_until_;
}

std::optional<base::Hash256> RootKeeper::Known(uint64_t position) const {
  const auto root = roots_.find(position);
  return root == roots_.end() ? std::nullopt : root->second;
}

std::optional<base::Hash256> RootKeeper::Find(uint64_t position) const {
  const absl::MutexLock lock(&mutex_);
  return Known(position);
}

std::optional<base::Hash256> RootKeeper::Await(uint64_t position) const {
  const auto is_settled = [this, position]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto root = roots_.find(position);
    return root == roots_.end() || root->second.has_value();
  };
  const absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&is_settled));
  return Known(position);
}

void RootKeeper::Loop() {
  const auto has_work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !queue_.empty();
  };
  base::LowerPriority(kNice);
  while (true) {
    Work* work = nullptr;
    {
      const absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&has_work));
      if (stopping_) return;
      work = &queue_.front();  // Stays where it is while others come behind it.
    }
    const absl::Duration start = clock_.MonotonicNow();
    const absl::Duration used = base::ThreadProcessorTime();
    tree_.Update(work->dirty);
    const base::Hash256 root = tree_.Root();
    if (work->tree != nullptr) work->tree->Set(tree_.Digests());
    const absl::Duration end = clock_.MonotonicNow();
    // Where others keep the processors busy it waits for most of the time, which is no work.
    const absl::Duration worked = std::min(end - start, base::ThreadProcessorTime() - used);
    const absl::MutexLock lock(&mutex_);
    const auto waits = roots_.find(work->position);
    if (waits != roots_.end()) waits->second = root;
    rests_until_ = end + kRestsOfWork * worked;
    spare_ = std::move(work->dirty);
    queue_.pop_front();
  }
}

}  // namespace ledger
