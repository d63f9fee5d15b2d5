#include "ledger/node/follower.h"

#include <algorithm>
#include <utility>

#include "absl/synchronization/notification.h"
#include "base/status_macros.h"
#include "rpc/rpc.h"

namespace ledger {
namespace {

namespace pb = ::hamisha::ledger::v1;

constexpr int kChunksInFlightMax = 8;

// What no further try can mend.
bool IsFinal(const absl::Status& status) {
  return absl::IsDataLoss(status) || absl::IsFailedPrecondition(status) ||
         absl::IsInvalidArgument(status) || absl::IsOutOfRange(status);
}

}  // namespace

Follower::Follower(Options options, Writer& writer)
    : options_(std::move(options)), writer_(writer), copier_([this] {
        CopierOptions copier = options_.copier;
        copier.on_tail = [this](const pb::SourceTail& tail) { NoteTail(tail); };
        copier.on_piece = [this] { NotePiece(); };
        return copier;
      }()) {
  thread_ = std::thread([this] { Loop(); });
}

Follower::~Follower() { Stop(); }

void Follower::SetTarget(const std::string& node_id) {
  const absl::MutexLock lock(&mutex_);
  if (node_id == target_ && source_.fault.empty()) return;
  target_ = node_id;
  ++orders_;
  source_ = {};
  Cancel();
}

std::string Follower::target() const {
  const absl::MutexLock lock(&mutex_);
  return target_;
}

void Follower::Cancel() {
  if (pull_ == nullptr) return;
  pull_->is_cancelled = true;
  pull_->context.TryCancel();
  copier_.Wake();
}

Follower::Source Follower::source() const {
  const absl::MutexLock lock(&mutex_);
  return source_;
}

void Follower::Stop() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
    Cancel();
  }
  if (thread_.joinable()) thread_.join();
}

bool Follower::HasTarget() const {
  return stopping_ || (!target_.empty() && source_.fault.empty());
}

bool Follower::IsOver(const Pull& pull) const { return stopping_ || pull_.get() != &pull; }

void Follower::Loop() {
  uint64_t orders = 0;
  while (true) {
    std::shared_ptr<Pull> pull;
    {
      const absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &Follower::HasTarget));
      if (stopping_) return;
      if (orders != orders_) retry_.Reset();
      orders = orders_;
      source_.is_connected = false;
      pull = std::make_shared<Pull>(target_);
      pull_ = pull;
    }
    const absl::Status status = CopyOrPull(pull);
    Ended(*pull, status);
  }
}

// Waits before the next try, or stops for good.
void Follower::Ended(const Pull& pull, const absl::Status& status) {
  const absl::MutexLock lock(&mutex_);
  pull_.reset();
  if (target_ != pull.target || stopping_) return;
  if (IsFinal(status)) {
    source_.is_connected = false;
    source_.fault = std::string(status.message());
    return;
  }
  if (pull.has_moved) return retry_.Reset();  // Try again at once.
  struct Change {
    const Follower* follower;
    uint64_t orders;
  } change{this, orders_};
  const auto is_changed = [](Change* since) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return since->follower->stopping_ || since->follower->orders_ != since->orders;
  };
  mutex_.AwaitWithTimeout(absl::Condition(+is_changed, &change), retry_.Next());
}

absl::Status Follower::CopyOrPull(const std::shared_ptr<Pull>& pull) {
  const auto address = options_.addresses.find(pull->target);
  if (address == options_.addresses.end()) {
    return absl::InvalidArgumentError("no member of the shard: " + pull->target);
  }
  pb::PullRequest request;
  request.set_follower(options_.self);
  RETURN_IF_ERROR(AskPosition(request));
  if (request.after_position() == 0) {
    ASSIGN_OR_RETURN(const Copier::End end,
                     copier_.Run(pull->target, address->second, pull->is_cancelled));
    if (end == Copier::End::kWhole) {
      {
        const absl::MutexLock lock(&mutex_);
        stopping_ = true;
      }
      options_.on_copied();
      return absl::OkStatus();
    }
  }
  return PullRecords(pull, request, address->second);
}

