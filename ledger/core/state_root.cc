#include "ledger/core/state_root.h"

#include <cstdint>
#include <string>
#include <type_traits>

namespace ledger {
namespace {

constexpr size_t kRootBufferBytes = 65'536;
constexpr char kRootPrefix[16] = "hamisha.state.2";

// SHA-256 of many small rows, gathered so that each costs little.
class RowHasher {
 public:
  RowHasher() { buffer_.reserve(kRootBufferBytes); }

  void Add(const void* data, size_t bytes) {
    if (buffer_.size() + bytes > kRootBufferBytes) Flush();
    buffer_.append(static_cast<const char*>(data), bytes);
  }
  void AddNumber(uint64_t number) { Add(&number, sizeof(number)); }
  base::Hash256 Finish() {
    Flush();
    return sha_.Finish();
  }

 private:
  void Flush() {
    sha_.Update(buffer_);
    buffer_.clear();
  }

  base::Sha256 sha_;
  std::string buffer_;
};

// An open pending transfer as it stands under the root.
struct PendingRow {
  Id128 id;
  Id128 debit_account_id;
  Id128 credit_account_id;
  uint64_t amount;
  uint64_t timestamp_ns;
  uint64_t expires_ns;
  uint64_t flags;
};
static_assert(sizeof(PendingRow) == 80 && std::is_trivially_copyable_v<PendingRow>);

}  // namespace

base::Hash256 ComputeStateRoot(const AccountTable& accounts, const PendingTable& pendings,
                               const TransferExecutor& transfers) {
  RowHasher hasher;
  hasher.Add(kRootPrefix, sizeof(kRootPrefix));
  hasher.AddNumber(accounts.shard());
  hasher.AddNumber(accounts.size());
  hasher.AddNumber(transfers.transfer_count());
  hasher.AddNumber(pendings.open().size());
  hasher.AddNumber(transfers.burnt_count());
  hasher.AddNumber(transfers.newest_timestamp_ns());
  hasher.Add(transfers.burnt_hash().data(), transfers.burnt_hash().size());
  for (const uint32_t row : accounts.SortedById()) {
    const Account account = accounts.Full(row);
    hasher.Add(&account, sizeof(account));
  }
  for (const auto& [timestamp_ns, pending] : pendings.open()) {
    const PendingRow row{.id = pending.id,
                         .debit_account_id = accounts[pending.debit_row].id,
                         .credit_account_id = accounts[pending.credit_row].id,
                         .amount = pending.amount,
                         .timestamp_ns = timestamp_ns,
                         .expires_ns = pending.expires_ns,
                         .flags = pending.flags};
    hasher.Add(&row, sizeof(row));
  }
  return hasher.Finish();
}

}  // namespace ledger
