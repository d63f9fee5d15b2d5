// How a ledger's state is frozen, written and loaded: ledger/FORMAT.md, "Snapshots".
#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "base/status_macros.h"
#include "ledger/core/state.h"
#include "ledger/core/state_image.h"

namespace ledger {
namespace {

enum Section : uint32_t { kFacts = 1, kAccounts = 2, kDetails = 3, kPendings = 4 };

struct FactsRow {
  uint64_t version;
  uint64_t shard;
  uint64_t last_timestamp_ns;
  uint64_t accounts;
  uint64_t details;
  uint64_t pendings;
  uint64_t transfers;
  uint64_t newest_transfer_ns;
  uint64_t burnt;
  base::Hash256 burnt_hash;
};
static_assert(sizeof(FactsRow) == 104 && std::is_trivially_copyable_v<FactsRow>);
constexpr uint64_t kVersion = 1;

struct PendingEntry {
  uint64_t timestamp_ns;
  Id128 id;
  uint64_t amount;
  uint64_t expires_ns;
  uint32_t debit_row;
  uint32_t credit_row;
  uint64_t flags;
};
static_assert(sizeof(PendingEntry) == 56 && std::is_trivially_copyable_v<PendingEntry>);

template <typename Row>
absl::string_view AsBytes(absl::Span<const Row> rows) {
  return {reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(Row)};
}

template <typename Row>
absl::StatusOr<std::vector<Row>> AsRows(absl::string_view bytes) {
  if (bytes.size() % sizeof(Row) != 0) {
    return absl::DataLossError(
        absl::StrCat(bytes.size(), " bytes are no whole rows of ", sizeof(Row), " bytes"));
  }
  std::vector<Row> rows(bytes.size() / sizeof(Row));
  if (!rows.empty()) std::memcpy(rows.data(), bytes.data(), bytes.size());
  return rows;
}

template <typename Frozen>
absl::Status WritePages(const Frozen& frozen, Section section, const ImageSink& sink) {
  for (size_t page = 0; page < frozen.pages(); ++page) {
    RETURN_IF_ERROR(sink(section, AsBytes(frozen.page(page))));
  }
  return absl::OkStatus();
}
static_assert(AccountTable::kPageRows * sizeof(AccountRow) <= kImagePartBytesMax);
static_assert(AccountTable::kPageRows * sizeof(AccountDetails) <= kImagePartBytesMax);

}  // namespace

class StateMachine::Image final : public StateImage {
 public:
  explicit Image(State& state)
      : rows_(state.accounts.rows().Freeze()), details_(state.accounts.details().Freeze()) {
    const TransferExecutor::Facts facts = state.transfer_executor.facts();
    facts_ = {.version = kVersion,
              .shard = state.accounts.shard(),
              .last_timestamp_ns = state.last_timestamp_ns,
              .accounts = rows_.size(),
              .details = details_.size(),
              .pendings = state.pendings.open().size(),
              .transfers = facts.transfers,
              .newest_transfer_ns = facts.newest_ns,
              .burnt = facts.burnt,
              .burnt_hash = facts.burnt_hash};
    public_facts_ = {.shard = facts_.shard,
                     .last_timestamp_ns = facts_.last_timestamp_ns,
                     .accounts = facts_.accounts,
                     .pendings = facts_.pendings,
                     .transfers = facts_.transfers,
                     .newest_transfer_ns = facts_.newest_transfer_ns,
                     .burnt = facts_.burnt,
                     .burnt_hash = facts_.burnt_hash};
    pendings_.reserve(state.pendings.open().size());
    for (const auto& [place, open] : state.pendings.open()) {
      pendings_.push_back({.timestamp_ns = place.timestamp_ns,
                           .id = open.id,
                           .amount = open.amount,
                           .expires_ns = open.expires_ns,
                           .debit_row = open.debit_row,
                           .credit_row = open.credit_row,
                           .flags = open.flags});
    }
  }

  absl::Status Write(const ImageSink& sink) const override {
    RETURN_IF_ERROR(sink(kFacts, AsBytes(absl::MakeConstSpan(&facts_, 1))));
    RETURN_IF_ERROR(WritePages(rows_, kAccounts, sink));
    RETURN_IF_ERROR(WritePages(details_, kDetails, sink));
    constexpr size_t kRowsAtOnce = kImagePartBytesMax / sizeof(PendingEntry);
    for (size_t first = 0; first < pendings_.size(); first += kRowsAtOnce) {
      const auto part = absl::MakeConstSpan(pendings_).subspan(first, kRowsAtOnce);
      RETURN_IF_ERROR(sink(kPendings, AsBytes(part)));
    }
    return absl::OkStatus();
  }

  const ImageFacts& facts() const override { return public_facts_; }

  void Prepare() override {
    std::sort(pendings_.begin(), pendings_.end(),
              [](const PendingEntry& one, const PendingEntry& other) {
                return one.timestamp_ns < other.timestamp_ns;
              });
    if (details_.size() == 0) return;
    details_of_.assign(rows_.size(), 0);
    for (size_t page = 0; page < details_.pages(); ++page) {
      uint32_t number = static_cast<uint32_t>(page * AccountTable::kPageRows);
      for (const AccountDetails& one : details_.page(page)) {
        ++number;
        // Memory that was damaged may say any row.
        if (one.row < rows_.size()) details_of_[one.row] = number;
      }
    }
  }

  void ReadAccounts(uint64_t first, absl::Span<Account> rows) const override {
    INVARIANT(first + rows.size() <= rows_.size());
    for (uint64_t row = first; row < first + rows.size(); ++row) {
      rows[row - first] = FullAccount(RowAt(row), DetailsOf(row));
    }
  }

