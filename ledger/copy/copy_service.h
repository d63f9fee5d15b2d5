#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "base/work_queue.h"
#include "hamisha/ledger/v1/copy.grpc.pb.h"
#include "ledger/copy/exports.h"
#include "ledger/copy/snapshot_requests.h"
#include "ledger/copy/throttle.h"

namespace ledger {

namespace pb = ::hamisha::ledger::v1;

// What the source's side of copies works with; all must outlive the server.
struct CopyParts {
  Exports& exports;
  Throttle& throttle;
  const Snapshots& snapshots;
  const Log& log;
  const base::Clock& clock;
  // What is durable in the log. Any thread.
  std::function<::hamisha::ledger::v1::SourceTail()> tail;
  SnapshotRequests::Take take_snapshot;  // Any thread.
  base::FileSystem& files;
  const std::set<std::string> followers;  // Node ids: who may copy.
};

// hamisha/ledger/v1/copy.proto, with pieces as they come to the disk.
using CopiesWithRawPieces =
    pb::Copies::WithCallbackMethod_BeginCopy<pb::Copies::WithRawCallbackMethod_ReadCopy<
        pb::Copies::WithCallbackMethod_EndCopy<pb::Copies::WithCallbackMethod_SetCopyLimits<
            pb::Copies::WithCallbackMethod_GetCopyLimits<pb::Copies::Service>>>>>;

class CopyService final : public CopiesWithRawPieces {
 public:
  explicit CopyService(CopyParts parts)
      : parts_(std::move(parts)), snapshots_(parts_.take_snapshot, parts_.clock) {}

  using Reactor = grpc::ServerUnaryReactor;
  using Context = grpc::CallbackServerContext;
  Reactor* BeginCopy(Context* context, const pb::BeginCopyRequest* request,
                     pb::BeginCopyResponse* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* ReadCopy(Context* context,
                                                       const grpc::ByteBuffer* request) override;
  Reactor* EndCopy(Context* context, const pb::EndCopyRequest* request,
                   pb::EndCopyResponse* response) override;
  Reactor* SetCopyLimits(Context* context, const pb::CopyLimits* request,
                         pb::CopyLimits* response) override;
  Reactor* GetCopyLimits(Context* context, const pb::GetCopyLimitsRequest* request,
                         pb::CopyLimits* response) override;

  // That node has read all of the log: what it copied is not needed any more. Does not block.
  void CaughtUp(const std::string& follower);
  // That node pulls records: its copy is still wanted. Does not block.
  void Pulls(const std::string& follower) { parts_.exports.Pulls(follower); }
  pb::KeptCopies Kept() const { return parts_.exports.Kept(); }
  // Gives up what nobody has asked for for long. Not on a thread of gRPC.
  void DropUnasked();
  // Calls and streams end now; before the server is stopped.
  void Close();
  bool closed() const { return closed_; }
  const CopyParts& parts() const { return parts_; }
  std::atomic<int>& streams() { return streams_; }

 private:
  // When a snapshot was asked for for a follower, and last asked after.
  struct Asked {
    uint64_t position;  // Of the log's end at first.
    absl::Duration at;
  };

  // Answers with what `work` gives, which is done when its turn comes.
  Reactor* Later(Context* context, std::function<absl::Status()> work);
  absl::Status Begin(const pb::BeginCopyRequest& request, pb::BeginCopyResponse& response);
  // The position of a snapshot that is new enough for this copy; UNAVAILABLE while one is taken.
  absl::StatusOr<uint64_t> FreshSnapshot(const pb::BeginCopyRequest& request,
                                         const pb::SourceTail& tail)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(begin_mutex_);
  void Drop() ABSL_EXCLUSIVE_LOCKS_REQUIRED(begin_mutex_);
  void Answer(pb::CopyLimits& limits) const;

  const CopyParts parts_;
  std::atomic<bool> closed_ = false;
  std::atomic<int> streams_ = 0;
  SnapshotRequests snapshots_;

  absl::Mutex begin_mutex_;  // One copy begins, or is dropped, at a time.
  std::map<std::string, Asked> asked_ ABSL_GUARDED_BY(begin_mutex_);  // By follower.

  base::WorkQueue queue_;  // Last: its work uses the others.
};

}  // namespace ledger
