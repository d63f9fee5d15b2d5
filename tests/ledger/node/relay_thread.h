#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "lab/relay/relay.h"

namespace ledger {

// A link to the source's site, with a thread that moves what crosses it.
class RelayThread {
 public:
  explicit RelayThread(const lab::LinkOptions& options)
      : relay_(lab::Relay::Create(options, base::SystemClock()).value()) {
    thread_ = std::thread([this] {
      while (!stopping_) relay_->RunOnce(absl::Seconds(1));
    });
  }
  ~RelayThread() {
    stopping_ = true;
    relay_->Wake();
    thread_.join();
  }
  RelayThread(const RelayThread&) = delete;
  RelayThread& operator=(const RelayThread&) = delete;

  // The address at which those at the target reach `destination`.
  std::string Listen(const std::string& destination) {
    return relay_->Listen(lab::Site::kTarget, destination).value();
  }
  void Cut() { relay_->Cut(); }
  void Heal() { relay_->Heal(); }

 private:
  const std::unique_ptr<lab::Relay> relay_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace ledger
