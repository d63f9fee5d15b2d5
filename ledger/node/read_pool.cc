#include "ledger/node/read_pool.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace ledger {

ReadPool::ReadPool(const ReadPoolOptions& options) : options_(options) {
  for (size_t i = 0; i < options.threads; ++i) threads_.emplace_back([this] { Loop(); });
}

ReadPool::~ReadPool() { Stop(); }

ReadPool::Room::Room(Room&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)), bytes_(other.bytes_) {}

ReadPool::Room::~Room() {
  if (pool_ == nullptr) return;
  const absl::MutexLock lock(&pool_->mutex_);
  pool_->reserved_bytes_ -= bytes_;
}

absl::StatusOr<ReadPool::Room> ReadPool::Reserve(uint64_t bytes) {
  const absl::MutexLock lock(&mutex_);
  if (bytes > options_.bytes_max || reserved_bytes_ > options_.bytes_max - bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the node is busy: answers of up to ", reserved_bytes_,
                     " bytes are under way, and this one may have ", bytes, " of the ",
                     options_.bytes_max, " that there may be; ask again later, or for less"));
  }
  reserved_bytes_ += bytes;
  return Room(*this, bytes);
}

absl::Status ReadPool::Submit(std::function<void()> read) {
  const absl::MutexLock lock(&mutex_);
  if (stopping_) return absl::UnavailableError("the node is stopping");
  if (waiting_.size() >= options_.waiting_max) {
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
