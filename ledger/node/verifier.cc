#include "ledger/node/verifier.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "ledger/core/difference.h"
#include "rpc/rpc.h"

namespace ledger {
namespace {

constexpr absl::Duration kTimeoutByDefault = absl::Minutes(10);
constexpr absl::Duration kLookEvery = absl::Milliseconds(10);
// Also the other node's image lives on questions.
constexpr absl::Duration kAskEvery = absl::Seconds(1);

absl::Duration ToDuration(const google::protobuf::Duration& message) {
  return absl::Seconds(message.seconds()) + absl::Nanoseconds(message.nanos());
}

void ToProto(absl::Duration duration, google::protobuf::Duration& message) {
  const int64_t seconds = absl::ToInt64Seconds(duration);
  message.set_seconds(seconds);
  message.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(duration - absl::Seconds(seconds))));
}

}  // namespace

Verifier::Verifier(VerifierParts parts) : parts_(std::move(parts)) {
  thread_ = std::thread([this] { Loop(); });
}

Verifier::~Verifier() { Stop(); }

void Verifier::Stop() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
    if (calling_ != nullptr) calling_->TryCancel();
  }
  if (thread_.joinable()) thread_.join();
}

void Verifier::Verify(const pb::VerifyAgainstRequest& request, Done done,
                      std::function<bool()> is_cancelled) {
  absl::Status status;
  {
    const absl::MutexLock lock(&mutex_);
    if (stopping_) {
      status = absl::UnavailableError("the node is stopping");
    } else if (is_busy_ || !asked_.empty()) {
      status = absl::AbortedError("a comparison is under way; ask again when it is done");
    } else {
      asked_.push_back({.request = request,
                        .done = std::move(done),
                        .is_cancelled = std::move(is_cancelled),
                        .asked_at = parts_.clock->MonotonicNow()});
      return;
    }
  }
  done(status);
}

void Verifier::FindDifference(const pb::VerifyAgainstRequest& request, Done done) {
  const absl::MutexLock lock(&mutex_);
  asked_.push_back({.request = request,
                    .done = std::move(done),
                    .is_cancelled = {},
                    .has_difference = true,
                    .asked_at = parts_.clock->MonotonicNow()});
}

void Verifier::Loop() {
  const auto is_wanted = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !asked_.empty();
  };
  while (true) {
    Asked asked;
    {
      const absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&is_wanted));
      if (asked_.empty()) return;
      asked = std::move(asked_.front());
      asked_.pop_front();
      is_busy_ = true;
    }
    const absl::StatusOr<pb::VerifyAgainstResponse> response = Run(asked);
    {
      const absl::MutexLock lock(&mutex_);
      is_busy_ = false;
    }
    asked.done(response);  // Who is answered may ask again at once.
  }
}

absl::StatusOr<Verifier::Peer> Verifier::PeerOf(const Asked& asked) const {
  const pb::VerifyAgainstRequest& request = asked.request;
  const auto address = parts_.addresses.find(request.node_id());
  if (address == parts_.addresses.end() || request.node_id() == parts_.self) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", request.node_id(), "' is not another node of shard ", parts_.shard));
  }
  const absl::Duration timeout =
      request.has_timeout() ? ToDuration(request.timeout()) : kTimeoutByDefault;
  return Peer{.node_id = request.node_id(),
              .stub = pb::Verification::NewStub(rpc::Connect(address->second)),
              .deadline = parts_.clock->MonotonicNow() + timeout,
              .is_cancelled = asked.is_cancelled};
}

absl::StatusOr<pb::VerifyAgainstResponse> Verifier::Run(const Asked& asked) {
  const absl::Duration start = parts_.clock->MonotonicNow();
  ASSIGN_OR_RETURN(const Peer peer, PeerOf(asked));
  // Else the challenge never gets here, and all of the other's state is hashed for nothing.
  RETURN_IF_ERROR(CheckGoesOn(peer));
  ASSIGN_OR_RETURN(const pb::ChallengeStarted started,
                   asked.has_difference ? StartAtLast(peer) : Start(peer, false));
  bool is_told = false;
  if (asked.has_difference) {
    ASSIGN_OR_RETURN(is_told, TellByTrees(asked, peer, started));
  }
  pb::VerifyAgainstResponse response;
  RETURN_IF_ERROR(AwaitBoth(peer, started.nonce(), response));
  const absl::Duration hashed = parts_.clock->MonotonicNow();
  ToProto(hashed - start, *response.mutable_hashing());
  response.set_equal(response.here().digest() == response.there().digest());
  if (response.equal()) return response;
  const std::string where = absl::StrCat("at position ", started.position(), " ");
  if (!asked.has_difference) {
    RETURN_IF_ERROR(Distrust(where + "the challenge's digests differ"));
  }
  Search(peer, response);
  ToProto(parts_.clock->MonotonicNow() - hashed, *response.mutable_search());
  if (!is_told || response.differences_size() > 0) {
    RETURN_IF_ERROR(Distrust(where + response.difference()));
  }
  return response;
}

