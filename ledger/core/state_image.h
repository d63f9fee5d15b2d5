#pragma once

#include <cstdint>
#include <functional>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/hash.h"
#include "ledger/core/types.h"

namespace ledger {

// Takes a part of a section of what a ledger holds, at most kImagePartBytesMax; parts of a section
// come one after the other.
using ImageSink = std::function<absl::Status(uint32_t section, absl::string_view bytes)>;
inline constexpr size_t kImagePartBytesMax = 65'536;

// What a ledger holds beside its rows.
struct ImageFacts {
  uint64_t shard = 0;
  uint64_t last_timestamp_ns = 0;
  uint64_t accounts = 0;
  uint64_t pendings = 0;  // Open ones.
  uint64_t transfers = 0;
  uint64_t newest_transfer_ns = 0;
  uint64_t burnt = 0;
  base::Hash256 burnt_hash{};
  friend bool operator==(const ImageFacts&, const ImageFacts&) = default;
};
static_assert(sizeof(ImageFacts) == 88 && std::is_trivially_copyable_v<ImageFacts>);

// An open pending transfer as it stands outside of the ledger: with ids, not rows.
struct PendingFacts {
  Id128 id;
  Id128 debit_account_id;
  Id128 credit_account_id;
  uint64_t amount = 0;
  uint64_t timestamp_ns = 0;
  uint64_t expires_ns = 0;  // 0: never.
  uint64_t flags = 0;       // TransferFlags.
  friend bool operator==(const PendingFacts&, const PendingFacts&) = default;
};
static_assert(sizeof(PendingFacts) == 80 && std::is_trivially_copyable_v<PendingFacts>);

// What a ledger held at one moment, but for the transfers of its store: ledger/FORMAT.md,
// "Snapshots". Other threads may read it while the ledger goes on, until it is given back to be
// thawed; it is destroyed before the ledger.
class StateImage {
 public:
  virtual ~StateImage() = default;
  virtual absl::Status Write(const ImageSink& sink) const = 0;

  virtual const ImageFacts& facts() const = 0;
  // Before the first ReadAccounts(), on one thread: finds what only some accounts have. Takes time
  // in proportion to that.
  virtual void Prepare() = 0;
  // The rows from `first` on, which must be there: accounts by time of creation, with all their
  // fields; open pending transfers by time.
  virtual void ReadAccounts(uint64_t first, absl::Span<Account> rows) const = 0;
  virtual void ReadPendings(uint64_t first, absl::Span<PendingFacts> rows) const = 0;
  // Those of a bucket of the state root, by time; looks at all.
  virtual std::vector<PendingFacts> PendingsOfBucket(uint16_t bucket) const = 0;
};

}  // namespace ledger
