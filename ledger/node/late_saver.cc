#include "ledger/node/late_saver.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace ledger {

LateSaver::LateSaver(std::function<void(const std::string&)> say) : say_(std::move(say)) {
  thread_ = std::thread([this] { Loop(); });
}

LateSaver::~LateSaver() { Stop(); }

void LateSaver::Post(Save save) {
  const absl::MutexLock lock(&mutex_);
  if (!stopping_) posted_.push_back(std::move(save));
}

void LateSaver::Stop() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void LateSaver::Loop() {
  const auto has_work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !posted_.empty();
  };
  while (true) {
    Save save;
    {
      const absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&has_work));
      if (posted_.empty()) return;
      save = std::move(posted_.front());
      posted_.pop_front();
    }
    const absl::Status status = save();
    if (!status.ok() && say_) {
      say_(absl::StrCat("could not be saved, and is known until the next start only: ",
                        status.message()));
    }
  }
}

}  // namespace ledger
