#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "benchmarks/common/folder.h"
#include "hamisha/ledger/v1/node.grpc.pb.h"
#include "ledger/node/node.h"

namespace benchmarks {

// A source with accounts and transfers, and an empty target that copies from it, in this program.
class NodePair {
 public:
  struct Options {
    // The folders that each gets one in.
    std::string source_parent;
    std::string target_parent;
    uint32_t streams = 4;
    // Else the target pulls the log from its first record on, and both logs stay whole.
    bool copies = true;
    bool has_lab_faults = false;                   // At the target.
    std::function<void(const std::string&)> hear;  // What the target says; any thread.
  };
  static absl::StatusOr<std::unique_ptr<NodePair>> Start(Options options);

  const std::string& source() const { return source_->address(); }
  const std::string& target() const { return target_->address(); }
  const std::string& source_data_dir() const { return source_options_.config.data_dir(); }
  const std::string& target_data_dir() const { return target_options_.config.data_dir(); }
  absl::Status CreateAccounts(uint64_t count);
  // So that the copy need not wait for one.
  absl::Status TakeSnapshot();
  // Starts the target, which reaches the source at `address`, and lets it follow.
  absl::Status Follow(const std::string& address);
  // Has its state read back; it follows on. Its address is another one then.
  absl::Status RestartTarget();
  // Once, at the end: to look at what they leave.
  void Stop();

  absl::StatusOr<hamisha::ledger::v1::NodeStatus> SourceStatus() const;
  // UNAVAILABLE while the target is opened with its copy.
  absl::StatusOr<hamisha::ledger::v1::NodeStatus> TargetStatus() const;
  // Once the target has said that all is there.
  bool IsCopied() const;
  uint64_t copied_bytes() const;
  uint64_t sent_again_bytes() const;

 private:
  NodePair(Options options, std::unique_ptr<Folder> source, std::unique_ptr<Folder> target)
      : options_(std::move(options)),
        source_folder_(std::move(source)),
        target_folder_(std::move(target)) {}
  absl::Status Prepare();
  absl::Status StartTarget();
  void Hear(const std::string& sentence);

  const Options options_;
  const std::unique_ptr<Folder> source_folder_;
  const std::unique_ptr<Folder> target_folder_;
  ledger::NodeOptions source_options_;
  ledger::NodeOptions target_options_;
  std::unique_ptr<ledger::LedgerNode> source_;
  std::unique_ptr<ledger::LedgerNode> target_;
  std::unique_ptr<hamisha::ledger::v1::Node::Stub> source_node_;
  std::unique_ptr<hamisha::ledger::v1::Node::Stub> target_node_;

  mutable absl::Mutex mutex_;
  bool is_copied_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t copied_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t sent_again_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace benchmarks
