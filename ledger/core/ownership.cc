#include "ledger/core/ownership.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"

namespace ledger {
namespace {

constexpr uint64_t kFirstEpoch = 1;

absl::Status NotNow(absl::string_view why) { return absl::FailedPreconditionError(why); }

// What makes `next` no record that may follow `last` in any log; "" when nothing does. Whose log it
// is does not matter here.
std::string ChainFault(const std::optional<LogEntry>& last, const LogEntry& next) {
  const bool opens = next.kind == RecordKind::kOpen;
  if (!last.has_value()) {
    return opens && next.epoch == kFirstEpoch ? "" : "the first record of a log must open epoch 1";
  }
  if (last->kind != RecordKind::kSeal) {
    if (opens) return absl::StrCat("it opens epoch ", next.epoch, " where none was sealed");
    if (next.owner == last->owner && next.epoch == last->epoch) return "";
    return absl::StrCat("it is by '", next.owner, "' in epoch ", next.epoch, ", but '", last->owner,
                        "' owns epoch ", last->epoch);
  }
  if (!opens) return "it follows a seal without an open";
  const bool is_successor = next.owner == last->successor && next.epoch == last->epoch + 1;
  const bool is_unseal = next.owner == last->owner && next.epoch == last->epoch + 2;
  if (is_successor || is_unseal) return "";
  return absl::StrCat("'", next.owner, "' may not open epoch ", next.epoch, " after epoch ",
                      last->epoch, " was sealed by '", last->owner, "' for '", last->successor,
                      "'");
}

std::string Short(const base::Hash256& hash) { return base::ToHex(hash).substr(0, 16); }

}  // namespace

LogEntry ToLogEntry(const Record& record) {
  return {.kind = record.kind,
          .position = record.position,
          .epoch = record.epoch,
          .previous_hash = record.previous_hash,
          .hash = record.hash,
          .owner = record.owner,
          .successor = record.successor,
          .run = record.run};
}

absl::string_view ToString(Role role) {
  switch (role) {
    case Role::kPrimary: return "primary";
    case Role::kSealed: return "sealed";
    case Role::kReplica: return "replica";
  }
  UNREACHABLE();
}

Ownership::Ownership(std::string self, std::vector<std::string> members)
    : self_(std::move(self)), members_(std::move(members)) {
  INVARIANT(!self_.empty() && self_.size() <= kNodeIdBytesMax);
  INVARIANT(IsMember(self_));
}

// --- What happened ---

void Ownership::Appended(const LogEntry& entry) {
  INVARIANT(entry.position == position() + 1);
  INVARIANT(entry.previous_hash == log_hash());
  last_ = entry;
  if (entry.kind == RecordKind::kSeal && entry.owner == self_) own_seals_.push_back(entry);
}

void Ownership::Restore(const LogEntry& last, std::vector<LogEntry> own_seals) {
  INVARIANT(!last_.has_value());
  last_ = last;
  own_seals_ = std::move(own_seals);
  durable_position_ = last.position;
}

void Ownership::Durable(uint64_t position) {
  INVARIANT(position >= durable_position_ && position <= this->position());
  durable_position_ = position;
}

void Ownership::RefusalDecided(uint64_t epoch) { refusals_.try_emplace(epoch, false); }

void Ownership::RefusalDurable(uint64_t epoch) {
  const auto refusal = refusals_.find(epoch);
  INVARIANT(refusal != refusals_.end());
  refusal->second = true;
}

// --- What may be done ---

absl::StatusOr<RecordDraft> Ownership::DraftFirstOpen() const {
  if (last_.has_value()) {
    return NotNow(absl::StrCat("the log already has ", position(),
                               " records: the first open is only for an empty log"));
  }
  if (IsRefused(kFirstEpoch)) {
    return NotNow(
        "this node has refused an epoch, so its log cannot be new: if it was lost, the "
        "node must come back under a new node id");
  }
  return Draft(RecordKind::kOpen, kFirstEpoch);
}

absl::StatusOr<RecordDraft> Ownership::DraftBatch(RecordKind kind, uint64_t epoch) const {
  INVARIANT(kind != RecordKind::kSeal && kind != RecordKind::kOpen);
  if (absl::Status status = CheckPrimary(epoch); !status.ok()) return status;
  return Draft(kind, this->epoch());
}

absl::StatusOr<RecordDraft> Ownership::DraftSeal(const std::string& successor,
                                                 const std::string& run, uint64_t epoch) const {
  if (absl::Status status = CheckPrimary(epoch); !status.ok()) return status;
  if (successor == self_ || !IsMember(successor)) {
    return NotNow(
        absl::StrCat("the successor must be another node of the shard, not '", successor, "'"));
  }
  if (run.size() > kRunBytesMax) {
    return NotNow(absl::StrCat("the run's name has ", run.size(), " bytes, at most ", kRunBytesMax,
                               " are possible"));
  }
  RecordDraft draft = Draft(RecordKind::kSeal, this->epoch());
  draft.successor = successor;
  draft.run = run;
  return draft;
}

absl::StatusOr<RecordDraft> Ownership::DraftOpen(const SealFacts& seal) const {
  if (absl::Status status = CheckNamed(seal); !status.ok()) return status;
  if (epoch() > seal.epoch) {
    return NotNow(absl::StrCat("the certificate ends epoch ", seal.epoch,
                               ", but this node's log is already in epoch ", epoch()));
  }
  if (Mine()) {
    return NotNow(absl::StrCat("this node itself owns epoch ", epoch(), ": nothing to open"));
  }
  if (IsRefused(seal.epoch + 1)) {
    return NotNow(absl::StrCat("this node has refused epoch ", refusals_.rbegin()->first,
                               " and all before it for ever: unseal '", seal.owner,
                               "' with the refusal certificate instead"));
  }
  if (position() < seal.position) {
    return NotNow(absl::StrCat("this node's log ends at position ", position(),
                               ", the certificate is for ", seal.position,
                               ": wait until the rest is replicated"));
  }
  if (position() != seal.position || log_hash() != seal.log_hash) {
    return NotNow(absl::StrCat("this node's log (position ", position(), ", hash ",
                               Short(log_hash()), ") is not the certified one (position ",
                               seal.position, ", hash ", Short(seal.log_hash), ")"));
  }
  // The hashes being equal, what the certificate says of the record must be so.
  if (last_->kind != RecordKind::kSeal || last_->epoch != seal.epoch ||
      last_->owner != seal.owner || last_->successor != seal.successor) {
    return NotNow("the certificate contradicts the record that it certifies");
  }
  return Draft(RecordKind::kOpen, seal.epoch + 1);
}

absl::StatusOr<uint64_t> Ownership::DraftRefusal(const SealFacts& seal) const {
  if (absl::Status status = CheckNamed(seal); !status.ok()) return status;
  const uint64_t refused = seal.epoch + 1;
  if (refusals_.count(refused) != 0) return refused;
  if (epoch() > seal.epoch) {
    return NotNow(absl::StrCat("this node's log is in epoch ", epoch(), ": epoch ", refused,
                               " can no longer be refused"));
  }
  return refused;
}

absl::StatusOr<RecordDraft> Ownership::DraftUnseal(const RefusalFacts& refusal) const {
  if (role() != Role::kSealed) {
    return NotNow(absl::StrCat("nothing to unseal: ", Standing()));
  }
  if (refusal.refuser != last_->successor) {
    return NotNow(absl::StrCat("the refusal is by '", refusal.refuser, "', but the seal names '",
                               last_->successor, "'"));
  }
  if (refusal.epoch != epoch() + 1) {
    return NotNow(absl::StrCat("the refusal is of epoch ", refusal.epoch,
                               ", but the seal of epoch ", epoch(), " asks for one of epoch ",
                               epoch() + 1));
  }
  return Draft(RecordKind::kOpen, epoch() + 2);
}

absl::Status Ownership::CheckCopy(const LogEntry& entry) const {
  if (role() == Role::kPrimary) {
    return NotNow(absl::StrCat("this node is primary of epoch ", epoch(),
                               " and follows nobody: seal it first"));
  }
  if (entry.position != position() + 1) {
    return NotNow(absl::StrCat("record ", entry.position, " does not come after this node's last, ",
                               position(), ": pull after ", position()));
  }
  if (entry.previous_hash != log_hash()) {
    return absl::DataLossError(absl::StrCat(
        "the logs diverge: this node's record ", position(), " has hash ", Short(log_hash()),
        ", but the source's record ", entry.position, " follows one with hash ",
        Short(entry.previous_hash), ": nothing was dropped; compare both logs"));
  }
  if (entry.owner == self_) {
    return absl::DataLossError(absl::StrCat(
        "record ", entry.position, " is this node's own, but its log ends at ", position(),
        ": this disk is an older copy; the node must come back under a new node id"));
  }
  if (const std::string fault = ChainFault(last_, entry); !fault.empty()) {
    return absl::DataLossError(
        absl::StrCat("record ", entry.position, " of the source cannot be: ", fault));
  }
  return absl::OkStatus();
}

// --- What may be said ---

std::optional<LogEntry> Ownership::DurableSeal(absl::string_view run,
                                               absl::string_view successor) const {
  const auto seal =
      std::find_if(own_seals_.rbegin(), own_seals_.rend(), [&](const LogEntry& candidate) {
        return candidate.position <= durable_position_ && (run.empty() || candidate.run == run) &&
               (successor.empty() || candidate.successor == successor);
      });
  if (seal == own_seals_.rend()) return std::nullopt;
  return *seal;
}

bool Ownership::IsRefusalDurable(uint64_t epoch) const {
  const auto refusal = refusals_.find(epoch);
  return refusal != refusals_.end() && refusal->second;
}

Role Ownership::role() const {
  if (!Mine()) return Role::kReplica;
  if (last_->kind == RecordKind::kSeal) return Role::kSealed;
  // An Open counts once it is durable; a batch after it is in the same log, so no longer asks.
  const bool is_opening = last_->kind == RecordKind::kOpen && durable_position_ < last_->position;
  return is_opening ? Role::kReplica : Role::kPrimary;
}

uint64_t Ownership::epoch() const { return last_.has_value() ? last_->epoch : 0; }
std::string Ownership::owner() const { return last_.has_value() ? last_->owner : ""; }
std::string Ownership::successor() const { return last_.has_value() ? last_->successor : ""; }
uint64_t Ownership::position() const { return last_.has_value() ? last_->position : 0; }
base::Hash256 Ownership::log_hash() const {
  return last_.has_value() ? last_->hash : base::Hash256{};
}

// --- Private ---

bool Ownership::Mine() const { return last_.has_value() && last_->owner == self_; }

bool Ownership::IsMember(absl::string_view node) const {
  return std::any_of(members_.begin(), members_.end(),
                     [node](const std::string& member) { return member == node; });
}

bool Ownership::IsRefused(uint64_t epoch) const {
  return !refusals_.empty() && refusals_.rbegin()->first >= epoch;
}

absl::Status Ownership::CheckPrimary(uint64_t epoch) const {
  if (role() != Role::kPrimary) return NotNow(absl::StrCat("not primary: ", Standing()));
  if (epoch != 0 && epoch != this->epoch()) {
    return NotNow(
        absl::StrCat("the sender believes in epoch ", epoch, ", in force is ", this->epoch()));
  }
  return absl::OkStatus();
}

absl::Status Ownership::CheckNamed(const SealFacts& seal) const {
  if (seal.successor == self_) return absl::OkStatus();
  return NotNow(absl::StrCat("the seal certificate names '", seal.successor, "', this node is '",
                             self_, "'"));
}

std::string Ownership::Standing() const {
  if (!last_.has_value()) return "the log is empty";
  if (!Mine()) return absl::StrCat("'", last_->owner, "' owns epoch ", last_->epoch);
  if (role() == Role::kSealed) {
    return absl::StrCat("this node sealed epoch ", last_->epoch, " for '", last_->successor, "'");
  }
  if (role() == Role::kPrimary) {
    return absl::StrCat("this node is primary of epoch ", last_->epoch);
  }
  return absl::StrCat("this node's open of epoch ", last_->epoch, " is not yet durable");
}

RecordDraft Ownership::Draft(RecordKind kind, uint64_t epoch) const {
  return {.kind = kind,
          .position = position() + 1,
          .epoch = epoch,
          .previous_hash = log_hash(),
          .owner = self_,
          .successor = "",
          .run = ""};
}

}  // namespace ledger
