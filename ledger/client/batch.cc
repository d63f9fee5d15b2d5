#include "ledger/client/batch.h"

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "ledger/client/outcome.h"
#include "ledger/core/types.h"

namespace ledger {
namespace {

static_assert(AccountFlags::kLinked == TransferFlags::kLinked);

const auto& EventsOf(const pb::CreateAccountsRequest& request) { return request.accounts(); }
const auto& EventsOf(const pb::CreateTransfersRequest& request) { return request.transfers(); }
const auto& EventsOf(const pb::SetBalanceLimitsRequest& request) { return request.limits(); }
auto* MutableEventsOf(pb::CreateAccountsRequest* request) { return request->mutable_accounts(); }
auto* MutableEventsOf(pb::CreateTransfersRequest* request) { return request->mutable_transfers(); }
auto* MutableEventsOf(pb::SetBalanceLimitsRequest* request) { return request->mutable_limits(); }

template <typename Event>
bool IsLinkedEvent(const Event& event) {
  return (event.flags() & TransferFlags::kLinked) != 0;
}
bool IsLinkedEvent(const pb::BalanceLimit& /*event*/) { return false; }

// Whether a node takes the whole batch for imported, as its first event says.
bool IsImported(const pb::CreateAccountsRequest& request) {
  return request.accounts_size() > 0 &&
         (request.accounts(0).flags() & AccountFlags::kImported) != 0;
}
bool IsImported(const pb::CreateTransfersRequest& request) {
  return request.transfers_size() > 0 &&
         (request.transfers(0).flags() & TransferFlags::kImported) != 0;
}
bool IsImported(const pb::SetBalanceLimitsRequest& /*request*/) { return false; }

template <typename Event>
bool FitsRow(const Event& event) {
  return event.code() <= UINT16_MAX && event.flags() <= UINT16_MAX;
}
bool FitsRow(const pb::BalanceLimit& /*event*/) { return true; }

template <typename Request>
bool CanJoinAlike(const Request& first, uint32_t first_events, const Request& second) {
  const int own_events = EventsOf(first).size();
  if (own_events > 0 && IsLinkedEvent(EventsOf(first).Get(own_events - 1))) return false;
  if (IsImported(first) != IsImported(second)) return false;
  return first_events + static_cast<uint32_t>(EventsOf(second).size()) <= kBatchEventsMax;
}

}  // namespace

uint32_t EventCount(const WriteBatch& batch) {
  return std::visit(
      [](const auto& request) { return static_cast<uint32_t>(EventsOf(request).size()); }, batch);
}

bool IsLinked(const WriteBatch& batch, uint32_t event) {
  return std::visit(
      [event](const auto& request) {
        return IsLinkedEvent(EventsOf(request).Get(static_cast<int>(event)));
      },
      batch);
}

uint64_t EncodedBytes(const WriteBatch& batch) {
  return std::visit([](const auto& request) { return uint64_t{request.ByteSizeLong()}; }, batch);
}

void SetEpoch(uint64_t epoch, WriteBatch* batch) {
  std::visit([epoch](auto& request) { request.set_epoch(epoch); }, *batch);
}

bool CanJoin(const WriteBatch& first, uint32_t first_events, const WriteBatch& second) {
  if (first.index() != second.index()) return false;
  return std::visit(
      [&](const auto& request) {
        return CanJoinAlike(request, first_events,
                            std::get<std::decay_t<decltype(request)>>(second));
      },
      first);
}

bool CanJoin(const pb::CreateTransfersRequest& first, uint32_t first_events,
             const pb::CreateTransfersRequest& second) {
  return CanJoinAlike(first, first_events, second);
}

void Append(const WriteBatch& from, WriteBatch* to) {
  std::visit(
      [to](const auto& request) {
        auto* target = std::get_if<std::decay_t<decltype(request)>>(to);
        INVARIANT(target != nullptr);
        MutableEventsOf(target)->MergeFrom(EventsOf(request));
      },
      from);
}

void ForgiveRepeats(const WriteBatch& batch, pb::CreateResponse* response) {
  std::visit([response](const auto& request) { ForgiveRepeats(request, response); }, batch);
}

absl::Status Validate(const WriteBatch& batch) {
  const uint32_t events = EventCount(batch);
  if (events == 0) {
    return absl::InvalidArgumentError("the request has no events; send at least one");
  }
  if (events > kBatchEventsMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a request of ", events, " events is too long; send at most ", kBatchEventsMax, " in one"));
  }
  return std::visit(
      [](const auto& request) -> absl::Status {
        for (int index = 0; index < EventsOf(request).size(); ++index) {
          if (!FitsRow(EventsOf(request).Get(index))) {
            return absl::InvalidArgumentError(absl::StrCat(
                "event ", index, ": code and flags have 16 bits; send values below 65,536"));
          }
        }
        return absl::OkStatus();
      },
      batch);
}

}  // namespace ledger
