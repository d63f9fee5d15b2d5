#include "ledger/node/challenger.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/priority.h"
#include "ledger/core/certificate.h"
#include "ledger/core/difference.h"

namespace ledger {
namespace {

constexpr int kNice = 10;
// Some hundred bytes each.
constexpr size_t kPastKept = 8;

void ToProto(absl::Duration duration, google::protobuf::Duration& message) {
  constexpr int64_t kNsPerSecond = 1'000'000'000;
  const int64_t ns = absl::ToInt64Nanoseconds(duration);
  message.set_seconds(ns / kNsPerSecond);
  message.set_nanos(static_cast<int32_t>(ns % kNsPerSecond));
}

absl::Status NotKnown() {
  return absl::NotFoundError(
      "this node has not met that challenge, or knows it no more: challenge again");
}

absl::Status Superseded() {
  return absl::AbortedError(
      "another challenge took its place before this node had hashed it: challenge again");
}

}  // namespace

Challenger::Challenger(Writer& writer, ChallengerOptions options)
    : writer_(writer), options_(options) {
  thread_ = std::thread([this] { Loop(); });
}

Challenger::~Challenger() { Stop(); }

void Challenger::Stop() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
    if (job_ != nullptr) job_->is_cancelled = true;
  }
  if (thread_.joinable()) thread_.join();
}

void Challenger::Begin(ChallengedState state) {
  auto job = std::make_shared<Job>(std::move(state));
  job->result.set_position(job->state.position);
  job->result.set_nonce(std::string(base::AsBytes(job->state.nonce)));
  job->result.set_log_hash(std::string(base::AsBytes(job->state.log_hash)));
  *job->result.mutable_facts() = ToProto(job->state.image->facts());
  {
    const absl::MutexLock lock(&mutex_);
    newest_ = job->result.nonce();
    std::swap(next_, job);
    if (job != nullptr) NotePast(*job);
    if (job_ != nullptr && !job_->is_finished && !job_->is_cancelled.exchange(true)) {
      NotePast(*job_);
    }
  }
  if (job != nullptr) Thaw(std::move(job));
}

bool Challenger::HasWork() const { return stopping_ || next_ != nullptr; }

void Challenger::Loop() {
  base::LowerPriority(kNice);
  while (true) {
    std::shared_ptr<Job> old;
    std::shared_ptr<Job> job;
    bool is_last = false;
    {
      const absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(this, &Challenger::HasWork),
                              job_ != nullptr ? UntilGone(*job_) : absl::InfiniteDuration());
      // Asked about meanwhile.
      if (!HasWork() && job_ != nullptr && UntilGone(*job_) > absl::ZeroDuration()) continue;
      is_last = stopping_;
      old = std::exchange(job_, std::exchange(next_, nullptr));
      job = job_;
    }
    if (old != nullptr) Thaw(std::move(old));
    if (is_last) {
      if (job != nullptr) Thaw(std::move(job));
      return;
    }
    if (job != nullptr) Hash(*job);
  }
}

void Challenger::Hash(Job& job) {
  const absl::Duration start = options_.clock->MonotonicNow();
  job.state.image->Prepare();
  job.is_prepared = true;
  job.challenge = std::make_unique<Challenge>(*job.state.image, job.state.nonce);
  job.parts = job.challenge->parts();
  std::vector<std::thread> others;
  for (size_t i = 1; i < options_.threads; ++i) {
    others.emplace_back([this, &job] {
      base::LowerPriority(kNice);
      HashParts(job);
    });
  }
  HashParts(job);
  for (std::thread& other : others) other.join();
  if (job.is_cancelled) return;
  job.challenge->Finish();
  pb::CutoverChallenge done;
  done.set_position(job.state.position);
  done.set_nonce(job.result.nonce());
  done.set_digest(std::string(base::AsBytes(job.challenge->digest())));
  // First the shard knows it: who is answered may seal at once.
  absl::Notification noted;
  const absl::Status accepted = writer_.Run([&](Shard& shard) {
    shard.ChallengeDone(done);
    noted.Notify();
  });
  if (accepted.ok()) noted.WaitForNotification();
  const absl::MutexLock lock(&mutex_);
  if (job.is_cancelled) return;
  job.result.set_digest(done.digest());
  *job.result.mutable_invariants() = ledger::ToProto(job.challenge->totals());
  ToProto(options_.clock->MonotonicNow() - start, *job.result.mutable_took());
  job.result.set_done(1);
  job.is_finished = true;
  job.asked = options_.clock->MonotonicNow();
  NotePast(job);
}

