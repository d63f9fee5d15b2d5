#include "lab/load/check.h"

#include <algorithm>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "lab/load/run_files.h"

namespace lab {
namespace {

constexpr size_t kBatchLegs = 8'000;       // Leaves room for one more chain.
constexpr size_t kHistoryMax = 1'000'000;  // Longer ones are left out.
constexpr uint32_t kSampledCustomers = 16;
constexpr uint32_t kSampledHot = 4;

// Judges the rows together, with one lookup.
absl::Status JudgeRows(Gateways& gateways, std::vector<OutcomeRow>& rows, Checker& checker) {
  pb::LookupRequest request;
  for (const OutcomeRow& row : rows) {
    for (const Leg& leg : row.legs) *request.add_ids() = ToProto(leg.id);
  }
  absl::flat_hash_map<base::Id128, Leg> there;
  if (request.ids_size() > 0) {
    ASSIGN_OR_RETURN(const pb::TransfersResponse response, gateways.LookupTransfers(request));
    there.reserve(static_cast<size_t>(response.transfers_size()));
    for (const pb::Transfer& transfer : response.transfers()) {
      const Leg leg = FromProto(transfer);
      there.emplace(leg.id, leg);
    }
  }
  std::vector<std::optional<Leg>> found;
  for (const OutcomeRow& row : rows) {
    found.clear();
    for (const Leg& leg : row.legs) {
      const auto it = there.find(leg.id);
      found.push_back(it == there.end() ? std::nullopt : std::optional<Leg>(it->second));
    }
    checker.Judge(row, found);
  }
  rows.clear();
  return absl::OkStatus();
}

absl::Status JudgeOutcomes(Gateways& gateways, OutcomeReader& reader, Checker& checker,
                           const std::function<void(uint64_t)>& progress) {
  std::vector<OutcomeRow> rows;
  size_t legs = 0;
  uint64_t done = 0;
  while (true) {
    ASSIGN_OR_RETURN(std::optional<OutcomeRow> row, reader.Next());
    if (!row) break;
    legs += row->legs.size();
    rows.push_back(*std::move(row));
    if (legs < kBatchLegs) continue;
    done += rows.size();
    legs = 0;
    RETURN_IF_ERROR(JudgeRows(gateways, rows, checker));
    progress(done);
  }
  return JudgeRows(gateways, rows, checker);
}

// All transfers of an account, or none when they are too many.
absl::StatusOr<std::optional<std::vector<Leg>>> ReadHistory(Gateways& gateways,
                                                            const base::Id128& account) {
  std::vector<Leg> transfers;
  pb::AccountFilter filter;
  *filter.mutable_account_id() = ToProto(account);
  filter.set_limit(kLookupIdsMax);
  filter.set_debits(true);
  filter.set_credits(true);
  while (true) {
    ASSIGN_OR_RETURN(const pb::TransfersResponse response, gateways.GetAccountTransfers(filter));
    for (const pb::Transfer& transfer : response.transfers()) {
      transfers.push_back(FromProto(transfer));
    }
    if (response.transfers_size() < kLookupIdsMax) return transfers;
    if (transfers.size() > kHistoryMax) return std::nullopt;
    filter.set_timestamp_min_ns(response.transfers().rbegin()->timestamp_ns() + 1);
  }
}

// On every shard: what every transaction touches, the hottest of each kind, and some customers.
std::vector<uint64_t> SampledAccounts(const AccountSpace& space) {
  std::vector<uint64_t> ordinals;
  for (uint32_t shard = 0; shard < space.shape().shards; ++shard) {
    const auto add = [&](AccountKind kind, uint32_t count, uint32_t step) {
      for (uint32_t i = 0; i < count && i * step < space.Count(kind); ++i) {
        ordinals.push_back(*space.OrdinalOf(space.Id(shard, kind, i * step)));
      }
    };
    for (const AccountKind kind : {AccountKind::kFee, AccountKind::kExcise, AccountKind::kAirtime,
                                   AccountKind::kB2cUtility, AccountKind::kSuspense}) {
      add(kind, 1, 1);
    }
    add(AccountKind::kAgent, kSampledHot, 1);
    add(AccountKind::kTill, kSampledHot, 1);
    add(AccountKind::kPaybill, kSampledHot, 1);
    const uint32_t customers = space.Count(AccountKind::kCustomer);
    add(AccountKind::kCustomer, kSampledCustomers, std::max(customers / kSampledCustomers, 1U));
  }
  return ordinals;
}

}  // namespace

absl::StatusOr<CheckResult> Check(Gateways& gateways, const std::string& folder,
                                  base::FileSystem& files,
                                  const std::function<void(uint64_t)>& progress) {
  ASSIGN_OR_RETURN(const std::unique_ptr<OutcomeReader> reader,
                   OutcomeReader::Open(files, absl::StrCat(folder, "/", kOutcomesFile)));
  const AccountSpace space(reader->header().shape);
  ASSIGN_OR_RETURN(std::vector<Balance> opening, ReadOpening(files, folder, space));
  Checker checker(space, std::move(opening));
  RETURN_IF_ERROR(JudgeOutcomes(gateways, *reader, checker, progress));

  ASSIGN_OR_RETURN(const auto balances, LookupBalances(gateways, space));
  for (uint64_t ordinal = 0; ordinal < space.size(); ++ordinal) {
    checker.JudgeBalance(ordinal, balances[ordinal]);
  }
  CheckResult result;
  for (const uint64_t ordinal : SampledAccounts(space)) {
    if (!balances[ordinal]) continue;
    ASSIGN_OR_RETURN(const auto history, ReadHistory(gateways, space.IdOf(ordinal)));
    if (!history) continue;
    checker.JudgeHistory(ordinal, *history, *balances[ordinal]);
    ++result.histories;
  }
  result.verdict = checker.TakeVerdict();
  result.outcomes_complete = reader->complete();
  return result;
}

}  // namespace lab
