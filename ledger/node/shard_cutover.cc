// Shard: what is certified of a cutover, and what was in flight then.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "ledger/node/convert.h"
#include "ledger/node/shard.h"

namespace ledger {
namespace {

constexpr size_t kCutoversKept = 4;
constexpr size_t kInFlightListed = 20;
constexpr uint64_t kNsPerSecond = 1'000'000'000;

}  // namespace

void Shard::SetSaveLater(std::function<void(std::function<absl::Status()>)> save_later) {
  save_later_ = std::move(save_later);
}

void Shard::SaveLater(std::function<absl::Status()> save) {
  if (save_later_) return save_later_(std::move(save));
  save().IgnoreError();  // Kept in memory at least.
}

pb::InFlight Shard::InFlightNow(const Totals& totals, uint64_t now_ns) const {
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
  for (const PendingFacts& facts : state_.OpenPendings(0, kInFlightListed)) {
    *in_flight.add_oldest() = ToInFlight(facts, now_ns);
  }
  return in_flight;
}

void Shard::NoteCutover(const pb::SealStatement& seal, const Totals& totals) {
  pb::CutoverStatement& cutover = cutovers_[seal.position()];
  cutover = ToCutover(seal);
  *cutover.mutable_in_flight() = InFlightNow(totals, seal.timestamp_ns());
  // By the log, which is the same on both sides; who hashed it when is not.
  if (logged_challenge_.position() != 0) *cutover.mutable_challenge() = logged_challenge_;
  FillChallenge(cutover);
  while (cutovers_.size() > kCutoversKept) cutovers_.erase(cutovers_.begin());
}

void Shard::FillChallenge(pb::CutoverStatement& cutover) const {
  if (!cutover.has_challenge()) return;
  if (cutover.challenge().position() != newest_challenge_.position()) return;
  cutover.mutable_challenge()->set_digest(newest_challenge_.digest());
}

absl::Status Shard::CheckChallenge(const pb::CutoverStatement& cutover) const {
  const uint64_t position = cutover.challenge().position();
  if (position == 0 || !cutover.challenge().digest().empty()) return absl::OkStatus();
  if (position == begun_challenge_) {
    return absl::UnavailableError(absl::StrCat("node ", ownership_.self(),
                                               " still hashes the challenge at position ", position,
                                               ", which the cutover rests on: ask again"));
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "node ", ownership_.self(), " has not hashed the challenge at position ", position,
      ", the newest before the seal (it started or was copied since, or another challenge came "
      "before it was done), and does not certify the cutover: hold both logs against the seal's "
      "certificate (hamisha-ledger replay), and let a challenge succeed before the next seal"));
}

absl::Status Shard::LoadCutovers() {
  ASSIGN_OR_RETURN(const std::string text, options_.files->LoadCutovers());
  pb::CutoverStatements loaded;
  if (loaded.ParseFromString(text)) {
    for (const pb::CutoverStatement& cutover : loaded.statements()) {
      cutovers_[cutover.position()] = cutover;
    }
  }
  for (auto& [position, cutover] : cutovers_) FillChallenge(cutover);
  while (cutovers_.size() > kCutoversKept) cutovers_.erase(cutovers_.begin());
  return absl::OkStatus();
}

void Shard::SaveCutovers() {
  if (cutovers_.empty()) return;
  pb::CutoverStatements statements;
  for (const auto& [position, cutover] : cutovers_) *statements.add_statements() = cutover;
  SaveLater([files = options_.files, text = statements.SerializeAsString()] {
    return files->SaveCutovers(text);
  });
}

absl::StatusOr<pb::Signed> Shard::CertifyCutover(const pb::Signed& seal) const {
  RETURN_IF_ERROR(failed_);
  ASSIGN_OR_RETURN(const pb::SealStatement statement,
                   VerifySeal(seal, options_.config.shard(), options_.keys));
  RETURN_IF_ERROR(CheckTrusted(ToFacts(statement)));
  const auto cutover = cutovers_.find(statement.position());
  if (cutover == cutovers_.end()) {
    return absl::FailedPreconditionError(
        absl::StrCat("node ", ownership_.self(), " knows nothing of the state at position ",
                     statement.position(), " any more, or not yet: compare first"));
  }
  if (cutover->second.log_hash() != statement.log_hash()) {
    return absl::DataLossError(absl::StrCat("node ", ownership_.self(), "'s log at position ",
                                            statement.position(), " is not the sealed one"));
  }
  RETURN_IF_ERROR(CheckChallenge(cutover->second));
  return SignCutover(cutover->second, ownership_.self(), *options_.key);
}

pb::InFlightPending Shard::ToInFlight(const PendingFacts& facts, uint64_t now_ns) const {
  pb::InFlightPending pending;
  ToMessage(facts.id, *pending.mutable_id());
  ToMessage(facts.debit_account_id, *pending.mutable_debit_account_id());
  ToMessage(facts.credit_account_id, *pending.mutable_credit_account_id());
  pending.set_ledger(state_.FindAccount(facts.debit_account_id)->ledger);
  pending.set_amount(facts.amount);
  pending.set_timestamp_ns(facts.timestamp_ns);
  pending.set_expires_ns(facts.expires_ns);
  if (facts.expires_ns == 0) return pending;
  const uint64_t left_ns = facts.expires_ns > now_ns ? facts.expires_ns - now_ns : 0;
  pending.mutable_left()->set_seconds(static_cast<int64_t>(left_ns / kNsPerSecond));
  pending.mutable_left()->set_nanos(static_cast<int32_t>(left_ns % kNsPerSecond));
  return pending;
}

absl::StatusOr<pb::InFlightPage> Shard::ListInFlight(const pb::ListInFlightRequest& request) const {
  RETURN_IF_ERROR(failed_);
  pb::InFlightPage page;
  page.set_position(position());
  const uint32_t limit = request.limit() == 0 ? kBatchEventsMax : request.limit();
  for (const PendingFacts& facts :
       state_.OpenPendings(request.after_timestamp_ns(), std::min(limit, kBatchEventsMax))) {
    *page.add_pendings() = ToInFlight(facts, appended_.timestamp_ns);
  }
  return page;
}

}  // namespace ledger
