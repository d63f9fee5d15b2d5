// LedgerNode: a replica pulls records, as in ledger/node/follower.cc and pull_stream.cc.
#include <algorithm>

#include "base/invariant.h"
#include "simulation/ledger_node.h"

namespace simulation {
namespace {

constexpr absl::Duration kRetryMin = absl::Milliseconds(20);
constexpr absl::Duration kRetryMax = absl::Milliseconds(400);
constexpr size_t kChunkRecordsMax = 64;

}  // namespace

void LedgerNode::SetFollowing(const std::string& node) {
  if (node == following_ && fault_.empty()) return;
  following_ = node;
  following_saved_ = node;
  fault_.clear();
  source_position_ = 0;
  is_connected_ = false;
  if (pulling_ != nullptr) std::exchange(pulling_, nullptr)->Break();
  if (!node.empty()) Connect();
  Changed();
}

void LedgerNode::Connect() {
  const auto found = std::find_if(peers_.begin(), peers_.end(), [this](const LedgerNode* peer) {
    return peer->place_.id == following_;
  });
  INVARIANT(found != peers_.end() && *found != this);
  LedgerNode& source = **found;
  if (!source.life_.is_up || !environment_.network.IsReachable(place_.host, source.place_.host)) {
    return ConnectLater();
  }
  auto stream = std::make_shared<Stream*>(nullptr);
  pulling_ = std::make_shared<Stream>(
      environment_.network,
      Stream::End{place_.host, &life_, [this, stream] { PullBroken(*stream); }},
      Stream::End{source.place_.host, &source.life_, [] {}});
  *stream = pulling_.get();
  pulling_->ToServer(
      [this, &source, pull = pulling_, position = ownership_->position(),
       hash = ownership_->log_hash()] { source.TakeFollower(*this, pull, position, hash); });
}

void LedgerNode::ConnectLater() {
  environment_.scheduler.After(
      environment_.dice.Between(kRetryMin, kRetryMax),
      [this, node = following_] {
        if (pulling_ == nullptr && following_ == node && !node.empty() && fault_.empty()) Connect();
      },
      &life_);
}

void LedgerNode::PullBroken(const Stream* stream) {
  if (pulling_.get() != stream) return;
  pulling_ = nullptr;
  is_connected_ = false;
  Changed();
  ConnectLater();
}

// At the source.
void LedgerNode::TakeFollower(LedgerNode& follower, const std::shared_ptr<Stream>& stream,
                              uint64_t after_position, const base::Hash256& after_hash) {
  std::erase_if(pulls_, [](const Pull& pull) { return !pull.stream->is_open(); });
  const bool holds = after_position == 0 || (after_position <= durable_ &&
                                             log_[after_position - 1]->entry.hash == after_hash);
  if (!holds) {
    return stream->ToClient([&follower, stream] {
      if (follower.pulling_ != stream) return;
      follower.StopWithFault(absl::FailedPreconditionError("the logs diverge"));
    });
  }
  pulls_.push_back({stream, &follower, after_position, 0});
  Pull& pull = pulls_.back();
  if (after_position >= durable_ && own_certificate_ == nullptr) {
    // The first chunk goes at once, and says how far behind the follower is.
    const Chunk chunk{.records = {}, .durable_position = durable_, .certificate = nullptr};
    stream->ToClient([&follower, stream, chunk] { follower.TakeChunk(stream.get(), chunk); });
  }
  ShipTo(pull);
}

void LedgerNode::Ship() {
  for (size_t i = 0; i < pulls_.size(); ++i) {
    if (pulls_[i].stream->is_open()) ShipTo(pulls_[i]);
  }
}

// Only what is durable leaves.
void LedgerNode::ShipTo(Pull& pull) {
  while (pull.stream->is_open()) {
    Chunk chunk{.records = {}, .durable_position = durable_, .certificate = nullptr};
    while (pull.sent_position < durable_ && chunk.records.size() < kChunkRecordsMax) {
      chunk.records.push_back(log_[pull.sent_position++]);
    }
    if (own_certificate_ != nullptr && own_certificate_position_ != pull.sent_certificate &&
        pull.sent_position >= own_certificate_position_) {
      pull.sent_certificate = own_certificate_position_;
      chunk.certificate = own_certificate_;
    }
    if (chunk.records.empty() && chunk.certificate == nullptr) return;
    pull.stream->ToClient([follower = pull.follower, stream = pull.stream,
                           chunk = std::move(chunk)] { follower->TakeChunk(stream.get(), chunk); });
  }
}

// At the follower. Of a stream that it has left it takes nothing.
void LedgerNode::TakeChunk(const Stream* stream, const Chunk& chunk) {
  if (pulling_.get() != stream) return;
  is_connected_ = true;
  source_position_ = chunk.durable_position;
  for (const NodeRecordPointer& record : chunk.records) {
    if (const absl::Status status = ownership_->CheckCopy(record->entry); !status.ok()) {
      return StopWithFault(status);
    }
    AppendRecord(record);
  }
  if (chunk.certificate != nullptr) received_certificate_ = *chunk.certificate;
  Changed();
}

void LedgerNode::StopWithFault(const absl::Status& status) {
  environment_.trace.Note(place_.id, " stops following: ", status.message());
  fault_ = std::string(status.message());
  is_connected_ = false;
  if (pulling_ != nullptr) std::exchange(pulling_, nullptr)->Break();
  Changed();
}

}  // namespace simulation
