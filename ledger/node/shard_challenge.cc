// Shard: challenges of its state, and what is certified of a cutover.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "ledger/node/convert.h"
#include "ledger/node/shard.h"

namespace ledger {
namespace {

constexpr size_t kCutoversKept = 4;
constexpr uint64_t kNsPerSecond = 1'000'000'000;

}  // namespace

void Shard::SetOnChallenge(std::function<void(ChallengedState)> on_challenge) {
  on_challenge_ = std::move(on_challenge);
}

void Shard::StartChallenge(const base::Hash256& nonce, Answer<uint64_t> answer) {
  const absl::StatusOr<uint64_t> position = AppendCheckpoint(nonce);
  if (!position.ok()) return answer(position.status());
  WhenDurable([position, answer = std::move(answer)](const absl::Status& status) {
    status.ok() ? answer(position) : answer(status);
  });
}

void Shard::BeginChallenge(const Record& checkpoint) {
  const base::Hash256 nonce = checkpoint.checkpoint().nonce;
  if (nonce == base::Hash256{} || !on_challenge_) return;
  on_challenge_({.position = checkpoint.position,
                 .nonce = nonce,
                 .log_hash = checkpoint.hash,
                 .image = state_.Freeze()});
}

void Shard::ChallengeDone(const pb::CutoverChallenge& challenge) {
  if (challenge.position() <= newest_challenge_.position()) return;
  newest_challenge_ = challenge;
  // Kept in memory at least: at the worst the cutover has to be certified before a new start.
  options_.files->SaveChallenge(challenge.SerializeAsString()).IgnoreError();
}

// --- When the states differ ---

void Shard::SetOnDifference(std::function<void(const std::string&)> on_difference) {
  on_difference_ = std::move(on_difference);
}

void Shard::Searched(const absl::Status& status) {
  is_searching_ = false;
  if (difference_.ok()) return;
  const std::string found = !distrust_.empty() ? distrust_
                            : status.ok()      ? "the rows are equal again"
                                          : absl::StrCat("where is not known: ", status.message());
  difference_ = absl::DataLossError(absl::StrCat(difference_.message(), ". Searched: ", found));
}

absl::Status Shard::CheckTrusted(const SealFacts& seal) const {
  if (!difference_.ok() || distrust_.empty()) return difference_;
  return absl::DataLossError(absl::StrCat("this node must not open: ", distrust_,
                                          ". Refuse on it and unseal '", seal.owner,
                                          "'; set this node up anew"));
}

// --- The cutover's certificate ---

pb::InFlight Shard::InFlightNow(const Totals& totals) const {
  pb::InFlight in_flight;
  in_flight.set_pendings(state_.pending_count());
  in_flight.set_next_expiry_ns(state_.next_expiry_ns().value_or(0));
  // What is pending is reserved on both accounts, and nothing else is.
  for (const CurrencyTotals& currency : totals.currencies) {
    if (currency.debits_pending == 0) continue;
    pb::InFlightSum& sum = *in_flight.add_sums();
    sum.set_ledger(currency.ledger);
    sum.set_amount(currency.debits_pending);
  }
  return in_flight;
}

void Shard::NoteCutover(const pb::SealStatement& seal, const Totals& totals) {
  pb::CutoverStatement& cutover = cutovers_[seal.position()];
  cutover = ToCutover(seal);
  *cutover.mutable_in_flight() = InFlightNow(totals);
  if (newest_challenge_.position() < seal.position()) {
    *cutover.mutable_challenge() = newest_challenge_;
  }
  while (cutovers_.size() > kCutoversKept) cutovers_.erase(cutovers_.begin());
}

absl::StatusOr<pb::Signed> Shard::CertifyCutover(const pb::Signed& seal) const {
  RETURN_IF_ERROR(failed_);
  ASSIGN_OR_RETURN(const pb::SealStatement statement,
                   VerifySeal(seal, options_.config.shard(), options_.keys));
  const auto cutover = cutovers_.find(statement.position());
  if (cutover == cutovers_.end()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "node ", ownership_.self(), " knows nothing of the state at position ",
        statement.position(),
        " any more, or not yet: compare first, and certify before the node starts again"));
  }
  if (cutover->second.log_hash() != statement.log_hash()) {
    return absl::DataLossError(absl::StrCat("node ", ownership_.self(), "'s log at position ",
                                            statement.position(), " is not the sealed one"));
  }
  return SignCutover(cutover->second, ownership_.self(), *options_.key);
}

absl::StatusOr<pb::InFlightPage> Shard::ListInFlight(const pb::ListInFlightRequest& request) const {
  RETURN_IF_ERROR(failed_);
  pb::InFlightPage page;
  page.set_position(position());
  const uint64_t now_ns = appended_.timestamp_ns;
  const size_t limit = std::min(request.limit(), kBatchEventsMax);
  for (const PendingFacts& facts : state_.OpenPendings(request.after_timestamp_ns(), limit)) {
    pb::InFlightPending& pending = *page.add_pendings();
    ToMessage(facts.id, *pending.mutable_id());
    ToMessage(facts.debit_account_id, *pending.mutable_debit_account_id());
    ToMessage(facts.credit_account_id, *pending.mutable_credit_account_id());
    pending.set_ledger(state_.FindAccount(facts.debit_account_id)->ledger);
    pending.set_amount(facts.amount);
    pending.set_timestamp_ns(facts.timestamp_ns);
    pending.set_expires_ns(facts.expires_ns);
    if (facts.expires_ns == 0) continue;
    const uint64_t left_ns = facts.expires_ns > now_ns ? facts.expires_ns - now_ns : 0;
    pending.mutable_left()->set_seconds(static_cast<int64_t>(left_ns / kNsPerSecond));
    pending.mutable_left()->set_nanos(static_cast<int32_t>(left_ns % kNsPerSecond));
  }
  return page;
}

}  // namespace ledger
