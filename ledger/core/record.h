#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/hash.h"
#include "ledger/core/types.h"

namespace ledger {

enum class RecordKind : uint8_t {
  kAccounts = 1,       // Body: Accounts.
  kTransfers = 2,      // Body: Transfers; none: only time passes.
  kSeal = 3,           // Body: successor, run. Ends the owner's right to write.
  kOpen = 4,           // Body: empty for the first record of a shard and for an Unseal, else the
                       // certificate it rests on. Begins the owner's right to write in `epoch`.
  kBalanceLimits = 5,  // Body: BalanceLimits.
  kCheckpoint = 6,     // Body: Checkpoint. Changes nothing.
};

// What the owner says of the state as it goes on. The state at a checkpoint's position is a cut:
// every node takes note of it when it gets there, and finds its root beside writing; so the root
// stands in a later checkpoint.
struct Checkpoint {
  uint64_t root_position = 0;  // Of an earlier checkpoint; 0: nothing is said of any.
  base::Hash256 root{};        // The state root at that position; zeros when that is 0.
  base::Hash256 nonce{};       // What a challenge at this position is asked with; zeros: none is.
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};
static_assert(sizeof(Checkpoint) == 72 && std::is_trivially_copyable_v<Checkpoint>);
inline absl::string_view AsBytes(const Checkpoint& checkpoint) {
  return {reinterpret_cast<const char*>(&checkpoint), sizeof(checkpoint)};
}

// One entry of a shard's log, decoded. Node ids are at most kNodeIdBytesMax bytes.
struct Record {
  RecordKind kind = RecordKind::kAccounts;
  uint64_t position = 0;  // 1, 2, 3, …
  uint64_t epoch = 0;
  uint64_t timestamp_ns = 0;
  base::Hash256 previous_hash{};  // Of the record before; zeros for position 1.
  std::string owner;              // Node id of the owner in force from this record on.
  std::string successor;          // kSeal only: the one node that may open next.
  std::string run;                // kSeal only.
  absl::string_view body;         // of all but a seal: points into the encoded bytes.
  base::Hash256 hash{};           // Log hash at `position`: SHA-256 of the encoded record.
  uint64_t encoded_bytes = 0;

  absl::Span<const Account> accounts() const;             // kAccounts.
  absl::Span<const Transfer> transfers() const;           // kTransfers.
  absl::Span<const BalanceLimit> balance_limits() const;  // kBalanceLimits.
  Checkpoint checkpoint() const;                          // kCheckpoint only.
  // How many events the body holds, each with a nanosecond of its own.
  size_t event_count() const {
    return accounts().size() + transfers().size() + balance_limits().size();
  }
};

inline constexpr uint32_t kRecordFormatVersion = 2;  // Of the encoding: ledger/FORMAT.md.
inline constexpr size_t kNodeIdBytesMax = 63;
inline constexpr size_t kRunBytesMax = 255;
inline constexpr size_t kOpenBodyBytesMax = 65'536;
inline constexpr size_t kRecordBytesMin = 80;
inline constexpr size_t kRecordBytesMax = 1'114'112;

// Appends the encoding of `record` (all but hash and encoded_bytes, which are set) to `out`; the
// bytes are those of ledger/FORMAT.md, "Records". Names and body must be within their bounds and
// the body must not lie in `out`.
void EncodeRecord(Record& record, std::string& out);

// Decodes the record at the start of `bytes`, checks its checksum and computes its hash.
// OUT_OF_RANGE when `bytes` end inside it, DATA_LOSS when it is damaged. `bytes` must be 8-aligned
// and outlive the record's body. That it follows the record before it is the caller's to check.
absl::StatusOr<Record> DecodeRecord(absl::string_view bytes);

}  // namespace ledger
