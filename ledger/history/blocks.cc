#include "ledger/history/blocks.h"

#include <utility>

#include "base/status_macros.h"

namespace ledger {
namespace {

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("history: a block of ", what, " is damaged"));
}

void Pack(const BalanceRow& row, Packer& packer) {
  packer.Add(row.account_id);
  packer.Add(row.debits_pending);
  packer.Add(row.debits_posted);
  packer.Add(row.credits_pending);
  packer.Add(row.credits_posted);
}

BalanceRow UnpackBalances(Unpacker& unpacker, uint64_t timestamp_ns) {
  BalanceRow row;
  row.account_id = unpacker.Id();
  row.timestamp_ns = timestamp_ns;
  row.debits_pending = unpacker.Number();
  row.debits_posted = unpacker.Number();
  row.credits_pending = unpacker.Number();
  row.credits_posted = unpacker.Number();
  return row;
}

}  // namespace

// --- Transfers ---

absl::Status TransferBlocks::Add(const Transfer& transfer, absl::Span<const BalanceRow> balances) {
  if (transfers_ == 0) first_ns_ = last_ns_ = transfer.timestamp_ns;
  ledger::Pack(transfer, last_ns_, block_);
  last_ns_ = transfer.timestamp_ns;
  block_.Add(balances.size());
  for (const BalanceRow& row : balances) Pack(row, block_);
  return ++transfers_ < kTransfersPerBlock ? absl::OkStatus() : Finish();
}

absl::Status TransferBlocks::Finish() {
  if (transfers_ == 0) return absl::OkStatus();
  const absl::Status status = sink_(TransferKey(first_ns_), block_.bytes());
  block_.Clear();
  transfers_ = 0;
  return status;
}

std::string TransferKey(uint64_t timestamp_ns) { return KeyBytes().Add(timestamp_ns).bytes(); }

absl::Status ReadTransferBlock(absl::string_view key, absl::string_view block,
                               const std::function<bool(HistoryRow&)>& visit) {
  Unpacker unpacker(block);
  uint64_t before_ns = NumberInKey(key, 0);
  HistoryRow row;
  while (!unpacker.empty()) {
    row.transfer = UnpackTransfer(unpacker, before_ns);
    before_ns = row.transfer.timestamp_ns;
    row.balances.clear();
    const uint64_t count = unpacker.Number();
    if (count > 2) return Damaged("transfers");
    for (uint64_t i = 0; i < count; ++i) {
      row.balances.push_back(UnpackBalances(unpacker, before_ns));
    }
    if (!unpacker.ok()) return Damaged("transfers");
    if (!visit(row)) break;
  }
  return absl::OkStatus();
}

// --- Ids ---

// All entries of an id stand in one block.
absl::Status IdBlocks::Add(const IdEntry& entry) {
  if (block_.size() >= kBlockBytes && entry.id != last_) RETURN_IF_ERROR(Finish());
  if (block_.size() == 0) {
    first_ = entry.id;
    last_ = {};
    block_.Add(base_ns_);
  }
  const uint64_t value = entry.kind == IdKind::kBurnt ? entry.value : entry.value - base_ns_;
  block_.Add(entry.id.low - last_.low);
  block_.Add(entry.id.high);
  block_.Add(value << 1 | (entry.kind != IdKind::kTransfer ? 1U : 0U));
  if (entry.kind != IdKind::kTransfer) block_.Add(static_cast<uint64_t>(entry.kind));
  last_ = entry.id;
  return absl::OkStatus();
}

absl::Status IdBlocks::Finish() {
  if (block_.size() == 0) return absl::OkStatus();
  const absl::Status status = sink_(IdKey(run_, first_), block_.bytes());
  block_.Clear();
  return status;
}

std::string IdKey(uint32_t run, const Id128& id) { return KeyBytes().Add(run).Add(id).bytes(); }

absl::Status ReadIdBlock(absl::string_view block,
                         const std::function<bool(const IdEntry&)>& visit) {
  Unpacker unpacker(block);
  const uint64_t base_ns = unpacker.Number();
  IdEntry entry;
  while (!unpacker.empty()) {
    entry.id.low += unpacker.Number();
    entry.id.high = unpacker.Number();
    const uint64_t value = unpacker.Number();
    const uint64_t kind = (value & 1) != 0 ? unpacker.Number() : 0;
    if (!unpacker.ok() || kind > static_cast<uint64_t>(IdKind::kVoided)) return Damaged("ids");
    entry.kind = static_cast<IdKind>(kind);
    entry.value = (value >> 1) + (entry.kind == IdKind::kBurnt ? 0 : base_ns);
    if (!visit(entry)) break;
  }
  return absl::OkStatus();
}

// --- Accounts ---

// A time is packed as the distance to the one before, its lowest bit tells that the account is
// the one before too.
absl::Status AccountBlocks::Add(const AccountEntry& entry) {
  if (block_.size() >= kBlockBytes) RETURN_IF_ERROR(Finish());
  const bool is_first = block_.size() == 0;
  if (is_first) {
    first_ = entry;
    last_ = {};
    block_.Add(base_ns_);
  }
  if (!is_first && entry.account_id == last_.account_id) {
    block_.Add((entry.timestamp_ns - last_.timestamp_ns) << 1 | 1);
  } else {
    block_.Add((entry.timestamp_ns - base_ns_) << 1);
    block_.Add(entry.account_id.low - last_.account_id.low);
    block_.Add(entry.account_id.high);
  }
  last_ = entry;
  return absl::OkStatus();
}

absl::Status AccountBlocks::Finish() {
  if (block_.size() == 0) return absl::OkStatus();
  const absl::Status status = sink_(AccountKey(run_, first_), block_.bytes());
  block_.Clear();
  return status;
}

std::string AccountKey(uint32_t run, const AccountEntry& entry) {
  return KeyBytes().Add(run).Add(entry.account_id).Add(entry.timestamp_ns).bytes();
}

absl::Status ReadAccountBlock(absl::string_view block,
                              const std::function<bool(const AccountEntry&)>& visit) {
  Unpacker unpacker(block);
  const uint64_t base_ns = unpacker.Number();
  AccountEntry entry;
  while (!unpacker.empty()) {
    const uint64_t time = unpacker.Number();
    if ((time & 1) != 0) {
      entry.timestamp_ns += time >> 1;
    } else {
      entry.timestamp_ns = base_ns + (time >> 1);
      entry.account_id.low += unpacker.Number();
      entry.account_id.high = unpacker.Number();
    }
    if (!unpacker.ok()) return Damaged("accounts");
    if (!visit(entry)) break;
  }
  return absl::OkStatus();
}

uint32_t RunOfKey(absl::string_view key) {
  INVARIANT(key.size() >= sizeof(uint32_t));
  uint32_t run = 0;
  std::memcpy(&run, key.data(), sizeof(run));
  return __builtin_bswap32(run);
}

}  // namespace ledger
