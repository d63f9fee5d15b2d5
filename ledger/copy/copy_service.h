#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "hamisha/ledger/v1/copy.grpc.pb.h"
#include "ledger/copy/exports.h"
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
  // Takes a snapshot and calls `done` once it is durable, or failed. Any thread.
  std::function<void(std::function<void(const absl::Status&)> done)> take_snapshot;
  base::FileSystem& files;
};

// hamisha/ledger/v1/copy.proto, with pieces as they come to the disk.
using CopiesWithRawPieces =
    pb::Copies::WithCallbackMethod_BeginCopy<pb::Copies::WithRawCallbackMethod_ReadCopy<
        pb::Copies::WithCallbackMethod_EndCopy<pb::Copies::WithCallbackMethod_SetCopyLimits<
            pb::Copies::WithCallbackMethod_GetCopyLimits<pb::Copies::Service>>>>>;

class CopyService final : public CopiesWithRawPieces {
 public:
  explicit CopyService(CopyParts parts) : parts_(std::move(parts)) {}

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

  // That node has read all of the log: what it copied is not needed any more. Not on a thread of
  // gRPC.
  void CaughtUp(const std::string& follower);
  // Gives up what nobody has asked for for long. Not on a thread of gRPC.
  void DropUnasked();
  // Streams end now; before the server is stopped.
  void Close();
  bool closed() const { return closed_; }
  const CopyParts& parts() const { return parts_; }
  std::atomic<int>& streams() { return streams_; }

 private:
  absl::Status Begin(const pb::BeginCopyRequest& request, pb::BeginCopyResponse& response);
  // The position of a snapshot that is new enough for this copy; UNAVAILABLE while one is taken.
  absl::StatusOr<uint64_t> FreshSnapshot(const std::string& copy_id, const pb::SourceTail& tail)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(begin_mutex_);

  const CopyParts parts_;
  std::atomic<bool> closed_ = false;
  std::atomic<int> streams_ = 0;

  absl::Mutex begin_mutex_;  // One copy begins, or ends, at a time.
  // Where the log was when a snapshot was asked for, by the copy that it is for.
  std::map<std::string, uint64_t> asked_ ABSL_GUARDED_BY(begin_mutex_);
  std::shared_ptr<std::atomic<bool>> is_taking_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace ledger
