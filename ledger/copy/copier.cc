#include "ledger/copy/copier.h"

#include <algorithm>
#include <thread>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "ledger/copy/piece_reader.h"
#include "rpc/rpc.h"

namespace ledger {
namespace {

constexpr uint32_t kStreamsByDefault = 4;
constexpr uint64_t kLogBytesByDefault = uint64_t{1} << 30;
// What a crash of this node makes come again, at most.
constexpr uint64_t kSaveBytes = 64 << 20;
constexpr absl::Duration kSaveEvery = absl::Seconds(2);
// Asked for at once: much, so that a round trip is small beside it, but a part of what is missing,
// so that the streams end together.
constexpr size_t kTakenMin = 4;
constexpr size_t kTakenMax = 512;
constexpr int kPieceMessageBytesMax = 2 << 20;
constexpr absl::Duration kLastQuestionTimeout = absl::Seconds(5);
constexpr absl::Duration kRateOver = absl::Seconds(5);

// Its place in a manifest that was checked.
uint32_t SnapshotIn(const pb::CopyManifest& manifest) {
  uint32_t file = 0;
  while (!absl::StartsWith(manifest.files(static_cast<int>(file)).name(), "snapshots/")) ++file;
  return file;
}

}  // namespace

class Copier::Call {
 public:
  explicit Call(Copier& copier) : copier_(copier) {
    const absl::MutexLock lock(&copier_.mutex_);
    copier_.calls_.insert(&context);
    if (copier_.is_cancelled_ || copier_.streams_end_) context.TryCancel();
  }
  ~Call() {
    const absl::MutexLock lock(&copier_.mutex_);
    copier_.calls_.erase(&context);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  grpc::ClientContext context;

 private:
  Copier& copier_;
};

absl::StatusOr<Copier::End> Copier::Run(const std::string& source, const std::string& address,
                                        const std::atomic<bool>& cancelled) {
  {
    const absl::MutexLock lock(&mutex_);
    is_cancelled_ = cancelled;
    is_check_in_vain_ = is_cancelled_;
    broken_ = absl::OkStatus();
    marks_.clear();
  }
  const absl::Cleanup close = [this] {
    is_check_in_vain_ = true;
    if (snapshot_check_.valid()) snapshot_check_.wait();
    snapshot_check_ = {};
    incoming_.reset();
  };
  const auto stub = pb::Copies::NewStub(rpc::ConnectForBulk(address));
  const absl::StatusOr<bool> offered = Begin(*stub, source);
  if (offered.ok() && !*offered) return End::kReadTheLog;
  absl::Status status = offered.status();
  if (status.ok()) status = Pull(address, cancelled);
  if (status.ok()) status = Finish(*stub);
  Trouble(status);
  if (!status.ok()) return absl::UnavailableError(std::string(status.message()));
  return End::kWhole;
}

void Copier::Wake() {
  const absl::MutexLock lock(&mutex_);
  is_cancelled_ = true;
  is_check_in_vain_ = true;
  for (grpc::ClientContext* const call : calls_) call->TryCancel();
  changed_.SignalAll();
}

void Copier::EndStreams(std::vector<std::thread>& streams) {
  {
    const absl::MutexLock lock(&mutex_);
    streams_end_ = true;
    for (grpc::ClientContext* const call : calls_) call->TryCancel();
  }
  for (std::thread& stream : streams) stream.join();
  const absl::MutexLock lock(&mutex_);
  streams_end_ = false;
}

void Copier::Trouble(const absl::Status& status) {
  const absl::MutexLock lock(&mutex_);
  trouble_ = std::string(status.message());
}

// False when there is nothing to copy.
absl::StatusOr<bool> Copier::Begin(pb::Copies::Stub& stub, const std::string& source) {
  ASSIGN_OR_RETURN(incoming_, Incoming::Open(*options_.files, options_.data_dir, source));
  pb::BeginCopyRequest request;
  request.set_follower(options_.self);
  request.set_copy_id(incoming_->copy_id());
  request.set_log_bytes(options_.log_bytes == 0 ? kLogBytesByDefault : options_.log_bytes);
  if (damaged_.source == source) request.set_damaged_position(damaged_.position);
  pb::BeginCopyResponse response;
  Call call(*this);
  const grpc::Status answer = stub.BeginCopy(&call.context, request, &response);
  if (answer.error_code() == grpc::UNIMPLEMENTED || (answer.ok() && !response.has_manifest())) {
    RETURN_IF_ERROR(incoming_->Discard());
    const absl::MutexLock lock(&mutex_);
    plan_.reset();
    trouble_.clear();
    return false;
  }
  RETURN_IF_ERROR(rpc::FromGrpc(answer));
  RETURN_IF_ERROR(CheckManifest(response.manifest(), options_.shard));
  RETURN_IF_ERROR(incoming_->Accept(response.manifest(), response.sent_bytes()));
  options_.on_tail(response.tail());
  const absl::MutexLock lock(&mutex_);
  manifest_ = response.manifest();
  plan_ = incoming_->Plan();
  there_bytes_ = plan_->durable_bytes();
  unsaved_bytes_ = 0;
  sent_again_bytes_ = incoming_->state().sent_again_bytes();
  trouble_.clear();
  return true;
}

absl::Status Copier::Pull(const std::string& address, const std::atomic<bool>& cancelled) {
  std::vector<std::thread> streams;
  const uint32_t count = options_.streams == 0 ? kStreamsByDefault : options_.streams;
  for (uint32_t i = 0; i < count; ++i) {
    streams.emplace_back([&] { Stream(address, cancelled); });
  }
  const absl::Cleanup end = [&] {
    EndStreams(streams);
    // What came after the last time is as good.
    SaveWritten().IgnoreError();
  };
  absl::Duration saved_at = options_.clock->MonotonicNow();
  while (true) {
    {
      const absl::MutexLock lock(&mutex_);
      const absl::Duration passed = options_.clock->MonotonicNow() - saved_at;
      const bool is_all = there_bytes_ == plan_->total_bytes();
      if (cancelled) return absl::CancelledError("told to follow another way");
      if (!broken_.ok()) return broken_;
      if (unsaved_bytes_ < kSaveBytes && passed < kSaveEvery && !is_all) {
        changed_.WaitWithTimeout(&mutex_, kSaveEvery - passed);
        continue;
      }
    }
    RETURN_IF_ERROR(SaveWritten());
    saved_at = options_.clock->MonotonicNow();
    CheckSnapshotSoon();
    const absl::MutexLock lock(&mutex_);
    if (plan_->IsDurable()) return absl::OkStatus();
  }
}

absl::Status Copier::SaveWritten() {
  std::vector<PiecePlan::Number> written;
  std::vector<Piece> pieces;
  std::string bits;
  {
    const absl::MutexLock lock(&mutex_);
    written = plan_->written();
    bits = plan_->Bits(written);
    for (const PiecePlan::Number number : written) pieces.push_back(plan_->At(number));
    unsaved_bytes_ = 0;
  }
  if (written.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(incoming_->Save(pieces, std::move(bits)));
  const absl::MutexLock lock(&mutex_);
  plan_->Durable(written);
  return absl::OkStatus();
}

void Copier::CheckSnapshotSoon() {
  if (snapshot_check_.valid()) return;
  {
    const absl::MutexLock lock(&mutex_);
    if (!plan_->IsDurable(SnapshotIn(manifest_))) return;
  }
  snapshot_check_ = std::async(std::launch::async, [this, incoming = incoming_.get()] {
    return incoming->CheckSnapshot(is_check_in_vain_);
  });
}

void Copier::Stream(const std::string& address, const std::atomic<bool>& cancelled) {
  const std::shared_ptr<grpc::Channel> channel =
      rpc::ConnectForBulk(address, kPieceMessageBytesMax);
  const size_t streams = options_.streams == 0 ? kStreamsByDefault : options_.streams;
  while (true) {
    Taken taken;
    {
      const absl::MutexLock lock(&mutex_);
      if (cancelled || streams_end_ || !broken_.ok()) return;
      taken =
          plan_->Take(std::clamp<size_t>(plan_->missing() / (2 * streams), kTakenMin, kTakenMax));
    }
    if (taken.empty()) return;
    const absl::Status status = Fetch(channel, taken);
    const absl::MutexLock lock(&mutex_);
    plan_->GiveBack(taken);
    if (status.ok()) continue;
    if (broken_.ok()) broken_ = status;
    changed_.SignalAll();
    return;
  }
}

std::vector<Piece> Copier::PiecesOf(const Taken& taken) const {
  std::vector<Piece> pieces;
  const absl::MutexLock lock(&mutex_);
  for (const PiecePlan::Number number : taken) pieces.push_back(plan_->At(number));
  return pieces;
}

// Two threads: while one waits for the disk the other empties the connection and unpacks, so that
// the disk does not wait for that.
absl::Status Copier::Fetch(const std::shared_ptr<grpc::Channel>& channel, const Taken& taken) {
  Call call(*this);
  PieceReader reader(channel, call.context, incoming_->copy_id(), PiecesOf(taken));
  PieceQueue received;
  absl::Status kept;
  std::thread keeping([&] { kept = Keep(taken, received, call.context); });
  for (ReceivedPiece piece; reader.Read(piece);) received.Put(std::move(piece));
  received.Close();
  keeping.join();
  const absl::Status ended = reader.Finish();
  return kept.ok() ? ended : kept;
}

absl::Status Copier::Keep(const Taken& taken, PieceQueue& received, grpc::ClientContext& context) {
  absl::Status status;
  size_t pieces = 0;
  for (ReceivedPiece piece; received.Take(piece);) {
    if (!status.ok()) continue;  // Until the call has ended.
    status = Write(piece, taken[pieces++]);
    if (!status.ok()) context.TryCancel();
  }
  return status;
}

absl::Status Copier::Write(const ReceivedPiece& received, PiecePlan::Number number) {
  const Piece& piece = received.piece;
  RETURN_IF_ERROR(incoming_->Write(piece, *received.raw));
  options_.on_tail(received.chunk.tail());
  if (options_.on_piece) options_.on_piece();
  const absl::MutexLock lock(&mutex_);
  pacing_ = received.chunk.pacing();
  if (!plan_->Written(number)) return absl::InternalError("a piece came twice");
  there_bytes_ += piece.bytes;
  unsaved_bytes_ += piece.bytes;
  const absl::Duration now = options_.clock->MonotonicNow();
  if (marks_.empty() || now - marks_.back().first > absl::Milliseconds(100)) {
    marks_.emplace_back(now, there_bytes_);
    while (now - marks_.front().first > kRateOver) marks_.pop_front();
  }
  if (unsaved_bytes_ >= kSaveBytes || there_bytes_ == plan_->total_bytes()) changed_.SignalAll();
  return absl::OkStatus();
}

absl::Status Copier::Finish(pb::Copies::Stub& stub) {
  if (const absl::Status status = snapshot_check_.get(); !status.ok()) {
    if (absl::IsCancelled(status)) return status;
    // Another error may be this node's alone, and the same snapshot as good as any.
    const absl::Status why = absl::IsDataLoss(status) ? Damaged(status) : status;
    RETURN_IF_ERROR(incoming_->Discard());
    return why;
  }
  // What was sent in vain since the last beginning. The source keeps the copy, and the log behind
  // it, until this node has read that too.
  pb::BeginCopyRequest request;
  request.set_follower(options_.self);
  request.set_copy_id(incoming_->copy_id());
  pb::BeginCopyResponse response;
  Call call(*this);
  call.context.set_deadline(std::chrono::system_clock::time_point(std::chrono::nanoseconds(
      absl::ToUnixNanos(options_.clock->WallNow() + kLastQuestionTimeout))));
  const bool is_answered = stub.BeginCopy(&call.context, request, &response).ok();
  std::string copied;
  {
    const absl::MutexLock lock(&mutex_);
    if (is_cancelled_) return absl::CancelledError("told to follow another way");
    const uint64_t total = plan_->total_bytes();
    if (is_answered) sent_again_bytes_ = incoming_->SentAgain(response.sent_bytes(), total);
    copied = absl::StrCat("copied ", total, " bytes, ", sent_again_bytes_,
                          " of them more than once: ", manifest_.accounts(), " accounts at record ",
                          manifest_.position());
  }
  RETURN_IF_ERROR(incoming_->MarkWhole());
  if (options_.say) options_.say(copied);
  return absl::OkStatus();
}

absl::Status Copier::Damaged(const absl::Status& found) {
  {
    const absl::MutexLock lock(&mutex_);
    damaged_ = {.source = incoming_->state().source(), .position = manifest_.position()};
  }
  absl::Status damage = absl::DataLossError(absl::StrCat(
      "the snapshot of record ", damaged_.position, " came from node ", damaged_.source,
      " as it was sent, and does not hold: ", found.message(),
      ". Look at both nodes' disks; that one is asked for another, and the copy begins anew"));
  if (options_.say) options_.say(std::string(damage.message()));
  return damage;
}

std::optional<pb::CopyProgress> Copier::progress() const {
  const absl::MutexLock lock(&mutex_);
  if (!plan_ && trouble_.empty()) return std::nullopt;
  pb::CopyProgress progress;
  progress.set_trouble(trouble_);
  if (!plan_) return progress;
  progress.set_copy_id(manifest_.copy_id());
  progress.set_position(manifest_.position());
  progress.set_bytes_done(there_bytes_);
  progress.set_bytes_total(plan_->total_bytes());
  progress.set_bytes_sent_again(sent_again_bytes_);
  progress.set_accounts_total(manifest_.accounts());
  *progress.mutable_pacing() = pacing_;
  const uint32_t snapshot = SnapshotIn(manifest_);
  const auto there = static_cast<double>(plan_->there_bytes(snapshot));
  const auto all = static_cast<double>(manifest_.files(static_cast<int>(snapshot)).bytes());
  const auto accounts = static_cast<double>(manifest_.accounts());
  if (all > 0) progress.set_accounts_done(static_cast<uint64_t>(there / all * accounts));
  const absl::Duration now = options_.clock->MonotonicNow();
  while (!marks_.empty() && now - marks_.front().first > kRateOver) marks_.pop_front();
  if (marks_.empty()) return progress;
  const double seconds = absl::ToDoubleSeconds(now - marks_.front().first);
  const double rate = static_cast<double>(there_bytes_ - marks_.front().second) / seconds;
  if (seconds <= 0 || rate <= 0) return progress;
  progress.set_bytes_per_s(static_cast<uint64_t>(rate));
  progress.mutable_time_left()->set_seconds(
      static_cast<int64_t>(static_cast<double>(plan_->total_bytes() - there_bytes_) / rate));
  return progress;
}

}  // namespace ledger
