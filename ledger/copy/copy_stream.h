#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "hamisha/ledger/v1/copy.grpc.pb.h"
#include "ledger/copy/buffer_pool.h"
#include "ledger/copy/exports.h"
#include "ledger/copy/piece_codec.h"
#include "ledger/copy/piece_file.h"
#include "ledger/storage/aligned_buffer.h"

namespace ledger {

class CopyService;

// One of a follower's streams of pieces: reads and packs the next while the last is being sent, on
// a thread of its own; deletes itself when the call is over, before the server is.
class CopyStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  // Both take over one of the service's count of streams.
  static CopyStream* Start(const pb::ReadCopyRequest& request, CopyService& service);
  static CopyStream* Refuse(const absl::Status& why, CopyService& service);

 private:
  CopyStream(const pb::ReadCopyRequest& request, CopyService& service);
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  absl::Status Stream();
  absl::Status SendRange(const pb::CopyRange& range);
  absl::Status Send(const Piece& piece);
  absl::Status OpenFile(uint32_t file);
  // Until the last chunk has gone; false when the follower has.
  bool AwaitWritten();

  const pb::ReadCopyRequest request_;
  CopyService& service_;
  std::shared_ptr<Export> export_;
  std::atomic<bool> is_over_ = false;  // Cancelled, or the node is stopping.

  std::optional<uint32_t> file_;
  std::unique_ptr<PieceFile> opened_;
  PieceEncoder encoder_;
  const std::shared_ptr<BufferPool> buffers_ = BufferPool::Create();
  grpc::ByteBuffer message_;  // That is being sent.

  absl::Mutex mutex_;
  bool is_writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_broken_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace ledger