absl::Status Verifier::Distrust(std::string why) {
  return parts_.writer.Run([why = std::move(why)](Shard& shard) { shard.Distrust(why); });
}

absl::StatusOr<pb::ChallengeStarted> Verifier::StartAtLast(const Peer& peer) {
  while (true) {
    absl::StatusOr<pb::ChallengeStarted> started = Start(peer, true);
    if (!absl::IsAborted(started.status())) return started;
    RETURN_IF_ERROR(CheckGoesOn(peer));
    const absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kLookEvery);
  }
}

absl::StatusOr<pb::ChallengeStarted> Verifier::Start(const Peer& peer, bool keeps_tree) {
  const base::Hash256 drawn = base::DrawNonce();
  pb::ChallengeRequest request;
  request.set_keeps_tree(keeps_tree);
  request.set_nonce(std::string(base::AsBytes(drawn)));
  pb::ChallengeStarted started;
  RETURN_IF_ERROR(Call(peer, &pb::Verification::Stub::Challenge, request, started));
  ASSIGN_OR_RETURN(const base::Hash256 theirs, base::ToHash256(started.drawn()));
  if (base::AsBytes(ChallengeNonce(theirs, drawn)) != absl::string_view(started.nonce())) {
    return absl::DataLossError(
        absl::StrCat("'", peer.node_id, "' did not use what this node drew for the challenge"));
  }
  return started;
}

absl::Status Verifier::CheckGoesOn(const Peer& peer) const {
  {
    const absl::MutexLock lock(&mutex_);
    if (stopping_) return absl::UnavailableError("the node is stopping");
  }
  if (peer.is_cancelled && peer.is_cancelled()) {
    return absl::CancelledError("nobody waits for the comparison any more");
  }
  if (parts_.follower.target() != peer.node_id) {
    return absl::FailedPreconditionError(
        absl::StrCat("'", parts_.self, "' does not follow '", peer.node_id,
                     "', and only whom it follows it can be compared with: let it follow first"));
  }
  const Follower::Source source = parts_.follower.source();
  if (!source.fault.empty()) {
    return absl::FailedPreconditionError(absl::StrCat("replication stopped: ", source.fault));
  }
  if (parts_.clock->MonotonicNow() < peer.deadline) return absl::OkStatus();
  return absl::DeadlineExceededError(
      absl::StrCat("the challenge was not answered in time: see that '", peer.node_id,
                   "' answers and this node is close behind"));
}

absl::Status Verifier::AwaitBoth(const Peer& peer, const std::string& nonce,
                                 pb::VerifyAgainstResponse& response) {
  absl::Duration ask_at = parts_.clock->MonotonicNow() + kAskEvery;
  while (true) {
    RETURN_IF_ERROR(LookHere(nonce, *response.mutable_here()));
    const bool is_here = !response.here().digest().empty();
    if (is_here || parts_.clock->MonotonicNow() >= ask_at) {
      RETURN_IF_ERROR(AskThere(peer, nonce, *response.mutable_there()));
      ask_at = parts_.clock->MonotonicNow() + kAskEvery;
    }
    if (is_here && !response.there().digest().empty()) return absl::OkStatus();
    RETURN_IF_ERROR(CheckGoesOn(peer));
    const absl::MutexLock lock(&mutex_);
    if (is_here) mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kLookEvery);
  }
}

// Waits a little while it is not hashed.
absl::Status Verifier::LookHere(const std::string& nonce, pb::ChallengeState& here) {
  absl::StatusOr<pb::ChallengeState> state = parts_.challenger.Await(nonce, kLookEvery);
  if (absl::IsDeadlineExceeded(state.status())) return absl::OkStatus();
  if (state.ok()) here = *std::move(state);
  return state.status();
}

absl::Status Verifier::AskThere(const Peer& peer, const std::string& nonce,
                                pb::ChallengeState& there) {
  pb::GetChallengeRequest request;
  request.set_nonce(nonce);
  pb::ChallengeState state;
  const absl::Status status = Call(peer, &pb::Verification::Stub::GetChallenge, request, state);
  if (status.ok() && !state.digest().empty()) there = std::move(state);
  // Who cannot be reached may come back: what it hashed is asked for until the deadline.
  return absl::IsUnavailable(status) ? absl::OkStatus() : status;
}

// --- By the trees ---

