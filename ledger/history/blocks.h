// What stands in history's sorted files: blocks of some 4 KiB, each under the key of its first
// entry (ledger/FORMAT.md, "History"). Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "ledger/core/transfer_store.h"
#include "ledger/core/types.h"
#include "ledger/history/packing.h"

namespace ledger {

// Takes a block; keys come in order.
using BlockSink = std::function<absl::Status(const std::string& key, absl::string_view block)>;

inline constexpr size_t kBlockBytes = 4'000;
inline constexpr uint32_t kTransfersPerBlock = 32;

// A transfer and what the accounts that keep history held after it.
struct HistoryRow {
  Transfer transfer;
  std::vector<BalanceRow> balances;
};

// --- Transfers, by time ---
class TransferBlocks {
 public:
  explicit TransferBlocks(BlockSink sink) : sink_(std::move(sink)) {}
  // In order of time.
  absl::Status Add(const Transfer& transfer, absl::Span<const BalanceRow> balances);
  absl::Status Finish();

 private:
  const BlockSink sink_;
  Packer block_;
  uint32_t transfers_ = 0;
  uint64_t first_ns_ = 0;
  uint64_t last_ns_ = 0;
};
std::string TransferKey(uint64_t timestamp_ns);
// Rows in order; false ends it early. DATA_LOSS when the block is damaged.
absl::Status ReadTransferBlock(absl::string_view key, absl::string_view block,
                               const std::function<bool(HistoryRow&)>& visit);

// --- Ids of a run ---
enum class IdKind : uint8_t { kTransfer = 0, kBurnt = 1, kPosted = 2, kVoided = 3 };

// What is known of an id: it is a transfer's of that time, it was burnt under that number, or the
// transfer of that time posted or voided the pending transfer of this id.
struct IdEntry {
  Id128 id;
  IdKind kind = IdKind::kTransfer;
  uint64_t value = 0;

  auto Order() const { return std::tuple(id.low, id.high, kind); }
  friend bool operator==(const IdEntry&, const IdEntry&) = default;
};

class IdBlocks {
 public:
  // No time in it is below `base_ns`.
  IdBlocks(uint32_t run, uint64_t base_ns, BlockSink sink)
      : run_(run), base_ns_(base_ns), sink_(std::move(sink)) {}
  // In order of IdEntry::Order().
  absl::Status Add(const IdEntry& entry);
  absl::Status Finish();

 private:
  const uint32_t run_;
  const uint64_t base_ns_;
  const BlockSink sink_;
  Packer block_;
  Id128 first_;
  Id128 last_;
};
std::string IdKey(uint32_t run, const Id128& id);
// Entries in order; false ends it early. DATA_LOSS when the block is damaged.
absl::Status ReadIdBlock(absl::string_view block, const std::function<bool(const IdEntry&)>& visit);

// --- Times of an account's transfers in a run ---
struct AccountEntry {
  Id128 account_id;
  uint64_t timestamp_ns = 0;

  auto Order() const { return std::tuple(account_id.low, account_id.high, timestamp_ns); }
  friend bool operator==(const AccountEntry&, const AccountEntry&) = default;
};

class AccountBlocks {
 public:
  AccountBlocks(uint32_t run, uint64_t base_ns, BlockSink sink)
      : run_(run), base_ns_(base_ns), sink_(std::move(sink)) {}
  // In order of AccountEntry::Order().
  absl::Status Add(const AccountEntry& entry);
  absl::Status Finish();

 private:
  const uint32_t run_;
  const uint64_t base_ns_;
  const BlockSink sink_;
  Packer block_;
  AccountEntry first_;
  AccountEntry last_;
};
std::string AccountKey(uint32_t run, const AccountEntry& entry);
absl::Status ReadAccountBlock(absl::string_view block,
                              const std::function<bool(const AccountEntry&)>& visit);

// The run that a key of ids or accounts belongs to.
uint32_t RunOfKey(absl::string_view key);

}  // namespace ledger