void Follower::NoteTail(const pb::SourceTail& tail) {
  const absl::MutexLock lock(&mutex_);
  if (pull_ == nullptr || pull_->is_cancelled) return;
  source_.is_connected = true;
  source_.position = std::max(source_.position, tail.position());
  source_.bytes = std::max(source_.bytes, tail.bytes());
  source_.timestamp_ns = std::max(source_.timestamp_ns, tail.timestamp_ns());
}

void Follower::NotePiece() {
  const absl::MutexLock lock(&mutex_);
  if (pull_ != nullptr) pull_->has_moved = true;
}

absl::Status Follower::PullRecords(const std::shared_ptr<Pull>& pull,
                                   const pb::PullRequest& request, const std::string& address) {
  const auto stub = pb::Node::NewStub(rpc::Connect(address));
  const auto stream = stub->PullRecords(&pull->context, request);
  pb::RecordChunk chunk;
  while (stream->Read(&chunk)) {
    Take(pull, std::move(chunk));
    chunk = {};
    const absl::MutexLock lock(&pull->mutex);
    const auto has_room = [&pull]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return pull->in_flight < kChunksInFlightMax;
    };
    pull->mutex.Await(absl::Condition(&has_room));
    if (!pull->error.ok()) pull->context.TryCancel();
  }
  const absl::Status status = rpc::FromGrpc(stream->Finish());
  const absl::MutexLock lock(&pull->mutex);
  const auto is_done = [&pull]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return pull->in_flight == 0; };
  pull->mutex.Await(absl::Condition(&is_done));
  return pull->error.ok() ? status : pull->error;
}

absl::Status Follower::AskPosition(pb::PullRequest& request) {
  absl::Notification done;
  RETURN_IF_ERROR(writer_.Run([&](Shard& shard) {
    request.set_after_position(shard.position());
    const base::Hash256 hash = shard.log_hash();
    if (shard.position() > 0) request.set_after_hash(hash.data(), hash.size());
    done.Notify();
  }));
  done.WaitForNotification();
  return absl::OkStatus();
}

void Follower::Take(const std::shared_ptr<Pull>& pull, pb::RecordChunk chunk) {
  {
    const absl::MutexLock lock(&mutex_);
    if (IsOver(*pull) || target_ != pull->target) return;
    source_.is_connected = true;
    source_.position = chunk.durable_position();
    source_.bytes = chunk.durable_bytes();
    source_.timestamp_ns = chunk.durable_timestamp_ns();
    source_.accounts_unhashed = chunk.accounts_unhashed();
  }
  if (chunk.records().empty() && !chunk.has_certificate()) return;
  pull->has_moved = true;
  {
    const absl::MutexLock lock(&pull->mutex);
    ++pull->in_flight;
  }
  const auto finish = [pull](const absl::Status& status) {
    const absl::MutexLock lock(&pull->mutex);
    --pull->in_flight;
    if (pull->error.ok()) pull->error = status;
  };
  const auto received = std::make_shared<const pb::RecordChunk>(std::move(chunk));
  const absl::Status accepted = writer_.Run([pull, received, finish](Shard& shard) {
    // Told otherwise since: nothing more of this source.
    if (shard.following() != pull->target) return finish(absl::CancelledError("not following"));
    const absl::Status status = shard.Copy(received->records());
    if (status.ok() && received->has_certificate()) {
      shard.ReceiveCertificate(received->certificate());
    }
    shard.WhenDurable(
        [status, finish](const absl::Status& durable) { finish(status.ok() ? durable : status); });
    if (!status.ok()) pull->context.TryCancel();
  });
  if (!accepted.ok()) finish(accepted);
}

}  // namespace ledger
