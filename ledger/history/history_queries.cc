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
      ASSIGN_OR_RETURN(const bool is_found, reader.ReadTransfer(entry.value, row));
      if (is_found) transfer = row.transfer;
    }
    return absl::OkStatus();
  };
  for (size_t i = 0; i < ids.size(); ++i) {
    for (auto run = now->runs.rbegin(); run != now->runs.rend() && !found[i]; ++run) {
      if ((*run)->MayHold(ids[i])) RETURN_IF_ERROR(complete(**run, ids[i], found[i]));
    }
  }
  return absl::OkStatus();
}

namespace {

// False when `visit` gave false.
using Visit = std::function<bool(const HistoryRow&)>;

bool VisitWindow(const Window& window, const History::AccountQuery& query, const Visit& visit) {
  const absl::Span<const Transfer> transfers = window.published();
  std::vector<uint32_t> rows =
      window.RowsOfAccount(query.account_id, static_cast<uint32_t>(transfers.size()));
  if (query.reversed) std::reverse(rows.begin(), rows.end());
  for (const uint32_t row : rows) {
    const Transfer& transfer = transfers[row];
    if (transfer.timestamp_ns < query.first_ns || transfer.timestamp_ns > query.last_ns) continue;
    const absl::Span<const BalanceRow> balances = window.BalancesAt(transfer.timestamp_ns);
    if (!visit({transfer, {balances.begin(), balances.end()}})) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<bool> History::VisitRun(const Run& run, RunReader& reader, const AccountQuery& query,
                                       const Visit& visit) {
  RunReader::TimeRange range{.first_ns = std::max(query.first_ns, run.facts.first_ns),
                            .last_ns = std::min(query.last_ns, run.facts.last_ns),
                            .reversed = query.reversed,
                            .limit = kTimesAtOnce};
  while (range.first_ns <= range.last_ns) {
    ASSIGN_OR_RETURN(const std::vector<uint64_t> times,
                     reader.TimesOfAccount(run.facts, query.account_id, range));
    for (const uint64_t time : times) {
      HistoryRow row;
      ASSIGN_OR_RETURN(const bool found, reader.ReadTransfer(time, row));
      if (!found) {
        return absl::DataLossError(absl::StrCat("history: the transfer of time ", time,
                                              " is listed with its account and not there"));
      }
      if (!visit(row)) return false;
    }
    if (times.size() < range.limit) break;
    if (range.reversed) {
      range.last_ns = times.back() - 1;
    } else {
      range.first_ns = times.back() + 1;
    }
  }
  return true;
}

absl::Status History::OfAccount(const AccountQuery& query, const Visit& visit) const {
  const std::shared_ptr<const View> now = view();
  const auto visit_windows = [&] {
    if (!query.reversed) {
      return std::all_of(now->windows.begin(), now->windows.end(), [&](const auto& window) {
        return VisitWindow(*window, query, visit);
      });
    }
    return std::all_of(now->windows.rbegin(), now->windows.rend(), [&](const auto& window) {
      return VisitWindow(*window, query, visit);
    });
  };
  if (query.reversed && !visit_windows()) return absl::OkStatus();
  RunReader reader(*files_);
  for (size_t i = 0; i < now->runs.size(); ++i) {
    const Run& run = *now->runs[query.reversed ? now->runs.size() - 1 - i : i];
    if (run.facts.transfers == 0) continue;
    ASSIGN_OR_RETURN(const bool more, VisitRun(run, reader, query, visit));
    if (!more) return absl::OkStatus();
  }
  if (!query.reversed) visit_windows();
  return absl::OkStatus();
}

}  // namespace ledger
