#include "ledger/core/difference.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace ledger {
namespace {

std::string Text(const Id128& value) { return base::ToString(value); }
std::string Text(uint64_t value) { return absl::StrCat(value); }

// Notes the fields that differ in what it is shown.
class Fields {
 public:
  explicit Fields(pb::RowDifference& difference) : difference_(difference) {}

  template <typename Value>
  Fields& Compare(const char* name, const Value& here, const Value& there) {
    if (!(here == there)) Add(name, Text(here), Text(there));
    return *this;
  }
  void Add(const char* name, std::string here, std::string there) {
    pb::FieldDifference& field = *difference_.add_fields();
    field.set_name(name);
    field.set_here(std::move(here));
    field.set_there(std::move(there));
  }

 private:
  pb::RowDifference& difference_;
};

const char* NameOf(const Account& /*row*/) { return "account"; }
const char* NameOf(const PendingFacts& /*row*/) { return "pending transfer"; }

void CompareFields(const Account& here, const Account& there, pb::RowDifference& difference) {
  Fields(difference)
      .Compare("timestamp_ns", here.timestamp_ns, there.timestamp_ns)
      .Compare("debits_pending", here.debits_pending, there.debits_pending)
      .Compare("debits_posted", here.debits_posted, there.debits_posted)
      .Compare("credits_pending", here.credits_pending, there.credits_pending)
      .Compare("credits_posted", here.credits_posted, there.credits_posted)
      .Compare("balance_max", here.balance_max, there.balance_max)
      .Compare<uint64_t>("flags", here.flags, there.flags)
      .Compare<uint64_t>("ledger", here.ledger, there.ledger)
      .Compare<uint64_t>("code", here.code, there.code)
      .Compare("user_data_128", here.user_data_128, there.user_data_128)
      .Compare("user_data_64", here.user_data_64, there.user_data_64)
      .Compare<uint64_t>("user_data_32", here.user_data_32, there.user_data_32);
}

void CompareFields(const PendingFacts& here, const PendingFacts& there,
                   pb::RowDifference& difference) {
  Fields(difference)
      .Compare("timestamp_ns", here.timestamp_ns, there.timestamp_ns)
      .Compare("debit_account_id", here.debit_account_id, there.debit_account_id)
      .Compare("credit_account_id", here.credit_account_id, there.credit_account_id)
      .Compare("amount", here.amount, there.amount)
      .Compare("expires_ns", here.expires_ns, there.expires_ns)
      .Compare("flags", here.flags, there.flags);
}

template <typename Row>
pb::RowDifference For(const Row& row) {
  pb::RowDifference difference;
  difference.set_what(NameOf(row));
  difference.set_id(Text(row.id));
  return difference;
}

// Rows of both sides stand in order of their times. Those of one id are compared; else the older
// one is missing on the other side.
template <typename Row>
RangeDifference Compare(absl::Span<const Row> here, absl::Span<const Row> there, bool is_end) {
  RangeDifference found;
  const auto only = [&found](const Row& row, bool is_here) {
    pb::RowDifference difference = For(row);
    is_here ? difference.set_only_here(true) : difference.set_only_there(true);
    found.rows.push_back(std::move(difference));
    found.is_shifted = true;
  };
  while (!here.empty() && !there.empty()) {
    const Row& left = here.front();
    const Row& right = there.front();
    if (!(left.id == right.id) && left.timestamp_ns != right.timestamp_ns) {
      const bool is_left = left.timestamp_ns < right.timestamp_ns;
      only(is_left ? left : right, is_left);
      (is_left ? here : there).remove_prefix(1);
      continue;
    }
    pb::RowDifference difference = For(left);
    Fields(difference).Compare("id", left.id, right.id);
    CompareFields(left, right, difference);
    if (difference.fields_size() > 0) found.rows.push_back(std::move(difference));
    here.remove_prefix(1);
    there.remove_prefix(1);
  }
  // Where rows are shifted, the other side may have these in its next range.
  if (is_end || !found.is_shifted) {
    for (const Row& row : here) only(row, true);
    for (const Row& row : there) only(row, false);
  }
  return found;
}

}  // namespace

std::vector<uint64_t> DifferentDigests(absl::Span<const base::Hash256> here,
                                       absl::Span<const base::Hash256> there, size_t limit) {
  std::vector<uint64_t> numbers;
  const size_t longer = std::max(here.size(), there.size());
  for (size_t i = 0; i < longer && numbers.size() < limit; ++i) {
    if (i >= here.size() || i >= there.size() || here[i] != there[i]) numbers.push_back(i);
  }
  return numbers;
}

RangeDifference CompareRows(absl::Span<const Account> here, absl::Span<const Account> there,
                            bool is_end) {
  return Compare(here, there, is_end);
}
RangeDifference CompareRows(absl::Span<const PendingFacts> here,
                            absl::Span<const PendingFacts> there, bool is_end) {
  return Compare(here, there, is_end);
}

pb::StateFacts ToProto(const ImageFacts& facts) {
  pb::StateFacts message;
  message.set_accounts(facts.accounts);
  message.set_open_pendings(facts.pendings);
  message.set_transfers(facts.transfers);
  message.set_newest_transfer_ns(facts.newest_transfer_ns);
  message.set_burnt_ids(facts.burnt);
  message.set_burnt_hash(std::string(base::AsBytes(facts.burnt_hash)));
  message.set_last_timestamp_ns(facts.last_timestamp_ns);
  return message;
}

pb::RowDifference CompareFacts(uint32_t shard, const pb::StateFacts& here,
                               const pb::StateFacts& there) {
  pb::RowDifference difference;
  difference.set_what("shard");
  difference.set_id(absl::StrCat(shard));
  Fields fields(difference);
  fields.Compare("accounts", here.accounts(), there.accounts())
      .Compare("transfers", here.transfers(), there.transfers())
      .Compare("open_pendings", here.open_pendings(), there.open_pendings())
      .Compare("newest_transfer_ns", here.newest_transfer_ns(), there.newest_transfer_ns())
      .Compare("burnt_ids", here.burnt_ids(), there.burnt_ids())
      .Compare("last_timestamp_ns", here.last_timestamp_ns(), there.last_timestamp_ns());
  if (here.burnt_hash() != there.burnt_hash()) {
    fields.Add("burnt_hash", base::ToHex(here.burnt_hash()), base::ToHex(there.burnt_hash()));
  }
  return difference;
}

std::string Describe(const pb::RowDifference& difference, absl::string_view here,
                     absl::string_view there) {
  const std::string name = absl::StrCat(difference.what(), " ", difference.id());
  if (difference.only_here()) return absl::StrCat(name, " is only at '", here, "'");
  if (difference.only_there()) return absl::StrCat(name, " is only at '", there, "'");
  const auto field = [&](std::string* out, const pb::FieldDifference& one) {
    absl::StrAppend(out, one.name(), " is ", one.here(), " at '", here, "', ", one.there(), " at '",
                    there, "'");
  };
  return absl::StrCat(name, ": ", absl::StrJoin(difference.fields(), "; ", field));
}

}  // namespace ledger
