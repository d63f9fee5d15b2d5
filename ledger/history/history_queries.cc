// What history answers to any thread.
#include <algorithm>

#include "base/invariant.h"
#include "base/status_macros.h"
#include "ledger/history/history.h"

namespace ledger {
namespace {

constexpr size_t kTimesAtOnce = 1'024;

}  // namespace

absl::Status History::Complete(const std::vector<Id128>& ids, uint64_t as_of_ns,
                               std::vector<std::optional<Transfer>>& found) const {
  INVARIANT(found.size() == ids.size());
  const std::shared_ptr<const View> now = view();
  RunReader reader(*files_);
  const auto complete = [&](const Run& run, const Id128& id,
                            std::optional<Transfer>& transfer) -> absl::Status {
    ASSIGN_OR_RETURN(const std::vector<IdEntry> entries, reader.Find(run.facts, id));
    for (const IdEntry& entry : entries) {
      if (entry.kind != IdKind::kTransfer || entry.value > as_of_ns) continue;
      HistoryRow row;
      RETURN_IF_ERROR(reader.ReadListed(entry.value, row));
      transfer = row.transfer;
    }
    return absl::OkStatus();
  };
  for (size_t i = 0; i < ids.size(); ++i) {
    RETURN_IF_ERROR(CheckNotCancelled());
    for (auto run = now->runs.rbegin(); run != now->runs.rend() && !found[i]; ++run) {
      if ((*run)->MayHold(ids[i])) RETURN_IF_ERROR(complete(**run, ids[i], found[i]));
    }
  }
  return absl::OkStatus();
}

namespace {

// The part of a filter's time that is asked for.
struct Times {
  uint64_t first_ns;
  uint64_t last_ns;
};
// False when it gave false: nothing more is wanted.
using Visitor = std::function<bool(const HistoryRow&)>;

bool VisitWindow(const Window& window, const TransferFilter& filter, const Times& times,
                 const Visitor& visit) {
  const absl::Span<const Transfer> transfers = window.published();
  std::vector<uint32_t> rows =
      window.RowsOfAccount(filter.account_id, static_cast<uint32_t>(transfers.size()));
  if (filter.reversed) std::reverse(rows.begin(), rows.end());
  for (const uint32_t row : rows) {
    const Transfer& transfer = transfers[row];
    if (transfer.timestamp_ns < times.first_ns || transfer.timestamp_ns > times.last_ns) continue;
    const absl::Span<const BalanceRow> balances = window.BalancesAt(transfer.timestamp_ns);
    if (!visit({transfer, {balances.begin(), balances.end()}})) return false;
  }
  return true;
}

absl::StatusOr<bool> VisitRun(const Run& run, RunReader& reader, const TransferFilter& filter,
                              const Times& times, const Visitor& visit) {
  RunReader::TimeRange range{.first_ns = std::max(times.first_ns, run.facts.first_ns),
                             .last_ns = std::min(times.last_ns, run.facts.last_ns),
                             .reversed = filter.reversed,
                             .limit = kTimesAtOnce};
  while (run.facts.transfers > 0 && range.first_ns <= range.last_ns) {
    ASSIGN_OR_RETURN(const std::vector<uint64_t> found,
                     reader.TimesOfAccount(run.facts, filter.account_id, range));
    for (const uint64_t time : found) {
      HistoryRow row;
      RETURN_IF_ERROR(reader.ReadListed(time, row));
      if (!visit(row)) return false;
    }
    if (found.size() < range.limit) break;
    if (filter.reversed) {
      range.last_ns = found.back() - 1;
    } else {
      range.first_ns = found.back() + 1;
    }
  }
  return true;
}

}  // namespace

absl::Status History::Visit(const TransferFilter& filter, uint64_t as_of_ns,
                            const Visitor& visit) const {
  const uint64_t max_ns = filter.timestamp_max_ns == 0 ? as_of_ns : filter.timestamp_max_ns;
  const Times times{filter.timestamp_min_ns, std::min(max_ns, as_of_ns)};
  const std::shared_ptr<const View> now = view();
  RunReader reader(*files_);
  // Runs are older than windows.
  const size_t parts = now->runs.size() + now->windows.size();
  // Few may match of very many.
  const Visitor visit_unless_cancelled = [&](const HistoryRow& row) {
    return !is_cancelled_.load(std::memory_order_relaxed) && visit(row);
  };
  for (size_t i = 0; i < parts; ++i) {
    const size_t part = filter.reversed ? parts - 1 - i : i;
    bool more = true;
    if (part < now->runs.size()) {
      ASSIGN_OR_RETURN(more,
                       VisitRun(*now->runs[part], reader, filter, times, visit_unless_cancelled));
    } else {
      more = VisitWindow(*now->windows[part - now->runs.size()], filter, times, visit);
    }
    RETURN_IF_ERROR(CheckNotCancelled());
    if (!more) break;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Transfer>> History::AccountTransfers(const TransferFilter& filter,
                                                                uint64_t as_of_ns) const {
  std::vector<Transfer> found;
  if (!IsSoundForAccount(filter)) return found;
  const size_t limit = std::min(filter.limit, kBatchEventsMax);
  RETURN_IF_ERROR(Visit(filter, as_of_ns, [&](const HistoryRow& row) {
    const Transfer& transfer = row.transfer;
    if (IsSide(transfer, filter) && Matches(transfer, filter)) found.push_back(transfer);
    return found.size() < limit;
  }));
  return found;
}

absl::StatusOr<std::vector<BalanceRow>> History::AccountBalances(const TransferFilter& filter,
                                                                 uint64_t as_of_ns) const {
  std::vector<BalanceRow> found;
  if (!IsSoundForAccount(filter)) return found;
  const size_t limit = std::min(filter.limit, kBatchEventsMax);
  RETURN_IF_ERROR(Visit(filter, as_of_ns, [&](const HistoryRow& row) {
    if (!IsSide(row.transfer, filter) || !Matches(row.transfer, filter)) return true;
    for (const BalanceRow& balances : row.balances) {
      if (balances.account_id == filter.account_id) found.push_back(balances);
    }
    return found.size() < limit;
  }));
  return found;
}

}  // namespace ledger
