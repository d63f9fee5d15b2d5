#include "lab/load/gateways.h"

#include <algorithm>
#include <future>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "rpc/rpc.h"

namespace lab {
namespace {

constexpr absl::Duration kAttemptTimeout = absl::Seconds(30);
constexpr absl::Duration kBackoffMin = absl::Milliseconds(10);
constexpr absl::Duration kBackoffMax = absl::Milliseconds(200);
constexpr uint64_t kLookupsAtOnce = 16;

}  // namespace

pb::Id ToProto(const base::Id128& id) {
  pb::Id proto;
  proto.set_high(id.high);
  proto.set_low(id.low);
  return proto;
}

base::Id128 FromProto(const pb::Id& id) { return {id.high(), id.low()}; }

Leg FromProto(const pb::Transfer& transfer) {
  return {.id = FromProto(transfer.id()),
          .debit = FromProto(transfer.debit_account_id()),
          .credit = FromProto(transfer.credit_account_id()),
          .amount = transfer.amount()};
}

void AppendChain(const Transaction& transaction, uint32_t currency,
                 pb::CreateTransfersRequest& request) {
  for (const Leg& leg : transaction.legs) {
    pb::Transfer& transfer = *request.add_transfers();
    *transfer.mutable_id() = ToProto(leg.id);
    *transfer.mutable_debit_account_id() = ToProto(leg.debit);
    *transfer.mutable_credit_account_id() = ToProto(leg.credit);
    transfer.set_amount(leg.amount);
    if (!transaction.reverses.IsZero()) {
      *transfer.mutable_user_data_128() = ToProto(transaction.reverses);
    }
    transfer.set_ledger(currency);
    transfer.set_code(static_cast<uint32_t>(transaction.kind));
    if (&leg != &transaction.legs.back()) transfer.set_flags(pb::TRANSFER_FLAG_LINKED);
  }
}

bool MayHaveBeenExecuted(const grpc::Status& status) {
  return status.error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED &&
         status.error_code() != grpc::StatusCode::INVALID_ARGUMENT &&
         status.error_code() != grpc::StatusCode::FAILED_PRECONDITION;
}

bool IsWorthRetrying(const grpc::Status& status) {
  return status.error_code() != grpc::StatusCode::INVALID_ARGUMENT &&
         status.error_code() != grpc::StatusCode::FAILED_PRECONDITION &&
         status.error_code() != grpc::StatusCode::UNIMPLEMENTED;
}

absl::StatusOr<std::unique_ptr<Gateways>> Gateways::Connect(
    const std::vector<std::string>& addresses, const base::Clock* clock, absl::Duration patience) {
  if (addresses.empty()) {
    return absl::InvalidArgumentError("no gateway: write --gateways HOST:PORT,HOST:PORT");
  }
  std::unique_ptr<Gateways> gateways(new Gateways(clock, patience));
  for (const std::string& address : addresses) {
    gateways->stubs_.push_back(pb::Ledger::NewStub(rpc::Connect(address)));
  }
  return gateways;
}

void Gateways::SetDeadline(grpc::ClientContext& context, absl::Duration timeout) const {
  context.set_deadline(absl::ToChronoTime(clock_->WallNow() + timeout));
}

template <typename Request, typename Response>
absl::StatusOr<Response> Gateways::Call(
    grpc::Status (pb::Ledger::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
    const Request& request) {
  const absl::Duration give_up = clock_->MonotonicNow() + patience_;
  absl::Duration backoff = kBackoffMin;
  for (size_t gateway = NextIndex();; ++gateway) {
    grpc::ClientContext context;
    SetDeadline(context, kAttemptTimeout);
    Response response;
    const grpc::Status status = (At(gateway).*method)(&context, request, &response);
    if (status.ok()) return response;
    if (!IsWorthRetrying(status) || clock_->MonotonicNow() >= give_up) {
      return rpc::FromGrpc(status);
    }
    absl::SleepFor(backoff);
    backoff = std::min(backoff * 2, kBackoffMax);
  }
}

absl::StatusOr<pb::CreateResponse> Gateways::CreateAccounts(
    const pb::CreateAccountsRequest& request) {
  return Call(&pb::Ledger::Stub::CreateAccounts, request);
}

absl::StatusOr<pb::CreateResponse> Gateways::CreateTransfers(
    const pb::CreateTransfersRequest& request) {
  return Call(&pb::Ledger::Stub::CreateTransfers, request);
}

absl::StatusOr<pb::AccountsResponse> Gateways::LookupAccounts(const pb::LookupRequest& request) {
  return Call(&pb::Ledger::Stub::LookupAccounts, request);
}

absl::StatusOr<pb::TransfersResponse> Gateways::LookupTransfers(const pb::LookupRequest& request) {
  return Call(&pb::Ledger::Stub::LookupTransfers, request);
}

absl::StatusOr<pb::TransfersResponse> Gateways::GetAccountTransfers(
    const pb::AccountFilter& request) {
  return Call(&pb::Ledger::Stub::GetAccountTransfers, request);
}

namespace {

using Balances = std::vector<std::optional<Balance>>;

// Of each kLookupsAtOnce-th request's accounts, from account `first` on.
absl::Status LookupSome(Gateways& gateways, const AccountSpace& space, uint64_t first,
                        Balances& balances) {
  constexpr uint64_t kStride = uint64_t{kLookupsAtOnce} * kLookupIdsMax;
  for (uint64_t begin = first; begin < space.size(); begin += kStride) {
    pb::LookupRequest request;
    const uint64_t end = std::min<uint64_t>(begin + kLookupIdsMax, space.size());
    for (uint64_t ordinal = begin; ordinal < end; ++ordinal) {
      *request.add_ids() = ToProto(space.IdOf(ordinal));
    }
    ASSIGN_OR_RETURN(const pb::AccountsResponse response, gateways.LookupAccounts(request));
    for (const pb::Account& account : response.accounts()) {
      const auto found = space.OrdinalOf(FromProto(account.id()));
      if (!found || *found < begin || *found >= end) {
        return absl::InternalError("the gateway answered an account not asked for");
      }
      balances[*found] = {.debits = account.debits_posted(), .credits = account.credits_posted()};
    }
  }
  return absl::OkStatus();
}

}  // namespace

// Several at once, since each takes a round trip of the link.
absl::StatusOr<std::vector<std::optional<Balance>>> LookupBalances(Gateways& gateways,
                                                                   const AccountSpace& space) {
  Balances balances(space.size());
  std::vector<std::future<absl::Status>> lookups;
  for (uint64_t number = 0; number < kLookupsAtOnce; ++number) {
    lookups.push_back(std::async(std::launch::async, [&, first = number * kLookupIdsMax] {
      return LookupSome(gateways, space, first, balances);
    }));
  }
  absl::Status status;
  for (std::future<absl::Status>& lookup : lookups) status.Update(lookup.get());
  RETURN_IF_ERROR(status);
  return balances;
}

}  // namespace lab
