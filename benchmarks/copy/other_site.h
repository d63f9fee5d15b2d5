#pragma once

#include <sys/types.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "hamisha/ledger/v1/node.pb.h"
#include "lab/relay/pacer.h"

namespace benchmarks {

// The target and the link to it. They stand for other machines, so they are a process of their own,
// which has a processor when this one leaves it: gRPC's threads of one process read each other's
// connections, and a machine of few cores is the source's first.
class OtherSite {
 public:
  // While this program has no other thread yet. Without options for it there is no link.
  static absl::StatusOr<std::unique_ptr<OtherSite>> Fork(std::optional<lab::LinkOptions> link);
  ~OtherSite();  // Ends what was started.
  OtherSite(const OtherSite&) = delete;
  OtherSite& operator=(const OtherSite&) = delete;

  // Starts a node, which reaches the first of its members over the link, and returns its address.
  // `hear` is told each sentence that it says, on a thread of this object. Once.
  absl::StatusOr<std::string> Start(const hamisha::ledger::v1::NodeConfig& config,
                                    std::function<void(const std::string&)> hear);
  void CutLink() { Order("cut"); }
  void HealLink() { Order("heal"); }

 private:
  OtherSite(pid_t process, int connection);
  void Order(absl::string_view line) const;
  void Listen(const std::function<void(const std::string&)>& hear);

  const pid_t process_;
  const int connection_;
  std::thread listening_;

  absl::Mutex mutex_;
  std::optional<absl::StatusOr<std::string>> address_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace benchmarks
