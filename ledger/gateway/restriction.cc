#include "ledger/gateway/restriction.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/core/types.h"

namespace ledger {
namespace {

constexpr uint32_t kCodeMax = 65'535;

absl::Status Closed(const std::string& what) {
  return absl::ResourceExhaustedError(absl::StrCat(
      what, " closed while the platform moves: nothing was executed; try again later, ",
      "with the same ids"));
}

bool EndsPending(const pb::Transfer& transfer) {
  return (transfer.flags() &
          (TransferFlags::kPostPendingTransfer | TransferFlags::kVoidPendingTransfer)) != 0;
}

bool IsNothing(const pb::Restriction& closed) {
  return !closed.new_accounts() && !closed.balance_limits() && closed.transfer_codes().empty();
}

}  // namespace

absl::StatusOr<pb::Restriction> Restrict(const pb::Restriction& closed,
                                         const pb::RestrictRequest& request) {
  for (const uint32_t code : request.close().transfer_codes()) {
    if (code > kCodeMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("transfer code ", code, ": codes are at most ", kCodeMax));
    }
  }
  const pb::Restriction before = request.open_all() ? pb::Restriction() : closed;
  std::set<uint32_t> codes(before.transfer_codes().begin(), before.transfer_codes().end());
  for (const uint32_t code : request.open().transfer_codes()) codes.erase(code);
  codes.insert(request.close().transfer_codes().begin(), request.close().transfer_codes().end());
  pb::Restriction after;
  after.set_new_accounts((before.new_accounts() && !request.open().new_accounts()) ||
                         request.close().new_accounts());
  after.set_balance_limits((before.balance_limits() && !request.open().balance_limits()) ||
                           request.close().balance_limits());
  for (const uint32_t code : codes) after.add_transfer_codes(code);
  return after;
}

absl::Status CheckOpen(const pb::Restriction& closed, const WriteBatch& batch) {
  if (std::holds_alternative<pb::CreateAccountsRequest>(batch)) {
    return closed.new_accounts() ? Closed("creating accounts is") : absl::OkStatus();
  }
  if (std::holds_alternative<pb::SetBalanceLimitsRequest>(batch)) {
    return closed.balance_limits() ? Closed("changing balance limits is") : absl::OkStatus();
  }
  if (closed.transfer_codes().empty()) return absl::OkStatus();
  for (const pb::Transfer& transfer : std::get<pb::CreateTransfersRequest>(batch).transfers()) {
    const bool is_closed = std::binary_search(closed.transfer_codes().begin(),
                                              closed.transfer_codes().end(), transfer.code());
    if (is_closed && !EndsPending(transfer)) {
      return Closed(absl::StrCat("transfers of code ", transfer.code(), " are"));
    }
  }
  return absl::OkStatus();
}

pb::Restriction ClosedClasses::Get() const {
  absl::MutexLock lock(&mutex_);
  return closed_ == nullptr ? pb::Restriction() : *closed_;
}

void ClosedClasses::Set(pb::Restriction closed) {
  absl::MutexLock lock(&mutex_);
  closed_ =
      IsNothing(closed) ? nullptr : std::make_shared<const pb::Restriction>(std::move(closed));
}

absl::Status ClosedClasses::Check(const WriteBatch& batch) const {
  std::shared_ptr<const pb::Restriction> closed;
  {
    absl::MutexLock lock(&mutex_);
    closed = closed_;
  }
  return closed == nullptr ? absl::OkStatus() : CheckOpen(*closed, batch);
}

}  // namespace ledger
