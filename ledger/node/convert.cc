#include "ledger/node/convert.h"

#include <cstdint>
#include <limits>

#include "absl/strings/str_cat.h"

namespace ledger {
namespace {

namespace pb = ::hamisha::ledger::v1;

constexpr uint32_t kMax16 = std::numeric_limits<uint16_t>::max();

Id128 ToId(const pb::Id& id) { return {.high = id.high(), .low = id.low()}; }

absl::Status CheckCount(int count) {
  if (count == 0) return absl::InvalidArgumentError("the batch is empty; send at least one event");
  if (static_cast<uint32_t>(count) > kBatchEventsMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the batch has ", count, " events; send at most ", kBatchEventsMax, " at once"));
  }
  return absl::OkStatus();
}

absl::Status TooLarge(absl::string_view field, int index, uint32_t value) {
  return absl::InvalidArgumentError(absl::StrCat("event ", index, ": ", field, " is ", value,
                                                 "; at most ", kMax16, " is possible"));
}

void ToRow(const pb::Account& message, Account& row) {
  row.id = ToId(message.id());
  row.debits_pending = message.debits_pending();
  row.debits_posted = message.debits_posted();
  row.credits_pending = message.credits_pending();
  row.credits_posted = message.credits_posted();
  row.user_data_128 = ToId(message.user_data_128());
  row.user_data_64 = message.user_data_64();
  row.user_data_32 = message.user_data_32();
  row.ledger = message.ledger();
  row.timestamp_ns = message.timestamp_ns();
  row.code = static_cast<uint16_t>(message.code());
  row.flags = static_cast<uint16_t>(message.flags());
  row.balance_max = message.balance_max();
}

void ToRow(const pb::Transfer& message, Transfer& row) {
  row.id = ToId(message.id());
  row.debit_account_id = ToId(message.debit_account_id());
  row.credit_account_id = ToId(message.credit_account_id());
  row.amount = message.amount();
  row.timestamp_ns = message.timestamp_ns();
  row.pending_id = ToId(message.pending_id());
  row.user_data_128 = ToId(message.user_data_128());
  row.user_data_64 = message.user_data_64();
  row.user_data_32 = message.user_data_32();
  row.timeout_s = message.timeout_s();
  row.ledger = message.ledger();
  row.code = static_cast<uint16_t>(message.code());
  row.flags = static_cast<uint16_t>(message.flags());
}

template <typename Row, typename Messages>
absl::StatusOr<std::vector<Row>> ToRowsOf(const Messages& messages) {
  if (absl::Status status = CheckCount(messages.size()); !status.ok()) return status;
  std::vector<Row> rows(static_cast<size_t>(messages.size()));
  for (int i = 0; i < messages.size(); ++i) {
    const auto& message = messages.Get(i);
    if (message.code() > kMax16) return TooLarge("code", i, message.code());
    if (message.flags() > kMax16) return TooLarge("flags", i, message.flags());
    ToRow(message, rows[static_cast<size_t>(i)]);
  }
  return rows;
}

}  // namespace

absl::StatusOr<std::vector<Account>> ToRows(const pb::CreateAccountsRequest& request) {
  return ToRowsOf<Account>(request.accounts());
}

absl::StatusOr<std::vector<Transfer>> ToRows(const pb::CreateTransfersRequest& request) {
  return ToRowsOf<Transfer>(request.transfers());
}

absl::StatusOr<std::vector<BalanceLimit>> ToRows(const pb::SetBalanceLimitsRequest& request) {
  if (absl::Status status = CheckCount(request.limits_size()); !status.ok()) return status;
  std::vector<BalanceLimit> rows;
  rows.reserve(static_cast<size_t>(request.limits_size()));
  for (const pb::BalanceLimit& limit : request.limits()) {
    rows.push_back({.account_id = ToId(limit.account_id()), .balance_max = limit.balance_max()});
  }
  return rows;
}

absl::StatusOr<std::vector<Id128>> ToIds(const pb::LookupRequest& request) {
  if (static_cast<uint32_t>(request.ids_size()) > kBatchEventsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(request.ids_size(), " ids; ask for at most ", kBatchEventsMax, " at once"));
  }
  std::vector<Id128> ids;
  ids.reserve(static_cast<size_t>(request.ids_size()));
  for (const pb::Id& id : request.ids()) ids.push_back(ToId(id));
  return ids;
}

absl::StatusOr<TransferFilter> ToFilter(const pb::AccountFilter& filter) {
  if (filter.limit() > kBatchEventsMax) {
    return absl::InvalidArgumentError(absl::StrCat("limit is ", filter.limit(),
                                                   "; ask for at most ", kBatchEventsMax,
                                                   " at once and go on by timestamp"));
  }
  if (filter.code() > kMax16) return TooLarge("code", 0, filter.code());
  return TransferFilter{.account_id = ToId(filter.account_id()),
                        .timestamp_min_ns = filter.timestamp_min_ns(),
                        .timestamp_max_ns = filter.timestamp_max_ns(),
                        .limit = filter.limit(),
                        .code = static_cast<uint16_t>(filter.code()),
                        .debits = filter.debits(),
                        .credits = filter.credits(),
                        .reversed = filter.reversed(),
                        .user_data_128 = ToId(filter.user_data_128()),
                        .user_data_64 = filter.user_data_64(),
                        .user_data_32 = filter.user_data_32()};
}

void ToMessage(const Id128& id, pb::Id& message) {
  message.set_high(id.high);
  message.set_low(id.low);
}

void ToMessage(const Account& row, pb::Account& message) {
  ToMessage(row.id, *message.mutable_id());
  message.set_debits_pending(row.debits_pending);
  message.set_debits_posted(row.debits_posted);
  message.set_credits_pending(row.credits_pending);
  message.set_credits_posted(row.credits_posted);
  if (!row.user_data_128.IsZero()) ToMessage(row.user_data_128, *message.mutable_user_data_128());
  message.set_user_data_64(row.user_data_64);
  message.set_user_data_32(row.user_data_32);
  message.set_ledger(row.ledger);
  message.set_code(row.code);
  message.set_flags(row.flags);
  message.set_timestamp_ns(row.timestamp_ns);
  message.set_balance_max(row.balance_max);
}

void ToMessage(const BalanceRow& row, pb::AccountBalance& message) {
  message.set_debits_pending(row.debits_pending);
  message.set_debits_posted(row.debits_posted);
  message.set_credits_pending(row.credits_pending);
  message.set_credits_posted(row.credits_posted);
  message.set_timestamp_ns(row.timestamp_ns);
}

void ToMessage(const Transfer& row, pb::Transfer& message) {
  ToMessage(row.id, *message.mutable_id());
  ToMessage(row.debit_account_id, *message.mutable_debit_account_id());
  ToMessage(row.credit_account_id, *message.mutable_credit_account_id());
  message.set_amount(row.amount);
  if (!row.pending_id.IsZero()) ToMessage(row.pending_id, *message.mutable_pending_id());
  if (!row.user_data_128.IsZero()) ToMessage(row.user_data_128, *message.mutable_user_data_128());
  message.set_user_data_64(row.user_data_64);
  message.set_user_data_32(row.user_data_32);
  message.set_timeout_s(row.timeout_s);
  message.set_ledger(row.ledger);
  message.set_code(row.code);
  message.set_flags(row.flags);
  message.set_timestamp_ns(row.timestamp_ns);
}

}  // namespace ledger
