#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "benchmarks/common/folder.h"
#include "benchmarks/copy/other_site.h"
#include "hamisha/ledger/v1/copy.grpc.pb.h"
#include "hamisha/ledger/v1/node.grpc.pb.h"
#include "ledger/node/node.h"

namespace benchmarks {

// A source with accounts and transfers, and an empty target at another site that copies from it.
class CopyPair {
 public:
  // The folders that each gets one in.
  struct Parents {
    std::string source;
    std::string target;
  };
  static absl::StatusOr<std::unique_ptr<CopyPair>> Start(const Parents& parents, uint32_t streams,
                                                         std::unique_ptr<OtherSite> other_site);

  const std::string& source() const { return source_->address(); }
  absl::Status CreateAccounts(uint64_t count);
  // So that the copy need not wait for one.
  absl::Status TakeSnapshot();
  // Starts the target at the other site, and lets it follow.
  absl::Status Follow();

  // Lets nothing of a copy go, as in quiet hours without a rate, or lets it go on.
  absl::Status HoldCopy(bool is_held);

  OtherSite& other_site() { return *other_site_; }

  absl::StatusOr<hamisha::ledger::v1::NodeStatus> SourceStatus() const;
  // UNAVAILABLE while the target is opened with its copy.
  absl::StatusOr<hamisha::ledger::v1::NodeStatus> TargetStatus() const;
  // Once the target has said that all is there.
  bool IsCopied() const;
  uint64_t copied_bytes() const;
  uint64_t sent_again_bytes() const;

 private:
  CopyPair(std::unique_ptr<Folder> source, std::unique_ptr<Folder> target,
           std::unique_ptr<OtherSite> other_site)
      : source_folder_(std::move(source)),
        target_folder_(std::move(target)),
        other_site_(std::move(other_site)) {}
  absl::Status Prepare(uint32_t streams);
  void Hear(const std::string& sentence);

  const std::unique_ptr<Folder> source_folder_;
  const std::unique_ptr<Folder> target_folder_;
  ledger::NodeOptions source_options_;
  hamisha::ledger::v1::NodeConfig target_config_;
  std::unique_ptr<ledger::LedgerNode> source_;
  std::unique_ptr<hamisha::ledger::v1::Node::Stub> source_node_;
  std::unique_ptr<hamisha::ledger::v1::Node::Stub> target_node_;

  mutable absl::Mutex mutex_;
  bool is_copied_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t copied_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t sent_again_bytes_ ABSL_GUARDED_BY(mutex_) = 0;

  const std::unique_ptr<OtherSite> other_site_;  // Last: it tells Hear().
};

}  // namespace benchmarks
