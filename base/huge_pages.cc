#include "base/huge_pages.h"

#include <sys/mman.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

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
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  HugePage Take() {
    HugePage page;
    {
      const std::lock_guard lock(mutex_);
      wanted_ = kReady;
      if (!ready_.empty()) {
        page = std::move(ready_.back());
        ready_.pop_back();
      }
    }
    changed_.notify_one();
    return page != nullptr ? std::move(page) : HugePage(Map(true));
  }

 private:
  static constexpr size_t kReady = 8;

  void Refill() {
    while (true) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return stopping_ || ready_.size() < wanted_; });
        if (stopping_) return;
      }
      HugePage page(Map(true));
      Touch(static_cast<char*>(page.get()));
      const std::lock_guard lock(mutex_);
      ready_.push_back(std::move(page));
    }
  }

  // Not absl::Mutex: the thread sanitizer knows that one only in a library built with it.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<HugePage> ready_;  // This and what follows: guarded by mutex_.
  size_t wanted_ = 0;            // None before the first is taken.
  bool stopping_ = false;
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