void Challenger::HashParts(Job& job) {
  while (!job.is_cancelled) {
    const size_t part = job.next_part.fetch_add(1);
    if (part >= job.challenge->parts()) return;
    job.challenge->HashPart(part);
    job.parts_done.fetch_add(1);
  }
}

void Challenger::Thaw(std::shared_ptr<Job> job) {
  // When the writer takes nothing more, nobody writes either.
  writer_
      .Run([job = std::move(job)](Shard& shard) {
        job->challenge.reset();
        shard.Thaw(std::move(job->state.image));
      })
      .IgnoreError();
}

absl::Duration Challenger::UntilGone(const Job& job) const {
  if (!job.is_finished) return absl::ZeroDuration();
  return std::max(job.asked + options_.keep - options_.clock->MonotonicNow(), absl::ZeroDuration());
}

void Challenger::NoteAsked(Job* job) const {
  if (job != nullptr && UntilGone(*job) > absl::ZeroDuration()) {
    job->asked = options_.clock->MonotonicNow();
  }
}

void Challenger::NotePast(const Job& job) {
  past_.push_back({.state = job.result, .is_hashed = job.is_finished});
  if (past_.size() > kPastKept) past_.pop_front();
}

Challenger::Job* Challenger::Find(const std::string& nonce) const {
  for (Job* job : {next_.get(), job_.get()}) {
    if (job != nullptr && job->result.nonce() == nonce) return job;
  }
  return nullptr;
}

const Challenger::Past* Challenger::FindPast(const std::string& nonce) const {
  for (const Past& past : past_) {
    if (past.state.nonce() == nonce) return &past;
  }
  return nullptr;
}

bool Challenger::is_hashing() const {
  const absl::MutexLock lock(&mutex_);
  return next_ != nullptr || (job_ != nullptr && !job_->is_finished);
}

absl::StatusOr<pb::ChallengeState> Challenger::Get(const std::string& nonce) const {
  const absl::MutexLock lock(&mutex_);
  const std::string& wanted = nonce.empty() ? newest_ : nonce;
  Job* const job = Find(wanted);
  NoteAsked(job);
  if (const Past* const past = FindPast(wanted); past != nullptr) {
    return past->is_hashed ? absl::StatusOr<pb::ChallengeState>(past->state) : Superseded();
  }
  if (job == nullptr) return NotKnown();
  pb::ChallengeState state = job->result;
  const size_t parts = job->parts;
  if (parts > 0) {
    state.set_done(static_cast<double>(job->parts_done) / static_cast<double>(parts));
  }
  return state;
}

absl::StatusOr<pb::ChallengeState> Challenger::Await(const std::string& nonce,
                                                     absl::Duration timeout) const {
  const absl::MutexLock lock(&mutex_);
  const auto is_over = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return stopping_ || FindPast(nonce) != nullptr;
  };
  if (!mutex_.AwaitWithTimeout(absl::Condition(&is_over), timeout)) {
    return absl::DeadlineExceededError("the challenge is not yet hashed here");
  }
  const Past* const past = FindPast(nonce);
  if (past == nullptr) return absl::UnavailableError("the node is stopping");
  if (!past->is_hashed) return Superseded();
  NoteAsked(Find(nonce));
  return past->state;
}

absl::StatusOr<pb::ImagePart> Challenger::Read(const pb::ReadImageRequest& request) const {
  // Held meanwhile, so that the image stays: a part is small.
  const absl::MutexLock lock(&mutex_);
  Job* const job = Find(request.nonce());
  if (job != nullptr && request.of_tree() && !job->is_finished) return ReadTree(*job, request);
  if (job == nullptr || UntilGone(*job) <= absl::ZeroDuration()) {
    return absl::NotFoundError(
        "what was hashed for that challenge is not kept here (any more): challenge again");
  }
  NoteAsked(job);
  return request.of_tree() ? ReadTree(*job, request) : ReadPart(*job->challenge, request);
}

absl::StatusOr<pb::ImagePart> Challenger::ReadTree(const Job& job,
                                                   const pb::ReadImageRequest& request) {
  if (job.state.tree == nullptr) {
    return absl::FailedPreconditionError("for that challenge this node keeps no tree");
  }
  const TreeDigests* const tree = job.state.tree->Find();
  if (tree == nullptr || !job.is_prepared) {
    return absl::UnavailableError("the tree is not hashed yet: ask again");
  }
  return ReadTreePart(*job.state.image, *tree, request);
}

}  // namespace ledger
