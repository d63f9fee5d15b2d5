#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/hash.h"
#include "ledger/core/record.h"

namespace ledger {

// What ownership needs to know of a record.
struct LogEntry {
  RecordKind kind = RecordKind::kAccounts;
  uint64_t position = 0;
  uint64_t epoch = 0;
  base::Hash256 previous_hash{};
  base::Hash256 hash{};
  std::string owner;
  std::string successor;  // kSeal only, else "".
  std::string run;        // kSeal only, else "".
  friend bool operator==(const LogEntry&, const LogEntry&) = default;
};
LogEntry ToLogEntry(const Record& record);

// A verified seal certificate, as far as ownership looks at it. (That its signature is the sealing
// owner's, a member of the shard, is checked before: ledger/core/certificate.h.)
struct SealFacts {
  uint64_t epoch = 0;  // That ended.
  uint64_t position = 0;
  base::Hash256 log_hash{};
  std::string owner;
  std::string successor;
};

// A verified refusal certificate.
struct RefusalFacts {
  uint64_t epoch = 0;  // That `refuser` never opens.
  std::string refuser;
};

enum class Role : uint8_t { kPrimary, kSealed, kReplica };
absl::string_view ToString(Role role);

// What the next record of an order must carry. The caller fills in time and body, hashes, and
// gives it back by Appended().
struct RecordDraft {
  RecordKind kind = RecordKind::kAccounts;
  uint64_t position = 0;
  uint64_t epoch = 0;
  base::Hash256 previous_hash{};
  std::string owner;
  std::string successor;
  std::string run;
};

// The right to write of one node of one shard: at most one node has it, whatever is lost, repeated
// or ordered. Built after a model checked with spin; the numbers below are its rules.
//
// Pure and not thread-safe. Orders are checked by Check…/Draft…; the caller then appends what was
// drafted *before* it gives any other order (Appended, RefusalDecided), and tells what has become
// durable (Durable, RefusalDurable). A role is a function of the node's own log and id (rule 1);
// a node whose Open is not yet durable is a replica.
class Ownership {
 public:
  // `members`: node ids of the shard, `self` among them, 1 to kNodeIdBytesMax bytes each.
  Ownership(std::string self, std::vector<std::string> members);

  // --- What happened ---
  // A record of this node's log, one after the other: read back at start, drafted here, or copied
  // from another node (then only after CheckCopy). Everything read back at start must have been
  // synced again before (rule 6).
  void Appended(const LogEntry& entry);
  // Instead of every record up to `last`, at start: `own_seals` are this node's among them.
  void Restore(const LogEntry& last, std::vector<LogEntry> own_seals);
  void Durable(uint64_t position);
  // Refusals read back at start, or decided by DraftRefusal; durable once synced.
  void RefusalDecided(uint64_t epoch);
  void RefusalDurable(uint64_t epoch);

  // --- What may be done; FAILED_PRECONDITION says why not ---
  // The first record of a shard: only for an empty log.
  absl::StatusOr<RecordDraft> DraftFirstOpen() const;
  // A batch (rule 2): only by the primary. `epoch` is what the sender believes in; 0: any.
  absl::StatusOr<RecordDraft> DraftBatch(RecordKind kind, uint64_t epoch) const;
  // Rule 2. `epoch` 0: the one in force.
  absl::StatusOr<RecordDraft> DraftSeal(const std::string& successor, const std::string& run,
                                        uint64_t epoch) const;
  // Rule 3.
  absl::StatusOr<RecordDraft> DraftOpen(const SealFacts& seal) const;
  // Rule 4: the epoch to refuse. A refusal already decided is granted again.
  absl::StatusOr<uint64_t> DraftRefusal(const SealFacts& seal) const;
  // Rule 5.
  absl::StatusOr<RecordDraft> DraftUnseal(const RefusalFacts& refusal) const;
  // Rule 7: a record that another node holds durably after this node's last one. DATA_LOSS when the
  // logs diverge (with both positions), when it is this node's own (rule 8: this disk is an older
  // copy; the node needs a new id) or when no log can hold it; FAILED_PRECONDITION while primary or
  // when it is not the next.
  absl::Status CheckCopy(const LogEntry& entry) const;

  // --- What may be said (rule 6: only of what is durable) ---
  // The newest durable Seal record by this node for `successor` in `run`, for certifying; ""
  // matches any.
  std::optional<LogEntry> DurableSeal(absl::string_view run, absl::string_view successor) const;
  // Whether a refusal certificate for this epoch may be signed.
  bool IsRefusalDurable(uint64_t epoch) const;

  Role role() const;
  uint64_t epoch() const;         // Of the last record; 0 for an empty log.
  std::string owner() const;      // By the last record.
  std::string successor() const;  // While the last record is a Seal; else "".
  uint64_t position() const;      // Of the last record.
  uint64_t durable_position() const { return durable_position_; }
  base::Hash256 log_hash() const;  // Of the last record; zeros for an empty log.
  const std::string& self() const { return self_; }

 private:
  bool Mine() const;
  bool IsMember(absl::string_view node) const;
  bool IsRefused(uint64_t epoch) const;
  absl::Status CheckPrimary(uint64_t epoch) const;
  absl::Status CheckNamed(const SealFacts& seal) const;
  std::string Standing() const;  // In words, for messages.
  RecordDraft Draft(RecordKind kind, uint64_t epoch) const;

  std::string self_;
  std::vector<std::string> members_;
  std::optional<LogEntry> last_;
  uint64_t durable_position_ = 0;
  std::vector<LogEntry> own_seals_;
  std::map<uint64_t, bool> refusals_;  // Epoch → durable. It covers all epochs up to it.
};

}  // namespace ledger
