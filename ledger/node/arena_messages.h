#pragma once

#include <google/protobuf/arena.h>
#include <grpcpp/support/message_allocator.h>

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace ledger {

// Gives a call's messages from an arena that is used again and again: a batch of 8,190 transfers is
// some 30,000 messages, which cost as much to allocate one by one as to commit. Must outlive the
// server. Any thread.
template <typename Request, typename Response>
class ArenaMessages final : public grpc::MessageAllocator<Request, Response> {
 public:
  ArenaMessages() = default;

  grpc::MessageHolder<Request, Response>* AllocateMessages() override {
    {
      const absl::MutexLock lock(&mutex_);
      if (!free_.empty()) {
        Holder* const holder = free_.back().release();
        free_.pop_back();
        return holder;
      }
    }
    return new Holder(*this);
  }

 private:
  static constexpr size_t kBlockBytes = 4 << 20;  // Memory is used only as far as it is touched.
  static constexpr size_t kFreeMax = 16;

  class Holder final : public grpc::MessageHolder<Request, Response> {
   public:
    explicit Holder(ArenaMessages& owner)
        : owner_(owner), block_(new char[kBlockBytes]), arena_(block_.get(), kBlockBytes) {
      CreateMessages();
    }
    void Release() override {
      arena_.Reset();
      CreateMessages();
      owner_.GiveBack(std::unique_ptr<Holder>(this));
    }

   private:
    void CreateMessages() {
      this->set_request(google::protobuf::Arena::CreateMessage<Request>(&arena_));
      this->set_response(google::protobuf::Arena::CreateMessage<Response>(&arena_));
    }

    ArenaMessages& owner_;
    const std::unique_ptr<char[]> block_;
    google::protobuf::Arena arena_;
  };

  void GiveBack(std::unique_ptr<Holder> holder) {
    const absl::MutexLock lock(&mutex_);
    if (free_.size() < kFreeMax) free_.push_back(std::move(holder));
  }

  absl::Mutex mutex_;
  std::vector<std::unique_ptr<Holder>> free_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ledger