  void ReadPendings(uint64_t first, absl::Span<PendingFacts> rows) const override {
    INVARIANT(first + rows.size() <= pendings_.size());
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = FactsOf(pendings_[first + i]);
  }

  std::vector<PendingFacts> PendingsOfBucket(uint16_t bucket) const override {
    std::vector<PendingFacts> rows;
    for (const PendingEntry& pending : pendings_) {
      if (PendingTable::BucketOf(pending.timestamp_ns) == bucket) rows.push_back(FactsOf(pending));
    }
    return rows;
  }

  const AccountTable::Rows::Frozen& rows() const { return rows_; }
  const AccountTable::Details::Frozen& details() const { return details_; }

 private:
  const AccountRow& RowAt(uint64_t row) const {
    return rows_.page(row / AccountTable::kPageRows)[row % AccountTable::kPageRows];
  }
  PendingFacts FactsOf(const PendingEntry& pending) const {
    return {.id = pending.id,
            .debit_account_id = RowAt(pending.debit_row).id,
            .credit_account_id = RowAt(pending.credit_row).id,
            .amount = pending.amount,
            .timestamp_ns = pending.timestamp_ns,
            .expires_ns = pending.expires_ns,
            .flags = pending.flags};
  }
  // Null: it has none.
  const AccountDetails* DetailsOf(uint64_t row) const {
    if (details_of_.empty() || details_of_[row] == 0) return nullptr;
    const uint32_t number = details_of_[row] - 1;
    return &details_.page(number / AccountTable::kPageRows)[number % AccountTable::kPageRows];
  }

  FactsRow facts_{};
  ImageFacts public_facts_;
  AccountTable::Rows::Frozen rows_;
  AccountTable::Details::Frozen details_;
  std::vector<PendingEntry> pendings_;
  std::vector<uint32_t> details_of_;  // Row → number of its details, from 1; 0: none.
};

std::unique_ptr<StateImage> StateMachine::Freeze() { return std::make_unique<Image>(*state_); }

void StateMachine::Thaw(std::unique_ptr<StateImage> image) {
  const auto& frozen = static_cast<const Image&>(*image);
  state_->accounts.rows().Thaw(frozen.rows());
  state_->accounts.details().Thaw(frozen.details());
}

absl::Status StateMachine::Load(uint32_t section, absl::string_view bytes) {
  AccountTable& accounts = state_->accounts;
  switch (section) {
    case kFacts: {
      ASSIGN_OR_RETURN(const std::vector<FactsRow> rows, AsRows<FactsRow>(bytes));
      if (rows.size() != 1 || rows[0].version != kVersion || rows[0].shard != accounts.shard()) {
        return absl::DataLossError("these are not the facts of this shard's state");
      }
      if (rows[0].accounts > accounts.rows_max() || accounts.size() > 0) {
        return absl::DataLossError("these facts cannot be, or come too late");
      }
      accounts.Expect(rows[0].accounts);
      state_->to_load = {rows[0].accounts, rows[0].details, rows[0].pendings};
      state_->last_timestamp_ns = rows[0].last_timestamp_ns;
      state_->transfer_executor.Load(
          {rows[0].transfers, rows[0].newest_transfer_ns, rows[0].burnt, rows[0].burnt_hash});
      return absl::OkStatus();
    }
    case kAccounts: {
      ASSIGN_OR_RETURN(const std::vector<AccountRow> rows, AsRows<AccountRow>(bytes));
      RETURN_IF_ERROR(accounts.Load(rows));
      for (const AccountRow& row : rows) state_->totals.AddAccount(row);
      return absl::OkStatus();
    }
    case kDetails: {
      ASSIGN_OR_RETURN(const std::vector<AccountDetails> rows, AsRows<AccountDetails>(bytes));
      return accounts.Load(rows);
    }
    case kPendings: {
      ASSIGN_OR_RETURN(const std::vector<PendingEntry> rows, AsRows<PendingEntry>(bytes));
      for (const PendingEntry& row : rows) {
        if (row.debit_row >= accounts.size() || row.credit_row >= accounts.size() ||
            state_->pendings.Find(row.timestamp_ns) != nullptr) {
          return absl::DataLossError("an open pending transfer that cannot be");
        }
        state_->pendings.Add(row.timestamp_ns, {.id = row.id,
                                                .amount = row.amount,
                                                .expires_ns = row.expires_ns,
                                                .debit_row = row.debit_row,
                                                .credit_row = row.credit_row,
                                                .flags = static_cast<uint16_t>(row.flags)});
      }
      return absl::OkStatus();
    }
    default: return absl::DataLossError(absl::StrCat("a section ", section, " is not known"));
  }
}

absl::Status StateMachine::LoadDone() {
  const State::Counts loaded = {state_->accounts.size(), state_->accounts.details().size(),
                                state_->pendings.open().size()};
  if (loaded != state_->to_load) {
    return absl::DataLossError(absl::StrCat("the state has ", loaded.accounts, " accounts and ",
                                            loaded.pendings, " open pending transfers, but says ",
                                            state_->to_load.accounts, " and ",
                                            state_->to_load.pendings));
  }
  if (const CurrencyTotals* const uneven = state_->totals.FindUneven(); uneven != nullptr) {
    return absl::DataLossError(
        absl::StrCat("debits and credits of currency ", uneven->ledger, " are not equal"));
  }
  return absl::OkStatus();
}

}  // namespace ledger
