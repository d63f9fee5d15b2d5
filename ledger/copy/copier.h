#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "hamisha/ledger/v1/copy.grpc.pb.h"
#include "hamisha/ledger/v1/node.pb.h"
#include "ledger/copy/incoming.h"
#include "ledger/copy/piece_plan.h"
#include "ledger/copy/piece_queue.h"

namespace ledger {

struct CopierOptions {
  base::FileSystem* files = nullptr;  // Must outlive it, as the clock.
  const base::Clock* clock = nullptr;
  std::string self;  // Node id.
  uint32_t shard = 0;
  std::string data_dir;
  uint64_t log_bytes = 0;  // A whole log of at most so many is read instead.
  uint32_t streams = 0;
  std::function<void(const std::string&)> say;
  // What the source says is durable there. On a thread of the copier.
  std::function<void(const pb::SourceTail&)> on_tail = {};
  std::function<void()> on_piece = {};  // One more is there. Likewise.
};

// Copies the snapshot and history of another node into this one's data folder, in several streams,
// and goes on where it was after every break, also of this process.
class Copier {
 public:
  enum class End { kReadTheLog, kWhole };

  explicit Copier(CopierOptions options) : options_(std::move(options)) {}

  // One try: until all is there and FinishCopy() can be called, or something breaks, or soon after
  // `cancelled` and Wake(). kReadTheLog when the source has nothing that is worth it. No error is
  // final: what came is kept. One thread at a time.
  absl::StatusOr<End> Run(const std::string& source, const std::string& address,
                          const std::atomic<bool>& cancelled);
  // Makes Run() look at `cancelled` again. Any thread.
  void Wake();
  // None while there is no copy. Any thread.
  std::optional<pb::CopyProgress> progress() const;

 private:
  using Taken = std::vector<PiecePlan::Number>;

  absl::StatusOr<bool> Begin(pb::Copies::Stub& stub, const std::string& source);
  absl::Status Pull(const std::string& address, const std::atomic<bool>& cancelled);
  void EndStreams(std::vector<std::thread>& streams);
  void Stream(const std::string& address, const std::atomic<bool>& cancelled);
  absl::Status Fetch(const std::shared_ptr<grpc::Channel>& channel, const Taken& taken);
  std::vector<Piece> PiecesOf(const Taken& taken) const;
  // Writes what is received until there is no more, or it cannot be written.
  absl::Status Keep(const Taken& taken, PieceQueue& received, grpc::ClientContext& context);
  absl::Status Write(const ReceivedPiece& received, PiecePlan::Number number);
  absl::Status SaveWritten();
  // Once the snapshot is on the disk; while the rest still comes.
  void CheckSnapshotSoon();
  absl::Status Finish(pb::Copies::Stub& stub);
  // Of a snapshot that came as it was sent and does not hold.
  absl::Status Damaged(const absl::Status& found);
  void Trouble(const absl::Status& status);

  // A call that Wake() and errors can end.
  class Call;

  const CopierOptions options_;
  std::unique_ptr<Incoming> incoming_;  // Run()'s; its Write() also the streams'.
  // Of incoming_, so it must be there as long.
  std::future<absl::Status> snapshot_check_;
  std::atomic<bool> is_check_in_vain_ = false;
  struct DamagedSnapshot {
    std::string source;
    uint64_t position = 0;
  } damaged_;  // The last that came so. Run()'s.

  mutable absl::Mutex mutex_;
  absl::CondVar changed_;
  std::optional<PiecePlan> plan_ ABSL_GUARDED_BY(mutex_);
  pb::CopyManifest manifest_ ABSL_GUARDED_BY(mutex_);
  std::set<grpc::ClientContext*> calls_ ABSL_GUARDED_BY(mutex_);
  absl::Status broken_ ABSL_GUARDED_BY(mutex_);
  bool is_cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool streams_end_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t there_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // Written or durable.
  uint64_t unsaved_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t sent_again_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string trouble_ ABSL_GUARDED_BY(mutex_);
  pb::CopyPacing pacing_ ABSL_GUARDED_BY(mutex_);  // As the source last said.
  // When how much was there, of the last seconds.
  mutable std::deque<std::pair<absl::Duration, uint64_t>> marks_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ledger
