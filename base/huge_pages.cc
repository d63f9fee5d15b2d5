#include "base/huge_pages.h"

#include <sys/mman.h>

#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "base/invariant.h"

namespace base {
namespace {

char* Map(bool is_huge) {
  // Twice as much has an aligned part; the rest goes back.
  void* const mapped = ::mmap(nullptr, 2 * kHugePageBytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  INVARIANT(mapped != MAP_FAILED);
  char* const begin = static_cast<char*>(mapped);
  const size_t past = reinterpret_cast<uintptr_t>(begin) % kHugePageBytes;
  const size_t before = past == 0 ? 0 : kHugePageBytes - past;
  if (before > 0) ::munmap(begin, before);
  ::munmap(begin + before + kHugePageBytes, kHugePageBytes - before);
  if (is_huge) ::madvise(begin + before, kHugePageBytes, MADV_HUGEPAGE);
  return begin + before;
}

void Touch(char* page) {
  constexpr size_t kPageBytes = 4'096;
  for (size_t at = 0; at < kHugePageBytes; at += kPageBytes) {
    static_cast<volatile char*>(page)[at] = 0;
  }
}

// Some pages that are all there, made by a thread of its own while others use theirs.
class ReadyPages {
 public:
  ReadyPages() : thread_([this] { Refill(); }) {}
  ~ReadyPages() {
    {
      const absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    thread_.join();
  }

  HugePage Take() {
    {
      const absl::MutexLock lock(&mutex_);
      wanted_ = kReady;
      if (!ready_.empty()) {
        HugePage page = std::move(ready_.back());
        ready_.pop_back();
        return page;
      }
    }
    return HugePage(Map(true));
  }

 private:
  static constexpr size_t kReady = 8;

  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || ready_.size() < wanted_;
  }

  void Refill() {
    while (true) {
      {
        const absl::MutexLock lock(&mutex_);
        mutex_.Await(absl::Condition(this, &ReadyPages::HasWork));
        if (stopping_) return;
      }
      HugePage page(Map(true));
      Touch(static_cast<char*>(page.get()));
      const absl::MutexLock lock(&mutex_);
      ready_.push_back(std::move(page));
    }
  }

  absl::Mutex mutex_;
  std::vector<HugePage> ready_ ABSL_GUARDED_BY(mutex_);
  size_t wanted_ ABSL_GUARDED_BY(mutex_) = 0;  // None before the first is taken.
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace

void HugePageDeleter::operator()(void* memory) const { ::munmap(memory, kHugePageBytes); }

HugePage AllocateHugePage(bool is_huge) {
  if (!is_huge) return HugePage(Map(false));
  static ReadyPages ready;
  return ready.Take();
}

}  // namespace base
