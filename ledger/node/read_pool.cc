#include "ledger/node/read_pool.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace ledger {

ReadPool::ReadPool(size_t threads, size_t waiting_max) : waiting_max_(waiting_max) {
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Loop(); });
}

ReadPool::~ReadPool() { Stop(); }

absl::Status ReadPool::Submit(std::function<void()> read) {
  const absl::MutexLock lock(&mutex_);
  if (stopping_) return absl::UnavailableError("the node is stopping");
  if (waiting_.size() >= waiting_max_) {
    return absl::ResourceExhaustedError(absl::StrCat("the node is busy: ", waiting_.size(),
                                                     " reads of history wait; ask again later"));
  }
  waiting_.push_back(std::move(read));
  return absl::OkStatus();
}

void ReadPool::Stop() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void ReadPool::Loop() {
  const auto has_work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !waiting_.empty();
  };
  while (true) {
    std::function<void()> read;
    {
      const absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&has_work));
      if (waiting_.empty()) return;
      read = std::move(waiting_.front());
      waiting_.pop_front();
    }
    read();
  }
}

}  // namespace ledger
