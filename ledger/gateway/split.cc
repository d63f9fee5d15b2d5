#include "ledger/gateway/split.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "ledger/client/convert.h"
#include "ledger/core/status.h"
#include "ledger/core/types.h"

namespace ledger {
namespace {

constexpr uint32_t kLinkedEventFailed = static_cast<uint32_t>(TransferStatus::kLinkedEventFailed);
constexpr uint32_t kLinkedEventChainOpen =
    static_cast<uint32_t>(TransferStatus::kLinkedEventChainOpen);
constexpr uint32_t kAcrossShards =
    static_cast<uint32_t>(TransferStatus::kAccountsOnDifferentShards);

// Where one event belongs.
struct Place {
  std::optional<uint32_t> shard;  // None: anywhere.
  uint32_t refusal = 0;           // Its code, when it belongs nowhere.
  bool needs_company = false;     // It goes where its chain goes, and nowhere without one.
};

std::optional<uint32_t> ShardNamed(const pb::Id& id) {
  const Id128 value = FromProto(id);
  if (value.IsZero() || value.IsMax()) return std::nullopt;
  return ShardOfAccount(value);
}

Place PlaceOf(const pb::Account& account, const std::set<uint32_t>& shards) {
  const auto shard = ShardNamed(account.id());
  if (shard && !shards.contains(*shard)) {
    return {.shard = shard,
            .refusal = static_cast<uint32_t>(AccountStatus::kAccountOfAnotherShard)};
  }
  return {.shard = shard};
}

// A post or void with account ids of 0 takes them from its pending transfer, whose shard its id
// does not tell. Sent to the wrong shard it would not be found there, and burn its own id.
bool MustNameShard(const pb::Transfer& transfer) {
  constexpr uint32_t kResolution =
      TransferFlags::kPostPendingTransfer | TransferFlags::kVoidPendingTransfer;
  return (transfer.flags() & kResolution) != 0;
}

Place PlaceOf(const pb::Transfer& transfer, const std::set<uint32_t>& shards) {
  const auto debit = ShardNamed(transfer.debit_account_id());
  const auto credit = ShardNamed(transfer.credit_account_id());
  if (!debit && !credit && MustNameShard(transfer) && shards.size() > 1) {
    return {.shard = std::nullopt, .needs_company = true};
  }
  if (debit && credit && *debit != *credit) return {.shard = debit, .refusal = kAcrossShards};
  const auto shard = debit ? debit : credit;
  if (shard && !shards.contains(*shard)) {
    return {.shard = shard,
            .refusal = static_cast<uint32_t>(TransferStatus::kAccountOfAnotherShard)};
  }
  return {.shard = shard};
}

Place PlaceOf(const pb::BalanceLimit& limit, const std::set<uint32_t>& shards) {
  const auto shard = ShardNamed(limit.account_id());
  if (shard && !shards.contains(*shard)) {
    return {.shard = shard,
            .refusal = static_cast<uint32_t>(BalanceLimitStatus::kAccountOfAnotherShard)};
  }
  return {.shard = shard};
}

template <typename Event>
bool IsLinkedEvent(const Event& event) {
  return (event.flags() & TransferFlags::kLinked) != 0;
}
bool IsLinkedEvent(const pb::BalanceLimit& /*event*/) { return false; }

// What becomes of every event: its shard, or why it is not sent.
struct Decision {
  uint32_t shard = 0;
  uint32_t refusal = 0;
};

// Decides the chain of events [first, end), which goes to one shard or nowhere.
void DecideChain(const std::vector<Place>& places, size_t first, size_t end, uint32_t any_shard,
                 std::vector<Decision>* decisions) {
  std::optional<uint32_t> shard;
  std::optional<size_t> culprit;
  uint32_t code = 0;
  for (size_t index = first; index < end && !culprit; ++index) {
    const Place& place = places[index];
    if (!shard) shard = place.shard;
    code = place.refusal;
    if (code == 0 && place.shard && *place.shard != *shard) code = kAcrossShards;
    if (code != 0) culprit = index;
  }
  for (size_t index = first; index < end && !culprit && !shard; ++index) {
    if (!places[index].needs_company) continue;
    code = static_cast<uint32_t>(TransferStatus::kPostOrVoidMustNameAnAccount);
    culprit = index;
  }
  for (size_t index = first; index < end; ++index) {
    Decision& decision = (*decisions)[index];
    decision.shard = shard.value_or(any_shard);
    if (culprit) decision.refusal = index == *culprit ? code : kLinkedEventFailed;
  }
}

// Whether an event is of an imported batch where the first event is not, or the other way round.
// A node sees only its part of the batch, with another first event.
uint32_t ImportedRefusal(const pb::Account& first, const pb::Account& event) {
  if (((first.flags() ^ event.flags()) & AccountFlags::kImported) == 0) return 0;
  return static_cast<uint32_t>((first.flags() & AccountFlags::kImported) != 0
                                   ? AccountStatus::kImportedEventExpected
                                   : AccountStatus::kImportedEventNotExpected);
}
uint32_t ImportedRefusal(const pb::Transfer& first, const pb::Transfer& event) {
  if (((first.flags() ^ event.flags()) & TransferFlags::kImported) == 0) return 0;
  return static_cast<uint32_t>((first.flags() & TransferFlags::kImported) != 0
                                   ? TransferStatus::kImportedEventExpected
                                   : TransferStatus::kImportedEventNotExpected);
}
uint32_t ImportedRefusal(const pb::BalanceLimit& /*first*/, const pb::BalanceLimit& /*event*/) {
  return 0;
}

template <typename Events>
std::vector<Decision> Decide(const Events& events, const std::set<uint32_t>& shards,
                             bool is_one_part) {
  std::vector<Place> places;
  places.reserve(static_cast<size_t>(events.size()));
  for (const auto& event : events) {
    Place& place = places.emplace_back(PlaceOf(event, shards));
    if (is_one_part) continue;
    const uint32_t refusal = ImportedRefusal(events.Get(0), event);
    if (refusal != 0) place.refusal = refusal;
  }
  std::vector<Decision> decisions(places.size());
  const auto linked = [&](size_t index) {
    return IsLinkedEvent(events.Get(static_cast<int>(index)));
  };
  for (size_t first = 0, end = 0; first < places.size(); first = end) {
    end = first + 1;
    while (end < places.size() && linked(end - 1)) ++end;
    DecideChain(places, first, end, *shards.begin(), &decisions);
  }
  // The last event of a request with `linked` is told so before all else.
  if (!decisions.empty() && decisions.back().refusal != 0 && linked(decisions.size() - 1)) {
    decisions.back().refusal = kLinkedEventChainOpen;
  }
  return decisions;
}

const auto& EventsOf(const pb::CreateAccountsRequest& request) { return request.accounts(); }
const auto& EventsOf(const pb::CreateTransfersRequest& request) { return request.transfers(); }
const auto& EventsOf(const pb::SetBalanceLimitsRequest& request) { return request.limits(); }
auto* MutableEventsOf(pb::CreateAccountsRequest* request) { return request->mutable_accounts(); }
auto* MutableEventsOf(pb::CreateTransfersRequest* request) { return request->mutable_transfers(); }
auto* MutableEventsOf(pb::SetBalanceLimitsRequest* request) { return request->mutable_limits(); }

template <typename Request>
Split SplitRequest(Request request, const std::set<uint32_t>& shards) {
  std::vector<Decision> decisions = Decide(EventsOf(request), shards, true);
  Split split;
  if (decisions.empty()) return split;
  const bool whole = std::all_of(decisions.begin(), decisions.end(), [&](const Decision& one) {
    return one.refusal == 0 && one.shard == decisions.front().shard;
  });
  if (whole) {
    split.parts.push_back({.shard = decisions.front().shard, .batch = std::move(request)});
    return split;
  }
  decisions = Decide(EventsOf(request), shards, false);
  std::map<uint32_t, std::pair<Request, std::vector<uint32_t>>> by_shard;
  for (uint32_t index = 0; index < decisions.size(); ++index) {
    if (decisions[index].refusal != 0) {
      pb::EventResult& result = split.refused.emplace_back();
      result.set_index(index);
      result.set_code(decisions[index].refusal);
      continue;
    }
    auto& [part, indexes] = by_shard[decisions[index].shard];
    *MutableEventsOf(&part)->Add() =
        std::move(*MutableEventsOf(&request)->Mutable(static_cast<int>(index)));
    indexes.push_back(index);
  }
  for (auto& [shard, part] : by_shard) {
    split.parts.push_back(
        {.shard = shard, .batch = std::move(part.first), .indexes = std::move(part.second)});
  }
  return split;
}

}  // namespace

Split SplitByShard(WriteBatch batch, const std::set<uint32_t>& shards) {
  INVARIANT(!shards.empty());
  return std::visit([&](auto& request) { return SplitRequest(std::move(request), shards); }, batch);
}

Join::Join(std::vector<std::vector<uint32_t>> indexes, std::vector<pb::EventResult> refused)
    : indexes_(std::move(indexes)), results_(std::move(refused)), missing_(indexes_.size()) {}

bool Join::Add(size_t part, absl::StatusOr<pb::CreateResponse> answer) {
  INVARIANT(missing_ > 0);
  --missing_;
  if (!answer.ok()) {
    ++failed_;
    if (!error_) error_ = answer.status();
    same_errors_ = same_errors_ && error_->code() == answer.status().code();
    return missing_ == 0;
  }
  const std::vector<uint32_t>& indexes = indexes_[part];
  for (pb::EventResult& result : *answer->mutable_results()) {
    if (!indexes.empty()) {
      INVARIANT(result.index() < indexes.size());
      result.set_index(indexes[result.index()]);
    }
    results_.push_back(std::move(result));
  }
  for (pb::Commit& commit : *answer->mutable_commits()) commits_.push_back(std::move(commit));
  return missing_ == 0;
}

absl::StatusOr<pb::CreateResponse> Join::Finish() {
  INVARIANT(missing_ == 0);
  if (error_) {
    if (failed_ == indexes_.size() && same_errors_) return *error_;
    return absl::UnavailableError(
        absl::StrCat("the request was executed in part at most; send it again with the same ids: ",
                     std::string(error_->message())));
  }
  std::sort(results_.begin(), results_.end(),
            [](const auto& a, const auto& b) { return a.index() < b.index(); });
  std::sort(commits_.begin(), commits_.end(), [](const pb::Commit& a, const pb::Commit& b) {
    return std::tuple(a.shard(), a.position()) < std::tuple(b.shard(), b.position());
  });
  pb::CreateResponse response;
  for (pb::EventResult& result : results_) *response.add_results() = std::move(result);
  for (pb::Commit& commit : commits_) *response.add_commits() = std::move(commit);
  return response;
}

}  // namespace ledger
