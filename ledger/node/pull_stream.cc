#include "ledger/node/pull_stream.h"

#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "rpc/rpc.h"

namespace ledger {
namespace {

namespace pb = ::hamisha::ledger::v1;

constexpr size_t kChunkBytes = 1 << 20;
constexpr absl::Duration kHeartbeat = absl::Milliseconds(200);
constexpr int kStreamsMax = 32;

}  // namespace

PullStream* PullStream::Start(const pb::PullRequest& request, Parts parts) {
  auto* const stream = new PullStream(request, std::move(parts));
  // Ends with Finish(), after which it touches nothing of the node.
  std::thread([stream] { stream->Finish(rpc::ToGrpc(stream->Stream())); }).detach();
  return stream;
}

PullStream::PullStream(const pb::PullRequest& request, Parts parts)
    : request_(request), parts_(std::move(parts)), sent_position_(request.after_position()) {
  ++parts_.count;
}

void PullStream::OnWriteDone(bool ok) {
  const absl::MutexLock lock(&mutex_);
  is_writing_ = false;
  is_broken_ = is_broken_ || !ok;
}

void PullStream::OnCancel() {
  is_cancelled_ = true;
  parts_.tail.Wake();
}

void PullStream::OnDone() {
  --parts_.count;
  delete this;
}

absl::Status PullStream::Stream() {
  if (parts_.count > kStreamsMax)
    return absl::ResourceExhaustedError("too many followers; try later");
  RETURN_IF_ERROR(CheckHolds());
  LogReader reader(parts_.log, sent_position_ + 1);
  // The first chunk goes at once, and says how far behind the follower is.
  for (DurableTail::View view = parts_.tail.Get(); !view.closed && !is_cancelled_;
       view = parts_.tail.Await(sent_position_, sent_certificate_position_, is_cancelled_,
                                kHeartbeat)) {
    chunk_.Clear();
    chunk_.set_durable_position(view.position);
    chunk_.set_durable_bytes(view.bytes);
    chunk_.set_durable_timestamp_ns(view.timestamp_ns);
    chunk_.set_accounts_unhashed(view.accounts_unhashed);
    RETURN_IF_ERROR(FillChunk(reader));
    if (view.certificate != nullptr && view.certificate_position != sent_certificate_position_ &&
        sent_position_ >= view.certificate_position) {
      *chunk_.mutable_certificate() = *view.certificate;
      sent_certificate_position_ = view.certificate_position;
    }
    if (!Write()) return absl::CancelledError("the follower has gone");
    parts_.pulls(request_.follower());
    if (!is_caught_up_ && sent_position_ >= view.position) {
      is_caught_up_ = true;
      parts_.caught_up(request_.follower());
    }
  }
  return absl::UnavailableError("the node is stopping");
}

absl::Status PullStream::CheckHolds() const {
  const uint64_t position = request_.after_position();
  if (position == 0) return absl::OkStatus();
  const uint64_t last = parts_.log.durable_position();
  if (position > last) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the logs diverge: '", request_.follower(), "' holds record ", position,
        ", but the log of the node that it follows ends at ", last, ": nothing was dropped"));
  }
  // The record before the oldest that is left stands in that one's chain.
  const bool is_trimmed = position + 1 == parts_.log.first_position() && position < last;
  LogReader reader(parts_.log, is_trimmed ? position + 1 : position);
  ASSIGN_OR_RETURN(const LogReader::Item* const item, reader.Next());
  const base::Hash256& hash = is_trimmed ? item->record.previous_hash : item->record.hash;
  if (base::AsBytes(hash) == absl::string_view(request_.after_hash())) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the logs diverge: record ", position, " of '", request_.follower(),
                   "' has hash ", base::ToHex(request_.after_hash()),
                   ", but that of the node that it follows, whose log ends at ", last, ", has ",
                   base::ToHex(hash), ": nothing was dropped; compare both logs"));
}

absl::Status PullStream::FillChunk(LogReader& reader) {
  std::string& records = *chunk_.mutable_records();
  while (records.size() < kChunkBytes) {
    ASSIGN_OR_RETURN(const LogReader::Item* const item, reader.Next());
    if (item == nullptr) break;
    records.append(item->encoded.data(), item->encoded.size());
    sent_position_ = item->record.position;
  }
  return absl::OkStatus();
}

bool PullStream::Write() {
  {
    const absl::MutexLock lock(&mutex_);
    is_writing_ = true;
  }
  StartWrite(&chunk_);
  const absl::MutexLock lock(&mutex_);
  const auto is_done = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !is_writing_; };
  mutex_.Await(absl::Condition(&is_done));
  return !is_broken_;
}

}  // namespace ledger