absl::StatusOr<bool> Verifier::TellByTrees(const Asked& asked, const Peer& peer,
                                           const pb::ChallengeStarted& started) {
  const absl::StatusOr<FoundDifferences> found = AwaitTrees(peer, started.nonce());
  RETURN_IF_ERROR(CheckGoesOn(peer));
  // What was hashed from scratch will tell.
  if (!found.ok() || found->rows.empty()) return false;
  const std::string what = Describe(peer, *found);
  RETURN_IF_ERROR(Distrust(absl::StrCat("at position ", started.position(), " ", what)));
  const absl::Duration took = parts_.clock->MonotonicNow() - asked.asked_at;
  if (parts_.say) {
    parts_.say(absl::StrCat("where the state roots differ was found in ",
                            absl::ToInt64Milliseconds(took), " ms, by ", found->exchanges,
                            " exchanges of ", found->bytes, " bytes: ", what));
  }
  return true;
}

absl::StatusOr<FoundDifferences> Verifier::AwaitTrees(const Peer& peer, const std::string& nonce) {
  bool is_hashed = false;  // All that there is here.
  while (true) {
    absl::StatusOr<FoundDifferences> found = SearchTrees(peer, nonce);
    // This node does not know a challenge that it has yet to meet.
    const bool is_early =
        absl::IsUnavailable(found.status()) || (absl::IsNotFound(found.status()) && !is_hashed);
    if (!is_early) return found;
    RETURN_IF_ERROR(CheckGoesOn(peer));
    if (!is_hashed) {
      const absl::Status hashed = parts_.challenger.Await(nonce, kLookEvery).status();
      is_hashed = !absl::IsDeadlineExceeded(hashed);
      continue;
    }
    const absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kLookEvery);
  }
}

absl::StatusOr<FoundDifferences> Verifier::SearchTrees(const Peer& peer, const std::string& nonce) {
  ASSIGN_OR_RETURN(pb::ChallengeState mine, parts_.challenger.Get(nonce));
  pb::GetChallengeRequest request;
  request.set_nonce(nonce);
  pb::ChallengeState theirs;
  RETURN_IF_ERROR(Call(peer, &pb::Verification::Stub::GetChallenge, request, theirs));
  const ImageSide here = Here(std::move(mine));
  const ImageSide there = There(peer, theirs);
  ASSIGN_OR_RETURN(FoundDifferences found,
                   FindDifferences(parts_.shard, here, there, SearchBy::kTree));
  ++found.exchanges;
  found.bytes += request.ByteSizeLong() + theirs.ByteSizeLong();
  return found;
}

// --- By what was hashed from scratch ---

void Verifier::Search(const Peer& peer, pb::VerifyAgainstResponse& response) {
  const absl::Status status = FindRows(peer, response);
  if (status.ok()) return;
  response.set_difference(
      absl::StrCat("the challenge's digests differ; where is not known: ", status.message()));
}

absl::Status Verifier::FindRows(const Peer& peer, pb::VerifyAgainstResponse& response) {
  const ImageSide here = Here(response.here());
  const ImageSide there = There(peer, response.there());
  ASSIGN_OR_RETURN(const FoundDifferences found, FindDifferences(parts_.shard, here, there));
  response.set_exchanges(found.exchanges);
  response.set_exchanged_bytes(found.bytes);
  for (const pb::RowDifference& row : found.rows) *response.add_differences() = row;
  response.set_difference(
      found.rows.empty() ? "the digests differ, and no row does: memory changes while it is read"
                         : Describe(peer, found));
  return absl::OkStatus();
}

std::string Verifier::Describe(const Peer& peer, const FoundDifferences& found) const {
  return absl::StrJoin(found.rows, "; ", [&](std::string* out, const pb::RowDifference& row) {
    out->append(ledger::Describe(row, parts_.self, peer.node_id));
  });
}

ImageSide Verifier::Here(pb::ChallengeState state) const {
  return {.state = std::move(state), .read = [this](const pb::ReadImageRequest& request) {
            return parts_.challenger.Read(request);
          }};
}

ImageSide Verifier::There(const Peer& peer, pb::ChallengeState state) {
  return {
      .state = std::move(state),
      .read = [this, &peer](const pb::ReadImageRequest& request) -> absl::StatusOr<pb::ImagePart> {
        pb::ImagePart part;
        RETURN_IF_ERROR(Call(peer, &pb::Verification::Stub::ReadImage, request, part));
        return part;
      }};
}

template <typename Method, typename Request, typename Response>
absl::Status Verifier::Call(const Peer& peer, Method method, const Request& request,
                            Response& response) {
  const absl::Duration left = peer.deadline - parts_.clock->MonotonicNow();
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(base::SystemClock().WallNow() + left));
  {
    const absl::MutexLock lock(&mutex_);
    if (stopping_) return absl::UnavailableError("the node is stopping");
    calling_ = &context;
  }
  const grpc::Status status = ((*peer.stub).*method)(&context, request, &response);
  {
    const absl::MutexLock lock(&mutex_);
    calling_ = nullptr;
  }
  if (status.ok()) return absl::OkStatus();
  return {static_cast<absl::StatusCode>(status.error_code()),
          absl::StrCat("'", peer.node_id, "' says: ", status.error_message())};
}

}  // namespace ledger
